"""Seal what was committed: gapless positions, a Merkle root per batch, a head over all batches, and a signed checkpoint."""

from __future__ import annotations

import datetime as dt
import secrets
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import BigInteger, Connection, String, and_, bindparam, cast, func, insert, literal, or_, select
from sqlalchemy.dialects.postgresql import ARRAY

from backend_core.audit import checkpoint as notes
from backend_core.audit import merkle
from backend_core.audit.chain import EPOCH, MICROSECOND, microseconds
from backend_core.audit.checkpoint import Checkpoint
from backend_core.audit.keys import Keys, SealKey
from backend_core.audit.tables import Xid8, audit_event, audit_generation, audit_position, audit_seal
from backend_core.db.database import Database
from backend_core.logs import get_logger

log = get_logger(__name__)
BATCH: Final = 8192
LOCK: Final = "lectern.audit.seal"
DEADLINE_S: Final = 60.0
ROUND_S: Final = 5.0
SETTLED_S: Final = 10.0
MARGIN: Final = 20_000
"""Rows looked at again although nothing older was under way: a row has its number a moment before its transaction shows."""

MOST_COUNTED: Final = 100_000

OnSealed = Callable[[str], None]
"""Given the newest checkpoint after a round."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SealLag:
    """How far the seals are behind: rows that wait, and the age of the oldest in seconds (0 when none waits)."""

    rows: int
    seconds: float


@dataclass(frozen=True, slots=True)
class _Moment:
    """The database at one moment: newest row, oldest running transaction, first one not begun, time."""

    newest: int
    horizon: int
    following: int
    at: dt.datetime


@dataclass(frozen=True, slots=True)
class _Generation:
    number: int
    log: str
    restored: int


def hold(conn: Connection) -> bool:
    """Return whether nobody else seals or changes keys until the end of this transaction."""
    # lock: positions and heads are given by one sealer at a time
    return bool(conn.execute(select(func.pg_try_advisory_xact_lock(func.hashtextextended(LOCK, 0)))).scalar())


def wait(conn: Connection) -> None:
    """Wait until nobody else seals or changes keys, until the end of this transaction."""
    # lock: positions and heads are given by one sealer at a time
    conn.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(LOCK, 0))))


class Sealer:
    """Gives each committed row its place. One at a time is at work, whoever starts it."""

    def __init__(self, database: Database, keys: Keys, *, on_sealed: OnSealed | None = None, batch: int = BATCH) -> None:
        self._database = database
        self._keys = keys
        self._on_sealed = on_sealed
        self._batch = batch
        # everything up to here is sealed; 0 looks at every row, which every process does once
        self._low = 0
        self._rounds: deque[tuple[float, int, int]] = deque()
        self._quiet: int | None = None
        self._told = False

    def seal(self) -> int:
        """Seal what waits, for some seconds at most; return how many rows were sealed."""
        sealed, newest = 0, None
        ends = time.monotonic() + ROUND_S
        while time.monotonic() < ends:
            count, note = self._step()
            newest = note or newest
            sealed += count
            if count < self._batch:
                break
        if newest is not None and self._on_sealed is not None:
            self._on_sealed(newest)
        return sealed

    def _step(self) -> tuple[int, str | None]:
        with self._database.begin("Seal audit log", deadline_s=DEADLINE_S) as conn:
            now = _moment(conn)
            if now.newest == self._quiet or not hold(conn):
                return 0, None
            generation = _generation(conn)
            # again, now that nobody else moves the end of the log
            now = _moment(conn)
            rows = _waiting(conn, self._low, now.horizon, generation.restored if generation else now.newest, self._batch)
            if not rows:
                self._completed(now)
                return 0, None
            key = self._key(conn)
            if key is None:
                return 0, None
            complete = len(rows) < self._batch
            note = _append(conn, generation or _begin(conn, key, now, secrets.token_hex(8)), key, rows, now, complete=complete)
        if complete:
            self._completed(now)
        return len(rows), note

    def _key(self, conn: Connection) -> SealKey | None:
        key = self._keys.ready(conn)
        if key is None and not self._told:
            log.warning("audit log is not sealed here: the key of this computer has to be introduced first", key=self._keys.own().id)
        self._told = key is None
        return key

    def _completed(self, now: _Moment) -> None:
        """Note that nothing waits, so that later rounds need not look so far back."""
        self._quiet = now.newest if now.horizon >= now.following else None
        if self._quiet is not None:
            self._low = max(self._low, now.newest - MARGIN)
        clock = time.monotonic()
        self._rounds.append((clock, now.newest, now.following))
        # some seconds late: a row has its number a moment before its transaction shows
        while self._rounds and self._rounds[0][0] < clock - SETTLED_S and self._rounds[0][2] <= now.horizon:
            self._low = self._rounds.popleft()[1]


def lag(conn: Connection) -> SealLag:
    """Return how far the seals are behind."""
    waiting = select(audit_event.c.at).where(audit_event.c.id > low_water(conn), _unplaced()).limit(MOST_COUNTED).subquery()
    age = func.extract("epoch", func.clock_timestamp() - func.min(waiting.c.at))
    found = conn.execute(select(func.count(), age).select_from(waiting)).one()
    return SealLag(rows=found[0], seconds=max(0.0, float(found[1] or 0)))


def low_water(conn: Connection) -> int:
    """Return a row up to which everything is sealed, by what earlier seals saw."""
    seals = audit_seal.c
    complete = select(seals.horizon, seals.generation, seals.seen_id, seals.seen_xid).where(seals.seen_id.is_not(None))
    newest = complete.order_by(seals.id.desc()).limit(1).cte("newest")
    settled = seals.at < func.clock_timestamp() - func.make_interval(0, 0, 0, 0, 0, 0, SETTLED_S)
    where = and_(seals.seen_xid <= newest.c.horizon, seals.generation == newest.c.generation, settled)
    query = select(seals.seen_id).select_from(audit_seal.join(newest, where)).order_by(seals.id.desc()).limit(1)
    quiet = select(newest.c.seen_id - MARGIN).where(newest.c.seen_xid <= newest.c.horizon).scalar_subquery()
    return int(conn.execute(select(func.greatest(query.scalar_subquery(), quiet, 0))).scalar_one())


def _moment(conn: Connection) -> _Moment:
    snapshot = func.pg_current_snapshot()
    newest = select(func.coalesce(func.max(audit_event.c.id), 0)).scalar_subquery()
    facts = (newest, _number(func.pg_snapshot_xmin(snapshot)), _number(func.pg_snapshot_xmax(snapshot)), func.clock_timestamp())
    found: Any = conn.execute(select(*facts)).one()
    return _Moment(found[0], found[1], found[2], found[3].astimezone(dt.UTC))


def _number(xid: Any) -> Any:
    return cast(cast(xid, String), BigInteger)


def _unplaced() -> Any:
    return ~select(audit_position.c.event_id).where(audit_position.c.event_id == audit_event.c.id).exists()


def _waiting(conn: Connection, low: int, horizon: int, restored: int, most: int) -> list[Any]:
    """Return id, transaction, time in microseconds and hash of rows that wait and before which nothing can appear any more."""
    event = audit_event.c
    # rows from another server count by their number: its transactions were counted differently
    ripe = or_(event.xid < cast(literal(str(horizon)), Xid8), event.id <= restored)
    at = cast(func.extract("epoch", event.at) * 1_000_000, BigInteger)
    query = select(event.id, _number(event.xid), at, event.leaf).where(event.id > low, ripe, _unplaced())
    return list(conn.execute(query.order_by(event.id).limit(most)).all())


def _generation(conn: Connection) -> _Generation | None:
    """Return the present generation; nothing where the log was never sealed, or came from another server since."""
    table = audit_generation.c
    found = conn.execute(select(table.generation, table.log, table.server, table.restored_id).order_by(table.generation.desc())).first()
    if found is None or found.server != server_identifier(conn):
        return None
    return _Generation(found.generation, found.log, found.restored_id)


def server_identifier(conn: Connection) -> str:
    """Return what distinguishes this database server from all others."""
    return str(conn.exec_driver_sql("SELECT system_identifier FROM pg_control_system()").scalar_one())


def _begin(conn: Connection, key: SealKey, now: _Moment, fresh: str) -> _Generation:
    """Begin the log, or go on with one that was restored into another server."""
    table = audit_generation.c
    last = conn.execute(select(table.generation, table.log).order_by(table.generation.desc())).first()
    number, name = (1, fresh) if last is None else (last.generation + 1, last.log)
    sealed = _last(conn, name)
    facts: dict[str, Any] = {
        "generation": number,
        "log": name,
        "server": server_identifier(conn),
        "after_seal": sealed.seal,
        "previous_head": sealed.head,
        "restored_id": now.newest,
        "at": now.at,
        "key_id": key.id,
    }
    conn.execute(insert(audit_generation).values({**facts, "signature": key.sign(generation_statement(facts))}).inline())
    return _Generation(number, name, now.newest)


def generation_statement(facts: Any) -> bytes:
    """Return what the signature of a generation signs."""
    words = (
        "lectern-audit-generation/1",
        facts["generation"],
        facts["log"],
        facts["server"],
        facts["after_seal"],
        bytes(facts["previous_head"]).hex(),
        facts["restored_id"],
        microseconds(facts["at"]),
        facts["key_id"],
    )
    return "\n".join(map(str, words)).encode()


def _last(conn: Connection, name: str) -> Checkpoint:
    """Return the newest seal; before the first one, what stands in for it."""
    found = conn.execute(select(audit_seal).order_by(audit_seal.c.id.desc()).limit(1)).first()
    if found is not None:
        return of_row(found, name)
    return Checkpoint(log=name, generation=0, seal=0, first=0, last=0, root=b"", head=notes.start(name), at=0, horizon=0, seen=None)


def of_row(found: Any, name: str) -> Checkpoint:
    """Return a row of ``audit_seal`` as a checkpoint of the log ``name``."""
    return Checkpoint(
        log=name,
        generation=found.generation,
        seal=found.id,
        first=found.first_position,
        last=found.last_position,
        root=bytes(found.root),
        head=bytes(found.head),
        at=microseconds(found.at),
        horizon=int(found.horizon),
        seen=None if found.seen_id is None or found.seen_xid is None else (found.seen_id, int(found.seen_xid)),
    )


def _append(conn: Connection, generation: _Generation, key: SealKey, rows: list[Any], now: _Moment, *, complete: bool) -> str:
    last = _last(conn, generation.log)
    first = last.last + 1
    entries = (merkle.entry(first + place, row[0], row[1], row[2], bytes(row[3])) for place, row in enumerate(rows))
    made = Checkpoint(
        log=generation.log,
        generation=generation.number,
        seal=last.seal + 1,
        first=first,
        last=last.last + len(rows),
        root=merkle.root([merkle.leaf_hash(entry) for entry in entries]),
        head=b"",
        at=max(last.at, microseconds(now.at)),
        horizon=now.horizon,
        seen=(now.newest, now.following) if complete else None,
    )
    made = replace(made, head=notes.head(last.head, made))
    text = notes.body(made)
    signature = key.sign(text.encode())
    note = notes.note(text, key_id=key.id, public=key.public, signature=signature)
    _store(conn, made, key_id=key.id, signature=signature, note=note)
    _place(conn, made, [row[0] for row in rows])
    return note


def _store(conn: Connection, made: Checkpoint, *, key_id: str, signature: bytes, note: str) -> None:
    facts = {
        "id": made.seal,
        "generation": made.generation,
        "size": made.last - made.first + 1,
        "first_position": made.first,
        "last_position": made.last,
        "root": made.root,
        "head": made.head,
        "at": EPOCH + made.at * MICROSECOND,
        "key_id": key_id,
        "signature": signature,
        "checkpoint": note,
        "horizon": cast(literal(str(made.horizon)), Xid8),
        "seen_id": None if made.seen is None else made.seen[0],
        "seen_xid": None if made.seen is None else cast(literal(str(made.seen[1])), Xid8),
    }
    conn.execute(insert(audit_seal).values(facts).inline())


def _place(conn: Connection, made: Checkpoint, ids: list[int]) -> None:
    listed = func.unnest(bindparam("ids", ids, type_=ARRAY(BigInteger))).table_valued("event_id", with_ordinality="place").render_derived()
    rows = select(listed.c.place + (made.first - 1), listed.c.event_id, literal(made.seal))
    conn.execute(insert(audit_position).from_select(["position", "event_id", "seal_id"], rows).inline())
