"""Which workers are alive: each holds a shared advisory lock that its server session loses the moment it dies."""

from __future__ import annotations

import hashlib
from typing import Final

from sqlalchemy import Connection, text

WORKER_LOCKS: Final = 0x4C454354  # "LECT": the first half of every lock key of ours
DUTY_LOCKS: Final = 0x4C454355
QUEUE_LOCKS: Final = 0x4C454356
"""Held by a worker under the number the queue knows it by, so that the number has a host and a process."""


def lock_number(name: str) -> int:
    """Return the signed 32-bit number under which ``name`` is locked."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big", signed=True)


def workers_alive(conn: Connection, *, queue: str) -> int:
    """Return how many workers serve ``queue`` at this moment, on any host."""
    # the catalogue shows both halves of the key as unsigned numbers
    query = text(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        " AND classid::bigint = :space AND objid::bigint = :name"
    )
    return int(conn.execute(query, {"space": WORKER_LOCKS, "name": lock_number(queue) % 2**32}).scalar_one())
