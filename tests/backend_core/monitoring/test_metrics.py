"""Recorded figures come back by name and time, unknown where nothing was measured, and leave in formats other tools read."""

from __future__ import annotations

import csv
import datetime as dt
import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from backend_core.backend import Backend
from backend_core.db.embedded import EmbeddedServer
from backend_core.db.roles import MONITOR
from backend_core.errors import InvalidInput, StorageFailed
from backend_core.monitoring.link import MonitorLink
from backend_core.monitoring.measures import ring
from backend_core.monitoring.measures.readings import Readings
from backend_core.monitoring.measures.recorder_step import RecorderStep
from backend_core.monitoring.measures.ring import HOURS, MINUTES, SECONDS
from backend_core.monitoring.measures.series import SERIES
from backend_core.policy import Actor
from tests.polling import eventually

DOCS = Path(__file__).parents[3] / "docs" / "metrics.md"
CONTRACT = (
    "pool.in_use", "pool.in_use_peak", "pool.waiting", "pool.capacity", "pool.wait_p95_ms", "pool.timeouts", "server.connections",
    "server.active", "server.idle_in_transaction", "server.blocked", "server.commits", "server.rollbacks", "server.cache_hit",
    "server.database_bytes", "server.oldest_transaction_s", "statements.calls", "statements.p95_ms", "statements.failed", "jobs.waiting",
    "jobs.running", "jobs.lag_s", "jobs.failed", "memory.p95_ms", "privacy.violations", "disk.free_share",
)  # fmt: skip
# a name, a value, a moment in milliseconds
LINE = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]* [-+.eE0-9]+ \d+")


@pytest.fixture
def link(clean: EmbeddedServer) -> Iterator[MonitorLink]:
    made = MonitorLink(clean.dsn(MONITOR))
    yield made
    made.close()


def now_of(link: MonitorLink) -> dt.datetime:
    found: dt.datetime = link.rows("SELECT clock_timestamp() AS now")[0]["now"]
    return found


def put(link: MonitorLink, where: ring.Ring, name: str, points: dict[dt.datetime, float]) -> None:
    series = ring.declare(link)
    ring.write(link, where, [(at, ring.packed({name: value}, series)) for at, value in points.items()])


def test_what_is_open_blocked_and_long_on_the_server_is_read(
    backend: Backend, actor: Actor, link: MonitorLink, clean: EmbeddedServer
) -> None:
    step, now = RecorderStep(Readings(free_share=lambda: 0.25)), now_of(link)
    with psycopg.connect(clean.admin_dsn) as holder, psycopg.connect(clean.admin_dsn) as waiter, ThreadPoolExecutor(1) as other:
        holder.execute("LOCK TABLE documents IN ACCESS EXCLUSIVE MODE")
        waits = other.submit(waiter.execute, "SELECT count(*) FROM documents")
        query = "SELECT count(*) AS n FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        eventually(lambda: link.rows(query)[0]["n"])
        step(now, link, first=True)
        asked = backend.metrics.series(CONTRACT, since=now - dt.timedelta(seconds=5), actor=actor)
        holder.rollback()
        waits.result()
    found = {one.name: one.points[-1][1] for one in asked}
    assert (found["server.blocked"], found["server.idle_in_transaction"], found["disk.free_share"]) == (1.0, 1.0, 0.25)
    assert found["server.connections"] is not None
    assert found["server.connections"] >= 3
    assert found["server.active"] == 1.0
    assert found["server.database_bytes"] is not None
    assert found["server.oldest_transaction_s"]
    # of what is counted since the last reading the first one knows nothing
    assert {found[name] for name in ("server.commits", "pool.timeouts", "statements.calls", "memory.p95_ms")} == {None}


def test_counters_become_amounts_and_jobs_failures_and_incidents_are_added_up(
    backend: Backend, actor: Actor, link: MonitorLink, clean: EmbeddedServer
) -> None:
    step, now = RecorderStep(Readings(free_share=lambda: None)), now_of(link)
    step(now, link, first=True)
    with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
        conn.execute(
            "INSERT INTO job_failure (job_id, task, attempt, at, error_code, sentence, detail, correlation_id)"
            " SELECT n, 't', 1, clock_timestamp() + interval '1 minute', 'x', 's', 'd', 'c' FROM generate_series(1, 3) n"
        )
        conn.execute(
            "INSERT INTO privacy_incidents (at, kind, actor, workstation, detail, correlation_id)"
            " VALUES (clock_timestamp() + interval '1 minute', 'no_scope', 'a', 'w', 'd', 'c')"
        )
    for _ in range(3):
        with backend.database.begin("Commit") as conn:
            conn.execute(sa.text("SELECT 1"))
    later = now + dt.timedelta(seconds=10)
    step(later, link, first=False)
    names = ("jobs.failed", "privacy.violations", "server.commits", "disk.free_share")
    jobs, privacy, commits, disk = (
        one.points[-1][1] for one in backend.metrics.series(names, since=now, until=later + dt.timedelta(seconds=1), actor=actor)
    )
    assert (jobs, privacy, disk) == (3.0, 1.0, None)
    assert commits


def test_the_ring_is_chosen_by_how_far_back_and_what_is_older_than_it_is_left_out(
    backend: Backend, actor: Actor, link: MonitorLink
) -> None:
    now = now_of(link)
    put(link, SECONDS, "pool.waiting", {now - dt.timedelta(seconds=2): 1.0, now - dt.timedelta(hours=2, seconds=7): 9.0})
    put(link, MINUTES, "pool.waiting", {now - dt.timedelta(hours=2): 2.0})
    put(link, HOURS, "pool.waiting", {now - dt.timedelta(days=20): 3.0})

    def values(back: dt.timedelta, resolution_s: int | None = None) -> tuple[int, list[float | None]]:
        (found,) = backend.metrics.series(["pool.waiting"], since=now - back, resolution_s=resolution_s, actor=actor)
        return found.resolution_s, [value for _, value in found.points]

    assert values(dt.timedelta(minutes=59)) == (1, [1.0])
    assert values(dt.timedelta(days=1)) == (60, [2.0])
    assert values(dt.timedelta(days=30)) == (3600, [3.0])
    assert values(dt.timedelta(days=30), 1) == (1, [1.0])
    with pytest.raises(InvalidInput, match="60"):
        values(dt.timedelta(days=1), 5)


def test_nobody_draws_a_line_across_a_time_nothing_was_recorded(backend: Backend, actor: Actor, link: MonitorLink) -> None:
    now = now_of(link).replace(microsecond=0)
    seconds = [30, 29, 27, 10, 9]
    put(link, SECONDS, "jobs.waiting", {now - dt.timedelta(seconds=ago): float(ago) for ago in seconds})
    (found, other) = backend.metrics.series(["jobs.waiting", "pool.in_use"], since=now - dt.timedelta(minutes=1), actor=actor)
    assert [value for _, value in found.points] == [30.0, 29.0, 27.0, None, 10.0, 9.0]
    assert found.points[3][0] == now - dt.timedelta(seconds=26)
    assert {value for _, value in other.points} == {None}


def test_the_series_of_the_contract_are_there_and_each_is_in_the_documentation(backend: Backend, actor: Actor) -> None:
    names = backend.metrics.names(actor=actor)
    assert set(CONTRACT) <= set(names)
    page = DOCS.read_text("utf-8")
    missing = [one.name for one in SERIES if f"| `{one.name}` | {one.unit} | {one.fold} | {one.every_s} | {one.help} |" not in page]
    assert missing == []
    with pytest.raises(InvalidInput):
        backend.metrics.series(["no.such"], since=dt.datetime.now(dt.UTC), actor=actor)


def test_exports_hold_what_was_recorded_in_formats_others_read(backend: Backend, actor: Actor, link: MonitorLink, tmp_path: Path) -> None:
    now = now_of(link)
    put(link, SECONDS, "pool.wait_p95_ms", {now - dt.timedelta(seconds=3): 12.5})
    put(link, HOURS, "pool.waiting", {now - dt.timedelta(days=20): 3.0})
    assert backend.metrics.export(tmp_path / "m.csv", "csv", actor=actor)
    with (tmp_path / "m.csv").open(newline="") as file:
        known = {(row["name"], row["resolution_s"], row["unit"], row["value"]) for row in csv.DictReader(file) if row["value"]}
    assert known == {("pool.wait_p95_ms", "1", "ms", "12.5"), ("pool.waiting", "3600", "1", "3.0")}
    backend.metrics.export(tmp_path / "m.json", "json", actor=actor)
    told = json.loads((tmp_path / "m.json").read_text())
    assert [value for _, value in told["pool.waiting"]["points"]["3600"]] == [3.0]
    assert backend.metrics.export(tmp_path / "m.prom", "prometheus", actor=actor) == 1
    lines = (tmp_path / "m.prom").read_text().splitlines()
    assert lines[:2] == [
        "# HELP lectern_pool_wait_p95_seconds Time below which 95 % of the waits for a connection lay, over the last 15 minutes.",
        "# TYPE lectern_pool_wait_p95_seconds gauge",
    ]
    assert re.fullmatch(r"lectern_pool_wait_p95_seconds 0\.0125 \d{13}", lines[2])
    assert LINE.fullmatch(lines[2])
    with pytest.raises(InvalidInput):
        backend.metrics.export(tmp_path / "x", "xml", actor=actor)
    with pytest.raises(StorageFailed):
        backend.metrics.export(tmp_path / "no" / "x", "csv", actor=actor)


def test_every_series_has_a_name_of_its_own_in_the_format_of_prometheus(
    backend: Backend, actor: Actor, link: MonitorLink, tmp_path: Path
) -> None:
    series = ring.declare(link)
    ring.write(link, SECONDS, [(now_of(link), [1.0] * len(series))])
    assert backend.metrics.export(tmp_path / "all.prom", "prometheus", actor=actor) == len(SERIES)
    lines = (tmp_path / "all.prom").read_text().splitlines()
    samples = [line for line in lines if not line.startswith("#")]
    assert all(LINE.fullmatch(line) for line in samples)
    names = [line.split()[0] for line in samples]
    assert len(set(names)) == len(SERIES)
    for prefix in ("# HELP", "# TYPE"):
        assert [line.split()[2] for line in lines if line.startswith(prefix)] == names
