"""The weights of a search, apart from what computes with them, so that whoever only names them loads nothing large."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """The weights of a search; as delivered they are what leave-one-chat-out on public chats chose (docs/memory-search.md).

    Attributes:
        k1, b: of BM25: how soon repetition saturates, how much length counts.
        before: what a word said 1, 2 ... turns earlier counts here; ``after``: the same for later ones.
        asks: factor for a memory that ends in a question.
        speaker: factor for what was said by whom the question names.
        first_person, time, number: factors for a memory that tells of its speaker, a time asked for, a number asked for.
        length: exponent of the length in terms.
        day: part of the best score of a day that all of the day gets.
        meaning: weight of vectors beside words, both scaled to a best of 1.
        meaning_near: part of the likeness of the turns beside it that a memory gets.
        candidates: how many are looked at more closely.
    """

    k1: float = 0.9
    b: float = 0.4
    before: tuple[float, ...] = (0.8, 0.5, 0.3)
    after: tuple[float, ...] = (0.6, 0.3, 0.1)
    asks: float = 0.85
    speaker: float = 1.25
    first_person: float = 1.1
    time: float = 1.2
    number: float = 1.2
    length: float = 0.15
    day: float = 0.2
    meaning: float = 0.8
    meaning_near: float = 0.25
    candidates: int = 40


STANDARD: Final = Ranking()
"""As delivered."""
