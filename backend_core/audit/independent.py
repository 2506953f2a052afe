"""Check the sealed log a second way: PostgreSQL only hands out the stored rows, every hash and comparison is made here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from sqlalchemy import Connection, text

from backend_core.audit import checkpoint as notes
from backend_core.audit import merkle, trust
from backend_core.audit.chain import EPOCH, MICROSECOND, canonical, leaf, origin
from backend_core.audit.checkpoint import Checkpoint
from backend_core.audit.keys import statements
from backend_core.audit.sealer import of_row
from backend_core.audit.verify_rows import Findings
from backend_core.db.database import Database

BLOCK: Final = 5000
DEADLINE_S: Final = 600.0
_SEALS: Final = text("SELECT * FROM audit_seal ORDER BY id")
_NAME: Final = text("SELECT log FROM audit_generation ORDER BY generation LIMIT 1")
# the texts of before and after as stored, since reading JSON and writing it again would hide a difference
_ROWS: Final = text(
    """
    SELECT p.position, p.event_id, coalesce(e.xid, x.xid)::text AS xid, e.id IS NULL AS gone,
           (extract(epoch FROM coalesce(e.at, x.at)) * 1000000)::bigint AS us,
           coalesce(e.writer, x.writer) AS writer, coalesce(e.wseq, x.wseq) AS wseq, coalesce(e.leaf, x.leaf) AS leaf,
           e.actor, e.actor_id, e.role, e.action, e.target, e.outcome, e.reason, e.before::text AS before, e.after::text AS after,
           e.workstation, e.client_version, e.correlation_id
      FROM audit_position p
      LEFT JOIN audit_event e ON e.id = p.event_id
      LEFT JOIN audit_erased x ON x.event_id = p.event_id
     ORDER BY p.position
    """
)


@dataclass(slots=True)
class _Walk:
    findings: Findings
    heads: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    rows: int = 0


class IndependentVerification:
    """One walk through the sealed rows; tombstones, unsealed rows and times are left to ``Verification``."""

    def __init__(self, database: Database, *, accepted: frozenset[str] = frozenset()) -> None:
        """Take the keys that witnesses accept."""
        self._database = database
        self._accepted = accepted
        self.findings = Findings()

    def run(self) -> int:
        """Walk; return how many rows were checked. What is wrong is in ``findings``."""
        walk = _Walk(self.findings)
        with self._database.begin("Verify audit log independently", deadline_s=DEADLINE_S) as conn:
            believed = trust.read(statements(conn), accepted=self._accepted)
            for problem in believed.problems:
                self.findings.add("key", problem)
            name = conn.execute(_NAME).scalar() or ""
            seals = conn.execute(_SEALS).all()
            with _stream(conn) as rows:
                self._seals(walk, believed, name, seals, rows)
        return walk.rows

    def _seals(self, walk: _Walk, believed: trust.Trust, name: str, seals: Sequence[Any], rows: Iterator[Any]) -> None:
        before = Checkpoint(log=name, generation=0, seal=0, first=0, last=0, root=b"", head=notes.start(name), at=0, horizon=0, seen=None)
        for seal in seals:
            made = of_row(seal, name)
            self._check_seal(before, made)
            if not believed.seal_signed(seal.key_id, made.seal, notes.body(made).encode(), seal.signature):
                self.findings.add("signature", f"seal {made.seal} is not signed by a key that was trusted then")
            hashes = [_checked(walk, row) for row in islice(rows, made.last - made.first + 1)]
            if merkle.root(hashes) != made.root:
                self.findings.add("seal", f"the events under seal {made.seal} are not those that were sealed")
            before = made
        if next(rows, None) is not None:
            self.findings.add("gap", "positions belong to no seal")

    def _check_seal(self, before: Checkpoint, made: Checkpoint) -> None:
        if made.seal != before.seal + 1 or made.first != before.last + 1:
            self.findings.add("seal_missing", f"seal {made.seal} does not follow seal {before.seal}")
        elif made.head != notes.head(before.head, made):
            self.findings.add("seal", f"seal {made.seal} does not follow from the one before it")


@contextmanager
def _stream(conn: Connection) -> Iterator[Iterator[Any]]:
    found = conn.execution_options(stream_results=True, max_row_buffer=BLOCK).execute(_ROWS)
    try:
        yield (row for block in found.partitions(BLOCK) for row in block)
    finally:
        found.close()


def _checked(walk: _Walk, row: Any) -> bytes:
    """Return the hash of a row's entry in the tree of its seal, after its place in its chain was checked."""
    walk.rows += 1
    if row.leaf is None:
        walk.findings.add("missing", f"the event {row.event_id} has a place in the log, but is not there")
        return b""
    stored = bytes(row.leaf)
    number, previous = walk.heads.get(row.writer) or (0, origin(row.writer))
    if row.wseq != number + 1:
        walk.findings.add("gap" if row.wseq > number else "order", f"event {row.event_id} does not follow number {number} of its writer")
    elif not row.gone and leaf(previous, canonical({**row._mapping, "at": EPOCH + row.us * MICROSECOND})) != stored:
        walk.findings.add("changed", f"event {row.event_id} is not as it was written")
    walk.heads[row.writer] = (row.wseq, stored)
    return merkle.leaf_hash(merkle.entry(row.position, row.event_id, int(row.xid), row.us, stored))
