"""Thirty days of figures in rings that never grow, each coarser one made of the finer one, whoever recorded it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import psycopg
import pytest

from backend_core.db.embedded import EmbeddedServer
from backend_core.db.roles import MONITOR
from backend_core.monitoring.link import MonitorLink
from backend_core.monitoring.measures import ring
from backend_core.monitoring.measures.readings import Readings
from backend_core.monitoring.measures.recorder_step import RecorderStep
from backend_core.monitoring.measures.ring import HOURS, MINUTES, RINGS, SECONDS, Frame
from backend_core.monitoring.measures.series import SERIES

BEGIN = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
# seconds that meet every place of the ring in the end
EVERY = dt.timedelta(seconds=61)
MOST_BYTES = 16_000_000


@pytest.fixture
def link(clean: EmbeddedServer) -> Iterator[MonitorLink]:
    made = MonitorLink(clean.dsn(MONITOR))
    yield made
    made.close()


def counted(server: EmbeddedServer) -> dict[int, int]:
    with psycopg.connect(server.admin_dsn) as conn:
        return dict(conn.execute("SELECT resolution_s, count(*) FROM metric_frames GROUP BY 1").fetchall())


def size(server: EmbeddedServer) -> int:
    with psycopg.connect(server.admin_dsn, autocommit=True) as conn:
        # what autovacuum does on a server that is not for tests
        conn.execute("VACUUM metric_frames")
        row = conn.execute("SELECT pg_total_relation_size('metric_frames')").fetchone()
        return 0 if row is None else int(row[0])


def frame(at: dt.datetime) -> Frame:
    return at, [(at - BEGIN).total_seconds()] * len(SERIES)


def test_thirty_days_fit_into_the_rings_and_the_newest_of_each_is_there(clean: EmbeddedServer, link: MonitorLink) -> None:
    series = ring.declare(link)
    place = next(one.id for one in series if one.name == "server.database_bytes") - 1
    at, written, sizes = BEGIN, 0, []
    for hour in range(30 * 24):
        until = BEGIN + (hour + 1) * HOUR
        batch = []
        while at < until:
            batch.append(frame(at))
            at += EVERY
        written += len(batch)
        ring.write(link, SECONDS, batch)
        ring.fold(link, series, fine=SECONDS, coarse=MINUTES, since=until - HOUR, until=until)
        ring.fold(link, series, fine=MINUTES, coarse=HOURS, since=until - HOUR, until=until)
        if until.hour == 0:
            sizes.append(size(clean))
    assert written > 40_000
    rows = counted(clean)
    # without the rings there were as many rows as were written, and more
    assert rows == {1: SECONDS.places, 60: MINUTES.places, 3600: 30 * 24}
    assert max(sizes) < MOST_BYTES
    # from the tenth day on only hours are added
    assert max(sizes[10:]) <= sizes[9] * 1.25
    newest = ring.read(link, HOURS, since=until - HOUR, until=until)
    assert [figures[place] for _, figures in newest] == [(at - EVERY - BEGIN).total_seconds()]
    days = ring.read(link, HOURS, since=BEGIN, until=until)
    assert [moment for moment, _ in days] == [BEGIN + n * HOUR for n in range(30 * 24)]


@pytest.mark.parametrize(("name", "folded"), [("server.commits", 6.0), ("pool.waiting", 3.0), ("pool.in_use", 2.0), ("pool.capacity", 2.0)])
def test_readings_become_a_minute_by_the_fold_of_their_series(link: MonitorLink, name: str, folded: float) -> None:
    series = ring.declare(link)
    place = next(one.id for one in series if one.name == name) - 1
    values = [1.0, 3.0, None, 2.0]
    batch: list[Frame] = []
    for second, value in enumerate(values):
        row: list[float | None] = [None] * len(series)
        row[place] = value
        batch.append((BEGIN + dt.timedelta(seconds=second), row))
    ring.write(link, SECONDS, batch)
    ring.fold(link, series, fine=SECONDS, coarse=MINUTES, since=BEGIN, until=BEGIN + HOUR)
    found = ring.read(link, MINUTES, since=BEGIN, until=BEGIN + HOUR)
    assert [(at, figures[place]) for at, figures in found] == [(BEGIN, folded)]
    # what was never measured stays unknown, and is not zero
    assert {figures[n] for _, figures in found for n in range(len(series)) if n != place} == {None}


def test_a_successor_finishes_the_minute_its_forerunner_left_and_invents_none(link: MonitorLink) -> None:
    start = dt.datetime.now(dt.UTC).replace(minute=10, second=30, microsecond=0)
    first, second = (RecorderStep(Readings(free_share=lambda: 0.5)) for _ in range(2))
    first(start, link, first=True)
    first(start + dt.timedelta(seconds=1), link, first=False)
    # nobody records for five minutes
    later = start + dt.timedelta(minutes=5)
    second(later, link, first=True)
    second(later + dt.timedelta(minutes=1), link, first=False)
    minutes = [at for at, _ in ring.read(link, MINUTES, since=start - HOUR, until=start + HOUR)]
    assert minutes == [start.replace(second=0), later.replace(second=0)]
    hours = ring.read(link, HOURS, since=start - HOUR, until=start + HOUR)
    assert [at for at, _ in hours] == [start.replace(minute=0, second=0)]


def test_a_series_keeps_its_place_however_often_a_recorder_begins(link: MonitorLink) -> None:
    known = next(ring.declare(link) for _ in range(3))
    assert {one.name for one in known} == {one.name for one in SERIES}
    assert [ring.declare(link), max(one.id for one in known)] == [known, len(SERIES)]
    # the numbers are small: none is used up in vain
    link.rows("INSERT INTO metric_series (name, unit, fold) VALUES ('later.added', '1', 'max')")
    assert max(one.id for one in ring.known(link)) == len(SERIES) + 1


def test_the_rings_are_as_long_as_they_are_said_to_be() -> None:
    assert [one.span for one in RINGS] == [dt.timedelta(hours=1), dt.timedelta(days=7), dt.timedelta(days=365)]
