"""Titles in audio files: what may stand in one, and a small ID3v2.3 writer for MP3."""

from __future__ import annotations

import re
from typing import Final

_HEADER: Final = b"ID3\x03\x00\x00"
_UTF16_WITH_MARK: Final = b"\x01"
_NO_FLAGS: Final = b"\x00\x00"
_MAX_TITLE: Final = 200
_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")


def printable(title: str) -> str:
    """Return the first 200 characters of ``title`` without control characters and halves of surrogate pairs."""
    return _UNPRINTABLE.sub(" ", title).strip()[:_MAX_TITLE]


def title_tag(title: str) -> bytes:
    """Return an ID3v2.3 tag with the printable ``title``, or nothing where it is blank."""
    shown = printable(title)
    if not shown:
        return b""
    text = _UTF16_WITH_MARK + shown.encode("utf-16") + b"\x00\x00"
    frame = b"TIT2" + len(text).to_bytes(4, "big") + _NO_FLAGS + text
    return _HEADER + _syncsafe(len(frame)) + frame


def _syncsafe(size: int) -> bytes:
    """Return ``size`` in four bytes of seven bits, as ID3 counts, so that no byte looks like the start of a frame."""
    return bytes((size >> shift) & 0x7F for shift in (21, 14, 7, 0))
