"""What the Jobs page says about a job; no widgets here."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from desktop.i18n import ago, duration, number, tr
from desktop.widgets.retry_dialog import error_words

if TYPE_CHECKING:
    from backend_core.jobs.alert_records import JobState, WorkerRow
    from backend_core.jobs.service import JobRow

OPEN: Final = frozenset({"waiting", "running", "retrying"})
AGAIN: Final = frozenset({"failed", "cancelled"})
STATES: Final[dict[str, Callable[[], tuple[str, str, str]]]] = {
    "waiting": lambda: ("clock", tr("waiting"), "none"),
    "running": lambda: ("loader-circle", tr("running"), "info"),
    "retrying": lambda: ("rotate-ccw", tr("retrying"), "warn"),
    "done": lambda: ("circle-check", tr("done"), "ok"),
    "failed": lambda: ("circle-x", tr("failed"), "bad"),
    "cancelled": lambda: ("ban", tr("cancelled"), "none"),
}
_TASKS: Final[dict[str, tuple[str, Callable[[], str]]]] = {
    "documents.extract": ("scan-text", lambda: tr("Read pages")),
    "documents.speak": ("file-audio", lambda: tr("Speak a page")),
    "conversations.photo": ("image", lambda: tr("Look at a photo")),
    "monitoring.index": ("list-tree", lambda: tr("Change an index")),
}


def state_words(job: JobRow) -> tuple[str, str, str]:
    """Return icon, word and tone of the state."""
    return STATES[job.state]()


def task_words(task: str) -> str:
    """Return what kind of work it is; the name of a task nobody described."""
    known = _TASKS.get(task)
    return known[1]() if known is not None else task


def task_icon(task: str) -> str:
    """Return the icon of the kind of work."""
    return _TASKS.get(task, ("list-checks", str))[0]


def share(job: JobRow) -> float | None:
    """Return how far a running job is (0 to 1), None where there is no bar to draw."""
    return min(1.0, job.done / job.total) if job.total and job.state in {"running", "retrying"} else None


def progress_words(job: JobRow) -> str:
    """Return how far it is in words."""
    count = tr("{done} of {total}", done=number(job.done), total=number(job.total)) if job.total else ""
    return " · ".join(part for part in (count, job.note) if part)


def next_try(job: JobRow, *, now: datetime | None = None) -> str:
    """Return when a retrying job runs again; empty for every other."""
    if job.next_try_at is None:
        return ""
    left = (job.next_try_at - (now or datetime.now(UTC))).total_seconds()
    return tr("in {time}", time=duration(left)) if left > 0 else tr("now")


def tries(job: JobRow) -> int:
    """Return how often the work was begun."""
    return 0 if job.started_at is None else job.attempt + 1


def age(job: JobRow) -> str:
    """Return how long ago the job was queued."""
    return ago(job.created_at)


def took(job: JobRow) -> str:
    """Return how long the work took, or has taken so far; empty before it started."""
    if job.started_at is None:
        return ""
    end = job.finished_at or (datetime.now(UTC) if job.state in OPEN else job.started_at)
    return duration(max(0.0, (end - job.started_at).total_seconds()))


def classes(state: JobState) -> str:
    """Return the classes of the failures of a day, the most frequent first."""
    return ", ".join(f"{error_words(code)} {number(count)}" for code, count in state.failed_by_class)


def heartbeat(age_s: float) -> str:
    """Return how long ago a worker was heard of."""
    return tr("heard {age} ago", age=duration(age_s)) if math.isfinite(age_s) else tr("gone")


def worker_words(one: WorkerRow) -> str:
    """Return a worker, the age of its heartbeat and what it does."""
    name = f"{one.host} {one.pid}" if one.host else tr("worker {id}", id=one.worker_id)
    return " · ".join((name, heartbeat(one.heartbeat_age_s), one.job or tr("idle")))


def trouble(state: JobState) -> str:
    """Return in a sentence what keeps jobs from ending; empty when nothing does."""
    parts = []
    if state.stalled:
        first = state.stalled[0]
        parts.append(
            tr("{title} runs, but its worker is not heard of.", title=first.title)
            if len(state.stalled) == 1
            else tr("{n} jobs run, but their workers are not heard of.", n=number(len(state.stalled)))
        )
    if state.overdue:
        count = len(state.overdue)
        parts.append(tr("1 job is past its time limit.") if count == 1 else tr("{n} jobs are past their time limit.", n=number(count)))
    if not state.workers_alive and state.waiting:
        parts.append(tr("No worker lives: nothing that waits will start."))
    return " ".join(parts)
