"""The monitor sees whether the audit log verified, and nothing of what was found."""

from __future__ import annotations

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Let the alert rule read the outcome."""
    op.execute("GRANT SELECT (id, ok) ON audit_verification TO lectern_monitor")


def downgrade() -> None:
    """Take it back."""
    op.execute("REVOKE SELECT (id, ok) ON audit_verification FROM lectern_monitor")
