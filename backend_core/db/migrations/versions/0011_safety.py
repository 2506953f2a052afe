"""Safety: what moderation found, which text may leave for which host, and what did."""

from __future__ import annotations

from typing import Final

from alembic import op

from backend_core.db.migrations.closed import close_table

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

TABLES: Final = (
    """
    CREATE TABLE safety_events (
        container_id INTEGER NOT NULL,
        id UUID DEFAULT gen_random_uuid() NOT NULL,
        message_id UUID,
        direction VARCHAR(6) NOT NULL,
        category VARCHAR(30) NOT NULL,
        score REAL,
        "limit" REAL,
        action VARCHAR(12) NOT NULL,
        provider VARCHAR(40) NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        reviewed_by VARCHAR(200),
        reviewed_at TIMESTAMP WITH TIME ZONE,
        verdict VARCHAR(12),
        note VARCHAR(500),
        CONSTRAINT pk_safety_events PRIMARY KEY (container_id, id),
        CONSTRAINT ck_safety_events_direction_known CHECK (direction IN ('input', 'output')),
        CONSTRAINT ck_safety_events_action_known CHECK (action IN ('allowed', 'blocked', 'crisis', 'unchecked')),
        CONSTRAINT ck_safety_events_verdict_known CHECK (verdict IN ('right', 'wrong', 'unclear')),
        CONSTRAINT ck_safety_events_verdict_dated CHECK ((reviewed_at IS NULL) = (verdict IS NULL)),
        CONSTRAINT fk_safety_events_container_id_containers FOREIGN KEY(container_id) REFERENCES containers (id) ON DELETE CASCADE
    )
    """,
    "CREATE INDEX idx_safety_open ON safety_events (created_at DESC) WHERE reviewed_at IS NULL",
    """
    CREATE TABLE egress_consent (
        id UUID DEFAULT gen_random_uuid() NOT NULL,
        purpose VARCHAR(40) NOT NULL,
        host VARCHAR(253) NOT NULL,
        given_by VARCHAR(200) NOT NULL,
        given_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        withdrawn_by VARCHAR(200),
        withdrawn_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_egress_consent PRIMARY KEY (id)
    )
    """,
    "CREATE UNIQUE INDEX uq_egress_consent_live ON egress_consent (purpose, host) WHERE withdrawn_at IS NULL",
    """
    CREATE TABLE egress_ledger (
        id UUID DEFAULT gen_random_uuid() NOT NULL,
        at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        purpose VARCHAR(40) NOT NULL,
        host VARCHAR(253) NOT NULL,
        bytes BIGINT NOT NULL,
        actor VARCHAR(200) NOT NULL,
        correlation_id VARCHAR(40) NOT NULL,
        CONSTRAINT pk_egress_ledger PRIMARY KEY (id)
    )
    """,
    "CREATE INDEX idx_egress_at ON egress_ledger (at)",
)

SEEN: Final = (
    'container_id, id, message_id, direction, category, score, "limit", action, provider, created_at, reviewed_by, reviewed_at,'
    # not the note: whoever reviews may quote what was said
    " verdict"
)


def upgrade() -> None:
    """Add the tables; of the ledger rows are only added."""
    for statement in TABLES:
        op.execute(statement)
    # jobs that look at photos
    op.execute("ALTER TABLE job_run ADD COLUMN photo_id UUID")
    close_table("safety_events", metadata=SEEN)
    op.execute("REVOKE UPDATE, DELETE, TRUNCATE ON egress_ledger FROM lectern_app")
    op.execute("REVOKE DELETE, TRUNCATE ON egress_consent FROM lectern_app")
    everybody = "lectern_support, lectern_administrator, lectern_auditor"
    op.execute(f"GRANT SELECT ON egress_consent, egress_ledger TO {everybody}")
    op.execute("GRANT INSERT ON egress_ledger TO lectern_support, lectern_administrator")
    op.execute("GRANT INSERT, UPDATE (withdrawn_by, withdrawn_at) ON egress_consent TO lectern_administrator")


def downgrade() -> None:
    """Take everything away again."""
    for table in ("egress_ledger", "egress_consent", "safety_events"):
        op.drop_table(table)
    op.drop_column("job_run", "photo_id")
