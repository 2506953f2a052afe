"""One process records at a time; another goes on within seconds when it dies, and so does the same one when the server did."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from backend_core.backend import open_backend
from backend_core.db.embedded import EmbeddedServer
from backend_core.db.roles import MONITOR
from backend_core.errors import Conflict
from backend_core.monitoring.link import MonitorLink
from backend_core.monitoring.measures.readings import Readings
from backend_core.monitoring.measures.recorder_step import RecorderStep
from backend_core.monitoring.recording import APPLICATION, Hook, Recording
from backend_core.settings import Settings
from tests.polling import eventually

CHILD = """
import sys, time
from backend_core.monitoring.measures.readings import Readings
from backend_core.monitoring.measures.recorder_step import RecorderStep
from backend_core.monitoring.recording import Recording
recording = Recording(sys.argv[1], step=RecorderStep(Readings(free_share=lambda: 0.5)))
while not recording.step():
    time.sleep(0.05)
print("leads", flush=True)
while True:
    recording.step()
    time.sleep(0.2)
"""


def recorder(server: EmbeddedServer) -> Recording:
    return Recording(server.dsn(MONITOR), step=RecorderStep(Readings(free_share=lambda: 0.5)))


@pytest.fixture
def child(clean: EmbeddedServer) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", CHILD, clean.dsn(MONITOR)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3]) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "leads\n"
        yield process
        process.kill()


def frames(server: EmbeddedServer) -> list[dt.datetime]:
    with psycopg.connect(server.admin_dsn) as conn:
        return [row[0] for row in conn.execute("SELECT at FROM metric_frames WHERE resolution_s = 1 ORDER BY at").fetchall()]


def test_of_two_recorders_one_leads_until_it_ends(clean: EmbeddedServer) -> None:
    first, second = recorder(clean), recorder(clean)
    assert first.step()
    assert [second.step(), first.step(), second.step()] == [False, True, False]
    first.close()
    assert eventually(second.step)
    second.close()


def test_another_recorder_goes_on_when_one_is_killed_and_nobody_makes_up_the_time_between(
    clean: EmbeddedServer, child: subprocess.Popen[str]
) -> None:
    mine = recorder(clean)
    assert not mine.step()
    eventually(lambda: frames(clean))
    child.kill()
    child.wait()
    killed = frames(clean)
    assert eventually(mine.step, within_s=5)
    after = frames(clean)
    # what was recorded stays, and only the seconds of the new one are added
    assert set(killed) <= set(after)
    assert len(set(after) - set(killed)) <= 1
    mine.close()


def test_a_recorder_that_hangs_loses_its_place(clean: EmbeddedServer) -> None:
    hanging, other = recorder(clean), recorder(clean)
    assert hanging.step()
    assert hanging.link.rows("SHOW idle_session_timeout")[0]["idle_session_timeout"] == "15s"
    assert not other.step()
    # nobody waits that long here
    hanging.link.rows("SET idle_session_timeout = '50ms'")
    assert eventually(other.step)
    assert [hanging.step(), hanging.step()] == [False, False]
    for one in (hanging, other):
        one.close()


def test_who_lost_its_connection_without_noticing_does_not_go_on_leading(clean: EmbeddedServer) -> None:
    first, second = recorder(clean), recorder(clean)

    def lost(_now: dt.datetime, link: MonitorLink) -> None:
        link.rows("SELECT pg_terminate_backend(pg_backend_pid())")

    first.hooks.append(Hook("lost", 600, lost))
    assert first.step()
    assert eventually(second.step)
    assert [first.step(), second.step()] == [False, True]
    for one in (first, second):
        one.close()


def test_a_table_that_somebody_locks_costs_its_figures_and_neither_the_lead_nor_the_hooks(clean: EmbeddedServer) -> None:
    seen: list[dt.datetime] = []
    mine, other = recorder(clean), recorder(clean)
    mine.hooks.append(Hook("fine", 0, lambda now, _link: seen.append(now)))
    with psycopg.connect(clean.admin_dsn) as conn:
        conn.execute("LOCK TABLE metric_frames, job_run IN ACCESS EXCLUSIVE MODE")
        assert [mine.step(), mine.step(), other.step()] == [True, True, False]
    assert len(seen) == 2
    assert not frames(clean)
    assert mine.step()
    assert len(frames(clean)) == 1
    for one in (mine, other):
        one.close()


def test_what_a_hook_does_wrong_ends_neither_the_others_nor_the_lead(clean: EmbeddedServer) -> None:
    seen: list[str] = []

    def refused(_now: dt.datetime, link: MonitorLink) -> None:
        seen.append("refused")
        link.rows("SELECT * FROM scope_key")

    def busy(_now: dt.datetime, _link: MonitorLink) -> None:
        raise Conflict("later")

    mine, other = recorder(clean), recorder(clean)
    mine.hooks += [Hook("refused", 1, refused), Hook("busy", 1, busy), Hook("fine", 1, lambda _now, _link: seen.append("fine"))]
    assert mine.step()
    assert seen == ["refused", "fine"]
    # the lock would have gone with the connection
    assert (other.step(), mine.step()) == (False, True)
    for one in (mine, other):
        one.close()


@pytest.mark.logs("recorder part failed")
def test_a_broken_hook_is_told_once_and_not_every_second(clean: EmbeddedServer, caplog: pytest.LogCaptureFixture) -> None:
    def broken(_now: dt.datetime, _link: MonitorLink) -> None:
        raise ValueError("broken")

    mine = recorder(clean)
    mine.hooks.append(Hook("broken", 0, broken))
    for _ in range(3):
        assert mine.step()
    assert len([one for one in caplog.records if "recorder part failed" in one.getMessage()]) == 1
    mine.close()


def test_each_hook_has_a_period_of_its_own(clean: EmbeddedServer) -> None:
    seen: list[str] = []
    mine = recorder(clean)
    mine.hooks += [
        Hook("always", 0, lambda _now, _link: seen.append("always")),
        Hook("seldom", 600, lambda _now, _link: seen.append("seldom")),
    ]
    for _ in range(3):
        assert mine.step()
    assert (seen.count("always"), seen.count("seldom")) == (3, 1)
    mine.close()


def test_a_desktop_records_and_a_command_does_not(settings: Settings, clean: EmbeddedServer) -> None:
    wanted = settings.model_copy(update={"record_metrics": "all"})

    def recorders() -> int:
        with psycopg.connect(clean.admin_dsn) as conn:
            query = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE %s"
            row = conn.execute(query, (f"{APPLICATION}%",)).fetchone()
            return 0 if row is None else int(row[0])

    with open_backend(wanted, application="command") as command:
        command.database.run("Look", lambda conn: conn.exec_driver_sql("SELECT 1"))
        assert command.recording.hooks == [] or not command.recording.leads
        assert recorders() == 0
    with open_backend(wanted, application="desktop") as desktop:
        assert eventually(lambda: desktop.recording.leads)
        assert recorders() == 1
        assert eventually(lambda: frames(clean))
    assert eventually(lambda: recorders() == 0)


def test_a_process_keeps_no_more_of_the_history_than_it_is_told_to(settings: Settings) -> None:
    for wanted, leads, counts in (("nothing", False, False), ("figures", True, False), ("statements", False, True)):
        chosen = settings.model_copy(update={"record_metrics": wanted})
        # a command has no thread that would step for it
        with open_backend(chosen, application="command") as backend:
            assert (wanted == "nothing" or backend.recording.step() == leads, bool(backend.database.timers)) == (True, counts)
