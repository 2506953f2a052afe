"""Rights of the application role, and the job queue's own tables."""

from __future__ import annotations

from typing import Any

from alembic import op

from backend_core.db.migrations.vendored import drop_procrastinate, procrastinate_schema

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_DEFAULTS = (
    ("SELECT, INSERT, UPDATE, DELETE ON TABLES", "lectern_app"),
    ("USAGE, SELECT ON SEQUENCES", "lectern_app"),
    ("EXECUTE ON FUNCTIONS", "lectern_app"),
)


def upgrade() -> None:
    """Give rights on all later objects once, so that no revision forgets them; a stricter table takes some back."""
    for rights, role in _DEFAULTS:
        op.execute(f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT {rights} TO {role}")
    op.execute("GRANT USAGE ON SCHEMA public TO lectern_app, lectern_monitor, lectern_auditor")
    op.execute("GRANT SELECT ON alembic_version TO lectern_app, lectern_monitor")
    _run_script(procrastinate_schema())
    op.execute("GRANT SELECT ON procrastinate_jobs, procrastinate_events, procrastinate_workers TO lectern_monitor")


def downgrade() -> None:
    """Remove the queue and the default rights."""
    _run_script(drop_procrastinate())
    op.execute("REVOKE SELECT ON alembic_version FROM lectern_app, lectern_monitor")
    op.execute("REVOKE USAGE ON SCHEMA public FROM lectern_app, lectern_monitor, lectern_auditor")
    for rights, role in reversed(_DEFAULTS):
        op.execute(f"ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE {rights} FROM {role}")


def _run_script(script: str) -> None:
    if op.get_context().as_sql:
        op.get_context().impl.static_output(script)
        return
    # Straight to the driver: the script holds many statements, and percent signs that are not parameters.
    driver: Any = op.get_bind().connection.driver_connection
    driver.execute(script.encode())
