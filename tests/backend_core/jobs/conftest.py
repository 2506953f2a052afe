"""A worker in a thread of the test process, so that a test can give it an engine of its own."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest

from backend_core.backend import Backend
from backend_core.jobs.supervisor import alive_in
from backend_core.settings import Settings
from backend_core.worker import Worker, new_loop
from tests.polling import eventually

Serve = Callable[[Backend, Settings], AbstractContextManager[None]]


@contextlib.contextmanager
def _serving(backend: Backend, settings: Settings) -> Iterator[None]:
    loop = new_loop()
    task = loop.create_task(Worker(backend, settings).serve())

    def run() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            loop.run_until_complete(task)

    thread = threading.Thread(target=run, name="worker")
    thread.start()
    try:
        eventually(alive_in(backend.database, queue=backend.jobs.queue))
        yield
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join()
        loop.close()


@pytest.fixture
def serving() -> Serve:
    """Return a context manager inside which a worker serves a backend's queue."""
    return _serving
