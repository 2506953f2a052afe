"""Fair connection pool with its own figures: how long callers wait, who holds what since when, what was lost.

Queue, limits and renewal are psycopg_pool's; this adds measures, typed errors, holders and the watchdog.
"""

from __future__ import annotations

import contextlib
import contextvars
import functools
import inspect
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import Any

import psycopg
import sqlalchemy
from psycopg_pool import ConnectionPool, PoolClosed, PoolTimeout

from backend_core.db.wait_histogram import WaitHistogram, WaitSummary
from backend_core.db.watchdog import OWN_DEADLINE_S, Watchdog, WatchedConnection, answers
from backend_core.errors import DatabaseAway, PoolExhausted

STATEMENT_DEADLINE_S = 10.0
RECONNECT_S = 5.0
"""Seconds a restart of the server may take before those who wait are told that it is away."""

AWAY_WAIT_S = 2.5
"""Seconds a caller waits while the server is known to be away."""

STACK_DEPTH = 16
_CLOSE_S = 6.0
_COUNTERS = ("requests_num", "connections_num", "returns_bad")
_RESET = "RESET ALL; RESET ROLE; CLOSE ALL; DISCARD TEMP; SELECT pg_advisory_unlock_all()"
_AWAY = "The database server does not answer."
_CLOSED = "Lectern is closing its database connections."

_purpose: contextvars.ContextVar[tuple[str, float]] = contextvars.ContextVar("purpose", default=("unnamed", STATEMENT_DEADLINE_S))


@contextlib.contextmanager
def purpose(label: str, *, deadline_s: float = STATEMENT_DEADLINE_S) -> Iterator[None]:
    """Name what connections taken in the body are for, and the seconds after which a silent statement is suspected."""
    token = _purpose.set((label, deadline_s))
    try:
        yield
    finally:
        _purpose.reset(token)


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has a connection: thread, purpose, server process, seconds so far, and the calls that led there, innermost first."""

    thread: str
    label: str
    server_pid: int
    held_s: float
    frames: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PoolSnapshot:
    """The pool at one moment; times in milliseconds, counters since the pool was opened.

    Attributes:
        capacity: most connections, base and overflow together.
        size: connections now open or being opened.
        lost: connections found broken.
        ended: waits ended by the watchdog.
    """

    capacity: int
    base: int
    size: int
    in_use: int
    idle: int
    waiting: int
    overflow: int
    wait: WaitSummary
    timeouts: int
    requests: int
    connects: int
    lost: int
    ended: int
    holders: tuple[Holder, ...]


@dataclass(frozen=True, slots=True)
class _Loan:
    thread: str
    label: str
    server_pid: int
    since: float
    pool: ConnectionPool[WatchedConnection]
    calls: tuple[tuple[CodeType, int], ...]

    def holder(self) -> Holder:
        frames = tuple(f"{code.co_filename}:{line} {code.co_qualname}" for code, line in self.calls)
        return Holder(thread=self.thread, label=self.label, server_pid=self.server_pid, held_s=time.monotonic() - self.since, frames=frames)


class Pool:
    """At most ``base + overflow`` connections, lent first come, first served."""

    def __init__(
        self,
        conninfo: str,
        *,
        base: int,
        overflow: int,
        timeout_s: float,
        recycle_s: float,
        reconnect_s: float = RECONNECT_S,
        name: str = "lectern",
        watch: bool = True,
    ) -> None:
        """Open the pool; connections are made in the background.

        Args:
            conninfo: complete connection string.
            base: connections kept open.
            overflow: further connections under load.
            timeout_s: seconds a caller waits.
            recycle_s: seconds after which a connection is replaced.
            reconnect_s: seconds a restart of the server may take before those who wait are told that it is away.
            name: for the names of its threads.
            watch: whether silent servers are detected; off only to measure what happens without.
        """
        self.base = base
        self._waits = WaitHistogram()
        self._loans: dict[int, _Loan] = {}
        self._counts: Counter[str] = Counter()
        self._past: Counter[str] = Counter()
        self._drained_at = 0.0
        self._away = threading.Event()
        self._watchdog = Watchdog(probe=lambda: answers(conninfo), busy=lambda: bool(self._loans)) if watch else None
        self._make = functools.partial(
            ConnectionPool[WatchedConnection],
            conninfo,
            connection_class=WatchedConnection,
            min_size=base,
            max_size=base + overflow,
            name=name,
            timeout=timeout_s,
            max_lifetime=recycle_s,
            reconnect_timeout=reconnect_s,
            reconnect_failed=self._reconnect_failed,
            configure=self._configure,
            check=self._check,
            reset=_reset,
            close_returns=True,
            open=True,
        )
        self._renewing = threading.Lock()
        self._closed = False
        self._pool = self._make()

    @property
    def capacity(self) -> int:
        """Most connections at any time."""
        return self._pool.max_size

    @property
    def timeout_s(self) -> float:
        """Seconds a caller waits for a free connection."""
        return self._pool.timeout

    @property
    def recycle_s(self) -> float:
        """Seconds after which a connection is replaced."""
        return self._pool.max_lifetime

    def getconn(self, timeout: float | None = None) -> WatchedConnection:
        """Lend a connection; its ``close()`` gives it back.

        Raises:
            PoolExhausted: none became free in time.
            DatabaseAway: the server does not answer, or the pool was closed.
        """
        label, deadline_s = _purpose.get()
        if self._watchdog is not None:
            self._watchdog.wake()
        started = time.monotonic()
        pool = self._pool
        limit = pool.timeout if timeout is None else timeout
        try:
            conn = pool.getconn(min(limit, AWAY_WAIT_S) if self._away.is_set() else limit)
        except PoolTimeout:
            raise self._refused(limit) from None
        except PoolClosed:
            raise DatabaseAway(_CLOSED if self._closed else _AWAY) from None
        finally:
            self._waits.add((time.monotonic() - started) * 1000)
        thread = threading.current_thread().name
        self._loans[id(conn)] = _Loan(thread, label, conn.info.backend_pid, time.monotonic(), pool, _calls())
        conn.deadline_s = deadline_s
        conn.lender = self._take_back
        return conn

    def _refused(self, limit: float) -> PoolExhausted | DatabaseAway:
        if self._away.is_set():
            return DatabaseAway(_AWAY)
        self._counts["timeouts"] += 1
        return PoolExhausted(f"All {self.capacity} database connections stayed in use for {limit:g} seconds.")

    def _take_back(self, conn: WatchedConnection) -> None:
        loan = self._loans.pop(id(conn))
        conn.deadline_s = OWN_DEADLINE_S
        loan.pool.putconn(conn)

    @contextlib.contextmanager
    def connection(self) -> Iterator[WatchedConnection]:
        """Lend a psycopg connection for the body and commit at its end, or roll back."""
        conn = self.getconn()
        try:
            with conn.transaction():
                yield conn
        finally:
            conn.close()

    def watch(self, conn: WatchedConnection) -> None:
        """Let the watchdog look after a connection that is not of the pool."""
        if self._watchdog is not None:
            self._watchdog.watch(conn)
            self._watchdog.wake()

    def snapshot(self) -> PoolSnapshot:
        """Return the figures of this moment."""
        stats = self._past + Counter(self._pool.get_stats())
        holders = sorted((loan.holder() for loan in list(self._loans.values())), key=lambda holder: -holder.held_s)
        size = stats["pool_size"]
        return PoolSnapshot(
            capacity=self.capacity,
            base=self.base,
            size=size,
            in_use=len(holders),
            idle=stats["pool_available"],
            waiting=stats["requests_waiting"],
            overflow=max(0, size - self.base),
            wait=self._waits.summary(),
            timeouts=self._counts["timeouts"],
            requests=stats["requests_num"],
            connects=stats["connections_num"],
            lost=self._counts["lost"] + stats["returns_bad"],
            ended=0 if self._watchdog is None else self._watchdog.ended,
            holders=tuple(holders),
        )

    def close(self) -> None:
        """Close every connection; those still lent close when they come back."""
        self._closed = True
        with self._renewing:
            self._pool.close()
        if self._watchdog is not None:
            self._watchdog.close()

    def _configure(self, conn: WatchedConnection) -> None:
        self._away.clear()
        conn.born = time.monotonic()
        if self._watchdog is not None:
            self._watchdog.watch(conn)

    def _check(self, conn: WatchedConnection) -> None:
        """Fail unless the connection works; after one that does not, replace all of its age at once instead of one by one."""
        try:
            ConnectionPool.check_connection(conn)
        except psycopg.Error:
            self._counts["lost"] += 1
            if conn.born >= self._drained_at:
                self._drained_at = time.monotonic()
                self._pool.drain()
            raise

    def _reconnect_failed(self, pool: ConnectionPool[Any]) -> None:
        """Note that the server is away; if nobody can give those who wait a connection, tell them instead of letting them wait on."""
        self._away.set()
        stats = pool.get_stats()
        if stats["requests_waiting"] and not stats["pool_size"]:
            # Not here: this runs in a thread that closing the pool waits for.
            threading.Thread(target=self._renew, args=(pool,), name="database-pool-renewal", daemon=True).start()

    def _renew(self, old: ConnectionPool[WatchedConnection]) -> None:
        """Replace a pool without connections by a fresh one; closing is the public way to wake those who wait."""
        with self._renewing:
            if self._closed or self._pool is not old:
                return
            self._pool = self._make()
            old.close(timeout=_CLOSE_S)
            self._past.update({name: old.get_stats().get(name, 0) for name in _COUNTERS})


def _reset(conn: WatchedConnection) -> None:
    """Take back whatever the last user of the connection set."""
    conn.autocommit = True
    conn.execute(_RESET)
    conn.autocommit = False


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
    contextlib.__file__,
    *(str(Path(sqlalchemy.__file__).parent / folder) for folder in ("engine", "pool")),
)
"""Files whose frames say nothing about who took the connection."""
