"""On a shared server the database itself refuses what a role may not do: every role, every table, every privilege, by raw SQL."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psycopg
import psycopg.errors
import pytest
from psycopg import sql

from backend_core.audit.tables import audit_event
from backend_core.backend import Backend
from backend_core.db.roles import GROUPS
from backend_core.policy import ADMIN, ALLOWED, AUDITOR, SUPPORT, Actor
from tests.backend_core.access.conftest import Team

PEOPLE = {"ana": SUPPORT, "adm": ADMIN, "aud": AUDITOR}
EVERYBODY = "everybody"
"""Stands for what belongs to signing in, recording and being recorded, which is no action of its own."""


@dataclass(frozen=True)
class Rights:
    """Which actions of the policy justify a privilege on a table; nobody has one that no action justifies.

    Attributes:
        columns: the only columns that may be changed; all when empty.
        hidden: columns nobody of a role may read, by role.
    """

    select: tuple[str, ...] = ()
    insert: tuple[str, ...] = ()
    update: tuple[str, ...] = ()
    delete: tuple[str, ...] = ()
    columns: dict[str, tuple[str, ...]] | None = None
    hidden: dict[str, tuple[str, ...]] | None = None


READ = ("document.list",)
WORK = ("document.import",)
EVENT = tuple(column.name for column in audit_event.c if column.name != "id")
RIGHTS = {
    "alembic_version": Rights(select=(EVERYBODY,)),
    "operators": Rights(
        select=(EVERYBODY,), insert=("operator.add",), update=("operator.edit",), hidden={SUPPORT: ("email",)},
        columns={ADMIN: ("name", "os_user", "role", "disabled_at", "email", "db_login", "version")},
    ),
    "operator_password": Rights(),
    "auth_session": Rights(
        select=(EVERYBODY,), insert=(EVERYBODY,), update=(EVERYBODY,), hidden=dict.fromkeys((SUPPORT, ADMIN, AUDITOR), ("token",)),
        columns=dict.fromkeys((SUPPORT, ADMIN, AUDITOR), ("last_seen_at", "revoked_at")),
    ),
    "sign_in_failure": Rights(select=(EVERYBODY,), insert=(EVERYBODY,), update=(EVERYBODY,)),
    "audit_event": Rights(select=(EVERYBODY,), insert=(EVERYBODY,), hidden={SUPPORT: EVENT}),
    "documents": Rights(
        select=READ, insert=WORK, update=("document.rename",),
        columns={
            SUPPORT: ("title", "status", "error", "error_code", "correlation_id", "version", "updated_at", "deleted_at"),
            ADMIN: ("title", "status", "error", "error_code", "correlation_id", "version", "updated_at", "deleted_at", "owner_id"),
        },
    ),
    "document_pages": Rights(
        select=READ, insert=("operator.add",), update=("audio.generate",), delete=("document.retry",),
        columns=dict.fromkeys((SUPPORT, ADMIN), ("revision",)),
    ),
    "audios": Rights(
        select=READ, insert=("audio.generate",), update=("audio.play",),
        columns={
            AUDITOR: ("last_played_at",),
            **dict.fromkeys(
                (SUPPORT, ADMIN),
                (
                    "document_id", "voice", "rate", "pitch", "created_by", "status", "lifetime", "correlation_id", "error", "error_code",
                    "created_at", "job_id", "last_played_at", "deleted_at",
                ),
            ),
        },
    ),
    "objects": Rights(select=READ, insert=WORK, update=WORK, columns=dict.fromkeys((SUPPORT, ADMIN), ("refs", "released_at"))),
    "object_intents": Rights(select=WORK, insert=WORK, delete=WORK),
    "job_run": Rights(select=("job.list",), insert=WORK, update=("job.cancel",), columns=dict.fromkeys((SUPPORT, ADMIN), ("finished_at",))),
    "job_failure": Rights(select=("job.list",), hidden={SUPPORT: ("detail",)}),
    "process_report": Rights(),
    **{f"audit_{name}": Rights(select=("audit.list",)) for name in ("position", "seal", "key", "generation")},
    "audit_verification": Rights(select=("audit.list",), insert=("audit.verify",)),
    "audit_tombstone": Rights(select=("audit.list",)),
    "audit_erased": Rights(select=("audit.list",)),
    "audit_monthly": Rights(select=("audit.list",)),
    "audit_hold": Rights(
        select=("audit.list",), insert=("audit.hold",), update=("audit.hold",),
        columns=dict.fromkeys((ADMIN, AUDITOR), ("released_by", "released_at", "release_reason")),
    ),
    "audit_view": Rights(
        select=("view.list",), insert=("view.save",), update=("view.save",), delete=("view.delete",),
        columns=dict.fromkeys((ADMIN, AUDITOR), ("query",)),
    ),
    "audit_alert": Rights(
        select=("alert.list",), update=("alert.acknowledge",),
        columns=dict.fromkeys((ADMIN, AUDITOR), ("acknowledged_by", "acknowledged_at", "note")),
    ),
    "house_settings": Rights(select=("settings.read",), insert=("settings.update",), update=("settings.update",)),
    "backups": Rights(select=("backup.list",), insert=("backup.create",), update=("backup.create",)),
    "procrastinate_jobs": Rights(
        select=("job.list",), insert=WORK, update=("job.cancel",), columns=dict.fromkeys((SUPPORT, ADMIN), ("status", "abort_requested"))
    ),
    "procrastinate_events": Rights(insert=WORK),
    "procrastinate_workers": Rights(),
    "procrastinate_periodic_defers": Rights(),
}  # fmt: skip
# what everybody may do while acting as the monitor: see how the server does, and say so about oneself
MONITOR = {
    "process_report": {"SELECT", "INSERT", "UPDATE", "DELETE"},
    **{name: {"SELECT"} for name in ("alembic_version", "job_run", "job_failure", "backups")},
    **{f"procrastinate_{name}": {"SELECT"} for name in ("jobs", "events", "workers")},
}
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
