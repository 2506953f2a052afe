"""Sessions that hold locks and sessions that wait for them, on the server of this test process."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any, LiteralString

import psycopg

from tests.polling import eventually

WAITS = "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE pid = %s AND NOT granted)"


class Sessions:
    """Opens sessions of a server's administrator, each in a transaction, and closes them all at the end."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self.conns: list[psycopg.Connection[Any]] = []
        self._threads: list[threading.Thread] = []
        self._eye = psycopg.connect(dsn, autocommit=True)

    def hold(self, *statements: LiteralString, name: str = "holder", dsn: str = "") -> psycopg.Connection[Any]:
        """Return a session with an open transaction in which the statements have run."""
        conn = psycopg.connect(dsn or self.dsn, application_name=name)
        self.conns.append(conn)
        if not dsn:
            # two of them in a ring would be ended before anybody looks; and no mistake of a test waits for ever
            conn.execute("SET deadlock_timeout = '60s'")
            conn.execute("SET lock_timeout = '40s'")
        for statement in statements:
            conn.execute(statement)
        return conn

    def wait(self, conn: psycopg.Connection[Any], statement: LiteralString) -> int:
        """Run a statement that waits in another thread; return the process id of its session once it does."""

        def run() -> None:
            with contextlib.suppress(psycopg.Error):
                conn.execute(statement)

        thread = threading.Thread(target=run)
        thread.start()
        self._threads.append(thread)
        pid = conn.info.backend_pid
        eventually(lambda: self.waits(pid))
        return pid

    def waits(self, pid: int) -> bool:
        """Whether a session waits for a lock now."""
        row = self._eye.execute(WAITS, (pid,)).fetchone()
        return bool(row and row[0])

    def value(self, statement: LiteralString, *values: object) -> Any:
        """Return the single value of a statement."""
        row = self._eye.execute(statement, values).fetchone()
        assert row is not None
        return row[0]

    def release(self, *conns: psycopg.Connection[Any]) -> None:
        """End what is open: running statements first, then the transactions."""
        for conn in conns or self.conns:
            self._eye.execute("SELECT pg_terminate_backend(%s)", (conn.info.backend_pid,))

    def close(self) -> None:
        """End everything."""
        self.release()
        for thread in self._threads:
            thread.join()
        for conn in self.conns:
            conn.close()
        self._eye.close()


@contextlib.contextmanager
def sessions_of(dsn: str) -> Iterator[Sessions]:
    """Yield ``Sessions`` of a server and end them afterwards."""
    opened = Sessions(dsn)
    try:
        yield opened
    finally:
        opened.close()
