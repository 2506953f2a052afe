"""What every table that holds a contact's words gets; revisions use it, so it is never changed, only replaced by another."""

from __future__ import annotations

from alembic import op

PEOPLE = "lectern_app, lectern_support, lectern_administrator"


def close_table(table: str, *, metadata: str = "") -> None:
    """Close ``table`` but for the container whose scope is open.

    Args:
        table: has a column ``container_id``.
        metadata: columns that tell nothing of what was said, which the directory may read across containers.
    """
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    # the owner is stopped too, and with it every view and function it owns
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    scope = "container_id = (SELECT scope_id())"
    op.execute(f"CREATE POLICY {table}_scope ON {table} TO {PEOPLE} USING ({scope}) WITH CHECK ({scope})")
    op.execute(f"CREATE POLICY {table}_backup ON {table} FOR SELECT TO lectern_backup USING (true)")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO lectern_support, lectern_administrator")
    if metadata:
        op.execute(f"CREATE POLICY {table}_directory ON {table} FOR SELECT TO lectern_directory USING (true)")
        op.execute(f"GRANT SELECT ({metadata}) ON {table} TO lectern_directory")
