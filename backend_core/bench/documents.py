"""How long the document list takes at growing sizes, beside the naive loader that asks for each document again."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from backend_core.backend import Backend, open_backend
from backend_core.db import embedded
from backend_core.documents.tables import audios, document_pages, documents
from backend_core.policy import Actor
from backend_core.settings import load_settings

SIZES: Final = (10, 100, 1_000, 10_000)
NAIVE: Final = 100


def run(*, rounds: int = 30) -> list[dict[str, Any]]:
    """Return the p95 of listing 100 documents among 10 to 10,000, in milliseconds, and the naive loader's as control."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        with open_backend(load_settings(home=home, dsn=None, objects=None)) as backend:
            actor = backend.actor()
            records = _measure(backend, actor, rounds)
        embedded.stop(home, force=True)
    return records


def _measure(backend: Backend, actor: Actor, rounds: int) -> list[dict[str, Any]]:
    records = []
    made = 0
    for size in SIZES:
        _add(backend, actor, size - made)
        made = size
        ours = _p95_ms(lambda: backend.documents.listing(actor=actor, limit=100), rounds)
        naive = _p95_ms(lambda: _naive(backend), max(3, rounds // 5)) if size >= NAIVE else None
        note = "naive loader: two more queries for each of 100 documents" if naive else "too few documents for the naive loader"
        records.append(
            {
                "name": f"documents.list_p95_{size}",
                "value": ours,
                "unit": "ms",
                "control": naive,
                "ratio": ours / naive if naive else None,
                "threshold": "<= 100",
                "note": note,
            }
        )
    return records


def _p95_ms(work: Callable[[], object], rounds: int) -> float:
    taken = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        taken.append((time.perf_counter() - began) * 1000)
    return round(statistics.quantiles(taken, n=20)[-1], 2)


def _naive(backend: Backend) -> None:
    with backend.database.begin("Naive list") as conn:
        for document_id in conn.execute(sa.select(documents.c.id).limit(NAIVE)).scalars().all():
            conn.execute(sa.select(document_pages.c.id).where(document_pages.c.document_id == document_id)).all()
            conn.execute(sa.select(audios.c.id).where(audios.c.document_id == document_id)).all()


def _add(backend: Backend, actor: Actor, count: int) -> None:
    facts = {"owner_id": actor.operator_id, "kind": "txt", "status": "COMPLETED", "correlation_id": "bench", "size_bytes": 1}
    with tempfile.TemporaryDirectory() as folder, backend.database.begin("Add documents", deadline_s=60) as conn:
        file = Path(folder) / "file"
        file.write_text("x", encoding="utf-8")
        facts["object_id"] = backend.storage.attach(conn, backend.storage.stage(file), content_type="text/plain")
        rows = [facts | {"title": f"Document {number}", "filename": "a.txt", "page_count": 1} for number in range(count)]
        ids = conn.execute(sa.insert(documents).returning(documents.c.id), rows).scalars().all()
        conn.execute(sa.insert(document_pages), [{"document_id": document_id, "number": 1, "text": "x"} for document_id in ids])
        conn.execute(sa.text("ANALYZE documents"))
