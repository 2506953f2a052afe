"""Watches the queue from outside: how long work waits, what failed, which worker is silent, which job is past its limit.

Nothing here goes through the queue, its library or a worker, so that it still tells the truth when all three are stuck.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, LiteralString

from backend_core.jobs.alert_records import JobState, WatchedJob, WorkerRow
from backend_core.jobs.liveness import QUEUE_LOCKS, WORKER_LOCKS, lock_number
from backend_core.policy import Actor, Target, authorize

Rows = Callable[[LiteralString, Mapping[str, object]], Sequence[Mapping[str, Any]]]
"""Runs a query over a connection that does not belong to the pool."""
GRACE_S: Final = 30.0
"""Seconds past the hard limit that a job gets to say how it ended."""
STALLED: Final = "worker_stalled"
OVERDUE: Final = "job_overdue"
UNSERVED: Final = "queue_unserved"
WAITING_LONG: Final = "queue_lag"

_COUNTS: Final = """
SELECT j.queue_name AS queue,
       count(*) FILTER (WHERE j.status = 'todo') AS waiting,
       count(*) FILTER (WHERE j.status = 'todo' AND j.attempts > 0) AS retrying,
       count(*) FILTER (WHERE j.status IN ('doing', 'aborting')) AS running,
       extract(epoch FROM clock_timestamp() - min(greatest(coalesce(j.scheduled_at, r.created_at), r.created_at))
           FILTER (WHERE j.status = 'todo' AND coalesce(j.scheduled_at, r.created_at) <= clock_timestamp()))::float AS oldest_s
FROM procrastinate_jobs j LEFT JOIN job_run r ON r.job_id = j.id
WHERE j.status IN ('todo', 'doing', 'aborting') GROUP BY j.queue_name
"""
# of first attempts: a later one began when its waiting time was over, not when somebody had time for it
_LAG: Final = """
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY s.lag) AS p50, percentile_cont(0.95) WITHIN GROUP (ORDER BY s.lag) AS p95
FROM (SELECT extract(epoch FROM r.started_at - r.created_at)::float AS lag FROM job_run r JOIN procrastinate_jobs j ON j.id = r.job_id
       WHERE r.attempt = 0 AND r.created_at > clock_timestamp() - interval '1 day'
         AND r.started_at > clock_timestamp() - interval '1 hour' AND j.queue_name = %(queue)s) s
"""
_FAILED: Final = """
SELECT f.error_code, count(*) AS n FROM job_failure f JOIN procrastinate_jobs j ON j.id = f.job_id
WHERE f.retry_at IS NULL AND f.at > clock_timestamp() - interval '24 hours' AND j.queue_name = %(queue)s
GROUP BY f.error_code ORDER BY n DESC, f.error_code
"""
_RUNNING: Final = """
SELECT j.id AS job_id, j.task_name AS task, coalesce(r.title, '') AS title, coalesce(r.attempt, 0) AS attempt, j.queue_name AS queue,
       extract(epoch FROM clock_timestamp() - r.started_at)::float AS running_s,
       extract(epoch FROM clock_timestamp() - w.last_heartbeat)::float AS heartbeat_age_s
FROM procrastinate_jobs j LEFT JOIN job_run r ON r.job_id = j.id LEFT JOIN procrastinate_workers w ON w.id = j.worker_id
WHERE j.status IN ('doing', 'aborting') ORDER BY j.id
"""
_WORKERS: Final = """
SELECT w.id AS worker_id, extract(epoch FROM clock_timestamp() - w.last_heartbeat)::float AS heartbeat_age_s,
       (SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
         WHERE l.locktype = 'advisory' AND l.granted AND l.classid::bigint = %(space)s AND l.objid::bigint = w.id LIMIT 1) AS application,
       j.id AS job_id, coalesce(r.title, '') AS job
FROM procrastinate_workers w
LEFT JOIN LATERAL (SELECT d.id FROM procrastinate_jobs d WHERE d.worker_id = w.id AND d.status IN ('doing', 'aborting')
                    ORDER BY d.id LIMIT 1) j ON true
LEFT JOIN job_run r ON r.job_id = j.id
ORDER BY w.id
"""
_ALIVE: Final = """
SELECT count(*) AS n FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid::bigint = %(space)s AND objid::bigint = %(name)s
   AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Something that may be wrong, with the number a rule compares to its limit.

    Attributes:
        kind: ``worker_stalled``, ``job_overdue``, ``queue_unserved`` or ``queue_lag``.
        value: seconds.
    """

    kind: str
    subject: str
    value: float
    job_id: int | None = None


class JobWatch:
    """The watch over the jobs of one database.

    Args:
        rows: runs queries as the monitor, apart from the pool.
        queue: the one of this store, whose state is told.
        stalled_after_s: silence after which a worker counts as stalled.
        hard_limit_s: most seconds an attempt may take.
    """

    def __init__(self, rows: Rows, *, queue: str, stalled_after_s: float, hard_limit_s: float) -> None:
        self._rows = rows
        self._queue = queue
        self.stalled_after_s = stalled_after_s
        self.overdue_after_s = hard_limit_s + GRACE_S

    def state(self, *, actor: Actor) -> JobState:
        """Return how the work of this store is doing.

        Raises:
            DatabaseAway: the server does not answer.
        """
        authorize(actor, "job.list", Target(kind="job"))
        mine = {"queue": self._queue}
        counts = next((row for row in self._rows(_COUNTS, {}) if row["queue"] == self._queue), {})
        lag = self._rows(_LAG, mine)[0]
        failed = tuple((str(row["error_code"]), int(row["n"])) for row in self._rows(_FAILED, mine))
        running = [_watched(row) for row in self._rows(_RUNNING, {}) if row["queue"] == self._queue]
        return JobState(
            waiting=counts.get("waiting", 0),
            running=counts.get("running", 0),
            retrying=counts.get("retrying", 0),
            oldest_waiting_s=counts.get("oldest_s"),
            lag_p50_s=lag["p50"],
            lag_p95_s=lag["p95"],
            failed_24h=sum(number for _, number in failed),
            failed_by_class=failed,
            stalled=tuple(job for job in running if job.lost or (job.heartbeat_age_s or 0.0) > self.stalled_after_s),
            overdue=tuple(job for job in running if (job.running_s or 0.0) > self.overdue_after_s),
            workers=tuple(self._worker(row) for row in self._rows(_WORKERS, {"space": QUEUE_LOCKS})),
            workers_alive=self._alive(self._rows, self._queue),
            at=dt.datetime.now(dt.UTC),
        )

    def troubles(self, rows: Rows, *, actor: Actor) -> tuple[Trouble, ...]:
        """Return what rules have to judge, over every queue of the database.

        Args:
            rows: runs queries as the monitor; the recorder's own connection.
        """
        authorize(actor, "job.watch", Target(kind="job"))
        found: list[Trouble] = []
        for row in rows(_COUNTS, {}):
            if row["oldest_s"] is not None:
                kind = WAITING_LONG if self._alive(rows, str(row["queue"])) else UNSERVED
                found.append(Trouble(kind=kind, subject=str(row["queue"]), value=row["oldest_s"]))
        for job in (_watched(row) for row in rows(_RUNNING, {})):
            found.append(Trouble(kind=OVERDUE, subject=f"job:{job.job_id}", value=job.running_s or 0.0, job_id=job.job_id))
            if job.lost:
                found.append(Trouble(kind=STALLED, subject=f"job:{job.job_id}", value=math.inf, job_id=job.job_id))
        for worker in map(self._worker, rows(_WORKERS, {"space": QUEUE_LOCKS})):
            name = f"worker:{worker.host}:{worker.pid}" if worker.pid else f"worker:{worker.worker_id}"
            found.append(Trouble(kind=STALLED, subject=name, value=worker.heartbeat_age_s, job_id=worker.job_id))
        return tuple(found)

    def _worker(self, row: Mapping[str, Any]) -> WorkerRow:
        # lectern-worker-id@host:pid
        host, _, pid = (row["application"] or "").partition("@")[2].rpartition(":")
        age = float(row["heartbeat_age_s"])
        return WorkerRow(
            worker_id=row["worker_id"],
            host=host,
            pid=int(pid) if pid.isdigit() else 0,
            heartbeat_age_s=age,
            job_id=row["job_id"],
            job=row["job"],
            stalled=age > self.stalled_after_s,
        )

    @staticmethod
    def _alive(rows: Rows, queue: str) -> int:
        return int(rows(_ALIVE, {"space": WORKER_LOCKS, "name": lock_number(queue) % 2**32})[0]["n"])


def _watched(row: Mapping[str, Any]) -> WatchedJob:
    return WatchedJob(
        job_id=row["job_id"],
        task=row["task"],
        title=row["title"],
        attempt=row["attempt"],
        running_s=row["running_s"],
        heartbeat_age_s=row["heartbeat_age_s"],
        lost=row["heartbeat_age_s"] is None,
    )
