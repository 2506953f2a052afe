"""Keep the index of one container in step with its memories: which word stands where, and how much there is of everything.

Statistics belong to one container, so that a score tells nothing of any other.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, text

from backend_core.memory.dates import date_terms, day_terms
from backend_core.memory.terms import counted, terms

APART: Final = 3
"""How far what was said lends relevance to what was said before or after it, in turns; a noted fact stands further from all others."""
_MOST_TIMES: Final = 32_767

_PLACE: Final = text("""
INSERT INTO container_stats (container_id, next_turn) VALUES (:container, 1 + :step)
ON CONFLICT (container_id) DO UPDATE SET next_turn = container_stats.next_turn + :step
RETURNING next_turn
""")
_ADD: Final = text("""
INSERT INTO postings (container_id, memory_id, term, tf, turn, tokens)
SELECT :container, p.memory_id, p.term, p.tf, p.turn, p.tokens
  FROM unnest(CAST(:ids AS uuid[]), CAST(:terms AS text[]), CAST(:counts AS smallint[]), CAST(:turns AS integer[]),
              CAST(:tokens AS integer[])) AS p (memory_id, term, tf, turn, tokens)
""")
_GROW: Final = text("""
UPDATE container_stats SET memories = memories + :memories, tokens = tokens + :tokens WHERE container_id = :container
""")
_REMOVE: Final = text("""
WITH gone AS (DELETE FROM postings WHERE container_id = :container AND memory_id = ANY(:ids) RETURNING memory_id, tokens),
     each AS (SELECT DISTINCT memory_id, tokens FROM gone)
UPDATE container_stats
   SET memories = memories - (SELECT count(*) FROM each), tokens = tokens - (SELECT coalesce(sum(tokens), 0) FROM each)
 WHERE container_id = :container
""")
_REMOVE_VECTORS: Final = text("DELETE FROM memory_vectors WHERE container_id = :container AND memory_id = ANY(:ids)")


@dataclass(frozen=True, slots=True)
class Entry:
    """A memory as the index needs it."""

    memory_id: uuid.UUID
    turn: int
    text: str
    speaker: str | None
    said_at: dt.datetime
    event_at: dt.datetime | None = None

    def counts(self) -> tuple[dict[str, int], int]:
        """Return how often each term stands in it, and of how many it consists; days are terms, but do not make it longer."""
        found = counted(self.text)
        found.update(terms(self.speaker or ""))
        days = [*day_terms(self.said_at.astimezone(dt.UTC).date()), *date_terms(self.text, year=self.said_at.year)]
        days += day_terms(self.event_at.astimezone(dt.UTC).date()) if self.event_at else ()
        return dict(found) | dict.fromkeys(days, 1), found.total()


def token_count(entry: Entry) -> int:
    """Return of how many terms a memory consists."""
    return entry.counts()[1]


def reserve_turns(conn: Connection, container_id: int, *, apart: Sequence[bool]) -> list[int]:
    """Return the next free place for each memory, further from its neighbours where ``apart`` says so."""
    steps = [2 * APART + 1 if alone else 1 for alone in apart]
    following = int(conn.execute(_PLACE, {"container": container_id, "step": sum(steps)}).scalar_one())
    places, end = [], following - sum(steps)
    for step in steps:
        places.append(end + step // 2)
        end += step
    return places


def index(conn: Connection, container_id: int, entries: Iterable[Entry]) -> None:
    """Add memories to the index of the container whose scope is open."""
    columns: dict[str, list[object]] = {"ids": [], "terms": [], "counts": [], "turns": [], "tokens": []}
    memories = total = 0
    for entry in entries:
        found, length = entry.counts()
        memories, total = memories + 1, total + length
        columns["ids"] += [entry.memory_id] * len(found)
        columns["terms"] += found
        columns["counts"] += [min(count, _MOST_TIMES) for count in found.values()]
        columns["turns"] += [entry.turn] * len(found)
        columns["tokens"] += [length] * len(found)
    if memories:
        conn.execute(_ADD, {"container": container_id} | columns)
        conn.execute(_GROW, {"container": container_id, "memories": memories, "tokens": total})


def unindex(conn: Connection, container_id: int, memory_ids: Sequence[uuid.UUID]) -> None:
    """Take memories out of the index and remove their vectors, as if they had never been there; the memories themselves stay."""
    if memory_ids:
        which = {"container": container_id, "ids": list(memory_ids)}
        conn.execute(_REMOVE, which)
        conn.execute(_REMOVE_VECTORS, which)
