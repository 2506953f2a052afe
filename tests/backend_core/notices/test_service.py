"""Notices: one per event while it lasts, each for whom it concerns, quiet while somebody says so."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import psycopg
import pytest

from backend_core.backend import Backend
from backend_core.db.embedded import EmbeddedServer
from backend_core.errors import InvalidInput, NotAllowed, NotFound, ReasonNeeded
from backend_core.policy import AUDITOR, SUPPORT, Actor
from tests.backend_core.notices.conftest import Raise

PASSWORD = "correct horse battery 7"


@pytest.fixture
def colleague(backend: Backend, admin: Actor) -> Actor:
    """Somebody of support."""
    made = backend.access.add("Mara Koch", role=SUPPORT, password=PASSWORD, actor=admin)
    return replace(admin, operator_id=made.id, name=made.name, role=SUPPORT)


def hours(number: float) -> dt.datetime:
    return dt.datetime.now(dt.UTC) + dt.timedelta(hours=number)


def test_an_event_has_one_notice_however_often_and_by_however_many_it_is_said(
    backend: Backend, admin: Actor, system: Actor, notify: Raise
) -> None:
    with ThreadPoolExecutor(4) as pool:
        ids = set(pool.map(lambda _: notify(), range(8)))
    assert len(ids) == 1
    notify(subject="desktop")
    assert [(one.subject, one.times) for one in backend.notices.listing(actor=admin)] == [("desktop", 1), ("worker", 8)]
    assert backend.notices.resolve("pool_full", "worker", actor=system)
    assert not backend.notices.resolve("pool_full", "worker", actor=system)
    # what begins anew is a new event
    assert notify() not in ids
    assert [(one.subject, one.times, one.live) for one in backend.notices.listing(actor=admin)] == [
        ("worker", 1, True), ("desktop", 1, True), ("worker", 8, False),
    ]  # fmt: skip


def test_a_notice_that_belongs_to_a_transaction_goes_with_it(backend: Backend, admin: Actor, system: Actor, notify: Raise) -> None:
    notice_id = notify()

    def fail() -> None:
        with backend.database.begin("Fail") as conn:
            backend.notices.resolve("pool_full", "worker", actor=system, conn=conn)
            raise InvalidInput("x")

    with pytest.raises(InvalidInput):
        fail()
    assert [one.id for one in backend.notices.listing(actor=admin, open_only=True)] == [notice_id]


def test_each_person_has_notices_they_have_not_seen(backend: Backend, admin: Actor, colleague: Actor, notify: Raise) -> None:
    first = notify()
    assert (backend.notices.unread(admin), backend.notices.unread(colleague)) == (1, 1)
    backend.notices.seen(admin)
    notify()
    assert (backend.notices.unread(admin), backend.notices.unread(colleague)) == (0, 1)
    notify(subject="desktop")
    assert (backend.notices.unread(admin), backend.notices.unread(colleague)) == (1, 2)
    backend.notices.acknowledge(first, "on it", actor=colleague)
    assert (backend.notices.unread(admin), backend.notices.unread(colleague)) == (1, 1)
    backend.house.update({"notify_in_app": False}, version=0, actor=admin)
    assert (backend.notices.unread(admin), backend.notices.unread(colleague)) == (0, 0)


def test_what_is_for_one_person_is_told_to_them_and_administrators_and_an_audit_alert_to_no_supporter(
    backend: Backend, admin: Actor, colleague: Actor, notify: Raise
) -> None:
    auditor = replace(colleague, operator_id=10**6, role=AUDITOR)
    other = replace(colleague, operator_id=10**6)
    own, audit = notify("job_failed", "job:1", operator_id=colleague.operator_id), notify("audit_alert", "alert:1")
    seen = {
        who.role + str(who.operator_id): {one.id for one in backend.notices.listing(actor=who)}
        for who in (admin, colleague, auditor, other)
    }
    assert list(seen.values()) == [{own, audit}, {own}, {audit}, set()]
    with pytest.raises(NotFound):
        backend.notices.acknowledge(own, actor=other)


def test_a_notice_is_acknowledged_once_and_that_is_recorded(backend: Backend, admin: Actor, notify: Raise, clean: EmbeddedServer) -> None:
    notice_id = notify()
    made = backend.notices.acknowledge(notice_id, " looking \n into it ", actor=admin)
    assert (made.note, made.acknowledged_by, made.live) == ("looking into it", admin.name, True)
    for wrong in (notice_id, notice_id + 100):
        with pytest.raises(NotFound):
            backend.notices.acknowledge(wrong, actor=admin)
    with pytest.raises(InvalidInput):
        backend.notices.acknowledge(notice_id, "x" * 501, actor=admin)
    with psycopg.connect(clean.admin_dsn) as conn:
        row = conn.execute("SELECT actor, outcome FROM audit_event WHERE action = 'notice.acknowledge'").fetchall()
    assert len(row) == 1


def test_a_silence_has_an_end_and_a_reason_and_keeps_the_notice_in_the_list(
    backend: Backend, admin: Actor, notify: Raise, clean: EmbeddedServer
) -> None:
    with pytest.raises(ReasonNeeded):
        backend.notices.silence("pool_full", "", hours(1), actor=replace(admin, reason=None))
    with pytest.raises(NotAllowed):
        backend.notices.silence("pool_full", "", hours(1), actor=replace(admin, role=SUPPORT))
    for until in (hours(-1), hours(24 * 31), dt.datetime.now()):  # noqa: DTZ005  # one without a zone
        with pytest.raises(InvalidInput):
            backend.notices.silence("pool_full", "", until, actor=admin)
    made = backend.notices.silence("pool_full", "worker", hours(1), actor=admin)
    assert (made.reason, made.created_by) == ("a test", admin.name)
    notify()
    notify(subject="desktop")
    assert backend.notices.unread(admin) == 1
    quiet = {one.subject: one.quiet_until for one in backend.notices.listing(actor=admin)}
    assert quiet == {"worker": made.until, "desktop": None}
    assert [one.id for one in backend.notices.silences(actor=admin)] == [made.id]
    backend.notices.lift(made.id, actor=admin)
    assert backend.notices.silences(actor=admin) == ()
    assert len(backend.notices.silences(actor=admin, ended=True)) == 1
    with pytest.raises(NotFound):
        backend.notices.lift(made.id, actor=admin)
    # what happened under it once is told when it happens again
    assert backend.notices.unread(admin) == 1
    notify()
    assert backend.notices.unread(admin) == 2
    with psycopg.connect(clean.admin_dsn) as conn:
        assert conn.execute("SELECT count(*) FROM audit_event WHERE action = 'notice.silence' AND outcome = 'done'").fetchone() == (2,)


def test_only_the_program_raises_and_delivers(backend: Backend, admin: Actor, system: Actor, notify: Raise) -> None:
    notify()
    calls: list[Callable[[], object]] = [
        lambda: backend.notices.resolve("pool_full", "worker", actor=admin),
        lambda: backend.notices.deliver_due(actor=admin),
        lambda: backend.job_watch.troubles(backend.monitor_link.rows, actor=admin),
    ]
    for call in calls:
        with pytest.raises(NotAllowed):
            call()
    backend.notices.seen(system)
    assert backend.notices.deliveries(1, actor=replace(admin, role=SUPPORT)) == ()


def test_words_from_outside_stay_one_line_of_their_length(backend: Backend, admin: Actor, notify: Raise) -> None:
    notify(subject="a\nb" * 200, title="x\r\ny" * 100, body="\x00" + "b" * 2000)
    [one] = backend.notices.listing(actor=admin)
    assert (len(one.subject), len(one.title), len(one.body)) == (200, 200, 1000)
    assert "\n" not in one.title + one.subject
