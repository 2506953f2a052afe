"""The live guard: whatever tries to pass the boundary is counted, recorded and told."""

from __future__ import annotations

import contextlib
import datetime as dt
import re
from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy
import sqlalchemy.exc
from sqlalchemy import Connection, event, func, insert, select

from backend_core.access.service import system_actor
from backend_core.audit.service import Audit
from backend_core.db.database import Database
from backend_core.db.failures import sqlstate
from backend_core.errors import LecternError, ScopeNeeded
from backend_core.logs import correlation_id, get_logger
from backend_core.policy import Actor, Target
from backend_core.scopes.tables import privacy_incidents

log = get_logger(__name__)
KINDS: Final = ("no_scope", "scope_refused", "foreign_write", "wrong_conversation")
REFUSED: Final = "LS001"
_OPEN: Final = "lectern_scope"
_DETAIL: Final = 300
_STATES: Final[Mapping[str, str]] = {REFUSED: "scope_refused", "42501": "foreign_write", "23503": "wrong_conversation"}
# every table that holds a contact's words, as the catalogue test finds them
CLOSED: Final = (
    "messages", "photos", "reminders", "relationship_state", "memories", "postings", "container_stats", "memory_history", "memory_vectors",
    "boundaries", "erasures", "safety_events",
)  # fmt: skip
# after a keyword, or further on in a list of tables
_CLOSED: Final = re.compile(
    r"\b(?:FROM|JOIN|INTO|UPDATE|TABLE|USING|TRUNCATE|COPY)\s+(?:[\w.\"]+(?:\s+AS)?(?:\s+\w+)?\s*,\s*)*(?:ONLY\s+)?(?:public\.)?\"?("
    + "|".join(CLOSED)
    + r")\b",
    re.IGNORECASE,
)


class Guard:
    """Watches every statement of one process, and keeps what it saw."""

    def __init__(self, database: Database, audit: Audit) -> None:
        self._database = database
        self._audit = audit
        database.observers.append(self._failed)
        event.listen(database.engine, "before_cursor_execute", _check_statement)

    def note(self, kind: str, *, actor: Actor, detail: str) -> None:
        """Keep an incident: a row, an entry in the audit log, a warning in the log file.

        Args:
            kind: one of ``KINDS``.
            actor: on whose behalf it happened.
            detail: what was tried, in words without content.
        """
        values = {
            "kind": kind, "actor": actor.name, "workstation": actor.workstation, "detail": detail[:_DETAIL],
            "correlation_id": correlation_id(),
        }  # fmt: skip
        log.warning("privacy boundary held", incident=kind, detail=detail)
        try:
            with self._database.begin("Note a privacy incident") as conn:
                conn.execute(insert(privacy_incidents).values(values).inline())
                target = Target(kind="privacy", id=kind)
                self._audit.record(conn, actor=actor, action="privacy.incident", target=target, outcome="refused", after={"detail": detail})
        except LecternError as error:
            # what was refused stays refused, and the log file has it
            log.error("privacy incident could not be kept", incident=kind, error_code=error.code)

    def judge(self, error: BaseException, *, actor: Actor) -> None:
        """Note a failure inside a scope if it is one of the boundary."""
        cause = _driver_error(error)
        kind = None if cause is None else _STATES.get(sqlstate(cause) or "")
        if kind == "wrong_conversation" and not _about_containers(cause):
            return
        if kind is not None:
            self.note(kind, actor=actor, detail=_what(cause))

    def _failed(self, error: LecternError) -> None:
        """Note a statement that no scope was open for; what fails inside one is judged by whoever opened it."""
        if isinstance(error, ScopeNeeded):
            self.note("no_scope", actor=system_actor(), detail=str(error))

    def counts(self, *, since: dt.datetime) -> dict[str, int]:
        """Return how many incidents of each kind there were since a moment."""
        query = select(privacy_incidents.c.kind, func.count()).where(privacy_incidents.c.at >= since).group_by(privacy_incidents.c.kind)
        with self._database.begin("Count privacy incidents") as conn:
            found = {row[0]: int(row[1]) for row in conn.execute(query)}
        return {kind: found.get(kind, 0) for kind in KINDS}


def opened(conn: Connection) -> None:
    """Say that a scope, or the directory, is open on this connection until its transaction ends."""
    conn.info[_OPEN] = True


def closed(conn: Connection) -> None:
    """Say that it is no longer."""
    # of a connection that broke there is nothing left to say, and the real error is on its way
    with contextlib.suppress(sqlalchemy.exc.SQLAlchemyError):
        conn.info.pop(_OPEN, None)


def _check_statement(conn: Connection, _cursor: object, statement: str, *_rest: object) -> None:
    if _OPEN not in conn.info and (found := _CLOSED.search(statement)) is not None:
        raise ScopeNeeded(f"Lectern asked for {found[1].replace('_', ' ')} outside a conversation; nothing was read.")


def _driver_error(error: BaseException | None) -> BaseException | None:
    while error is not None and sqlstate(error) is None:
        error = error.__cause__
    return error


def _about_containers(cause: BaseException | None) -> bool:
    diagnosis: Any = _diagnosis(cause)
    return "container_id" in (getattr(diagnosis, "constraint_name", None) or "")


def _what(cause: BaseException | None) -> str:
    diagnosis = _diagnosis(cause)
    table = getattr(diagnosis, "table_name", None)
    # of the server's own words only those about a scope: they hold no values
    words = getattr(diagnosis, "message_primary", "") if sqlstate(cause or Exception()) == REFUSED else "refused by row security"
    return f"{words} ({table})" if table else str(words)


def _diagnosis(cause: BaseException | None) -> Any:
    original = cause.orig if isinstance(cause, sqlalchemy.exc.DBAPIError) else cause
    return getattr(original, "diag", None)
