"""SQL shape of people and talk; every table with ``container_id`` is closed by row security outside a scope of that container."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
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

PHOTO_OPEN = "status IN ('pending', 'processing')"

contacts = Table(
    "contacts",
    metadata,
    Column("id", Uuid, primary_key=True, server_default=func.gen_random_uuid()),
    Column("phone", String(16)),
    Column("display_name", String(200), nullable=False),
    Column("email", String(320)),
    Column("language", String(16)),
    Column("synthetic", Boolean, nullable=False, server_default=text("false")),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("disabled_at", DateTime(timezone=True)),
    Column("deletion_requested_at", DateTime(timezone=True)),
    Column("erased_at", DateTime(timezone=True)),
    Column("version", Integer, nullable=False, server_default="1"),
    CheckConstraint(r"phone ~ '^\+[1-9][0-9]{6,14}$'", name="phone_e164"),
    UniqueConstraint("phone"),
    Index("idx_contact_email", text("lower(email::text)")),
    Index("idx_contact_name", text("lower(display_name::text)")),
)

personas = Table(
    "personas",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("name", String(80), nullable=False),
    Column("version", Integer, nullable=False, server_default="1"),
    Column("passport", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    Column("enabled", Boolean, nullable=False, server_default=text("true")),
    Column("synthetic", Boolean, nullable=False, server_default=text("false")),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    # no underscore, so that a tag can be read in one way only
    CheckConstraint("id ~ '^[a-z0-9][a-z0-9-]*$'", name="id_slug"),
)

persona_passports = Table(
    "persona_passports",
    metadata,
    Column("persona_id", String(40), ForeignKey("personas.id", ondelete="CASCADE"), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("passport", JSONB, nullable=False),
    Column("changed_by", String(200), nullable=False),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)

conversations = Table(
    "conversations",
    metadata,
    Column("id", Uuid, primary_key=True, server_default=func.gen_random_uuid()),
    Column("kind", String(10), nullable=False),
    # who answers in it; of a direct one also its other side
    Column("persona_id", String(40), ForeignKey("personas.id")),
    Column("user_id", Uuid, ForeignKey("contacts.id")),
    Column("title", String(200)),
    Column("synthetic", Boolean, nullable=False, server_default=text("false")),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    CheckConstraint("kind IN ('direct', 'group') AND (kind = 'direct') = (user_id IS NOT NULL)", name="direct_or_group"),
    Index("idx_conversation_user", "user_id"),
    Index("idx_conversation_persona", "persona_id"),
)

memberships = Table(
    "memberships",
    metadata,
    Column("id", Uuid, primary_key=True, server_default=func.gen_random_uuid()),
    Column("conversation_id", Uuid, ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False),
    Column("user_id", Uuid, ForeignKey("contacts.id"), nullable=False),
    Column("role", String(20), nullable=False, server_default="member"),
    Column("joined_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("left_at", DateTime(timezone=True)),
    CheckConstraint("role IN ('member', 'owner')", name="role_known"),
    Index("uq_membership_live", "conversation_id", "user_id", unique=True, postgresql_where=text("left_at IS NULL")),
    Index("idx_membership_conversation", "conversation_id"),
    Index("idx_membership_contact", "user_id"),
    Index(
        "idx_membership_user",
        "user_id",
        "conversation_id",
        postgresql_where=text("left_at IS NULL"),
        info={"number": 10, "purpose": "the conversations a contact is in now"},
    ),
)


def _in_conversation() -> ForeignKeyConstraint:
    # both columns, so that a row can neither point into another container nor disagree with its conversation
    return ForeignKeyConstraint(["container_id", "conversation_id"], ["containers.id", "containers.conversation_id"], ondelete="CASCADE")


messages = Table(
    "messages",
    metadata,
    Column("container_id", Integer, primary_key=True, autoincrement=False),
    Column("id", Uuid, primary_key=True, server_default=func.gen_random_uuid()),
    Column("conversation_id", Uuid, nullable=False),
    # the phone of a contact, or ``persona:`` and its id
    Column("sender", String(80), nullable=False),
    Column("user_id", Uuid, ForeignKey("contacts.id")),
    Column("direction", String(3), nullable=False),
    Column("body", Text, nullable=False),
    Column("timestamp", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("external_id", String(200)),
    Column("reply_to_photo", Uuid),
    Column("correlation_id", String(40), nullable=False),
    Column("forgotten_at", DateTime(timezone=True)),
    Column("purge_after", DateTime(timezone=True)),
    CheckConstraint("direction IN ('in', 'out')", name="direction_known"),
    UniqueConstraint("container_id", "external_id"),
    _in_conversation(),
    Index("idx_message_sender", "sender", info={"number": 1, "purpose": "what one sender wrote, across conversations"}),
    Index(
        "idx_message_conversation_timestamp",
        "conversation_id",
        text("timestamp DESC"),
        info={"number": 2, "purpose": "the newest messages of a conversation"},
    ),
    Index("idx_message_purge", "purge_after", postgresql_where=text("purge_after IS NOT NULL")),
    Index("idx_message_user", "user_id"),
)

photos = Table(
    "photos",
    metadata,
    Column("container_id", Integer, primary_key=True, autoincrement=False),
    Column("id", Uuid, primary_key=True, server_default=func.gen_random_uuid()),
    Column("conversation_id", Uuid, nullable=False),
    Column("sender", String(80), nullable=False),
    Column("user_id", Uuid, ForeignKey("contacts.id")),
    Column("attachment_guid", String(200), nullable=False),
    Column("object_id", BigInteger, ForeignKey("objects.id")),
    Column("status", String(12), nullable=False, server_default="pending"),
    Column("caption", Text),
    Column("content_type", String(80)),
    Column("size_bytes", BigInteger),
    Column("width", Integer),
    Column("height", Integer),
    Column("summary", Text),
    Column("recognised_text", Text),
    Column("error_code", String(40)),
    Column("error", String(300)),
    Column("correlation_id", String(40), nullable=False),
    Column("received_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("ready_at", DateTime(timezone=True)),
    # how many messages referred to it while it was being looked at, and how many of those got an answer afterwards
    Column("asked_early", Integer, nullable=False, server_default="0"),
    Column("answered_late", Integer, nullable=False, server_default="0"),
    Column("forgotten_at", DateTime(timezone=True)),
    Column("purge_after", DateTime(timezone=True)),
    CheckConstraint("status IN ('deferred', 'pending', 'processing', 'ready', 'failed')", name="status_known"),
    _in_conversation(),
    Index(
        "uq_photo_attachment",
        "container_id",
        "attachment_guid",
        unique=True,
        info={"number": 14, "purpose": "a photo that arrives twice is kept once"},
    ),
    Index(
        "idx_photo_conversation_open",
        "conversation_id",
        text("received_at DESC"),
        postgresql_where=text(PHOTO_OPEN),
        info={"number": 13, "purpose": "photos of a conversation that still have to be looked at"},
    ),
    Index("idx_photo_purge", "purge_after", postgresql_where=text("purge_after IS NOT NULL")),
    Index("idx_photo_object", "object_id"),
    Index("idx_photo_user", "user_id"),
)

reminders = Table(
    "reminders",
    metadata,
    Column("container_id", Integer, primary_key=True, autoincrement=False),
    Column("id", Uuid, primary_key=True, server_default=func.gen_random_uuid()),
    Column("conversation_id", Uuid, nullable=False),
    Column("user_id", Uuid, ForeignKey("contacts.id")),
    Column("text", Text, nullable=False),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("rule", String(100)),
    Column("source_message_id", Uuid),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("sent_at", DateTime(timezone=True)),
    Column("cancelled_at", DateTime(timezone=True)),
    Column("forgotten_at", DateTime(timezone=True)),
    Column("purge_after", DateTime(timezone=True)),
    _in_conversation(),
    Index(
        "idx_reminder_due",
        "due_at",
        postgresql_where=text("sent_at IS NULL"),
        info={"number": 15, "purpose": "reminders that are due and not sent"},
    ),
    Index("idx_reminder_purge", "purge_after", postgresql_where=text("purge_after IS NOT NULL")),
    Index("idx_reminder_user", "user_id"),
)

relationship_state = Table(
    "relationship_state",
    metadata,
    Column("container_id", Integer, primary_key=True, autoincrement=False),
    Column("user_id", Uuid, nullable=False),
    Column("persona_id", String(40), nullable=False),
    Column("trust", Integer, nullable=False, server_default="0"),
    Column("rapport", Integer, nullable=False, server_default="0"),
    Column("stage", String(20), nullable=False, server_default="stranger"),
    Column("messages", Integer, nullable=False, server_default="0"),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    CheckConstraint("trust BETWEEN 0 AND 100 AND rapport BETWEEN 0 AND 100", name="within_bounds"),
    CheckConstraint("stage IN ('stranger', 'acquaintance', 'friend', 'best_friend')", name="stage_known"),
    ForeignKeyConstraint(
        ["container_id", "user_id", "persona_id"], ["containers.id", "containers.user_id", "containers.persona_id"], ondelete="CASCADE"
    ),
    # one container belongs to one pair, so the primary key already makes a pair unique
    Index(
        "idx_relationship_state_user_persona",
        "user_id",
        "persona_id",
        info={"number": 3, "purpose": "how a contact and a persona stand to each other"},
    ),
)
