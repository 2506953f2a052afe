"""SQL shape of notices, their silences, deliveries and who has seen them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    String,
    Table,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from backend_core.db.schema import metadata

# One row per event: while it lasts, seeing it again only counts up.
notices = Table(
    "notices",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("kind", String(60), nullable=False),
    Column("subject", String(200), nullable=False),
    Column("severity", String(4), nullable=False),
    Column("title", String(200), nullable=False),
    Column("body", String(1000), nullable=False),
    # where it leads to: key of a page, and what it is told
    Column("page", String(40), nullable=False),
    Column("target", JSONB, nullable=False),
    # nobody: everybody; otherwise the operator it is for
    Column("operator_id", BigInteger, ForeignKey("operators.id", ondelete="CASCADE")),
    Column("correlation_id", String(40), nullable=False),
    Column("times", Integer, nullable=False, server_default="1"),
    Column("raised_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("last_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("resolved_at", DateTime(timezone=True)),
    Column("acknowledged_at", DateTime(timezone=True)),
    Column("acknowledged_by", String(200)),
    Column("note", String(500)),
    Column("silenced", Integer, nullable=False, server_default="0"),
    CheckConstraint("severity IN ('info', 'warn', 'bad')", name="severity_known"),
    Index("uq_notice_live", "kind", "subject", unique=True, postgresql_where=text("resolved_at IS NULL")),
    Index("idx_notice_raised", text("raised_at DESC")),
    Index("idx_notice_operator", "operator_id"),
)

notice_silences = Table(
    "notice_silences",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("kind", String(60), nullable=False),
    # empty: every subject of the kind
    Column("subject", String(200), nullable=False, server_default=""),
    Column("until", DateTime(timezone=True), nullable=False),
    Column("reason", String(500), nullable=False),
    Column("created_by", String(200), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("lifted_at", DateTime(timezone=True)),
    Column("lifted_by", String(200)),
    Index("idx_notice_silence_until", "until", postgresql_where=text("lifted_at IS NULL")),
)

# The outbox: what still has to leave by mail or webhook, and what became of it.
notice_deliveries = Table(
    "notice_deliveries",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("notice_id", BigInteger, ForeignKey("notices.id", ondelete="CASCADE"), nullable=False),
    Column("channel", String(8), nullable=False),
    # raised or resolved: one message each
    Column("event", String(8), nullable=False),
    Column("status", String(8), nullable=False, server_default="WAITING"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("sent_at", DateTime(timezone=True)),
    Column("error", String(300)),
    CheckConstraint("channel IN ('email', 'webhook')", name="channel_known"),
    CheckConstraint("event IN ('raised', 'resolved')", name="event_known"),
    CheckConstraint("status IN ('WAITING', 'SENT', 'FAILED')", name="status_known"),
    Index("uq_notice_delivery", "notice_id", "channel", "event", unique=True),
    Index("idx_notice_delivery_due", "next_at", postgresql_where=text("status = 'WAITING'")),
)

notice_seen = Table(
    "notice_seen",
    metadata,
    Column("operator_id", BigInteger, ForeignKey("operators.id", ondelete="CASCADE"), primary_key=True),
    Column("seen_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
)
