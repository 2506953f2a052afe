"""Privacy runs and what each case of them found."""

from __future__ import annotations

from typing import Final

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

TABLES: Final = (
    """
    CREATE TABLE privacy_runs (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        started_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        finished_at TIMESTAMP WITH TIME ZONE,
        trigger VARCHAR(12) NOT NULL,
        started_by VARCHAR(200) NOT NULL,
        database_role VARCHAR(63) NOT NULL,
        schema_revision VARCHAR(32),
        version VARCHAR(40) NOT NULL,
        target VARCHAR(300) DEFAULT '' NOT NULL,
        passed INTEGER DEFAULT '0' NOT NULL,
        failed INTEGER DEFAULT '0' NOT NULL,
        cells INTEGER DEFAULT '0' NOT NULL,
        leaks INTEGER DEFAULT '0' NOT NULL,
        seconds DOUBLE PRECISION,
        outcome VARCHAR(10),
        error VARCHAR(500),
        matrix JSONB,
        CONSTRAINT pk_privacy_runs PRIMARY KEY (id),
        CONSTRAINT ck_privacy_runs_trigger_known CHECK (trigger IN ('window', 'command', 'ci', 'migration', 'schedule')),
        CONSTRAINT ck_privacy_runs_outcome_known CHECK (outcome IN ('pass', 'fail', 'refused', 'stopped'))
    )
    """,
    "CREATE INDEX idx_privacy_run_at ON privacy_runs (started_at)",
    """
    CREATE TABLE privacy_results (
        run_id BIGINT NOT NULL,
        case_id VARCHAR(100) NOT NULL,
        ok BOOLEAN NOT NULL,
        probes INTEGER NOT NULL,
        leaks INTEGER NOT NULL,
        evidence JSONB NOT NULL,
        CONSTRAINT pk_privacy_results PRIMARY KEY (run_id, case_id),
        CONSTRAINT fk_privacy_results_run_id_privacy_runs FOREIGN KEY(run_id) REFERENCES privacy_runs (id) ON DELETE CASCADE
    )
    """,
)

# The people a privacy run makes up, with everything they said: removed with rights that nobody has over real people.
REMOVE: Final = """
CREATE FUNCTION remove_made_up() RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    DELETE FROM public.containers WHERE synthetic;
    DELETE FROM public.conversations WHERE synthetic;
    DELETE FROM public.oauth_tokens WHERE user_id IN (SELECT id FROM public.contacts WHERE synthetic);
    DELETE FROM public.personas WHERE synthetic;
    DELETE FROM public.contacts WHERE synthetic;
END $$
"""


def upgrade() -> None:
    """Add the tables."""
    for statement in TABLES:
        op.execute(statement)
    op.execute(REMOVE)
    op.execute("REVOKE EXECUTE ON FUNCTION remove_made_up() FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION remove_made_up() TO lectern_app, lectern_administrator")
    everybody = "lectern_support, lectern_administrator, lectern_auditor, lectern_monitor"
    op.execute(f"GRANT SELECT ON privacy_runs, privacy_results TO {everybody}")
    op.execute("GRANT INSERT ON privacy_runs, privacy_results TO lectern_administrator")
    op.execute("GRANT UPDATE ON privacy_runs TO lectern_administrator")
    # a run that fails raises an alert, whoever started it
    op.execute("GRANT INSERT ON audit_alert TO lectern_administrator")


def downgrade() -> None:
    """Take everything away again."""
    op.execute("REVOKE INSERT ON audit_alert FROM lectern_administrator")
    op.execute("DROP FUNCTION remove_made_up()")
    op.drop_table("privacy_results")
    op.drop_table("privacy_runs")
