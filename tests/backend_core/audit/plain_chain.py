"""The control: one hash chain over all rows by number, values joined with a separator, as many logs have it."""

from __future__ import annotations

import hashlib
from typing import Any

import psycopg

VALUES = """
SELECT id, concat_ws('|', actor, actor_id, role, action, target, outcome, reason, before::text, after::text, workstation, client_version,
       correlation_id, at) FROM audit_event ORDER BY id
"""


class PlainChain:
    """A hash beside each row; it goes when its row goes."""

    def __init__(self) -> None:
        self._hashes: dict[int, bytes] = {}

    def compute(self, conn: psycopg.Connection[Any]) -> None:
        """Give every row the hash it should have."""
        self._hashes = dict(_walk(conn))

    def broken(self, conn: psycopg.Connection[Any]) -> bool:
        """Return whether the rows that are there do not follow from one another."""
        previous = b""
        for number, text in conn.execute(VALUES).fetchall():
            previous = hashlib.sha256(previous + text.encode()).digest()
            if self._hashes.get(number) != previous:
                return True
        return False


def _walk(conn: psycopg.Connection[Any]) -> list[tuple[int, bytes]]:
    found: list[tuple[int, bytes]] = []
    previous = b""
    for number, text in conn.execute(VALUES).fetchall():
        previous = hashlib.sha256(previous + text.encode()).digest()
        found.append((number, previous))
    return found
