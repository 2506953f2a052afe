"""SQL shape of what Lectern keeps about a job beside the queue's own row: subject, progress and failures."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Identity, Index, Integer, MetaData, String, Table, Uuid, func
from sqlalchemy.dialects.postgresql import ENUM, JSONB

from backend_core.db.schema import metadata

job_run = Table(
    "job_run",
    metadata,
    # the queue's id; no foreign key, so that the queue may be emptied without losing the history
    Column("job_id", BigInteger, primary_key=True, autoincrement=False),
    Column("task", String(80), nullable=False),
    Column("title", String(300), nullable=False),
    Column("document_id", BigInteger),
    Column("audio_id", BigInteger),
    # no foreign key either: what refers to it stays closed, and a job may outlive it
    Column("photo_id", Uuid),
    Column("actor_id", BigInteger),
    Column("correlation_id", String(40), nullable=False),
    Column("done", Integer, nullable=False, server_default="0"),
    Column("total", Integer, nullable=False, server_default="0"),
    Column("note", String(200), nullable=False, server_default=""),
    Column("attempt", Integer, nullable=False, server_default="0"),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("started_at", DateTime(timezone=True)),
    Column("finished_at", DateTime(timezone=True)),
    Index("idx_job_run_document", "document_id"),
    Index("idx_job_run_created", "created_at"),
)

job_failure = Table(
    "job_failure",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("job_id", BigInteger, nullable=False),
    Column("task", String(80), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("error_code", String(40), nullable=False),
    Column("sentence", String(500), nullable=False),
    # for administrators: redacted exception text, never document content
    Column("detail", String(4000), nullable=False),
    Column("retry_at", DateTime(timezone=True)),
    Column("correlation_id", String(40), nullable=False),
    Index("idx_job_failure_job", "job_id"),
    Index("idx_job_failure_at", "at"),
)

# The queue's own tables belong to procrastinate's schema; this is only how we read them.
_queue = MetaData()
_STATUS = ENUM(
    "todo", "doing", "succeeded", "failed", "cancelled", "aborting", "aborted", name="procrastinate_job_status", create_type=False
)
queue_jobs = Table(
    "procrastinate_jobs",
    _queue,
    Column("id", BigInteger, primary_key=True),
    Column("task_name", String),
    Column("queue_name", String),
    Column("status", _STATUS),
    Column("args", JSONB),
    Column("scheduled_at", DateTime(timezone=True)),
    Column("attempts", Integer),
    Column("abort_requested", Boolean),
    Column("worker_id", BigInteger),
)
queue_workers = Table(
    "procrastinate_workers",
    _queue,
    Column("id", BigInteger, primary_key=True),
    Column("last_heartbeat", DateTime(timezone=True)),
)
