"""The chains this process writes: one per database connection, moved on only by a COMMIT that is known to have succeeded."""

from __future__ import annotations

import datetime as dt
import os
import re
import secrets
import socket
import time
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy
from sqlalchemy import Connection, event, func, select

from backend_core.audit.chain import EPOCH, canonical, leaf, origin

MEASURE_EVERY_S: Final = 300.0
JUMP_S: Final = 1.0
MOST_REMEMBERED: Final = 200


@dataclass(frozen=True, slots=True)
class Link:
    """A row as its chain knows it: number, hash, time."""

    wseq: int
    leaf: bytes
    at: dt.datetime


class Clock:
    """The database's clock, read now and then and carried on with our own."""

    def __init__(self) -> None:
        self._server: dt.datetime | None = None
        self._steady = self._wall = 0.0

    def now(self, conn: Connection) -> dt.datetime:
        """Return the time by the database's clock; asks it at first, every few minutes, and after a jump or a sleep of ours."""
        steady, wall = time.monotonic(), time.time()
        passed = steady - self._steady
        # a computer that slept, or was set, shows in the difference of its two clocks
        if self._server is None or passed > MEASURE_EVERY_S or abs(wall - self._wall - passed) > JUMP_S:
            self._server = conn.execute(select(func.clock_timestamp())).scalar_one().astimezone(dt.UTC)
            # as of the answer: a row may be dated a moment too early, never too late
            self._steady, self._wall = time.monotonic(), time.time()
            return self._server
        return self._server + dt.timedelta(seconds=passed)


class Writer:
    """One chain: the last committed row and the rows of the running transaction."""

    def __init__(self, registry: Writers) -> None:
        self.name = f"{socket.gethostname()[:40]}:{os.getpid()}:{secrets.token_hex(8)}"
        self.lost = False
        self._registry = registry
        self._head = Link(0, origin(self.name), EPOCH)
        self._pending: list[Link] = []
        self._marks: dict[str, int] = {}
        self._transaction: weakref.ref[Any] | None = None

    def usable(self, transaction: object) -> bool:
        """Whether the chain can go on in this transaction; not when an earlier one ended unseen."""
        if self._pending and (self._transaction is None or self._transaction() is not transaction):
            return False
        return not self.lost

    def link(self, row: Mapping[str, Any], at: dt.datetime) -> tuple[dict[str, Any], Link]:
        """Return the row completed for its place at the end of the chain, which is not yet moved."""
        last = self._pending[-1] if self._pending else self._head
        full = {**row, "writer": self.name, "wseq": last.wseq + 1, "at": max(at, last.at)}
        made = Link(last.wseq + 1, leaf(last.leaf, canonical(full)), full["at"])
        return {**full, "leaf": made.leaf}, made

    def add(self, made: Link, transaction: object) -> None:
        """Count a row that the database took in this transaction."""
        self._transaction = weakref.ref(transaction)
        self._pending.append(made)

    def mark(self, savepoint: str) -> None:
        """Note where a savepoint begins."""
        self._marks[savepoint] = len(self._pending)

    def back_to(self, savepoint: str) -> None:
        """Drop the rows of a savepoint that is rolled back."""
        del self._pending[self._marks.get(savepoint, 0) :]

    def ended(self, committed: bool | None) -> None:  # noqa: FBT001  # the connection's hook
        """Move on after COMMIT, drop rows after ROLLBACK, and end for good when nobody knows which it was."""
        if committed and self._pending:
            self._head = self._pending[-1]
            self._registry.remember(self.name, self._head)
        self.lost = self.lost or committed is None
        self._pending.clear()
        self._marks.clear()
        self._transaction = None


class Writers:
    """The writers of one process on one database."""

    def __init__(self) -> None:
        self.clock = Clock()
        self._writers: weakref.WeakKeyDictionary[Any, Writer] = weakref.WeakKeyDictionary()
        self._acknowledged: dict[str, Link] = {}

    @classmethod
    def of(cls, engine: sqlalchemy.Engine) -> Writers:
        """Return the writers of an engine; the same for everybody who asks."""
        found = _registries.get(engine)
        if found is None:
            found = _registries[engine] = cls()
            event.listen(engine, "after_cursor_execute", found._executed)
        return found

    def on(self, conn: Connection) -> Writer:
        """Return the writer of the connection that ``conn`` uses, a new one where the old may not go on."""
        driver: Any = conn.connection.driver_connection
        writer = self._writers.get(driver)
        if writer is None or not writer.usable(conn.get_transaction()):
            writer = self._writers[driver] = Writer(self)
            driver.on_end = writer.ended
        return writer

    def remember(self, name: str, last: Link) -> None:
        """Note the last committed row of a writer; of many writers the latest."""
        self._acknowledged.pop(name, None)
        self._acknowledged[name] = last
        if len(self._acknowledged) > MOST_REMEMBERED:
            del self._acknowledged[next(iter(self._acknowledged))]

    def acknowledged(self) -> dict[str, Link]:
        """Return the last committed row of each writer."""
        return dict(self._acknowledged)

    def _executed(self, conn: Connection, _cursor: object, statement: str, *_rest: object) -> None:
        """Follow savepoints, whoever wrote the statement; the events of SQLAlchemy for them do not tell their names."""
        if statement[:2].upper() not in _BEGINNINGS:
            return
        savepoint = _SAVEPOINT.match(statement)
        writer = None if savepoint is None else self._writers.get(conn.connection.driver_connection)
        if savepoint is not None and writer is not None:
            name = savepoint["name"].strip('"').lower()
            if savepoint["back"]:
                writer.back_to(name)
            else:
                writer.mark(name)


_BEGINNINGS: Final = frozenset({"SA", "RO"})
_SAVEPOINT: Final = re.compile(r"(?:SAVEPOINT|(?P<back>ROLLBACK\s(?:\w+\s+)??TO)(?:\s+SAVEPOINT)?)\s+(?P<name>\S+)", re.IGNORECASE)
_registries: weakref.WeakKeyDictionary[sqlalchemy.Engine, Writers] = weakref.WeakKeyDictionary()
