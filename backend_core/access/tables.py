"""SQL shape of operators, their passwords, sessions, and failed sign-ins."""

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
    LargeBinary,
    String,
    Table,
    Uuid,
    func,
    text,
)

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
    Column("email", String(320)),
    # the login of a shared server, which says there who this is
    Column("db_login", String(63)),
    Column("version", Integer, nullable=False, server_default="1"),
    CheckConstraint("role IN ('support', 'admin', 'auditor')", name="role_known"),
    Index("uq_operators_os_user", "os_user", unique=True),
    Index("uq_operators_db_login", "db_login", unique=True),
    Index("uq_operators_name", text("lower(name::text)"), unique=True),
    Index("uq_operators_email", text("lower(email::text)"), unique=True),
)

operator_password = Table(
    "operator_password",
    metadata,
    Column("operator_id", BigInteger, ForeignKey("operators.id"), primary_key=True, autoincrement=False),
    # Argon2id with its parameters and salt
    Column("hash", String(300), nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    # somebody else chose it
    Column("must_change", Boolean, nullable=False, server_default="false"),
)

auth_session = Table(
    "auth_session",
    metadata,
    Column("id", Uuid(as_uuid=False), primary_key=True, server_default=func.gen_random_uuid()),
    Column("operator_id", BigInteger, ForeignKey("operators.id"), nullable=False),
    Column("kind", String(20), nullable=False),
    # SHA-256 of the token; a session of a database login has none
    Column("token", LargeBinary),
    Column("workstation", String(200), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("last_seen_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("revoked_at", DateTime(timezone=True)),
    CheckConstraint("kind IN ('password', 'login')", name="kind_known"),
    CheckConstraint("(kind = 'password') = (token IS NOT NULL)", name="token_given"),
    CheckConstraint("expires_at <= created_at + interval '1 day'", name="life_limited"),
    Index("uq_auth_session_token", "token", unique=True),
    Index("idx_auth_session_operator", "operator_id"),
)

sign_in_failure = Table(
    "sign_in_failure",
    metadata,
    # what is counted: an account, a workstation; names are kept as hashes, people type passwords in the wrong field
    Column("key", String(100), primary_key=True),
    Column("failures", Integer, nullable=False, server_default="0"),
    # attempts since the last one that was looked at
    Column("refused", Integer, nullable=False, server_default="0"),
    Column("last_failed_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("wait_until", DateTime(timezone=True)),
)
