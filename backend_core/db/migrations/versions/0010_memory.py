"""Memory: what is remembered, its search, its history, its boundaries, and what proves that it was forgotten."""

from __future__ import annotations

from typing import Final

from alembic import op

from backend_core.db.migrations.closed import close_table

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

TABLES: Final = (
    """
    CREATE TABLE memories (
        container_id INTEGER NOT NULL,
        id UUID DEFAULT gen_random_uuid() NOT NULL,
        turn INTEGER NOT NULL,
        type VARCHAR(20) DEFAULT 'factual' NOT NULL,
        text TEXT NOT NULL,
        speaker VARCHAR(200),
        salience REAL DEFAULT '0.5' NOT NULL,
        confidence REAL DEFAULT '1' NOT NULL,
        tone VARCHAR(40),
        topic VARCHAR(200),
        source_message_id UUID,
        content_hash BYTEA NOT NULL,
        tokens INTEGER DEFAULT '0' NOT NULL,
        said_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        event_at TIMESTAMP WITH TIME ZONE,
        expires_at TIMESTAMP WITH TIME ZONE,
        conflicts_with UUID,
        version INTEGER DEFAULT '1' NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        forgotten_at TIMESTAMP WITH TIME ZONE,
        purge_after TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_memories PRIMARY KEY (container_id, id),
        CONSTRAINT ck_memories_type_known
            CHECK (type IN ('factual', 'emotional', 'preference', 'relationship', 'inside_joke', 'deadline', 'trip', 'future_event')),
        CONSTRAINT ck_memories_within_bounds CHECK (salience BETWEEN 0 AND 1 AND confidence BETWEEN 0 AND 1),
        CONSTRAINT fk_memories_container_id_containers FOREIGN KEY(container_id) REFERENCES containers (id) ON DELETE CASCADE,
        CONSTRAINT uq_memories_container_id_turn UNIQUE (container_id, turn)
    )
    """,
    "CREATE INDEX idx_memory_container_live ON memories (container_id, created_at DESC) WHERE forgotten_at IS NULL",
    "CREATE INDEX idx_memory_content ON memories (container_id, content_hash)",
    "CREATE INDEX idx_memory_purge ON memories (purge_after) WHERE purge_after IS NOT NULL",
    "CREATE INDEX idx_memory_source ON memories (container_id, source_message_id) WHERE source_message_id IS NOT NULL",
    """
    CREATE TABLE postings (
        container_id INTEGER NOT NULL,
        memory_id UUID NOT NULL,
        term VARCHAR(80) NOT NULL,
        tf SMALLINT NOT NULL,
        turn INTEGER NOT NULL,
        tokens INTEGER NOT NULL,
        CONSTRAINT fk_postings_container_id_memory_id_memories FOREIGN KEY(container_id, memory_id)
            REFERENCES memories (container_id, id) ON DELETE CASCADE
    )
    """,
    "CREATE INDEX idx_posting_memory ON postings (container_id, memory_id)",
    "CREATE UNIQUE INDEX idx_posting_term ON postings (container_id, term, turn) INCLUDE (tf, tokens)",
    """
    CREATE TABLE container_stats (
        container_id INTEGER NOT NULL,
        memories INTEGER DEFAULT '0' NOT NULL,
        tokens BIGINT DEFAULT '0' NOT NULL,
        next_turn INTEGER DEFAULT '1' NOT NULL,
        CONSTRAINT pk_container_stats PRIMARY KEY (container_id),
        CONSTRAINT fk_container_stats_container_id_containers FOREIGN KEY(container_id) REFERENCES containers (id) ON DELETE CASCADE
    )
    """,
    """
    CREATE TABLE memory_history (
        container_id INTEGER NOT NULL,
        memory_id UUID NOT NULL,
        version INTEGER NOT NULL,
        text TEXT NOT NULL,
        type VARCHAR(20) NOT NULL,
        changed_by VARCHAR(200) NOT NULL,
        changed_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        reason VARCHAR(500),
        CONSTRAINT pk_memory_history PRIMARY KEY (container_id, memory_id, version),
        CONSTRAINT fk_memory_history_container_id_memory_id_memories FOREIGN KEY(container_id, memory_id)
            REFERENCES memories (container_id, id) ON DELETE CASCADE
    )
    """,
    """
    CREATE TABLE memory_vectors (
        container_id INTEGER NOT NULL,
        memory_id UUID NOT NULL,
        model VARCHAR(80) NOT NULL,
        turn INTEGER NOT NULL,
        scale REAL NOT NULL,
        embedding BYTEA NOT NULL,
        CONSTRAINT pk_memory_vectors PRIMARY KEY (container_id, memory_id, model),
        CONSTRAINT fk_memory_vectors_container_id_memory_id_memories FOREIGN KEY(container_id, memory_id)
            REFERENCES memories (container_id, id) ON DELETE CASCADE
    )
    """,
    """
    CREATE TABLE boundaries (
        container_id INTEGER NOT NULL,
        id UUID DEFAULT gen_random_uuid() NOT NULL,
        kind VARCHAR(10) NOT NULL,
        topic VARCHAR(200) NOT NULL,
        topic_key VARCHAR(200) NOT NULL,
        set_by VARCHAR(200) NOT NULL,
        source_message_id UUID,
        active BOOLEAN DEFAULT true NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        lifted_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_boundaries PRIMARY KEY (container_id, id),
        CONSTRAINT ck_boundaries_kind_known CHECK (kind IN ('forget', 'hide', 'never')),
        CONSTRAINT ck_boundaries_lifted_or_active CHECK (active = (lifted_at IS NULL)),
        CONSTRAINT fk_boundaries_container_id_containers FOREIGN KEY(container_id) REFERENCES containers (id) ON DELETE CASCADE
    )
    """,
    "CREATE INDEX idx_boundary_container ON boundaries (container_id, topic_key) WHERE active",
    """
    CREATE TABLE erasures (
        container_id INTEGER NOT NULL,
        id UUID DEFAULT gen_random_uuid() NOT NULL,
        asked_by VARCHAR(200) NOT NULL,
        asked_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        hard BOOLEAN DEFAULT false NOT NULL,
        purge_after TIMESTAMP WITH TIME ZONE,
        restored_at TIMESTAMP WITH TIME ZONE,
        purged_at TIMESTAMP WITH TIME ZONE,
        items JSONB NOT NULL,
        counts JSONB NOT NULL,
        receipt_id UUID,
        CONSTRAINT pk_erasures PRIMARY KEY (container_id, id),
        CONSTRAINT fk_erasures_container_id_containers FOREIGN KEY(container_id) REFERENCES containers (id) ON DELETE CASCADE
    )
    """,
    """
    CREATE INDEX idx_erasure_due ON erasures (purge_after) WHERE purged_at IS NULL AND restored_at IS NULL AND purge_after IS NOT NULL
    """,
    """
    CREATE TABLE erasure_receipts (
        id UUID DEFAULT gen_random_uuid() NOT NULL,
        at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        kind VARCHAR(20) NOT NULL,
        document TEXT NOT NULL,
        key_id VARCHAR(80) NOT NULL,
        signature BYTEA NOT NULL,
        CONSTRAINT pk_erasure_receipts PRIMARY KEY (id),
        CONSTRAINT ck_erasure_receipts_kind_known CHECK (kind IN ('memory', 'person'))
    )
    """,
    "CREATE INDEX idx_erasure_receipt_at ON erasure_receipts (at)",
    """
    CREATE TABLE person_erasures (
        id UUID DEFAULT gen_random_uuid() NOT NULL,
        user_id UUID NOT NULL,
        asked_by VARCHAR(200) NOT NULL,
        asked_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        reason VARCHAR(500) NOT NULL,
        due_at TIMESTAMP WITH TIME ZONE NOT NULL,
        begun_at TIMESTAMP WITH TIME ZONE,
        counts JSONB DEFAULT '{}'::jsonb NOT NULL,
        cancelled_at TIMESTAMP WITH TIME ZONE,
        done_at TIMESTAMP WITH TIME ZONE,
        receipt_id UUID,
        CONSTRAINT pk_person_erasures PRIMARY KEY (id),
        CONSTRAINT fk_person_erasures_user_id_contacts FOREIGN KEY(user_id) REFERENCES contacts (id)
    )
    """,
    "CREATE INDEX idx_person_erasure_due ON person_erasures (due_at) WHERE cancelled_at IS NULL AND done_at IS NULL",
    "CREATE UNIQUE INDEX uq_person_erasure_open ON person_erasures (user_id) WHERE cancelled_at IS NULL AND done_at IS NULL",
)

CLOSED: Final = {
    "memories": "container_id, id, type, source_message_id, expires_at, version, created_at, updated_at, forgotten_at, purge_after",
    "postings": "",
    "container_stats": "container_id, memories, tokens",
    "memory_history": "",
    "memory_vectors": "",
    "boundaries": "container_id, id, kind, active, created_at, lifted_at",
    "erasures": "container_id, id, asked_by, asked_at, hard, purge_after, restored_at, purged_at, counts, receipt_id",
}


def upgrade() -> None:
    """Add the tables and close them."""
    for statement in TABLES:
        op.execute(statement)
    for table, columns in CLOSED.items():
        close_table(table, metadata=columns)
    op.execute("REVOKE UPDATE, DELETE, TRUNCATE ON erasure_receipts FROM lectern_app")
    op.execute("GRANT INSERT ON erasure_receipts TO lectern_support, lectern_administrator")
    op.execute("GRANT SELECT ON erasure_receipts TO lectern_support, lectern_administrator, lectern_auditor")
    op.execute("GRANT SELECT ON person_erasures TO lectern_support, lectern_administrator, lectern_auditor")
    op.execute("GRANT INSERT, UPDATE (begun_at, counts, cancelled_at, done_at, receipt_id) ON person_erasures TO lectern_administrator")


def downgrade() -> None:
    """Take everything away again."""
    for table in ("person_erasures", "erasure_receipts", *reversed(CLOSED)):
        op.drop_table(table)
