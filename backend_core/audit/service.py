"""Record actions in the caller's transaction, and read the record back."""

from __future__ import annotations

import datetime as dt
import os
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select

from backend_core import __version__
from backend_core.audit.tables import audit_event
from backend_core.db.database import Database
from backend_core.logs import correlation_id
from backend_core.policy import Actor, Target, authorize

MOST_ROWS = 500


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


class Audit:
    """The audit log of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # One name per process: rows of one writer are later chained in the order it wrote them.
        self._writer = f"{socket.gethostname()[:40]}:{os.getpid()}:{secrets.token_hex(4)}"

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
        """Add one row in the transaction of ``conn``; when it cannot be written the change is not made either."""
        conn.execute(
            insert(audit_event).values(
                writer=self._writer,
                actor=actor.name,
                actor_id=actor.operator_id,
                role=actor.role,
                action=action,
                target=f"{target.kind}:{target.id}" if target.id else target.kind,
                outcome=outcome,
                reason=actor.reason,
                before=before,
                after=after,
                workstation=actor.workstation,
                client_version=__version__,
                correlation_id=correlation_id(),
            )
        )

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
