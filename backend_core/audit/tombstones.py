"""What is signed when rows leave the audit log; nothing beyond the standard library, so that a verifier can hold a copy.

A *skeleton* is what is left of a row: place, id, transaction, time, writer, number, leaf. Chains and seals need no more of it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from backend_core.audit.chain import microseconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Skeleton:
    """What is left of one row."""

    position: int
    event_id: int
    xid: int
    at: dt.datetime
    wseq: int
    leaf: bytes
    writer: str

    def line(self) -> str:
        """Return it as one line; the writer in hexadecimal digits, so that no name can hold a separator."""
        facts = (self.position, self.event_id, self.xid, microseconds(self.at), self.wseq, bytes(self.leaf).hex())
        return ":".join(map(str, (*facts, self.writer.encode().hex())))


def digest(skeletons: Iterable[Skeleton]) -> bytes:
    """Return the SHA-256 over the lines in the order of their positions; the database computes the same."""
    ordered = sorted(skeletons, key=lambda one: one.position)
    return hashlib.sha256("\n".join(one.line() for one in ordered).encode()).digest()


def statement(*, retention_class: str, cutoff: dt.datetime, rows: int, skeletons_sha256: bytes, at: dt.datetime) -> bytes:
    """Return what a tombstone's signature signs."""
    return "\n".join(
        (
            "lectern-audit-tombstone/1",
            retention_class,
            str(microseconds(cutoff)),
            str(rows),
            bytes(skeletons_sha256).hex(),
            str(microseconds(at)),
        )
    ).encode()
