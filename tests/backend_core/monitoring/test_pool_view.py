"""The pools of every process as Lectern shows them, beside what the server itself counts."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from backend_core.backend import Backend, open_backend
from backend_core.db.conninfo import application_name
from backend_core.db.embedded import EmbeddedServer
from backend_core.monitoring.records import BOUNDS_MS, Histogram, HolderRow
from backend_core.policy import Actor
from backend_core.settings import Settings
from tests.backend_core.monitoring.watcher import watch
from tests.faults.harness import start
from tests.polling import eventually

SAMPLES = 25
HELD = 3


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
    done = subprocess.run(
        [sys.executable, "-m", "backend_core.cli", *arguments, "--json"], env={**os.environ, **variables}, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    return json.loads(done.stdout)


def start_thread(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def holders(backend: Backend, actor: Actor, label: str) -> list[HolderRow]:
    return [row for row in backend.monitoring.pool(actor=actor).holders if row.label == label]


def test_another_process_sees_at_every_moment_what_the_server_counts(
    backend: Backend, variables: dict[str, str], clean: EmbeddedServer, tmp_path: Path
) -> None:
    ours = application_name("lectern-desktop")
    result = tmp_path / "samples"
    watcher = start(watch, variables, clean.admin_dsn, SAMPLES, result)
    eventually(lambda: result.exists() and result.read_text())
    with contextlib.ExitStack() as stack:
        steps = [contextlib.ExitStack() for _ in range(HELD)]
        # one more, then one less, every half second: slower than the report, so that a lag of one is all there can be
        for number, step in enumerate(steps):
            stack.push(step)
            step.enter_context(held(backend, f"Hold {number}"))
            watcher.join(0.5)
        for step in steps:
            step.close()
            watcher.join(0.5)
    watcher.join()
    samples = [json.loads(line) for line in result.read_text().splitlines()]
    assert len(samples) == SAMPLES
    for sample in samples:
        shown, counted = sample["shown"], sample["counted"]
        for application in shown.keys() | counted.keys():
            assert abs(shown.get(application, (0, 0))[0] - counted.get(application, (0, 0))[0]) <= 1, sample
        assert abs(shown[ours][1] - counted[ours][1]) <= 1, sample
    assert {0, 1, HELD} <= {sample["shown"][ours][1] for sample in samples}


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
    row = next(row for row in shown["processes"] if row["application"] == ours)
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
