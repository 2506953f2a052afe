"""SQL shape of the record of backups: one row for each attempt."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, DateTime, Float, Identity, Index, Integer, String, Table, func

from backend_core.db.schema import metadata

backups = Table(
    "backups",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("kind", String(20), nullable=False),
    # where the file was put; it may have been moved since
    Column("workstation", String(200), nullable=False),
    Column("folder", String(2000), nullable=False),
    Column("file_name", String(200), nullable=False),
    # empty for an attempt that failed
    Column("bytes", BigInteger),
    Column("sha256", String(64)),
    Column("schema_revision", String(32)),
    Column("rows", BigInteger),
    Column("objects", Integer),
    Column("object_bytes", BigInteger),
    Column("damaged", Integer, nullable=False, server_default="0"),
    Column("elsewhere", Integer, nullable=False, server_default="0"),
    Column("position", BigInteger),
    Column("key_id", String(16)),
    Column("seconds", Float),
    Column("error_code", String(40)),
    Column("error", String(500)),
    Column("made_by", String(200), nullable=False),
    Column("verified_at", DateTime(timezone=True)),
    Column("verify_ok", Boolean),
    Column("verify_error", String(500)),
    Column("removed_at", DateTime(timezone=True)),
    CheckConstraint("kind IN ('manual', 'scheduled', 'migration')", name="kind_known"),
    CheckConstraint("(sha256 IS NULL) = (error_code IS NOT NULL)", name="made_or_failed"),
    CheckConstraint("(verified_at IS NULL) = (verify_ok IS NULL)", name="verdict_dated"),
    Index("idx_backups_at", "at"),
)
