"""Record actions in the caller's transaction, and read the record back."""

from __future__ import annotations

import datetime as dt
import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, String, Text, cast, insert, literal, select
from sqlalchemy.dialects.postgresql import JSONB

from backend_core import __version__
from backend_core.audit.chain import plain, stored_text
from backend_core.audit.tables import audit_event
from backend_core.audit.writers import Writers
from backend_core.db.changes import touch
from backend_core.db.database import Database
from backend_core.errors import SignInNeeded
from backend_core.logs import correlation_id
from backend_core.policy import Actor, Target, authorize

MOST_ROWS = 500
LENGTHS: Final[Mapping[str, int]] = {
    column.name: column.type.length for column in audit_event.columns if isinstance(column.type, String) and column.type.length
}
SessionValid = Callable[[str], ColumnElement[bool]]
"""Returns the condition that the session with this id has not ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """One recorded action.

    Attributes:
        at: when, in UTC, by the database's clock.
        target: ``kind:id``.
        before: the fields that changed, as they were; never document or memory content.
        after: the same fields, as they became.
    """

    id: int
    at: dt.datetime
    actor: str
    role: str
    action: str
    target: str
    outcome: str
    reason: str | None
    before: Mapping[str, object] | None
    after: Mapping[str, object] | None
    workstation: str
    correlation_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What is to be recorded of one action, where many are recorded at once."""

    actor: Actor
    action: str
    target: Target
    outcome: str = "done"
    before: Mapping[str, object] | None = None
    after: Mapping[str, object] | None = None


# as the driver takes it: written with every change of anything, and half as dear without SQLAlchemy's part
_INSERT: Final = """
INSERT INTO audit_event (at, writer, wseq, leaf, actor, actor_id, role, action, target, outcome, reason, before, after, workstation,
                         client_version, correlation_id)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_WRITTEN: Final = operator.itemgetter(
    "at", "writer", "wseq", "leaf", "actor", "actor_id", "role", "action", "target", "outcome", "reason", "before", "after",
    "workstation", "client_version", "correlation_id",
)  # fmt: skip


class Audit:
    """The audit log of one database."""

    def __init__(self, database: Database, *, session_valid: SessionValid | None = None) -> None:
        """Take ``session_valid``, the condition in SQL that a session has not ended; without it sessions are not looked at."""
        self._database = database
        self._session_valid = session_valid
        self.writers = Writers.of(database.engine)

    def record(
        self,
        conn: Connection,
        *,
        actor: Actor,
        action: str,
        target: Target,
        outcome: str = "done",
        before: Mapping[str, object] | None = None,
        after: Mapping[str, object] | None = None,
    ) -> None:
        """Add one row in the transaction of ``conn``; when it cannot be written the change is not made either.

        Raises:
            SignInNeeded: the actor's session has ended.
        """
        entry = Entry(actor=actor, action=action, target=target, outcome=outcome, before=before, after=after)
        now = self.writers.clock.now(conn)
        writer = self.writers.on(conn)
        row, link = writer.link(_facts(entry), now)
        if actor.session is None or self._session_valid is None:
            _insert(conn, row)
        else:
            _insert_while(conn, row, self._session_valid(actor.session))
        writer.add(link, conn.get_transaction())

    def record_many(self, conn: Connection, entries: Iterable[Entry]) -> int:
        """Add many rows of the program itself in the transaction of ``conn``; return how many."""
        now = self.writers.clock.now(conn)
        writer = self.writers.on(conn)
        rows = []
        for entry in entries:
            row, link = writer.link(_facts(entry), now)
            # before the rows are there: if they cannot be written, the transaction or its savepoint goes, and these with it
            writer.add(link, conn.get_transaction())
            rows.append(row)
        if rows:
            _insert(conn, *rows)
        return len(rows)

    def latest(self, *, actor: Actor, limit: int = 50) -> tuple[AuditRow, ...]:
        """Return the newest rows first, at most ``limit`` (1 to 500).

        Raises:
            NotAllowed: only administrators and auditors read the audit log.
        """
        authorize(actor, "audit.list", Target(kind="audit"))
        columns = [audit_event.c[name] for name in AuditRow.__dataclass_fields__]
        query = select(*columns).order_by(audit_event.c.id.desc()).limit(max(1, min(limit, MOST_ROWS)))
        with self._database.begin("List audit rows") as conn:
            return tuple(AuditRow(**row) for row in conn.execute(query).mappings())


def _insert(conn: Connection, *rows: Mapping[str, Any]) -> None:
    values = [_WRITTEN(row) for row in rows]
    conn.exec_driver_sql(_INSERT, values[0] if len(values) == 1 else values)
    touch(conn, audit_event.name)


def _insert_while(conn: Connection, row: Mapping[str, Any], valid: ColumnElement[bool]) -> None:
    # one statement for both, so that a session that is revoked writes nothing more
    values = [_bound(name, value) for name, value in row.items()]
    statement = insert(audit_event).from_select(list(row), select(*values).where(valid), include_defaults=False).inline()
    if conn.execute(statement.execution_options(preserve_rowcount=True)).rowcount != 1:
        raise SignInNeeded("Your session has ended.")


def _bound(name: str, value: object) -> ColumnElement[Any]:
    kind = audit_event.c[name].type
    return cast(literal(value, Text), kind) if isinstance(kind, JSONB) else literal(value, kind)


def _facts(entry: Entry) -> dict[str, Any]:
    """Return the columns of a row but for its place in the chain; texts cut to what the columns hold."""
    actor, target = entry.actor, entry.target
    return {
        "actor": _cut("actor", actor.name),
        "actor_id": actor.operator_id,
        "role": actor.role,
        "action": entry.action,
        "target": _cut("target", f"{target.kind}:{target.id}" if target.id else target.kind),
        "outcome": entry.outcome,
        "reason": None if actor.reason is None else _cut("reason", actor.reason),
        "before": None if entry.before is None else stored_text(entry.before),
        "after": None if entry.after is None else stored_text(entry.after),
        "workstation": _cut("workstation", actor.workstation),
        "client_version": __version__,
        "correlation_id": _cut("correlation_id", correlation_id()),
    }


def _cut(name: str, text: str) -> str:
    return plain(text)[: LENGTHS[name]]
