"""House settings: one row that administrators change and everybody reads."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table, and the index that the quota of a page counts by."""
    op.create_table(
        "house_settings",
        sa.Column("id", sa.Integer(), autoincrement=False, server_default="1", nullable=False),
        sa.Column("values", JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("changed_by", sa.String(length=200), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_house_settings_one_row")),
        sa.CheckConstraint("jsonb_typeof(values) = 'object'", name=op.f("ck_house_settings_values_by_name")),
        sa.CheckConstraint("version > 0", name=op.f("ck_house_settings_version_counted")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_house_settings")),
    )
    op.create_index("idx_audio_page", "audios", ["page_id"], unique=False)
    op.execute("REVOKE DELETE, TRUNCATE ON house_settings FROM lectern_app")
    op.execute("GRANT SELECT ON house_settings TO lectern_support, lectern_administrator, lectern_auditor")
    op.execute("GRANT INSERT, UPDATE ON house_settings TO lectern_administrator")


def downgrade() -> None:
    """Take it away; every setting is then as delivered."""
    op.drop_index("idx_audio_page", table_name="audios")
    op.drop_table("house_settings")
