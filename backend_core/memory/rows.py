"""Read memories from their table: the columns of a memory, and which of them count."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Select, func, or_, select

from backend_core.memory.records import Memory
from backend_core.memory.tables import memories

FIELDS: Final = tuple(memories.c[name] for name in Memory.__dataclass_fields__)
COUNTS: Final = (memories.c.forgotten_at.is_(None), or_(memories.c.expires_at.is_(None), memories.c.expires_at > func.now()))
"""Neither forgotten nor over."""


def live(container_id: int, *, types: Sequence[str] = ()) -> Select[Any]:
    """Return the query of the memories of a container that count."""
    query = select(*FIELDS).where(memories.c.container_id == container_id, *COUNTS)
    return query.where(memories.c.type.in_(types)) if types else query


def read(row: Sequence[Any]) -> Memory:
    """Return a memory from a row that begins with ``FIELDS``."""
    return Memory(**dict(zip(Memory.__dataclass_fields__, row, strict=False)))
