"""Ends a wait for a server that will never answer, by shutting the socket under it.

A peer that still acknowledges packets but never replies defeats keepalives, ``tcp_user_timeout`` and ``statement_timeout``. A
statement past its declared deadline is only suspected: it is ended when a fresh connection fails as well.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterable
from typing import Any, Self

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow

from backend_core.db.conninfo import PROBE, application_name

OWN_DEADLINE_S = 5.0
"""Seconds for what the pool itself asks: checks and resets."""

PROBE_S = 2
LINGER_S = 5.0
LONGEST_TICK_S = 1.0
SHORTEST_TICK_S = 0.02
_log = logging.getLogger(__name__)


class WatchedConnection(psycopg.Connection[TupleRow]):
    """A connection that knows since when it waits for the server, and to whom it goes back when closed.

    Attributes:
        waiting_since: monotonic seconds, or None while it does not wait.
        deadline_s: seconds after which a wait is suspected.
        lender: called instead of closing, once.
        born: monotonic seconds of its first connect.
        on_end: told how each transaction ended: committed, rolled back, or ``None`` for nobody knows.
        on_close: told just before a working connection is closed for good.
    """

    waiting_since: float | None = None
    deadline_s: float = OWN_DEADLINE_S
    lender: Callable[[WatchedConnection], None] | None = None
    born: float = 0.0
    on_end: Callable[[bool | None], None] | None = None
    on_close: Callable[[WatchedConnection], None] | None = None

    @classmethod
    def connect(cls, conninfo: str = "", **kwargs: Any) -> Self:
        """Connect, and tell the callable ``observer``, if given, the seconds it took and the error it ended in or None."""
        observer: Callable[[float, Exception | None], None] | None = kwargs.pop("observer", None)
        started = time.monotonic()
        failure: Exception | None = None
        try:
            return super().connect(conninfo, **kwargs)
        except psycopg.Error as error:
            failure = error
            raise
        finally:
            if observer is not None:
                observer(time.monotonic() - started, failure)

    def commit(self) -> None:
        """Commit, and tell ``on_end``."""
        # the server answers COMMIT of a failed transaction with a quiet rollback
        failed = self.info.transaction_status is TransactionStatus.INERROR
        self._ending(super().commit, committed=not failed)

    def rollback(self) -> None:
        """Roll back, and tell ``on_end``."""
        self._ending(super().rollback, committed=False)

    def _ending(self, end: Callable[[], None], *, committed: bool) -> None:
        known: bool | None = None
        try:
            end()
            known = committed
        finally:
            if self.on_end is not None:
                self.on_end(known)

    def wait(self, *args: Any, **kwargs: Any) -> Any:
        """Wait for the server as psycopg does, with the start of the wait on record."""
        self.waiting_since = time.monotonic()
        try:
            return super().wait(*args, **kwargs)
        finally:
            self.waiting_since = None

    def close(self) -> None:
        """Give the connection back to its lender, broken or not; without one, close it."""
        lender, self.lender = self.lender, None
        if lender is not None:
            lender(self)
        else:
            if self.on_close is not None and self.pgconn.transaction_status == TransactionStatus.IDLE:
                self.on_close(self)
            super().close()


def shut(conn: psycopg.Connection[Any]) -> None:
    """Shut the socket of a connection that another thread waits on; that thread gets an OperationalError."""
    with contextlib.suppress(OSError, psycopg.Error):
        if sys.platform == "win32":
            borrowed = socket.socket(fileno=conn.fileno())
            try:
                borrowed.shutdown(socket.SHUT_RDWR)
            finally:
                borrowed.detach()
        else:
            with socket.socket(fileno=os.dup(conn.fileno())) as copy:
                copy.shutdown(socket.SHUT_RDWR)


class Watchdog:
    """Watches the connections of one pool from one thread, which lives only while there is something to watch."""

    def __init__(self, *, probe: Callable[[], bool], busy: Callable[[], bool]) -> None:
        """Take ``probe``, true if a fresh connection succeeds, and ``busy``, true while connections are lent."""
        self._probe = probe
        self._busy = busy
        self._watched: weakref.WeakSet[WatchedConnection] = weakref.WeakSet()
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._answered_at = 0.0
        self.ended = 0

    def watch(self, conn: WatchedConnection) -> None:
        """Watch a connection for as long as it exists."""
        with self._lock:
            self._watched.add(conn)

    def wake(self) -> None:
        """Make sure the thread runs; cheap when it does."""
        if self._thread is not None or self._stopping.is_set():
            return
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="database-watchdog", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Stop the thread."""
        self._stopping.set()
        thread = self._thread
        if thread is not None:
            thread.join(PROBE_S * 2)

    def _run(self) -> None:
        quiet_since = time.monotonic()
        while True:
            with self._lock:
                watched = list(self._watched)
            waiting = [conn for conn in watched if conn.waiting_since is not None]
            if waiting or self._busy():
                quiet_since = time.monotonic()
                self._examine(waiting)
            with self._lock:
                if self._stopping.is_set() or time.monotonic() - quiet_since > LINGER_S:
                    self._thread = None
                    return
            self._stopping.wait(_tick(watched))

    def _examine(self, waiting: Iterable[WatchedConnection]) -> None:
        late = [(conn, since) for conn in waiting if (since := conn.waiting_since) and time.monotonic() - since > conn.deadline_s]
        if not late or time.monotonic() - self._answered_at < OWN_DEADLINE_S:
            return
        # A slow statement on a server that answers is left alone.
        if self._probe():
            self._answered_at = time.monotonic()
            return
        for conn, since in late:
            if conn.waiting_since == since:
                self.ended += 1
                shut(conn)
        _log.warning("the database stopped answering; %d waiting statements were ended", len(late))


def _tick(watched: Iterable[WatchedConnection]) -> float:
    shortest = min((conn.deadline_s for conn in watched), default=LONGEST_TICK_S)
    return min(LONGEST_TICK_S, max(SHORTEST_TICK_S, shortest / 4))


def answers(conninfo: str) -> bool:
    """Return whether the server accepts a fresh connection, or at least refuses it in words, within 2 seconds."""
    try:
        psycopg.connect(conninfo, connect_timeout=PROBE_S, application_name=application_name(PROBE)).close()
    except psycopg.OperationalError as exc:
        return "FATAL" in str(exc)
    return True
