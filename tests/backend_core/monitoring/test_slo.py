"""Objectives judge events, never averages; the allowance is counted over thirty days, and alerts need two windows at once."""

from __future__ import annotations

import datetime as dt
import itertools
from contextlib import ExitStack

import psycopg
import pytest
import sqlalchemy as sa

from backend_core.backend import Backend, open_backend
from backend_core.db.embedded import EmbeddedServer
from backend_core.db.roles import MONITOR
from backend_core.errors import ScopeNeeded
from backend_core.monitoring.link import MonitorLink
from backend_core.monitoring.measures.readings import Readings
from backend_core.monitoring.measures.recorder_step import RecorderStep, tidy
from backend_core.monitoring.slo import Objective
from backend_core.monitoring.statements import StatementCounter
from backend_core.policy import Actor
from backend_core.privacy import history
from backend_core.privacy.cases import BY_ID
from backend_core.privacy.records import CaseResult
from backend_core.settings import Settings
from tests.polling import eventually

NONE = "{0,0,0,0,0,0,0,0,0,0,0,0,0}"


def objective(backend: Backend, actor: Actor, key: str) -> Objective:
    return next(one for one in backend.slos.objectives(actor=actor) if one.key == key)


def happened(server: EmbeddedServer, key: str, *, good: int, bad: int, minutes_ago: float) -> None:
    with psycopg.connect(server.admin_dsn, autocommit=True) as conn:
        conn.execute(
            "INSERT INTO slo_events VALUES (%s, clock_timestamp() - %s * interval '1 minute', %s, %s, %s)",
            (key, minutes_ago, good, bad, NONE),
        )


def flushed(server: EmbeddedServer, counter: StatementCounter) -> None:
    link = MonitorLink(server.dsn(MONITOR))
    counter.flush(link)
    link.close()


def test_nothing_measured_is_unknown_and_neither_kept_nor_broken(backend: Backend, actor: Actor) -> None:
    found = {one.key: one for one in backend.slos.objectives(actor=actor)}
    assert list(found) == ["database", "sockets", "privacy", "pool", "memory", "jobs"]
    assert {(one.status, one.value, one.budget_left, one.burn_short) for one in found.values()} == {("unknown", None, None, None)}
    assert all(one.reason.endswith(".") for one in found.values())
    assert (found["sockets"].target, found["sockets"].expected) == (0.99, "99.9 %")


@pytest.mark.trace("B98", "B102")
def test_the_database_is_judged_by_real_statements_one_by_one(backend: Backend, actor: Actor, clean: EmbeddedServer) -> None:
    counter = StatementCounter(backend.database)
    for _ in range(60):
        with backend.database.begin("Fast") as conn:
            conn.execute(sa.text("SELECT 1"))
    flushed(clean, counter)
    well = objective(backend, actor, "database")
    assert (well.limit, well.limit_unit, well.expected) == (50.0, "ms", "10 to 20 ms p95")
    assert well.good + well.bad == 60
    assert well.p95 is not None
    for _ in range(20):
        with backend.database.begin("Slow") as conn:
            conn.execute(sa.text("SELECT pg_sleep(0.055)"))
    flushed(clean, counter)
    slow = objective(backend, actor, "database")
    # the mean of all these times keeps the promise; a quarter of the statements do not
    assert (slow.good, slow.bad) == (well.good, well.bad + 20)
    assert (slow.status, slow.budget_left, slow.alert) == ("bad", 0.0, "")
    assert slow.p95 is not None
    assert slow.p95 > max(50, well.p95)
    assert slow.reason.startswith(f"{slow.bad} of 80 statements missed it; 5% may")


@pytest.mark.trace("B98")
@pytest.mark.parametrize(
    ("spread", "alert", "status"),
    [
        # (minutes ago, good, bad): the allowance is 5 of 100
        ([(2, 20, 80), (40, 20, 80), (20_000, 100_000, 0)], "fast", "bad"),
        # over for an hour: the short window ends the alert
        ([(2, 100, 0), (40, 0, 400), (20_000, 100_000, 0)], "", "ok"),
        # a moment only: the long window has not seen enough of it
        ([(2, 0, 30), (40, 1000, 0), (20_000, 100_000, 0)], "", "ok"),
        ([(10, 65, 35), (200, 65, 35), (20_000, 100_000, 0)], "slow", "warn"),
        # slowly, but nearly all of it in a month
        ([(10_000, 960, 40)], "", "warn"),
        ([(10_000, 900, 100)], "", "bad"),
        # too old to count
        ([(31 * 24 * 60, 0, 1000), (2, 100, 0)], "", "ok"),
        # so few that one is more than the whole allowance
        ([(2, 0, 3)], "", "warn"),
    ],
)
def test_an_alert_needs_a_long_and_a_short_window_at_once(
    backend: Backend, actor: Actor, clean: EmbeddedServer, spread: list[tuple[float, int, int]], alert: str, status: str
) -> None:
    for minutes_ago, good, bad in spread:
        happened(clean, "database", good=good, bad=bad, minutes_ago=minutes_ago)
    found = objective(backend, actor, "database")
    assert (found.alert, found.status) == (alert, status)


def test_the_speed_of_an_hour_and_of_six_and_what_is_left_are_told(backend: Backend, actor: Actor, clean: EmbeddedServer) -> None:
    happened(clean, "memory", good=90, bad=10, minutes_ago=30)
    happened(clean, "memory", good=300, bad=0, minutes_ago=120)
    found = objective(backend, actor, "memory")
    assert found.burn_short == pytest.approx(2.0)
    assert found.burn_long == pytest.approx(0.5)
    assert found.budget_left == pytest.approx(0.5)
    assert (found.good, found.bad, found.value) == (390, 10, 390 / 400)
    assert "counted since" in found.reason
    happened(clean, "memory", good=1, bad=0, minutes_ago=30 * 24 * 60 - 60)
    assert "counted since" not in objective(backend, actor, "memory").reason


def test_events_of_a_day_ago_become_hours_and_none_is_lost(backend: Backend, actor: Actor, clean: EmbeddedServer) -> None:
    for minutes_ago in range(60 * 24, 60 * 28, 7):
        happened(clean, "database", good=3, bad=1, minutes_ago=minutes_ago)
    happened(clean, "database", good=5, bad=0, minutes_ago=60 * 24 * 32)
    before = objective(backend, actor, "database")
    link = MonitorLink(clean.dsn(MONITOR))
    for _ in range(2):
        tidy(dt.datetime.now(dt.UTC), link)
    after = objective(backend, actor, "database")
    assert (after.good, after.bad) == (before.good, before.bad)
    old = link.rows("SELECT count(*) AS n, min(minute) > clock_timestamp() - interval '31 days' AS young FROM slo_events")[0]
    link.close()
    assert old["n"] <= 6  # hours that four hours may touch, and the newest minute
    assert old["young"]


@pytest.mark.trace("B101", "B105")
def test_the_pool_is_judged_by_seconds_of_its_fullest_process(settings: Settings, clean: EmbeddedServer) -> None:
    with open_backend(settings, application="desktop") as backend, ExitStack() as held:
        actor = backend.actor()
        link = MonitorLink(clean.dsn(MONITOR))
        step = RecorderStep(Readings(free_share=lambda: 0.5))
        moments = (dt.datetime.now(dt.UTC) + dt.timedelta(seconds=10 * n) for n in itertools.count())
        step(next(moments), link, first=True)

        def recorded(share: float) -> Objective:
            query = "SELECT max(in_use::float / capacity) AS share FROM process_report"
            eventually(lambda: link.rows(query)[0]["share"] == share)
            for moment in itertools.islice(moments, 7):
                step(moment, link, first=False)
            return objective(backend, actor, "pool")

        quiet = recorded(0.0)
        assert (quiet.status, quiet.bad, quiet.limit, quiet.expected) == ("ok", 0, 0.8, "about 30 % of the pool")
        for number in range(7):
            held.enter_context(backend.database.begin(f"Hold {number}")).execute(sa.text("SELECT 1"))
        assert recorded(0.7).bad == 0
        # the eighth of ten
        held.enter_context(backend.database.begin("Hold 8")).execute(sa.text("SELECT 1"))
        full = recorded(0.8)
        assert full.bad == 7  # each of the seconds
        assert full.p95 == pytest.approx(0.8)
        link.close()


@pytest.mark.trace("B100", "B104")
@pytest.mark.logs("privacy boundary held")
def test_privacy_counts_what_runs_find_and_what_the_guard_holds(backend: Backend, actor: Actor, clean: EmbeddedServer) -> None:
    with backend.database.begin("A run that found nothing") as conn:
        facts = {"trigger": "command", "started_by": "Ana", "role": "lectern_app", "target": "", "revision": None}
        number = history.begin(conn, **facts)  # type: ignore[arg-type]  # one value for each name
        cases = tuple(CaseResult(id=case, title="", rule="", group="", ok=True, probes=1, leaks=0) for case in BY_ID)
        history.finish(conn, number, outcome="pass", error=None, seconds=1.0, cases=cases, cells=())
    clear = objective(backend, actor, "privacy")
    assert (clear.status, clear.value, clear.budget_left, clear.expected) == ("ok", 0.0, 1.0, "0 violations")
    assert clear.good == len(BY_ID)
    with pytest.raises(ScopeNeeded), backend.database.begin("Peek") as conn:
        conn.execute(sa.text("SELECT * FROM messages"))
    held = objective(backend, actor, "privacy")
    assert (held.status, held.value, held.budget_left) == ("bad", 1.0, 0.0)
    with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
        conn.execute("DELETE FROM privacy_incidents")
        conn.execute("UPDATE privacy_runs SET leaks = 2, failed = 1, outcome = 'fail'")
    leaked = objective(backend, actor, "privacy")
    assert (leaked.status, leaked.value) == ("bad", 2.0)
    with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
        conn.execute("UPDATE privacy_runs SET finished_at = finished_at - interval '31 days'")
    assert objective(backend, actor, "privacy").value == 0.0


def test_jobs_are_judged_by_when_they_start_and_one_that_still_waits_counts(backend: Backend, actor: Actor, clean: EmbeddedServer) -> None:
    def job(number: int, waited_s: int, *, started: bool = True, attempt: int = 0) -> None:
        with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
            conn.execute(
                "INSERT INTO job_run (job_id, task, title, correlation_id, attempt, created_at, started_at)"
                " VALUES (%s, 't', 't', 'c', %s, now() - %s * interval '1 second', CASE WHEN %s THEN now() END)",
                (number, attempt, waited_s, started),
            )

    for number in range(9):
        job(number, 1)
    assert objective(backend, actor, "jobs").p95 == pytest.approx(1.0, abs=0.1)
    job(9, 61)
    job(10, 62, started=False)
    job(11, 5, started=False)
    job(12, 5000, attempt=2)
    found = objective(backend, actor, "jobs")
    assert (found.good, found.bad) == (9, 2)
