"""A worker in a thread of the test process, so that a test can give it an engine of its own."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import psycopg
import pytest
from procrastinate.exceptions import ProcrastinateException

from backend_core.backend import Backend
from backend_core.jobs.supervisor import alive_in
from backend_core.settings import Settings
from backend_core.worker import Worker, new_loop
from tests.polling import eventually

STOP_S = 60
Serve = Callable[[Backend, Settings], AbstractContextManager[None]]


@contextlib.contextmanager
def _serving(backend: Backend, settings: Settings) -> Iterator[None]:
    started: queue.SimpleQueue[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = queue.SimpleQueue()

    async def serve() -> None:
        stopping = asyncio.Event()
        started.put((asyncio.get_running_loop(), stopping))
        while not stopping.is_set():
            # as the process does that comes back after its connections were cut
            with contextlib.suppress(psycopg.Error, ProcrastinateException):
                await Worker(backend, settings).serve(stopping)

    def run() -> None:
        with asyncio.Runner(loop_factory=new_loop) as runner:
            runner.run(serve())

    thread = threading.Thread(target=run, name="worker")
    thread.start()
    loop, stopping = started.get()
    try:
        eventually(alive_in(backend.database, queue=backend.jobs.queue))
        yield
    finally:
        loop.call_soon_threadsafe(stopping.set)
        thread.join(STOP_S)
        assert not thread.is_alive()


@pytest.fixture
def serving() -> Serve:
    """Return a context manager inside which a worker serves a backend's queue."""
    return _serving
