"""On a shared server the database itself refuses what a role may not do: every role, every table, every privilege, by raw SQL."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Callable, Iterator

import psycopg
import psycopg.errors
import pytest
from psycopg import sql

from backend_core.backend import Backend
from backend_core.conversations.records import IncomingMessage
from backend_core.db.roles import GROUPS
from backend_core.policy import ADMIN, ALLOWED, AUDITOR, SUPPORT, Actor
from tests.backend_core.access.conftest import Team, trusted
from tests.backend_core.access.rights import DIRECTORY, EVERYBODY, MONITOR, RIGHTS, SAID, Rights

PEOPLE = {"ana": SUPPORT, "adm": ADMIN, "aud": AUDITOR}
PRIVILEGES = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE")


def wanted(rights: Rights, role: str, privilege: str) -> bool:
    """Tell whether the policy gives ``role`` an action that needs this privilege."""
    actions = getattr(rights, privilege.lower(), ())
    return any(action == EVERYBODY or role in ALLOWED[action] for action in actions)


def columns_of(conn: psycopg.Connection[tuple[str, ...]], table: str) -> list[str]:
    query = "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
    return [str(row[0]) for row in conn.execute(query, (table,))]


def attempts(table: str, columns: list[str]) -> Iterator[tuple[str, str, sql.Composable]]:
    """Yield privilege, column and a statement that needs just that privilege and touches no row."""
    name = sql.Identifier(table)
    yield "DELETE", "", sql.SQL("DELETE FROM {}").format(name)
    yield "TRUNCATE", "", sql.SQL("TRUNCATE {}").format(name)
    for text in columns:
        column = sql.Identifier(text)
        yield "SELECT", text, sql.SQL("SELECT {} FROM {}").format(column, name)
        yield "UPDATE", text, sql.SQL("UPDATE {} SET {} = DEFAULT").format(name, column)
        yield "INSERT", text, sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT NULL WHERE false").format(name, column)


def permitted(conn: psycopg.Connection[tuple[str, ...]], statement: sql.Composable) -> bool:
    """Run a statement that is taken back, and tell whether the server let it pass."""
    try:
        with conn.transaction(force_rollback=True):
            conn.execute(statement)
    except psycopg.errors.InsufficientPrivilege:
        return False
    except psycopg.Error:
        # it was let pass, and failed on what it said
        return True
    return True


def held(conn: psycopg.Connection[tuple[str, ...]], tables: list[str]) -> set[tuple[str, str, str]]:
    """Return (table, privilege, column) of everything the server lets this connection do."""
    return {
        (table, privilege, column)
        for table in tables
        for privilege, column, statement in attempts(table, columns_of(conn, table))
        if permitted(conn, statement)
    }


def mistakes(found: set[tuple[str, str, str]], role: str) -> list[str]:
    """Return what was let pass without an action that justifies it, and what is missing."""
    wrong = []
    for table, privilege, column in sorted(found):
        rights = RIGHTS.get(table)
        if rights is None or not wanted(rights, role, privilege):
            wrong.append(f"{role} may {privilege} {table} {column}")
        elif privilege == "UPDATE" and rights.columns is not None and column not in rights.columns.get(role, ()):
            wrong.append(f"{role} may UPDATE {table} {column}")
        elif privilege == "SELECT" and column in (rights.hidden or {}).get(role, ()):
            wrong.append(f"{role} may SELECT {table} {column}")
    there = {(table, privilege) for table, privilege, _column in found}
    for table, rights in RIGHTS.items():
        missing = [privilege for privilege in PRIVILEGES if wanted(rights, role, privilege) and (table, privilege) not in there]
        wrong.extend(f"{role} may not {privilege} {table}" for privilege in missing)
    return wrong


@contextlib.contextmanager
def raw(team: Team, login: str) -> Iterator[psycopg.Connection[tuple[str, ...]]]:
    """Connect as the person would with psql."""
    with psycopg.connect(team.dsn(login), autocommit=True) as conn:
        yield conn


def tables_of(team: Team) -> list[str]:
    query = "SELECT relname::text FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm') AND relnamespace = 'public'::regnamespace ORDER BY 1"
    return [str(row[0]) for row in team.admin(query)]


@pytest.mark.trace("A84")
def test_raw_sql_can_do_nothing_to_any_table_that_the_policy_forbids(team: Team) -> None:
    tables = tables_of(team)
    assert set(tables) >= set(RIGHTS)
    assert sorted(set(tables) - set(RIGHTS)) == []
    for login, role in PEOPLE.items():
        with raw(team, login) as conn:
            cells = held(conn, tables)
            assert mistakes(cells, role) == []
            assert len(cells) > 30
            assert permitted(conn, sql.SQL("SELECT lectern_last_sign_in(1)")) == (role in ALLOWED["operator.list"])
            # with SET ROLE nothing more is to be had than from the group itself, and what the monitor may see
            for other in ("lectern_support", "lectern_administrator", "lectern_auditor", "lectern_app", "lectern_owner", "lectern_admin"):
                if other != dict(zip((SUPPORT, ADMIN, AUDITOR), GROUPS[:1] + GROUPS[1:], strict=True))[role]:
                    assert not permitted(conn, sql.SQL("SET ROLE {}").format(sql.Identifier(other))), other
            conn.execute("SET ROLE lectern_monitor")
            for table, privilege, _column in held(conn, tables):
                assert privilege in MONITOR.get(table, set()), (login, table, privilege)
            conn.execute("RESET ROLE")
            assert permitted(conn, sql.SQL("SET ROLE lectern_directory")) == (role in ALLOWED["conversation.list"])


@pytest.mark.trace("B30")
def test_the_directory_sees_who_and_when_and_never_what_was_said(team: Team) -> None:
    tables = tables_of(team)
    with raw(team, "ana") as conn:
        conn.execute("SET ROLE lectern_directory")
        seen = held(conn, tables)
    everything = {name for name, columns in DIRECTORY.items() if columns is None}
    told = {(table, "SELECT", column) for table, columns in DIRECTORY.items() for column in columns or ()}
    assert {cell for cell in seen if cell[0] not in everything} == told
    assert {privilege for table, privilege, _column in seen if table in everything} == {"SELECT"}
    assert {table for table, _privilege, _column in seen} == set(DIRECTORY)


@pytest.mark.trace("B30", "B90")
def test_raw_sql_without_a_scope_reads_and_changes_no_row_of_what_was_said(staffed: Team) -> None:
    closed = sorted(name for name, rights in RIGHTS.items() if rights is SAID)
    assert len(closed) == 12
    with staffed.open("adm") as backend:
        actor = trusted(backend.access.sign_in_here())
        backend.people.save_persona("sage", name="Sage", passport={}, version=0, actor=actor)
        said = backend.conversations.receive(IncomingMessage(text="between us", sender="+15551234567", persona="sage"), actor=actor)
        backend.conversations.add_reminder(said.conversation_id, "call back", due_at=dt.datetime.now(dt.UTC), actor=actor)
    for login in ("ana", "adm"):
        with raw(staffed, login) as conn:
            for table in closed:
                name = sql.Identifier(table)
                assert conn.execute(sql.SQL("SELECT container_id FROM {}").format(name)).fetchall() == []
                assert conn.execute(sql.SQL("DELETE FROM {}").format(name)).rowcount == 0
                forged = sql.SQL("INSERT INTO {} (container_id) SELECT min(id) FROM containers").format(name)
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    conn.execute(forged)
    for table in ("messages", "reminders", "relationship_state"):
        assert staffed.admin(f"SELECT count(*) FROM {table}") == [(1,)]


@pytest.mark.trace("A84")
@pytest.mark.parametrize(
    ("grant", "revoke", "login"),
    [
        ("GRANT SELECT (actor) ON audit_event TO lectern_support", "REVOKE SELECT (actor) ON audit_event FROM lectern_support", "ana"),
        ("GRANT DELETE ON audit_event TO lectern_administrator", "REVOKE DELETE ON audit_event FROM lectern_administrator", "adm"),
        ("GRANT UPDATE (owner_id) ON documents TO lectern_support", "REVOKE UPDATE (owner_id) ON documents FROM lectern_support", "ana"),
        ("GRANT SELECT (token) ON auth_session TO lectern_auditor", "REVOKE SELECT (token) ON auth_session FROM lectern_auditor", "aud"),
        ("GRANT TRUNCATE ON documents TO lectern_support", "REVOKE TRUNCATE ON documents FROM lectern_support", "ana"),
        ("REVOKE DELETE ON object_intents FROM lectern_support", "GRANT DELETE ON object_intents TO lectern_support", "ana"),
        ("CREATE TABLE forgotten (n int); GRANT SELECT ON forgotten TO PUBLIC", "DROP TABLE forgotten", "ana"),
    ],
)
def test_one_wrong_right_is_found(team: Team, grant: str, revoke: str, login: str) -> None:
    with raw(team, login) as conn:
        before = mistakes(held(conn, tables_of(team)), PEOPLE[login])
        team.admin(grant)
        try:
            after = mistakes(held(conn, tables_of(team)), PEOPLE[login])
        finally:
            team.admin(revoke)
    assert len(set(after) - set(before)) == 1


@pytest.mark.trace("A84")
def test_raw_sql_reaches_no_session_and_no_failure_of_others(signed_in: Callable[[str], tuple[Backend, Actor]], staffed: Team) -> None:
    actors = {login: signed_in(login)[1] for login in ("adm", "ana", "aud")}
    for login, count in (("ana", 1), ("aud", 1), ("adm", 3)):
        with raw(staffed, login) as conn:
            assert len(conn.execute("SELECT id FROM auth_session").fetchall()) == count
    with raw(staffed, "ana") as conn:
        stolen = sql.SQL("INSERT INTO auth_session (operator_id, kind, workstation, expires_at) VALUES ({}, 'login', 'x', now())")
        assert not permitted(conn, stolen.format(sql.Literal(actors["adm"].operator_id)))
        assert permitted(conn, stolen.format(sql.Literal(actors["ana"].operator_id)))
        assert (
            conn.execute("UPDATE auth_session SET revoked_at = now() WHERE operator_id <> %s", (actors["ana"].operator_id,)).rowcount == 0
        )
        own = "UPDATE auth_session SET revoked_at = {}"
        conn.execute(sql.SQL(own).format(sql.SQL("now()")))
        assert not permitted(conn, sql.SQL(own).format(sql.SQL("NULL")))
        assert not permitted(conn, sql.SQL("INSERT INTO sign_in_failure (key) VALUES ('login:adm')"))
        assert permitted(conn, sql.SQL("INSERT INTO sign_in_failure (key) VALUES ('login:ana')"))


@pytest.mark.trace("A84")
def test_raw_sql_cannot_queue_a_job_in_somebody_elses_name(signed_in: Callable[[str], tuple[Backend, Actor]], staffed: Team) -> None:
    actors = {login: signed_in(login)[1] for login in ("adm", "ana")}
    job = sql.SQL("INSERT INTO procrastinate_jobs (queue_name, task_name, args) VALUES ('q', 't', {})")
    with raw(staffed, "ana") as conn:
        for forged in ("{}", '{"actor_id": null}', f'{{"actor_id": {actors["adm"].operator_id}}}', '{"actor_id": "1 "}'):
            assert not permitted(conn, job.format(sql.Literal(forged))), forged
        assert permitted(conn, job.format(sql.Literal(f'{{"actor_id": {actors["ana"].operator_id}}}')))
    staffed.admin(f"UPDATE operators SET disabled_at = now() WHERE id = {actors['ana'].operator_id}")
    with raw(staffed, "ana") as conn:
        assert not permitted(conn, job.format(sql.Literal(f'{{"actor_id": {actors["ana"].operator_id}}}')))
