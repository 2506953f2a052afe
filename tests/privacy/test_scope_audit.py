"""Whoever opens a scope leaves a row in the audit log, written by the database, chained, sealed and verified like every other."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from backend_core.backend import Backend
from backend_core.db.embedded import EmbeddedServer
from backend_core.policy import Actor
from tests.privacy.raw import Walled, as_app, as_superuser, carried, count, enter, public_id, visible

# what a leaf has to be computed from, byte by byte
REASONS = (
    "why",
    'a "quoted" \\ reason',
    "line\nbreak\tand \x01\x1f\x7f",
    "Ünïcödé \u2028 \U0001f511 العربية",
    "'; DROP TABLE memories; --",
    "x" * 900,
)


def opened(server: EmbeddedServer) -> list[tuple[Any, ...]]:
    query = "SELECT actor, action, target, outcome, reason, after FROM audit_event WHERE target LIKE 'container:%' ORDER BY id"
    with as_superuser(server) as conn:
        return conn.execute(query).fetchall()


def by_hand(walled: Walled, reasons: tuple[str, ...], *, container: int) -> None:
    with as_app(walled.server) as conn:
        for reason in reasons:
            enter(conn, container, reason)
            assert visible(conn, walled.tables)
            conn.commit()


@pytest.mark.trace("B30")
def test_a_scope_opened_by_hand_leaves_a_row_that_verification_accepts(walled: Walled, backend: Backend) -> None:
    by_hand(walled, REASONS, container=walled.mine)
    with as_superuser(walled.server) as conn:
        handle = public_id(conn, walled.mine)
    rows = opened(walled.server)
    assert [row[4] for row in rows] == [reason[:500] for reason in REASONS]
    assert {(*row[:4], row[5]["login"]) for row in rows} == {("lectern_app", "memory.open", f"container:{handle}", "done", "lectern_app")}
    backend.seals.seal()
    report = backend.seals.verify(actor=backend.system())
    assert report.problems == ()
    assert report.rows >= len(REASONS)


@pytest.mark.trace("B30")
def test_sessions_that_open_scopes_side_by_side_and_take_some_back_leave_an_unbroken_log(walled: Walled, backend: Backend) -> None:
    def visit(number: int) -> None:
        for turn in range(6):
            with as_app(walled.server) as conn:
                for again in range(2):
                    enter(conn, walled.mine if (number + turn) % 2 else walled.theirs, f"{number}.{turn}.{again}")
                    if (number + turn + again) % 3:
                        conn.commit()
                    else:
                        conn.rollback()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(visit, range(4)))
    backend.seals.seal()
    assert backend.seals.verify(actor=backend.system()).problems == ()
    assert len(opened(walled.server)) == sum(
        (number + turn + again) % 3 > 0 for number in range(4) for turn in range(6) for again in range(2)
    )


def test_a_reason_that_was_changed_afterwards_is_noticed(walled: Walled, backend: Backend) -> None:
    by_hand(walled, ("curiosity",), container=walled.mine)
    backend.seals.seal()
    with as_superuser(walled.server) as conn:
        conn.execute("SET session_replication_role = replica")
        assert conn.execute("UPDATE audit_event SET reason = 'a complaint' WHERE reason = 'curiosity'").rowcount == 1
    assert not backend.seals.verify(actor=backend.system()).ok


@pytest.mark.trace("B30")
def test_without_its_row_a_scope_does_not_open(walled: Walled) -> None:
    with as_superuser(walled.server) as conn:
        conn.execute("CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'full'; END $$")
        conn.execute("CREATE TRIGGER full_disk BEFORE INSERT ON audit_event EXECUTE FUNCTION full_disk()")
    try:
        with as_app(walled.server, autocommit=True) as conn:
            with pytest.raises(psycopg.errors.RaiseException), conn.transaction():
                enter(conn, walled.mine)
            with conn.transaction():
                assert carried(conn) == ""
                assert visible(conn, walled.tables) == {}
    finally:
        with as_superuser(walled.server) as conn:
            conn.execute("DROP TRIGGER full_disk ON audit_event")
            conn.execute("DROP FUNCTION full_disk()")


@pytest.mark.trace("B30")
def test_the_programs_own_scopes_leave_who_what_and_why(walled: Walled, backend: Backend, actor: Actor) -> None:
    with as_superuser(walled.server) as conn:
        handle = public_id(conn, walled.mine)
    with backend.scopes.open(handle, actor=actor, action="memory.read", reason="a complaint") as scope:
        assert scope.container.public_id == handle
    (row,) = opened(walled.server)
    assert row[:5] == (actor.name, "memory.read", f"container:{handle}", "done", "a complaint")
    backend.seals.seal()
    assert backend.seals.verify(actor=backend.system()).problems == ()


def test_a_container_that_does_not_exist_is_refused_as_one_that_is_not_opened_for_everybody(walled: Walled) -> None:
    with as_app(walled.server, autocommit=True) as conn:
        for number in (walled.theirs + 1000, 0, -1):
            with pytest.raises(psycopg.Error) as refused:
                enter(conn, number)
            assert refused.value.sqlstate == "LS001"
    with as_superuser(walled.server) as conn:
        assert count(conn, "audit_event") == 0


@pytest.mark.trace("B30")
def test_no_row_of_the_audit_log_holds_what_was_said(walled: Walled, backend: Backend, actor: Actor) -> None:
    word = uuid.uuid4().hex
    with as_superuser(walled.server) as conn:
        conn.execute("UPDATE memories SET text = %s", (word,))
        handle = public_id(conn, walled.mine)
    with backend.scopes.open(handle, actor=actor, action="memory.read", reason="test") as scope:
        assert word in str(scope.conn.exec_driver_sql("SELECT * FROM memories").fetchall())
    with as_superuser(walled.server) as conn:
        assert word not in str(conn.execute("SELECT * FROM audit_event").fetchall())
