"""The rows of an export as lines, and the proofs beside them: read in the order of their places, one seal after another."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import IO, Any, Final

from sqlalchemy import Connection, Row, Select, Text, cast, func, null, select, union_all

from backend_core.audit import merkle
from backend_core.audit.cells import safe
from backend_core.audit.chain import microseconds, origin
from backend_core.audit.proofs import proof_of_some
from backend_core.audit.query import AuditFilter, conditions
from backend_core.audit.standalone import COLUMNS
from backend_core.audit.tables import audit_event, audit_position, audit_seal
from backend_core.audit.upkeep_tables import audit_erased

FORMATS: Final = ("jsonl", "csv")
FETCH: Final = 2000
REPORT: Final = 5000
FEW: Final = 2000
NEAR: Final = 20_000
_EVENT: Final = (
    "actor", "actor_id", "role", "action", "target", "outcome", "reason", "before", "after", "workstation", "client_version",
    "correlation_id",
)  # fmt: skip

Progress = Callable[[int, int], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """Which rows leave.

    Attributes:
        wanted: the filter, its times fixed.
        first, last: places; 0 when there is no row.
        total: rows, but for those erased.
        complete: every place from ``first`` to ``last`` is in it, erased rows as what is left of them.
    """

    wanted: AuditFilter
    first: int
    last: int
    total: int
    complete: bool


@dataclass(slots=True)
class Written:
    """What was written so far."""

    rows: int = 0
    erased: int = 0
    tombstones: set[int] = field(default_factory=set)


class Hashed:
    """A file that knows the hash of what was written to it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._hash = hashlib.sha256()

    def write(self, data: bytes) -> None:
        """Write and hash."""
        self._file.write(data)
        self._hash.update(data)

    @property
    def sha256(self) -> str:
        """The hash so far, in hexadecimal digits."""
        return self._hash.hexdigest()


def choose(conn: Connection, wanted: AuditFilter) -> Slice:
    """Return which sealed rows a filter means; one of nothing but times means whole stretches of the log, without a gap."""
    now = conn.execute(select(func.now())).scalar_one()
    fixed = wanted.fixed(now)
    event, place = audit_event.c, audit_position.c.position
    joined = audit_event.join(audit_position, audit_position.c.event_id == event.id)
    query = select(func.min(place), func.max(place), func.count()).select_from(joined).where(*conditions(fixed, conn, now=now))
    first, last, total = conn.execute(query).one()
    complete = fixed == AuditFilter(since=fixed.since, until=fixed.until)
    if complete:
        since, until = fixed.times(now)
        gone = select(func.min(audit_erased.c.position), func.max(audit_erased.c.position))
        gone = gone if since is None else gone.where(audit_erased.c.at >= since)
        erased = conn.execute(gone if until is None else gone.where(audit_erased.c.at < until)).one()
        places = [found for found in (first, last, *erased) if found is not None]
        first, last = (min(places), max(places)) if places else (None, None)
        total = 0 if first is None else last - first + 1
    return Slice(wanted=fixed, first=first or 0, last=last or 0, total=total, complete=complete)


def write(conn: Connection, part: Slice, *, kind: str, file: Hashed, proofs: Hashed, progress: Progress) -> Written:
    """Write the rows and their proofs, in a transaction that sees one state of the log throughout.

    Args:
        conn: its transaction is repeatable read.
        part: what ``choose`` returned.
        kind: ``jsonl`` or ``csv``.
        file: gets the rows.
        proofs: gets one line per seal.
        progress: called with rows done and rows in all.
    """
    done = Written()
    if kind == "csv":
        file.write("\ufeff".encode() + _cells(COLUMNS))
    line = _csv_line if kind == "csv" else _json_line
    for seal, rows in groupby(_rows(conn, part), key=lambda row: row.seal_id):
        kept = list(rows)
        file.write(b"".join(line(_facts(row)) for row in kept))
        proofs.write(_proof(conn, seal, kept))
        done.rows += len(kept)
        stones = [row.tombstone for row in kept if row.tombstone is not None]
        done.erased += len(stones)
        done.tombstones.update(stones)
        if done.rows % REPORT < len(kept):
            progress(done.rows, part.total)
    progress(done.rows, done.rows)
    return done


def _rows(conn: Connection, part: Slice) -> Iterator[Row[Any]]:
    if not part.total:
        return iter(())
    conn.execute(select(func.set_config("cursor_tuple_fraction", "1", True)))  # noqa: FBT003  # "local", as SQL has it
    conn.execute(select(func.set_config("work_mem", "96MB", True)))  # noqa: FBT003  # as above
    kept = _kept(part, conn)
    query: Any = kept.order_by(audit_position.c.position)
    if part.complete:
        both = union_all(kept, _gone(part)).subquery()
        query = select(both).order_by(both.c.position)
    return iter(conn.execution_options(stream_results=True, yield_per=FETCH).execute(query))


def _kept(part: Slice, conn: Connection) -> Select[Any]:
    event, place = audit_event.c, audit_position.c
    facts = [cast(event[name], Text).label(name) if name in {"before", "after"} else event[name] for name in _EVENT]
    columns: list[Any] = [place.position, place.seal_id, event.id, cast(event.xid, Text).label("xid"), event.at, event.writer, event.wseq]
    joined: Any = audit_event.join(audit_position, place.event_id == event.id)
    if part.total <= FEW:
        previous: Any = _previous()
    else:
        earlier = union_all(*(select(table.c.writer, table.c.wseq, table.c.leaf) for table in (audit_event, audit_erased))).subquery(
            "earlier"
        )
        joined = joined.outerjoin(earlier, (earlier.c.writer == event.writer) & (earlier.c.wseq == event.wseq - 1))
        previous = earlier.c.leaf
    query = select(
        *columns, event.leaf, previous.label("previous"), *facts, cast(null(), audit_erased.c.tombstone_id.type).label("tombstone")
    )
    query = query.select_from(joined).where(place.position.between(part.first, part.last))
    if part.complete:
        return query
    return query.where(*conditions(part.wanted, conn, now=conn.execute(select(func.now())).scalar_one()))


def _previous() -> Any:
    """Return the hash of the row before of the same writer: mostly it is near, and no index finds one that is far."""
    event, other = audit_event.c, audit_event.alias("other")
    same = (other.c.writer == event.writer, other.c.wseq == event.wseq - 1)
    near = select(other.c.leaf).where(*same, other.c.id < event.id, other.c.id >= event.id - NEAR).order_by(other.c.id.desc()).limit(1)
    gone = select(audit_erased.c.leaf).where(audit_erased.c.writer == event.writer, audit_erased.c.wseq == event.wseq - 1).limit(1)
    far = select(other.c.leaf).where(*same, other.c.id < event.id - NEAR).limit(1)
    looked = [query.correlate(audit_event).scalar_subquery() for query in (near, gone, far)]
    return func.coalesce(*looked)


def _gone(part: Slice) -> Select[Any]:
    gone, place = audit_erased.c, audit_position.c
    columns: list[Any] = [gone.position, place.seal_id, gone.event_id, cast(gone.xid, Text), gone.at, gone.writer, gone.wseq, gone.leaf]
    facts = [cast(null(), Text if name in {"before", "after"} else audit_event.c[name].type) for name in _EVENT]
    query = select(*columns, cast(null(), gone.leaf.type), *facts, gone.tombstone_id)
    joined = audit_erased.join(audit_position, place.position == gone.position)
    return query.select_from(joined).where(gone.position.between(part.first, part.last))


def _facts(row: Row[Any]) -> list[str | int | None]:
    """Return the cells of a row in the order of ``COLUMNS``; ``before`` and ``after`` as JSON text."""
    erased = row.tombstone is not None
    previous = "" if erased else origin(row.writer).hex() if row.wseq == 1 else bytes(row.previous or b"").hex()
    facts = (row.position, row.id, int(row.xid), row.at.isoformat(), row.writer, row.wseq, previous, bytes(row.leaf).hex())
    return [*facts, *(getattr(row, name) for name in _EVENT), row.tombstone]


def _json_line(facts: Sequence[str | int | None]) -> bytes:
    cells = (
        f'"{name}": {value if name in _RAW and value is not None else _JSON.encode(value)}'
        for name, value in zip(COLUMNS, facts, strict=True)
    )
    return ("{" + ", ".join(cells) + "}\n").encode()


_RAW: Final = frozenset({"before", "after"})
_JSON: Final = json.JSONEncoder(ensure_ascii=False)


def _csv_line(facts: Sequence[str | int | None]) -> bytes:
    return _cells([str(value) if isinstance(value, int) else safe(value) for value in facts])


def _cells(values: Sequence[str]) -> bytes:
    made = io.StringIO(newline="")
    csv.writer(made, quoting=csv.QUOTE_ALL).writerow(values)
    return made.getvalue().encode()


def _proof(conn: Connection, seal: int, rows: Sequence[Row[Any]]) -> bytes:
    """Return the line that proves that these rows are in their seal."""
    found = conn.execute(
        select(audit_seal.c.checkpoint, audit_seal.c.first_position, audit_seal.c.size).where(audit_seal.c.id == seal)
    ).one()
    hashes = b""
    if len(rows) < found.size:
        leaves = [merkle.leaf_hash(entry_of(row)) for row in conn.execute(entries(found.first_position, found.size))]
        hashes = b"".join(proof_of_some(leaves, (row.position - found.first_position for row in rows)))
    return json.dumps({"seal": seal, "checkpoint": found.checkpoint, "hashes": hashes.hex()}, ensure_ascii=False).encode() + b"\n"


def entry_of(row: Row[Any]) -> bytes:
    """Return what the tree of a seal holds of a row that ``entries`` found."""
    return merkle.entry(row.position, row.event_id, int(row.xid), microseconds(row.at), bytes(row.leaf))


def entries(first: int, size: int) -> Select[Any]:
    """Return the query of what seals cover: ``size`` places from ``first`` on, in order."""
    event, gone, place = audit_event.c, audit_erased.c, audit_position.c
    facts = [func.coalesce(event[name], gone[name]).label(name) for name in ("at", "leaf")]
    xid = func.coalesce(cast(event.xid, Text), cast(gone.xid, Text)).label("xid")
    joined = audit_position.outerjoin(audit_event, event.id == place.event_id).outerjoin(audit_erased, gone.event_id == place.event_id)
    query = select(place.position, place.event_id, xid, *facts).select_from(joined)
    return query.where(place.position.between(first, first + size - 1)).order_by(place.position)
