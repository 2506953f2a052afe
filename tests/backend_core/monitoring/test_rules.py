"""Alert rules: each speaks when its subject is broken and is silent when it is mended, once, and without fluttering."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, LiteralString

import pytest

from backend_core.backend import Backend, open_backend
from backend_core.db.embedded import EmbeddedServer
from backend_core.db.roles import MONITOR
from backend_core.errors import PoolExhausted, Unavailable
from backend_core.jobs.watch import JobWatch
from backend_core.monitoring.link import MonitorLink
from backend_core.monitoring.rule_list import every_rule
from backend_core.monitoring.rule_readings import PoolTimeouts
from backend_core.monitoring.rules import AGAIN_S, AlertRules, Reading, Round, Rule
from backend_core.policy import Actor
from backend_core.settings import Settings
from tests.backend_core.monitoring.rule_cases import CASES, Scene, held
from tests.polling import eventually

DOCUMENT = Path(__file__).parents[3] / "docs" / "notices.md"


def scaled(rule: Rule, *, limit: float, clear: float) -> Rule:
    """Return a rule with a limit that is reached at once, and with nothing to wait for."""
    return dataclasses.replace(rule, limit=limit, clear=clear, hold_s=0.0, rest_s=0.0, every_s=0.0)


@pytest.fixture
def scene(backend: Backend, actor: Actor, settings: Settings, clean: EmbeddedServer, tmp_path: Path) -> Scene:
    return Scene(backend, actor, settings, clean, tmp_path)


def test_every_rule_is_tried_here_and_told_in_the_document(scene: Scene) -> None:
    delivered = {name: Settings.model_fields[name].default for name in ("stalled_after_s", "job_hard_limit_s")}
    watch = JobWatch(
        scene.backend.monitor_link.rows, queue="", stalled_after_s=delivered["stalled_after_s"], hard_limit_s=delivered["job_hard_limit_s"]
    )
    rules = every_rule(dataclasses.replace(scene.around(), job_watch=watch))
    assert sorted(rule.kind for rule in rules) == sorted({*CASES, "pool_timeouts"})
    text = DOCUMENT.read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]*) \|", text, flags=re.MULTILINE))
    assert rows == {rule.kind: f"{rule.limit:g} {rule.unit}" for rule in rules}
    assert all(rule.clear < rule.limit for rule in rules)


@pytest.mark.logs("worker ended", "job will be retried")
@pytest.mark.parametrize("kind", sorted(CASES))
def test_a_rule_speaks_when_its_subject_is_broken_and_is_silent_when_it_is_mended(scene: Scene, kind: str) -> None:
    if kind == "worker_stalled" and sys.platform == "win32":
        pytest.skip("nothing stops a process there")
    broken, limit = CASES[kind]
    declared = scene.rule(kind)
    rules = AlertRules([scaled(declared, limit=declared.limit if limit is None else limit, clear=0.0 if limit else declared.clear)])

    def look() -> Round:
        return rules.look(dt.datetime.now(dt.UTC), scene.backend.monitor_link)

    assert look() == Round((), (), ())
    with broken(scene):
        spoken = eventually(lambda: look().raised)
        assert {one for one, _ in spoken} == {kind}
    eventually(lambda: look().resolved)
    assert scene.sql("SELECT count(*) FROM notices WHERE kind = %s AND resolved_at IS NULL", kind) == [(0,)]


def test_a_connection_that_did_not_come_in_time_is_told_for_a_while(scene: Scene) -> None:
    short = dataclasses.replace(scene.rule("pool_timeouts"), read=PoolTimeouts(window=dt.timedelta(seconds=0.5)))
    rules = AlertRules([scaled(short, limit=short.limit, clear=short.clear)])

    def look() -> Round:
        return rules.look(dt.datetime.now(dt.UTC), scene.backend.monitor_link)

    hurried = scene.settings.model_copy(update={"pool_size": 1, "max_overflow": 0, "pool_timeout_s": 0.05})
    with open_backend(hurried, application="worker") as other:
        # it counts from what the first look saw
        eventually(lambda: scene.sql("SELECT 1 FROM process_report WHERE capacity = 1"))
        assert look() == Round((), (), ())
        with held(other), pytest.raises(PoolExhausted), other.database.begin("Hurry"):
            pass
        eventually(lambda: look().raised)
        eventually(lambda: look().resolved)


@pytest.mark.trace("B101")
def test_a_pool_of_thirty_is_told_of_at_24_and_not_at_23(scene: Scene) -> None:
    """As the rule is declared, limit and waiting time included."""
    wide = scene.settings.model_copy(update={"pool_size": 20, "max_overflow": 10})
    rules, now = AlertRules([scene.rule("pool_full")]), dt.datetime.now(dt.UTC)

    def used() -> list[tuple[object, ...]]:
        return scene.sql("SELECT in_use FROM process_report WHERE capacity = 30")

    def look(after_s: float) -> Round:
        return rules.look(now + dt.timedelta(seconds=after_s), scene.backend.monitor_link)

    with open_backend(wide, application="worker") as other, contextlib.ExitStack() as stack:
        for _ in range(23):
            stack.enter_context(other.database.begin("Hold"))
        eventually(lambda: used() == [(23,)])
        assert [look(seconds) for seconds in (0, 5, 10)] == [Round((), (), ())] * 3
        stack.enter_context(other.database.begin("Hold"))
        eventually(lambda: used() == [(24,)])
        assert [len(look(seconds).raised) for seconds in (15, 20)] == [0, 1]
    [notice] = scene.backend.notices.listing(actor=scene.actor)
    assert (notice.kind, notice.body.split(" of lectern")[0]) == ("pool_full", "24 of 30 connections")


class Scripts:
    """A rule whose reading the test sets."""

    def __init__(self, scene: Scene, **more: float) -> None:
        self.value: float | None = 0.0
        given = {"limit": 0.8, "clear": 0.7, "hold_s": 10.0, "rest_s": 30.0} | more
        rule = Rule(kind="probe", title="A", severity="warn", unit="", page="health", read=self._read, every_s=0.0, **given)  # type: ignore[arg-type]  # by name
        self._rules = AlertRules([rule])
        self._link = scene.backend.monitor_link
        self._now = dt.datetime.now(dt.UTC)

    def _read(self, _rows: object) -> Iterator[Reading]:
        if self.value is None:
            raise Unavailable("Away.")
        yield Reading(subject="", value=self.value, body=f"{self.value}")

    def after(self, seconds: float, value: float | None) -> Round:
        self.value, self._now = value, self._now + dt.timedelta(seconds=seconds)
        return self._rules.look(self._now, self._link)


def test_a_value_that_moves_about_its_limit_makes_one_notice(scene: Scene) -> None:
    script = Scripts(scene)
    rounds = [script.after(5, value) for value in (0.9, 0.79, 0.9, 0.9, 0.9)]
    # under the limit it begins to count anew
    assert [len(one.raised) for one in rounds] == [0, 0, 0, 0, 1]
    # a minute between limit and clear, then under clear and back
    flutter = [script.after(5, value) for value in (*[0.75] * 12, 0.69, 0.75, 0.69, 0.65, 0.69, 0.9)]
    assert not any(one.raised or one.resolved for one in flutter)
    rest = [script.after(5, 0.7) for _ in range(8)]
    assert [len(one.resolved) for one in rest] == [0, 0, 0, 0, 0, 0, 1, 0]


def test_what_lasts_is_brought_up_to_date_and_not_counted(scene: Scene) -> None:
    script = Scripts(scene, hold_s=0.0)
    script.after(0, 0.9)
    script.after(AGAIN_S / 2, 0.95)
    [first] = scene.backend.notices.listing(actor=scene.actor)
    script.after(AGAIN_S / 2, 0.97)
    [later] = scene.backend.notices.listing(actor=scene.actor)
    assert (first.body, later.body, later.times) == ("0.9", "0.97", 1)
    assert later.last_at > first.last_at


def test_who_takes_over_the_record_resolves_what_another_raised(scene: Scene) -> None:
    Scripts(scene, hold_s=0.0).after(0, 0.9)
    successor = Scripts(scene, hold_s=0.0)
    assert [len(successor.after(15, 0.75).raised), len(successor.after(15, 0.1).resolved), len(successor.after(30, 0.1).resolved)] == [
        0,
        0,
        1,
    ]


def test_what_cannot_be_read_is_neither_well_nor_broken(scene: Scene) -> None:
    script = Scripts(scene, hold_s=0.0, rest_s=0.0)
    assert script.after(0, None) == Round((), (), ("probe",))
    script.after(5, 0.9)
    assert script.after(5, None) == Round((), (), ("probe",))
    assert [one.live for one in scene.backend.notices.listing(actor=scene.actor)] == [True]
    assert len(script.after(5, 0.1).resolved) == 1


def test_the_recorder_carries_out_the_rules(scene: Scene) -> None:
    hook = scene.backend.alert_rules.hook
    assert hook.every_s <= 5
    assert hook.name in [one.name for one in scene.backend.recording.hooks]
    scene.sql("INSERT INTO counter_falls (what, cause, detail) VALUES ('index', 'crash', '{}')")
    hook.run(dt.datetime.now(dt.UTC), scene.backend.monitor_link)
    assert [one.kind for one in scene.backend.notices.listing(actor=scene.actor)] == ["statistics_lost"]


def test_a_table_that_somebody_holds_silences_the_rules_that_read_it_and_no_other(scene: Scene) -> None:
    asked = []

    class Counting(MonitorLink):
        def rows(self, query: LiteralString, parameters: Mapping[str, object] | None = None) -> Sequence[dict[str, Any]]:
            asked.append(query)
            return super().rows(query, parameters)

    link = Counting(scene.server.dsn(MONITOR))
    scene.sql("INSERT INTO counter_falls (what, cause, detail) VALUES ('index', 'crash', '{}')")
    with scene.raw(autocommit=False) as conn:
        conn.execute("LOCK TABLE procrastinate_jobs IN ACCESS EXCLUSIVE MODE")
        seen = AlertRules(scene.rules()).look(dt.datetime.now(dt.UTC), link)
    link.close()
    assert seen.raised == (("statistics_lost", "crash"),)
    assert set(seen.unknown) == {"worker_stalled", "job_overdue", "queue_unserved", "queue_lag"}
    # each question costs one patience, whatever number of rules ask it
    assert len(asked) == len(set(asked))
