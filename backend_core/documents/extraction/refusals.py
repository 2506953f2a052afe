"""Every way a document can be refused: the child sends a code, this side turns it into its sentence.

The child handles hostile bytes, so its own words are never shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from backend_core.errors import LecternError, TooLarge, UnreadableFile

if TYPE_CHECKING:
    from backend_core.documents.extraction.limits import Limits


class Refusal(Exception):
    """Raised inside the child; `code` is a key of the table below."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


_SENTENCES: Final[dict[str, tuple[type[LecternError], str]]] = {
    "password": (UnreadableFile, "This PDF is protected by a password."),
    "damaged_pdf": (UnreadableFile, "This PDF is damaged or cut short."),
    "damaged_page": (UnreadableFile, "A page of this PDF is damaged and cannot be read."),
    "no_pages": (UnreadableFile, "This PDF has no pages."),
    "no_text_layer": (UnreadableFile, "This PDF has no text layer; it looks like a scan."),
    "no_text": (UnreadableFile, "This document has no readable text."),
    "damaged_docx": (UnreadableFile, "This Word document is damaged or is not a Word document."),
    "zip_names": (UnreadableFile, "This Word document holds unsafe file names and was not opened."),
    "zip_members": (TooLarge, "This Word document holds more than {members:,} parts and was not opened."),
    "zip_bomb": (TooLarge, "This Word document unpacks to far more than its size and was not opened."),
    "not_text": (UnreadableFile, "This file is not plain text."),
    "encoding": (UnreadableFile, "The encoding of this text file is not known; save it as UTF-8."),
    "too_many_pages": (TooLarge, "This document has more than {pages:,} pages."),
    "page_too_long": (TooLarge, "A page of this document holds more than {page_chars:,} characters."),
    "too_long": (TooLarge, "This document holds more than {total_chars:,} characters."),
    "memory": (TooLarge, "Reading this file needs more memory than the limit of {memory_mb:,} MB."),
    "unreadable": (UnreadableFile, "This file could not be read; it may be damaged."),
}


def refusal(code: object, *, limits: Limits) -> LecternError:
    """Return the error for a code sent by the child; an unknown code is an unreadable file."""
    error, sentence = _SENTENCES.get(str(code), _SENTENCES["unreadable"])
    return error(
        sentence.format(
            members=limits.members,
            pages=limits.pages,
            page_chars=limits.page_chars,
            total_chars=limits.total_chars,
            memory_mb=limits.memory_bytes // 2**20,
        )
    )
