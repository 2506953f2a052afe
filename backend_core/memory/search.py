"""Search in one container: BM25 over its postings in SQL, relevance lent by neighbouring turns, vectors where there are any."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from sqlalchemy import ARRAY, Connection, Integer, String, bindparam, func, select, text

from backend_core.memory.dates import date_terms
from backend_core.memory.ranking import Candidate, Found, Judge, Scores, by_words, with_meaning, word_parts
from backend_core.memory.records import Hit, Mode
from backend_core.memory.rows import COUNTS, FIELDS, read
from backend_core.memory.tables import memories
from backend_core.memory.terms import asked
from backend_core.memory.vectors import Quantised, likeness
from backend_core.memory.weights import STANDARD, Ranking

MOST_WORDS: Final = 64
"""Terms of one question that are looked for; a question pasted by mistake is cut there."""
_LATER: Final = 4
# built once: to build it costs more than to run it
_AT_TURNS: Final = select(*FIELDS, memories.c.tokens).where(
    memories.c.container_id == bindparam("container"), memories.c.turn == func.any(bindparam("turns", type_=ARRAY(Integer))), *COUNTS
)
_AT_TURNS_OF_TYPES: Final = _AT_TURNS.where(memories.c.type == func.any(bindparam("types", type_=ARRAY(String))))

# One row per term, its places packed: thousands of them cost less than as many rows. Index-only: every column is in idx_posting_term.
POSTINGS: Final = text("""
WITH size AS MATERIALIZED (
    SELECT memories, greatest(tokens, 1)::float8 / greatest(memories, 1) AS average FROM container_stats WHERE container_id = :container
)
SELECT p.term, size.memories, size.average, string_agg(int4send(p.turn), ''::bytea) AS turns,
       string_agg(float4send((p.tf * (:k1 + 1) / (p.tf + :k1 * (1 - :b + :b * p.tokens / size.average)))::real), ''::bytea) AS weights
  FROM size, postings p
 WHERE p.container_id = :container AND p.term = ANY(:terms)
 GROUP BY p.term, size.memories, size.average
 ORDER BY p.term
""")
VECTORS: Final = text("""
SELECT string_agg(int4send(turn), ''::bytea) AS turns, string_agg(float4send(scale), ''::bytea) AS scales,
       string_agg(embedding, ''::bytea) AS embeddings
  FROM memory_vectors
 WHERE container_id = :container AND model = :model
""")


@dataclass(frozen=True, slots=True)
class Question:
    """What is looked for.

    Attributes:
        types: only memories of these; all where it is empty.
        vector: of the question, by ``model``; None to search by words.
        words: whether words count beside the vector.
    """

    text: str
    limit: int = 10
    types: tuple[str, ...] = ()
    vector: Quantised | None = None
    words: bool = True

    @property
    def mode(self) -> Mode:
        """How it is answered."""
        if self.vector is None:
            return "lexical"
        return "hybrid" if self.words else "vector"


def search(conn: Connection, container_id: int, question: Question, *, ranking: Ranking = STANDARD) -> tuple[Hit, ...]:
    """Return the memories that fit best, best first.

    Args:
        conn: a transaction with the scope of the container.
        container_id: the container.
        question: what is looked for.
        ranking: the weights.
    """
    terms = asked(question.text) | {term: term[1:] for term in date_terms(question.text)}
    wanted = dict(list(terms.items())[:MOST_WORDS])
    scores, average = _by_words(conn, container_id, list(wanted), ranking) if question.words else (None, 1.0)
    if question.vector is not None:
        packed = conn.execute(VECTORS, {"container": container_id, "model": question.vector.model}).one()
        turns = _ints(packed.turns)
        scores = with_meaning(scores, turns, likeness(question.vector, packed.scales, packed.embeddings), ranking=ranking)
    if scores is None:
        return ()
    candidates = _candidates(conn, container_id, scores, question, max(ranking.candidates, 2 * question.limit))
    judged = Judge(question.text, average=average, ranking=ranking).judge(scores, candidates)[: question.limit]
    hits = []
    for rank, one in enumerate(judged, start=1):
        parts = sorted([*word_parts(scores, one.memory.turn, wanted), *one.parts], key=lambda part: -abs(part.score))
        hits.append(Hit(one.memory, one.score, rank, tuple(parts), question.mode))
    return tuple(hits)


def _by_words(conn: Connection, container_id: int, terms: list[str], ranking: Ranking) -> tuple[Scores | None, float]:
    if not terms:
        return None, 1.0
    given = {"container": container_id, "terms": terms, "k1": ranking.k1, "b": ranking.b}
    rows = conn.execute(POSTINGS, given).all()
    if not rows:
        return None, 1.0
    found = [Found(row.term, _ints(row.turns), np.frombuffer(row.weights, dtype=">f4").astype(np.float32)) for row in rows]
    return by_words(found, memories=rows[0].memories, ranking=ranking), float(rows[0].average)


def _ints(packed: bytes | None) -> np.ndarray[Any, np.dtype[np.int32]]:
    return np.frombuffer(packed or b"", dtype=">i4").astype(np.int32)


def _candidates(conn: Connection, container_id: int, scores: Scores, question: Question, wanted: int) -> list[Candidate]:
    """Return the most promising memories; those that no longer count make room for the next."""
    given: dict[str, Any] = {"container": container_id} | ({"types": list(question.types)} if question.types else {})
    query = _AT_TURNS_OF_TYPES if question.types else _AT_TURNS
    found: list[Candidate] = []
    done, step = 0, wanted
    while len(found) < wanted:
        turns = scores.best(done + step)[done:]
        if not turns:
            break
        found += [Candidate(read(row), row[-1]) for row in conn.execute(query, given | {"turns": turns})]
        done, step = done + len(turns), step * _LATER
    return found
