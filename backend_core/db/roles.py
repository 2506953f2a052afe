"""The database roles of Lectern and the statements that create them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, LiteralString

import psycopg
from psycopg import sql

ADMIN = "lectern_admin"
OWNER = "lectern_owner"
APP = "lectern_app"
MONITOR = "lectern_monitor"
SUPPORT = "lectern_support"
ADMINISTRATOR = "lectern_administrator"
AUDITOR = "lectern_auditor"
DIRECTORY = "lectern_directory"
BACKUP = "lectern_backup"
DATABASE = "lectern"

LOGIN_ROLES = (ADMIN, OWNER, APP, MONITOR)
"""Roles of the embedded server that sign in with a password."""

GROUPS = (SUPPORT, ADMINISTRATOR, AUDITOR)
"""What people on a shared server are members of, each of one; nobody signs in with these names."""

ASSUMED = (DIRECTORY, BACKUP)
"""Roles nobody is by default: what a list across all containers may see, and what reads everything for a backup."""

REQUIRED_ROLES = (OWNER, APP, MONITOR, *GROUPS, *ASSUMED)
"""Roles a server needs before the first migration."""

# of its own no group inherits what the monitor sees; it only may act as it
_GROUP = "NOLOGIN NOINHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS NOREPLICATION"
_ATTRIBUTES: Mapping[str, str] = {
    # no rights but its own: what reads everything for a backup must be asked for by name
    OWNER: "LOGIN NOINHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS NOREPLICATION",
    # it acts as the directory, and has none of its rights otherwise
    APP: "LOGIN NOINHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS NOREPLICATION",
    MONITOR: "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS NOREPLICATION",
    **dict.fromkeys((*GROUPS, *ASSUMED), _GROUP),
}
_READY = "Lectern"
_MAKING = 0x4C65_6375
"""Advisory lock of whoever adds roles to a running server."""


def is_ready(conn: psycopg.Connection[tuple[object, ...]]) -> bool:
    """Return whether ``create_all`` has finished on this server."""
    row = conn.execute(
        "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s",
        (DATABASE,),
    ).fetchone()
    return row is not None and row[0] == _READY


def add_missing(conn: psycopg.Connection[tuple[object, ...]]) -> None:
    """Add to a running embedded server the roles that the version which made it did not know.

    The mark of a finished server stays as it was, so that programs of that version, which may be running, go on working.

    Args:
        conn: autocommit connection of the superuser to the database ``postgres``.
    """
    if not set(missing(conn)) & {*GROUPS, *ASSUMED}:
        if not _may_signal(conn):
            _grant_signals(conn)
        return
    with conn.transaction():
        # lock: of several processes that find the groups missing one makes them
        conn.execute("SELECT pg_advisory_xact_lock(%s)", (_MAKING,))
        if set(missing(conn)) & {*GROUPS, *ASSUMED}:
            _create_groups(conn)
            _create_assumed(conn)
            _grant_signals(conn)


def missing(conn: psycopg.Connection[Any]) -> tuple[str, ...]:
    """Return the roles this server lacks."""
    there = {row[0] for row in conn.execute("SELECT rolname FROM pg_roles WHERE rolname = ANY(%s)", (list(REQUIRED_ROLES),))}
    return tuple(role for role in REQUIRED_ROLES if role not in there)


def memberships(conn: psycopg.Connection[Any], login: str) -> frozenset[str]:
    """Return which of Lectern's roles ``login`` may act as, once it is let in.

    A superuser counts only as what it was made a member of, not as everything.
    """
    rows = conn.execute(_MEMBERSHIPS, {"login": login, "roles": list(REQUIRED_ROLES)}).fetchall()
    return frozenset(row[0] for row in rows)


# before PostgreSQL 16 there is no column set_option, and every member may act as the role
_MEMBERSHIPS: LiteralString = """
WITH RECURSIVE up AS (
    SELECT oid FROM pg_roles WHERE rolname = %(login)s
    UNION
    SELECT m.roleid FROM pg_auth_members m JOIN up ON m.member = up.oid
     WHERE coalesce((to_jsonb(m) ->> 'set_option')::boolean, true)
)
SELECT r.rolname FROM pg_roles r JOIN up USING (oid) WHERE r.rolname = ANY(%(roles)s)
"""


def create_all(conn: psycopg.Connection[tuple[object, ...]], *, passwords: Mapping[str, str]) -> None:
    """Create every role and the database of an embedded server; safe to repeat after an interruption.

    Args:
        conn: autocommit connection of the superuser to the database ``postgres``.
        passwords: clear-text password per role in ``LOGIN_ROLES``.
    """
    for role in (OWNER, APP, MONITOR):
        _create_role(conn, role, password=passwords.get(role))
    conn.execute(sql.SQL("GRANT pg_monitor TO {}").format(sql.Identifier(MONITOR)))
    database = sql.Identifier(DATABASE)
    if not conn.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone():
        conn.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, sql.Identifier(OWNER)))
    conn.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database))
    users = sql.SQL(", ").join(sql.Identifier(role) for role in (APP, MONITOR))
    conn.execute(sql.SQL("GRANT CONNECT, TEMPORARY ON DATABASE {} TO {}").format(database, users))
    _create_groups(conn)
    _create_assumed(conn)
    _grant_signals(conn)
    conn.execute(sql.SQL("COMMENT ON DATABASE {} IS {}").format(database, sql.Literal(_READY)))


def _create_groups(conn: psycopg.Connection[tuple[object, ...]]) -> None:
    for role in GROUPS:
        _create_role(conn, role, password=None)
    groups = sql.SQL(", ").join(sql.Identifier(role) for role in GROUPS)
    conn.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(MONITOR), groups))
    conn.execute(sql.SQL("GRANT CONNECT, TEMPORARY ON DATABASE {} TO {}").format(sql.Identifier(DATABASE), groups))


def _create_assumed(conn: psycopg.Connection[tuple[object, ...]]) -> None:
    for role in ASSUMED:
        _create_role(conn, role, password=None)
    # before it becomes a member: from then on each membership keeps what it was given with
    for role in (OWNER, APP):
        conn.execute(sql.SQL("ALTER ROLE {} NOINHERIT").format(sql.Identifier(role)))
    conn.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(BACKUP), sql.Identifier(OWNER)))
    readers = sql.SQL(", ").join(sql.Identifier(role) for role in (APP, SUPPORT, ADMINISTRATOR))
    conn.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(DIRECTORY), readers))
    assumed = sql.SQL(", ").join(sql.Identifier(role) for role in ASSUMED)
    conn.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(sql.Identifier(DATABASE), assumed))


def _may_signal(conn: psycopg.Connection[tuple[object, ...]]) -> bool:
    row = conn.execute("SELECT pg_has_role(%s, 'pg_signal_backend', 'MEMBER') AS may", (ADMINISTRATOR,)).fetchone()
    return row is not None and bool(row[0])


def _grant_signals(conn: psycopg.Connection[tuple[object, ...]]) -> None:
    # of the groups only administrators stop sessions; neither role inherits it, so it must be asked for by name
    who = sql.SQL(", ").join(sql.Identifier(role) for role in (APP, ADMINISTRATOR))
    conn.execute(sql.SQL("GRANT pg_signal_backend TO {}").format(who))


def _create_role(conn: psycopg.Connection[tuple[object, ...]], role: str, *, password: str | None) -> None:
    name = sql.Identifier(role)
    if not conn.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone():
        conn.execute(sql.SQL("CREATE ROLE {}").format(name))
    conn.execute(sql.SQL("ALTER ROLE {} {}").format(name, sql.SQL(_ATTRIBUTES[role])))
    if password is not None:
        # Hashed here, so that no statement and no server log ever holds the clear text.
        hashed = conn.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
        conn.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(name, sql.Literal(hashed)))


def statements_for_administrator(*, login: str, database: str, existing: Collection[str] = ()) -> list[str]:
    """Return the SQL an administrator of a shared server runs once before the first migration.

    Args:
        login: the role Lectern signs in with; it becomes the first administrator, and may run migrations and workers.
        database: name of the database Lectern was given.
        existing: Lectern's roles that are there already.

    >>> statements_for_administrator(login="ana", database="team")[0]
    'CREATE ROLE lectern_owner NOLOGIN NOINHERIT NOSUPERUSER NOBYPASSRLS;'
    """
    who, where = _quoted(login), _quoted(database)
    groups = ", ".join(GROUPS)
    apart = (OWNER, APP, *GROUPS, *ASSUMED)
    kinds = {role: " NOINHERIT" if role in apart else "" for role in REQUIRED_ROLES if role not in existing}
    return [
        *(f"CREATE ROLE {role} NOLOGIN{inherit} NOSUPERUSER NOBYPASSRLS;" for role, inherit in kinds.items()),
        *(f"ALTER ROLE {role} NOINHERIT;" for role in (OWNER, APP) if role in existing),
        f"GRANT pg_monitor TO {MONITOR};",
        f"GRANT pg_signal_backend TO {APP}, {ADMINISTRATOR};",
        f"GRANT {MONITOR} TO {groups};",
        f"GRANT {DIRECTORY} TO {APP}, {SUPPORT}, {ADMINISTRATOR};",
        f"GRANT {BACKUP} TO {OWNER};",
        f"GRANT {OWNER}, {APP}, {MONITOR}, {ADMINISTRATOR} TO {who};",
        f"GRANT CONNECT, CREATE, TEMPORARY ON DATABASE {where} TO {OWNER};",
        f"GRANT CONNECT, TEMPORARY ON DATABASE {where} TO {APP}, {MONITOR}, {groups};",
        f"GRANT CONNECT ON DATABASE {where} TO {', '.join(ASSUMED)};",
        f"GRANT USAGE, CREATE ON SCHEMA public TO {OWNER};",
    ]


def statements_for_login(*, login: str, group: str, leave: Collection[str] = ()) -> list[str]:
    """Return the SQL by which an administrator of a shared server makes a person's login, or moves it to another group.

    >>> statements_for_login(login="ana", group="lectern_support")
    ['CREATE ROLE "ana" LOGIN;', 'GRANT lectern_support TO "ana";']
    """
    who = _quoted(login)
    first = [f"REVOKE {role} FROM {who};" for role in leave] or [f"CREATE ROLE {who} LOGIN;"]
    return [*first, f"GRANT {group} TO {who};"]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
