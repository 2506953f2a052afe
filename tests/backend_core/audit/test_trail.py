"""Any depth of the audit log, by position, filter and time, agrees with the whole list read at once."""

from __future__ import annotations

import contextlib
import datetime as dt
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace

import pytest

from backend_core.audit import search
from backend_core.audit.query import AuditFilter
from backend_core.backend import Backend
from backend_core.errors import Cancelled, InvalidInput, LimitReached, NotAllowed, NotFound
from backend_core.policy import SUPPORT, Actor
from tests.backend_core.audit.events import ANA, INES, entry, fill, record, seal

BEGIN = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
FILTERS = [
    "", "actor:ana", "actor:ana,ben", "actor:silva", "actor:nobody", "action:audio.*", "action:audio.*,operator.sign_in",
    "action:nothing.*",
    "target:document", "target:document:3", "outcome:refused", "outcome:refused,failed actor:chi", "since:2026-01-02 until:2026-01-04",
    "actor:ana action:audio.play since:2026-01-03", "workstation:ws-2", "role:support outcome:done",
]  # fmt: skip


@pytest.fixture
def filled(backend: Backend, actor: Actor) -> Backend:
    assert actor.name
    fill(backend, rows=300, begin=BEGIN)
    return backend


@pytest.mark.parametrize("text", FILTERS)
@pytest.mark.parametrize("long", [False, True])
def test_every_page_of_a_filtered_list_is_the_same_part_of_the_whole(filled: Backend, actor: Actor, text: str, long: bool) -> None:
    wanted = AuditFilter.parse(text)
    plan = filled.trail.plan(wanted, actor=actor)
    if long:
        # as if the list were too long for its ids: an anchor for every 16th row
        with filled.database.begin("Plan") as conn:
            now = dt.datetime.now(dt.UTC)
            where = [*search.conditions(plan.filter, conn, now=now), search.audit_event.c.id <= plan.newest_id]
            total, anchors = search.anchors_of(conn, where, step=16) if plan.total else (0, ())
        plan = replace(plan, total=total, anchors=anchors, ids=(), step=16)
    everything = filled.trail.tail(filter=wanted, limit=1000, actor=actor)
    assert plan.total == len(everything)
    for first, count in [(0, 5), (0, 100), (15, 3), (16, 16), (30, 40), (plan.total - 1, 10), (plan.total, 5)]:
        assert filled.trail.planned_page(plan, first, count, actor=actor) == everything[max(0, first) : max(0, first) + count]


def test_the_list_without_a_filter_is_read_by_position(filled: Backend, actor: Actor) -> None:
    summary = filled.trail.summary(actor=actor)
    assert summary.total >= 300
    assert summary.unsealed == 0
    rows = filled.trail.page(summary.total, 1000, actor=actor)
    assert [row.position for row in rows] == list(range(summary.total, 0, -1))
    assert filled.trail.page(120, 7, actor=actor) == rows[summary.total - 120 : summary.total - 113]
    assert filled.trail.page(2, 10, actor=actor) == rows[-2:]


def test_rows_without_a_seal_show_in_the_tail_and_nowhere_else(filled: Backend, actor: Actor) -> None:
    before = filled.trail.summary(actor=actor)
    record(filled, [entry(INES, "audit.verify", "audit")])
    after = filled.trail.summary(actor=actor)
    assert (after.total, after.unsealed) == (before.total, 1)
    assert after.seal_lag_s is not None
    (row,) = filled.trail.tail(after_id=before.newest_id, actor=actor)
    assert (row.actor, row.position) == ("Ines Carvalho", None)
    seal(filled)
    assert filled.trail.page(before.total + 1, 1, actor=actor) == (replace(row, position=before.total + 1),)


@pytest.mark.parametrize("text", ["", "actor:ana", "outcome:refused"])
def test_a_jump_to_a_time_lands_on_the_last_row_before_it(filled: Backend, actor: Actor, text: str) -> None:
    plan = filled.trail.plan(AuditFilter.parse(text), actor=actor) if text else None
    tail = filled.trail.tail(filter=AuditFilter.parse(text), limit=1000, actor=actor)
    rows = tail if text else filled.trail.page(1000, 1000, actor=actor)
    for at in (
        BEGIN + dt.timedelta(hours=100, minutes=30),
        BEGIN + dt.timedelta(hours=40),
        BEGIN - dt.timedelta(days=1),
        dt.datetime.now(dt.UTC),
    ):
        earlier = [(row.at, -place) for place, row in enumerate(rows) if row.at <= at]
        expected = -max(earlier)[1] if earlier else len(rows) - 1
        assert filled.trail.place_of(at, filter_plan=plan, actor=actor) == expected


def test_details_name_the_neighbours_of_the_chain_and_the_seal(filled: Backend, actor: Actor) -> None:
    row = filled.trail.tail(filter=AuditFilter.parse("target:document:3"), actor=actor)[5]
    details = filled.trail.details(row.id, actor=actor)
    before, this, after = details.neighbours
    assert before is not None
    assert after is not None
    assert (before.wseq, this, after.wseq) == (row.wseq - 1, row, row.wseq + 1)
    assert before.writer == after.writer == row.writer
    assert details.seal is not None
    assert details.seal.position == row.position
    assert details.seal.size > details.seal.index >= 0
    with pytest.raises(NotFound):
        filled.trail.details(10**9, actor=actor)


def test_the_ends_of_a_chain_have_one_neighbour(filled: Backend, actor: Actor) -> None:
    first = next(
        row for row in reversed(filled.trail.tail(filter=AuditFilter.parse("actor:ana"), limit=1000, actor=actor)) if row.wseq == 1
    )
    assert filled.trail.details(first.id, actor=actor).neighbours[0] is None


def test_what_one_action_caused_is_found_by_its_correlation_id(filled: Backend, actor: Actor) -> None:
    row = filled.trail.tail(actor=actor)[0]
    assert row in filled.trail.related(row.correlation_id, actor=actor)
    assert filled.trail.related("none-such", actor=actor) == ()


def test_a_filter_that_an_index_serves_is_not_announced_as_a_scan(filled: Backend, actor: Actor) -> None:
    assert filled.trail.estimate(AuditFilter.parse("actor:ana"), actor=actor).scans is False


def test_a_search_stops_when_the_caller_gives_up(backend: Backend) -> None:
    def after_a_moment(hook: Callable[[], object]) -> AbstractContextManager[None]:
        threading.Timer(0.2, hook).start()
        return contextlib.nullcontext()

    def wait() -> None:
        with backend.database.begin("Wait") as conn, search.limited(conn, after_a_moment):
            conn.exec_driver_sql("SELECT pg_sleep(60)")

    with pytest.raises(Cancelled):
        wait()


def test_a_search_that_takes_too_long_says_so(backend: Backend) -> None:
    def wait() -> None:
        with backend.database.begin("Wait") as conn, search.limited(conn, None, limit_ms=50):
            conn.exec_driver_sql("SELECT pg_sleep(60)")

    with pytest.raises(LimitReached, match="took too long"):
        wait()


def test_a_search_that_was_given_up_before_it_began_does_not_begin(filled: Backend, actor: Actor) -> None:
    def at_once(_hook: Callable[[], object]) -> AbstractContextManager[None]:
        raise Cancelled("Stopped on request.")

    with pytest.raises(Cancelled):
        filled.trail.plan(AuditFilter.parse("actor:ana"), actor=actor, on_cancel=at_once)
    assert filled.trail.plan(AuditFilter.parse("actor:ana"), actor=actor).total


def test_support_staff_see_nothing_of_it(filled: Backend) -> None:
    somebody = replace(ANA, role=SUPPORT)
    for call in (
        lambda: filled.trail.summary(actor=somebody),
        lambda: filled.trail.page(10, 10, actor=somebody),
        lambda: filled.trail.plan(AuditFilter(), actor=somebody),
        lambda: filled.trail.tail(actor=somebody),
        lambda: filled.trail.details(1, actor=somebody),
        lambda: filled.trail.related("x", actor=somebody),
        lambda: filled.trail.views(actor=somebody),
    ):
        with pytest.raises(NotAllowed):
            call()


def test_views_are_ones_own_and_replace_one_of_the_same_name(backend: Backend, actor: Actor) -> None:
    other = replace(INES, operator_id=99)
    view = backend.trail.save_view("  Refused   last week ", "outcome:refused since:7d", actor=actor)
    again = backend.trail.save_view("Refused last week", "outcome:refused since:14d", actor=actor)
    assert again.id == view.id
    assert backend.trail.views(actor=actor) == (again,)
    assert backend.trail.views(actor=other) == ()
    with pytest.raises(NotFound):
        backend.trail.delete_view(view.id, actor=other)
    backend.trail.delete_view(view.id, actor=actor)
    assert backend.trail.views(actor=actor) == ()
    for name, query in [("", "actor:x"), ("x" * 81, ""), ("a\x00", ""), ("Good", "nonsense")]:
        with pytest.raises(InvalidInput):
            backend.trail.save_view(name, query, actor=actor)
