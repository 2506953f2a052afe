"""What raw SQL gets from the tables of containers: nothing without a scope, one container with one, and no scope but an honest one."""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Callable
from hashlib import sha256

import psycopg
import psycopg.errors
import pytest
from psycopg import sql

from backend_core.db.roles import GROUPS
from tests.privacy.raw import Connection, Walled, as_app, as_superuser, carried, carry, count, enter, state, visible

OUTSIDE = psycopg.errors.InsufficientPrivilege.sqlstate


# columns that hold, or tell by comparison, what somebody said
SAID = {
    "text", "body", "caption", "summary", "recognised_text", "topic", "topic_key", "speaker", "term", "items", "note", "embedding",
    "content_hash", "reason", "external_id", "attachment_guid",
}  # fmt: skip


def identity(table: str, text: str) -> sql.Composed:
    return sql.SQL(text).format(sql.Identifier(table))


@pytest.mark.trace("B30", "B64")
def test_no_scope_returns_nothing_everywhere(walled: Walled) -> None:
    tables = walled.tables
    with as_superuser(walled.server) as conn:
        assert visible(conn, tables) == dict.fromkeys(tables, 2)
    with as_app(walled.server) as conn:
        assert visible(conn, tables) == {}
        for table in tables:
            assert conn.execute(identity(table, "DELETE FROM {}")).rowcount == 0
            assert conn.execute(identity(table, "UPDATE {} SET container_id = container_id")).rowcount == 0
            assert state(conn, identity(table, "INSERT INTO {0} SELECT * FROM {0} WHERE false")) is None
        # with an id of its own the transaction still has no scope
        conn.execute("SELECT pg_current_xact_id()")
        assert visible(conn, tables) == {}


@pytest.mark.trace("B30")
@pytest.mark.parametrize("role", [*GROUPS, "lectern_monitor", "lectern_owner"])
def test_nobody_who_may_be_asked_to_look_sees_a_row_without_a_scope(walled: Walled, role: str) -> None:
    with psycopg.connect(walled.server.admin_dsn, autocommit=True) as conn:
        conn.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))
        for table in walled.tables:
            with contextlib.suppress(psycopg.errors.InsufficientPrivilege):
                assert count(conn, table) == 0, table


@pytest.mark.trace("B30")
def test_a_scope_shows_one_container_and_takes_rows_of_no_other(walled: Walled) -> None:
    tables = walled.tables
    with as_app(walled.server) as conn:
        enter(conn, walled.mine)
        assert visible(conn, tables) == dict.fromkeys(tables, 1)
        for table in tables:
            text = conn.execute(identity(table, "SELECT array_agg(t::text) FROM {} t")).fetchone()
            assert "theirs" not in str(text)
            move = identity(table, "UPDATE {} SET container_id = %s")
            assert state(conn, move, (walled.theirs,)) == OUTSIDE, table
            copy = identity(table, "INSERT INTO {0} SELECT (jsonb_populate_record(t, %s)).* FROM {0} t")
            assert state(conn, copy, (theirs(walled),)) == OUTSIDE, table
            assert conn.execute(identity(table, "DELETE FROM {} WHERE container_id = %s"), (walled.theirs,)).rowcount == 0


def theirs(walled: Walled) -> str:
    return f'{{"container_id": {walled.theirs}}}'


@pytest.mark.trace("B30")
def test_a_scope_ends_with_its_transaction_and_with_its_savepoint(walled: Walled) -> None:
    tables = walled.tables
    with as_app(walled.server) as conn:
        for end in (conn.commit, conn.rollback):
            enter(conn, walled.mine)
            assert visible(conn, tables)
            end()
            assert visible(conn, tables) == {}
            conn.rollback()
        conn.execute("SELECT pg_current_xact_id()")
        conn.execute("SAVEPOINT before")
        enter(conn, walled.mine)
        conn.execute("ROLLBACK TO before")
        assert visible(conn, tables) == {}


@pytest.mark.trace("B30")
def test_a_transaction_that_saw_one_container_is_refused_another(walled: Walled) -> None:
    with as_app(walled.server) as conn:
        first = enter(conn, walled.mine)
        assert enter(conn, walled.mine) == first
        assert state(conn, "SELECT enter_scope(%s, 'why')", (walled.theirs,)) == "LS001"
        assert carried(conn) == first


@pytest.mark.trace("B30")
@pytest.mark.parametrize("reason", [None, "", "  \t"])
def test_a_scope_without_a_reason_is_refused(walled: Walled, reason: str | None) -> None:
    with as_app(walled.server) as conn:
        assert state(conn, "SELECT enter_scope(%s, %s)", (walled.mine, reason)) == "LS001"


def altered(honest: str, walled: Walled) -> list[str]:
    """Return scopes that nobody signed, made of one that was."""
    named, _, signature = honest.partition(".")
    other = str(walled.theirs)
    flipped = signature[:-1] + ("0" if signature[-1] != "0" else "1")
    return [
        f"{other}.{signature}", f"{named}.{flipped}", f"{named}.{'0' * 64}", f"{other}.", other, "", "%", f"{named}.{signature} OR true",
        f"{other}.{signature}.{named}", f"0{other}.{signature}", f"{honest}\n", f"\n{other}.{signature}", "-1." + signature,
    ]  # fmt: skip


@pytest.mark.trace("B30")
def test_an_altered_scope_shows_nothing(walled: Walled) -> None:
    tables = walled.tables
    with as_app(walled.server) as conn:
        honest = enter(conn, walled.mine)
        for claimed in altered(honest, walled):
            carry(conn, claimed)
            assert visible(conn, tables) == {}, claimed
        # the control: the same words in the same place, unaltered
        carry(conn, honest)
        assert visible(conn, tables) == dict.fromkeys(tables, 1)


@pytest.mark.trace("B30")
def test_a_replayed_scope_shows_nothing(walled: Walled) -> None:
    tables = walled.tables
    with as_app(walled.server) as conn:
        honest = enter(conn, walled.mine)
        assert visible(conn, tables)
        conn.commit()
        for level in ("SESSION", "LOCAL"):
            conn.execute(sql.SQL("SET {} lectern.scope = {}").format(sql.SQL(level), sql.Literal(honest)))
            conn.execute("SELECT pg_current_xact_id()")
            assert visible(conn, tables) == {}
            conn.rollback()


@pytest.mark.trace("B30")
def test_a_borrowed_scope_shows_nothing_while_its_owner_still_sees(walled: Walled) -> None:
    tables = walled.tables
    with as_app(walled.server) as owner, as_app(walled.server) as borrower:
        honest = enter(owner, walled.mine)
        carry(borrower, honest)
        assert visible(borrower, tables) == {}
        assert visible(owner, tables) == dict.fromkeys(tables, 1)


@pytest.mark.trace("B30")
def test_a_scope_of_another_login_shows_nothing(walled: Walled) -> None:
    tables = walled.tables
    with psycopg.connect(walled.server.admin_dsn) as conn:
        conn.execute("SET ROLE lectern_app")
        honest = enter(conn, walled.mine)
        assert visible(conn, tables)
        conn.execute("RESET ROLE")
        # the superuser alone may change who the session belongs to: same transaction, same process, other login
        conn.execute("SET SESSION AUTHORIZATION lectern_app")
        carry(conn, honest)
        assert visible(conn, tables) == {}


def by_a_domain(conn: Connection) -> None:
    """Have the program's functions check a value by a function of the caller's, with the rights of the owner."""
    conn.execute("CREATE FUNCTION pg_temp.told(value pg_catalog.bytea) RETURNS boolean LANGUAGE plpgsql AS $$"
                 " BEGIN RAISE NOTICE 'told % as %', value, current_user; RETURN true; END $$")  # fmt: skip
    conn.execute("CREATE DOMAIN pg_temp.bytea AS pg_catalog.bytea CHECK (pg_temp.told(VALUE))")


def by_a_table(conn: Connection) -> None:
    """Put a key of one's own where the program looks for its own."""
    conn.execute("CREATE TEMP TABLE scope_key (id integer, key bytea)")
    conn.execute("INSERT INTO pg_temp.scope_key VALUES (1, 'mine')")


@pytest.mark.trace("B30")
@pytest.mark.parametrize("trick", [by_a_domain, by_a_table])
def test_what_a_session_calls_its_own_does_not_get_into_the_signature(walled: Walled, trick: Callable[[Connection], None]) -> None:
    told: list[str] = []
    with as_app(walled.server) as conn:
        conn.add_notice_handler(lambda notice: told.append(str(notice.message_primary)))
        trick(conn)
        row = conn.execute("SELECT pg_current_xact_id(), pg_backend_pid(), session_user").fetchone()
        assert row is not None
        facts = ".".join(map(str, (walled.theirs, *row))).encode()
        carry(conn, f"{walled.theirs}.{sha256(b'mine' + sha256(b'mine' + facts).digest()).hexdigest()}")
        assert visible(conn, walled.tables) == {}
        enter(conn, walled.mine)
    assert [line for line in told if line.endswith("as lectern_owner")] == []


@pytest.mark.trace("B30")
def test_nobody_but_the_owner_reads_the_key_signs_or_writes_the_audit_row_of_a_scope(walled: Walled) -> None:
    statements = (
        "SELECT * FROM scope_key", "UPDATE scope_key SET key = 'x'", "DELETE FROM scope_key", "INSERT INTO scope_key VALUES (2, 'x')",
        "SELECT * FROM scope_writer", "DELETE FROM scope_writer", "SELECT scope_signature('x', 1, '1'::xid8)",
        "SELECT record_scope(gen_random_uuid(), 'x', '{}')", "ALTER TABLE memories DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE memories NO FORCE ROW LEVEL SECURITY", "DROP POLICY memories_scope ON memories", "TRUNCATE memories",
        "CREATE POLICY wide ON memories USING (true)", "SET ROLE lectern_owner", "SET ROLE lectern_backup", "SET ROLE lectern_admin",
        "SET SESSION AUTHORIZATION lectern_admin", "SET session_replication_role = replica",
        "CREATE OR REPLACE FUNCTION scope_id() RETURNS integer LANGUAGE sql AS 'SELECT 1'", "CREATE TABLE public.mine AS SELECT 1",
    )  # fmt: skip
    with as_app(walled.server) as conn:
        for statement in statements:
            assert state(conn, statement) == OUTSIDE, statement
        # with row security off a query that would be filtered is refused as a whole
        conn.execute("SET LOCAL row_security = off")
        assert state(conn, "SELECT * FROM memories") == OUTSIDE


@pytest.mark.trace("B30")
def test_a_container_goes_with_everything_in_it_only_inside_its_own_scope(walled: Walled) -> None:
    remove = "DELETE FROM containers WHERE id = %s"
    with as_app(walled.server) as conn:
        assert state(conn, remove, (walled.mine,)) == OUTSIDE
        assert state(conn, "DELETE FROM containers") == OUTSIDE
        enter(conn, walled.mine)
        assert state(conn, remove, (walled.theirs,)) == OUTSIDE
        assert conn.execute(remove, (walled.mine,)).rowcount == 1
    with as_superuser(walled.server) as conn:
        assert conn.execute("SELECT id FROM containers").fetchall() == [(walled.theirs,)]
        assert conn.execute("SELECT count(*) FROM audit_event WHERE target LIKE 'container:%'").fetchone() == (1,)


@pytest.mark.trace("B30")
def test_the_directory_tells_that_rows_are_there_and_nothing_of_what_they_say(walled: Walled) -> None:
    with as_app(walled.server) as conn:
        conn.execute("SET LOCAL ROLE lectern_directory")
        for table, statement in itertools.product(walled.tables, ("DELETE FROM {}", "UPDATE {} SET container_id = 1")):
            assert state(conn, identity(table, statement)) == OUTSIDE, (table, statement)
        readable = conn.execute(
            "SELECT c.relname::text, a.attname::text, format_type(a.atttypid, NULL)"
            " FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
            " WHERE c.relname = ANY(%s) AND a.attnum > 0 AND has_column_privilege(c.oid, a.attnum, 'SELECT')",
            (walled.tables,),
        ).fetchall()
        assert len(readable) > 20
        assert [(table, column) for table, column, kind in readable if column in SAID or kind in {"text", "bytea"}] == []


@pytest.mark.trace("B30")
def test_nothing_that_counts_or_explains_tells_of_another_container(walled: Walled) -> None:
    with as_app(walled.server) as conn:
        enter(conn, walled.mine)
        plan = conn.execute("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT * FROM memories WHERE text = 'mine'").fetchall()
        assert not re.search(r"Removed by Filter: [1-9]", str(plan))
        names = conn.execute("SELECT DISTINCT tablename::text FROM pg_stats WHERE tablename = ANY(%s)", (walled.tables,)).fetchall()
        assert names == []
