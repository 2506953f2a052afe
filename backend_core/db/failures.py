"""Turns what the driver raises into Lectern's errors; no sentence ever holds SQL, values or a connection string."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import psycopg
import psycopg.errors
import sqlalchemy.exc

from backend_core.errors import Cancelled, Conflict, DatabaseAway, LecternError, NotAllowed, ScopeRefused, StorageFailed, safe

REPEATABLE_STATES = frozenset({"40001", "40P01"})
"""Serialization failure and deadlock: the same transaction may succeed when run again."""

_BY_STATE: dict[str, tuple[type[LecternError], str]] = {
    "40001": (Conflict, "Somebody else changed the same thing at the same moment."),
    "40P01": (Conflict, "Somebody else changed the same thing at the same moment."),
    "55P03": (Conflict, "Somebody else is changing the same thing right now."),
    "23505": (Conflict, "That exists already."),
    "23503": (Conflict, "Something this depends on was changed or removed."),
    "25P03": (DatabaseAway, "The database ended a transaction that waited too long."),
    "57014": (Cancelled, "The database request was stopped."),
    "53100": (StorageFailed, "The disk of the database server is full."),
    "42501": (NotAllowed, "The database does not permit this action for this account."),
    "LS001": (ScopeRefused, "The database does not open this conversation for this account."),
    "25006": (NotAllowed, "The database is open for reading only here."),
}
# Classes of SQLSTATE: connection exception, insufficient resources, operator intervention, system error.
_AWAY_CLASSES = ("08", "53", "57", "58")


def sqlstate(exc: BaseException) -> str | None:
    """Return the SQLSTATE of a driver error, wrapped by SQLAlchemy or not."""
    if isinstance(exc, sqlalchemy.exc.DBAPIError) and exc.orig is not None:
        exc = exc.orig
    return exc.sqlstate if isinstance(exc, psycopg.Error) else None


def translate(exc: Exception) -> LecternError:
    """Return the typed error for a driver error."""
    state = sqlstate(exc)
    if state in _BY_STATE:
        kind, sentence = _BY_STATE[state]
        return kind(sentence)
    original = exc.orig if isinstance(exc, sqlalchemy.exc.DBAPIError) else exc
    if state is None and isinstance(original, psycopg.OperationalError | psycopg.InterfaceError):
        return DatabaseAway("The connection to the database was lost.")
    if state is not None and state.startswith(_AWAY_CLASSES):
        return DatabaseAway("The database server is stopping, starting or out of resources.")
    return safe(exc, sentence="The database refused a request of Lectern.")


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Raise Lectern's errors in place of the driver's; the driver's stays as the cause, for the log only."""
    try:
        yield
    except (psycopg.Error, sqlalchemy.exc.StatementError) as exc:
        raise translate(exc) from exc
