"""Read every figure of one moment, by statements that never wait for a table; what cannot be read is unknown, never zero."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from backend_core.errors import DatabaseAway, LecternError
from backend_core.monitoring.link import MonitorLink
from backend_core.monitoring.measures.series import SERIES
from backend_core.monitoring.measures.tally import Tally, histogram, percentile_within, write_down

Figures = dict[str, float | None]
POOL_LIMIT: Final = 0.8
NEW_MINUTES: Final = dt.timedelta(minutes=3)

# without the right to see the sessions of others their states are not known
_SERVER: Final = """
SELECT d.xact_commit AS commits, d.xact_rollback AS rollbacks, d.blks_hit AS hits, d.blks_hit + d.blks_read AS blocks,
       extract(epoch FROM d.stats_reset)::float AS reset,
       extract(epoch FROM pg_postmaster_start_time())::float AS started,
       (SELECT extract(epoch FROM least(b.stats_reset, a.stats_reset))::float FROM pg_stat_bgwriter b, pg_stat_archiver a) AS began,
       pg_has_role('pg_read_all_stats', 'USAGE') AS sees, s.*
FROM pg_stat_database d, (
    SELECT count(*) AS connections,
           count(*) FILTER (WHERE ours AND state = 'active') AS active,
           count(*) FILTER (WHERE ours AND state LIKE 'idle in transaction%%') AS idle_in_transaction,
           count(*) FILTER (WHERE ours AND wait_event_type = 'Lock') AS blocked,
           coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)) FILTER (WHERE ours), 0)::float AS oldest_transaction_s
    FROM (SELECT state, wait_event_type, xact_start, datname = current_database() AND pid <> pg_backend_pid() AS ours
          FROM pg_stat_activity WHERE backend_type = 'client backend') sessions) s
WHERE d.datname = current_database()
"""
_POOLS: Final = """
SELECT application, capacity, in_use, waiting, timeouts, longest_ms, histogram, more
FROM process_report WHERE at > clock_timestamp() - interval '15 seconds'
"""
_JOBS: Final = """
SELECT count(*) FILTER (WHERE due) AS waiting, count(*) FILTER (WHERE status = 'doing') AS running,
       coalesce(max(extract(epoch FROM clock_timestamp() - greatest(created_at, scheduled_at))) FILTER (WHERE due), 0)::float AS lag_s,
       (SELECT count(*) FROM job_failure WHERE retry_at IS NULL AND at > %(start)s) AS failed
FROM (SELECT q.status, q.scheduled_at, r.created_at,
             q.status = 'todo' AND (q.scheduled_at IS NULL OR q.scheduled_at <= clock_timestamp()) AS due
      FROM procrastinate_jobs q LEFT JOIN job_run r ON r.job_id = q.id
      WHERE q.status IN ('todo', 'doing')) open_jobs
"""
_PRIVACY: Final = """
SELECT (SELECT count(*) FROM privacy_incidents WHERE at > %(start)s)
     + (SELECT coalesce(sum(greatest(leaks, failed)), 0) FROM privacy_runs WHERE target = '' AND finished_at > %(start)s) AS violations
"""
_EVENTS: Final = "SELECT objective, minute, good, bad, bars FROM slo_events WHERE minute > %(since)s"
_SIZE: Final = "SELECT pg_database_size(current_database()) AS bytes"


class Readings:
    """Reads the figures of each second, and knows the last ones to tell what was added since."""

    def __init__(self, *, free_share: Callable[[], float | None]) -> None:
        """Take ``free_share``, which returns the free part (0 to 1) of the disk that holds the files."""
        self._free_share = free_share
        self.begin()

    def begin(self, now: dt.datetime | None = None) -> None:
        """Forget what was read before: after a change of who records nobody knows what happened in between."""
        self._start = now
        self._before: dict[str, float] = {}
        self._timeouts: dict[str, int] | None = None
        self._events: dict[tuple[str, dt.datetime], Mapping[str, Any]] | None = None
        self._held: dict[str, tuple[float | None, dt.datetime]] = {}
        self._read_at: dict[int, dt.datetime] = {}
        self._pool = Tally()

    def read(self, now: dt.datetime, link: MonitorLink) -> Figures:
        """Return the value of every series, ``None`` where it is not known.

        Raises:
            DatabaseAway: the server does not answer.
        """
        if self._start is None:
            self._start = now
        figures: Figures = dict.fromkeys(one.name for one in SERIES)
        figures |= self._server(link.rows(_SERVER)[0])
        with _if_readable():
            figures |= self._pools(link.rows(_POOLS))
        for every_s, group in ((10, self._ten_seconds), (60, self._minute)):
            if self._due(every_s, now):
                self._held |= {name: (value, now) for name, value in group(now, link).items()}
        return figures | self._holding(now)

    def _due(self, every_s: int, now: dt.datetime) -> bool:
        last = self._read_at.get(every_s)
        due = last is None or (now - last).total_seconds() >= every_s - 0.5 or now < last
        if due:
            self._read_at[every_s] = now
        return due

    def _holding(self, now: dt.datetime) -> Figures:
        """Return what is read now and then: a state until it is read again, an amount once."""
        found: Figures = {}
        for one in SERIES:
            value, at = self._held.get(one.name, (None, now))
            fresh = at == now if one.fold == "sum" else (now - at).total_seconds() < 2 * one.every_s
            if one.name in self._held:
                found[one.name] = value if fresh else None
        return found

    def _server(self, row: Mapping[str, Any]) -> Figures:
        states = ("connections", "active", "idle_in_transaction", "blocked", "oldest_transaction_s")
        hits, blocks = self._since("hits", row["hits"]), self._since("blocks", row["blocks"])
        return {
            **{f"server.{name}": float(row[name]) if row["sees"] else None for name in states},
            "server.commits": self._since("commits", row["commits"]),
            "server.rollbacks": self._since("rollbacks", row["rollbacks"]),
            "server.cache_hit": hits / blocks if hits is not None and blocks else None,
            "counters.commits": float(row["commits"]),
            "counters.blocks": float(row["blocks"]),
            "counters.server_started": row["started"],
            "counters.began": row["began"],
            "counters.reset": row["reset"],
        }

    def _since(self, name: str, value: float) -> float | None:
        """Return what was added to a counter since the last reading; unknown after it fell."""
        before, self._before[name] = self._before.get(name), float(value)
        return None if before is None or value < before else float(value) - before

    def _pools(self, rows: Sequence[Mapping[str, Any]]) -> Figures:
        if not rows:
            return {}
        shares = [row["in_use"] / row["capacity"] for row in rows if row["capacity"]]
        waiting = sum(row["waiting"] for row in rows)
        gave_up = self._gave_up(rows)
        busiest = max(shares, default=0.0)
        good = busiest < POOL_LIMIT and not waiting and not gave_up
        self._pool.good += good
        self._pool.bad += not good
        in_use = float(sum(row["in_use"] for row in rows))
        return {
            "pool.in_use": in_use,
            "pool.in_use_peak": in_use,
            "pool.busiest_share": busiest,
            "pool.waiting": float(waiting),
            "pool.capacity": float(sum(row["capacity"] for row in rows)),
            "pool.wait_p95_ms": _wait_p95(rows),
            "pool.timeouts": gave_up,
        }

    def _gave_up(self, rows: Sequence[Mapping[str, Any]]) -> float | None:
        before, self._timeouts = self._timeouts, {row["application"]: row["timeouts"] for row in rows}
        if before is None:
            return None
        # a process that was not there before has counted since it began
        return float(sum(max(0, count - before.get(name, 0)) for name, count in self._timeouts.items()))

    def _ten_seconds(self, now: dt.datetime, link: MonitorLink) -> Figures:
        figures: Figures = {}
        with _if_readable():
            row = link.rows(_JOBS, {"start": self._start})[0]
            figures |= {f"jobs.{name}": float(row[name]) for name in ("waiting", "running", "lag_s")}
            figures["jobs.failed"] = self._since("jobs.failed", row["failed"])
        with _if_readable():
            found = link.rows(_PRIVACY, {"start": self._start})[0]["violations"]
            figures["privacy.violations"] = self._since("privacy.violations", found)
        with _if_readable():
            # first what this one counted itself, so that it is among what is read
            write_down(link, {"pool": self._pool} if self._pool.good or self._pool.bad else {})
            self._pool = Tally()
            figures |= self._added(link.rows(_EVENTS, {"since": now - NEW_MINUTES}))
        return figures

    def _added(self, rows: Sequence[Mapping[str, Any]]) -> Figures:
        before, self._events = self._events, {(row["objective"], row["minute"]): row for row in rows}
        if before is None:
            return {}
        added: dict[str, Tally] = {"statements": Tally(), "database": Tally(), "memory": Tally()}
        for key, row in self._events.items():
            if key[0] in added:
                added[key[0]].merge(_difference(row, before.get(key)))
        said = added["statements"]
        return {
            "statements.calls": float(said.good + said.bad),
            "statements.failed": float(said.bad),
            "statements.p95_ms": percentile_within(added["database"].bars, 0.95),
            "memory.p95_ms": percentile_within(added["memory"].bars, 0.95),
        }

    def _minute(self, _now: dt.datetime, link: MonitorLink) -> Figures:
        figures: Figures = {"disk.free_share": self._free_share()}
        with _if_readable():
            figures["server.database_bytes"] = float(link.rows(_SIZE)[0]["bytes"])
        return figures


@contextlib.contextmanager
def _if_readable() -> Iterator[None]:
    """Leave figures unknown that this server, or this role, does not give; but not when the server is away."""
    try:
        yield
    except DatabaseAway:
        raise
    except LecternError:
        return


def _difference(row: Mapping[str, Any], before: Mapping[str, Any] | None) -> Tally:
    if before is None:
        return Tally(row["good"], row["bad"], list(row["bars"]))
    bars = [a - b for a, b in zip(row["bars"], before["bars"], strict=True)]
    return Tally(row["good"] - before["good"], row["bad"] - before["bad"], bars)


def _wait_p95(rows: Sequence[Mapping[str, Any]]) -> float | None:
    """Return the 95 % of the waits in all pools together; never more than the longest wait."""
    merged = histogram([sum(column) for column in zip(*(row["histogram"] for row in rows), strict=True)])
    longest = max((row["longest_ms"] for row in rows if row["longest_ms"] is not None), default=None)
    return merged.percentiles(longest=longest).p95
