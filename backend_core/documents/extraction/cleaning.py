"""Plain text as it may be stored, shown and spoken: NFC, line feeds, no control characters."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

# Control characters but tab and line feed, other line ends, the soft hyphen, byte-order mark, lone surrogates and noncharacters.
# A NUL would cut speech short and PostgreSQL refuses it; U+0001 is a command to the speech engine.
_UNWANTED: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u2028\u2029\ud800-\udfff\ufdd0-\ufdef\ufeff\ufffe\uffff]")
_LINE_ENDS: Final = re.compile("\r\n?|[\x0c\x85\u2028\u2029]")
_SOFT_HYPHEN_AT_END: Final = re.compile("\u00ad[ \t]*(?:\r\n?|\n)")
_LIGATURES: Final = {0xFB00: "ff", 0xFB01: "fi", 0xFB02: "fl", 0xFB03: "ffi", 0xFB04: "ffl", 0xFB05: "st", 0xFB06: "st"}
_LIGATURE: Final = re.compile("[\ufb00-\ufb06]")


def clean(text: str) -> str:
    r"""Return `text` in NFC with line feeds, ligatures written out, and nothing that has no glyph and no meaning.

    >>> clean("o\u0302 e\ufb03cient\r\nsoft\u00ad\nware\x00")
    'ô efficient\nsoftware'
    """
    text = text.replace("\r\n", "\n")
    if not text.isascii():
        text = _LIGATURE.sub(lambda match: _LIGATURES[ord(match[0])], text)
        text = unicodedata.normalize("NFC", text)
    # Most pages need none of this, and one search is cheaper than three substitutions.
    if _UNWANTED.search(text):
        text = _LINE_ENDS.sub("\n", _SOFT_HYPHEN_AT_END.sub("", text))
        text = _UNWANTED.sub("", text)
    while " \n" in text:
        text = text.replace(" \n", "\n")
    return text.strip("\n ")
