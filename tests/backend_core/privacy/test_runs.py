"""Runs: one at a time, by themselves when due, stopped cleanly, swept after a crash, also on another server, and a gate over them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace

import psycopg
import pytest

from backend_core.backend import Backend
from backend_core.db.embedded import EmbeddedServer
from backend_core.errors import Cancelled, Conflict, InvalidInput, NotAllowed, NotFound
from backend_core.policy import Actor
from backend_core.privacy import history, people
from backend_core.privacy.canaries import new_token
from backend_core.privacy.records import Outcome, Run
from backend_core.privacy.service import RUNNING
from tests.backend_core.privacy.breaches import details, made_up

FEW = 2


def stopped_after(steps: int) -> Callable[[], bool]:
    """Return what wants a run to end after so many looks at it."""
    looks = iter(range(10**6))
    return lambda: next(looks) >= steps


def pretend(backend: Backend, outcome: Outcome, *, ago: dt.timedelta = dt.timedelta(), revision: str | None = None) -> Run:
    """Write down a run that was never made."""
    with backend.database.begin("Pretend") as conn:
        tables = revision or history.revision(conn)
        number = history.begin(conn, trigger="command", started_by="Ana", role="lectern_app", target="", revision=tables)
        made = history.finish(conn, number, outcome=outcome, error=None, seconds=1.0, cases=(), cells=())
        conn.exec_driver_sql("UPDATE privacy_runs SET finished_at = finished_at - %s WHERE id = %s", (ago, number))
    return made


@pytest.mark.trace("B45")
def test_the_gate_tells_never_ok_failed_and_stale_apart(backend: Backend, actor: Actor) -> None:
    assert backend.privacy.gate() == "never"
    pretend(backend, "stopped")
    assert backend.privacy.gate() == "never"
    pretend(backend, "pass")
    assert backend.privacy.gate() == "ok"
    pretend(backend, "refused")
    assert backend.privacy.gate() == "failed"
    pretend(backend, "fail")
    assert backend.privacy.gate() == "failed"
    pretend(backend, "pass", ago=dt.timedelta(hours=26))
    assert backend.privacy.gate() == "stale"
    backend.house.update({"privacy_run_every_hours": 48}, version=0, actor=actor)
    assert backend.privacy.gate() == "ok"
    pretend(backend, "pass", revision="0001")
    told = backend.privacy.standing(actor=actor)
    assert (told.gate, told.reason) == ("stale", "The tables changed since the last privacy run.")


@pytest.mark.trace("B44")
def test_a_run_begins_by_itself_when_there_was_none_when_it_is_old_and_after_the_tables_changed(backend: Backend) -> None:
    def begun(last: Callable[[], object]) -> str | None:
        with backend.database.begin("Forget runs") as conn:
            conn.exec_driver_sql("DELETE FROM privacy_runs")
        last()
        before = {one.id for one in backend.privacy.history(actor=backend.system())}
        assert backend.privacy.duty(actor=backend.system(), cancelled=stopped_after(FEW)) is None
        fresh = [one for one in backend.privacy.history(actor=backend.system()) if one.id not in before]
        return fresh[0].trigger if fresh else None

    day, hour = dt.timedelta(hours=24), dt.timedelta(hours=1)
    assert begun(lambda: None) == "schedule"
    assert begun(lambda: pretend(backend, "pass", ago=hour)) is None
    assert begun(lambda: pretend(backend, "fail", ago=hour)) is None
    assert begun(lambda: pretend(backend, "pass", ago=day + hour)) == "schedule"
    assert begun(lambda: pretend(backend, "pass", ago=hour, revision="0001")) == "migration"
    assert begun(lambda: pretend(backend, "stopped")) is None, "one that came to nothing is not tried again at once"
    assert begun(lambda: pretend(backend, "stopped", ago=hour)) == "schedule"


@pytest.mark.trace("B41")
def test_a_run_that_is_stopped_leaves_nobody_behind_and_says_so(backend: Backend, clean: EmbeddedServer, actor: Actor) -> None:
    told: list[tuple[int, int, str]] = []
    with pytest.raises(Cancelled):
        backend.privacy.run(actor=actor, trigger="window", progress=lambda *step: told.append(step), cancelled=stopped_after(FEW))
    assert [done for done, _total, _what in told] == [1, 2]
    assert told[0][2] == "Made-up people talk"
    (made,) = backend.privacy.history(actor=actor)
    assert (made.outcome, made.trigger, made.started_by, made.error) == ("stopped", "window", actor.name, "The privacy run was stopped.")
    assert made_up(clean) == 0
    assert backend.privacy.latest(actor=actor) is None


def test_what_a_crash_left_behind_is_swept_by_the_next_run(backend: Backend, clean: EmbeddedServer, actor: Actor) -> None:
    with backend.database.begin("Crash") as conn:
        people.settle(conn, new_token())
        number = history.begin(conn, trigger="window", started_by="Ana", role="lectern_app", target="", revision="0001")
        elsewhere = history.begin(conn, trigger="command", started_by="Ana", role="lectern_app", target="team on db", revision="0001")
    assert made_up(clean) > 0
    with pytest.raises(Cancelled):
        backend.privacy.run(actor=actor, trigger="ci", cancelled=stopped_after(0))
    assert made_up(clean) == 0
    found = {one.id: one.outcome for one in backend.privacy.history(actor=actor)}
    assert (found[number], found[elsewhere]) == ("stopped", None), "a run on another server may still go on"


def test_of_two_runs_at_once_one_is_refused(backend: Backend, clean: EmbeddedServer, actor: Actor) -> None:
    with psycopg.connect(clean.admin_dsn) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", (RUNNING,))
        with pytest.raises(Conflict, match="going on"):
            backend.privacy.run(actor=actor, trigger="command")
        assert backend.privacy.duty(actor=backend.system()) is None
        assert backend.privacy.history(actor=actor) == ()
        other.rollback()
    with pytest.raises(Cancelled):
        backend.privacy.run(actor=actor, trigger="command", cancelled=stopped_after(0))


@pytest.mark.trace("B83")
def test_another_database_is_tried_with_people_of_its_own_and_cleaned_up(backend: Backend, clean: EmbeddedServer, actor: Actor) -> None:
    with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
        before = conn.execute("SELECT count(*) FROM privacy_runs").fetchone()
    made = backend.privacy.run(actor=actor, trigger="command", target=clean.admin_dsn)
    assert (made.outcome, made.cells, made.leaks) == ("pass", 1024, 0)
    assert (made.target, made.database_role) == ("lectern on this computer, port 5432", "lectern_app by lectern_admin")
    assert backend.privacy.latest(actor=actor) is None, "another server says nothing of ours"
    assert backend.privacy.gate() == "never"
    assert details(backend, made).run == made
    assert made_up(clean) == 0
    with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
        after = conn.execute("SELECT count(*) FROM privacy_runs").fetchone()
    assert before == (0,)
    assert after == (1,)


def test_a_target_that_is_none_of_lecterns_is_refused_at_once(backend: Backend, clean: EmbeddedServer, actor: Actor) -> None:
    with pytest.raises(InvalidInput):
        backend.privacy.run(actor=actor, trigger="command", target="no connection string")
    with pytest.raises(NotAllowed, match="tables of this version"):
        backend.privacy.run(actor=actor, trigger="command", target=clean.admin_dsn.replace("dbname=lectern", "dbname=postgres"))
    assert backend.privacy.history(actor=actor) == ()


def test_only_administrators_run_it_and_everybody_reads_what_came_of_it(backend: Backend, actor: Actor) -> None:
    made = pretend(backend, "pass")
    for role in ("support", "auditor"):
        somebody = replace(actor, role=role)
        with pytest.raises(NotAllowed):
            backend.privacy.run(actor=somebody, trigger="window")
        assert backend.privacy.run_details(made.id, actor=somebody).run.id == made.id
    with pytest.raises(NotFound):
        backend.privacy.run_details(made.id + 1, actor=actor)
