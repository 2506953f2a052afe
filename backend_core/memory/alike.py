"""What stands near something in one container: words that begin alike, facts that say the same."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Final

import numpy as np
from sqlalchemy import Connection, text

from backend_core.memory.records import Memory
from backend_core.memory.rows import live, read
from backend_core.memory.tables import memories
from backend_core.memory.terms import terms, words

MOST_FACTS: Final = 2000
_LONGEST_PREFIX: Final = 80

# the words of one memory for each term, because a term is only the stem of a word
_COMPLETE: Final = text("""
WITH likely AS (
    SELECT p.term, count(*) AS times, (array_agg(p.memory_id))[1] AS memory_id
      FROM postings p
     WHERE p.container_id = :container AND starts_with(p.term, :prefix)
     GROUP BY p.term ORDER BY count(*) DESC, p.term LIMIT :limit
)
SELECT l.term, m.text, coalesce(m.speaker, '') AS speaker
  FROM likely l JOIN memories m ON m.container_id = :container AND m.id = l.memory_id
 WHERE m.forgotten_at IS NULL
 ORDER BY l.times DESC, l.term
""")
_VECTORS: Final = text("""
SELECT memory_id, scale, embedding FROM memory_vectors WHERE container_id = :container AND model = :model AND memory_id = ANY(:ids)
""")


def complete(conn: Connection, container_id: int, prefix: str, *, limit: int) -> tuple[str, ...]:
    """Return words of the container that begin like ``prefix``, the most frequent first."""
    begun = words(prefix)
    if not begun:
        return ()
    wanted = begun[-1][:_LONGEST_PREFIX]
    # the stem may be shorter than what was typed so far
    stem = (terms(wanted) or [wanted])[0]
    rows = conn.execute(_COMPLETE, {"container": container_id, "prefix": min(stem, wanted, key=len), "limit": limit})
    found: dict[str, None] = {}
    for row in rows:
        for word in words(f"{row.speaker} {row.text}"):
            if word.startswith(wanted) and row.term in terms(word):
                found[word] = None
                break
    return tuple(found)


def groups(conn: Connection, container_id: int, *, threshold: float, model: str | None) -> tuple[tuple[Memory, ...], ...]:
    """Return groups of noted facts that say the same; those that were said by somebody are left alone."""
    query = live(container_id).where(memories.c.speaker.is_(None)).order_by(memories.c.turn.desc()).limit(MOST_FACTS)
    facts = [read(row) for row in conn.execute(query)][::-1]
    likeness = None if model is None else _by_meaning(conn, container_id, facts, model)
    if likeness is None:
        likeness = _by_words(facts)
    parents = list(range(len(facts)))
    for one, other in zip(*np.nonzero(np.triu(likeness >= threshold, k=1)), strict=True):
        parents[_root(parents, int(other))] = _root(parents, int(one))
    found: dict[int, list[Memory]] = defaultdict(list)
    for place, memory in enumerate(facts):
        found[_root(parents, place)].append(memory)
    return tuple(tuple(group) for group in found.values() if len(group) > 1)


def _root(parents: list[int], place: int) -> int:
    while parents[place] != place:
        parents[place] = parents[parents[place]]
        place = parents[place]
    return place


def _by_words(facts: list[Memory]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the share of common terms of every two facts."""
    sets = [set(terms(memory.text)) for memory in facts]
    places: dict[str, list[int]] = defaultdict(list)
    for place, one in enumerate(sets):
        for term in one:
            places[term].append(place)
    common = np.zeros((len(facts), len(facts)))
    for same in places.values():
        common[np.ix_(same, same)] += 1
    sizes = np.array([len(one) for one in sets], dtype=float)
    return np.asarray(common / np.maximum(sizes[:, None] + sizes[None, :] - common, 1), dtype=np.float64)


def _by_meaning(conn: Connection, container_id: int, facts: list[Memory], model: str) -> np.ndarray[Any, np.dtype[np.float64]] | None:
    """Return the cosine of every two facts; None where one of them has no vector yet."""
    rows = conn.execute(_VECTORS, {"container": container_id, "model": model, "ids": [memory.id for memory in facts]}).all()
    if not rows or len(rows) < len(facts):
        return None
    known = {row.memory_id: np.frombuffer(row.embedding, dtype=np.int8) * row.scale for row in rows}
    table = np.stack([known[memory.id] for memory in facts])
    return np.asarray(table @ table.T, dtype=np.float64)
