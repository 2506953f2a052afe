"""SQL shape of the audit log: rows are inserted and read, never changed."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Double,
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
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlalchemy.types import UserDefinedType

from backend_core.db.schema import metadata


class Xid8(UserDefinedType[int]):
    """PostgreSQL's 64-bit transaction id."""

    cache_ok = True

    def get_col_spec(self, **_kw: object) -> str:
        """Return the SQL name of the type."""
        return "xid8"


# so that comparing the declared schema with a real one recognises the column
ischema_names["xid8"] = Xid8

# No foreign keys: deleting an operator or a document must never touch what was recorded about them.
audit_event = Table(
    "audit_event",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("xid", Xid8, nullable=False, server_default=func.pg_current_xact_id()),
    Column("writer", String(80), nullable=False),
    Column("wseq", BigInteger, nullable=False),
    Column("leaf", LargeBinary, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("actor_id", BigInteger),
    Column("role", String(20), nullable=False),
    Column("action", String(80), nullable=False),
    Column("target", String(200), nullable=False),
    Column("outcome", String(20), nullable=False),
    Column("reason", String(500)),
    Column("before", JSONB(none_as_null=True)),
    Column("after", JSONB(none_as_null=True)),
    Column("workstation", String(200), nullable=False),
    Column("client_version", String(40), nullable=False),
    Column("correlation_id", String(40), nullable=False),
    CheckConstraint("outcome IN ('done', 'refused', 'failed')", name="outcome_known"),
    # in the order of every list, so that one pass over an index finds any depth
    Index("idx_audit_at", "at", "id"),
    Index("idx_audit_action_at", "action", "at", "id", info={"number": 19, "purpose": "who did one kind of thing, and when"}),
    # with the action, because what one person did of one kind is asked for often
    Index("idx_audit_actor_at", "actor", "at", "id", "action"),
    Index("idx_audit_outcome", "outcome", "at", "id", postgresql_where=text("outcome <> 'done'")),
    Index("idx_audit_correlation", "correlation_id"),
    Index("idx_audit_target", "target", "at", "id", postgresql_ops={"target": "varchar_pattern_ops"}),
)

# One row per place in the sealed log. Without a foreign key: the place of a row that retention erased stays.
audit_position = Table(
    "audit_position",
    metadata,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("event_id", BigInteger, nullable=False),
    Column("seal_id", BigInteger, nullable=False),
    UniqueConstraint("event_id"),
)

# ``seen_id`` and ``seen_xid`` stand in the last seal of a round that left nothing behind: the newest row and the first transaction
# not yet begun at that moment; ``horizon`` is the oldest transaction then still running.
audit_seal = Table(
    "audit_seal",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("generation", Integer, nullable=False),
    Column("size", Integer, nullable=False),
    Column("first_position", BigInteger, nullable=False),
    Column("last_position", BigInteger, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("head", LargeBinary, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("key_id", String(80), nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("checkpoint", Text, nullable=False),
    Column("horizon", Xid8, nullable=False),
    Column("seen_id", BigInteger),
    Column("seen_xid", Xid8),
    CheckConstraint("size > 0 AND last_position = first_position + size - 1", name="size_counted"),
)

# Signed statements about keys: introduced by another key (the first by itself), asked for by a new host, or retired.
audit_key = Table(
    "audit_key",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("key_id", String(80), nullable=False),
    Column("event", String(20), nullable=False),
    Column("public", LargeBinary, nullable=False),
    Column("signed_by", String(80), nullable=False),
    Column("after_seal", BigInteger, nullable=False),
    Column("host", String(200), nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("signature", LargeBinary, nullable=False),
    CheckConstraint("event IN ('introduced', 'requested', 'retired')", name="event_known"),
)

# The log begins with generation 1; each restore into another server, where transactions are counted anew, begins a further one.
audit_generation = Table(
    "audit_generation",
    metadata,
    Column("generation", Integer, primary_key=True, autoincrement=False),
    Column("log", String(80), nullable=False),
    Column("server", String(40), nullable=False),
    Column("after_seal", BigInteger, nullable=False),
    Column("previous_head", LargeBinary, nullable=False),
    Column("restored_id", BigInteger, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("key_id", String(80), nullable=False),
    Column("signature", LargeBinary, nullable=False),
)

# What a verification found, so that a page can say so without doing it again.
audit_verification = Table(
    "audit_verification",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("verified_by", String(200), nullable=False),
    Column("quick", Boolean, nullable=False),
    Column("ok", Boolean, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("verified_to", BigInteger, nullable=False),
    Column("seconds", Double, nullable=False),
    Column("problems", JSONB, nullable=False),
    Column("witnesses", Integer, nullable=False),
    Column("off_machine", Integer, nullable=False),
    Column("agreeing", Integer, nullable=False),
)
