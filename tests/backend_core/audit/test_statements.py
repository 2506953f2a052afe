"""Every list over the audit log asks the database as often for a thousand rows as for three."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace

import pytest
import sqlalchemy as sa

from backend_core.audit.query import AuditFilter
from backend_core.backend import Backend
from backend_core.policy import Actor
from tests.backend_core.audit.events import ANA, entry, fill, record, seal

List = Callable[[Backend, Actor], object]
LISTS: dict[str, List] = {
    "page": lambda backend, actor: backend.trail.page(10**6, 1000, actor=actor),
    "tail": lambda backend, actor: backend.trail.tail(filter=AuditFilter.parse("actor:ana"), limit=1000, actor=actor),
    "planned page": lambda backend, actor: backend.trail.planned_page(
        backend.trail.plan(AuditFilter.parse("action:audio.*"), actor=actor), 0, 1000, actor=actor
    ),
    "related": lambda backend, actor: backend.trail.related("none", actor=actor),
    "views": lambda backend, actor: backend.trail.views(actor=actor),
    "holds": lambda backend, actor: backend.upkeep.holds.holds(actor=actor),
    "alerts": lambda backend, actor: backend.upkeep.watch.alerts(actor=actor),
    "tombstones": lambda backend, actor: backend.upkeep.retention.tombstones(actor=actor),
    "retention classes": lambda backend, actor: backend.upkeep.retention.classes(actor=actor),
    "months": lambda backend, actor: backend.upkeep.monthly.months(actor=actor),
}


def statements(backend: Backend, work: Callable[[], object]) -> int:
    """Return how many statements ``work`` sends."""
    sent: list[str] = []

    def note(_conn: object, _cursor: object, statement: str, *_rest: object) -> None:
        sent.append(statement)

    sa.event.listen(backend.database.engine, "before_cursor_execute", note)
    try:
        work()
    finally:
        sa.event.remove(backend.database.engine, "before_cursor_execute", note)
    return len(sent)


@pytest.mark.trace("A92")
@pytest.mark.parametrize("name", LISTS)
def test_a_list_of_many_rows_costs_no_more_statements_than_one_of_few(backend: Backend, actor: Actor, name: str) -> None:
    show = LISTS[name]
    few = statements(backend, lambda: show(backend, actor))
    fill(backend, rows=120, begin=dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    record(backend, (entry(replace(ANA, name=f"Guest {n}"), "document.read", f"document:{n}") for n in range(30)))
    for n in range(5):
        backend.trail.save_view(f"View {n}", "", actor=actor)
        backend.upkeep.holds.place_hold(AuditFilter.parse(f"target:document:{n}"), actor=replace(actor, reason="Kept"))
    seal(backend)
    assert 0 < statements(backend, lambda: show(backend, actor)) <= few + (name == "planned page")
