"""Watch rules: each raises one alert for what it is for, none for what it is not, and somebody says what came of it."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from backend_core.audit.watch import Alert, Watch, WatchLimits
from backend_core.backend import Backend
from backend_core.errors import InvalidInput, NotAllowed, NotFound
from backend_core.policy import Actor
from tests.backend_core.audit.events import ANA, BEN, entry, record, seal

NOW = dt.datetime.now(dt.UTC)
OPEN = WatchLimits(mass_reads=20, refusals=5, failed_sign_ins=5, office_start=dt.time(0), office_end=dt.time.max)
AGO = dt.timedelta(minutes=3)


def watch(backend: Backend, limits: WatchLimits = OPEN) -> Watch:
    return Watch(backend.database, backend.audit, limits=lambda: limits)


def check(backend: Backend, limits: WatchLimits = OPEN) -> list[tuple[str, str, int]]:
    return [(one.rule, one.subject, one.count) for one in watch(backend, limits).check(actor=backend.system())]


def reads(backend: Backend, count: int, *, actor: Actor = ANA, at: dt.datetime | None = None) -> None:
    record(backend, (entry(actor, "audio.play", f"audio:{n}") for n in range(count)), at=at or dt.datetime.now(dt.UTC) - AGO)
    seal(backend)


def test_reading_many_different_things_raises_one_alert(backend: Backend) -> None:
    reads(backend, 20)
    reads(backend, 20, actor=BEN)
    assert check(backend) == []
    record(backend, [entry(ANA, "audio.play", "audio:99")])
    seal(backend)
    assert check(backend) == [("mass_reads", "Ana Silva", 21)]
    assert check(backend) == []


def test_playing_one_thing_again_and_again_is_no_mass_read(backend: Backend) -> None:
    record(backend, (entry(ANA, "audio.play", "audio:1") for _ in range(50)), at=dt.datetime.now(dt.UTC) - AGO)
    seal(backend)
    assert check(backend) == []


def test_reads_long_ago_and_those_of_the_program_raise_nothing(backend: Backend) -> None:
    reads(backend, 50, at=dt.datetime.now(dt.UTC) - dt.timedelta(minutes=30))
    reads(backend, 50, actor=backend.system())
    assert check(backend) == []


@pytest.mark.parametrize(
    ("start", "end", "raised"),
    [(-2, 2, False), (1, 3, True), (-3, -1, True), (2, -2, True), (-1, -3, False)],
    ids=["inside", "before", "after", "over midnight, outside", "over midnight, inside"],
)
def test_an_export_is_reported_outside_office_hours(backend: Backend, start: int, end: int, raised: bool) -> None:
    moment = dt.datetime.now(dt.UTC)
    hours = [(moment + dt.timedelta(hours=shift)).time() for shift in (start, end)]
    if (hours[0] < hours[1]) != (start < end):
        # the day ends between the two: the rule reads them as a night, which is what they are then
        raised = (
            not (hours[0] <= moment.time() or moment.time() < hours[1]) if hours[0] > hours[1] else not hours[0] <= moment.time() < hours[1]
        )
    record(backend, [entry(ANA, "audio.export", "document:1")])
    seal(backend)
    found = check(backend, replace(OPEN, office_start=hours[0], office_end=hours[1]))
    assert found == ([("off_hours_export", "Ana Silva", 1)] if raised else [])


def test_many_refusals_and_failed_sign_ins_are_reported(backend: Backend) -> None:
    ghost = replace(ANA, name="nobody", operator_id=None, workstation="ws-9")
    record(backend, (entry(ghost, "operator.sign_in", "operator", outcome="refused") for _ in range(5)))
    record(backend, (entry(BEN, "document.delete", f"document:{n}", outcome="refused") for n in range(4)))
    seal(backend)
    assert check(backend) == [("refusals", "nobody", 5), ("failed_sign_ins", "nobody", 5), ("failed_sign_ins", "ws-9", 5)]


def test_a_sealer_that_stands_still_is_reported(backend: Backend) -> None:
    seal(backend)
    record(backend, [entry(ANA, "audio.play", "audio:1")], at=dt.datetime.now(dt.UTC) - dt.timedelta(minutes=2))
    assert [(rule, subject) for rule, subject, _ in check(backend)] == [("sealing_stalled", "sealer")]
    seal(backend)
    assert check(backend) == []


@pytest.mark.trace("B108")
@pytest.mark.logs("privacy boundary held")
def test_an_attempt_at_the_privacy_boundary_is_reported_even_when_the_program_made_it(backend: Backend) -> None:
    backend.scopes.guard.note("foreign_write", actor=backend.system(), detail="refused by row security (memories)")
    assert check(backend) == [("privacy_incident", "privacy:foreign_write", 1)]
    assert check(backend) == []


@pytest.mark.trace("B42")
def test_a_privacy_run_that_failed_is_reported_and_one_that_passed_is_not(backend: Backend) -> None:
    record(backend, [entry(ANA, "privacy.run", "privacy_run:1")])
    assert check(backend) == []
    record(backend, [entry(ANA, "privacy.run", "privacy_run:2", outcome="failed")])
    assert check(backend) == [("privacy_run", "privacy_run:2", 1)]


def raised(backend: Backend) -> Alert:
    reads(backend, 30)
    (alert,) = watch(backend).check(actor=backend.system())
    return alert


def test_an_alert_stays_until_somebody_says_what_came_of_it(backend: Backend, actor: Actor) -> None:
    alert = raised(backend)
    listed = backend.upkeep.watch.alerts(actor=actor)
    assert listed == (alert,)
    for note in ("", "   ", "x" * 501, "a\x00b"):
        with pytest.raises(InvalidInput):
            backend.upkeep.watch.acknowledge(alert.id, note, actor=actor)
    done = backend.upkeep.watch.acknowledge(alert.id, "A planned check of the collection", actor=actor)
    assert (done.acknowledged_by, done.note) == (actor.name, "A planned check of the collection")
    assert backend.upkeep.watch.alerts(actor=actor) == ()
    assert backend.upkeep.watch.alerts(actor=actor, acknowledged=True) == (done,)
    with pytest.raises(NotFound):
        backend.upkeep.watch.acknowledge(alert.id, "Again", actor=actor)
    rows = [row.action for row in backend.trail.tail(actor=actor, limit=2)]
    assert rows == ["alert.acknowledge", "audit.watch"]


def test_support_staff_do_not_see_alerts_and_only_the_program_watches(backend: Backend, actor: Actor) -> None:
    with pytest.raises(NotAllowed):
        backend.upkeep.watch.alerts(actor=ANA)
    with pytest.raises(NotAllowed):
        backend.upkeep.watch.check(actor=actor)


def test_the_house_settings_say_from_when_on_a_rule_speaks(backend: Backend, actor: Actor) -> None:
    reads(backend, 15)
    current = backend.house.read(actor)
    backend.house.update({"watch_mass_reads": 10}, version=current.version, actor=actor)
    assert [one.rule for one in backend.upkeep.watch.check(actor=backend.system()) if one.rule == "mass_reads"] == ["mass_reads"]
