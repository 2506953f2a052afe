"""What job alerts hand out: plain frozen records, and which status may follow which."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

NEW: Final = "NEW"
ACKNOWLEDGED: Final = "ACKNOWLEDGED"
INVESTIGATING: Final = "INVESTIGATING"
RESOLVED: Final = "RESOLVED"
IGNORED: Final = "IGNORED"
OPEN: Final = (NEW, ACKNOWLEDGED, INVESTIGATING)
STATUSES: Final = (*OPEN, RESOLVED, IGNORED)
# forward only, and a step may be left out; what is closed stays closed
NEXT: Final = {
    NEW: (ACKNOWLEDGED, INVESTIGATING, RESOLVED, IGNORED),
    ACKNOWLEDGED: (INVESTIGATING, RESOLVED, IGNORED),
    INVESTIGATING: (RESOLVED, IGNORED),
    RESOLVED: (),
    IGNORED: (),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class JobAlert:
    """A job that was given up, as something a person looks into.

    Attributes:
        detail: redacted text of the exception; None for whoever is no administrator.
        attempt: number of the last attempt, 0 for the first.
        operator_id: who had asked for the job; None for the program itself.
        status: one of ``STATUSES``.
        version: give it to ``move``.
    """

    id: int
    job_id: int
    task: str
    title: str
    error_code: str
    safe_message: str
    detail: str | None
    attempt: int
    correlation_id: str
    operator_id: int | None
    status: str
    created_at: dt.datetime
    updated_at: dt.datetime
    resolved_at: dt.datetime | None
    resolver: str | None
    version: int

    @property
    def next_statuses(self) -> tuple[str, ...]:
        """What it may become."""
        return NEXT[self.status]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertNote:
    """What somebody wrote, or the program did, when an alert moved; ``status`` is what it became."""

    at: dt.datetime
    author: str
    status: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertCounts:
    """How many alerts have each status; closed ones of the last 30 days only."""

    new: int
    acknowledged: int
    investigating: int
    resolved: int
    ignored: int

    @property
    def open(self) -> int:
        """Those that somebody still has to look into."""
        return self.new + self.acknowledged + self.investigating


@dataclass(frozen=True, slots=True, kw_only=True)
class Retried:
    """What became of one alert of a bulk retry: the new job, or the sentence that says why there is none."""

    alert_id: int
    job_id: int
    new_job_id: int | None
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedJob:
    """A running or waiting job as the watch sees it.

    Attributes:
        running_s: seconds since its attempt began; None while it waits.
        heartbeat_age_s: seconds since its worker was last heard of; None when there is none.
        lost: its worker was struck from the list, and nobody has taken it over.
    """

    job_id: int
    task: str
    title: str
    attempt: int
    running_s: float | None
    heartbeat_age_s: float | None
    lost: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerRow:
    """A worker of this queue.

    Attributes:
        host, pid: empty and 0 for one that does not say who it is.
        job: title of what it works on; empty when it waits.
        stalled: it was not heard of for longer than the setting allows.
    """

    worker_id: int
    host: str
    pid: int
    heartbeat_age_s: float
    job_id: int | None
    job: str
    stalled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class JobState:
    """How background work is doing.

    Attributes:
        retrying: those of ``waiting`` that failed before.
        oldest_waiting_s: seconds the job that could have begun longest ago has waited; None when none does.
        lag_p50_s, lag_p95_s: seconds between queueing and beginning, of the last hour; None without one.
        failed_24h: given up within a day.
        failed_by_class: ``(error code, how many)`` of these, the most first.
        stalled: running jobs whose worker is not heard of.
        overdue: running jobs past their hard limit.
        workers_alive: workers whose server session lives.
    """

    waiting: int
    running: int
    retrying: int
    oldest_waiting_s: float | None
    lag_p50_s: float | None
    lag_p95_s: float | None
    failed_24h: int
    failed_by_class: tuple[tuple[str, int], ...]
    stalled: tuple[WatchedJob, ...]
    overdue: tuple[WatchedJob, ...]
    workers: tuple[WorkerRow, ...]
    workers_alive: int
    at: dt.datetime
