"""Rules that look over the audit log and raise an alert: mass reads, exports at night, refusals, sign-ins, privacy, a resting sealer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, Time, cast, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from backend_core.audit.sealer import lag
from backend_core.audit.service import Audit
from backend_core.audit.tables import audit_event
from backend_core.audit.upkeep_tables import audit_alert
from backend_core.db.database import Database
from backend_core.errors import InvalidInput, NotFound
from backend_core.policy import SYSTEM, Actor, Target, authorize

WINDOW: Final = dt.timedelta(minutes=10)
HOUR: Final = dt.timedelta(hours=1)
MOST_ALERTS: Final = 500
LONGEST_NOTE: Final = 500
READS: Final = (
    "audio.play",
    "audio.export",
    "document.read",
    "memory.open",
    "memory.read",
    "conversation.read",
    "reply.preview",
    "photo.read",
)
EXPORTS: Final = ("audio.export", "audit.export", "audit.evidence", "memory.export", "contact.export", "backup.create")
SIGN_INS: Final = ("operator.sign_in", "operator.unlock")
# the program's own attempts count too: what passes the boundary by mistake is as much of a leak
BOUNDARY: Final = {"privacy_incident": "privacy.incident", "privacy_run": "privacy.run", "moderation_away": "safety.check"}
RULES: Final = ("mass_reads", "off_hours_export", "refusals", "failed_sign_ins", *BOUNDARY, "sealing_stalled")


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchLimits:
    """From when on a rule speaks.

    Attributes:
        mass_reads: different things one operator reads, plays or exports within ten minutes.
        office_start, office_end: exports outside these times of day (UTC) are reported; over midnight when the start is later.
        refusals: refused actions of one operator within ten minutes.
        failed_sign_ins: failed sign-ins under one name, or from one computer, within ten minutes.
        stalled_s: age of the oldest row without a seal.
    """

    mass_reads: int = 200
    office_start: dt.time = dt.time(6)
    office_end: dt.time = dt.time(20)
    refusals: int = 20
    failed_sign_ins: int = 10
    stalled_s: int = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """Something a rule found.

    Attributes:
        rule: one of ``RULES``.
        subject: the operator, the computer, or ``sealer``.
        window_start: beginning of the time it was found in; a rule speaks once in it about one subject.
        count, threshold: what was counted, and from when on it is reported.
    """

    id: int
    rule: str
    subject: str
    window_start: dt.datetime
    count: int
    threshold: int
    facts: dict[str, Any]
    raised_at: dt.datetime
    acknowledged_by: str | None
    acknowledged_at: dt.datetime | None
    note: str | None


@dataclass(frozen=True, slots=True)
class _Finding:
    rule: str
    subject: str
    window_start: dt.datetime
    count: int
    threshold: int
    facts: dict[str, Any] = field(default_factory=dict)


class Watch:
    """Watch rules of one database."""

    def __init__(self, database: Database, audit: Audit, *, limits: Callable[[], WatchLimits] = WatchLimits) -> None:
        self._database = database
        self._audit = audit
        self._limits = limits

    def check(self, *, actor: Actor) -> tuple[Alert, ...]:
        """Look at the last minutes and return the alerts that are new; the worker does this every few seconds."""
        authorize(actor, "audit.watch", Target(kind="alert"))
        limits = self._limits()
        with self._database.begin("Watch audit log") as conn:
            now: dt.datetime = conn.execute(select(func.clock_timestamp())).scalar_one()
            raised = tuple(alert for one in _findings(conn, limits, now) if (alert := _raise(conn, one)) is not None)
            for alert in raised:
                after = {"rule": alert.rule, "subject": alert.subject, "count": alert.count, "threshold": alert.threshold}
                target = Target(kind="alert", id=str(alert.id))
                self._audit.record(conn, actor=actor, action="audit.watch", target=target, after=after)
        return raised

    def alerts(self, *, actor: Actor, acknowledged: bool = False, limit: int = 100) -> tuple[Alert, ...]:
        """Return alerts nobody has acknowledged, newest first; with ``acknowledged`` the others as well."""
        authorize(actor, "alert.list", Target(kind="alert"))
        query = select(*_COLUMNS).order_by(audit_alert.c.raised_at.desc(), audit_alert.c.id.desc()).limit(min(limit, MOST_ALERTS))
        if not acknowledged:
            query = query.where(audit_alert.c.acknowledged_at.is_(None))
        with self._database.begin("List alerts") as conn:
            return tuple(Alert(**row) for row in conn.execute(query).mappings())

    def acknowledge(self, alert_id: int, note: str, *, actor: Actor) -> Alert:
        """Say that somebody looked into an alert, and what came of it.

        Raises:
            InvalidInput: no note.
            NotFound: no such alert, or somebody else was first.
        """
        target = Target(kind="alert", id=str(alert_id))
        authorize(actor, "alert.acknowledge", target)
        words = " ".join(note.split())
        if not words or len(words) > LONGEST_NOTE or not words.isprintable():
            raise InvalidInput(f"A note of 1 to {LONGEST_NOTE} characters says what came of it.")
        change = update(audit_alert).where(audit_alert.c.id == alert_id, audit_alert.c.acknowledged_at.is_(None))
        change = change.values(acknowledged_by=actor.name, acknowledged_at=func.now(), note=words)
        with self._database.begin("Acknowledge alert") as conn:
            row = conn.execute(change.returning(*_COLUMNS)).mappings().one_or_none()
            if row is None:
                raise NotFound("There is no such alert, or somebody has acknowledged it already.")
            alert = Alert(**row)
            after = {"rule": alert.rule, "subject": alert.subject, "note": words}
            self._audit.record(conn, actor=actor, action="alert.acknowledge", target=target, after=after)
        return alert


_COLUMNS: Final = tuple(audit_alert.c[name] for name in Alert.__dataclass_fields__)


def _raise(conn: Connection, found: _Finding) -> Alert | None:
    """Add an alert unless the rule has spoken about this subject in this window."""
    values = {name: getattr(found, name) for name in _Finding.__dataclass_fields__}
    new = insert(audit_alert).values(values).on_conflict_do_nothing(index_elements=["rule", "subject", "window_start"])
    row = conn.execute(new.returning(*_COLUMNS)).mappings().one_or_none()
    return None if row is None else Alert(**row)


def _findings(conn: Connection, limits: WatchLimits, now: dt.datetime) -> Iterable[_Finding]:
    event = audit_event.c
    people = event.role != SYSTEM
    reads = _counted(event.actor, READS, now, func.count(event.target.distinct()), limits.mass_reads + 1).where(people)
    yield from _found(conn, "mass_reads", reads, limits.mass_reads, WINDOW)
    refused = _counted(event.actor, (), now, func.count(), limits.refusals).where(people, event.outcome == "refused")
    yield from _found(conn, "refusals", refused, limits.refusals, WINDOW)
    for subject in (event.actor, event.workstation):
        failed = _counted(subject, SIGN_INS, now, func.count(), limits.failed_sign_ins).where(event.outcome.in_(("refused", "failed")))
        yield from _found(conn, "failed_sign_ins", failed, limits.failed_sign_ins, WINDOW)
    exports = _counted(event.actor, EXPORTS, now, func.count(), 1).where(people, event.outcome == "done", _outside(limits))
    yield from _found(conn, "off_hours_export", exports, 1, HOUR)
    for rule, action in BOUNDARY.items():
        stopped = _counted(event.target, (action,), now, func.count(), 1).where(event.outcome.in_(("refused", "failed")))
        yield from _found(conn, rule, stopped, 1, WINDOW)
    waiting = lag(conn)
    if waiting.rows and waiting.seconds > limits.stalled_s:
        facts = {"rows": waiting.rows}
        yield _Finding("sealing_stalled", "sealer", _window(now, HOUR), int(waiting.seconds), limits.stalled_s, facts)


def _counted(subject: ColumnElement[str], actions: Sequence[str], now: dt.datetime, count: ColumnElement[int], least: int) -> Select[Any]:
    """Return the query of who did it at least so often in the last ten minutes."""
    event = audit_event.c
    columns: list[Any] = [
        subject.label("subject"),
        count.label("counted"),
        func.min(event.at).label("first"),
        func.max(event.at).label("last"),
    ]
    query = select(*columns)
    query = query.where(event.at > now - WINDOW).group_by(subject).having(count >= least)
    return query.where(event.action.in_(actions)) if actions else query


def _found(conn: Connection, rule: str, query: Select[Any], threshold: int, window: dt.timedelta) -> Iterable[_Finding]:
    for row in conn.execute(query):
        facts = {"first": row.first.isoformat(), "last": row.last.isoformat()}
        # by its first event, so that the same events, seen again later, fall into the same window
        yield _Finding(rule, row.subject, _window(row.first, window), row.counted, threshold, facts)


def _window(at: dt.datetime, length: dt.timedelta) -> dt.datetime:
    start = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
    return at - (at - start) % length


def _outside(limits: WatchLimits) -> ColumnElement[bool]:
    moment = cast(func.timezone("UTC", audit_event.c.at), Time)
    early, late = moment < limits.office_start, moment >= limits.office_end
    return or_(early, late) if limits.office_start < limits.office_end else early & late
