"""Plain text in the encodings people really send, and the division of long texts into pages (runs in the child)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from backend_core.documents.extraction.cleaning import clean
from backend_core.documents.extraction.refusals import Refusal
from backend_core.documents.extraction.skips import Skip

if TYPE_CHECKING:
    from backend_core.documents.extraction.limits import Limits

PAGE_CHARS: Final = 20_000
_UTF16: Final = (b"\xff\xfe", b"\xfe\xff")
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_MAX_CONTROL_SHARE: Final = 0.01
# Western text has few letters beyond ASCII; Greek or Russian in an old 8-bit code decodes to almost nothing else.
_MAX_ACCENTED_SHARE: Final = 0.4
# Where a text may be cut, best first: blank line, line, after a sentence, blank.
_CUTS: Final = (re.compile(r"\n[ \t]*\n\s*"), re.compile(r"\n"), re.compile(r"(?<=[.!?…])\s"), re.compile(r"\s"))


def read(path: Path, *, limits: Limits, report: Callable[[int, int], None]) -> list[tuple[str, tuple[Skip, ...]]]:
    """Return (text, no skips) for every page of a text file.

    Raises:
        Refusal: binary, in an unknown encoding, blank, or over a limit.
    """
    return divided(decoded(path.read_bytes(), limits=limits), limits=limits, report=report)


def decoded(content: bytes, *, limits: Limits) -> str:
    """Return `content` as text: UTF-8, UTF-16 with its mark, or Windows-1252, nothing replaced."""
    # No encoding here needs more than four bytes for a character.
    if len(content) > limits.total_chars * 4:
        raise Refusal("too_long")
    text = _decoded(content)
    if "\0" in text or len(_CONTROLS.findall(text)) > _MAX_CONTROL_SHARE * len(text):
        raise Refusal("not_text")
    return text


def divided(text: str, *, limits: Limits, report: Callable[[int, int], None]) -> list[tuple[str, tuple[Skip, ...]]]:
    """Return `text` as pages: at form feeds, and where longer than 20,000 characters at paragraph ends."""
    if len(text) > limits.total_chars:
        raise Refusal("too_long")
    sheets = [clean(sheet) for sheet in text.split("\f")]
    pages = [page for sheet in sheets for page in _cut(sheet)]
    # The form feed after the last page does not begin another one.
    while pages and not pages[-1]:
        pages.pop()
    if not any(page.strip() for page in pages):
        raise Refusal("no_text")
    if len(pages) > limits.pages:
        raise Refusal("too_many_pages")
    report(len(pages), len(pages))
    return [(page, ()) for page in pages]


def _decoded(content: bytes) -> str:
    try:
        if content.startswith(_UTF16):
            return content.decode("utf-16")
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return _western(content)


def _western(content: bytes) -> str:
    """Return `content` as Windows-1252, unless that would only make garbage of another encoding."""
    if b"\0" in content:
        raise Refusal("not_text")
    try:
        text = content.decode("cp1252")
    except UnicodeDecodeError:
        raise Refusal("encoding") from None
    letters = [sign for sign in text if sign.isalpha()]
    if sum(1 for sign in letters if not sign.isascii()) > _MAX_ACCENTED_SHARE * len(letters):
        raise Refusal("encoding")
    return text


def _cut(text: str) -> Iterator[str]:
    """Yield pieces of at most 20,000 characters, each cut at the best place in its second half."""
    start = 0
    while len(text) - start > PAGE_CHARS:
        end = _cut_at(text, start)
        yield text[start:end].strip("\n ")
        start = end
    yield text[start:].strip("\n ")


def _cut_at(text: str, start: int) -> int:
    """Return where the piece that begins at `start` ends."""
    for pattern in _CUTS:
        places = [match.end() for match in pattern.finditer(text, start + PAGE_CHARS // 2, start + PAGE_CHARS)]
        if places:
            return places[-1]
    return start + PAGE_CHARS
