"""Who has which connection since when, and how long they were kept: the pool's own books."""

from __future__ import annotations

import contextlib
import inspect
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import CodeType

import sqlalchemy
from psycopg_pool import ConnectionPool

from backend_core.db.wait_histogram import USAGE_BOUNDS_MS, WaitHistogram, WaitSummary
from backend_core.db.watchdog import WatchedConnection

LEAK_S = 60.0
"""Seconds after which a connection that was not given back counts as leaked; no transaction of Lectern takes that long."""

STACK_DEPTH = 16


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has a connection: thread, purpose, server process, seconds so far, and the calls that led there, innermost first."""

    thread: str
    label: str
    server_pid: int
    held_s: float
    frames: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Loan:
    """One connection that is lent; ``since`` in seconds of the pool's clock."""

    thread: str
    label: str
    server_pid: int
    since: float
    pool: ConnectionPool[WatchedConnection]
    calls: tuple[tuple[CodeType, int], ...]

    def holder(self, now: float) -> Holder:
        """Return it as it is to be shown."""
        frames = tuple(f"{code.co_filename}:{line} {code.co_qualname}" for code, line in self.calls)
        return Holder(thread=self.thread, label=self.label, server_pid=self.server_pid, held_s=now - self.since, frames=frames)


class Loans:
    """Thread-safe; ``clock`` gives seconds."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._open: dict[int, Loan] = {}
        self._used = WaitHistogram(clock=clock, bounds=USAGE_BOUNDS_MS)
        self._leaked = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """Return how many connections are lent."""
        return len(self._open)

    def add(self, conn: WatchedConnection, *, label: str, pool: ConnectionPool[WatchedConnection]) -> None:
        """Note that ``conn`` of ``pool`` is lent to this thread."""
        thread = threading.current_thread().name
        self._open[id(conn)] = Loan(thread, label, conn.info.backend_pid, self._clock(), pool, _calls())

    def end(self, conn: WatchedConnection) -> Loan:
        """Note that ``conn`` came back."""
        loan = self._open.pop(id(conn))
        held = self._clock() - loan.since
        self._used.add(held * 1000)
        if held >= LEAK_S:
            with self._lock:
                self._leaked += 1
        return loan

    def holders(self) -> tuple[Holder, ...]:
        """Return who has a connection, the longest first."""
        now = self._clock()
        return tuple(sorted((loan.holder(now) for loan in list(self._open.values())), key=lambda holder: -holder.held_s))

    def usage(self) -> WaitSummary:
        """Return how long connections that came back were kept."""
        return self._used.summary()

    @property
    def leaked(self) -> int:
        """Connections that came back only after the limit."""
        return self._leaked


def _calls() -> tuple[tuple[CodeType, int], ...]:
    """Return code and line of the callers; turning them into text waits until somebody looks."""
    frame = inspect.currentframe()
    found: list[tuple[CodeType, int]] = []
    while frame is not None and len(found) < STACK_DEPTH:
        if not frame.f_code.co_filename.startswith(_INNER):
            found.append((frame.f_code, frame.f_lineno))
        frame = frame.f_back
    return tuple(found)


_INNER: tuple[str, ...] = (
    __file__,
    str(Path(__file__).with_name("pool.py")),
    contextlib.__file__,
    *(str(Path(sqlalchemy.__file__).parent / folder) for folder in ("engine", "pool")),
)
"""Files whose frames say nothing about who took the connection."""
