"""Run one job: who asked, how far it is, when it must stop, and what becomes of it when it fails."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import Connection, func, insert, select, update

from backend_core.db.database import Database
from backend_core.errors import Cancelled, LecternError, LimitReached, TimedOut, Unavailable, safe
from backend_core.jobs import alert_rows
from backend_core.jobs.alert_rows import Opened
from backend_core.jobs.retry import Backoff, RetryLater
from backend_core.jobs.tables import job_failure, job_run
from backend_core.logs import correlated, get_logger, log_failure
from backend_core.policy import Actor
from backend_core.redaction import redact

log = get_logger(__name__)
PROGRESS_EVERY_S = 0.25
SENTENCE_LENGTH = 500
DETAIL_LENGTH = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a job is about: ids only, the worker reads the rest."""

    document_id: int | None = None
    audio_id: int | None = None
    photo_id: uuid.UUID | None = None
    index_change_id: int | None = None

    def facts(self) -> dict[str, Any]:
        """Return the ids as a job carries them."""
        return {
            "document_id": self.document_id,
            "audio_id": self.audio_id,
            "photo_id": None if self.photo_id is None else str(self.photo_id),
            "index_change_id": self.index_change_id,
        }

    @classmethod
    def of(cls, facts: Mapping[Any, Any]) -> Subject:
        """Return what the arguments or the row of a job are about."""
        photo = facts.get("photo_id")
        found = photo if photo is None or isinstance(photo, uuid.UUID) else uuid.UUID(str(photo))
        return cls(
            document_id=facts.get("document_id"),
            audio_id=facts.get("audio_id"),
            photo_id=found,
            index_change_id=facts.get("index_change_id"),
        )


class TaskHandler(Protocol):
    """One kind of background work."""

    name: str

    def run(self, job: JobRun) -> None:
        """Do the work; raise a LecternError when it cannot be done."""

    def give_up(self, conn: Connection, subject: Subject, error: LecternError, *, actor: Actor) -> None:
        """Record on the subject, in the caller's transaction, that the work ended in ``error``; calling it twice changes nothing."""

    def again(self, subject: Subject, *, actor: Actor) -> int:
        """Queue the work anew after it failed; return the new job's id."""


class Told(Protocol):
    """Who learns of job alerts."""

    def opened(self, conn: Connection, alert: Opened) -> None:
        """Tell that a job was given up, in the transaction of its last failure."""

    def closed(self, conn: Connection, job_ids: Sequence[int]) -> None:
        """Tell that the alerts of these jobs are closed."""


class JobRun:
    """One attempt of one job, as its handler sees it.

    Attributes:
        attempt: 0 for the first.
    """

    def __init__(  # one value per fact of the attempt
        self,
        *,
        job_id: int,
        attempt: int,
        subject: Subject,
        actor: Actor,
        database: Database,
        aborted: Callable[[], bool],
        interrupted: Callable[[], bool],
        soft_limit_s: float,
        hard_limit_s: float,
    ) -> None:
        self.job_id = job_id
        self.attempt = attempt
        self.subject = subject
        self.actor = actor
        self._database = database
        self._aborted = aborted
        self._interrupted = interrupted
        self._started = time.monotonic()
        self._soft_limit_s = soft_limit_s
        self._hard_limit_s = hard_limit_s
        self._next_progress = 0.0

    def should_stop(self) -> bool:
        """Return whether the work was cancelled, interrupted or is past its soft limit; handlers ask often and clean up when it is."""
        return self._aborted() or self._interrupted() or self.overdue()

    def cancelled(self) -> bool:
        """Return whether somebody asked for the job to stop."""
        return self._aborted()

    def interrupted(self) -> bool:
        """Return whether this worker has to stop; another one does the work."""
        return self._interrupted()

    def overdue(self) -> bool:
        """Return whether the soft limit is over."""
        return time.monotonic() - self._started >= self._soft_limit_s

    def hard_limit_s(self) -> float:
        """Return the seconds left until child processes of this job are killed; at least a tenth."""
        return max(0.1, self._hard_limit_s - (time.monotonic() - self._started))

    def progress(self, done: int, total: int, *, note: str = "") -> None:
        """Tell everybody how far the work is; calls that come too fast are dropped, the last one never."""
        now = time.monotonic()
        if now < self._next_progress and done < total:
            return
        self._next_progress = now + PROGRESS_EVERY_S
        with self._database.begin("Report progress") as conn:
            conn.execute(update(job_run).where(job_run.c.job_id == self.job_id).values(done=done, total=total, note=note))


class Runner:
    """Runs attempts of jobs and decides what follows a failure.

    Args:
        find_actor: turns the stored operator id back into an actor, so that rights are checked again when the job runs.
        told: learns of each alert that is opened or closed, in the same transaction.
    """

    def __init__(
        self,
        database: Database,
        *,
        backoff: Backoff,
        soft_limit_s: float,
        hard_limit_s: float,
        find_actor: Callable[..., Actor],
        told: Told | None = None,
    ) -> None:
        self._database = database
        self._backoff = backoff
        self._soft_limit_s = soft_limit_s
        self._hard_limit_s = hard_limit_s
        self._find_actor = find_actor
        self._told = told

    def run(
        self,
        handler: TaskHandler,
        *,
        job_id: int,
        attempt: int,
        args: dict[str, Any],
        aborted: Callable[[], bool],
        interrupted: Callable[[], bool] = lambda: False,
    ) -> None:
        """Run one attempt.

        Args:
            aborted: whether somebody cancelled the job.
            interrupted: whether this worker has to stop.

        Raises:
            RetryLater: the attempt failed or was interrupted, and another follows.
            Cancelled: it was stopped on request.
            LecternError: it failed for good; the subject says so.
        """
        with correlated(args["correlation_id"]):
            job = JobRun(
                job_id=job_id,
                attempt=attempt,
                subject=Subject.of(args),
                actor=self._find_actor(None, workstation=args["workstation"]),
                database=self._database,
                aborted=aborted,
                interrupted=interrupted,
                soft_limit_s=self._soft_limit_s,
                hard_limit_s=self._hard_limit_s,
            )
            try:
                self._mark(job_id, attempt=attempt, started_at=func.now())
                job.actor = self._find_actor(args["actor_id"], workstation=args["workstation"])
                handler.run(job)
                self._done(job_id)
            except Exception as error:  # noqa: BLE001  # boundary: whatever a handler raises becomes a recorded failure
                self._failed(handler, job, error)
            log.info("job finished", job_id=job_id, task=handler.name)

    def _failed(self, handler: TaskHandler, job: JobRun, error: Exception) -> None:
        known = _known(error, job)
        if job.interrupted() and not job.cancelled():
            log.info("job handed back", job_id=job.job_id, task=handler.name)
            raise RetryLater(0.0) from error
        wait_s = self._backoff.wait_s(job.attempt) if self._backoff.again(known, attempt=job.attempt) else None
        try:
            self._settle(handler, job, known, error, wait_s=wait_s)
        except Unavailable as away:
            # a failure that cannot be recorded must not end the job: its subject would wait for ever
            log_failure(log, "failure of a job not recorded", away, facts={"job_id": job.job_id, "task": handler.name})
            raise RetryLater(self._backoff.wait_s(0)) from error
        if isinstance(known, Cancelled):
            log.info("job cancelled", job_id=job.job_id, task=handler.name)
            raise known
        if wait_s is not None:
            log.warning("job will be retried", job_id=job.job_id, task=handler.name, error_code=known.code, wait_s=round(wait_s, 1))
            raise RetryLater(wait_s) from error
        log_failure(log, "job failed", error, facts={"job_id": job.job_id, "task": handler.name})
        raise known from error

    def _settle(self, handler: TaskHandler, job: JobRun, known: LecternError, error: Exception, *, wait_s: float | None) -> None:
        """Record what became of the attempt; if it was the last one the subject learns of it in the same transaction."""
        with self._database.begin("Record failed attempt") as conn:
            if not isinstance(known, Cancelled):
                detail = f"{type(error).__name__}: {error}"
                self._record(conn, handler.name, job.job_id, known, attempt=job.attempt, detail=detail, wait_s=wait_s)
            if wait_s is None and not isinstance(known, Cancelled):
                self._alert(conn, handler.name, job.job_id, known, attempt=job.attempt, detail=detail)
            if wait_s is None:
                handler.give_up(conn, job.subject, known, actor=job.actor)
                conn.execute(update(job_run).where(job_run.c.job_id == job.job_id).values(finished_at=func.now()))

    def abandon(self, handler: TaskHandler, subject: Subject, error: LecternError, *, job_id: int, attempt: int) -> None:
        """Give up a job whose workers died each time, or that was to be cancelled when its worker died; twice does no harm."""
        with self._database.begin("Abandon job") as conn:
            if not isinstance(error, Cancelled):
                self._record(conn, handler.name, job_id, error, attempt=attempt, detail="worker lost", wait_s=None)
                self._alert(conn, handler.name, job_id, error, attempt=attempt, detail="worker lost")
            handler.give_up(conn, subject, error, actor=self._find_actor(None, workstation=""))
            conn.execute(update(job_run).where(job_run.c.job_id == job_id).values(finished_at=func.now()))

    @staticmethod
    def _record(conn: Connection, task: str, job_id: int, known: LecternError, *, attempt: int, detail: str, wait_s: float | None) -> None:
        retry_at = None if wait_s is None else func.now() + func.make_interval(0, 0, 0, 0, 0, 0, wait_s)
        correlation = select(job_run.c.correlation_id).where(job_run.c.job_id == job_id).scalar_subquery()
        conn.execute(
            insert(job_failure).values(
                job_id=job_id,
                task=task,
                attempt=attempt,
                error_code=known.code,
                sentence=redact(str(known))[:SENTENCE_LENGTH],
                detail=redact(detail)[:DETAIL_LENGTH],
                retry_at=retry_at,
                correlation_id=func.coalesce(correlation, ""),
            )
        )

    def _alert(self, conn: Connection, task: str, job_id: int, known: LecternError, *, attempt: int, detail: str) -> None:
        """Add the alert of a job that is given up, with what is told of it, in the transaction of its last failure."""
        facts = {"error_code": known.code, "safe_message": redact(str(known))[:SENTENCE_LENGTH], "detail": redact(detail)[:DETAIL_LENGTH]}
        opened = alert_rows.write(conn, job_id=job_id, task=task, attempt=attempt, **facts)
        if opened is not None and self._told is not None:
            self._told.opened(conn, opened)
            self._told.closed(conn, opened.replaces)

    def _done(self, job_id: int) -> None:
        """Record that the work is done, and close the alerts of earlier attempts at the same."""
        with self._database.begin("Finish job") as conn:
            conn.execute(update(job_run).where(job_run.c.job_id == job_id).values(finished_at=func.now()))
            closed = alert_rows.close(conn, job_id=job_id, words=f"Job {job_id} did the work.")
            if closed and self._told is not None:
                self._told.closed(conn, closed)

    def _mark(self, job_id: int, **values: object) -> None:
        with self._database.begin("Mark job") as conn:
            conn.execute(update(job_run).where(job_run.c.job_id == job_id).values(**values))


def _known(error: Exception, job: JobRun) -> LecternError:
    """Return ``error`` as a member of the error tree, telling a request to stop from a limit that was reached."""
    if job.cancelled():
        # whatever else went wrong: nobody wants the work any more, and the queue would not run it again
        return error if isinstance(error, Cancelled) else Cancelled("Cancelled.")
    if isinstance(error, Cancelled | LimitReached) and job.overdue():
        return TimedOut("The job took longer than its limit and was stopped.")
    return safe(error, sentence="Something went wrong while the job ran.")
