"""Hints that a table changed: sent after COMMIT by one sender per process, followed by one listener per process.

A hint is a table name and nothing else. Business transactions never call NOTIFY, because that holds the commit lock through fsync.
A hint may be lost; followers refresh now and then anyway.
"""

from __future__ import annotations

import contextlib
import logging
import re
import threading
from collections.abc import Callable, Iterable
from typing import Any

import psycopg
import sqlalchemy
from sqlalchemy.sql.dml import UpdateBase

from backend_core.db.watchdog import WatchedConnection, shut
from backend_core.logs import log_failure

CHANNEL = "lectern_changes"
EVERYTHING = "*"
"""Given to followers when hints may have been missed: refresh all."""

SENDS_PER_SECOND = 20
SILENCE_S = 5.0
LISTENER_DEADLINE_S = 10.0
LONGEST_PAUSE_S = 5.0
_FIRST_PAUSE_S = 0.2
_LONGEST_PAYLOAD = 7000
_TOUCHED = "lectern_touched"
_TABLE = re.compile(r"^[a-z_][a-z0-9_]{0,62}$")
_log = logging.getLogger(__name__)

Connect = Callable[[], WatchedConnection]
Follower = Callable[[str], None]


def collect(engine: sqlalchemy.Engine) -> None:
    """Note on each connection of ``engine`` the tables that its INSERT, UPDATE and DELETE statements touch."""

    @sqlalchemy.event.listens_for(engine, "after_cursor_execute")
    def _note(conn: sqlalchemy.Connection, cursor: Any, *rest: Any) -> None:
        context = rest[2]  # after the statement and its parameters
        statement = getattr(getattr(context, "compiled", None), "statement", None)
        if isinstance(statement, UpdateBase) and cursor.rowcount != 0:
            touch(conn, str(statement.table.description))


def touch(conn: sqlalchemy.Connection, table: str) -> None:
    """Say that raw SQL on ``conn`` changed ``table``; the hint goes out if the transaction commits."""
    conn.info.setdefault(_TOUCHED, set()).add(table)


def take_touched(conn: sqlalchemy.Connection) -> set[str]:
    """Return the tables touched so far and forget them."""
    found: set[str] = conn.info.pop(_TOUCHED, set())
    return found


class Changes:
    """Both directions of the hints of one process; threads start on first use."""

    def __init__(self, connect: Connect) -> None:
        """Take ``connect``, which opens an autocommit connection outside the pool."""
        self._connect = connect
        self._condition = threading.Condition()
        self._pending: set[str] = set()
        self._followers: list[Follower] = []
        self._closing = threading.Event()
        self._threads: dict[str, threading.Thread] = {}
        self._open: dict[str, WatchedConnection] = {}

    def touch(self, conn: sqlalchemy.Connection, table: str) -> None:
        """Say that raw SQL on ``conn`` changed ``table``; the hint goes out if the transaction commits."""
        touch(conn, table)

    def announce(self, tables: Iterable[str]) -> None:
        """Send hints for committed changes, soon and each name once."""
        with self._condition:
            self._pending.update(tables)
            if not self._pending:
                return
            self._condition.notify_all()
        self._start("changes-sender", self._send_forever)

    def follow(self, callback: Follower) -> Callable[[], None]:
        """Call ``callback(table)`` from a thread for each hint, and ``callback("*")`` whenever some may have been missed.

        Returns:
            A function that ends the calls.
        """
        with self._condition:
            self._followers.append(callback)
        self._start("changes-listener", self._listen_forever)

        def stop() -> None:
            with self._condition, contextlib.suppress(ValueError):
                self._followers.remove(callback)

        return stop

    def close(self) -> None:
        """End both threads."""
        self._closing.set()
        with self._condition:
            self._condition.notify_all()
            conns, threads = list(self._open.values()), list(self._threads.values())
        for conn in conns:
            shut(conn)
        for thread in threads:
            if thread is not threading.current_thread():
                thread.join(SILENCE_S)

    def _start(self, name: str, work: Callable[[], None]) -> None:
        with self._condition:
            if name in self._threads or self._closing.is_set():
                return
            self._threads[name] = threading.Thread(target=work, name=name, daemon=True)
            self._threads[name].start()

    def _send_forever(self) -> None:
        self._reconnecting("sender", self._send_until_lost)

    def _listen_forever(self) -> None:
        self._reconnecting("listener", self._listen_until_lost)

    def _reconnecting(self, name: str, work: Callable[[WatchedConnection], None]) -> None:
        pause = _FIRST_PAUSE_S
        while not self._closing.is_set():
            try:
                with self._connect() as conn:
                    with self._condition:
                        self._open[name] = conn
                    pause = _FIRST_PAUSE_S
                    work(conn)
            except psycopg.Error as exc:
                if self._closing.is_set():
                    return
                _log.info("change hints lost their connection: %s", type(exc).__name__)
            finally:
                with self._condition:
                    self._open.pop(name, None)
            self._closing.wait(pause)
            pause = min(LONGEST_PAUSE_S, pause * 2)

    def _send_until_lost(self, conn: WatchedConnection) -> None:
        while not self._closing.is_set():
            with self._condition:
                self._condition.wait_for(lambda: self._pending or self._closing.is_set())
                names = self._take_pending()
            if not names:
                continue
            try:
                conn.execute("SELECT pg_notify(%s, %s)", (CHANNEL, ",".join(sorted(names))))
            except psycopg.Error:
                with self._condition:
                    self._pending |= names
                raise
            self._closing.wait(1 / SENDS_PER_SECOND)

    def _take_pending(self) -> set[str]:
        names, self._pending = self._pending, set()
        if sum(len(name) + 1 for name in names) > _LONGEST_PAYLOAD:
            return {EVERYTHING}
        return names

    def _listen_until_lost(self, conn: WatchedConnection) -> None:
        conn.deadline_s = LISTENER_DEADLINE_S
        conn.execute(f"LISTEN {CHANNEL}")
        self._tell([EVERYTHING])
        while not self._closing.is_set():
            for notice in conn.notifies(timeout=SILENCE_S):
                self._tell(notice.payload.split(","))
            # A server that went silent is noticed by asking it.
            conn.execute("")

    def _tell(self, names: Iterable[str]) -> None:
        with self._condition:
            followers = list(self._followers)
        for name in names:
            if name != EVERYTHING and not _TABLE.match(name):
                continue
            for follower in followers:
                try:
                    follower(name)
                except Exception as error:  # noqa: BLE001 - a follower's failure must not end the hints of all others
                    log_failure(_log, "a follower of change hints failed", error)
