"""Ask a server who it is, before anything else is done with it."""

from __future__ import annotations

from typing import Any

import psycopg

from backend_core.db.conninfo import LAUNCHER, complete, keywords
from backend_core.db.failures import translated
from backend_core.db.roles import APP, memberships
from backend_core.db.watchdog import answers
from backend_core.errors import DatabaseAway, InvalidInput

NO_PASSWORD = "no password supplied"  # noqa: S105 - what libpq says


def connected(conninfo: str) -> psycopg.Connection[Any]:
    """Connect at once, or say why that does not work.

    Raises:
        DatabaseAway: the server does not answer, or refuses the sign-in.
    """
    try:
        return psycopg.connect(conninfo, autocommit=True)
    except psycopg.OperationalError as exc:
        if NO_PASSWORD in str(exc):
            raise DatabaseAway("The database server asks for a password, and none is kept here.") from exc
        if answers(conninfo):
            raise DatabaseAway("The database server answers but refused this sign-in.") from exc
        raise DatabaseAway("The database server does not answer.") from exc


def server_facts(dsn: str) -> tuple[str, str]:
    """Return the host name and the version of the server behind ``dsn``.

    Raises:
        InvalidInput: ``dsn`` is no connection string, or leads off this computer unprotected.
        DatabaseAway: it does not answer, or refuses the sign-in.
    """
    try:
        keywords(dsn)
    except psycopg.ProgrammingError:
        raise InvalidInput("LECTERN_DSN is not a connection string that PostgreSQL understands.") from None
    with translated(), connected(complete(dsn, application=LAUNCHER)) as conn:
        row = conn.execute("SHOW server_version").fetchone()
        host = conn.info.host or "localhost"
    # a socket's folder is no name for people
    return ("localhost" if host.startswith("/") else host, str(row[0]) if row else "")


def login_facts(dsn: str) -> tuple[str, frozenset[str]]:
    """Return the login behind ``dsn`` and which of Lectern's roles it may act as; a superuser at least as the program.

    Raises:
        DatabaseAway: the server does not answer, or refuses the sign-in.
    """
    with translated(), connected(complete(dsn, application=LAUNCHER)) as conn:
        row = conn.execute("SELECT session_user, rolsuper FROM pg_roles WHERE rolname = session_user").fetchone()
        login, everything = row or ("", False)
        return str(login), memberships(conn, login) | ({APP} if everything else set())
