"""Who owns documents, when that changes as a whole."""

from __future__ import annotations

from sqlalchemy import Connection, func, update

from backend_core.documents.tables import documents


def reassign(conn: Connection, old: int, new: int) -> int:
    """Give every document of one operator to another, deleted ones too, in the caller's transaction; return how many."""
    change = update(documents).where(documents.c.owner_id == old)
    return int(conn.execute(change.values(owner_id=new, version=documents.c.version + 1, updated_at=func.now())).rowcount)
