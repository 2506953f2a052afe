"""While others hold what a change of tables holds, every panel of monitoring answers and says what is locked."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest

from backend_core.backend import Backend
from backend_core.db.embedded import EmbeddedServer
from backend_core.db.roles import MONITOR
from backend_core.policy import Actor
from tests.backend_core.monitoring.server.holding import Sessions, sessions_of

# what pgAdmin and others were measured to wait for; each in a transaction that stays open
CHANGES = (
    "LOCK TABLE documents IN ACCESS EXCLUSIVE MODE",
    "REINDEX TABLE audios",
    "TRUNCATE job_failure",
    "ALTER TABLE contacts ALTER COLUMN display_name TYPE varchar(4000)",
    "DROP INDEX idx_audit_at",
)
LOCKED = {"documents", "audios", "job_failure", "contacts", "audit_event"}

Panel = Callable[[Backend, Actor], object]
PANELS: dict[str, Panel] = {
    "pool": lambda backend, actor: backend.monitoring.pool(actor=actor),
    "activity": lambda backend, actor: backend.server.activity(actor=actor),
    "locks": lambda backend, actor: backend.server.locks(actor=actor),
    "tables": lambda backend, actor: backend.server.tables(actor=actor),
    "statements": lambda backend, actor: backend.monitoring.statements(actor=actor),
    "indexes": lambda backend, actor: backend.indexes.view(actor=actor),
    "health": lambda backend, actor: backend.monitoring.health(actor=actor),
}


@pytest.fixture
def changing(clean: EmbeddedServer) -> Iterator[Sessions]:
    """Five sessions, each in the middle of a change of tables, for as long as the test lasts."""
    with sessions_of(clean.admin_dsn) as opened:
        for change in CHANGES:
            opened.hold(change, name="change")
        yield opened


def naive(server: EmbeddedServer, statement: str) -> None:
    """Run a statement as the watching role does, with the same patience."""
    with psycopg.connect(server.dsn(MONITOR), autocommit=True) as conn:
        conn.execute("SET lock_timeout = '250ms'; SET statement_timeout = '2s'")
        conn.execute(statement.encode())


@pytest.mark.parametrize("table", sorted(LOCKED))
def test_the_sizes_as_others_read_them_do_wait_for_these_locks(clean: EmbeddedServer, changing: Sessions, table: str) -> None:
    """The control: were nothing locked, or the patience longer than the hold, the test below would prove nothing."""
    with pytest.raises(psycopg.errors.LockNotAvailable):
        naive(clean, f"SELECT pg_total_relation_size('{table}')")


def test_every_panel_answers_within_its_patience_while_tables_are_being_changed(backend: Backend, actor: Actor, changing: Sessions) -> None:
    for name, panel in PANELS.items():
        assert panel(backend, actor) is not None, name
    health = {check.name: check.detail for check in backend.monitoring.health(actor=actor).checks}
    assert "locked" in health["Audit seal"]
    tables = {row.table: row for row in backend.server.tables(actor=actor).rows}
    holders = {conn.info.backend_pid for conn in changing.conns}
    assert LOCKED <= {name for name, row in tables.items() if row.locked} <= LOCKED | {"document_pages", "job_alerts"}
    assert {pid for row in tables.values() for pid in row.locked_by} == holders
    assert tables["documents"].lock == "ACCESS EXCLUSIVE"
    held = {(row.target, row.mode) for row in backend.server.locks(actor=actor).locks if row.application == "change"}
    assert {("documents", "ACCESS EXCLUSIVE"), ("audios", "SHARE"), ("idx_audit_at", "ACCESS EXCLUSIVE")} <= held
    locked_indexes = {row.name for row in backend.indexes.view(actor=actor).rows if row.locked}
    assert "idx_audit_at" in locked_indexes


def test_a_locked_sequence_is_marked_and_the_others_are_read(backend: Backend, actor: Actor, changing: Sessions) -> None:
    changing.hold("TRUNCATE conversations RESTART IDENTITY CASCADE", name="change")
    sequences = backend.server.tables(actor=actor).sequences
    locked = {one.table for one in sequences if one.locked}
    assert {one.table for one in sequences} > locked
    assert all(one.share is None for one in sequences if one.locked)
    assert all(one.share is not None for one in sequences if not one.locked)
