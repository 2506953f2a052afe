"""How well a memory fits a question: weights, what words and vectors give, and what speaks for or against it besides."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from backend_core.memory import cues
from backend_core.memory.dates import is_date
from backend_core.memory.indexing import APART
from backend_core.memory.records import Memory, Part, Why
from backend_core.memory.terms import words
from backend_core.memory.weights import Ranking

Floats = npt.NDArray[np.float64]
_CONFLICT: Final = 0.8


@dataclass(frozen=True, slots=True)
class Found:
    """The places where one term stands.

    Attributes:
        turns: where.
        weights: its BM25 weight there, without how rare it is.
    """

    term: str
    turns: npt.NDArray[np.int32]
    weights: npt.NDArray[np.float32]


@dataclass(slots=True)
class Scores:
    """Scores over all turns of one container.

    Attributes:
        first: the turn that index 0 stands for.
        own: by term, what the memory itself gives.
        lent: by term, the better of its own and what neighbours lend.
        meaning: what vectors give.
        total: the sum.
    """

    first: int
    total: Floats
    own: dict[str, Floats] = field(default_factory=dict)
    lent: dict[str, Floats] = field(default_factory=dict)
    meaning: Floats | None = None

    def best(self, count: int) -> list[int]:
        """Return the turns with the highest scores above zero, best first; the later one of two equals."""
        last = len(self.total) - 1
        order = np.lexsort((np.arange(last, -1, -1), -self.total)) if count >= last else self._top(count)
        return [int(i) + self.first for i in order[:count] if self.total[i] > 0]

    def _top(self, count: int) -> npt.NDArray[np.int64]:
        threshold = np.partition(self.total, -count)[-count]
        among = np.flatnonzero(self.total >= threshold)
        return among[np.lexsort((-among, -self.total[among]))]


def by_words(found: Sequence[Found], *, memories: int, ranking: Ranking) -> Scores | None:
    """Return the score of every turn by words; None when no word stands anywhere."""
    if not found:
        return None
    first = min(int(one.turns.min()) for one in found) - APART
    size = max(int(one.turns.max()) for one in found) + APART + 1 - first
    scores = Scores(first, np.zeros(size))
    for one in found:
        rare = math.log1p((memories - len(one.turns) + 0.5) / (len(one.turns) + 0.5))
        own = np.zeros(size)
        own[one.turns - first] = one.weights * max(rare, 0.0)
        lent = own if is_date(one.term) else _lent(own, ranking)
        scores.own[one.term], scores.lent[one.term] = own, lent
        scores.total += lent
    return scores


def _lent(own: Floats, ranking: Ranking) -> Floats:
    best = own.copy()
    for distance, share in enumerate(ranking.before, start=1):
        np.maximum(best[distance:], share * own[:-distance], out=best[distance:])
    for distance, share in enumerate(ranking.after, start=1):
        np.maximum(best[:-distance], share * own[distance:], out=best[:-distance])
    return best


def with_meaning(scores: Scores | None, turns: npt.NDArray[np.int32], likeness: Floats, *, ranking: Ranking) -> Scores | None:
    """Return words and vectors together: each scaled to a best of 1, so that neither drowns the other."""
    if not len(turns):
        return scores
    low = min(int(turns.min()), scores.first if scores else int(turns.min()))
    high = max(int(turns.max()), scores.first + len(scores.total) - 1 if scores else 0)
    likely = np.zeros(high - low + 1)
    likely[turns - low] = np.clip(likeness, 0, None)
    near = likely.copy()
    near[1:] += ranking.meaning_near * likely[:-1]
    near[:-1] += ranking.meaning_near * likely[1:]
    top = near.max()
    near *= (ranking.meaning if scores else 1.0) / top if top > 0 else 0.0
    fused = Scores(low, near.copy(), meaning=near)
    if scores is not None:
        scale = 1 / (scores.total.max() or 1.0)
        where = slice(scores.first - low, scores.first - low + len(scores.total))
        fused.total[where] += scores.total * scale
        fused.own = {term: _placed(values * scale, where, len(near)) for term, values in scores.own.items()}
        fused.lent = {term: _placed(values * scale, where, len(near)) for term, values in scores.lent.items()}
    return fused


def _placed(values: Floats, where: slice, size: int) -> Floats:
    placed = np.zeros(size)
    placed[where] = values
    return placed


@dataclass(frozen=True, slots=True)
class Candidate:
    """A memory that words or vectors speak for.

    Attributes:
        tokens: of how many terms it consists.
    """

    memory: Memory
    tokens: int


@dataclass(frozen=True, slots=True)
class Judged:
    """A candidate with its final score, and what besides words and vectors made it."""

    memory: Memory
    score: float
    parts: tuple[Part, ...]


class Judge:
    """Looks at candidates more closely, for one question in one container.

    Args:
        average: length of a memory there, in terms.
    """

    def __init__(self, question: str, *, average: float, ranking: Ranking) -> None:
        self._ranking = ranking
        self._average = max(average, 1.0)
        self._words = set(words(question))
        self._when = cues.asks_when(question)
        self._how_many = cues.asks_how_many(question)

    def judge(self, scores: Scores, candidates: Sequence[Candidate]) -> list[Judged]:
        """Return the candidates with their final scores, best first; the later one of two equals."""
        base = {one.memory.id: float(scores.total[one.memory.turn - scores.first]) for one in candidates}
        best: dict[dt.date, float] = {}
        for one in candidates:
            day = one.memory.said_at.date()
            best[day] = max(best.get(day, 0.0), base[one.memory.id])
        named = self._named(candidates)
        judged = []
        for one in candidates:
            shared = self._ranking.day * best[one.memory.said_at.date()]
            parts = [Part("", shared, "day")] if shared else []
            score = base[one.memory.id] + shared
            for why, factor, word in self._factors(one, named):
                parts.append(Part(word, score * (factor - 1), why))
                score *= factor
            judged.append(Judged(one.memory, score, tuple(parts)))
        return sorted(judged, key=lambda one: (-one.score, -one.memory.turn))

    def _named(self, candidates: Sequence[Candidate]) -> str | None:
        """Return the one speaker whom the question names; None where it names nobody, or several."""
        speakers = {one.memory.speaker for one in candidates if one.memory.speaker}
        named = {speaker for speaker in speakers if self._words & set(words(speaker))}
        return named.pop() if len(named) == 1 else None

    def _factors(self, one: Candidate, named: str | None) -> list[tuple[Why, float, str]]:
        ranking, memory = self._ranking, one.memory
        found: list[tuple[Why, float, str]] = [("length", (max(one.tokens, 1) / self._average) ** ranking.length, "")]
        if named is not None and memory.speaker == named:
            found.append(("speaker", ranking.speaker, named))
        if cues.only_asks(memory.text):
            found.append(("question", ranking.asks, ""))
        if cues.in_first_person(memory.text):
            found.append(("first_person", ranking.first_person, ""))
        if self._when and cues.tells_time(memory.text):
            found.append(("time", ranking.time, ""))
        if self._how_many and cues.tells_number(memory.text):
            found.append(("number", ranking.number, ""))
        if memory.conflicts_with is not None:
            found.append(("conflict", _CONFLICT, ""))
        # 1 for what nobody weighed
        found.append(("salience", 0.75 + 0.5 * memory.salience, ""))
        return [each for each in found if each[1] != 1]


def word_parts(scores: Scores, turn: int, asked: Mapping[str, str]) -> list[Part]:
    """Return what each word, day and likeness gives to the memory at ``turn``."""
    place = turn - scores.first
    parts = []
    for term, lent in scores.lent.items():
        value = float(lent[place])
        if value > 0:
            why: Why = "date" if is_date(term) else "word" if scores.own[term][place] >= value else "neighbour"
            parts.append(Part(asked.get(term, term.lstrip("@")), value, why))
    if scores.meaning is not None and scores.meaning[place] > 0:
        parts.append(Part("", float(scores.meaning[place]), "meaning"))
    return parts
