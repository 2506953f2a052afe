"""Another database to try: opened as the role Lectern would be there, and only when it holds Lectern's tables of this version."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Final

import psycopg

from backend_core.access.logins import acting_role
from backend_core.db import migrate
from backend_core.db.conninfo import complete, keywords
from backend_core.db.database import Database
from backend_core.db.probe import login_facts
from backend_core.errors import InvalidInput, NotAllowed

APPLICATION: Final = "lectern-privacy"
POOL: Final = (1, 5)


@contextlib.contextmanager
def opened(dsn: str) -> Iterator[tuple[Database, str]]:
    """Open a target; return it and its name for people.

    Raises:
        InvalidInput: no connection string, or it leads off this computer unprotected.
        DatabaseAway: it does not answer, or refuses the sign-in.
        NotAllowed: the login is none of Lectern's, or the tables are not of this version.
    """
    try:
        given = keywords(dsn)
    except psycopg.ProgrammingError:
        raise InvalidInput("The target is not a connection string that PostgreSQL understands.") from None
    login, memberships = login_facts(dsn)
    role = acting_role(login, memberships, application="command")
    as_role = complete(dsn, application=APPLICATION, role=role)
    if migrate.state(as_role) is not migrate.SchemaState.CURRENT:
        raise NotAllowed("The target does not hold Lectern's tables of this version; run `lecternctl migrate` there first.")
    database = Database.open(dsn, application=APPLICATION, base=POOL[0], overflow=POOL[1], role=role)
    try:
        yield database, _name(given)
    finally:
        database.close()


def _name(given: dict[str, object]) -> str:
    host, port, name = (str(given.get(part) or "") for part in ("host", "port", "dbname"))
    # a socket's folder is no name for people
    where = "this computer" if not host or host.startswith(("/", "@")) else host
    return f"{name or 'the database'} on {where}" + (f", port {port}" if port else "")
