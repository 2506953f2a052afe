"""How long callers wait for a connection when threads outnumber connections, beside SQLAlchemy's own pool on the same server."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.pool import QueuePool

from backend_core.db import embedded, postmaster
from backend_core.db.conninfo import complete
from backend_core.db.database import Database
from backend_core.db.roles import APP

BASE = 20
OVERFLOW = 10
TIMEOUT_S = 30.0
RECYCLE_S = 3600
ROUNDS = 2
_ASK = sa.text("SELECT 1")


@dataclass(frozen=True, slots=True)
class _Load:
    """What one pool did under the load; waits in seconds."""

    waits: list[float]
    errors: int
    seconds: float

    def __add__(self, other: _Load) -> _Load:
        return _Load(waits=self.waits + other.waits, errors=self.errors + other.errors, seconds=self.seconds + other.seconds)

    @property
    def longest_ms(self) -> float:
        """Longest wait of all."""
        return max(self.waits, default=0.0) * 1000

    @property
    def p95_ms(self) -> float:
        """Wait that 95 of 100 requests do not exceed."""
        return sorted(self.waits)[int(len(self.waits) * 0.95)] * 1000 if self.waits else 0.0

    @property
    def per_second(self) -> float:
        """Requests that succeeded, per second."""
        return len(self.waits) / self.seconds


def run(*, threads: int = 50, requests: int = 1000) -> list[dict[str, Any]]:
    """Return the figures of ``threads`` threads that each send ``requests`` requests through 20 + 10 connections.

    The two pools take turns in halves, so that a slower minute of the machine meets both.
    """
    ours = control = _Load(waits=[], errors=0, seconds=0.0)
    with throwaway_server() as dsn, ExitStack() as stack:
        database = Database.open(dsn, application="lectern-bench", base=BASE, overflow=OVERFLOW, timeout_s=TIMEOUT_S, recycle_s=RECYCLE_S)
        stack.callback(database.close)
        queue = _queue_pool(dsn)
        stack.callback(queue.dispose)
        for _ in range(ROUNDS):
            control += _load(queue, threads=threads, requests=requests // ROUNDS)
            ours += _load(database.engine, threads=threads, requests=requests // ROUNDS)
    return _records(ours, control, note=f"{threads} threads x {requests} requests on {BASE} + {OVERFLOW}; control: SQLAlchemy QueuePool")


def _records(ours: _Load, control: _Load, *, note: str) -> list[dict[str, Any]]:
    figures = (
        ("pool.longest_wait", "ms", ours.longest_ms, control.longest_ms, "<= 500"),
        ("pool.wait_p95", "ms", ours.p95_ms, control.p95_ms, ""),
        ("pool.requests", "requests/s", ours.per_second, control.per_second, ""),
        ("pool.errors", "errors", float(ours.errors), float(control.errors), "<= 0"),
    )
    return [
        {
            "name": name,
            "value": round(value, 1),
            "unit": unit,
            "control": round(beside, 1),
            "ratio": round(value / beside, 3) if beside else None,
            "threshold": threshold,
            "note": note,
        }
        for name, unit, value, beside, threshold in figures
    ]


def _load(engine: sa.Engine, *, threads: int, requests: int) -> _Load:
    start = threading.Barrier(threads)

    def work(_number: int) -> tuple[list[float], int]:
        start.wait()
        return _requests(engine, requests)

    begun = time.perf_counter()
    with ThreadPoolExecutor(threads) as workers:
        done = list(workers.map(work, range(threads)))
    seconds = time.perf_counter() - begun
    return _Load(waits=[wait for waits, _ in done for wait in waits], errors=sum(errors for _, errors in done), seconds=seconds)


def _requests(engine: sa.Engine, count: int) -> tuple[list[float], int]:
    waits: list[float] = []
    errors = 0
    for _ in range(count):
        asked = time.perf_counter()
        try:
            with engine.begin() as conn:
                waited = time.perf_counter() - asked
                conn.execute(_ASK)
            waits.append(waited)
        except Exception:  # noqa: BLE001 - whatever goes wrong is one error of the pool under test
            errors += 1
    return waits, errors


def _queue_pool(dsn: str) -> sa.Engine:
    conninfo = complete(dsn, application="lectern-control")
    return sa.create_engine(
        "postgresql+psycopg://",
        creator=lambda: psycopg.connect(conninfo),
        poolclass=QueuePool,
        pool_size=BASE,
        max_overflow=OVERFLOW,
        pool_timeout=TIMEOUT_S,
        pool_recycle=RECYCLE_S,
        pool_pre_ping=True,
        use_native_hstore=False,
    )


@contextmanager
def throwaway_server() -> Iterator[str]:
    """Start a server in a folder of its own, yield how the application reaches it, and remove both."""
    with tempfile.TemporaryDirectory(prefix="lectern-bench-") as folder:
        server = embedded.ensure_running(Path(folder), idle_minutes=None)
        try:
            yield server.dsn(APP)
        finally:
            postmaster.stop(server.cluster, mode="immediate", timeout_s=embedded.STOP_S)
            server.cluster.user.remove(server.cluster.folder)
