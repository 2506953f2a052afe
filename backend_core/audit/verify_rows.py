"""The chains of all writers, checked window by window: the database compares within a window, this carries on from one to the next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from backend_core.audit.chain import leaf, origin
from backend_core.audit.report import Problem

MOST_TOLD: Final = 20
_WORDS: Final = {
    "changed": "event {id} of writer {writer} is not as it was written",
    "gap": "events of writer {writer} are missing before event {id}: number {wseq} follows {before}",
    "order": "event {id} of writer {writer} has the number {wseq} after {before}",
    "missing": "the event {id} has a place in the log, but is not there",
    "inserted": "event {id} cannot have been written when it says: its transaction does not fit its place",
    "clock": "event {id} says a time that does not fit when it was sealed",
}


@dataclass(slots=True)
class Findings:
    """Problems so far; of each kind the first few, and how many more."""

    problems: list[Problem] = field(default_factory=list)
    _counts: Counter[str] = field(default_factory=Counter)

    def add(self, kind: str, detail: str) -> None:
        """Note a problem."""
        self._counts[kind] += 1
        if self._counts[kind] <= MOST_TOLD:
            self.problems.append(Problem(kind=kind, detail=detail))

    def all(self) -> tuple[Problem, ...]:
        """Return them, in the order they were found."""
        more = {kind: count - MOST_TOLD for kind, count in self._counts.items() if count > MOST_TOLD}
        return (*self.problems, *(Problem(kind=kind, detail=f"and {count:,} more of this kind") for kind, count in more.items()))


@dataclass(slots=True)
class SealPart:
    """What the rows of one seal hash to."""

    size: int
    last: int
    hashes: bytes


@dataclass(slots=True)
class Chains:
    """Where each writer's chain has come to.

    Attributes:
        whole: the walk began at the first row of the log, so a chain that does not begin with its first row has lost something.
        rows: rows seen.
    """

    findings: Findings
    whole: bool
    rows: int = 0
    _heads: dict[str, tuple[int, bytes]] = field(default_factory=dict)

    def take(self, answer: Iterable[Any]) -> dict[int, SealPart]:
        """Take the answer for the next window; return what its seals hash to."""
        seals: dict[int, SealPart] = {}
        ends = []
        for one in answer:
            if one.kind == "seal":
                self.rows += one.id
                if one.number is not None:
                    seals[one.number] = SealPart(one.id, one.wseq, bytes(one.bytes or b""))
                continue
            ends.append(one)
            for kind in filter(None, (one.oddity, one.broken)):
                self.findings.add(kind, _WORDS[kind].format(id=one.id, writer=one.writer, wseq=one.wseq, before=one.number))
        for one in ends:
            if one.oldest:
                self._join(one)
        for one in ends:
            if one.newest:
                self._heads[one.writer] = (one.wseq, bytes(one.bytes))
        return seals

    def head(self, writer: str) -> tuple[int, bytes] | None:
        """Return number and hash of the last row of a writer."""
        return self._heads.get(writer)

    def _join(self, one: Any) -> None:
        known = self._heads.get(one.writer)
        if known is None and not self.whole and one.wseq > 1:
            return
        number, previous = known or (0, origin(one.writer))
        if one.wseq != number + 1:
            kind = "gap" if one.wseq > number + 1 else "order"
            self.findings.add(kind, _WORDS[kind].format(id=one.id, writer=one.writer, wseq=one.wseq, before=number))
        elif one.body is not None and leaf(previous, one.body) != bytes(one.bytes):
            self.findings.add("changed", _WORDS["changed"].format(id=one.id, writer=one.writer))
