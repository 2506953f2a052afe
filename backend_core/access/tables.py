"""SQL shape of operators."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, Identity, Index, String, Table, func

from backend_core.db.schema import metadata

operators = Table(
    "operators",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("name", String(200), nullable=False),
    # host-independent name of the operating system's user; a person without one signs in another way
    Column("os_user", String(200)),
    Column("role", String(20), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("disabled_at", DateTime(timezone=True)),
    CheckConstraint("role IN ('support', 'admin', 'auditor')", name="role_known"),
    Index("uq_operators_os_user", "os_user", unique=True),
)
