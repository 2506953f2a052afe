"""Ask a server who it is, before anything else is done with it."""

from __future__ import annotations

import psycopg

from backend_core.db.conninfo import LAUNCHER, complete
from backend_core.db.failures import translated


def server_facts(dsn: str) -> tuple[str, str]:
    """Return the host name and the version of the server behind ``dsn``.

    Raises:
        DatabaseAway: it does not answer, or refuses the sign-in.
    """
    with translated(), psycopg.connect(complete(dsn, application=LAUNCHER), autocommit=True) as conn:
        row = conn.execute("SHOW server_version").fetchone()
        host = conn.info.host or "localhost"
    # a socket's folder is no name for people
    return ("localhost" if host.startswith("/") else host, str(row[0]) if row else "")
