"""How much of each category is accepted, of what people write and of what a persona answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

Direction = Literal["input", "output"]
Action = Literal["allowed", "blocked", "crisis", "unchecked"]

MINORS: Final = "minors"
SELF_HARM: Final = "self-harm"
ANY: Final = "any"
"""Stands for every category where nobody could look."""
LIMITS: Final[Mapping[Direction, Mapping[str, float]]] = {
    "input": {"hate": 0.5, "harassment": 0.6, "sexual": 0.7, MINORS: 0.0, "violence": 0.6, SELF_HARM: 0.3},
    "output": {"hate": 0.3, "harassment": 0.4, "sexual": 0.5, MINORS: 0.0, "violence": 0.4, SELF_HARM: 0.2},
}
CATEGORIES: Final = tuple(LIMITS["input"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How much of one category a text has.

    Attributes:
        score: 0 to 1; None when nobody could say.
        limit: the most that is accepted.
    """

    category: str
    score: float | None
    limit: float

    @property
    def over(self) -> bool:
        """Whether it is more than accepted; what nobody could judge is."""
        return self.score is None or self.score > self.limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What moderation says of one text.

    Attributes:
        action: ``allowed``; ``blocked``: kept for review, but neither remembered nor shown to a persona nor answered; ``crisis``:
            answered with ``crisis_reply`` and nothing else; ``unchecked``: passed, because the service that should have looked was away.
        categories: every category, or only those that could be judged.
        provider: who looked: ``local``, or ``openai+local``.
        low_recall: only the local rules looked, which miss most.
        crisis_reply: what to answer, whatever the action, when somebody may harm themselves.
    """

    action: Action
    direction: Direction
    categories: tuple[Score, ...]
    provider: str
    low_recall: bool
    crisis_reply: str | None = None

    @property
    def over(self) -> tuple[Score, ...]:
        """The categories that are over their limit, the worst first."""
        return tuple(sorted((one for one in self.categories if one.over), key=lambda one: -_excess(one)))

    @property
    def passed(self) -> bool:
        """Whether the text goes on its way."""
        return self.action in {"allowed", "unchecked"}


def judged(scores: Mapping[str, float], direction: Direction) -> tuple[Score, ...]:
    """Return each score beside its limit, in the order of ``CATEGORIES``.

    >>> [one.category for one in judged({"hate": 0.5, "minors": 0.1}, "input") if one.over]
    ['minors']
    """
    limits = LIMITS[direction]
    return tuple(Score(category=name, score=scores.get(name, 0.0), limit=limits[name]) for name in CATEGORIES)


def _excess(score: Score) -> float:
    return 1.0 if score.score is None else score.score - score.limit
