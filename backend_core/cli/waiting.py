"""Wait for jobs from a command, running a worker where none is alive."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from backend_core.backend import Backend
from backend_core.cli.output import Output
from backend_core.documents.records import AudioRow, DocumentRow
from backend_core.errors import NotFound, Unavailable
from backend_core.policy import Actor

POLL_S: Final = 0.5
WORKER_EVERY_S: Final = 3.0
OPEN_DOCUMENT: Final = ("PENDING", "PROCESSING")
OPEN_AUDIO: Final = ("PENDING", "GENERATING")

T = TypeVar("T")


def _until(backend: Backend, look: Callable[[], tuple[T, bool]]) -> T:
    """Call ``look`` after every change until it says it is done; keep a worker alive meanwhile."""
    changed = threading.Event()
    stop = backend.changes.follow(lambda _table: changed.set())
    next_worker = 0.0
    try:
        while True:
            value, done = look()
            if done:
                return value
            if time.monotonic() >= next_worker:
                backend.worker.wait_alive()
                next_worker = time.monotonic() + WORKER_EVERY_S
            changed.wait(POLL_S)
            changed.clear()
    except KeyboardInterrupt:
        raise Unavailable("Stopped waiting; the work goes on in the background when a worker runs.") from None
    finally:
        stop()


def wait_for_documents(backend: Backend, ids: Sequence[int], *, actor: Actor, output: Output) -> tuple[DocumentRow, ...]:
    """Wait until the pages of all documents are read or failed; return those that still exist."""
    ended: dict[int, DocumentRow | None] = {}

    def look() -> tuple[tuple[DocumentRow, ...], bool]:
        for document_id in (one for one in ids if one not in ended):
            row = _document(backend, document_id, actor)
            if row is None or row.status not in OPEN_DOCUMENT:
                ended[document_id] = row
        output.progress(len(ended), len(ids), what="Reading pages")
        return tuple(row for row in ended.values() if row is not None), len(ended) == len(ids)

    return _until(backend, look) if ids else ()


def _document(backend: Backend, document_id: int, actor: Actor) -> DocumentRow | None:
    try:
        return backend.documents.get(document_id, actor=actor)
    except NotFound:
        # deleted by somebody else while we waited
        return None


def wait_for_audio(backend: Backend, document_id: int, ids: Sequence[int], *, actor: Actor, output: Output) -> tuple[AudioRow, ...]:
    """Wait until all these audios are finished, failed or gone; return those that still exist."""
    wanted = set(ids)

    def look() -> tuple[tuple[AudioRow, ...], bool]:
        rows = tuple(row for row in backend.audios.listing(document_id, actor=actor) if row.id in wanted)
        still = sum(row.status in OPEN_AUDIO for row in rows)
        output.progress(len(wanted) - still, len(wanted), what="Speaking")
        return rows, still == 0

    return _until(backend, look)
