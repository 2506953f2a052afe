"""What monitoring hands out: plain frozen records with units in their names."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from typing import Final

BOUNDS_MS: Final = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0)
"""Upper bounds of the histograms of waits and connects in milliseconds; one further bucket holds everything above."""

USAGE_BOUNDS_MS: Final = (0.25, 1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 1_000.0, 10_000.0, 60_000.0)
"""The same for the time connections were kept; what lies above the last bound was leaked."""

LEAK_S: Final = 60.0
"""Seconds after which a connection that was not given back counts as leaked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Percentiles:
    """Milliseconds below which half, 95 % and 99 % of the samples lay; ``None`` without a sample."""

    p50: float | None
    p95: float | None
    p99: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """Counts per bucket; ``counts`` has one entry more than ``bounds_ms``, for everything above the last bound."""

    bounds_ms: tuple[float, ...]
    counts: tuple[int, ...]

    @property
    def total(self) -> int:
        """Number of samples."""
        return sum(self.counts)

    def percentile(self, part: float) -> float | None:
        """Return the value below which ``part`` (0 to 1) of the samples lie, interpolated inside its bucket.

        ``None`` without a sample, and infinity when it lies above the last bound.

        >>> Histogram(bounds_ms=(1.0, 2.0), counts=(10, 10, 0)).percentile(0.75)
        1.5
        """
        wanted = part * self.total
        below = 0
        low = 0.0
        for high, count in zip((*self.bounds_ms, math.inf), self.counts, strict=True):
            if count and below + count >= wanted:
                if high == math.inf:
                    return high
                return low + (high - low) * (wanted - below) / count
            below += count
            low = high
        return None

    def percentiles(self, *, longest: float | None = None) -> Percentiles:
        """Return the three usual percentiles; none of them can exceed the ``longest`` sample."""

        def bounded(part: float) -> float | None:
            found = self.percentile(part)
            return found if found is None or longest is None else min(found, longest)

        return Percentiles(p50=bounded(0.5), p95=bounded(0.95), p99=bounded(0.99))


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessRow:
    """Connections of one process, or of one of its side channels.

    Attributes:
        application: ``application_name`` on the server.
        kind: ``Desktop``, ``Worker``, ``Command`` or what else the process is.
        size: connections the server counts for it now.
        overflow: how many of them are beyond the lasting ones.
        in_use: checked out now.
        capacity: most connections it may open; ``None`` for a side channel.
        reported_age_s: seconds since the process last told its figures; ``None`` if it has no pool.
        wait_ms: how long callers waited for a connection, in the last 15 minutes like all times here.
        usage_ms: how long connections that came back were kept.
        connect_ms: how long opening a connection took.
        recycled: connections replaced because of their age, since the process began like all counters here.
        invalidated: connections thrown away because they, or one opened after them, were found broken.
        leaks: connections kept for more than 60 seconds at this moment; ``leaked`` ever, with those.
    """

    application: str
    kind: str
    host: str
    pid: int
    size: int
    overflow: int
    in_use: int
    waiting: int
    timeouts: int
    capacity: int | None
    base: int | None
    reported_age_s: float | None
    wait_ms: Percentiles
    longest_wait_ms: float | None
    histogram: Histogram
    usage_ms: Percentiles
    longest_usage_ms: float | None
    usage_histogram: Histogram
    connect_ms: Percentiles
    longest_connect_ms: float | None
    connect_histogram: Histogram
    recycled: int
    invalidated: int
    leaks: int
    leaked: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HolderRow:
    """Who holds a connection right now.

    Attributes:
        label: what the transaction does, in words.
        frames: ``(place, function)`` from the check-out to the outermost call.
        state: as the server sees it, ``idle in transaction`` and the like.
        started_at: start of the server's session; with its pid it names one session and never a later one.
        transaction_s: age of its transaction; ``None`` without one.
        blocks: pids of the sessions that wait for it.
    """

    application: str
    pid: int
    held_s: float
    label: str
    thread: str
    server_pid: int | None
    state: str | None
    wait_event: str | None
    last_query: str | None
    frames: tuple[tuple[str, str], ...]
    started_at: dt.datetime | None
    transaction_s: float | None
    user: str | None
    blocks: tuple[int, ...]

    @property
    def leaking(self) -> bool:
        """Whether it is held for so long that nobody can mean it."""
        return self.held_s >= LEAK_S


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolView:
    """Every connection pool of the profile at one moment.

    Attributes:
        capacity: base plus overflow over every process.
        wait_ms: percentiles of the waits of the last 15 minutes.
        longest_wait_ms: longest wait of the last 15 minutes; ``None`` without one.
        usage_ms: the same of the time connections were kept; ``connect_ms`` of opening one.
        recycled: connections replaced because of their age, over all living processes like the other counters.
        invalidated: connections thrown away because they, or one opened after them, were found broken.
        leaks: connections kept for more than 60 seconds at this moment; ``leaked`` ever, with those.
        holders: who holds a connection, the longest first; at most 20 of each process.
        server_connections: all connections to the server, ours or not.
    """

    capacity: int
    base: int
    overflow_limit: int
    size: int
    in_use: int
    idle: int
    waiting: int
    timeouts: int
    wait_ms: Percentiles
    longest_wait_ms: float | None
    histogram: Histogram
    usage_ms: Percentiles
    longest_usage_ms: float | None
    usage_histogram: Histogram
    connect_ms: Percentiles
    longest_connect_ms: float | None
    connect_histogram: Histogram
    recycled: int
    invalidated: int
    leaks: int
    leaked: int
    processes: tuple[ProcessRow, ...]
    holders: tuple[HolderRow, ...]
    server_connections: int
    max_connections: int
    server_version: str
    uptime_s: float
    at: dt.datetime

    @property
    def leaking(self) -> tuple[HolderRow, ...]:
        """Who holds a connection for more than 60 seconds, with the calls that took it."""
        return tuple(holder for holder in self.holders if holder.leaking)


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSample:
    """One second of this process's pool."""

    at: dt.datetime
    in_use: int
    waiting: int
    wait_p95_ms: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthCheck:
    """One thing that must work.

    Attributes:
        status: ``ok``, ``degraded``, ``failed`` or ``unknown``.
        age_s: seconds since it was looked at.
    """

    name: str
    status: str
    detail: str
    age_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthView:
    """All checks and the worst of them."""

    status: str
    checks: tuple[HealthCheck, ...]
