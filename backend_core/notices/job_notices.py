"""A job that was given up, told to whoever asked for it in the transaction of its last failure."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from sqlalchemy import Connection

from backend_core.db.changes import touch
from backend_core.errors import LecternError
from backend_core.jobs.alert_rows import Opened
from backend_core.notices import rows
from backend_core.notices.records import NewNotice
from backend_core.notices.tables import notices

KIND: Final = "job_failed"


def subject_of(job_id: int) -> str:
    """Return what the notice about a job is about."""
    return f"job:{job_id}"


def notice_of(job_id: int, *, safe_message: str, operator_id: int | None) -> NewNotice:
    """Return the notice of a job that was given up; its title, which may quote a document, stays on the page."""
    return NewNotice(
        kind=KIND,
        subject=subject_of(job_id),
        severity="bad",
        title=f"Job {job_id} failed",
        body=safe_message,
        page="jobs",
        target={"job_id": job_id},
        operator_id=operator_id,
    )


class JobNotices:
    """Raises and resolves notices with the alerts of jobs.

    Args:
        run: runs a statement as the monitor, which may say that something is over where the person may not.
        announce: sends the hint that a table changed.
    """

    def __init__(self, run: rows.Run, *, announce: Callable[[Iterable[str]], None]) -> None:
        self._run = run
        self._announce = announce

    def opened(self, conn: Connection, alert: Opened) -> None:
        """Raise the notice of a job that was given up."""
        touch(conn, notices.name)
        rows.begin(rows.within(conn), notice_of(alert.job_id, safe_message=alert.safe_message, operator_id=alert.operator_id))

    def closed(self, conn: Connection, job_ids: Sequence[int]) -> None:
        """Resolve the notices of jobs whose alerts were closed."""
        for job_id in job_ids:
            touch(conn, notices.name)
            rows.end(rows.within(conn), KIND, subject_of(job_id))

    def over(self, job_id: int) -> None:
        """Resolve the notice of a job whose alert a person closed; where that fails the rule about jobs does it within seconds."""
        with contextlib.suppress(LecternError):
            if rows.end(self._run, KIND, subject_of(job_id)):
                self._announce([notices.name])
