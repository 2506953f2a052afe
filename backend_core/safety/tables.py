"""SQL shape of safety: what moderation found, which text may leave for which host, and what did."""

from __future__ import annotations

from sqlalchemy import (
    REAL,
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    String,
    Table,
    Uuid,
    func,
    text,
)

from backend_core.db.schema import metadata

# No text: that stays in the message, which only a scope of its container shows.
safety_events = Table(
    "safety_events",
    metadata,
    Column("container_id", Integer, primary_key=True, autoincrement=False),
    Column("id", Uuid, primary_key=True, server_default=func.gen_random_uuid()),
    Column("message_id", Uuid),
    Column("direction", String(6), nullable=False),
    Column("category", String(30), nullable=False),
    Column("score", REAL),
    Column("limit", REAL),
    Column("action", String(12), nullable=False),
    Column("provider", String(40), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("reviewed_by", String(200)),
    Column("reviewed_at", DateTime(timezone=True)),
    Column("verdict", String(12)),
    Column("note", String(500)),
    CheckConstraint("direction IN ('input', 'output')", name="direction_known"),
    CheckConstraint("action IN ('allowed', 'blocked', 'crisis', 'unchecked')", name="action_known"),
    CheckConstraint("verdict IN ('right', 'wrong', 'unclear')", name="verdict_known"),
    CheckConstraint("(reviewed_at IS NULL) = (verdict IS NULL)", name="verdict_dated"),
    ForeignKeyConstraint(["container_id"], ["containers.id"], ondelete="CASCADE"),
    Index(
        "idx_safety_open",
        text("created_at DESC"),
        postgresql_where=text("reviewed_at IS NULL"),
        info={"number": 16, "purpose": "findings nobody has reviewed yet"},
    ),
)

egress_consent = Table(
    "egress_consent",
    metadata,
    Column("id", Uuid, primary_key=True, server_default=func.gen_random_uuid()),
    Column("purpose", String(40), nullable=False),
    Column("host", String(253), nullable=False),
    Column("given_by", String(200), nullable=False),
    Column("given_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("withdrawn_by", String(200)),
    Column("withdrawn_at", DateTime(timezone=True)),
    Index("uq_egress_consent_live", "purpose", "host", unique=True, postgresql_where=text("withdrawn_at IS NULL")),
)

egress_ledger = Table(
    "egress_ledger",
    metadata,
    Column("id", Uuid, primary_key=True, server_default=func.gen_random_uuid()),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("purpose", String(40), nullable=False),
    Column("host", String(253), nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("correlation_id", String(40), nullable=False),
    Index("idx_egress_at", "at"),
)
