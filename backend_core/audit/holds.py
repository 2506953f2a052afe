"""Legal holds: rows of the audit log that stay, however old they are, until the hold is released."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Row, func, insert, select, update

from backend_core.audit.query import AuditFilter
from backend_core.audit.service import Audit
from backend_core.audit.upkeep_tables import audit_hold
from backend_core.db.database import Database
from backend_core.errors import NotFound
from backend_core.policy import REASON_LENGTH, Actor, Target, authorize

MOST_HOLDS: Final = 500
_LISTS: Final = ("actor", "action", "target", "outcome", "correlation", "workstation", "role")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Rows that stay.

    Attributes:
        query: which rows, as a filter; empty text is everything.
        released_at: since when it no longer counts; ``None`` while it does.
    """

    id: int
    query: str
    reason: str
    placed_by: str
    placed_at: dt.datetime
    released_by: str | None
    released_at: dt.datetime | None
    release_reason: str | None


class Holds:
    """Legal holds of one database."""

    def __init__(self, database: Database, audit: Audit) -> None:
        self._database = database
        self._audit = audit

    def holds(self, *, actor: Actor, released: bool = False) -> tuple[Hold, ...]:
        """Return the holds that count, newest first; with ``released`` also those that no longer do."""
        authorize(actor, "audit.list", Target(kind="hold"))
        query = select(*_COLUMNS).order_by(audit_hold.c.id.desc()).limit(MOST_HOLDS)
        if not released:
            query = query.where(audit_hold.c.released_at.is_(None))
        with self._database.begin("List holds") as conn:
            return tuple(_hold(row) for row in conn.execute(query))

    def place_hold(self, wanted: AuditFilter, *, actor: Actor) -> Hold:
        """Keep every row the filter means, present and future, from removal; the actor's reason says why.

        Times that move with the clock are fixed at this moment. An actor is held by the beginning of any word of the name.
        """
        authorize(actor, "audit.hold", Target(kind="hold"))
        with self._database.begin("Place hold") as conn:
            now = conn.execute(select(func.now())).scalar_one()
            since, until = wanted.times(now)
            lists = {name: list(getattr(wanted, name)) or None for name in _LISTS}
            facts = {"query": wanted.fixed(now).text(), "reason": (actor.reason or "-")[:REASON_LENGTH], "placed_by": actor.name}
            new = insert(audit_hold).values(**lists, **facts, since=since, until=until).returning(*_COLUMNS)
            made = _hold(conn.execute(new).one())
            target = Target(kind="hold", id=str(made.id))
            self._audit.record(conn, actor=actor, action="audit.hold", target=target, after={"query": made.query})
        return made

    def release_hold(self, hold_id: int, *, actor: Actor) -> Hold:
        """Let rows of a hold go when their time is over; the actor's reason says why.

        Raises:
            NotFound: no such hold, or it was released before.
        """
        target = Target(kind="hold", id=str(hold_id))
        authorize(actor, "audit.hold", target)
        reason = (actor.reason or "-")[:REASON_LENGTH]
        change = update(audit_hold).where(audit_hold.c.id == hold_id, audit_hold.c.released_at.is_(None))
        change = change.values(released_by=actor.name, released_at=func.now(), release_reason=reason)
        with self._database.begin("Release hold") as conn:
            row = conn.execute(change.returning(*_COLUMNS)).one_or_none()
            if row is None:
                raise NotFound("There is no such hold, or it was released already.")
            made = _hold(row)
            before, after = {"query": made.query, "released": False}, {"query": made.query, "released": True}
            self._audit.record(conn, actor=actor, action="audit.hold", target=target, before=before, after=after)
        return made


_COLUMNS: Final = tuple(audit_hold.c[name] for name in Hold.__dataclass_fields__)


def _hold(row: Row[Any]) -> Hold:
    return Hold(**dict(row._mapping))
