"""The rings of recorded figures: seconds of an hour, minutes of a week, hours of a year; each place is written over when it comes again."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from backend_core.monitoring.link import MonitorLink
from backend_core.monitoring.measures.series import SERIES, Fold
from backend_core.monitoring.measures.tally import array

Frame = tuple[dt.datetime, Sequence[float | None]]


@dataclass(frozen=True, slots=True)
class Ring:
    """One resolution and how many places it has."""

    resolution_s: int
    places: int

    @property
    def span(self) -> dt.timedelta:
        """How far back it reaches."""
        return dt.timedelta(seconds=self.resolution_s * self.places)

    def start(self, at: dt.datetime) -> dt.datetime:
        """Return when the place that ``at`` belongs to begins."""
        return dt.datetime.fromtimestamp(at.timestamp() // self.resolution_s * self.resolution_s, dt.UTC)

    def slot(self, at: dt.datetime) -> int:
        """Return the number of the place that ``at`` belongs to."""
        return int(at.timestamp() // self.resolution_s) % self.places


SECONDS: Final = Ring(1, 3600)
MINUTES: Final = Ring(60, 7 * 24 * 60)
HOURS: Final = Ring(3600, 365 * 24)
RINGS: Final = (SECONDS, MINUTES, HOURS)

# no insert that conflicts: the numbers are small, and each try would use one up
_DECLARE: Final = """
INSERT INTO metric_series (name, unit, fold)
SELECT name, unit, fold FROM unnest(%(names)s::text[], %(units)s::text[], %(folds)s::text[]) AS given (name, unit, fold)
WHERE NOT EXISTS (SELECT FROM metric_series s WHERE s.name = given.name)
"""
_KNOWN: Final = "SELECT id, name, unit, fold FROM metric_series ORDER BY id"
_WRITE: Final = """
INSERT INTO metric_frames (resolution_s, slot, at, figures)
SELECT %(resolution_s)s, slot, at, figures::float[]
FROM unnest(%(slots)s::int[], %(ats)s::timestamptz[], %(figures)s::text[]) AS given (slot, at, figures)
ON CONFLICT (resolution_s, slot) DO UPDATE SET at = EXCLUDED.at, figures = EXCLUDED.figures
"""
_READ: Final = """
SELECT at, figures FROM metric_frames WHERE resolution_s = %(resolution_s)s AND at >= %(since)s AND at < %(until)s ORDER BY at
"""
_LAST: Final = "SELECT at, figures FROM metric_frames WHERE resolution_s = 1 ORDER BY at DESC LIMIT 1"


@dataclass(frozen=True, slots=True)
class Known:
    """A series as the database knows it; ``id`` is its place in a frame, from 1."""

    id: int
    name: str
    unit: str
    fold: Fold


def known(link: MonitorLink) -> tuple[Known, ...]:
    """Return the series that were ever recorded, in the order of their places."""
    return tuple(Known(**row) for row in link.rows(_KNOWN))


def declare(link: MonitorLink) -> tuple[Known, ...]:
    """Add the series this version records to those that were ever recorded; return them all."""
    columns = {"names": [one.name for one in SERIES], "units": [one.unit for one in SERIES], "folds": [one.fold for one in SERIES]}
    link.rows(_DECLARE, columns)
    return known(link)


def packed(figures: Mapping[str, float | None], series: Sequence[Known]) -> list[float | None]:
    """Return figures in the order of their places."""
    row: list[float | None] = [None] * max(one.id for one in series)
    for one in series:
        row[one.id - 1] = figures.get(one.name)
    return row


def write(link: MonitorLink, ring: Ring, frames: Sequence[Frame]) -> None:
    """Put frames in their places, over whatever is there."""
    if frames:
        link.rows(
            _WRITE,
            {
                "resolution_s": ring.resolution_s,
                "slots": [ring.slot(at) for at, _ in frames],
                "ats": [ring.start(at) for at, _ in frames],
                "figures": [array(figures) for _, figures in frames],
            },
        )


def read(link: MonitorLink, ring: Ring, *, since: dt.datetime, until: dt.datetime) -> list[Frame]:
    """Return the frames between two moments, oldest first; ``until`` is left out."""
    rows = link.rows(_READ, {"resolution_s": ring.resolution_s, "since": since, "until": until})
    return [(row["at"], row["figures"]) for row in rows]


def last(link: MonitorLink) -> Frame | None:
    """Return the newest frame of a second."""
    rows = link.rows(_LAST)
    return (rows[0]["at"], rows[0]["figures"]) if rows else None


def fold(link: MonitorLink, series: Sequence[Known], *, fine: Ring, coarse: Ring, since: dt.datetime, until: dt.datetime) -> None:
    """Make each frame of the coarser ring that begins in a span from the frames of the finer one."""
    rows: dict[dt.datetime, list[Sequence[float | None]]] = defaultdict(list)
    for at, figures in read(link, fine, since=coarse.start(since), until=until):
        rows[coarse.start(at)].append(figures)
    write(link, coarse, [(start, _folded(found, series)) for start, found in rows.items()])


def _folded(rows: Sequence[Sequence[float | None]], series: Sequence[Known]) -> list[float | None]:
    result: list[float | None] = [None] * max(one.id for one in series)
    for one in series:
        # an older frame is shorter where a newer version added a series
        values = [value for row in rows if one.id <= len(row) and (value := row[one.id - 1]) is not None]
        if values:
            result[one.id - 1] = _FOLDS[one.fold](values)
    return result


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _final(values: Sequence[float]) -> float:
    return values[-1]


_FOLDS: Final[Mapping[str, Callable[[Any], float]]] = {"sum": sum, "max": max, "mean": _mean, "last": _final}
