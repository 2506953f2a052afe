"""SQL shape of what Lectern keeps about a job beside the queue's own row: subject, progress and failures."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Uuid,
    func,
    text,
)
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
    Column("index_change_id", BigInteger),
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

# A job that was given up, as something a person has to look into.
job_alerts = Table(
    "job_alerts",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("job_id", BigInteger, nullable=False),
    Column("task", String(80), nullable=False),
    Column("title", String(300), nullable=False),
    Column("error_code", String(40), nullable=False),
    Column("safe_message", String(500), nullable=False),
    # for administrators: redacted exception text, never document content
    Column("detail", String(4000), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("correlation_id", String(40), nullable=False),
    Column("operator_id", BigInteger),
    Column("status", String(13), nullable=False, server_default="NEW"),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("resolved_at", DateTime(timezone=True)),
    Column("resolver", String(200)),
    Column("version", Integer, nullable=False, server_default="1"),
    CheckConstraint("status IN ('NEW', 'ACKNOWLEDGED', 'INVESTIGATING', 'RESOLVED', 'IGNORED')", name="status_known"),
    CheckConstraint("(status IN ('RESOLVED', 'IGNORED')) = (resolved_at IS NOT NULL)", name="resolved_dated"),
    Index("uq_job_alert_job", "job_id", unique=True),
    Index(
        "idx_job_alert_open",
        text("created_at DESC"),
        postgresql_where=text("status IN ('NEW', 'ACKNOWLEDGED', 'INVESTIGATING')"),
        info={"number": 20, "purpose": "failed jobs that a person still has to look into"},
    ),
)

job_alert_notes = Table(
    "job_alert_notes",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("alert_id", BigInteger, ForeignKey("job_alerts.id", ondelete="CASCADE"), nullable=False),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("author", String(200), nullable=False),
    Column("status", String(13), nullable=False),
    Column("text", String(1000), nullable=False),
    Index("idx_job_alert_note_alert", "alert_id", "at"),
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
