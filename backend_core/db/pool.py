"""Fair connection pool with its own figures: how long callers wait, who holds what since when, what was lost.

Queue, limits and renewal are psycopg_pool's; this adds measures, typed errors, holders and the watchdog.
"""

from __future__ import annotations

import contextlib
import contextvars
import functools
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg_pool import ConnectionPool, PoolClosed, PoolTimeout

from backend_core.db.loans import LEAK_S, Holder, Loans
from backend_core.db.wait_histogram import WaitHistogram, WaitSummary
from backend_core.db.watchdog import OWN_DEADLINE_S, Watchdog, WatchedConnection, answers
from backend_core.errors import DatabaseAway, PoolExhausted

STATEMENT_DEADLINE_S = 10.0
RECONNECT_S = 5.0
"""Seconds a restart of the server may take before those who wait are told that it is away."""

AWAY_WAIT_S = 2.5
"""Seconds a caller waits while the server is known to be away."""

AGED_PART = 0.95
"""Part of the lifetime after which the queue below may replace a connection; it spreads them so that they do not all go at once."""

FRESH_S = 1.0
"""Seconds a new connection may lie ready before anybody takes it, however short the lifetime."""

_ANSWER_S = 1.0
_CLOSE_S = 6.0
_COUNTERS = ("requests_num", "connections_num", "returns_bad")
_RESET = "RESET ALL; RESET ROLE; CLOSE ALL; DISCARD TEMP; SELECT pg_advisory_unlock_all()"
_AWAY = "The database server does not answer."
_REFUSED = "The database server accepts no further connection."
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


def current_purpose() -> str:
    """Return what the connection of this thread is for."""
    return _purpose.get()[0]


@dataclass(frozen=True, slots=True)
class PoolSnapshot:
    """The pool at one moment; times in milliseconds, counters since the pool was opened.

    Attributes:
        capacity: most connections, base and overflow together.
        size: connections now open or being opened.
        wait: how long callers waited for a connection.
        usage: how long connections were kept, of those that came back.
        connect: how long opening a connection took.
        recycled: connections replaced because of their age.
        lost: connections found broken.
        invalidated: connections thrown away: those found broken, and all opened before one of them.
        leaks: connections kept for more than 60 seconds now; ``leaked`` since the pool was opened, with those.
        ended: waits ended by the watchdog.
        holders: who has a connection, the longest first.
    """

    capacity: int
    base: int
    size: int
    in_use: int
    idle: int
    waiting: int
    overflow: int
    wait: WaitSummary
    usage: WaitSummary
    connect: WaitSummary
    timeouts: int
    requests: int
    connects: int
    recycled: int
    lost: int
    invalidated: int
    leaks: int
    leaked: int
    ended: int
    holders: tuple[Holder, ...]


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
        clock: Callable[[], float] = time.monotonic,
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
            clock: seconds; replaced in tests.
        """
        self.base, self._clock = base, clock
        self._waits = WaitHistogram(clock=clock)
        self._connects = WaitHistogram(clock=clock)
        self._loans = Loans(clock=clock)
        self._counts, self._past = Counter[str](), Counter[str]()
        self._counting, self._renewing = threading.Lock(), threading.Lock()
        self._drained_at = self._broken_at = float("-inf")
        self._away, self._refusal, self._closed = threading.Event(), "", False
        self._answer = _Answer(conninfo)
        self._watchdog = Watchdog(probe=lambda: answers(conninfo), busy=lambda: len(self._loans) > 0) if watch else None
        self._make = functools.partial(
            ConnectionPool[WatchedConnection],
            conninfo,
            connection_class=WatchedConnection,
            kwargs={"observer": self._tried},
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
        self._loans.add(conn, label=label, pool=pool)
        conn.deadline_s = deadline_s
        conn.lender = self._take_back
        return conn

    def _refused(self, limit: float) -> PoolExhausted | DatabaseAway:
        """Return why nobody got a connection: only a server that would give one leaves the pool itself to blame."""
        in_use = len(self._loans)
        if self._away.is_set():
            return DatabaseAway(_AWAY)
        if in_use < self.capacity and (self._refusal or not self._answer.given()):
            return DatabaseAway(self._refusal or _AWAY)
        self._count("timeouts")
        if in_use < self.capacity:
            return PoolExhausted(f"No database connection became free for {limit:g} seconds; {in_use} of {self.capacity} are in use.")
        return PoolExhausted(f"All {self.capacity} database connections stayed in use for {limit:g} seconds.")

    def _take_back(self, conn: WatchedConnection) -> None:
        loan = self._loans.end(conn)
        conn.deadline_s = OWN_DEADLINE_S
        loan.pool.putconn(conn)

    def _count(self, name: str) -> None:
        with self._counting:
            self._counts[name] += 1

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
        holders = self._loans.holders()
        leaks = sum(1 for holder in holders if holder.held_s >= LEAK_S)
        lost = self._counts["lost"] + stats["returns_bad"]
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
            usage=self._loans.usage(),
            connect=self._connects.summary(),
            timeouts=self._counts["timeouts"],
            requests=stats["requests_num"],
            connects=stats["connections_num"],
            recycled=self._counts["recycled"],
            lost=lost,
            invalidated=lost + self._counts["suspected"],
            leaks=leaks,
            leaked=leaks + self._loans.leaked,
            ended=0 if self._watchdog is None else self._watchdog.ended,
            holders=holders,
        )

    def close(self) -> None:
        """Close every connection; those still lent close when they come back."""
        self._closed = True
        with self._renewing:
            self._pool.close()
        if self._watchdog is not None:
            self._watchdog.close()

    def _tried(self, seconds: float, failure: Exception | None) -> None:
        """Note how an attempt to connect went."""
        if failure is None:
            self._connects.add(seconds * 1000)
        # what the server says in words begins so in every language; without a word from it, it is away
        self._refusal = "" if failure is None else _REFUSED if "FATAL" in str(failure) else _AWAY

    def _configure(self, conn: WatchedConnection) -> None:
        self._away.clear()
        conn.born = self._clock()
        conn.on_close = self._closing
        if self._watchdog is not None:
            self._watchdog.watch(conn)

    def _closing(self, conn: WatchedConnection) -> None:
        """Note why a connection that works is closed, if not because there are too many or the pool closes."""
        if self._closed:
            return
        if self._clock() - conn.born >= AGED_PART * self.recycle_s:
            self._count("recycled")
        elif conn.born < self._broken_at:
            self._count("suspected")

    def _check(self, conn: WatchedConnection) -> None:
        """Fail unless the connection is young and works; after one that is not, replace all of its age at once instead of one by one."""
        try:
            self._examine(conn)
        except psycopg.Error:
            if conn.born >= self._drained_at:
                self._drained_at = self._clock()
                self._pool.drain()
            raise
        self._away.clear()

    def _examine(self, conn: WatchedConnection) -> None:
        if self._clock() - conn.born >= self.recycle_s + FRESH_S:
            self._closing(conn)
            # not close(), which would give it back to the queue
            conn.pgconn.finish()
            raise psycopg.OperationalError("the connection is too old to be lent")
        try:
            ConnectionPool.check_connection(conn)
        except psycopg.Error:
            self._count("lost")
            self._broken_at = self._clock()
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


class _Answer:
    """Whether the server answers a fresh connection, asked once a second at most however many want to know."""

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo
        self._lock = threading.Lock()
        self._asked_at = float("-inf")
        self._yes = False

    def given(self) -> bool:
        """Return what it said last, or ask; takes up to 2 seconds."""
        with self._lock:
            if time.monotonic() - self._asked_at > _ANSWER_S:
                self._yes = answers(self._conninfo)
                self._asked_at = time.monotonic()
            return self._yes
