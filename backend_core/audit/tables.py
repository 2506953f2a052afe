"""SQL shape of the audit log: rows are inserted and read, never changed."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, Identity, Index, LargeBinary, String, Table, func
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
    Column("wseq", BigInteger),
    Column("leaf", LargeBinary),
    Column("actor", String(200), nullable=False),
    Column("actor_id", BigInteger),
    Column("role", String(20), nullable=False),
    Column("action", String(80), nullable=False),
    Column("target", String(200), nullable=False),
    Column("outcome", String(20), nullable=False),
    Column("reason", String(500)),
    Column("before", JSONB),
    Column("after", JSONB),
    Column("workstation", String(200), nullable=False),
    Column("client_version", String(40), nullable=False),
    Column("correlation_id", String(40), nullable=False),
    CheckConstraint("outcome IN ('done', 'refused', 'failed')", name="outcome_known"),
    Index("idx_audit_action_at", "action", "at"),
    Index("idx_audit_actor_at", "actor", "at"),
    Index("idx_audit_correlation", "correlation_id"),
    Index("idx_audit_target", "target"),
)
