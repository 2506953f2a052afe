"""Open an alert with the last failure of a job, and close it when the same work is done after all; in the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, text

from backend_core.db.changes import touch

PROGRAM: Final = "Lectern"

_WRITE: Final = text("""
INSERT INTO job_alerts (job_id, task, title, error_code, safe_message, detail, attempt, correlation_id, operator_id)
SELECT :job_id, CAST(:task AS text), coalesce(r.title, CAST(:task AS text)), CAST(:error_code AS text), CAST(:safe_message AS text),
       CAST(:detail AS text), :attempt, coalesce(r.correlation_id, ''), r.actor_id
FROM (VALUES (1)) AS one (n) LEFT JOIN job_run r ON r.job_id = :job_id
ON CONFLICT (job_id) DO NOTHING
RETURNING id, operator_id, correlation_id
""")
# of the same work: one task about the same things, whoever asked for it
_CLOSE: Final = text("""
UPDATE job_alerts a SET status = 'RESOLVED', resolved_at = clock_timestamp(), updated_at = clock_timestamp(), resolver = :program,
                        version = a.version + 1
FROM job_run earlier JOIN job_run this ON earlier.task = this.task AND earlier.job_id < this.job_id
    AND earlier.document_id IS NOT DISTINCT FROM this.document_id AND earlier.audio_id IS NOT DISTINCT FROM this.audio_id
    AND earlier.photo_id IS NOT DISTINCT FROM this.photo_id AND earlier.index_change_id IS NOT DISTINCT FROM this.index_change_id
WHERE this.job_id = :job_id AND a.job_id = earlier.job_id AND a.status IN ('NEW', 'ACKNOWLEDGED', 'INVESTIGATING')
RETURNING a.id, a.job_id
""")
_NOTE: Final = text("INSERT INTO job_alert_notes (alert_id, author, status, text) VALUES (:alert_id, :author, 'RESOLVED', :words)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """An alert that was just written.

    Attributes:
        replaces: jobs that had failed at the same before, whose alerts this one takes the place of.
    """

    alert_id: int
    job_id: int
    safe_message: str
    operator_id: int | None
    replaces: tuple[int, ...]


def write(conn: Connection, *, job_id: int, task: str, attempt: int, error_code: str, safe_message: str, detail: str) -> Opened | None:
    """Open the alert of a job; None when it has one already.

    Args:
        detail: redacted text for administrators.
    """
    facts = {"job_id": job_id, "task": task, "attempt": attempt, "error_code": error_code}
    row = conn.execute(_WRITE, facts | {"safe_message": safe_message, "detail": detail}).one_or_none()
    if row is None:
        return None
    touch(conn, "job_alerts")
    replaced = close(conn, job_id=job_id, words=f"Job {job_id} failed at the same and has an alert of its own.")
    return Opened(alert_id=row.id, job_id=job_id, safe_message=safe_message, operator_id=row.operator_id, replaces=replaced)


def close(conn: Connection, *, job_id: int, words: str) -> tuple[int, ...]:
    """Close the open alerts of earlier jobs that tried the same as ``job_id``, and return those jobs."""
    rows: Sequence[tuple[int, int]] = [(row.id, row.job_id) for row in conn.execute(_CLOSE, {"job_id": job_id, "program": PROGRAM})]
    if rows:
        touch(conn, "job_alerts")
        conn.execute(_NOTE, [{"alert_id": alert_id, "author": PROGRAM, "words": words} for alert_id, _ in rows])
    return tuple(job for _, job in rows)
