"""SQL shape of containers: which conversation's words are kept apart from all others, and what signs an open scope."""

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
    UniqueConstraint,
    Uuid,
    func,
    text,
)

from backend_core.db.schema import metadata

# ``id`` never leaves the database layer: it is short enough to guess, and counts containers.
containers = Table(
    "containers",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("public_id", Uuid, nullable=False, server_default=func.gen_random_uuid()),
    Column("kind", String(10), nullable=False),
    # kept by a trigger from the columns below and the contact's phone
    Column("tag", String(320), nullable=False),
    Column("user_id", Uuid, ForeignKey("contacts.id")),
    Column("persona_id", String(40), ForeignKey("personas.id")),
    Column("chat_guid", String(255)),
    Column("conversation_id", Uuid, ForeignKey("conversations.id"), nullable=False),
    Column("synthetic", Boolean, nullable=False, server_default=text("false")),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    CheckConstraint(
        "kind = 'direct' AND user_id IS NOT NULL AND persona_id IS NOT NULL AND chat_guid IS NULL"
        " OR kind = 'group' AND user_id IS NULL AND persona_id IS NULL AND chat_guid IS NOT NULL",
        name="direct_or_group",
    ),
    CheckConstraint(
        r"kind = 'direct' AND tag ~ '^user_\+[1-9][0-9]{6,14}_persona_[a-z0-9][a-z0-9-]*$'"
        " OR kind = 'group' AND tag = 'group_' || chat_guid",
        name="tag_grammar",
    ),
    UniqueConstraint("public_id"),
    UniqueConstraint("tag"),
    UniqueConstraint("conversation_id"),
    # what foreign keys of the tables in a container refer to
    UniqueConstraint("id", "conversation_id"),
    UniqueConstraint("id", "user_id", "persona_id"),
    Index("idx_container_contact", "user_id", postgresql_where=text("user_id IS NOT NULL")),
    Index("idx_container_persona", "persona_id", postgresql_where=text("persona_id IS NOT NULL")),
    Index("uq_containers_direct", "user_id", "persona_id", unique=True, postgresql_where=text("kind = 'direct'")),
    Index("uq_containers_group", "chat_guid", unique=True, postgresql_where=text("kind = 'group'")),
)

# One row; nobody but the owner's own functions reads it.
scope_key = Table(
    "scope_key",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("key", LargeBinary, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
)

# The last audit row written by ``enter_scope`` in the server process with this number; lost in a crash, as those processes are.
scope_writer = Table(
    "scope_writer",
    metadata,
    Column("pid", Integer, primary_key=True, autoincrement=False),
    Column("writer", String(80), nullable=False),
    Column("wseq", BigInteger, nullable=False),
    Column("leaf", LargeBinary, nullable=False),
    prefixes=["UNLOGGED"],
)

# What the live guard saw; never content.
privacy_incidents = Table(
    "privacy_incidents",
    metadata,
    Column("id", Uuid, primary_key=True, server_default=func.gen_random_uuid()),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("kind", String(40), nullable=False),
    Column("actor", String(200), nullable=False),
    Column("workstation", String(200), nullable=False),
    Column("detail", String(300), nullable=False),
    Column("correlation_id", String(40), nullable=False),
    CheckConstraint("kind IN ('no_scope', 'scope_refused', 'foreign_write', 'wrong_conversation')", name="kind_known"),
    Index("idx_privacy_incident_at", "at"),
)
