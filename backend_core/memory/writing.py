"""Put memories into a container: once each, in order, indexed, and with what they contradict marked."""

from __future__ import annotations

import datetime as dt
import hashlib
import unicodedata
import uuid
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, delete, func, insert, select, update

from backend_core.errors import InvalidInput, NotFound, StaleVersion
from backend_core.memory import indexing
from backend_core.memory.conflicts import contradicts
from backend_core.memory.indexing import Entry
from backend_core.memory.records import Memory, NewMemory
from backend_core.memory.rows import FIELDS, read
from backend_core.memory.tables import memories, memory_history

_ALIKE: Final = 12
_GIVEN: Final = (
    "type", "text", "speaker", "salience", "confidence", "tone", "topic", "source_message_id", "said_at", "event_at", "expires_at",
)  # fmt: skip


def content_hash(new: NewMemory | Memory) -> bytes:
    """Return what two memories share when they are one: a fact its words, something said also who said it and when."""
    words = " ".join(unicodedata.normalize("NFKC", new.text).casefold().split())
    said = f"{new.speaker}\n{new.said_at and new.said_at.astimezone(dt.UTC).isoformat()}\n" if new.speaker else "\n\n"
    return hashlib.sha256((said + words).encode()).digest()


def keep(conn: Connection, container_id: int, given: Sequence[NewMemory]) -> list[tuple[Memory, bool]]:
    """Add memories in their order to the container whose scope is open; return each, and whether it is new.

    What is there already is not added again; only this container is looked at for that.
    """
    now = dt.datetime.now(dt.UTC)
    dated = [(one, {name: getattr(one, name) for name in _GIVEN} | {"said_at": one.said_at or now}) for one in given]
    hashes = [content_hash(NewMemory(**values)) for _, values in dated]
    known = _known(conn, container_id, hashes)
    rows: list[dict[str, Any]] = []
    seen: set[bytes] = set(known)
    for (one, values), digest in zip(dated, hashes, strict=True):
        if digest not in seen:
            seen.add(digest)
            rows.append(values | {"container_id": container_id, "id": one.id or uuid.uuid4(), "content_hash": digest})
    made = {bytes(digest): memory for digest, memory in _add(conn, container_id, rows)}
    return [((made.get(digest) or known[digest]), digest in made) for digest in hashes]


def _known(conn: Connection, container_id: int, hashes: Sequence[bytes]) -> dict[bytes, Memory]:
    query = select(*FIELDS, memories.c.content_hash).where(
        memories.c.container_id == container_id, memories.c.content_hash.in_(hashes), memories.c.forgotten_at.is_(None)
    )
    return {bytes(row.content_hash): read(row) for row in conn.execute(query)}


def _add(conn: Connection, container_id: int, rows: list[dict[str, Any]]) -> list[tuple[bytes, Memory]]:
    if not rows:
        return []
    turns = indexing.reserve_turns(conn, container_id, apart=[row["speaker"] is None for row in rows])
    entries = []
    for row, turn in zip(rows, turns, strict=True):
        entry = Entry(row["id"], turn, row["text"], row["speaker"], row["said_at"], row["event_at"])
        entries.append(entry)
        row |= {"turn": turn, "tokens": indexing.token_count(entry)}
    found = conn.execute(insert(memories).returning(memories.c.content_hash, *FIELDS), rows).all()
    indexing.index(conn, container_id, entries)
    return [(bytes(row[0]), Memory(**dict(zip(Memory.__dataclass_fields__, row[1:], strict=True)))) for row in found]


def mark_conflicts(conn: Connection, container_id: int, new: Memory) -> list[uuid.UUID]:
    """Mark older facts of this container that ``new`` contradicts; return their ids."""
    if new.speaker is not None:
        return []
    # on first use: it loads what computes
    from backend_core.memory.search import Question, search

    alike = search(conn, container_id, Question(new.text, limit=_ALIKE))
    older = [hit.memory for hit in alike if hit.memory.id != new.id and hit.memory.speaker is None]
    found = [memory.id for memory in older if memory.conflicts_with is None and contradicts(new.text, memory.text)]
    if found:
        mine = (memories.c.container_id == container_id, memories.c.id.in_(found))
        conn.execute(update(memories).where(*mine).values(conflicts_with=new.id))
    return found


def one(conn: Connection, container_id: int, memory_id: uuid.UUID) -> Memory:
    """Return a memory of this container, a forgotten one too.

    Raises:
        NotFound: not here; whether it is anywhere else makes no difference.
    """
    row = conn.execute(select(*FIELDS).where(memories.c.container_id == container_id, memories.c.id == memory_id)).one_or_none()
    if row is None:
        raise NotFound("There is no such memory in this conversation.")
    return read(row)


def change(
    conn: Connection, container_id: int, before: Memory, values: dict[str, Any], *, version: int, by: str, reason: str | None
) -> Memory:
    """Replace a memory by its next version; the former one goes into its history.

    Raises:
        StaleVersion: somebody changed it since ``version``.
        NotFound: it is forgotten.
    """
    if before.forgotten_at is not None:
        raise NotFound("That memory is forgotten; restore it first.")
    facts = {"container_id": container_id, "memory_id": before.id, "version": before.version, "text": before.text, "type": before.type}
    mine = (
        memories.c.container_id == container_id,
        memories.c.id == before.id,
        memories.c.version == version,
        memories.c.forgotten_at.is_(None),
    )
    after = NewMemory(**{name: getattr(before, name) for name in _GIVEN} | values)
    entry = Entry(before.id, before.turn, after.text, before.speaker, before.said_at, after.event_at)
    made = {"version": version + 1, "updated_at": func.clock_timestamp(), "content_hash": content_hash(after)}
    made |= {"tokens": indexing.token_count(entry)}
    row = conn.execute(update(memories).where(*mine).values(**values, **made).returning(*FIELDS)).one_or_none()
    if row is None:
        raise StaleVersion("Somebody changed that memory meanwhile.")
    conn.execute(insert(memory_history).values(**facts, changed_by=by[:200], reason=reason and reason[:500]).inline())
    indexing.unindex(conn, container_id, [before.id])
    indexing.index(conn, container_id, [entry])
    return read(row)


def merge(conn: Connection, container_id: int, kept: Memory, gone: Sequence[Memory]) -> Memory:
    """Keep one of several noted facts, with the greatest weights of them, and delete the others with all that belongs to them.

    Raises:
        InvalidInput: one of them is what somebody said: that stays as it was.
    """
    if any(memory.speaker is not None or memory.forgotten_at is not None for memory in (kept, *gone)):
        raise InvalidInput("Only noted facts that are not forgotten are merged.")
    indexing.unindex(conn, container_id, [memory.id for memory in gone])
    mine = memories.c.container_id == container_id
    conn.execute(delete(memories).where(mine, memories.c.id.in_([memory.id for memory in gone])))
    weights = {name: max(getattr(memory, name) for memory in (kept, *gone)) for name in ("salience", "confidence")}
    changed = update(memories).where(mine, memories.c.id == kept.id).values(**weights, updated_at=func.clock_timestamp())
    return read(conn.execute(changed.returning(*FIELDS)).one())
