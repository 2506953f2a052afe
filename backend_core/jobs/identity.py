"""Who a worker is: the server session that says it is alive, and through which it takes duties that one host does at a time."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable

import psycopg

from backend_core.jobs.liveness import DUTY_LOCKS, QUEUE_LOCKS, WORKER_LOCKS, lock_number


class Identity:
    """The server session that says "this worker is alive", and through which duties are taken."""

    def __init__(self, dsn: str, *, queue: str) -> None:
        name = f"lectern-worker-id@{socket.gethostname()[:30]}:{os.getpid()}"
        self._conn = psycopg.connect(dsn, autocommit=True, application_name=name, connect_timeout=5)
        # lock: held as long as this worker lives; whoever counts the holders counts the living
        self._conn.execute("SELECT pg_advisory_lock_shared(%s, %s)", (WORKER_LOCKS, lock_number(queue)))
        self._lock = threading.Lock()

    def known_as(self, number: int) -> None:
        """Say by which number the queue knows this worker."""
        # lock: as long as this worker lives the number leads to its host and process; it keeps nobody waiting
        self._conn.execute("SELECT pg_try_advisory_lock_shared(%s, %s)", (QUEUE_LOCKS, number % 2**31))

    def on_duty(self, name: str, duty: Callable[[], object]) -> None:
        """Run ``duty`` unless another host is at it."""
        key = (DUTY_LOCKS, lock_number(name))
        with self._lock:
            # lock: one host carries out a duty at a time
            row = self._conn.execute("SELECT pg_try_advisory_lock(%s, %s)", key).fetchone()
            if not row or not row[0]:
                return
            try:
                duty()
            finally:
                self._conn.execute("SELECT pg_advisory_unlock(%s, %s)", key)

    def check(self) -> None:
        """Fail unless the session that says we are alive still works."""
        # without our lock: a duty may wait long for the very server whose end is to be noticed
        self._conn.execute("")

    def close(self) -> None:
        """Give up everything at once."""
        self._conn.close()
