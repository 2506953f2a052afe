"""A privacy run as a picture: who looks, whose memory, and how each of the sixteen ways to look went."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from backend_core.privacy.contexts import CONTEXTS, OPERATION_CODES
from desktop.i18n import tr

if TYPE_CHECKING:
    from backend_core.privacy.records import Cell

SIDE: Final = 8
TICKS: Final = 16

WAITING: Final = "waiting"
RUNNING: Final = "running"
CLOSED: Final = "closed"
OWN: Final = "own"
AUDITED: Final = "audited"
LEAK: Final = "leak"
LOST: Final = "lost"
UNKNOWN: Final = "unknown"
_SEEN: Final = {"own": OWN, "audited": AUDITED, "closed": CLOSED}
_WRONG: Final = {"own": LOST, "audited": LOST, "closed": LEAK}


@dataclass(frozen=True, slots=True)
class Pair:
    """One cell of the picture.

    Attributes:
        kind: one of the words above; ``lost`` where something that must be visible was not.
        done: how many of its sixteen operations have an answer.
        wrong: numbers (from 0) of the operations that did not answer as they must.
    """

    viewer: str
    kept_in: str
    kind: str = UNKNOWN
    done: int = 0
    wrong: frozenset[int] = frozenset()

    @property
    def place(self) -> tuple[str, str]:
        """Viewer and where the memory is kept."""
        return self.viewer, self.kept_in

    @property
    def as_expected(self) -> bool:
        """Whether every operation answered, and as it must."""
        return self.done == TICKS and not self.wrong


@dataclass(frozen=True, slots=True)
class Picture:
    """All pairs, row by row, in the order of ``CONTEXTS``."""

    pairs: tuple[Pair, ...]

    def at(self, viewer: int, kept_in: int) -> Pair:
        """Return the pair in row ``viewer`` and column ``kept_in``, both from 0."""
        return self.pairs[viewer * SIDE + kept_in]

    def find(self, place: tuple[str, str]) -> Pair | None:
        """Return the pair of a place, None where there is none."""
        return next((pair for pair in self.pairs if pair.place == place), None)

    @property
    def expected(self) -> int:
        """How many pairs are as they must be."""
        return sum(pair.as_expected for pair in self.pairs)

    @property
    def wrong(self) -> int:
        """How many pairs are not."""
        return sum(bool(pair.wrong) for pair in self.pairs)


def headings() -> tuple[tuple[str, str], ...]:
    """Return code and title of each row, which is also that of each column."""
    return tuple((one.code, tr(one.title)) for one in CONTEXTS)


def blank(kind: str = UNKNOWN) -> Picture:
    """Return a picture without an answer."""
    return Picture(tuple(Pair(a.code, b.code, kind) for a in CONTEXTS for b in CONTEXTS))


def picture_of(cells: Iterable[Cell], *, rest: str = UNKNOWN) -> Picture:
    """Return the picture of what was tried; ``rest`` is the kind of pairs nobody tried."""
    found: dict[tuple[str, str], list[Cell]] = {}
    for cell in cells:
        found.setdefault((cell.viewer, cell.owner), []).append(cell)
    return Picture(tuple(_pair(a.code, b.code, found.get((a.code, b.code), []), rest) for a in CONTEXTS for b in CONTEXTS))


def _pair(viewer: str, owner: str, cells: list[Cell], rest: str) -> Pair:
    if not cells:
        return Pair(viewer, owner, rest)
    wrong = frozenset(OPERATION_CODES.index(cell.operation) for cell in cells if not cell.ok)
    right = _SEEN[cells[0].expected] if len(cells) == TICKS else RUNNING
    kind = _WRONG[cells[0].expected] if wrong else right
    return Pair(viewer, owner, kind, len(cells), wrong)
