"""Ask a server who it is, before anything else is done with it."""

from __future__ import annotations

from typing import Any

import psycopg

from backend_core.db.conninfo import LAUNCHER, complete
from backend_core.db.failures import translated
from backend_core.db.watchdog import answers
from backend_core.errors import DatabaseAway, InvalidInput


def connected(conninfo: str) -> psycopg.Connection[Any]:
    """Connect at once, or say why that does not work.

    Raises:
        DatabaseAway: the server does not answer, or refuses the sign-in.
    """
    try:
        return psycopg.connect(conninfo, autocommit=True)
    except psycopg.OperationalError as exc:
        if answers(conninfo):
            raise DatabaseAway("The database server answers but refused this sign-in.") from exc
        raise DatabaseAway("The database server does not answer.") from exc


def server_facts(dsn: str) -> tuple[str, str]:
    """Return the host name and the version of the server behind ``dsn``.

    Raises:
        InvalidInput: ``dsn`` is no connection string.
        DatabaseAway: it does not answer, or refuses the sign-in.
    """
    try:
        conninfo = complete(dsn, application=LAUNCHER)
    except psycopg.ProgrammingError:
        raise InvalidInput("LECTERN_DSN is not a connection string that PostgreSQL understands.") from None
    with translated(), connected(conninfo) as conn:
        row = conn.execute("SHOW server_version").fetchone()
        host = conn.info.host or "localhost"
    # a socket's folder is no name for people
    return ("localhost" if host.startswith("/") else host, str(row[0]) if row else "")
