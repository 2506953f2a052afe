"""Fill the audit log with sample events by COPY, chained and sealed as the program itself would have done over two years."""

from __future__ import annotations

import contextlib
import datetime as dt
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Final

import psycopg
from psycopg import sql
from sqlalchemy import Connection, select

from backend_core.audit import checkpoint as notes
from backend_core.audit import merkle, sealer
from backend_core.audit.chain import EPOCH, MICROSECOND
from backend_core.audit.checkpoint import Checkpoint
from backend_core.audit.keys import Keys, SealKey
from backend_core.audit.search import TOP
from backend_core.audit.tables import audit_generation
from backend_core.db.database import Database
from backend_core.db.failures import translated
from backend_core.errors import Unavailable
from backend_core.seed.audit_events import COLUMNS, Person, SampleEvent, sample_events

SIZES: Final = {"small": 5_000, "medium": 100_000, "large": 10_000_000}
SEED: Final = 20_261_122
SEAL_ROWS: Final = 500
REPORT: Final = 50_000
MANY: Final = 500_000
LAG_US: Final = 700_000

Progress = Callable[..., None]


@dataclass(frozen=True, slots=True)
class _Batch:
    """Rows of one seal to be: how many, their root, and the time of the last one in microseconds."""

    rows: int
    root: bytes
    at: int


def seed_audit(
    database: Database,
    keys: Keys,
    owner: str,
    *,
    count: int,
    people: Sequence[Person],
    until: dt.datetime,
    progress: Progress,
    many: int = MANY,
) -> int:
    """Add ``count`` events of the two years before ``until`` to the audit log, and seal them; return how many.

    Nobody else can write meanwhile.

    Args:
        database: the log.
        keys: of this host; its key signs the seals.
        owner: connection string of the role that owns the tables.
        count: events to add.
        people: who acts in them.
        until: the end of the two years, in UTC.
        progress: called with events done and events in all.
        many: from how many events on indexes are built anew at the end.
    """
    with translated(), psycopg.connect(owner) as conn, _alone(conn):
        with database.begin("Prepare sample events") as app:
            key = keys.ready(app)
            if key is None:
                raise Unavailable("This computer's sealing key is not known to the audit log, so it cannot add sample events.")
            position = app.execute(TOP).scalar_one() + 1
        with _without_indexes(conn, drop=count >= many):
            event = _number(conn, "SELECT coalesce(max(id), 0) + 1 FROM audit_event")
            events = sample_events(count, people, until=until, seed=SEED + event)
            batches = _copy(conn, events, first_event=event, first_position=position, total=count, progress=progress)
            conn.execute("SELECT setval(pg_get_serial_sequence('audit_event', 'id'), (SELECT max(id) FROM audit_event))")
        conn.commit()
        with database.begin("Prepare sample events") as app:
            last = _beginning(app, key, at=until - dt.timedelta(days=750))
        _seal(conn, batches, last, key, first_event=event)
        conn.commit()
        _settle(conn)
    # rows that waited before go last: what is sealed says from now on that nothing waits
    sealer.Sealer(database, keys).seal()
    return count


@contextlib.contextmanager
def _alone(conn: psycopg.Connection[Any]) -> Iterator[None]:
    """Keep every sealer out until the end, in two transactions: rows can only be sealed when their transaction is over."""
    # lock: positions and heads are given by one at a time; the number is that of the sealer
    conn.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", (sealer.LOCK,))
    conn.commit()
    yield
    conn.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", (sealer.LOCK,))


def _beginning(app: Connection, key: SealKey, *, at: dt.datetime) -> Checkpoint:
    """Begin a generation, as after a restore: its rows may be older than the seals before it. Return what its first seal follows."""
    now = sealer._moment(app)
    first = app.execute(select(audit_generation.c.generation).limit(1)).first() is None
    made = sealer._begin(app, key, replace(now, at=at) if first else now, secrets.token_hex(8))
    return replace(sealer._last(app, made.log), generation=made.number)


def _number(conn: psycopg.Connection[Any], query: str) -> int:
    row = conn.execute(query.encode()).fetchone()
    return int(row[0]) if row else 0


@contextlib.contextmanager
def _without_indexes(conn: psycopg.Connection[Any], *, drop: bool) -> Iterator[None]:
    """Drop what is only there for searching, and build it once at the end, which is quicker than row by row."""
    conn.execute("SET LOCAL maintenance_work_mem = '512MB'")
    conn.execute("LOCK TABLE audit_event IN SHARE ROW EXCLUSIVE MODE")
    found: list[tuple[str, str]] = []
    if drop:
        found = conn.execute(
            "SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) FROM pg_index i"
            " WHERE i.indrelid = 'audit_event'::regclass AND NOT i.indisprimary"
        ).fetchall()
    for name, _ in found:
        conn.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
    yield
    for _, definition in found:
        conn.execute(definition.encode())


def _copy(
    conn: psycopg.Connection[Any], events: Iterator[SampleEvent], *, first_event: int, first_position: int, total: int, progress: Progress
) -> list[_Batch]:
    """Write the events; return what their seals need."""
    xid = _number(conn, "SELECT pg_current_xact_id()::text::bigint")
    columns = sql.SQL(", ").join(map(sql.Identifier, ("id", *COLUMNS)))
    done = 0
    made: list[_Batch] = []
    with conn.cursor().copy(sql.SQL("COPY audit_event ({}) FROM STDIN").format(columns)) as copy:
        while batch := list(islice(events, SEAL_ROWS)):
            ids = range(first_event + done, first_event + done + len(batch))
            copy.write("".join(f"{number}\t{one.line}" for number, one in zip(ids, batch, strict=True)))
            position = first_position + done
            entries = (merkle.entry(position + place, ids[place], xid, one.at, one.leaf) for place, one in enumerate(batch))
            made.append(_Batch(len(batch), merkle.root([merkle.leaf_hash(entry) for entry in entries]), batch[-1].at))
            done += len(batch)
            if done % REPORT < SEAL_ROWS:
                progress(done, total, what="Adding audit rows")
    progress(done, total, what="Adding audit rows")
    return made


def _seal(conn: psycopg.Connection[Any], batches: Sequence[_Batch], last: Checkpoint, key: SealKey, *, first_event: int) -> None:
    horizon = _number(conn, "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
    first = last.last + 1
    columns = "id, generation, size, first_position, last_position, root, head, at, key_id, signature, checkpoint, horizon"
    with conn.cursor().copy(f"COPY audit_seal ({columns}) FROM STDIN") as copy:
        for batch in batches:
            last = _following(last, batch, horizon=horizon)
            copy.write_row(_row(last, key))
    conn.execute(
        "INSERT INTO audit_position (position, event_id, seal_id)"
        " SELECT s.first_position + n, s.first_position + n - %s + %s, s.id"
        " FROM audit_seal s, generate_series(0, s.size - 1) n WHERE s.first_position >= %s",
        (first, first_event, first),
    )


def _following(last: Checkpoint, batch: _Batch, *, horizon: int) -> Checkpoint:
    made = replace(
        last,
        seal=last.seal + 1,
        first=last.last + 1,
        last=last.last + batch.rows,
        root=batch.root,
        at=max(last.at, batch.at + LAG_US),
        horizon=horizon,
        seen=None,
    )
    return replace(made, head=notes.head(last.head, made))


def _row(made: Checkpoint, key: SealKey) -> tuple[object, ...]:
    text = notes.body(made)
    signature = key.sign(text.encode())
    note = notes.note(text, key_id=key.id, public=key.public, signature=signature)
    size, at = made.last - made.first + 1, EPOCH + made.at * MICROSECOND
    facts = (made.seal, made.generation, size, made.first, made.last, made.root, made.head, at)
    return (*facts, key.id, signature, note, str(made.horizon))


def _settle(conn: psycopg.Connection[Any]) -> None:
    # what searching and counting need to know about so many new rows
    conn.autocommit = True
    for table in ("audit_event", "audit_position", "audit_seal"):
        conn.execute(sql.SQL("VACUUM (ANALYZE) {}").format(sql.Identifier(table)))
