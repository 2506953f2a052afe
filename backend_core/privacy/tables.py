"""SQL shape of privacy runs: what was tried, what was seen, and how it ended; only made-up people appear in them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    String,
    Table,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB

from backend_core.db.schema import metadata

privacy_runs = Table(
    "privacy_runs",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("started_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("finished_at", DateTime(timezone=True)),
    Column("trigger", String(12), nullable=False),
    Column("started_by", String(200), nullable=False),
    Column("database_role", String(63), nullable=False),
    Column("schema_revision", String(32)),
    Column("version", String(40), nullable=False),
    # where, when it was not this database
    Column("target", String(300), nullable=False, server_default=""),
    Column("passed", Integer, nullable=False, server_default="0"),
    Column("failed", Integer, nullable=False, server_default="0"),
    Column("cells", Integer, nullable=False, server_default="0"),
    Column("leaks", Integer, nullable=False, server_default="0"),
    Column("seconds", Double),
    # pass, fail, refused (by its own role), stopped
    Column("outcome", String(10)),
    Column("error", String(500)),
    Column("matrix", JSONB),
    CheckConstraint("trigger IN ('window', 'command', 'ci', 'migration', 'schedule')", name="trigger_known"),
    CheckConstraint("outcome IN ('pass', 'fail', 'refused', 'stopped')", name="outcome_known"),
    Index("idx_privacy_run_at", "started_at"),
)

privacy_results = Table(
    "privacy_results",
    metadata,
    Column("run_id", BigInteger, ForeignKey("privacy_runs.id", ondelete="CASCADE"), primary_key=True),
    Column("case_id", String(100), primary_key=True),
    Column("ok", Boolean, nullable=False),
    Column("probes", Integer, nullable=False),
    Column("leaks", Integer, nullable=False),
    Column("evidence", JSONB, nullable=False),
)
