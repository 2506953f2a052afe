"""Rows of the timeline as they are painted; every word is made in the worker, the window only draws."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby

from desktop.pages.memory.words import day_words, matches, memories

DIRECT = "direct"
GROUP = "group"
SUPPORT = ""
"""The viewer who sees everything that was opened: the operator."""


@dataclass(frozen=True, slots=True)
class Place:
    """One container that is open: where something was said, and who is given it.

    Attributes:
        key: its public id; what tells places apart everywhere in the window.
        where: what the services take for it.
        kind: ``DIRECT`` or ``GROUP``.
        name: what a sentence calls it: “the direct chat with Sage”, “Roommates”.
        caption: “Direct: Nora × Sage”, “Group: Roommates”.
        said: “Direct with Sage”, “#Roommates”.
        short: the same on a pill: “the direct chat”, “Roommates”.
        tag: with the phone masked.
        total: memories that are not forgotten.
        forgotten: memories that wait to be purged.
        types: how many of each type.
        conversation: whose container it is.
    """

    key: str
    where: object
    kind: str
    name: str
    caption: str
    said: str
    short: str
    tag: str
    total: int = 0
    forgotten: int = 0
    types: tuple[tuple[str, int], ...] = ()
    conversation: object = None

    @property
    def icon(self) -> str:
        """A lock for what was said in private, people for a group."""
        return "lock" if self.kind == DIRECT else "users"


@dataclass(frozen=True, slots=True)
class Why:
    """One part of a score: the word that matched, or what else spoke for it.

    Attributes:
        score: negative where it counts against.
        word: its place among the words of the query, None for another reason.
    """

    term: str
    score: float
    word: int | None = None


@dataclass(frozen=True, slots=True)
class MemoryLine:
    """One memory, ready to be painted.

    Attributes:
        key: its id.
        place: the key of the place it was read in.
        seen_in: keys of the places whose own scope gave it.
        hits: (first character, length) of the words that matched.
        origin: “#Roommates · said by Nora · edited once”.
        until: the day it expires, empty for never.
        rank: 1 for the best match of its place, 0 while nothing is searched; scores of two places cannot be compared.
    """

    key: str
    place: str
    kind: str
    seen_in: frozenset[str]
    at: datetime
    time: str
    text: str
    type: str
    origin: str
    salience: float
    until: str = ""
    hits: tuple[tuple[int, int], ...] = ()
    rank: int = 0
    score: float = 0.0
    why: tuple[Why, ...] = ()
    forgotten: str = ""
    conflict: bool = False
    version: int = 1

    def hidden_from(self, viewer: str) -> bool:
        """Return whether a reply in ``viewer`` is never given it."""
        return viewer != SUPPORT and viewer not in self.seen_in


@dataclass(frozen=True, slots=True)
class DayLine:
    """The heading of a day."""

    words: str
    count: str


@dataclass(frozen=True, slots=True)
class Part:
    """What was read of one place, newest first, and what asks for the next ones."""

    place: str
    lines: tuple[MemoryLine, ...]
    before: object = None


@dataclass(frozen=True, slots=True)
class View:
    """What is on the screen.

    Attributes:
        lines: newest first.
        total: how many there are where nothing is searched.
        query: what was searched, empty for the timeline.
        terms: the words of the query that count, as they were written.
        ms: how long the database took, None where it was not measured.
        reads: how many audited reads it took.
        parts: what was read of each place, with what asks for older ones, None where there are none.
    """

    lines: tuple[MemoryLine, ...] = ()
    total: int = 0
    query: str = ""
    terms: tuple[str, ...] = ()
    ms: float | None = None
    reads: int = 0
    parts: tuple[Part, ...] = ()

    @property
    def more(self) -> bool:
        """Whether older ones can be read."""
        return any(part.before is not None for part in self.parts)


def with_days(lines: Sequence[MemoryLine], *, searched: bool) -> list[DayLine | MemoryLine]:
    """Return the lines under headings of their local days."""
    rows: list[DayLine | MemoryLine] = []
    for _day, inside in groupby(lines, key=lambda line: line.at.astimezone().date()):
        members = list(inside)
        count = matches(len(members)) if searched else memories(len(members))
        rows.append(DayLine(day_words(members[0].at), count))
        rows += members
    return rows


def merged(parts: Iterable[Sequence[MemoryLine]]) -> tuple[MemoryLine, ...]:
    """Return the lines of several places newest first; a line that more than one place gave names all of them."""
    found: dict[str, MemoryLine] = {}
    for part in parts:
        for line in part:
            before = found.get(line.key)
            found[line.key] = line if before is None else _seen_by_both(before, line)
    return tuple(sorted(found.values(), key=lambda line: (line.at, line.key), reverse=True))


def together(parts: Sequence[Part]) -> tuple[MemoryLine, ...]:
    """Return the lines of all places newest first, down to where every place was read: below that, one could be missing."""
    ends = [part.lines[-1].at for part in parts if part.before is not None and part.lines]
    lines = merged(part.lines for part in parts)
    return tuple(line for line in lines if not ends or line.at >= max(ends))


def _seen_by_both(first: MemoryLine, second: MemoryLine) -> MemoryLine:
    return replace(first, seen_in=first.seen_in | second.seen_in)


def visible_to(lines: Iterable[MemoryLine], viewer: str) -> int:
    """Return how many of the lines a reply in ``viewer`` may be given."""
    return sum(not line.hidden_from(viewer) for line in lines)
