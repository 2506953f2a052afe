"""SQL shape of what surrounds the audit log: erased rows and their tombstones, holds, saved views, alerts, monthly exports."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from backend_core.audit.tables import Xid8
from backend_core.db.schema import metadata

# What is left of a row whose retention has ended: enough to check every chain and seal it belongs to. Inserted by erase_audit() only.
audit_erased = Table(
    "audit_erased",
    metadata,
    Column("event_id", BigInteger, primary_key=True, autoincrement=False),
    Column("position", BigInteger, nullable=False),
    Column("xid", Xid8, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("writer", String(80), nullable=False),
    Column("wseq", BigInteger, nullable=False),
    Column("leaf", LargeBinary, nullable=False),
    Column("tombstone_id", BigInteger, ForeignKey("audit_tombstone.id"), nullable=False),
    UniqueConstraint("position"),
    Index("idx_audit_erased_at", "at", "event_id"),
    Index("idx_audit_erased_tombstone", "tombstone_id"),
)

# One signed statement per batch of erased rows.
audit_tombstone = Table(
    "audit_tombstone",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("retention_class", String(40), nullable=False),
    Column("cutoff", DateTime(timezone=True), nullable=False),
    Column("rows", Integer, nullable=False),
    Column("skeletons_sha256", LargeBinary, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("key_id", String(80), nullable=False),
    Column("signature", LargeBinary, nullable=False),
    CheckConstraint("rows > 0", name="rows_counted"),
)

# A field that is NULL wants everything. The function erase_audit() reads these columns; ``query`` is for people.
audit_hold = Table(
    "audit_hold",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("query", String(1000), nullable=False),
    Column("actor", ARRAY(Text)),
    Column("action", ARRAY(Text)),
    Column("target", ARRAY(Text)),
    Column("outcome", ARRAY(Text)),
    Column("correlation", ARRAY(Text)),
    Column("workstation", ARRAY(Text)),
    Column("role", ARRAY(Text)),
    Column("since", DateTime(timezone=True)),
    Column("until", DateTime(timezone=True)),
    Column("reason", String(500), nullable=False),
    Column("placed_by", String(200), nullable=False),
    Column("placed_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("released_by", String(200)),
    Column("released_at", DateTime(timezone=True)),
    Column("release_reason", String(500)),
)

audit_view = Table(
    "audit_view",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("owner_id", BigInteger, nullable=False),
    Column("name", String(80), nullable=False),
    Column("query", String(1000), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    UniqueConstraint("owner_id", "name"),
)

audit_alert = Table(
    "audit_alert",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("rule", String(40), nullable=False),
    Column("subject", String(200), nullable=False),
    Column("window_start", DateTime(timezone=True), nullable=False),
    Column("count", Integer, nullable=False),
    Column("threshold", Integer, nullable=False),
    Column("facts", JSONB, nullable=False),
    Column("raised_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("acknowledged_by", String(200)),
    Column("acknowledged_at", DateTime(timezone=True)),
    Column("note", String(500)),
    UniqueConstraint("rule", "subject", "window_start"),
    Index("idx_audit_alert_open", "raised_at", postgresql_where=text("acknowledged_at IS NULL")),
)

audit_monthly = Table(
    "audit_monthly",
    metadata,
    Column("month", Date, primary_key=True),
    Column("rows", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("key", String(200), nullable=False),
    Column("proofs_key", String(200), nullable=False),
    Column("manifest_key", String(200), nullable=False),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)
