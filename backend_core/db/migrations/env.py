"""Runs revisions on the connection that ``backend_core.db.migrate`` hands over, or writes their SQL for ``backend_core.db.revisions``."""

from __future__ import annotations

from alembic import context

from backend_core.db.migrate import include_object
from backend_core.db.schema import metadata

offline = context.is_offline_mode()
context.configure(
    # without a connection the statements are written out instead of run
    connection=None if offline else context.config.attributes["connection"],
    dialect_name="postgresql" if offline else None,
    literal_binds=offline,
    target_metadata=metadata,
    include_object=include_object,
    # Each revision stands or falls alone, and one may build indexes outside a transaction.
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
