"""What monitoring keeps: metric history, objectives, statements, index history and changes, episodes, readiness."""

from __future__ import annotations

from typing import Final

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

TABLES: Final = (
    """
    CREATE TABLE metric_series (
        id SMALLINT GENERATED ALWAYS AS IDENTITY,
        name VARCHAR(80) NOT NULL,
        unit VARCHAR(20) NOT NULL,
        fold VARCHAR(4) NOT NULL,
        CONSTRAINT pk_metric_series PRIMARY KEY (id),
        CONSTRAINT ck_metric_series_fold_known CHECK (fold IN ('sum', 'max', 'mean', 'last')),
        CONSTRAINT uq_metric_series_name UNIQUE (name)
    )
    """,
    """
    CREATE TABLE metric_frames (
        resolution_s INTEGER NOT NULL,
        slot INTEGER NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        figures FLOAT[] NOT NULL,
        CONSTRAINT pk_metric_frames PRIMARY KEY (resolution_s, slot)
    )
    """,
    "CREATE INDEX idx_metric_frame_at ON metric_frames (resolution_s, at)",
    """
    CREATE TABLE slo_events (
        objective VARCHAR(40) NOT NULL,
        minute TIMESTAMP WITH TIME ZONE NOT NULL,
        good BIGINT NOT NULL,
        bad BIGINT NOT NULL,
        bars BIGINT[] NOT NULL,
        CONSTRAINT pk_slo_events PRIMARY KEY (objective, minute)
    )
    """,
    "CREATE INDEX idx_slo_event_minute ON slo_events (minute)",
    """
    CREATE TABLE counter_falls (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        what VARCHAR(40) NOT NULL,
        cause VARCHAR(20) NOT NULL,
        detail JSONB NOT NULL,
        CONSTRAINT pk_counter_falls PRIMARY KEY (id)
    )
    """,
    "CREATE INDEX idx_counter_fall_at ON counter_falls (at)",
    """
    CREATE TABLE index_snapshots (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        server_started TIMESTAMP WITH TIME ZONE NOT NULL,
        stats_reset TIMESTAMP WITH TIME ZONE,
        scans JSONB NOT NULL,
        tables JSONB NOT NULL,
        CONSTRAINT pk_index_snapshots PRIMARY KEY (id)
    )
    """,
    "CREATE INDEX idx_index_snapshot_at ON index_snapshots (at)",
    """
    CREATE TABLE index_changes (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        action VARCHAR(10) NOT NULL,
        schema_name VARCHAR(63) NOT NULL,
        table_name VARCHAR(63) NOT NULL,
        index_name VARCHAR(63) NOT NULL,
        definition VARCHAR(4000) NOT NULL,
        reason VARCHAR(500) NOT NULL,
        proof JSONB,
        status VARCHAR(10) DEFAULT 'WAITING' NOT NULL,
        error VARCHAR(500),
        created_by VARCHAR(200) NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        finished_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_index_changes PRIMARY KEY (id),
        CONSTRAINT ck_index_changes_action_known CHECK (action IN ('create', 'drop', 'rebuild')),
        CONSTRAINT ck_index_changes_status_known CHECK (status IN ('WAITING', 'RUNNING', 'DONE', 'FAILED'))
    )
    """,
    "CREATE INDEX idx_index_change_at ON index_changes (created_at)",
    """
    CREATE TABLE blocking_episodes (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        began_at TIMESTAMP WITH TIME ZONE NOT NULL,
        last_at TIMESTAMP WITH TIME ZONE NOT NULL,
        ended_at TIMESTAMP WITH TIME ZONE,
        root_pid INTEGER NOT NULL,
        root_started TIMESTAMP WITH TIME ZONE NOT NULL,
        most_blocked INTEGER NOT NULL,
        tree JSONB NOT NULL,
        CONSTRAINT pk_blocking_episodes PRIMARY KEY (id)
    )
    """,
    "CREATE INDEX idx_blocking_episode_began ON blocking_episodes (began_at)",
    "CREATE UNIQUE INDEX uq_blocking_episode_open ON blocking_episodes (root_pid, root_started) WHERE ended_at IS NULL",
    """
    CREATE TABLE statement_texts (
        fingerprint VARCHAR(16) NOT NULL,
        text VARCHAR(4000) NOT NULL,
        label VARCHAR(200) NOT NULL,
        first_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        CONSTRAINT pk_statement_texts PRIMARY KEY (fingerprint)
    )
    """,
    """
    CREATE TABLE statement_figures (
        fingerprint VARCHAR(16) NOT NULL,
        hour TIMESTAMP WITH TIME ZONE NOT NULL,
        calls BIGINT NOT NULL,
        failed BIGINT NOT NULL,
        rows BIGINT NOT NULL,
        total_ms FLOAT NOT NULL,
        longest_ms FLOAT NOT NULL,
        bars BIGINT[] NOT NULL,
        CONSTRAINT pk_statement_figures PRIMARY KEY (fingerprint, hour)
    )
    """,
    "CREATE INDEX idx_statement_figure_hour ON statement_figures (hour)",
    """
    CREATE TABLE readiness_results (
        check_id VARCHAR(60) NOT NULL,
        status VARCHAR(8) NOT NULL,
        value VARCHAR(300) NOT NULL,
        evidence JSONB NOT NULL,
        seconds FLOAT NOT NULL,
        version VARCHAR(40) NOT NULL,
        at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        CONSTRAINT pk_readiness_results PRIMARY KEY (check_id),
        CONSTRAINT ck_readiness_results_status_known CHECK (status IN ('pass', 'warn', 'fail', 'unknown'))
    )
    """,
    """
    CREATE TABLE readiness_runs (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        version VARCHAR(40) NOT NULL,
        score FLOAT,
        coverage FLOAT NOT NULL,
        gates_failed INTEGER NOT NULL,
        started_by VARCHAR(200) NOT NULL,
        results JSONB NOT NULL,
        CONSTRAINT pk_readiness_runs PRIMARY KEY (id)
    )
    """,
    "CREATE INDEX idx_readiness_run_at ON readiness_runs (at)",
)


def upgrade() -> None:
    """Add the tables."""
    # how many numbers of each sequence are used, of those there are and of those to come
    op.execute("GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO lectern_monitor")
    op.execute("ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON SEQUENCES TO lectern_monitor")
    for statement in TABLES:
        op.execute(statement)
    op.execute("ALTER TABLE process_report ADD COLUMN more JSONB DEFAULT '{}' NOT NULL")
    op.execute("ALTER TABLE job_run ADD COLUMN index_change_id BIGINT")
    _rights()


def _rights() -> None:
    written = (
        "metric_series, metric_frames, slo_events, counter_falls, index_snapshots, blocking_episodes, statement_texts, statement_figures"
    )
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {written} TO lectern_monitor")
    op.execute("GRANT SELECT ON index_changes, readiness_results, readiness_runs TO lectern_monitor")
    op.execute("GRANT SELECT ON metric_series, metric_frames, slo_events TO lectern_support, lectern_administrator, lectern_auditor")
    seen = "counter_falls, index_snapshots, blocking_episodes, statement_texts, statement_figures, index_changes"
    op.execute(f"GRANT SELECT ON {seen} TO lectern_administrator, lectern_auditor")
    op.execute("GRANT INSERT, UPDATE (status, error, finished_at) ON index_changes TO lectern_administrator")
    op.execute("GRANT SELECT ON readiness_results, readiness_runs TO lectern_support, lectern_administrator, lectern_auditor")
    op.execute("GRANT INSERT, UPDATE, DELETE ON readiness_results TO lectern_administrator")
    op.execute("GRANT INSERT, DELETE ON readiness_runs TO lectern_administrator")


def downgrade() -> None:
    """Take everything away again."""
    op.execute("ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE SELECT ON SEQUENCES FROM lectern_monitor")
    op.execute("REVOKE SELECT ON ALL SEQUENCES IN SCHEMA public FROM lectern_monitor")
    op.execute("ALTER TABLE job_run DROP COLUMN index_change_id")
    op.execute("ALTER TABLE process_report DROP COLUMN more")
    op.drop_table("readiness_runs")
    op.drop_table("readiness_results")
    op.drop_table("statement_figures")
    op.drop_table("statement_texts")
    op.drop_table("blocking_episodes")
    op.drop_table("index_changes")
    op.drop_table("index_snapshots")
    op.drop_table("counter_falls")
    op.drop_table("slo_events")
    op.drop_table("metric_frames")
    op.drop_table("metric_series")
