"""Every series that is recorded: its name, unit, how readings become one of a coarser ring, and how often it is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Fold = Literal["sum", "max", "mean", "last"]
SECOND: Final = 1
TEN_SECONDS: Final = 10
MINUTE: Final = 60


@dataclass(frozen=True, slots=True)
class Declared:
    """One series.

    Attributes:
        name: stable, dotted.
        unit: ``1`` for a plain count.
        fold: what becomes of several readings in a coarser ring.
        every_s: seconds between two readings; in between the last one still holds, except where ``fold`` is ``sum``.
        help: one sentence.
    """

    name: str
    unit: str
    fold: Fold
    every_s: int
    help: str


SERIES: Final = (
    Declared("pool.in_use", "1", "mean", SECOND, "Connections lent by the pools of all processes."),
    Declared("pool.in_use_peak", "1", "max", SECOND, "Most connections lent at one moment by the pools of all processes."),
    Declared("pool.busiest_share", "share", "max", SECOND, "Use of the fullest pool: lent connections over its capacity."),
    Declared("pool.waiting", "1", "max", SECOND, "Callers that wait for a connection."),
    Declared("pool.capacity", "1", "last", SECOND, "Most connections that the pools of all processes may open."),
    Declared("pool.wait_p95_ms", "ms", "max", SECOND, "Time below which 95 % of the waits for a connection lay, over the last 15 minutes."),
    Declared("pool.timeouts", "1", "sum", SECOND, "Callers that gave up waiting for a connection."),
    Declared("server.connections", "1", "max", SECOND, "Client connections to the server, of every database."),
    Declared("server.active", "1", "mean", SECOND, "Sessions of this database that run a statement, the recorder's own left out."),
    Declared("server.idle_in_transaction", "1", "max", SECOND, "Sessions of this database that hold a transaction open and do nothing."),
    Declared("server.blocked", "1", "max", SECOND, "Sessions of this database that wait for a lock of another one."),
    Declared("server.commits", "1", "sum", SECOND, "Transactions committed in this database."),
    Declared("server.rollbacks", "1", "sum", SECOND, "Transactions rolled back in this database."),
    Declared("server.cache_hit", "share", "mean", SECOND, "Blocks found in the server's memory among all that were asked for."),
    Declared("server.database_bytes", "bytes", "last", MINUTE, "Size of this database on disk."),
    Declared("server.oldest_transaction_s", "s", "max", SECOND, "Age of the oldest open transaction in this database."),
    Declared("statements.calls", "1", "sum", TEN_SECONDS, "Statements of Lectern that ended."),
    Declared("statements.p95_ms", "ms", "max", TEN_SECONDS, "Time below which 95 % of Lectern's statements took, over the last reading."),
    Declared("statements.failed", "1", "sum", TEN_SECONDS, "Statements of Lectern that the server refused or lost."),
    Declared("jobs.waiting", "1", "max", TEN_SECONDS, "Jobs that are due and wait for a worker."),
    Declared("jobs.running", "1", "mean", TEN_SECONDS, "Jobs that a worker is at."),
    Declared("jobs.lag_s", "s", "max", TEN_SECONDS, "How long the job that waits longest has been due."),
    Declared("jobs.failed", "1", "sum", TEN_SECONDS, "Jobs given up after their last attempt."),
    Declared("memory.p95_ms", "ms", "max", TEN_SECONDS, "Time below which 95 % of the operations inside a conversation took."),
    Declared("privacy.violations", "1", "sum", TEN_SECONDS, "Leaks found by privacy runs, and attempts held by the guard."),
    Declared("disk.free_share", "share", "last", MINUTE, "Free part of the disk that holds Lectern's files, on the computer that records."),
    # what tells whether counters are still those of a moment ago; kept so that a fall is seen across restarts of the recorder
    Declared("counters.commits", "1", "last", SECOND, "Transactions committed since the server's counters began."),
    Declared("counters.blocks", "1", "last", SECOND, "Blocks asked for since the server's counters began."),
    Declared("counters.server_started", "unix s", "last", SECOND, "When the server was started."),
    Declared("counters.began", "unix s", "last", SECOND, "When the server last lost or cleared all its counters."),
    Declared("counters.reset", "unix s", "last", SECOND, "When the counters of this database were last reset."),
)
BY_NAME: Final = {one.name: one for one in SERIES}
