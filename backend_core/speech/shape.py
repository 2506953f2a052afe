"""The text as the normaliser looks at it: same length and positions, with everything unspeakable neutralised."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

JOIN: Final = "\ue000"
"""Stands for a character inside a word that is no letter of its own: combining marks, soft hyphens, a hyphen at a line's end.

It is a private-use character; such characters of the text itself become blanks.
"""

_SOFT_HYPHENS: Final = "\u00ad\u0002"
"""U+0002 is how pdfium writes a hyphen that only ends a line."""
_ZERO_WIDTH_SPACE: Final = "\u200b"
_JOINERS: Final = "\u200c\u200d"
"""They choose between letter forms in Persian and Indic scripts and between emoji, so the engine must see them."""
_SPEAKABLE_COMPATIBILITY: Final = ("<super>", "<sub>", "<fraction>")
"""Folding these would change what is read: x² is not x2, ½ is not 1⁄2."""

_UNUSUAL: Final = re.compile(r"[^\w\s\x21-\x7e]")
_RULES_AND_BORDERS: Final = re.compile(rf"([^\w\s.!?{JOIN}])\1{{2,}}")
_LINE_END_HYPHEN: Final = re.compile(r"(?<=[^\W\d_])-[ \t]*\r?\n[ \t]*(?=[^\W\d_])")


def shape(text: str, *, skips: Sequence[tuple[int, int, str]] = ()) -> str:
    """Return ``text`` with blanks for skipped, control, surrogate and private characters and ``JOIN`` inside words.

    The result has the same length, so that every position in it is a position in ``text``.
    """
    shaped = _UNUSUAL.sub(_neutral, text)
    shaped = _LINE_END_HYPHEN.sub(_join_if_lower, shaped)
    shaped = _RULES_AND_BORDERS.sub(lambda run: " " * len(run[0]), shaped)
    if not skips:
        return shaped
    letters = list(shaped)
    for start, end, reason in skips:
        low, high = start, _end_of_whole_line(text, start, end)
        letters[low:high] = (JOIN if "hyphen" in reason.lower() else " ") * (high - low)
    return "".join(letters)


def written(text: str, shaped: str) -> str:
    """Return what a word of ``text`` says, given the same range of its shape: no invisible characters, ligatures spelled out."""
    if text == shaped and text.isascii():
        return text
    kept = "".join(_said(char, seen) for char, seen in zip(text, shaped, strict=True))
    return unicodedata.normalize("NFC", kept)


def _neutral(found: re.Match[str]) -> str:
    char = found[0]
    if char in _SOFT_HYPHENS:
        return JOIN
    category = unicodedata.category(char)
    if category[0] == "M" or (category == "Cf" and char != _ZERO_WIDTH_SPACE):
        return JOIN
    return " " if category[0] == "C" else char


def _join_if_lower(found: re.Match[str]) -> str:
    # A capital after the break belongs to a compound such as Anglo-Saxon: it keeps its hyphen.
    return JOIN * len(found[0]) if found.string[found.end()].islower() else found[0]


def _end_of_whole_line(text: str, start: int, end: int) -> int:
    """Return ``end``, or one more where a whole line is skipped: its line break would look like the end of a paragraph."""
    starts_line = start == 0 or text[start - 1] == "\n"
    return end + 1 if starts_line and end < len(text) and text[end] == "\n" else end


def _belongs(char: str) -> bool:
    return char in _JOINERS or unicodedata.category(char)[0] == "M"


def _said(char: str, seen: str) -> str:
    if seen == JOIN:
        return char if _belongs(char) else ""
    return _folded(char) if char == seen else seen


def _folded(char: str) -> str:
    decomposition = unicodedata.decomposition(char)
    if not decomposition.startswith("<") or decomposition.startswith(_SPEAKABLE_COMPATIBILITY):
        return char
    return unicodedata.normalize("NFKC", char)
