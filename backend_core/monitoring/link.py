"""The monitor's own connection: its own role, short timeouts, one caller at a time, reconnected when it breaks."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any, Final, LiteralString

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import dict_row

from backend_core.db.conninfo import complete
from backend_core.db.failures import translate
from backend_core.errors import DatabaseAway

APPLICATION: Final = "lectern-monitor"
LOCK_WAIT: Final = 5.0


class MonitorLink:
    """Runs short queries that must work while the pool is exhausted or tables are locked."""

    def __init__(self, dsn: str, *, application: str = APPLICATION) -> None:
        self._dsn = complete(dsn, application=application)
        self._conn: psycopg.Connection[dict[str, Any]] | None = None
        self._lock = threading.Lock()
        self._closed = False

    def rows(self, query: LiteralString, parameters: Mapping[str, object] | None = None) -> Sequence[dict[str, Any]]:
        """Return the rows of a query; a statement without rows returns none.

        Raises:
            DatabaseAway: the server does not answer, or not within 2 seconds.
            LecternError: it refused the query.
        """
        if not self._lock.acquire(timeout=LOCK_WAIT):
            raise DatabaseAway("The database answers too slowly to be watched.")
        try:
            conn = self._connected()
            cursor = conn.execute(query, parameters)
            return cursor.fetchall() if cursor.description else []
        except psycopg.Error as error:
            # what the server refused costs nothing but itself; a lock of this session would go with the connection
            if self._conn is not None and self._conn.info.transaction_status is not TransactionStatus.IDLE:
                self._drop()
            raise translate(error) from error
        finally:
            self._lock.release()

    def _connected(self) -> psycopg.Connection[dict[str, Any]]:
        if self._closed:
            raise DatabaseAway("The connection was closed.")
        if self._conn is None:
            self._conn = psycopg.connect(self._dsn, autocommit=True, row_factory=dict_row)
            self._conn.execute("SET lock_timeout = '250ms'; SET statement_timeout = '2s'")
        return self._conn

    def _drop(self) -> None:
        if self._conn is not None:
            self._conn.close()
            self._conn = None

    def close(self) -> None:
        """Close the connection for good."""
        self._closed = True
        with self._lock:
            self._drop()
