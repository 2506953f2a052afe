"""SQL shape of the house settings: one row, or none while everything is as delivered."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, DateTime, Integer, String, Table, func, text
from sqlalchemy.dialects.postgresql import JSONB

from backend_core.db.schema import metadata

house_settings = Table(
    "house_settings",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False, server_default="1"),
    # only what was set; a key that this version does not know belongs to a newer one and stays
    Column("values", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    Column("version", Integer, nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("changed_by", String(200), nullable=False),
    CheckConstraint("id = 1", name="one_row"),
    CheckConstraint("jsonb_typeof(values) = 'object'", name="values_by_name"),
    CheckConstraint("version > 0", name="version_counted"),
)
