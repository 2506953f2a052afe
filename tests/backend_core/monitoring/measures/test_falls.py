"""Counters of a server that crashed, or that somebody cleared, are never compared with those of before; a clean restart keeps them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from backend_core.db import embedded, migrate
from backend_core.db.embedded import EmbeddedServer
from backend_core.db.roles import MONITOR, OWNER
from backend_core.monitoring.measures.falls import cause_of
from backend_core.monitoring.measures.readings import Readings
from backend_core.monitoring.measures.recorder_step import RecorderStep
from backend_core.monitoring.recording import Recording
from tests.polling import eventually
from tests.postgres import StartServer

# its name is not known on Windows
KILL = 9
NOW = {"counters.commits": 100.0, "counters.blocks": 900.0, "counters.server_started": 10.0, "counters.began": 5.0, "counters.reset": None}


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"counters.commits": 101.0, "counters.blocks": 900.0}, None),
        ({"counters.server_started": 20.0, "counters.commits": 101.0}, "restart"),
        ({"counters.server_started": 20.0, "counters.began": 19.0, "counters.commits": 5000.0}, "crash"),
        ({"counters.began": 19.0, "counters.commits": 1.0}, "crash"),
        ({"counters.began": 19.0, "counters.commits": 5000.0}, "crash"),
        ({"counters.reset": 30.0, "counters.commits": 5000.0}, "reset"),
        ({"counters.blocks": 1.0}, "reset"),
        ({"counters.server_started": 20.0, "counters.commits": 1.0}, "crash"),
        ({"counters.commits": None, "counters.began": None}, None),
    ],
)
def test_the_cause_follows_from_two_readings(change: dict[str, float | None], cause: str | None) -> None:
    assert cause_of(NOW, {**NOW, **change}) == cause
    # before the first reading there is nothing to compare with
    assert cause_of({}, {**NOW, **change}) is None


@pytest.fixture
def own(start_server: StartServer, tmp_path: Path) -> Iterator[EmbeddedServer]:
    server = start_server(tmp_path / "home")
    migrate.upgrade(server.dsn(OWNER))
    yield server
    embedded.erase(server.cluster.home)


def causes(server: EmbeddedServer) -> list[str]:
    with suppress(psycopg.OperationalError), psycopg.connect(server.dsn(MONITOR)) as conn:
        return [row[0] for row in conn.execute("SELECT cause FROM counter_falls ORDER BY id").fetchall()]
    # it is in recovery
    return []


def step(recording: Recording) -> bool:
    # counters of a session arrive when it has been idle for a moment
    return eventually(recording.step)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
def test_crash_and_reset_are_told_apart_and_the_recorder_goes_on_after_each(own: EmbeddedServer) -> None:
    home = own.cluster.home
    recording = Recording(own.dsn(MONITOR), step=RecorderStep(Readings(free_share=lambda: None)))
    step(recording)
    step(recording)
    assert causes(own) == []

    with psycopg.connect(own.admin_dsn, autocommit=True) as conn:
        conn.execute("SELECT pg_stat_reset()")
        step(recording)
        assert causes(own) == ["reset"]
        os.kill(conn.info.backend_pid, KILL)
        eventually(lambda: step(recording) and len(causes(own)) > 1)
    assert causes(own) == ["reset", "crash"]

    embedded.stop(home)
    restarted = embedded.ensure_running(home)
    eventually(lambda: step(recording))
    step(recording)
    # the counters of a server that was stopped in good order go on
    assert causes(restarted) == ["reset", "crash", "restart"]

    os.kill(restarted.pid, KILL)
    again = eventually(lambda: embedded.ensure_running(home))
    eventually(lambda: step(recording))
    assert causes(again) == ["reset", "crash", "restart", "crash"]
    recording.close()
