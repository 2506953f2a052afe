"""Runs revisions on the connection that ``backend_core.db.migrate`` hands over."""

from __future__ import annotations

from alembic import context

from backend_core.db.migrate import include_object
from backend_core.db.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    include_object=include_object,
    # Each revision stands or falls alone, and one may build indexes outside a transaction.
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
