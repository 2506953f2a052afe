"""The recorded figures: over time for charts, and as files for other tools."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, get_args

from backend_core.errors import InvalidInput
from backend_core.memory.receipt_book import write_whole
from backend_core.monitoring.link import MonitorLink
from backend_core.monitoring.measures import ring
from backend_core.monitoring.measures.ring import HOURS, MINUTES, RINGS, SECONDS, Known, Ring
from backend_core.monitoring.measures.series import BY_NAME
from backend_core.monitoring.measures.writing import Row, Sample, as_csv, as_json, as_prometheus
from backend_core.policy import Actor, Target, authorize

Format = Literal["csv", "json", "prometheus"]
FORMATS: Final = get_args(Format)
Point = tuple[dt.datetime, float | None]
# a second may be left out now and then without anything having stopped
GAP: Final = dt.timedelta(seconds=5)
FRESH: Final = dt.timedelta(minutes=5)

_POINTS: Final = """
SELECT at, ARRAY(SELECT figures[place] FROM unnest(%(places)s::int[]) WITH ORDINALITY AS wanted (place, n) ORDER BY n) AS found
FROM metric_frames WHERE resolution_s = %(resolution_s)s AND at >= %(since)s AND at < %(until)s ORDER BY at
"""
_FALLS: Final = "SELECT at, what, cause FROM counter_falls WHERE at >= %(since)s ORDER BY at LIMIT 200"
_NOW: Final = "SELECT clock_timestamp() AS now"


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One figure over time.

    Attributes:
        points: moment (UTC) and value, oldest first; ``None`` where nothing was measured, once where nothing was recorded for a while.
        resolution_s: seconds one point stands for.
    """

    name: str
    unit: str
    points: tuple[Point, ...]
    resolution_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CounterFall:
    """A moment at which counters fell; ``cause`` is ``crash``, ``reset`` or ``restart``."""

    at: dt.datetime
    what: str
    cause: str


class Metrics:
    """Reads what the recorder keeps."""

    def __init__(self, link: MonitorLink) -> None:
        """Take the connection of the monitoring role."""
        self._link = link

    def names(self, *, actor: Actor) -> tuple[str, ...]:
        """Return the name of every series.

        Raises:
            DatabaseAway: the server does not answer.
        """
        authorize(actor, "metrics.read", Target(kind="server"))
        recorded = {one.name for one in ring.known(self._link)}
        return (*BY_NAME, *sorted(recorded - set(BY_NAME)))

    def series(
        self,
        names: Sequence[str],
        *,
        since: dt.datetime,
        until: dt.datetime | None = None,
        resolution_s: int | None = None,
        actor: Actor,
    ) -> tuple[Series, ...]:
        """Return the named series between two moments, in the order asked for; one that was never recorded has no point.

        Args:
            names: see ``names``.
            since: first moment.
            until: last moment; now when left out.
            resolution_s: 1, 60 or 3600; the finest that reaches back far enough when left out.

        Raises:
            InvalidInput: there is no such series or resolution.
            DatabaseAway: the server does not answer.
        """
        authorize(actor, "metrics.read", Target(kind="server"))
        now: dt.datetime = self._link.rows(_NOW)[0]["now"]
        chosen = _ring(resolution_s, now - since)
        known = {one.name: one for one in ring.known(self._link)}
        unknown = [name for name in names if name not in known and name not in BY_NAME]
        if unknown:
            raise InvalidInput(f"There is no series {unknown[0]!r}.")
        there = [known[name] for name in names if name in known]
        # what is older than the ring are rows nobody has written over yet
        first = max(since, now - chosen.span)
        found = self._columns(there, chosen, first, until or now + dt.timedelta(seconds=1))
        return tuple(_series(name, known.get(name), found.get(name, ()), chosen) for name in names)

    def _columns(self, series: Sequence[Known], chosen: Ring, since: dt.datetime, until: dt.datetime) -> dict[str, tuple[Point, ...]]:
        facts = {"places": [one.id for one in series], "resolution_s": chosen.resolution_s, "since": since, "until": until}
        rows = self._link.rows(_POINTS, facts) if series else []
        gap = max(GAP, dt.timedelta(seconds=1.5 * chosen.resolution_s))
        frames = list(_with_gaps([(row["at"], row["found"]) for row in rows], gap=gap, step=dt.timedelta(seconds=chosen.resolution_s)))
        return {one.name: tuple((at, None if found is None else found[place]) for at, found in frames) for place, one in enumerate(series)}

    def export(self, path: Path, format: str = "csv", *, since: dt.datetime | None = None, actor: Actor) -> int:  # noqa: A002  # what people call it
        """Write what is recorded to a file, whole or not at all; return how many values it holds.

        Args:
            path: the file; one that is there is replaced.
            format: ``csv`` or ``json`` for all three rings, ``prometheus`` for the newest values.
            since: leave out what is older.

        Raises:
            InvalidInput: there is no such format.
            StorageFailed: the file cannot be written.
            DatabaseAway: the server does not answer.
        """
        authorize(actor, "metrics.export", Target(kind="server"))
        if format not in FORMATS:
            raise InvalidInput(f"Choose one of {', '.join(FORMATS)}.")
        if format == "prometheus":
            samples = self.newest(actor=actor)
            write_whole(path, as_prometheus(samples).encode())
            return len(samples)
        rows = list(self._everything(since))
        write_whole(path, (as_csv(rows) if format == "csv" else as_json(rows)).encode())
        return len(rows)

    def newest(self, *, actor: Actor) -> tuple[Sample, ...]:
        """Return the newest known value of each series of the last five minutes: name, unit, meaning, moment, value."""
        authorize(actor, "metrics.read", Target(kind="server"))
        now: dt.datetime = self._link.rows(_NOW)[0]["now"]
        known = ring.known(self._link)
        columns = self._columns(known, SECONDS, now - FRESH, now + dt.timedelta(seconds=1))
        found: list[Sample] = []
        for one in known:
            latest = next(((at, value) for at, value in reversed(columns[one.name]) if value is not None), None)
            if latest is not None:
                found.append((one.name, one.unit, _meaning(one.name), *latest))
        return tuple(found)

    def falls(self, *, since: dt.datetime, actor: Actor) -> tuple[CounterFall, ...]:
        """Return when counters of the server were smaller than before, oldest first: what was counted earlier says nothing about later.

        Raises:
            DatabaseAway: the server does not answer.
        """
        authorize(actor, "metrics.read", Target(kind="server"))
        return tuple(CounterFall(**row) for row in self._link.rows(_FALLS, {"since": since}))

    def _everything(self, since: dt.datetime | None) -> Iterator[Row]:
        now: dt.datetime = self._link.rows(_NOW)[0]["now"]
        known = ring.known(self._link)
        for one_ring in reversed(RINGS):
            first = max(now - one_ring.span, since or now - HOURS.span)
            columns = self._columns(known, one_ring, first, now + dt.timedelta(seconds=1))
            for one in known:
                yield from ((one.name, one.unit, one_ring.resolution_s, at, value) for at, value in columns[one.name])


def _ring(resolution_s: int | None, back: dt.timedelta) -> Ring:
    if resolution_s is None:
        return next((one for one in (SECONDS, MINUTES) if back <= one.span), HOURS)
    found = next((one for one in RINGS if one.resolution_s == resolution_s), None)
    if found is None:
        raise InvalidInput("Figures are kept by the second, by the minute and by the hour: choose 1, 60 or 3600.")
    return found


def _with_gaps(
    frames: Sequence[tuple[dt.datetime, Sequence[float | None]]], *, gap: dt.timedelta, step: dt.timedelta
) -> Iterator[tuple[dt.datetime, Sequence[float | None] | None]]:
    """Yield the frames, and one ``None`` where nothing was recorded for a while, so that nobody draws a line across it."""
    before: dt.datetime | None = None
    for at, found in frames:
        if before is not None and at - before > gap:
            yield before + step, None
        yield at, found
        before = at


def _series(name: str, known: Known | None, points: Sequence[Point], chosen: Ring) -> Series:
    unit = known.unit if known else BY_NAME[name].unit
    return Series(name=name, unit=unit, points=tuple(points), resolution_s=chosen.resolution_s)


def _meaning(name: str) -> str:
    return BY_NAME[name].help if name in BY_NAME else "Recorded by another version of Lectern."
