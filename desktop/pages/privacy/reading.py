"""What the privacy page asks the backend for; everything here runs in a worker."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from backend_core.privacy.records import Cell, Run, RunDetails, Standing

HISTORY_DAYS: Final = 30
MOST_RUNS: Final = 60
EARLIER: Final = 12


@dataclass(frozen=True, slots=True)
class View:
    """One reading.

    Attributes:
        history: newest first, of the last 30 days; at least the newest run there is.
        shown: the run the page shows with all it found; None where none has ended yet.
        newest: whether that is the newest one.
        stopped: how often the live guard stopped something in the last 30 days.
    """

    standing: Standing
    history: tuple[Run, ...]
    shown: RunDetails | None
    newest: bool
    stopped: int

    @property
    def newest_id(self) -> int | None:
        """The run that tells how it is now."""
        return newest_of(self.history)

    @property
    def going(self) -> Run | None:
        """A run that has begun and not ended, wherever it was started."""
        return next((run for run in self.history[:1] if run.outcome is None), None)


def read(backend: Any, actor: Any, wanted: int | None, known: RunDetails | None) -> View:
    """Return where things stand and the run ``wanted``, or the newest; ``known`` saves reading the same run again."""
    standing = backend.privacy.standing(actor=actor)
    # runs of other servers say nothing about this one
    runs = tuple(run for run in backend.privacy.history(actor=actor, limit=MOST_RUNS) if not run.target)
    since = dt.datetime.now(dt.UTC) - dt.timedelta(days=HISTORY_DAYS)
    history = tuple(run for place, run in enumerate(runs) if place == 0 or run.started_at >= since)
    newest = newest_of(runs)
    stopped = sum(backend.scopes.guard.counts(since=since).values())
    chosen = wanted if wanted is not None else newest
    if chosen is None:
        return View(standing, history, None, newest=True, stopped=stopped)
    same = known is not None and known.run.id == chosen and known.run.outcome is not None
    shown = known if same else backend.privacy.run_details(chosen, actor=actor)
    return View(standing, history, shown, newest=chosen == newest, stopped=stopped)


def newest_of(runs: tuple[Run, ...]) -> int | None:
    """Return the newest run that came to a verdict, or the newest that ended at all; ``runs`` are newest first."""
    concluded = (run.id for run in runs if run.outcome in {"pass", "fail", "refused"})
    return next(concluded, next((run.id for run in runs if run.outcome is not None), None))


Held = dict[tuple[str, str], bool]
"""For each pair of a run whether every operation of it was as it must be."""


def held_in(cells: tuple[Cell, ...]) -> Held:
    """Return which pairs held."""
    found: Held = {}
    for cell in cells:
        place = cell.viewer, cell.owner
        found[place] = found.get(place, True) and cell.ok
    return found


def earlier(backend: Any, actor: Any, runs: tuple[int, ...], known: dict[int, Held]) -> dict[int, Held]:
    """Return which pairs held in each of ``runs``; those in ``known`` are not read again."""
    return {run: known[run] if run in known else held_in(backend.privacy.run_details(run, actor=actor).cells) for run in runs}
