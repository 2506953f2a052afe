"""How long rows of the audit log are kept: by class, never under a hold, and each batch that leaves is signed for.

A row is removed by the database's own function ``erase_audit`` only. It checks age, holds and hash once more, and keeps the skeleton.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, LargeBinary, String, cast, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import BigInteger, DateTime

from backend_core.audit.keys import UNKNOWN, Keys, introduced, statements
from backend_core.audit.query import distinct
from backend_core.audit.service import Audit
from backend_core.audit.tables import audit_event, audit_position
from backend_core.audit.tombstones import Skeleton, digest, statement
from backend_core.audit.upkeep_tables import audit_hold, audit_tombstone
from backend_core.db.changes import touch
from backend_core.db.database import Database
from backend_core.errors import Unavailable
from backend_core.policy import Actor, Target, authorize

Months = Callable[[], Mapping[str, int]]

BATCH: Final = 20_000
FLOOR_MONTHS: Final = 1
DEFAULT_MONTHS: Final[Mapping[str, int]] = {"changes": 84, "reads": 24, "sign_ins": 24, "jobs": 24}
# The first class with a fitting pattern counts; whatever fits none is a change.
CLASSES: Final[Mapping[str, tuple[str, ...]]] = {
    "reads": ("audio.play", "audio.export", "document.read", "voice.preview", "memory.read", "memory.search", "log.read"),
    "sign_ins": ("operator.sign_in", "operator.sign_out", "operator.unlock", "session.*", "audit.open", "audit.close"),
    "jobs": ("job.*", "document.extract", "audio.speak"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionClass:
    """One class of rows: how long they are kept, and the actions that occur in it."""

    name: str
    months: int
    actions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """What one run removed, by class."""

    rows: Mapping[str, int]
    tombstones: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tombstone:
    """A signed statement that rows left the log."""

    id: int
    retention_class: str
    cutoff: dt.datetime
    rows: int
    skeletons_sha256: bytes
    at: dt.datetime
    key_id: str
    signature: bytes


def class_of(action: str) -> str:
    """Return the retention class of an action.

    >>> class_of("audio.play"), class_of("job.retry"), class_of("settings.update")
    ('reads', 'jobs', 'changes')
    """
    for name, patterns in CLASSES.items():
        if any(action == one or (one.endswith("*") and action.startswith(one[:-1])) for one in patterns):
            return name
    return "changes"


def months_before(now: dt.datetime, months: int) -> dt.datetime:
    """Return the same day so many months ago, or the last day of that month.

    >>> months_before(dt.datetime(2026, 3, 31, tzinfo=dt.UTC), 1).date()
    datetime.date(2026, 2, 28)
    """
    year, month = divmod(now.year * 12 + now.month - 1 - months, 12)
    first = now.replace(year=year, month=month + 1, day=1)
    following = (first + dt.timedelta(days=32)).replace(day=1)
    return first.replace(day=min(now.day, (following - dt.timedelta(days=1)).day))


class Retention:
    """Removal of what the log need not keep any longer."""

    def __init__(self, database: Database, audit: Audit, *, keys: Keys, months: Months | None = None) -> None:
        self._database = database
        self._audit = audit
        self._keys = keys
        self._months = months or (lambda: DEFAULT_MONTHS)

    def classes(self, *, actor: Actor) -> tuple[RetentionClass, ...]:
        """Return every class with its months and the actions that occur."""
        authorize(actor, "audit.list", Target(kind="retention"))
        with self._database.begin("List retention classes") as conn:
            return self._classes(conn)

    def _classes(self, conn: Connection) -> tuple[RetentionClass, ...]:
        months = {**DEFAULT_MONTHS, **self._months()}
        actions = distinct(conn, "action")
        names = (*CLASSES, "changes")
        return tuple(
            RetentionClass(
                name=name,
                months=max(FLOOR_MONTHS, months[name]),
                actions=tuple(action for action in actions if class_of(action) == name),
            )
            for name in names
        )

    def retain(self, *, actor: Actor) -> Erased:
        """Remove the rows whose time is over and that no hold keeps; the worker does this once a day.

        Raises:
            Unavailable: this computer's key is not known to the log, so nobody would believe what it signs.
            NotAllowed: the database found a hold, a younger row or another hash than was signed; nothing was removed.
        """
        authorize(actor, "audit.retain", Target(kind="retention"))
        with self._database.begin("Plan retention") as conn:
            now: dt.datetime = conn.execute(select(func.now())).scalar_one()
            classes = self._classes(conn)
        rows: dict[str, int] = {}
        tombstones = 0
        for one in classes:
            for action in one.actions:
                while removed := self._batch(one.name, action, months_before(now, one.months), actor=actor):
                    rows[one.name] = rows.get(one.name, 0) + removed
                    tombstones += 1
        return Erased(rows=rows, tombstones=tombstones)

    def _batch(self, name: str, action: str, cutoff: dt.datetime, *, actor: Actor) -> int:
        with self._database.begin("Erase audit rows", deadline_s=120) as conn:
            found = _candidates(conn, action, cutoff)
            if not found:
                return 0
            at: dt.datetime = conn.execute(select(func.clock_timestamp())).scalar_one()
            hashed = digest(found)
            signed = statement(retention_class=name, cutoff=cutoff, rows=len(found), skeletons_sha256=hashed, at=at)
            own = self._keys.own()
            if own.id not in introduced(statements(conn)):
                raise Unavailable(UNKNOWN)
            key_id, signature = own.id, own.sign(signed)
            ids = [one.event_id for one in found]
            stone = conn.execute(select(_erase(name, cutoff, ids, hashed, key_id, signature, at))).scalar_one()
            touch(conn, "audit_event")
            target = Target(kind="tombstone", id=str(stone))
            after = {"class": name, "action": action, "rows": len(found), "cutoff": cutoff.isoformat(), "sha256": hashed.hex()}
            self._audit.record(conn, actor=actor, action="audit.retain", target=target, after=after)
        return len(found)

    def tombstones(self, *, actor: Actor, limit: int = 200) -> tuple[Tombstone, ...]:
        """Return the newest tombstones first."""
        authorize(actor, "audit.list", Target(kind="tombstone"))
        columns = [audit_tombstone.c[name] for name in Tombstone.__dataclass_fields__]
        with self._database.begin("List tombstones") as conn:
            rows = conn.execute(select(*columns).order_by(audit_tombstone.c.id.desc()).limit(limit)).mappings()
            return tuple(Tombstone(**row) for row in rows)


def _erase(name: str, cutoff: dt.datetime, ids: Sequence[int], hashed: bytes, key_id: str, signature: bytes, at: dt.datetime) -> Any:
    moment = DateTime(timezone=True)
    return func.erase_audit(
        cast(name, String),
        cast(cutoff, moment),
        cast(literal(list(ids), ARRAY(BigInteger)), ARRAY(BigInteger)),
        cast(hashed, LargeBinary),
        cast(key_id, String),
        cast(signature, LargeBinary),
        cast(at, moment),
    )


def _candidates(conn: Connection, action: str, cutoff: dt.datetime) -> list[Skeleton]:
    """Return the oldest sealed rows of one action before ``cutoff`` that no hold keeps."""
    event, position = audit_event.c, audit_position
    held = select(audit_hold.c.id).where(audit_hold.c.released_at.is_(None), _held()).exists()
    columns = (event.id.label("event_id"), position.c.position, event.xid, event.at, event.writer, event.wseq, event.leaf)
    query = select(*columns).select_from(audit_event.join(position, position.c.event_id == event.id))
    query = query.where(event.action == action, event.at < cutoff, ~held).order_by(event.at, event.id).limit(BATCH)
    return [Skeleton(**{**row, "xid": int(row["xid"])}) for row in conn.execute(query).mappings()]


def _held() -> Any:
    # the database's own function over whole rows, so that both sides mean the same
    return func.audit_held(audit_hold.table_valued(), audit_event.table_valued())
