"""SQL shape of documents, pages and audio."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Float,
    ForeignKey,
    Identity,
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

from backend_core.access.tables import operators
from backend_core.db.schema import metadata
from backend_core.storage.tables import objects

documents = Table(
    "documents",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("owner_id", BigInteger, ForeignKey(operators.c.id), nullable=False),
    Column("title", String(255), nullable=False),
    Column("filename", String(255), nullable=False),
    Column("kind", String(10), nullable=False),
    Column("status", String(20), nullable=False),
    Column("error_code", String(40)),
    Column("error", String(500)),
    Column("correlation_id", String(40), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("object_id", BigInteger, ForeignKey(objects.c.id), nullable=False),
    # the contact it is kept for
    Column("on_behalf_of", Uuid, ForeignKey("contacts.id")),
    Column("language", String(20)),
    Column("page_count", Integer, nullable=False, server_default="0"),
    Column("characters", BigInteger, nullable=False, server_default="0"),
    Column("version", Integer, nullable=False, server_default="1"),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("deleted_at", DateTime(timezone=True)),
    CheckConstraint("status IN ('PENDING', 'PROCESSING', 'COMPLETED', 'FAILED')", name="status_known"),
    CheckConstraint("kind IN ('pdf', 'docx', 'md', 'txt')", name="kind_known"),
    CheckConstraint("length(title) > 0", name="title_given"),
    Index("idx_document_live", text("id DESC"), postgresql_where=text("deleted_at IS NULL")),
    Index("idx_document_owner", "owner_id", text("created_at DESC"), postgresql_where=text("deleted_at IS NULL")),
    Index("idx_document_on_behalf", "on_behalf_of", postgresql_where=text("on_behalf_of IS NOT NULL")),
    # what foreign keys look up when the row they refer to goes
    Index("idx_document_owner_any", "owner_id"),
    Index("idx_document_object", "object_id"),
    Index("idx_document_deleted", "deleted_at", postgresql_where=text("deleted_at IS NOT NULL")),
)

document_pages = Table(
    "document_pages",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("document_id", BigInteger, ForeignKey(documents.c.id, ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("text", Text, nullable=False),
    # [[start, end, reason], ...]: character ranges that are shown but not spoken
    Column("skips", JSONB, nullable=False, server_default=text("'[]'::jsonb")),
    Column("revision", Integer, nullable=False, server_default="1"),
    CheckConstraint("number > 0", name="number_positive"),
    UniqueConstraint("document_id", "number"),
)

audios = Table(
    "audios",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("document_id", BigInteger, ForeignKey(documents.c.id, ondelete="CASCADE"), nullable=False),
    Column("page_id", BigInteger, ForeignKey(document_pages.c.id, ondelete="CASCADE"), nullable=False),
    Column("page_revision", Integer, nullable=False),
    Column("voice", String(80), nullable=False),
    Column("rate", SmallInteger, nullable=False),
    Column("pitch", SmallInteger, nullable=False),
    Column("status", String(20), nullable=False),
    Column("lifetime", String(20), nullable=False),
    Column("error_code", String(40)),
    Column("error", String(500)),
    Column("correlation_id", String(40), nullable=False),
    Column("job_id", BigInteger),
    # counts claims, so that a worker that was thought dead cannot finish what another took over
    Column("fence", Integer, nullable=False, server_default="0"),
    Column("object_id", BigInteger, ForeignKey(objects.c.id)),
    Column("seconds", Float),
    Column("sample_rate", Integer),
    Column("encoder_delay", Integer),
    Column("pcm_sha256", String(64)),
    # [[start, end, start_ms, end_ms], ...] in characters of the page's text
    Column("marks", JSONB),
    Column("sentences", JSONB),
    Column("peaks", LargeBinary),
    Column("created_by", BigInteger, ForeignKey(operators.c.id), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("completed_at", DateTime(timezone=True)),
    Column("last_played_at", DateTime(timezone=True)),
    Column("expires_at", DateTime(timezone=True)),
    Column("deleted_at", DateTime(timezone=True)),
    CheckConstraint("status IN ('PENDING', 'GENERATING', 'COMPLETED', 'FAILED')", name="status_known"),
    CheckConstraint("lifetime IN ('ACTIVE', 'DELETED', 'EXPIRED')", name="lifetime_known"),
    CheckConstraint("status <> 'COMPLETED' OR lifetime <> 'ACTIVE' OR object_id IS NOT NULL", name="completed_has_object"),
    Index(
        "uq_audio_active_voice",
        "page_id",
        "voice",
        unique=True,
        postgresql_where=text("lifetime = 'ACTIVE'"),
        info={"number": 17, "purpose": "a page has one active audio per voice"},
    ),
    Index(
        "idx_audio_expiry",
        "expires_at",
        postgresql_where=text("lifetime = 'ACTIVE' AND status = 'COMPLETED'"),
        info={"number": 18, "purpose": "finished audio whose time is over"},
    ),
    Index("idx_audio_document", "document_id", postgresql_where=text("lifetime = 'ACTIVE'")),
    # what foreign keys look up when the row they refer to goes
    Index("idx_audio_document_any", "document_id"),
    Index("idx_audio_object", "object_id", postgresql_where=text("object_id IS NOT NULL")),
    Index("idx_audio_created_by", "created_by"),
    # every audio a page ever had, which its quota counts
    Index("idx_audio_page", "page_id"),
    Index("idx_audio_deleted", "deleted_at", postgresql_where=text("lifetime = 'DELETED'")),
)
