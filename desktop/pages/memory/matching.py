"""Why a memory was found: which of its words matched, and what else spoke for it; runs in workers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from desktop.i18n import tr
from desktop.pages.memory.lines import Why

if TYPE_CHECKING:
    from backend_core.memory.records import Hit

_WORD: Final = re.compile(r"\w+(?:['’.:]\w+)*")
_REASONS: Final = {
    "neighbour": "neighbour",
    "date": "date",
    "meaning": "meaning",
    "day": "same day",
    "speaker": "speaker",
    "salience": "salience",
    "conflict": "contradicted",
}
_OWN: Final = frozenset({"word", "date", "meaning", "speaker"})
_SMALL: Final = 0.05


def one_line(text: str) -> str:
    """Return a text with every run of blanks and line ends made one blank."""
    return " ".join(text.split())


def words_of(query: str) -> tuple[str, ...]:
    """Return the words of a query that count, as they were written there."""
    from backend_core.memory.terms import asked

    return tuple(asked(query).values())


def spans(text: str, query: str) -> tuple[tuple[int, int], ...]:
    """Return (first character, length) of the words of ``text`` that mean a word of ``query``."""
    if not query:
        return ()
    from backend_core.memory.terms import asked, terms

    wanted = set(asked(query))
    return tuple((found.start(), len(found[0])) for found in _WORD.finditer(text) if not wanted.isdisjoint(terms(found[0])))


def matched(hit: Hit) -> bool:
    """Return whether a memory itself says or means what was looked for."""
    return any(part.why in _OWN and part.score > 0 for part in hit.parts)


def why_of(hit: Hit, words_asked: Sequence[str]) -> tuple[Why, ...]:
    """Return the parts of a score: words as they were asked for, every other reason once, nothing that hardly counts."""
    words: dict[str, float] = {}
    others: dict[str, float] = {}
    for part in hit.parts:
        known = part.why == "word"
        lane = words if known else others
        name = part.term if known else tr(_REASONS.get(part.why, "wording"))
        lane[name] = lane.get(name, 0.0) + part.score
    places = {word: place for place, word in enumerate(words_asked)}
    said = sorted((Why(name, score, word=places.get(name, len(places))) for name, score in words.items()), key=lambda one: one.word or 0)
    rest = sorted((Why(name, score) for name, score in others.items()), key=lambda one: -one.score)
    return tuple(one for one in (*said, *rest) if abs(one.score) >= _SMALL)
