"""Moderation on this computer: word rules for English and German. Fast, private, always there, and blind to most of what people mean."""

from __future__ import annotations

import bisect
import re
import unicodedata
from collections.abc import Mapping
from typing import Final

from backend_core.lazy_pattern import LazyPattern
from backend_core.safety.limits import CATEGORIES, MINORS
from backend_core.safety.words import DOUBTFUL, HARMLESS, NEVER, PATTERNS, SEXUAL, YOUNG

NAME: Final = "local"
LABEL: Final = "Local word rules, English and German: they find plain words only and miss most of what a trained model finds."
PIECE: Final = 10_000
"""Characters looked at together; pieces of a longer text overlap, so that nothing hides at a seam."""
OVERLAP: Final = 400
NEAR: Final = 80
_UMLAUTS: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "’": "'", "‘": "'", "`": "'"})
_DIGITS: Final = str.maketrans("013457@$", "oieastas")
_MIXED: Final = LazyPattern(r"[a-z013457@$]{3,}")
_SPELLED: Final = LazyPattern(r"\b(?:[a-z][ ._*-]){2,}[a-z]\b")
_GAPS: Final = LazyPattern(r"[ ._*-]")
_BLANKS: Final = LazyPattern(r"\s+")
_PATTERNS: Final = {name: tuple((score, LazyPattern(text)) for score, text in found) for name, found in PATTERNS.items()}
_HARMLESS: Final = LazyPattern("|".join(HARMLESS))
_YOUNG, _SEXUAL, _NEVER, _DOUBTFUL = (LazyPattern(text) for text in (YOUNG, SEXUAL, NEVER, DOUBTFUL))
_WIDE: Final = (_NEVER, _YOUNG, _SEXUAL, _DOUBTFUL)


class LocalRules:
    """The word rules as a moderation provider."""

    name = NAME
    low_recall = True

    def scores(self, text: str) -> Mapping[str, float]:
        """Return a score of 0 to 1 for every category."""
        found = [self._scores(_HARMLESS.sub(" ", variant)) for piece in _pieces(text) for variant in _variants(folded(piece))]
        return {name: max(one[name] for one in found) for name in CATEGORIES}

    def may_concern_minors(self, text: str) -> bool:
        """Return whether a person should look before this passes, where nobody better can: a wide net with many false alarms."""
        found = [[pattern.search(plain) is not None for pattern in _WIDE] for piece in _pieces(text) for plain in _variants(folded(piece))]
        never, young, sexual, doubtful = (any(row[place] for row in found) for place in range(len(_WIDE)))
        return never or (young and (sexual or doubtful))

    def _scores(self, text: str) -> dict[str, float]:
        scores = {name: _together(text, patterns) for name, patterns in _PATTERNS.items()}
        return scores | {MINORS: _minors(text)}


def folded(text: str) -> str:
    r"""Return the text as the rules read it: one spelling, lower case, nothing invisible.

    >>> folded("Grü\u200bße  AN\u00a0Zoë")
    'gruesse an zoe'
    """
    plain = unicodedata.normalize("NFKC", text).casefold().translate(_UMLAUTS)
    # what is left of marks above and below letters, and characters that only steer
    letters = (
        mark for mark in unicodedata.normalize("NFKD", plain) if unicodedata.category(mark) not in {"Mn", "Cf", "Cc"} or mark in "\n\t"
    )
    return _BLANKS.sub(" ", "".join(letters)).strip()


def _pieces(text: str) -> tuple[str, ...]:
    return tuple(text[start : start + PIECE] for start in range(0, max(1, len(text) - OVERLAP), PIECE - OVERLAP))


def _variants(plain: str) -> tuple[str, ...]:
    """Return the text, and the text with spelled-out and digit-for-letter words put right where there are any."""
    joined = _SPELLED.sub(lambda found: _GAPS.sub("", found[0]), plain)
    mended = _MIXED.sub(_letters, joined)
    return (plain,) if mended == plain else (plain, mended)


def _letters(word: re.Match[str]) -> str:
    # an age or a price stays what it is
    return word[0].translate(_DIGITS) if any("a" <= letter <= "z" for letter in word[0]) else word[0]


def _together(text: str, patterns: tuple[tuple[float, LazyPattern], ...]) -> float:
    """Return the score of several signs: each makes up for part of what the others leave open."""
    doubt = 1.0
    for score, pattern in patterns:
        if pattern.search(text):
            doubt *= 1 - score
    return round(1 - doubt, 3)


def _minors(text: str) -> float:
    if _NEVER.search(text):
        return 1.0
    ends = [found.end() for found in _YOUNG.finditer(text)]
    for found in _SEXUAL.finditer(text) if ends else ():
        place = bisect.bisect_left(ends, found.start() - NEAR)
        if place < len(ends) and ends[place] <= found.end() + NEAR:
            return 0.9
    return 0.0
