"""SQL shape of memory; every table with ``container_id`` is closed by row security outside a scope of that container."""

from __future__ import annotations

from sqlalchemy import (
    REAL,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from backend_core.db.schema import metadata

TYPES = ("factual", "emotional", "preference", "relationship", "inside_joke", "deadline", "trip", "future_event")


def _container() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["container_id"], ["containers.id"], ondelete="CASCADE")


def _memory() -> ForeignKeyConstraint:
    # with the container, so that nobody learns whether a memory exists elsewhere by pointing at it
    return ForeignKeyConstraint(["container_id", "memory_id"], ["memories.container_id", "memories.id"], ondelete="CASCADE")


memories = Table(
    "memories",
    metadata,
    Column("container_id", Integer, primary_key=True, autoincrement=False),
    Column("id", Uuid, primary_key=True, server_default=func.gen_random_uuid()),
    # place in the order things were said in this container; neighbours in it lend each other relevance
    Column("turn", Integer, nullable=False),
    Column("type", String(20), nullable=False, server_default="factual"),
    Column("text", Text, nullable=False),
    Column("speaker", String(200)),
    Column("salience", REAL, nullable=False, server_default="0.5"),
    Column("confidence", REAL, nullable=False, server_default="1"),
    Column("tone", String(40)),
    Column("topic", String(200)),
    # the message it comes from, if that is kept
    Column("source_message_id", Uuid),
    Column("content_hash", LargeBinary, nullable=False),
    Column("tokens", Integer, nullable=False, server_default="0"),
    Column("said_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("event_at", DateTime(timezone=True)),
    Column("expires_at", DateTime(timezone=True)),
    # the newer memory of this container that contradicts it
    Column("conflicts_with", Uuid),
    Column("version", Integer, nullable=False, server_default="1"),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("forgotten_at", DateTime(timezone=True)),
    Column("purge_after", DateTime(timezone=True)),
    CheckConstraint(
        "type IN ('factual', 'emotional', 'preference', 'relationship', 'inside_joke', 'deadline', 'trip', 'future_event')",
        name="type_known",
    ),
    CheckConstraint("salience BETWEEN 0 AND 1 AND confidence BETWEEN 0 AND 1", name="within_bounds"),
    _container(),
    UniqueConstraint("container_id", "turn"),
    Index(
        "idx_memory_container_live",
        "container_id",
        text("created_at DESC"),
        postgresql_where=text("forgotten_at IS NULL"),
        info={"number": 6, "purpose": "the newest memories of a container that are not forgotten"},
    ),
    Index(
        "idx_memory_purge",
        "purge_after",
        postgresql_where=text("purge_after IS NOT NULL"),
        info={"number": 7, "purpose": "forgotten memories whose time to be removed has come"},
    ),
    Index("idx_memory_expiry", "expires_at", postgresql_where=text("expires_at IS NOT NULL")),
    Index("idx_memory_content", "container_id", "content_hash"),
    Index("idx_memory_source", "container_id", "source_message_id", postgresql_where=text("source_message_id IS NOT NULL")),
)

# Which words stand in which memory; without row-level statistics the server could not search inside one container quickly.
postings = Table(
    "postings",
    metadata,
    Column("container_id", Integer, nullable=False),
    Column("memory_id", Uuid, nullable=False),
    Column("term", String(80), nullable=False),
    Column("tf", SmallInteger, nullable=False),
    Column("turn", Integer, nullable=False),
    Column("tokens", Integer, nullable=False),
    _memory(),
    # one turn is one memory; a search reads this index only
    Index(
        "idx_posting_term",
        "container_id",
        "term",
        "turn",
        unique=True,
        postgresql_include=["tf", "tokens"],
        info={"number": 8, "purpose": "memories of a container that hold a word, with how often"},
    ),
    Index("idx_posting_memory", "container_id", "memory_id"),
)

container_stats = Table(
    "container_stats",
    metadata,
    Column("container_id", Integer, primary_key=True, autoincrement=False),
    Column("memories", Integer, nullable=False, server_default="0"),
    Column("tokens", BigInteger, nullable=False, server_default="0"),
    Column("next_turn", Integer, nullable=False, server_default="1"),
    _container(),
)

memory_history = Table(
    "memory_history",
    metadata,
    Column("container_id", Integer, primary_key=True, autoincrement=False),
    Column("memory_id", Uuid, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("text", Text, nullable=False),
    Column("type", String(20), nullable=False),
    Column("changed_by", String(200), nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("reason", String(500)),
    _memory(),
)

# One byte per dimension and one scale: exact search inside a container reads them all.
memory_vectors = Table(
    "memory_vectors",
    metadata,
    Column("container_id", Integer, primary_key=True, autoincrement=False),
    Column("memory_id", Uuid, primary_key=True),
    Column("model", String(80), primary_key=True),
    Column("turn", Integer, nullable=False),
    Column("scale", REAL, nullable=False),
    Column("embedding", LargeBinary, nullable=False),
    _memory(),
)

boundaries = Table(
    "boundaries",
    metadata,
    Column("container_id", Integer, primary_key=True, autoincrement=False),
    Column("id", Uuid, primary_key=True, server_default=func.gen_random_uuid()),
    Column("kind", String(10), nullable=False),
    Column("topic", String(200), nullable=False),
    # the words of the topic as search compares them, in order, so that two ways to write it are one
    Column("topic_key", String(200), nullable=False),
    Column("set_by", String(200), nullable=False),
    Column("source_message_id", Uuid),
    Column("active", Boolean, nullable=False, server_default=text("true")),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("lifted_at", DateTime(timezone=True)),
    CheckConstraint("kind IN ('forget', 'hide', 'never')", name="kind_known"),
    CheckConstraint("active = (lifted_at IS NULL)", name="lifted_or_active"),
    _container(),
    Index(
        "idx_boundary_container",
        "container_id",
        "topic_key",
        postgresql_where=text("active"),
        info={"number": 9, "purpose": "boundaries that are in force in a container"},
    ),
)

# One request to forget, while it can be taken back and until what it named is purged.
erasures = Table(
    "erasures",
    metadata,
    Column("container_id", Integer, primary_key=True, autoincrement=False),
    Column("id", Uuid, primary_key=True, server_default=func.gen_random_uuid()),
    Column("asked_by", String(200), nullable=False),
    Column("asked_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("hard", Boolean, nullable=False, server_default=text("false")),
    Column("purge_after", DateTime(timezone=True)),
    Column("restored_at", DateTime(timezone=True)),
    Column("purged_at", DateTime(timezone=True)),
    Column("items", JSONB, nullable=False),
    Column("counts", JSONB, nullable=False),
    Column("receipt_id", Uuid),
    _container(),
    Index("idx_erasure_due", "purge_after", postgresql_where=text("purged_at IS NULL AND restored_at IS NULL AND purge_after IS NOT NULL")),
)

# Signed proofs that something was erased: no text, no name, and of the container only a salted hash.
erasure_receipts = Table(
    "erasure_receipts",
    metadata,
    Column("id", Uuid, primary_key=True, server_default=func.gen_random_uuid()),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("kind", String(20), nullable=False),
    Column("document", Text, nullable=False),
    Column("key_id", String(80), nullable=False),
    Column("signature", LargeBinary, nullable=False),
    CheckConstraint("kind IN ('memory', 'person')", name="kind_known"),
    Index("idx_erasure_receipt_at", "at"),
)

person_erasures = Table(
    "person_erasures",
    metadata,
    Column("id", Uuid, primary_key=True, server_default=func.gen_random_uuid()),
    Column("user_id", Uuid, ForeignKey("contacts.id"), nullable=False),
    Column("asked_by", String(200), nullable=False),
    Column("asked_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("reason", String(500), nullable=False),
    Column("due_at", DateTime(timezone=True), nullable=False),
    # it goes container by container: from here on it cannot be cancelled, and the counts add up
    Column("begun_at", DateTime(timezone=True)),
    Column("counts", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    Column("cancelled_at", DateTime(timezone=True)),
    Column("done_at", DateTime(timezone=True)),
    Column("receipt_id", Uuid),
    Index("idx_person_erasure_user", "user_id"),
    Index("uq_person_erasure_open", "user_id", unique=True, postgresql_where=text("cancelled_at IS NULL AND done_at IS NULL")),
    Index("idx_person_erasure_due", "due_at", postgresql_where=text("cancelled_at IS NULL AND done_at IS NULL")),
)
