"""Queue work in the caller's transaction; list, cancel and retry it."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, Select, and_, exists, func, insert, select, true, update

from backend_core.audit.service import Audit
from backend_core.db.database import Database
from backend_core.errors import Cancelled, Conflict, LecternError, NotFound, Unavailable
from backend_core.jobs import alert_rows
from backend_core.jobs.runner import Subject, TaskHandler
from backend_core.jobs.tables import job_failure, job_run, queue_jobs
from backend_core.logs import correlation_id
from backend_core.policy import Actor, Target, authorize

if TYPE_CHECKING:
    import procrastinate

OPEN = ("todo", "doing")
MOST_ROWS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRequest:
    """Work to be queued."""

    task: str
    title: str
    subject: Subject
    priority: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRow:
    """One job as lists show it.

    Attributes:
        state: ``waiting``, ``running``, ``retrying``, ``done``, ``failed``, ``cancelled``.
        done: units finished of ``total``; ``total`` is 0 while unknown.
        next_try_at: when a retrying job runs again, UTC.
        error: the sentence of the last failed attempt.
    """

    job_id: int
    task: str
    title: str
    state: str
    done: int
    total: int
    note: str
    attempt: int
    document_id: int | None
    audio_id: int | None
    created_at: dt.datetime
    started_at: dt.datetime | None
    finished_at: dt.datetime | None
    next_try_at: dt.datetime | None
    error: str | None
    correlation_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRow:
    """One attempt that failed; ``retry_at`` is when the next one was planned, None after the last."""

    attempt: int
    at: dt.datetime
    error_code: str
    sentence: str
    retry_at: dt.datetime | None


class Jobs:
    """Background work of one database.

    Args:
        queue: name of the queue whose workers can reach this store.
        handlers: what each task does, filled by the composition root.
    """

    def __init__(self, database: Database, audit: Audit, *, queue: str, handlers: Mapping[str, TaskHandler]) -> None:
        self._database = database
        self._audit = audit
        self.queue = queue
        self._handlers = handlers

    @functools.cached_property
    def _queue(self) -> procrastinate.App:
        # takes 4 MB, and a window that only shows things needs none of it
        import procrastinate

        # never opened: every insert runs on the caller's own connection
        return procrastinate.App(connector=procrastinate.SyncPsycopgConnector())

    def defer(self, conn: Connection, requests: Sequence[JobRequest], *, actor: Actor) -> tuple[int, ...]:
        """Queue work in the transaction of ``conn``: it starts after COMMIT, or never existed."""
        if not requests:
            return ()
        ids: list[int] = []
        with conn.begin_nested():
            driver = conn.connection.driver_connection
            for task, priority in sorted({(request.task, request.priority) for request in requests}):
                deferrer = self._queue.configure_task(task, queue=self.queue, priority=priority, connection=driver)
                same = [request for request in requests if (request.task, request.priority) == (task, priority)]
                new = deferrer.batch_defer(*[self._args(request, actor) for request in same])
                ids.extend(new)
                rows = [
                    {
                        "job_id": job_id,
                        "task": request.task,
                        "title": request.title,
                        **request.subject.facts(),
                        "actor_id": actor.operator_id,
                        "correlation_id": correlation_id(),
                    }
                    for job_id, request in zip(new, same, strict=True)
                ]
                conn.execute(insert(job_run), rows)
        return tuple(ids)

    @staticmethod
    def _args(request: JobRequest, actor: Actor) -> dict[str, Any]:
        return {
            **request.subject.facts(),
            "actor_id": actor.operator_id,
            "workstation": actor.workstation,
            "correlation_id": correlation_id(),
        }

    def listing(
        self, *, actor: Actor, open_only: bool = False, document_id: int | None = None, state: str = "", limit: int = 100
    ) -> tuple[JobRow, ...]:
        """Return jobs, newest first, at most ``limit`` (1 to 500); ``state`` is one of ``JobRow.state``, empty for all.

        Raises:
            KeyError: no such state.
        """
        authorize(actor, "job.list", Target(kind="job"))
        query = _listing().order_by(job_run.c.job_id.desc()).limit(max(1, min(limit, MOST_ROWS)))
        if open_only:
            query = query.where(queue_jobs.c.status.in_(OPEN))
        if document_id is not None:
            query = query.where(job_run.c.document_id == document_id)
        if state:
            query = query.where(_IS[state])
        with self._database.begin("List jobs") as conn:
            return tuple(_row(dict(row)) for row in conn.execute(query).mappings())

    def attempts(self, job_id: int, *, actor: Actor) -> tuple[AttemptRow, ...]:
        """Return the failed attempts of a job, oldest first, at most 500."""
        authorize(actor, "job.list", Target(kind="job", id=str(job_id)))
        names = ("attempt", "at", "error_code", "sentence", "retry_at")
        query = select(*(job_failure.c[name] for name in names)).where(job_failure.c.job_id == job_id)
        with self._database.begin("Read attempts") as conn:
            rows = conn.execute(query.order_by(job_failure.c.id).limit(MOST_ROWS)).mappings()
            return tuple(AttemptRow(**row) for row in rows)

    def get(self, job_id: int, *, actor: Actor) -> JobRow:
        """Return one job.

        Raises:
            NotFound: no such job.
        """
        authorize(actor, "job.list", Target(kind="job", id=str(job_id)))
        with self._database.begin("Read job") as conn:
            row = conn.execute(_listing().where(job_run.c.job_id == job_id)).mappings().one_or_none()
        if row is None:
            raise NotFound(f"There is no job {job_id}.")
        return _row(dict(row))

    def open_count(self) -> int:
        """Return how many jobs wait or run in this queue."""
        query = select(func.count()).select_from(queue_jobs)
        with self._database.begin("Count jobs") as conn:
            return int(conn.execute(query.where(queue_jobs.c.queue_name == self.queue, queue_jobs.c.status.in_(OPEN))).scalar_one())

    def cancel(self, job_id: int, *, actor: Actor) -> None:
        """Stop a job: a waiting one at once, a running one as soon as it notices (under a second).

        Raises:
            NotFound: no such job.
            Conflict: it has already ended.
        """
        target = Target(kind="job", id=str(job_id))
        authorize(actor, "job.cancel", target)
        with self._database.begin("Cancel job") as conn:
            # lock: two people who cancel the same job follow one another, and the subject is given up once
            row = conn.execute(select(job_run).where(job_run.c.job_id == job_id).with_for_update()).one_or_none()
            if row is None:
                raise NotFound(f"There is no job {job_id}.")
            # read after the wait: a lock alone does not show what became of the queue's row meanwhile
            status = conn.execute(select(queue_jobs.c.status).where(queue_jobs.c.id == job_id)).scalar_one_or_none()
            if status not in OPEN:
                raise Conflict("That job has already ended.")
            # the queue's own function: a waiting job becomes cancelled, a running one is asked to stop
            conn.execute(select(func.procrastinate_cancel_job_v1(job_id, True, False)))  # noqa: FBT003  # SQL arguments are positional
            still_waiting = select(queue_jobs.c.status == "cancelled").where(queue_jobs.c.id == job_id)
            waiting = bool(conn.execute(still_waiting).scalar_one())
            self._database.changes.touch(conn, "job_run")
            self._audit.record(conn, actor=actor, action="job.cancel", target=target)
            if waiting:
                subject = Subject.of(row._mapping)
                self._handlers[row.task].give_up(conn, subject, Cancelled("Cancelled before it started."), actor=actor)
                conn.execute(update(job_run).where(job_run.c.job_id == job_id).values(finished_at=func.now()))

    def cancel_requested(self, job_id: int) -> bool:
        """Return whether somebody asked for a running job to stop."""
        query = select(queue_jobs.c.abort_requested).where(queue_jobs.c.id == job_id)
        with self._database.begin("Read job") as conn:
            return bool(conn.execute(query).scalar_one_or_none())

    def settle(self, *, actor: Actor, limit: int = MOST_ROWS) -> int:
        """Give up the subjects of jobs that ended without telling them; return how many there were. Run by the worker.

        A job whose worker was told to stop and died, or lost its database at the last moment, ends in the queue alone.
        """
        later = job_run.alias()
        ids = ("document_id", "audio_id", "photo_id", "index_change_id")
        same = (later.c.task == job_run.c.task, *(later.c[name].is_not_distinct_from(job_run.c[name]) for name in ids))
        newer = exists().where(later.c.job_id > job_run.c.job_id, *same)
        query = select(job_run, queue_jobs.c.status, newer.label("superseded")).join(queue_jobs, queue_jobs.c.id == job_run.c.job_id)
        query = query.where(queue_jobs.c.queue_name == self.queue, job_run.c.finished_at.is_(None))
        with self._database.begin("Settle jobs") as conn:
            rows = conn.execute(query.where(queue_jobs.c.status.not_in(OPEN)).limit(limit)).all()
            for row in rows:
                if not row.superseded:
                    subject, error = Subject.of(row._mapping), _lost(row.status)
                    self._handlers[row.task].give_up(conn, subject, error, actor=actor)
                    if not isinstance(error, Cancelled):
                        facts = {"error_code": error.code, "safe_message": str(error), "detail": "worker lost"}
                        alert_rows.write(conn, job_id=row.job_id, task=row.task, attempt=row.attempt, **facts)
                conn.execute(update(job_run).where(job_run.c.job_id == row.job_id).values(finished_at=func.now()))
        return len(rows)

    def retry(self, job_id: int, *, actor: Actor) -> int:
        """Queue a failed or cancelled job anew; return the new job's id.

        Raises:
            NotFound: no such job, or its subject is gone.
            Conflict: it has not failed.
        """
        target = Target(kind="job", id=str(job_id))
        authorize(actor, "job.retry", target)
        row = self.get(job_id, actor=actor)
        if row.state not in {"failed", "cancelled"}:
            raise Conflict("Only a failed or cancelled job can be retried.")
        if row.task not in self._handlers:
            raise Conflict("This version of Lectern does not know this kind of job.")
        with self._database.begin("Read job") as conn:
            facts = conn.execute(select(job_run).where(job_run.c.job_id == job_id)).mappings().one()
        new = self._handlers[row.task].again(Subject.of(facts), actor=actor)
        with self._database.begin("Record retry") as conn:
            self._audit.record(conn, actor=actor, action="job.retry", target=target, after={"job_id": new})
        return new


def _lost(status: str) -> LecternError:
    if status in {"cancelled", "aborted"}:
        return Cancelled("Cancelled.")
    return Unavailable("The background worker stopped before this was done.")


def _listing() -> Select[tuple[object, ...]]:
    last = (
        select(job_failure.c.sentence, job_failure.c.retry_at)
        .where(job_failure.c.job_id == job_run.c.job_id)
        .order_by(job_failure.c.id.desc())
        .limit(1)
        .lateral()
    )
    columns = [column for column in job_run.c if column.name not in {"actor_id", "photo_id", "index_change_id"}]
    query = select(*columns, queue_jobs.c.status, queue_jobs.c.attempts, queue_jobs.c.scheduled_at, last.c.sentence.label("error"))
    return query.join(queue_jobs, queue_jobs.c.id == job_run.c.job_id).outerjoin(last, onclause=true())


_IS: Mapping[str, ColumnElement[bool]] = {
    "waiting": and_(queue_jobs.c.status == "todo", queue_jobs.c.attempts == 0),
    "retrying": and_(queue_jobs.c.status == "todo", queue_jobs.c.attempts > 0),
    "running": queue_jobs.c.status.in_(("doing", "aborting")),
    "done": queue_jobs.c.status == "succeeded",
    "failed": queue_jobs.c.status == "failed",
    "cancelled": queue_jobs.c.status.in_(("cancelled", "aborted")),
}


_STATES: Callable[[str], str] = {
    "todo": "waiting",
    "doing": "running",
    "succeeded": "done",
    "failed": "failed",
    "cancelled": "cancelled",
    "aborted": "cancelled",
    "aborting": "running",
}.__getitem__


def _row(row: Mapping[str, object]) -> JobRow:
    values = dict(row)
    state = _STATES(str(values.pop("status")))
    attempts = values.pop("attempts")
    scheduled = values.pop("scheduled_at")
    if state == "waiting" and attempts:
        state = "retrying"
    return JobRow(**values, state=state, next_try_at=scheduled if state == "retrying" else None)  # type: ignore[arg-type]  # columns match
