"""Alerts of jobs that were given up: written with the last failure, moved by people, closed when the work is done after all."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any, Final

from sqlalchemy import Connection, func, insert, select, update

from backend_core.audit.service import Audit
from backend_core.db.database import Database
from backend_core.errors import Conflict, InvalidInput, LecternError, NotFound, StaleVersion
from backend_core.jobs.alert_records import (
    ACKNOWLEDGED,
    IGNORED,
    INVESTIGATING,
    NEW,
    NEXT,
    OPEN,
    RESOLVED,
    STATUSES,
    AlertCounts,
    AlertNote,
    JobAlert,
    Retried,
)
from backend_core.jobs.service import Jobs
from backend_core.jobs.tables import job_alert_notes, job_alerts
from backend_core.policy import ADMIN, SYSTEM, Actor, Target, authorize

MOST_ROWS: Final = 500
LONGEST_NOTE: Final = 1000
KEPT_COUNTED: Final = dt.timedelta(days=30)


class JobAlerts:
    """Job alerts of one database.

    Args:
        closed: told of each job whose alert a person closed, after that is stored.
    """

    def __init__(self, database: Database, audit: Audit, *, jobs: Jobs, closed: Callable[[int], None] = lambda _job: None) -> None:
        self._closed = closed
        self._database = database
        self._audit = audit
        self._jobs = jobs

    def listing(
        self, *, actor: Actor, status: str | None = None, open_only: bool = False, job_id: int | None = None, limit: int = 100
    ) -> tuple[JobAlert, ...]:
        """Return alerts, newest first, at most ``limit`` (1 to 500).

        Args:
            status: one of ``STATUSES``; all when left out.
            open_only: those that nobody has closed.

        Raises:
            InvalidInput: no such status.
        """
        authorize(actor, "job_alert.list", Target(kind="job_alert"))
        _known(status)
        query = (
            select(*_columns(actor)).order_by(job_alerts.c.created_at.desc(), job_alerts.c.id.desc()).limit(max(1, min(limit, MOST_ROWS)))
        )
        if status is not None:
            query = query.where(job_alerts.c.status == status)
        if open_only:
            query = query.where(job_alerts.c.status.in_(OPEN))
        if job_id is not None:
            query = query.where(job_alerts.c.job_id == job_id)
        with self._database.begin("List job alerts") as conn:
            return tuple(_alert(row) for row in conn.execute(query).mappings())

    def counts(self, *, actor: Actor) -> AlertCounts:
        """Return how many alerts have each status."""
        authorize(actor, "job_alert.list", Target(kind="job_alert"))
        recent = job_alerts.c.resolved_at > func.now() - KEPT_COUNTED
        query = select(job_alerts.c.status, func.count().label("n")).where(job_alerts.c.status.in_(OPEN) | recent)
        with self._database.begin("Count job alerts") as conn:
            found: dict[str, int] = {row.status: row.n for row in conn.execute(query.group_by(job_alerts.c.status))}
        return AlertCounts(**{status.lower(): found.get(status, 0) for status in STATUSES})

    def notes(self, alert_id: int, *, actor: Actor) -> tuple[AlertNote, ...]:
        """Return what was written about an alert, oldest first."""
        authorize(actor, "job_alert.list", Target(kind="job_alert", id=str(alert_id)))
        columns = [job_alert_notes.c[name] for name in AlertNote.__dataclass_fields__]
        query = select(*columns).where(job_alert_notes.c.alert_id == alert_id).order_by(job_alert_notes.c.id).limit(MOST_ROWS)
        with self._database.begin("List notes") as conn:
            return tuple(AlertNote(**row) for row in conn.execute(query).mappings())

    def move(self, alert_id: int, status: str, note: str = "", *, version: int, actor: Actor) -> JobAlert:
        """Give an alert its next status; closing one, or leaving one aside, says why.

        Raises:
            InvalidInput: no such status, no note although it is closed, or one that is too long.
            NotFound: no such alert.
            StaleVersion: somebody moved it since.
            Conflict: this status does not follow the one it has.
        """
        target = Target(kind="job_alert", id=str(alert_id))
        authorize(actor, "job_alert.update", target)
        _known(status)
        words = _words(note, needed=status in (RESOLVED, IGNORED))
        with self._database.begin("Move job alert") as conn:
            before = self._current(conn, alert_id, version)
            if status not in NEXT[before]:
                raise Conflict(f"An alert that is {before.lower()} does not become {status.lower()}.")
            row = self._moved(conn, alert_id, status, words, version=version, actor=actor)
            self._audit.record(
                conn, actor=actor, action="job_alert.update", target=target,
                before={"status": before}, after={"status": status, "note": words},
            )  # fmt: skip
        alert = _alert(row)
        if status in (RESOLVED, IGNORED):
            self._closed(alert.job_id)
        return alert

    def retry(self, ids: Sequence[int], *, actor: Actor) -> tuple[Retried, ...]:
        """Queue the jobs of several alerts again; each becomes one result, and one that cannot be queued stops no other.

        An alert whose job was queued again is under investigation, and closes by itself when that job ends well.
        """
        authorize(actor, "job_alert.update", Target(kind="job_alert"))
        return tuple(self._retried(alert_id, actor) for alert_id in dict.fromkeys(ids[:MOST_ROWS]))

    def retry_open(self, *, actor: Actor) -> tuple[Retried, ...]:
        """Queue the jobs of every alert that nobody has closed and whose job was not queued again yet."""
        authorize(actor, "job_alert.update", Target(kind="job_alert"))
        waiting = (NEW, ACKNOWLEDGED)
        query = select(job_alerts.c.id).where(job_alerts.c.status.in_(waiting)).order_by(job_alerts.c.id).limit(MOST_ROWS)
        with self._database.begin("List job alerts") as conn:
            ids = list(conn.execute(query).scalars())
        return self.retry(ids, actor=actor)

    def _retried(self, alert_id: int, actor: Actor) -> Retried:
        with self._database.begin("Read job alert") as conn:
            query = select(job_alerts.c.job_id, job_alerts.c.status, job_alerts.c.version).where(job_alerts.c.id == alert_id)
            row = conn.execute(query).one_or_none()
        if row is None:
            return Retried(alert_id=alert_id, job_id=0, new_job_id=None, error=f"There is no alert {alert_id}.")
        if row.status not in OPEN:
            return Retried(alert_id=alert_id, job_id=row.job_id, new_job_id=None, error="The alert is closed.")
        try:
            new = self._jobs.retry(row.job_id, actor=actor)
            self._investigate(alert_id, row.status, row.version, new, actor)
        except LecternError as error:
            return Retried(alert_id=alert_id, job_id=row.job_id, new_job_id=None, error=str(error))
        return Retried(alert_id=alert_id, job_id=row.job_id, new_job_id=new, error="")

    def _investigate(self, alert_id: int, before: str, version: int, new: int, actor: Actor) -> None:
        words = f"Queued again as job {new}."
        target = Target(kind="job_alert", id=str(alert_id))
        with self._database.begin("Move job alert") as conn:
            row = self._moved(conn, alert_id, INVESTIGATING, words, version=version, actor=actor, must=False)
            if row is None:
                # the job was faster, or somebody closed it meanwhile
                return
            self._audit.record(
                conn, actor=actor, action="job_alert.update", target=target,
                before={"status": before}, after={"status": INVESTIGATING, "job_id": new},
            )  # fmt: skip

    @staticmethod
    def _current(conn: Connection, alert_id: int, version: int) -> str:
        row = conn.execute(select(job_alerts.c.status, job_alerts.c.version).where(job_alerts.c.id == alert_id)).one_or_none()
        if row is None:
            raise NotFound(f"There is no alert {alert_id}.")
        if row.version != version:
            raise StaleVersion("Somebody moved this alert meanwhile.")
        return str(row.status)

    @staticmethod
    def _moved(conn: Connection, alert_id: int, status: str, words: str, *, version: int, actor: Actor, must: bool = True) -> Any:
        """Move an alert if it still has ``version``, and note why; ``must`` refuses when it has not, None otherwise."""
        closed = status in (RESOLVED, IGNORED)
        facts = {"status": status, "version": version + 1, "updated_at": func.clock_timestamp()}
        ended = {"resolved_at": func.clock_timestamp(), "resolver": actor.name[:200]} if closed else {}
        mine = (job_alerts.c.id == alert_id, job_alerts.c.version == version)
        row = conn.execute(update(job_alerts).where(*mine).values(**facts, **ended).returning(*_columns(actor))).mappings().one_or_none()
        if row is None:
            if must:
                raise StaleVersion("Somebody moved this alert meanwhile.")
            return None
        conn.execute(insert(job_alert_notes).values(alert_id=alert_id, author=actor.name[:200], status=status, text=words))
        return row


def _columns(actor: Actor) -> list[Any]:
    """Return what ``actor`` is told of an alert: not even asked for is what only administrators read."""
    hidden = set() if actor.role in (ADMIN, SYSTEM) else {"detail"}
    return [job_alerts.c[name] for name in JobAlert.__dataclass_fields__ if name not in hidden]


def _alert(row: Any) -> JobAlert:
    facts: dict[str, Any] = {"detail": None} | dict(row)
    return JobAlert(**facts)


def _known(status: str | None) -> None:
    if status is not None and status not in STATUSES:
        raise InvalidInput(f"There is no such status; those are {', '.join(STATUSES)}.")


def _words(note: str, *, needed: bool) -> str:
    words = " ".join(note.split())
    if len(words) > LONGEST_NOTE or not words.isprintable() or (needed and not words):
        raise InvalidInput(f"A note of 1 to {LONGEST_NOTE} characters says what came of it.")
    return words
