"""Check the whole audit log: every row, chain, position, seal, signature, key, tombstone and time."""

from __future__ import annotations

import datetime as dt
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, Executable, func, select

from backend_core.audit import checkpoint as notes
from backend_core.audit import merkle, tombstones, trust
from backend_core.audit.checkpoint import Checkpoint
from backend_core.audit.keys import statements
from backend_core.audit.sealer import generation_statement, low_water, of_row, server_identifier
from backend_core.audit.tables import audit_event, audit_generation, audit_position, audit_seal
from backend_core.audit.trust import Trust
from backend_core.audit.verify_rows import Chains, Findings, SealPart
from backend_core.audit.verify_sql import SEALED, STRAY, TOMBSTONE, UNSEALED
from backend_core.db.database import Database
from backend_core.errors import Cancelled

WINDOW: Final = 32_768
QUICK: Final = 65_536
SEALS_AT_ONCE: Final = 2000
AT_ONCE: Final = 2
DEADLINE_S: Final = 300.0
WORK_MEM: Final = "96MB"
HASH_BYTES: Final = 32

Progress = Callable[[int, int], None]
"""Given rows done and rows in all."""


@dataclass(frozen=True, slots=True)
class _Floor:
    """The last seal before that left nothing behind: nothing older than its horizon can have been written later."""

    horizon: int | None = None
    seen: int | None = None
    at: dt.datetime | None = None
    generation: int = 0


@dataclass(frozen=True, slots=True)
class _Sealed:
    """A seal as stored, and what stood before it."""

    row: Any
    floor: _Floor
    restored: int


@dataclass(slots=True)
class _State:
    """One verification under way."""

    findings: Findings
    trust: Trust
    generations: Sequence[Any]
    chains: Chains
    tombstones: list[int]
    last: int
    total: int
    before: Checkpoint
    floor: _Floor = field(default_factory=_Floor)
    verified_to: int = 0


class Verification:
    """One walk through the log."""

    def __init__(
        self,
        database: Database,
        *,
        accepted: frozenset[str] = frozenset(),
        quick: bool = False,
        progress: Progress | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> None:
        """Take the keys that witnesses accept; ``quick`` looks at every seal, but only at the newest rows."""
        self._database = database
        self._accepted = accepted
        self._quick = quick
        self._progress = progress
        self._cancelled = cancelled
        self.findings = Findings()

    def run(self) -> tuple[int, int]:
        """Walk; return how many rows were checked, and up to which position. What is wrong is in ``findings``."""
        state = self._open()
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="audit-verify") as pool:
            waiting: deque[tuple[list[_Sealed], Future[list[Any]]]] = deque()
            for window in self._windows(state):
                waiting.append((window, pool.submit(self._ask, SEALED, _of_window(window, state.tombstones))))
                if len(waiting) > AT_ONCE:
                    self._take(state, *waiting.popleft())
            while waiting:
                self._take(state, *waiting.popleft())
        self._rest(state)
        return state.chains.rows, state.verified_to

    def _open(self) -> _State:
        with self._database.begin("Verify audit log", deadline_s=DEADLINE_S) as conn:
            believed = trust.read(statements(conn), accepted=self._accepted)
            generations = conn.execute(select(audit_generation).order_by(audit_generation.c.generation)).all()
            last = conn.execute(select(func.coalesce(func.max(audit_seal.c.id), 0))).scalar_one()
            total = conn.execute(select(func.coalesce(func.max(audit_position.c.position), 0))).scalar_one()
            for problem in believed.problems:
                self.findings.add("key", problem)
            good = self._tombstones(conn, believed)
        name = generations[0].log if generations else ""
        chains = Chains(self.findings, whole=not self._quick or total <= QUICK)
        start = Checkpoint(log=name, generation=0, seal=0, first=0, last=0, root=b"", head=notes.start(name), at=0, horizon=0, seen=None)
        state = _State(self.findings, believed, generations, chains, good, last, total, start)
        self._check_generations(state)
        return state

    def _tombstones(self, conn: Connection, believed: Trust) -> list[int]:
        """Return the tombstones that hold."""
        good, after = [], 0
        while (one := conn.execute(TOMBSTONE, {"after": after}).first()) is not None:
            after = one.id
            signed = tombstones.statement(
                retention_class=one.retention_class, cutoff=one.cutoff, rows=one.rows, skeletons_sha256=one.skeletons_sha256, at=one.at
            )
            whole = one.kept == one.rows and one.digest == one.skeletons_sha256
            if whole and believed.signed_at(one.key_id, one.at, signed, one.signature):
                good.append(one.id)
            else:
                self.findings.add("tombstone", f"tombstone {one.id} does not stand for the rows it names")
        return good

    def _check_generations(self, state: _State) -> None:
        for place, one in enumerate(state.generations, start=1):
            facts = one._mapping  # SQLAlchemy's documented way to the names
            signed = state.trust.seal_signed(one.key_id, one.after_seal + 1, generation_statement(facts), one.signature)
            if one.generation != place or one.log != state.generations[0].log or not signed:
                self.findings.add("generation", f"generation {one.generation} is not one of this log")
        if not state.generations and state.last:
            self.findings.add("generation", "the log has seals, but no beginning")

    def _windows(self, state: _State) -> Iterator[list[_Sealed]]:
        """Check the seals one after another; yield those whose rows are looked at, some thousand rows at a time."""
        window: list[_Sealed] = []
        size = 0
        for one in self._seals(state):
            if self._quick and one.row.last_position <= state.total - QUICK:
                continue
            window.append(one)
            size += max(1, min(one.row.size, WINDOW))
            if size >= WINDOW:
                yield window
                window, size = [], 0
        if window:
            yield window

    def _seals(self, state: _State) -> Iterator[_Sealed]:
        after = 0
        while after < state.last:
            query = select(audit_seal).where(audit_seal.c.id > after, audit_seal.c.id <= state.last)
            with self._database.begin("Read audit seals") as conn:
                rows = conn.execute(query.order_by(audit_seal.c.id).limit(SEALS_AT_ONCE)).all()
            if not rows:
                break
            for row in rows:
                yield self._check_seal(state, row)
            after = rows[-1].id

    def _check_seal(self, state: _State, row: Any) -> _Sealed:
        before = state.before
        made = of_row(row, before.log)
        generation = [one for one in state.generations if one.after_seal < made.seal]
        if made.seal != before.seal + 1:
            state.findings.add("seal_missing", f"between the seals {before.seal} and {made.seal} others are missing")
        elif made.first != before.last + 1 or row.size != made.last - made.first + 1:
            state.findings.add("gap", f"seal {made.seal} begins at position {made.first}, the one before ends at {before.last}")
        elif made.head != notes.head(before.head, made):
            state.findings.add("seal", f"seal {made.seal} does not follow from the one before it")
        if not generation or made.generation != generation[-1].generation:
            state.findings.add("generation", f"seal {made.seal} is of another generation")
        elif generation[-1].after_seal == before.seal and bytes(generation[-1].previous_head) != before.head:
            state.findings.add("generation", f"generation {made.generation} goes on from another log")
        if made.at < before.at:
            state.findings.add("clock", f"seal {made.seal} is older than the one before it")
        # each head covers all heads before it, so the newest signatures vouch for the older seals
        if not self._quick or made.last > state.total - QUICK:
            self._check_signature(state, made, row)
        floor = state.floor if state.floor.generation == made.generation else _Floor()
        if made.seen is not None:
            state.floor = _Floor(made.horizon, made.seen[1], row.at, made.generation)
        state.before = made
        return _Sealed(row, floor, generation[-1].restored_id if generation else 0)

    def _check_signature(self, state: _State, made: Checkpoint, row: Any) -> None:
        text = notes.body(made)
        if not state.trust.seal_signed(row.key_id, made.seal, text.encode(), row.signature):
            state.findings.add("signature", f"seal {made.seal} is not signed by a key that was trusted then")
        key = state.trust.keys.get(row.key_id)
        if key is not None and row.checkpoint != notes.note(text, key_id=row.key_id, public=key.public, signature=row.signature):
            state.findings.add("seal", f"the checkpoint of seal {made.seal} says something else")

    def _ask(self, statement: Executable, values: dict[str, Any]) -> list[Any]:
        with self._database.begin("Verify audit rows", deadline_s=DEADLINE_S) as conn:
            conn.execute(select(func.set_config("work_mem", WORK_MEM, True)))  # noqa: FBT003  # "local", as SQL has it
            return list(conn.execute(statement, values).all())

    def _take(self, state: _State, window: list[_Sealed], answer: Future[list[Any]]) -> None:
        found = state.chains.take(answer.result())
        for one in window:
            self._check_root(state, one.row, found.pop(one.row.id, None))
        for stray in found:
            state.findings.add("gap", f"positions name the seal {stray}, which is another one's")
        state.verified_to = max(state.verified_to, window[-1].row.last_position)
        if self._progress is not None:
            self._progress(min(state.chains.rows, state.total), state.total)
        if self._cancelled is not None and self._cancelled():
            raise Cancelled("The verification was stopped.")

    def _check_root(self, state: _State, row: Any, part: SealPart | None) -> None:
        if part is None or part.size != row.size or part.last != row.last_position:
            state.findings.add("gap", f"seal {row.id} covers {row.size} events, {0 if part is None else part.size} have a place in it")
            return
        hashes = [part.hashes[start : start + HASH_BYTES] for start in range(0, len(part.hashes), HASH_BYTES)]
        if merkle.root(hashes) != bytes(row.root):
            state.findings.add("seal", f"the events under seal {row.id} are not those that were sealed")

    def _rest(self, state: _State) -> None:
        """Check what no seal covers."""
        with self._database.begin("Verify audit log", deadline_s=DEADLINE_S) as conn:
            here = bool(state.generations) and state.generations[-1].server == server_identifier(conn)
            low = low_water(conn) if self._quick else 0
            stray = conn.exec_driver_sql(STRAY).scalar_one()
            newest = conn.execute(select(func.coalesce(func.max(audit_event.c.id), 0))).scalar_one()
        if stray:
            state.findings.add("gap", f"{stray} positions belong to no seal")
        floor = state.floor if here else _Floor()
        restored = state.generations[-1].restored_id if here else newest
        values = {
            "low": low,
            "last": state.before.last,
            "floor": floor.horizon,
            "floor_seen": floor.seen,
            "floor_at": floor.at,
            "restored": restored,
        }
        state.chains.take(self._ask(UNSEALED, values))


def _of_window(window: list[_Sealed], good: list[int]) -> dict[str, Any]:
    return {
        "first": window[0].row.first_position,
        "last": window[-1].row.last_position,
        "tombstones": good,
        "seals": [one.row.id for one in window],
        "ats": [one.row.at for one in window],
        "horizons": [int(one.row.horizon) for one in window],
        "floors": [one.floor.horizon for one in window],
        "floors_seen": [one.floor.seen for one in window],
        "floors_at": [one.floor.at for one in window],
        "restored": [one.restored for one in window],
    }


def timed(work: Callable[[], tuple[int, int]]) -> tuple[int, int, float]:
    """Return what ``work`` returned, and the seconds it took."""
    began = time.perf_counter()
    rows, last = work()
    return rows, last, max(time.perf_counter() - began, 1e-6)
