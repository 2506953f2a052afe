"""Vectors as they are kept: one byte per dimension and one scale, compared exactly inside one container."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, select, text

from backend_core.memory.tables import memories, memory_vectors

_STEPS: Final = 127
_BLOCK: Final = 4096
# only of what is still as it was when the vector was made
_ADD: Final = text("""
INSERT INTO memory_vectors (container_id, memory_id, model, turn, scale, embedding)
SELECT :container, m.id, :model, m.turn, v.scale, v.embedding
  FROM unnest(CAST(:ids AS uuid[]), CAST(:versions AS integer[]), CAST(:scales AS real[]), CAST(:embeddings AS bytea[]))
       AS v (memory_id, version, scale, embedding)
  JOIN memories m ON m.container_id = :container AND m.id = v.memory_id AND m.version = v.version AND m.forgotten_at IS NULL
ON CONFLICT (container_id, memory_id, model) DO UPDATE SET scale = excluded.scale, embedding = excluded.embedding
""")


@dataclass(frozen=True, slots=True)
class Unseen:
    """A memory without a vector."""

    memory_id: uuid.UUID
    version: int
    speaker: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Quantised:
    """A unit vector in one byte per dimension.

    Attributes:
        scale: what one step stands for.
    """

    model: str
    scale: float
    values: npt.NDArray[np.int8]


def quantised(vector: npt.NDArray[np.float32], *, model: str) -> Quantised:
    """Return a vector scaled to length 1 in one byte per dimension; all zeros stay zeros."""
    length = float(np.linalg.norm(vector)) or 1.0
    unit = vector / length
    scale = float(np.abs(unit).max()) / _STEPS or 1.0
    return Quantised(model, scale, np.round(unit / scale).astype(np.int8))


def likeness(question: Quantised, scales: bytes | None, embeddings: bytes | None) -> npt.NDArray[np.float64]:
    """Return the cosine of the question with each of many vectors, packed one after the other."""
    if not scales or not embeddings:
        return np.zeros(0)
    table = np.frombuffer(embeddings, dtype=np.int8).reshape(-1, len(question.values))
    wanted = question.values.astype(np.float32)
    # the whole table as floats at once would take four times its size
    products = np.concatenate([part.astype(np.float32) @ wanted for part in np.array_split(table, 1 + len(table) // _BLOCK)])
    found: npt.NDArray[np.float64] = products.astype(np.float64) * np.frombuffer(scales, dtype=">f4") * question.scale
    return found


def store(conn: Connection, container_id: int, rows: Sequence[tuple[uuid.UUID, int, Quantised]]) -> None:
    """Keep the vectors of memories in these versions, all by one model."""
    if rows:
        facts = {
            "container": container_id,
            "model": rows[0][2].model,
            "ids": [row[0] for row in rows],
            "versions": [row[1] for row in rows],
        }
        values = {"scales": [row[2].scale for row in rows], "embeddings": [row[2].values.tobytes() for row in rows]}
        conn.execute(_ADD, facts | values)


def missing(conn: Connection, container_id: int, *, model: str, limit: int) -> list[Unseen]:
    """Return memories that this model has not seen, the newest first."""
    seen = select(memory_vectors.c.memory_id).where(
        memory_vectors.c.container_id == container_id, memory_vectors.c.memory_id == memories.c.id, memory_vectors.c.model == model
    )
    query = select(memories.c.id, memories.c.version, memories.c.speaker, memories.c.text).where(
        memories.c.container_id == container_id, memories.c.forgotten_at.is_(None), ~seen.exists()
    )
    return [Unseen(*row) for row in conn.execute(query.order_by(memories.c.turn.desc()).limit(limit))]
