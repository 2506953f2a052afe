"""Which kind of document a file is, by its name and its first bytes together."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from backend_core.errors import UnreadableFile, UnsupportedFile

KINDS: Final = {"pdf": "pdf", "docx": "docx", "md": "md", "markdown": "md", "txt": "txt", "text": "txt"}
_HEAD_BYTES: Final = 65_536
# The PDF header may follow a little junk.
_PDF_HEADER_WITHIN: Final = 1024
_PDF: Final = b"%PDF-"
_ZIP: Final = b"PK\x03\x04"
_OLD_OFFICE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
UTF16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")


def kind_of(path: Path, *, filename: str) -> str:
    """Return ``pdf``, ``docx``, ``md`` or ``txt``; the name's extension and the content must agree.

    Args:
        path: the file as it lies on disk, under any name.
        filename: the name it came with.

    Raises:
        UnsupportedFile: an extension Lectern does not read.
        UnreadableFile: empty, missing, or content of another kind.
    """
    kind = KINDS.get(filename.rpartition(".")[2].strip().lower()) if "." in filename else None
    if kind is None:
        raise UnsupportedFile("Lectern reads files whose name ends in .pdf, .docx, .md or .txt.")
    head = _head(path)
    if not head:
        raise UnreadableFile("This file is empty.")
    check = {"pdf": _check_pdf, "docx": _check_docx}.get(kind, _check_text)
    check(head)
    return kind


def _head(path: Path) -> bytes:
    """Return the first 64 kB; only regular files are opened, since a pipe or device could block."""
    try:
        if not path.is_file():
            raise UnreadableFile("This is not a file, or it is no longer there.")
        with path.open("rb") as file:
            return file.read(_HEAD_BYTES)
    except OSError:
        raise UnreadableFile("This file could not be opened.") from None


def _check_pdf(head: bytes) -> None:
    if _PDF not in head[:_PDF_HEADER_WITHIN]:
        raise UnreadableFile("This file is named .pdf but does not hold a PDF.")


def _check_docx(head: bytes) -> None:
    if head.startswith(_OLD_OFFICE):
        raise UnreadableFile("This Word file is protected by a password or saved in the old .doc format.")
    if not head.startswith(_ZIP):
        raise UnreadableFile("This file is named .docx but does not hold a Word document.")


def _check_text(head: bytes) -> None:
    if head.startswith((_PDF, _ZIP, _OLD_OFFICE)):
        raise UnreadableFile("This file is named as text but holds another kind of document.")
    if b"\0" in head and not head.startswith(UTF16_MARKS):
        raise UnreadableFile("This file is not plain text.")
