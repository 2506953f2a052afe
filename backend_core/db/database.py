"""The database as services see it: one transaction per verb, typed errors, change hints after COMMIT."""

from __future__ import annotations

import contextlib
import contextvars
import random
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

import sqlalchemy
from sqlalchemy.pool import NullPool

from backend_core.db.changes import Changes, collect, take_touched
from backend_core.db.conninfo import complete
from backend_core.db.failures import REPEATABLE_STATES, sqlstate, translated
from backend_core.db.pool import STATEMENT_DEADLINE_S, Pool, purpose
from backend_core.db.probe import connected
from backend_core.db.watchdog import WatchedConnection
from backend_core.errors import Conflict, LecternError

T = TypeVar("T")
HINTS_APPLICATION = "lectern-changes"
RETRY_PAUSE_S = 0.02


_lock_wait: contextvars.ContextVar[int | None] = contextvars.ContextVar("lock_wait", default=None)
_HURRY = sqlalchemy.text("SELECT set_config('lock_timeout', :wait, true)")


@contextlib.contextmanager
def hurried(*, lock_wait_ms: int) -> Iterator[None]:
    """Let transactions begun in the body wait for a lock no longer than this; for those who only look."""
    token = _lock_wait.set(lock_wait_ms)
    try:
        yield
    finally:
        _lock_wait.reset(token)


class Database:
    """Engine, pool and change hints of one process.

    Attributes:
        engine: SQLAlchemy engine whose connections come from ``pool``.
        pool: the pool and its figures.
        changes: hints about changed tables.
        observers: told of each transaction that failed, once its connection is free again.
        timers: told what each transaction was for, how many milliseconds it took, the wait for a connection included, and how it failed.
    """

    def __init__(self, *, engine: sqlalchemy.Engine, pool: Pool, changes: Changes) -> None:
        self.engine = engine
        self.pool = pool
        self.changes = changes
        self.observers: list[Callable[[LecternError], None]] = []
        self.timers: list[Callable[[str, float, LecternError | None], None]] = []

    @classmethod
    def open(
        cls,
        dsn: str,
        *,
        application: str,
        base: int = 20,
        overflow: int = 10,
        timeout_s: float = 30.0,
        recycle_s: float = 3600.0,
        role: str | None = None,
        read_only: bool = False,
        watch: bool = True,
    ) -> Database:
        """Open the database.

        Args:
            dsn: libpq keywords or URL.
            application: name shown by the server, for example ``lectern-desktop``.
            base: connections kept open.
            overflow: further connections under load.
            timeout_s: seconds a caller waits for a free connection.
            recycle_s: seconds after which a connection is replaced.
            role: act as this role of a shared server.
            read_only: refuse every write, for a server with a newer schema.
            watch: detect a server that went silent.

        Raises:
            DatabaseAway: the server does not answer, or refuses this sign-in.
        """
        conninfo = complete(dsn, application=application, role=role, read_only=read_only)
        # fails at once, with the reason, where the pool would keep trying
        connected(conninfo).close()
        pool = Pool(conninfo, base=base, overflow=overflow, timeout_s=timeout_s, recycle_s=recycle_s, name=application, watch=watch)
        # The pool above does all pooling; hstore is off because looking for it costs a query.
        # What a statement was given is left out of errors: it is what people wrote, and errors go to the log.
        engine = sqlalchemy.create_engine(
            "postgresql+psycopg://", creator=pool.getconn, poolclass=NullPool, use_native_hstore=False, hide_parameters=True
        )
        collect(engine)
        hints = complete(dsn, application=HINTS_APPLICATION, role=role)

        def connect() -> WatchedConnection:
            conn = WatchedConnection.connect(hints, autocommit=True)
            pool.watch(conn)
            return conn

        return cls(engine=engine, pool=pool, changes=Changes(connect))

    @contextlib.contextmanager
    def begin(self, label: str, *, deadline_s: float = STATEMENT_DEADLINE_S) -> Iterator[sqlalchemy.Connection]:
        """Run the body in one transaction; commit at its end, or roll back if it raises.

        Args:
            label: what it is for, shown beside the connection while it is held.
            deadline_s: seconds after which a silent statement is suspected; slower ones are fine while the server answers.

        Raises:
            PoolExhausted: no connection became free in time.
            DatabaseAway: the server does not answer; nothing, or at COMMIT possibly everything, was stored.
            Conflict: a concurrent change won; the transaction may be run again.
        """
        began = time.perf_counter()
        failure: LecternError | None = None
        try:
            with translated(), purpose(label, deadline_s=deadline_s), self.engine.connect() as conn:
                with conn.begin():
                    wait = _lock_wait.get()
                    if wait is not None:
                        conn.execute(_HURRY, {"wait": f"{wait}ms"})
                    yield conn
                touched = take_touched(conn)
        except LecternError as error:
            failure = error
            for observer in self.observers:
                observer(error)
            raise
        finally:
            for timer in self.timers:
                timer(label, (time.perf_counter() - began) * 1000, failure)
        self.changes.announce(touched)

    def run(
        self, label: str, work: Callable[[sqlalchemy.Connection], T], *, retries: int = 3, deadline_s: float = STATEMENT_DEADLINE_S
    ) -> T:
        """Return ``work(conn)`` from one transaction, run again after a serialization failure or deadlock.

        Raises:
            Conflict: it still failed after ``retries`` further attempts.
        """
        for attempt in range(retries + 1):
            try:
                with self.begin(label, deadline_s=deadline_s) as conn:
                    return work(conn)
            except Conflict as exc:
                if attempt == retries or exc.__cause__ is None or sqlstate(exc.__cause__) not in REPEATABLE_STATES:
                    raise
            # Spread, so that the same transactions do not meet again.
            time.sleep(RETRY_PAUSE_S * 2**attempt * (0.5 + random.random()))  # noqa: S311 - no secret depends on it
        raise Conflict("Somebody else changed the same thing at the same moment.")

    def close(self) -> None:
        """Stop the hints, close every connection."""
        self.changes.close()
        self.engine.dispose()
        self.pool.close()
