"""The index that finds memories whose own time is over, built while everybody goes on working."""

from __future__ import annotations

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Build it without stopping writers; one that an interrupted run left half built is built anew."""
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS idx_memory_expiry")
        op.execute("CREATE INDEX CONCURRENTLY idx_memory_expiry ON memories (expires_at) WHERE expires_at IS NOT NULL")


def downgrade() -> None:
    """Drop it without stopping anybody."""
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS idx_memory_expiry")
