"""Record of backups."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the record of backups; who may read it may see it, administrators write it."""
    op.create_table(
        "backups",
        *_columns(),
        sa.CheckConstraint("kind IN ('manual', 'scheduled', 'migration')", name=op.f("ck_backups_kind_known")),
        sa.CheckConstraint("(sha256 IS NULL) = (error_code IS NOT NULL)", name=op.f("ck_backups_made_or_failed")),
        sa.CheckConstraint("(verified_at IS NULL) = (verify_ok IS NULL)", name=op.f("ck_backups_verdict_dated")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_backups")),
    )
    op.create_index("idx_backups_at", "backups", ["at"], unique=False)
    op.execute("GRANT SELECT ON backups TO lectern_administrator, lectern_auditor")
    op.execute("GRANT INSERT, UPDATE ON backups TO lectern_administrator")
    op.execute("GRANT SELECT ON backups TO lectern_monitor")


def _columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("workstation", sa.String(length=200), nullable=False),
        sa.Column("folder", sa.String(length=2000), nullable=False),
        sa.Column("file_name", sa.String(length=200), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("schema_revision", sa.String(length=32), nullable=True),
        sa.Column("rows", sa.BigInteger(), nullable=True),
        sa.Column("objects", sa.Integer(), nullable=True),
        sa.Column("object_bytes", sa.BigInteger(), nullable=True),
        sa.Column("damaged", sa.Integer(), server_default="0", nullable=False),
        sa.Column("elsewhere", sa.Integer(), server_default="0", nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=True),
        sa.Column("key_id", sa.String(length=16), nullable=True),
        sa.Column("seconds", sa.Float(), nullable=True),
        sa.Column("error_code", sa.String(length=40), nullable=True),
        sa.Column("error", sa.String(length=500), nullable=True),
        sa.Column("made_by", sa.String(length=200), nullable=False),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("verify_ok", sa.Boolean(), nullable=True),
        sa.Column("verify_error", sa.String(length=500), nullable=True),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
    ]


def downgrade() -> None:
    """Take it away."""
    op.drop_table("backups")
