"""The pools of every process: sizes as the server counts them, use as each process reports it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Final

from backend_core.db.conninfo import parse_name
from backend_core.monitoring.link import MonitorLink
from backend_core.monitoring.pool_times import counters, times
from backend_core.monitoring.records import HolderRow, PoolView, ProcessRow

KINDS: Final = {
    "lectern-desktop": "Desktop",
    "lectern-worker": "Worker",
    "lectern-command": "Command",
    "lectern-queue": "Job queue",
    "lectern-worker-id": "Worker lock",
    "lectern-monitor": "Monitor, own role",
    "lectern-recorder": "Recorder",
    "lectern-changes": "Change hints",
    "lectern-listen": "Change hints",
    "lectern-launcher": "Launcher",
}

_SESSIONS: Final = """
SELECT application_name AS application, count(*) AS size, count(*) FILTER (WHERE state <> 'idle') AS active
FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND application_name LIKE 'lectern-%%'
GROUP BY application_name ORDER BY application_name
"""
_REPORTS: Final = "SELECT *, extract(epoch FROM clock_timestamp() - at)::float AS age_s FROM process_report"
_SERVER: Final = """
SELECT (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS connections,
       current_setting('max_connections')::int AS max_connections, current_setting('server_version') AS version,
       extract(epoch FROM clock_timestamp() - pg_postmaster_start_time())::float AS uptime_s
"""
_HELD: Final = """
WITH waiting AS MATERIALIZED (
    SELECT pid, pg_blocking_pids(pid) AS blocked_by FROM pg_stat_activity WHERE wait_event_type = 'Lock'
)
SELECT pid, state, wait_event_type, wait_event, left(query, 200) AS query, backend_start AS started_at, usename::text AS user,
       extract(epoch FROM clock_timestamp() - xact_start)::float AS transaction_s,
       ARRAY(SELECT w.pid FROM waiting w WHERE a.pid = ANY(w.blocked_by) ORDER BY w.pid) AS blocks
FROM pg_stat_activity a WHERE pid = ANY(%(pids)s)
"""


def read_pools(link: MonitorLink, own: Mapping[str, Any]) -> PoolView:
    """Return every pool of the profile.

    Args:
        own: this process's report, taken just now; it is fresher than the row in the table.
    """
    reports = {row["application"]: row for row in link.rows(_REPORTS)}
    reports[own["application"]] = dict(own)
    processes = tuple(_process(row, reports.get(row["application"])) for row in link.rows(_SESSIONS))
    sizes = {process.application: process.size for process in processes}
    pools = [row for name, row in reports.items() if name in sizes]
    server = link.rows(_SERVER)[0]
    return PoolView(
        **_sums(pools, sizes),
        **times(pools),
        processes=processes,
        holders=_holders(link, pools),
        server_connections=server["connections"],
        max_connections=server["max_connections"],
        server_version=server["version"],
        uptime_s=server["uptime_s"],
        at=dt.datetime.now(dt.UTC),
    )


def _sums(pools: Sequence[Mapping[str, Any]], sizes: Mapping[str, int]) -> dict[str, Any]:
    totals = {name: sum(row[name] for row in pools) for name in ("capacity", "base", "in_use", "waiting", "timeouts")} | counters(pools)
    size = sum(sizes[row["application"]] for row in pools)
    idle = max(0, size - totals["in_use"])
    return totals | {"overflow_limit": totals["capacity"] - totals["base"], "size": size, "idle": idle}


def _process(row: Mapping[str, Any], report: Mapping[str, Any] | None) -> ProcessRow:
    name = row["application"]
    parsed = parse_name(name)
    base = report["base"] if report else None
    return ProcessRow(
        application=name,
        kind=KINDS.get(parsed.application, parsed.application) if parsed else name,
        host=parsed.host if parsed else "",
        pid=parsed.pid if parsed else 0,
        size=row["size"],
        overflow=max(0, row["size"] - base) if base is not None else 0,
        in_use=report["in_use"] if report else row["active"],
        waiting=report["waiting"] if report else 0,
        timeouts=report["timeouts"] if report else 0,
        capacity=report["capacity"] if report else None,
        base=base,
        reported_age_s=report.get("age_s", 0.0) if report else None,
        **times([report] if report else []),
        **counters([report] if report else []),
    )


def _holders(link: MonitorLink, reports: Sequence[Mapping[str, Any]]) -> tuple[HolderRow, ...]:
    held = [(report, holder) for report in reports for holder in report["holders"]]
    pids = [holder["server_pid"] for _, holder in held if holder["server_pid"]]
    sessions = {row["pid"]: row for row in link.rows(_HELD, {"pids": pids})} if pids else {}
    rows = [_holder(report, holder, sessions.get(holder["server_pid"], {})) for report, holder in held]
    return tuple(sorted(rows, key=lambda row: -row.held_s))


def _holder(report: Mapping[str, Any], holder: Mapping[str, Any], session: Mapping[str, Any]) -> HolderRow:
    event = session.get("wait_event")
    return HolderRow(
        application=report["application"],
        pid=report["pid"],
        held_s=holder["held_s"] + report.get("age_s", 0.0),
        label=holder["label"],
        thread=holder["thread"],
        server_pid=holder["server_pid"],
        state=session.get("state"),
        wait_event=f"{session['wait_event_type']}: {event}" if event else None,
        last_query=session.get("query"),
        frames=tuple((place, function) for place, function in holder["frames"]),
        started_at=session.get("started_at"),
        transaction_s=session.get("transaction_s"),
        user=session.get("user"),
        blocks=tuple(session.get("blocks", ())),
    )
