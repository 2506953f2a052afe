"""Each finished month of the audit log once as JSON Lines in the object store, also when the machine was off at its end."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from sqlalchemy import Connection, func, insert, select

from backend_core.audit.export import ExportResult, TrailExport
from backend_core.audit.query import AuditFilter
from backend_core.audit.service import Audit
from backend_core.audit.upkeep_tables import audit_monthly
from backend_core.db.database import Database
from backend_core.policy import Actor, Target, authorize

MOST_MONTHS: Final = 24
JSON_LINES: Final = "application/jsonl"


class Staged(Protocol):
    """A file that was stored and that no row refers to yet."""

    @property
    def key(self) -> str:
        """Its name in the store."""
        ...


class ObjectStore(Protocol):
    """Where the files go; the storage service is one."""

    def stage(self, source: Path) -> Any:
        """Store a file; the answer is a ``Staged``."""
        ...

    def attach(self, conn: Connection, staged: Any, *, content_type: str) -> int:
        """Refer to it in the caller's transaction."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """One exported month: its first day, rows, and the names of its files in the object store."""

    month: dt.date
    rows: int
    sha256: str
    key: str
    proofs_key: str
    manifest_key: str
    at: dt.datetime


class Monthly:
    """Monthly exports of one audit log."""

    def __init__(self, database: Database, audit: Audit, *, exports: TrailExport, store: ObjectStore, scratch: Path) -> None:
        self._database = database
        self._audit = audit
        self._exports = exports
        self._store = store
        self._scratch = scratch

    def months(self, *, actor: Actor) -> tuple[Month, ...]:
        """Return what was exported, newest first."""
        authorize(actor, "audit.list", Target(kind="audit"))
        columns = [audit_monthly.c[name] for name in Month.__dataclass_fields__]
        with self._database.begin("List monthly exports") as conn:
            return tuple(Month(**row) for row in conn.execute(select(*columns).order_by(audit_monthly.c.month.desc())).mappings())

    def export_months(self, *, actor: Actor) -> tuple[dt.date, ...]:
        """Export every finished month since the last one that was; at first the one before this. Return which.

        Raises:
            Conflict: another host did the same month at the same moment.
            StorageFailed: the files cannot be written.
        """
        authorize(actor, "audit.export", Target(kind="audit"))
        with self._database.begin("Find months to export") as conn:
            now, last = conn.execute(select(func.now(), select(func.max(audit_monthly.c.month)).scalar_subquery())).one()
        wanted = _due(now.astimezone(dt.UTC).date(), last)
        for month in wanted:
            self._export(month, actor=actor)
        return tuple(wanted)

    def _export(self, month: dt.date, *, actor: Actor) -> None:
        begin = dt.datetime(month.year, month.month, 1, tzinfo=dt.UTC)
        end = begin.replace(year=month.year + month.month // 12, month=month.month % 12 + 1)
        wanted = AuditFilter(since=begin.isoformat(), until=end.isoformat())
        self._scratch.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryDirectory(dir=self._scratch, prefix="audit-") as folder:
            name = f"audit-{month:%Y-%m}.jsonl"
            made = self._exports.write(wanted, Path(folder) / name, name=name, kind="jsonl", actor=actor, progress=lambda _done, _all: None)
            staged = [self._store.stage(path) for path in (made.path, made.proofs, made.manifest)]
            with self._database.begin("Record monthly export") as conn:
                self._keep(conn, month, made, staged, actor=actor)

    def _keep(self, conn: Connection, month: dt.date, made: ExportResult, staged: Sequence[Staged], *, actor: Actor) -> None:
        for one in staged:
            self._store.attach(conn, one, content_type=JSON_LINES)
        names = dict(zip(("key", "proofs_key", "manifest_key"), (one.key for one in staged), strict=True))
        conn.execute(insert(audit_monthly).values(month=month, rows=made.rows, sha256=made.sha256, **names))
        target = Target(kind="audit", id=f"{month:%Y-%m}")
        self._audit.record(conn, actor=actor, action="audit.export", target=target, after={"rows": made.rows, "sha256": made.sha256})


def _due(today: dt.date, last: dt.date | None) -> list[dt.date]:
    """Return the first days of the months to export, oldest first.

    >>> _due(dt.date(2026, 11, 21), dt.date(2026, 8, 1))
    [datetime.date(2026, 9, 1), datetime.date(2026, 10, 1)]
    >>> _due(dt.date(2026, 1, 1), None)
    [datetime.date(2025, 12, 1)]
    """
    months: list[dt.date] = []
    month = _before(today.replace(day=1))
    while len(months) < MOST_MONTHS and (last is None or month > last):
        months.insert(0, month)
        if last is None:
            break
        month = _before(month)
    return months


def _before(month: dt.date) -> dt.date:
    return (month - dt.timedelta(days=1)).replace(day=1)
