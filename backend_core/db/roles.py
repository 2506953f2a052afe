"""The database roles of Lectern and the statements that create them."""

from __future__ import annotations

from collections.abc import Mapping

import psycopg
from psycopg import sql

ADMIN = "lectern_admin"
OWNER = "lectern_owner"
APP = "lectern_app"
MONITOR = "lectern_monitor"
AUDITOR = "lectern_auditor"
DATABASE = "lectern"

LOGIN_ROLES = (ADMIN, OWNER, APP, MONITOR)
"""Roles of the embedded server that sign in with a password."""

REQUIRED_ROLES = (OWNER, APP, MONITOR, AUDITOR)
"""Roles a server needs before the first migration."""

_ATTRIBUTES: Mapping[str, str] = {
    OWNER: "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS NOREPLICATION",
    APP: "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS NOREPLICATION",
    MONITOR: "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS NOREPLICATION",
    AUDITOR: "NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS NOREPLICATION",
}
_READY = "Lectern"


def is_ready(conn: psycopg.Connection[tuple[object, ...]]) -> bool:
    """Return whether ``create_all`` has finished on this server."""
    row = conn.execute(
        "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s",
        (DATABASE,),
    ).fetchone()
    return row is not None and row[0] == _READY


def create_all(conn: psycopg.Connection[tuple[object, ...]], *, passwords: Mapping[str, str]) -> None:
    """Create every role and the database of an embedded server; safe to repeat after an interruption.

    Args:
        conn: autocommit connection of the superuser to the database ``postgres``.
        passwords: clear-text password per role in ``LOGIN_ROLES``.
    """
    for role in REQUIRED_ROLES:
        _create_role(conn, role, password=passwords.get(role))
    conn.execute(sql.SQL("GRANT pg_monitor TO {}").format(sql.Identifier(MONITOR)))
    database = sql.Identifier(DATABASE)
    if not conn.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone():
        conn.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, sql.Identifier(OWNER)))
    conn.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database))
    users = sql.SQL(", ").join(sql.Identifier(role) for role in (APP, MONITOR, AUDITOR))
    conn.execute(sql.SQL("GRANT CONNECT, TEMPORARY ON DATABASE {} TO {}").format(database, users))
    conn.execute(sql.SQL("COMMENT ON DATABASE {} IS {}").format(database, sql.Literal(_READY)))


def _create_role(conn: psycopg.Connection[tuple[object, ...]], role: str, *, password: str | None) -> None:
    name = sql.Identifier(role)
    if not conn.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone():
        conn.execute(sql.SQL("CREATE ROLE {}").format(name))
    conn.execute(sql.SQL("ALTER ROLE {} {}").format(name, sql.SQL(_ATTRIBUTES[role])))
    if password is not None:
        # Hashed here, so that no statement and no server log ever holds the clear text.
        hashed = conn.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
        conn.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(name, sql.Literal(hashed)))


def statements_for_administrator(*, login: str, database: str) -> list[str]:
    """Return the SQL an administrator of a shared server runs once before the first migration.

    Args:
        login: the role Lectern signs in with.
        database: name of the database Lectern was given.

    >>> statements_for_administrator(login="ana", database="team")[0]
    'CREATE ROLE lectern_owner NOLOGIN NOSUPERUSER NOBYPASSRLS;'
    """
    who, where = _quoted(login), _quoted(database)
    return [
        *(f"CREATE ROLE {role} NOLOGIN NOSUPERUSER NOBYPASSRLS;" for role in REQUIRED_ROLES),
        f"GRANT pg_monitor TO {MONITOR};",
        f"GRANT {OWNER}, {APP}, {MONITOR} TO {who};",
        f"GRANT CONNECT, CREATE, TEMPORARY ON DATABASE {where} TO {OWNER};",
        f"GRANT CONNECT, TEMPORARY ON DATABASE {where} TO {APP}, {MONITOR}, {AUDITOR};",
        f"GRANT USAGE, CREATE ON SCHEMA public TO {OWNER};",
    ]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
