"""The sessions of the server, and which of them wait for which."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from backend_core.db.conninfo import parse_name
from backend_core.monitoring.link import APPLICATION, MonitorLink
from backend_core.monitoring.pools import KINDS
from backend_core.monitoring.recording import APPLICATION as RECORDER
from backend_core.monitoring.server.records import ActivityView, SessionRow

HIDDEN: Final = "hidden"
GONE: Final = "gone"
PREPARED: Final = "prepared"
CLIENT: Final = "client backend"
_WITHHELD: Final = "<insufficient privilege>"
_LONGEST: Final = 4_000
_MANY: Final = 12

# Columns that came with later versions are taken from the row as JSON, so that an earlier server answers too.
# pg_blocking_pids halts the lock table for a moment: it is asked only about sessions that wait for a lock.
_SESSIONS: Final = """
WITH waiting AS MATERIALIZED (
    SELECT l.pid, min((to_jsonb(l) ->> 'waitstart')::timestamptz) AS since FROM pg_locks l WHERE NOT l.granted GROUP BY l.pid
)
SELECT a.pid, a.backend_start AS started_at, coalesce(a.application_name, '') AS application, a.backend_type AS type,
       coalesce(a.usename::text, '') AS usename, coalesce(a.datname::text, '') AS database, coalesce(host(a.client_addr), '') AS client,
       a.state, a.wait_event_type, a.wait_event, a.query,
       extract(epoch FROM clock_timestamp() - a.query_start)::float AS query_s,
       extract(epoch FROM clock_timestamp() - a.state_change)::float AS state_s,
       extract(epoch FROM clock_timestamp() - a.xact_start)::float AS transaction_s,
       extract(epoch FROM clock_timestamp() - w.since)::float AS wait_s,
       CASE WHEN w.pid IS NULL THEN '{}' ELSE pg_blocking_pids(a.pid) END AS blocked_by
FROM pg_stat_activity a LEFT JOIN waiting w ON w.pid = a.pid
ORDER BY a.pid
"""
_SERVER: Final = """
SELECT current_setting('max_connections')::int AS max_connections, current_setting('server_version') AS version,
       current_database()::text AS database,
       extract(epoch FROM clock_timestamp() - pg_postmaster_start_time())::float AS uptime_s, clock_timestamp() AS at
"""
_QUOTED: Final = re.compile(
    r"\b[eE]'(?:[^'\\]|\\.|'')*(?:'|\\?\Z)|'(?:[^']|'')*(?:'|\Z)|(\$(?:[A-Za-z_]\w{0,62})?\$).*?(?:\1|\Z)", re.DOTALL
)


def masked(query: str) -> str:
    """Return a statement with what stands in quotes left out: it may be what a person wrote.

    >>> masked("UPDATE messages SET text = 'it''s me' WHERE id = 7")
    "UPDATE messages SET text = '…' WHERE id = 7"
    """
    return _QUOTED.sub("'…'", query)[:_LONGEST]


def read_sessions(link: MonitorLink) -> list[SessionRow]:
    """Return every session of the whole server, background ones included."""
    return [_session(row) for row in link.rows(_SESSIONS)]


def read_activity(link: MonitorLink) -> ActivityView:
    """Return the sessions of this database, and counts of them."""
    everywhere = read_sessions(link)
    server = link.rows(_SERVER)[0]
    clients = [row for row in everywhere if not row.background]
    ours = [row for row in clients if row.database == server["database"]]
    sessions = ours + [row for row in everywhere if row.background and row.database in (server["database"], "")]
    ages = [row.transaction_s for row in ours if row.transaction_s is not None]
    return ActivityView(
        sessions=tuple(sorted(sessions, key=_urgency)),
        by_state=_counted(ours, lambda row: row.state),
        by_user=_counted(ours, lambda row: row.user),
        by_application=_counted(ours, lambda row: row.application or row.kind),
        by_wait=_counted([row for row in ours if row.wait and row.state == "active"], lambda row: row.wait),
        connections=len(clients),
        max_connections=server["max_connections"],
        elsewhere=len(clients) - len(ours),
        blocked=sum(1 for row in sessions if row.blocked_by),
        hidden=sum(1 for row in ours if row.query is None),
        oldest_transaction_s=max(ages, default=None),
        server_version=server["version"],
        uptime_s=server["uptime_s"],
        at=server["at"].astimezone(dt.UTC),
    )


def absent(pid: int) -> SessionRow:
    """Return a row for what blocks others and has no session: a prepared transaction, or one that ended meanwhile."""
    state = GONE if pid else PREPARED
    kind = "Ended meanwhile" if pid else "Prepared transaction"
    return SessionRow(
        pid=pid, started_at=None, application="", kind=kind, user="", database="", client="", state=state, wait="", wait_s=None,
        query=None, query_s=None, state_s=None, transaction_s=None, blocked_by=(), background=False, ours=False, monitor=False,
    )  # fmt: skip


def is_monitor(application: str) -> bool:
    """Return whether sessions of this name are Lectern's own watching sessions."""
    parsed = parse_name(application)
    return parsed is not None and parsed.application in (APPLICATION, RECORDER)


_BACKGROUND: Final[Mapping[str, str]] = {
    "autovacuum worker": "Autovacuum",
    "walsender": "Replication",
    "parallel worker": "Parallel worker",
    "logical replication worker": "Replication",
}


def _session(row: Mapping[str, Any]) -> SessionRow:
    withheld = row["query"] == _WITHHELD
    state = HIDDEN if withheld else row["state"] or ""
    event = row["wait_event"]
    parsed = parse_name(row["application"])
    return SessionRow(
        pid=row["pid"],
        started_at=None if row["started_at"] is None else row["started_at"].astimezone(dt.UTC),
        application=row["application"],
        kind=_kind(row),
        user=row["usename"],
        database=row["database"],
        client=row["client"],
        state=state,
        wait=f"{row['wait_event_type']}: {event}" if event else "",
        wait_s=row["wait_s"] if row["blocked_by"] else None,
        query=None if withheld else masked(row["query"] or ""),
        query_s=row["query_s"] if state == "active" else None,
        state_s=row["state_s"],
        transaction_s=row["transaction_s"],
        # a parallel query waits for its own workers by the same means
        blocked_by=tuple(dict.fromkeys(pid for pid in row["blocked_by"] if pid != row["pid"])),
        background=row["type"] not in (CLIENT, None),
        ours=parsed is not None,
        monitor=is_monitor(row["application"]),
    )


def _kind(row: Mapping[str, Any]) -> str:
    parsed = parse_name(row["application"])
    if parsed is not None:
        return KINDS.get(parsed.application, parsed.application)
    if row["type"] in (CLIENT, None):
        return "Other client"
    return _BACKGROUND.get(row["type"], str(row["type"]).capitalize())


def _urgency(row: SessionRow) -> tuple[object, ...]:
    """Sort what waits first, then what runs, then open transactions, then the rest; background work last."""
    rank = 0 if row.blocked_by else {"active": 1, "idle in transaction": 2, "idle in transaction (aborted)": 2}.get(row.state, 3)
    return row.monitor, not row.database, rank, -(row.wait_s or 0), -(row.transaction_s or 0), row.pid


def _counted(rows: Iterable[SessionRow], of: Callable[[SessionRow], str]) -> tuple[tuple[str, int], ...]:
    counts: Sequence[tuple[str, int]] = Counter(of(row) for row in rows).most_common(_MANY)
    return tuple(sorted(counts, key=lambda pair: (-pair[1], pair[0])))
