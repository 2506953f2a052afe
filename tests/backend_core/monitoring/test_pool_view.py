"""The pools of every process as Lectern shows them, beside what the server itself counts."""

from __future__ import annotations

import contextlib
import functools
import json
import math
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from backend_core.backend import Backend, open_backend
from backend_core.db import loans, wait_histogram
from backend_core.db.conninfo import application_name
from backend_core.db.embedded import EmbeddedServer
from backend_core.monitoring.pool_times import counters, times
from backend_core.monitoring.records import BOUNDS_MS, LEAK_S, USAGE_BOUNDS_MS, Histogram, HolderRow
from backend_core.policy import Actor
from backend_core.settings import Settings
from tests.backend_core.monitoring.watcher import watch
from tests.command import call
from tests.faults.harness import start
from tests.polling import eventually

LEVELS = (0, 12, 40, 7)
"""Clients, one number after the other, each for ``STEP`` samples."""
STEP = 7
LAG = 3
"""Samples after a change in which the report of another process may still be on its way."""


@pytest.fixture
def variables(settings: Settings) -> dict[str, str]:
    """Variables of another process of the same profile."""
    return {
        "LECTERN_HOME": str(settings.home),
        "LECTERN_OBJECTS": str(settings.objects),
        "LECTERN_POOL_SIZE": "1",
        "LECTERN_MAX_OVERFLOW": "1",
    }


@contextlib.contextmanager
def held(backend: Backend, label: str) -> Iterator[sa.Connection]:
    """Hold one connection in a transaction, as a slow operation would."""
    with backend.database.begin(label) as conn:
        conn.execute(sa.text("SELECT 1"))
        yield conn


def command(variables: dict[str, str], *arguments: str) -> Any:
    answer = call(*arguments, "--json", variables=variables)
    assert answer.code == 0
    return answer.value


def start_thread(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def holders(backend: Backend, actor: Actor, label: str) -> list[HolderRow]:
    return [row for row in backend.monitoring.pool(actor=actor).holders if row.label == label]


class Clients:
    """Forty threads that want a connection each and keep it until told."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._threads: list[tuple[threading.Thread, threading.Event]] = []

    def set(self, count: int) -> None:
        """Start or end clients until there are ``count``; the oldest end first, because they are the ones that hold something."""
        while len(self._threads) < count:
            enough = threading.Event()
            self._threads.append((start_thread(functools.partial(self._hold, enough)), enough))
        leaving = self._threads[: len(self._threads) - count]
        del self._threads[: len(leaving)]
        for _, enough in leaving:
            enough.set()
        for thread, _ in leaving:
            thread.join()

    def _hold(self, enough: threading.Event) -> None:
        with held(self._backend, "Hold"):
            enough.wait()


@pytest.mark.trace("B10", "B106")
def test_another_process_shows_what_the_server_counts_five_times_a_second_while_forty_clients_want_thirty_connections(
    settings: Settings, variables: dict[str, str], clean: EmbeddedServer, tmp_path: Path
) -> None:
    ours = application_name("lectern-desktop")
    result = tmp_path / "samples"
    wide = settings.model_copy(update={"pool_size": 20, "max_overflow": 10, "pool_timeout_s": 60.0})
    with open_backend(wide, application="desktop") as backend:
        clients = Clients(backend)
        watcher = start(watch, variables, clean.admin_dsn, STEP * len(LEVELS), result)
        try:
            for number, level in enumerate(LEVELS, 1):
                clients.set(level)
                eventually(lambda number=number: result.exists() and len(result.read_text().splitlines()) >= STEP * number)
        finally:
            clients.set(0)
            watcher.join()
    samples = [json.loads(line) for line in result.read_text().splitlines()]
    assert max(sample["counted"][ours][0] for sample in samples) == 30, "never more, however many want one"
    calm = [samples[n] for n in range(LAG, len(samples)) if all(samples[n]["counted"] == samples[n - k]["counted"] for k in range(LAG + 1))]
    for sample in calm:
        for application, (size, in_use) in sample["counted"].items():
            assert sample["shown"][application][0] == size, sample
            if application == ours:
                assert sample["shown"][application][1] == in_use, sample
    assert {0, 12, 30, 7} <= {sample["shown"][ours][1] for sample in calm}
    assert {10} == {sample["waiting"][ours] for sample in calm if sample["shown"][ours][1] == 30}


def test_the_command_agrees_with_the_window(backend: Backend, actor: Actor, variables: dict[str, str]) -> None:
    with held(backend, "One"), held(backend, "Two"):
        eventually(lambda: len(holders(backend, actor, "One")) == 1)
        wanted = backend.monitoring.pool(actor=actor)
        ours = application_name("lectern-desktop")

        def seen() -> bool:
            rows = {row["application"]: row for row in command(variables, "pool")["processes"]}
            return bool(rows[ours]["in_use"] == 2)

        eventually(seen)
        shown = command(variables, "pool")
    assert {"capacity", "in_use", "waiting", "wait_ms", "timeouts", "processes"} <= shown.keys()
    assert shown["wait_ms"].keys() == {"p50", "p95", "p99"}
    assert shown["usage_ms"].keys() == shown["connect_ms"].keys() == {"p50", "p95", "p99"}
    assert {"recycled", "invalidated", "leaks", "leaked", "leaking", "max_connections", "server_connections"} <= shown.keys()
    row = next(row for row in shown["processes"] if row["application"] == ours)
    # what the window told of its own times arrives here, beside those of the command
    mine = next(row for row in wanted.processes if row.application == ours)
    assert sum(row["usage_histogram"]["counts"]) >= mine.usage_histogram.total > 0
    assert sum(row["connect_histogram"]["counts"]) >= 2
    assert sum(shown["connect_histogram"]["counts"]) > sum(row["connect_histogram"]["counts"])
    assert {"application", "pid", "size", "overflow", "in_use", "waiting"} <= row.keys()
    assert (row["pid"], row["waiting"]) == (os.getpid(), 0)
    # the command's own pool is there too, beside the window's
    assert shown["capacity"] == wanted.capacity + 2
    assert sum(row["capacity"] or 0 for row in shown["processes"]) == shown["capacity"]


def test_whoever_holds_a_connection_is_named_with_what_for_and_where(backend: Backend, actor: Actor, clean: EmbeddedServer) -> None:
    with held(backend, "A slow report") as conn:
        server_pid = conn.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        holder = holders(backend, actor, "A slow report")[0]
        assert holder.server_pid == server_pid
        assert (holder.pid, holder.thread, holder.state) == (os.getpid(), "MainThread", "idle in transaction")
        assert holder.application == application_name("lectern-desktop")
        assert holder.held_s >= 0
        assert (holder.user, holder.blocks, holder.leaking) == ("lectern_app", (), False)
        assert holder.transaction_s is not None
        with psycopg.connect(clean.admin_dsn) as admin:
            started = admin.execute("SELECT backend_start FROM pg_stat_activity WHERE pid = %s", (server_pid,)).fetchone()
        assert (holder.started_at,) == started
        functions = [function for _, function in holder.frames]
        assert "held" in functions
        assert any(place.startswith("backend_core/") for place, _ in holder.frames)
        # no folder of this machine is shown to anybody
        assert not any(place.startswith("/") for place, _ in holder.frames)
    assert holders(backend, actor, "A slow report") == []


def test_a_holder_who_waits_for_a_lock_is_shown_with_what_it_waits_for(backend: Backend, actor: Actor, clean: EmbeddedServer) -> None:
    with psycopg.connect(clean.admin_dsn) as other:
        other.execute("LOCK TABLE documents IN ACCESS EXCLUSIVE MODE")
        waiting = start_thread(lambda: backend.documents.listing(actor=actor))
        row = eventually(lambda: next((row for row in holders(backend, actor, "List documents") if row.wait_event), None))
        assert row.wait_event == "Lock: relation"
        assert row.state == "active"
        assert row.last_query is not None
        assert "documents" in row.last_query
        other.rollback()
        waiting.join()


def test_a_holder_whom_others_wait_for_is_shown_with_their_pids(backend: Backend, actor: Actor, clean: EmbeddedServer) -> None:
    with held(backend, "In the way") as conn, psycopg.connect(clean.admin_dsn) as other:
        conn.exec_driver_sql("LOCK TABLE documents IN ROW EXCLUSIVE MODE")
        waiting = start_thread(lambda: other.execute("LOCK TABLE documents IN SHARE MODE"))
        row = eventually(lambda: next((row for row in holders(backend, actor, "In the way") if row.blocks), None))
        assert row.blocks == (other.info.backend_pid,)
        conn.rollback()
        waiting.join()


def test_connections_found_broken_are_counted_and_told_to_every_other_process(
    backend: Backend, variables: dict[str, str], clean: EmbeddedServer
) -> None:
    ours = application_name("lectern-desktop")
    with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
        conn.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = %s", (ours,))
        with held(backend, "Find out"):
            pass

        def told() -> bool:
            found = conn.execute("SELECT (more->>'invalidated')::int FROM process_report WHERE application = %s", (ours,)).fetchone()
            return found is not None and bool(found[0])

        eventually(told)
    shown = command(variables, "pool")
    rows = {row["application"]: row["invalidated"] for row in shown["processes"]}
    assert rows[ours] >= 1
    assert shown["invalidated"] == sum(rows.values())


def test_counters_and_times_of_several_pools_add_up_and_an_older_program_that_tells_none_counts_as_none() -> None:
    usage = [0] * (len(USAGE_BOUNDS_MS) + 1)
    usage[3] = 100
    telling = {"more": {"usage": usage, "usage_longest_ms": 4.9, "recycled": 5, "leaks": 1, "leaked": 3, "invalidated": 2}}
    reports = [one | {"histogram": [], "longest_ms": None} for one in (telling, telling, {"more": {}})]
    assert counters(reports) == {"recycled": 10, "leaks": 2, "leaked": 6, "invalidated": 4}
    found = times(reports)
    assert found["usage_histogram"].total == 200
    assert (found["longest_usage_ms"], found["longest_connect_ms"], found["connect_ms"].p50) == (4.9, None, None)
    assert found["usage_ms"].p99 == 4.9, "no percentile exceeds the longest"


def test_bounds_of_histograms_are_those_the_pool_counts_in() -> None:
    assert (*BOUNDS_MS, math.inf) == wait_histogram.BOUNDS_MS
    assert (*USAGE_BOUNDS_MS, math.inf) == wait_histogram.USAGE_BOUNDS_MS
    assert LEAK_S == loans.LEAK_S == USAGE_BOUNDS_MS[-1] / 1000


def test_a_process_that_leaves_takes_its_report_along(settings: Settings, clean: EmbeddedServer) -> None:
    def reports() -> list[str]:
        with psycopg.connect(clean.admin_dsn) as conn:
            return [str(row[0]) for row in conn.execute("SELECT application FROM process_report").fetchall()]

    with open_backend(settings, application="worker"):
        eventually(lambda: reports() == [application_name("lectern-worker")])
    assert reports() == []


def test_a_process_that_died_is_not_shown_for_long(backend: Backend, actor: Actor, clean: EmbeddedServer) -> None:
    eventually(lambda: backend.monitoring.pool(actor=actor).capacity)
    before = backend.monitoring.pool(actor=actor)
    with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
        conn.execute(
            "INSERT INTO process_report (application, host, pid, capacity, base, in_use, waiting, timeouts, histogram, holders)"
            " VALUES ('lectern-desktop@gone:1', 'gone', 1, 30, 20, 30, 5, 0, '[]', '[]')"
        )
        after = backend.monitoring.pool(actor=actor)
        # without a session on the server it has no pool, whatever it once reported
        assert (after.capacity, after.in_use, after.waiting) == (before.capacity, before.in_use, before.waiting)
        conn.execute("UPDATE process_report SET at = now() - interval '2 minutes' WHERE pid = 1")
        with held(backend, "Change something to report"):
            eventually(lambda: conn.execute("SELECT count(*) FROM process_report WHERE pid = 1").fetchone() == (0,))


def test_the_pool_is_shown_while_every_connection_is_taken(settings: Settings, clean: EmbeddedServer) -> None:
    with open_backend(settings.model_copy(update={"pool_size": 1, "max_overflow": 1})) as narrow, contextlib.ExitStack() as stack:
        actor = narrow.actor()
        for number in range(2):
            stack.enter_context(held(narrow, f"Hold {number}"))
        waiting = start_thread(lambda: narrow.documents.listing(actor=actor))
        view = eventually(lambda: next((view for view in [narrow.monitoring.pool(actor=actor)] if view.waiting), None))
        assert (view.in_use, view.capacity, view.idle, view.waiting) == (2, 2, 0, 1)
        stack.close()
        waiting.join()


def test_percentiles_of_nothing_are_unknown_and_of_something_lie_in_its_bucket() -> None:
    empty = Histogram(bounds_ms=BOUNDS_MS, counts=(0,) * (len(BOUNDS_MS) + 1))
    assert (empty.total, empty.percentiles().p50, empty.percentiles().p99) == (0, None, None)
    counts = [0] * (len(BOUNDS_MS) + 1)
    counts[3] = 100
    one = Histogram(bounds_ms=BOUNDS_MS, counts=tuple(counts)).percentiles()
    assert one.p50 is not None
    assert one.p99 is not None
    assert BOUNDS_MS[2] <= one.p50 < one.p99 <= BOUNDS_MS[3]
