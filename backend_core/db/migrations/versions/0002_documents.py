"""Operators, audit log, stored objects, jobs, process reports, documents, pages and audio."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import UserDefinedType

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NOW = sa.text("now()")


class Xid8(UserDefinedType[int]):
    """PostgreSQL's 64-bit transaction id, as it was when this revision was written."""

    cache_ok = True

    def get_col_spec(self, **_kw: object) -> str:
        """Return the SQL name of the type."""
        return "xid8"


def upgrade() -> None:
    """Create the tables of documents and of what they stand on."""
    _access()
    _audit()
    _storage()
    _jobs()
    _monitoring()
    _documents()
    _pages()
    _audios()
    _rights()


def _access() -> None:
    op.create_table(
        "operators",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("os_user", sa.String(length=200), nullable=True),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("role IN ('support', 'admin', 'auditor')", name=op.f("ck_operators_role_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operators")),
    )
    op.create_index("uq_operators_os_user", "operators", ["os_user"], unique=True)


def _audit() -> None:
    op.create_table(
        "audit_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("xid", Xid8(), server_default=sa.text("pg_current_xact_id()"), nullable=False),
        sa.Column("writer", sa.String(length=80), nullable=False),
        sa.Column("wseq", sa.BigInteger(), nullable=True),
        sa.Column("leaf", sa.LargeBinary(), nullable=True),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("actor_id", sa.BigInteger(), nullable=True),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("action", sa.String(length=80), nullable=False),
        sa.Column("target", sa.String(length=200), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=True),
        sa.Column("before", JSONB(), nullable=True),
        sa.Column("after", JSONB(), nullable=True),
        sa.Column("workstation", sa.String(length=200), nullable=False),
        sa.Column("client_version", sa.String(length=40), nullable=False),
        sa.Column("correlation_id", sa.String(length=40), nullable=False),
        sa.CheckConstraint("outcome IN ('done', 'refused', 'failed')", name=op.f("ck_audit_event_outcome_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_event")),
    )
    op.create_index("idx_audit_action_at", "audit_event", ["action", "at"], unique=False)
    op.create_index("idx_audit_actor_at", "audit_event", ["actor", "at"], unique=False)
    op.create_index("idx_audit_correlation", "audit_event", ["correlation_id"], unique=False)
    op.create_index("idx_audit_target", "audit_event", ["target"], unique=False)


def _storage() -> None:
    op.create_table(
        "object_intents",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("store", sa.String(length=40), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_object_intents")),
    )
    op.create_index("idx_object_intent_key", "object_intents", ["store", "key"], unique=False)
    op.create_table(
        "objects",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("store", sa.String(length=40), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("content_type", sa.String(length=100), nullable=False),
        sa.Column("refs", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("refs >= 0", name=op.f("ck_objects_refs_counted")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_objects")),
        sa.UniqueConstraint("store", "key", name=op.f("uq_objects_store_key")),
    )
    op.create_index("idx_object_released", "objects", ["released_at"], unique=False, postgresql_where=sa.text("refs = 0"))


def _jobs() -> None:
    op.create_table(
        "job_failure",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("job_id", sa.BigInteger(), nullable=False),
        sa.Column("task", sa.String(length=80), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("error_code", sa.String(length=40), nullable=False),
        sa.Column("sentence", sa.String(length=500), nullable=False),
        sa.Column("detail", sa.String(length=4000), nullable=False),
        sa.Column("retry_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("correlation_id", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_failure")),
    )
    op.create_index("idx_job_failure_at", "job_failure", ["at"], unique=False)
    op.create_index("idx_job_failure_job", "job_failure", ["job_id"], unique=False)
    op.create_table(
        "job_run",
        sa.Column("job_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("task", sa.String(length=80), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("document_id", sa.BigInteger(), nullable=True),
        sa.Column("audio_id", sa.BigInteger(), nullable=True),
        sa.Column("actor_id", sa.BigInteger(), nullable=True),
        sa.Column("correlation_id", sa.String(length=40), nullable=False),
        sa.Column("done", sa.Integer(), server_default="0", nullable=False),
        sa.Column("total", sa.Integer(), server_default="0", nullable=False),
        sa.Column("note", sa.String(length=200), server_default="", nullable=False),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_job_run")),
    )
    op.create_index("idx_job_run_created", "job_run", ["created_at"], unique=False)
    op.create_index("idx_job_run_document", "job_run", ["document_id"], unique=False)


def _monitoring() -> None:
    op.create_table(
        "process_report",
        sa.Column("application", sa.String(length=63), nullable=False),
        sa.Column("host", sa.String(length=200), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("base", sa.Integer(), nullable=False),
        sa.Column("in_use", sa.Integer(), nullable=False),
        sa.Column("waiting", sa.Integer(), nullable=False),
        sa.Column("timeouts", sa.BigInteger(), nullable=False),
        sa.Column("wait_p50_ms", sa.Float(), nullable=True),
        sa.Column("wait_p95_ms", sa.Float(), nullable=True),
        sa.Column("wait_p99_ms", sa.Float(), nullable=True),
        sa.Column("longest_ms", sa.Float(), nullable=True),
        sa.Column("histogram", JSONB(), nullable=False),
        sa.Column("holders", JSONB(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.PrimaryKeyConstraint("application", name=op.f("pk_process_report")),
        prefixes=["UNLOGGED"],
    )


def _documents() -> None:
    op.create_table(
        "documents",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("title", sa.String(length=255), nullable=False),
        sa.Column("filename", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("error_code", sa.String(length=40), nullable=True),
        sa.Column("error", sa.String(length=500), nullable=True),
        sa.Column("correlation_id", sa.String(length=40), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("object_id", sa.BigInteger(), nullable=False),
        sa.Column("language", sa.String(length=20), nullable=True),
        sa.Column("page_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("characters", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('pdf', 'docx', 'md', 'txt')", name=op.f("ck_documents_kind_known")),
        sa.CheckConstraint("status IN ('PENDING', 'PROCESSING', 'COMPLETED', 'FAILED')", name=op.f("ck_documents_status_known")),
        sa.CheckConstraint("length(title) > 0", name=op.f("ck_documents_title_given")),
        sa.ForeignKeyConstraint(["object_id"], ["objects.id"], name=op.f("fk_documents_object_id_objects")),
        sa.ForeignKeyConstraint(["owner_id"], ["operators.id"], name=op.f("fk_documents_owner_id_operators")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_documents")),
    )
    op.create_index("idx_document_deleted", "documents", ["deleted_at"], unique=False, postgresql_where=sa.text("deleted_at IS NOT NULL"))
    op.create_index(
        "idx_document_live", "documents", [sa.literal_column("id DESC")], unique=False, postgresql_where=sa.text("deleted_at IS NULL")
    )
    op.create_index(
        "idx_document_owner",
        "documents",
        ["owner_id", sa.literal_column("created_at DESC")],
        unique=False,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )


def _pages() -> None:
    op.create_table(
        "document_pages",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("document_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("skips", JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False),
        sa.Column("revision", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("number > 0", name=op.f("ck_document_pages_number_positive")),
        sa.ForeignKeyConstraint(
            ["document_id"], ["documents.id"], name=op.f("fk_document_pages_document_id_documents"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document_pages")),
        sa.UniqueConstraint("document_id", "number", name=op.f("uq_document_pages_document_id_number")),
    )


def _audios() -> None:
    op.create_table(
        "audios",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("document_id", sa.BigInteger(), nullable=False),
        sa.Column("page_id", sa.BigInteger(), nullable=False),
        sa.Column("page_revision", sa.Integer(), nullable=False),
        sa.Column("voice", sa.String(length=80), nullable=False),
        sa.Column("rate", sa.SmallInteger(), nullable=False),
        sa.Column("pitch", sa.SmallInteger(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("lifetime", sa.String(length=20), nullable=False),
        sa.Column("error_code", sa.String(length=40), nullable=True),
        sa.Column("error", sa.String(length=500), nullable=True),
        sa.Column("correlation_id", sa.String(length=40), nullable=False),
        sa.Column("job_id", sa.BigInteger(), nullable=True),
        sa.Column("fence", sa.Integer(), server_default="0", nullable=False),
        sa.Column("object_id", sa.BigInteger(), nullable=True),
        sa.Column("seconds", sa.Float(), nullable=True),
        sa.Column("sample_rate", sa.Integer(), nullable=True),
        sa.Column("encoder_delay", sa.Integer(), nullable=True),
        sa.Column("pcm_sha256", sa.String(length=64), nullable=True),
        sa.Column("marks", JSONB(), nullable=True),
        sa.Column("sentences", JSONB(), nullable=True),
        sa.Column("peaks", sa.LargeBinary(), nullable=True),
        sa.Column("created_by", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_played_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("lifetime IN ('ACTIVE', 'DELETED', 'EXPIRED')", name=op.f("ck_audios_lifetime_known")),
        sa.CheckConstraint(
            "status <> 'COMPLETED' OR lifetime <> 'ACTIVE' OR object_id IS NOT NULL", name=op.f("ck_audios_completed_has_object")
        ),
        sa.CheckConstraint("status IN ('PENDING', 'GENERATING', 'COMPLETED', 'FAILED')", name=op.f("ck_audios_status_known")),
        sa.ForeignKeyConstraint(["created_by"], ["operators.id"], name=op.f("fk_audios_created_by_operators")),
        sa.ForeignKeyConstraint(["document_id"], ["documents.id"], name=op.f("fk_audios_document_id_documents"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["object_id"], ["objects.id"], name=op.f("fk_audios_object_id_objects")),
        sa.ForeignKeyConstraint(["page_id"], ["document_pages.id"], name=op.f("fk_audios_page_id_document_pages"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audios")),
    )
    op.create_index("idx_audio_deleted", "audios", ["deleted_at"], unique=False, postgresql_where=sa.text("lifetime = 'DELETED'"))
    op.create_index("idx_audio_document", "audios", ["document_id"], unique=False, postgresql_where=sa.text("lifetime = 'ACTIVE'"))
    op.create_index(
        "idx_audio_expiry", "audios", ["expires_at"], unique=False, postgresql_where=sa.text("lifetime = 'ACTIVE' AND status = 'COMPLETED'")
    )
    op.create_index("uq_audio_active_voice", "audios", ["page_id", "voice"], unique=True, postgresql_where=sa.text("lifetime = 'ACTIVE'"))


def _rights() -> None:
    # append-only twice over: the application lacks the right, and a trigger refuses whoever has it
    op.execute("REVOKE UPDATE, DELETE, TRUNCATE ON audit_event FROM lectern_app")
    op.execute("GRANT SELECT ON audit_event TO lectern_auditor")
    op.execute(
        """
        CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'the audit log can only be appended to' USING ERRCODE = 'insufficient_privilege';
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER audit_event_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_event"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()"
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON process_report TO lectern_monitor")
    op.execute("GRANT SELECT ON job_run, job_failure TO lectern_monitor")


def downgrade() -> None:
    """Drop them again, with everything in them."""
    tables = ("audios", "document_pages", "documents", "process_report", "job_failure", "job_run", "object_intents", "objects")
    for table in (*tables, "audit_event", "operators"):
        op.drop_table(table)
    op.execute("DROP FUNCTION refuse_audit_change()")
