"""What the alert rules read from the server, by statements that never wait for anybody's lock; no text of queries or people."""

from __future__ import annotations

import collections
import datetime as dt
import math
from collections.abc import Iterator, Mapping
from typing import Any, Final

from backend_core.monitoring.rules import Reading
from backend_core.notices.job_notices import notice_of
from backend_core.notices.rows import Run

RECENTLY: Final = dt.timedelta(minutes=5)
_POOLS: Final = """
SELECT application, in_use, capacity, waiting, timeouts, at FROM process_report
WHERE at > clock_timestamp() - interval '15 seconds' AND capacity > 0
"""
_CONNECTIONS: Final = """
SELECT count(*) AS n, current_setting('max_connections')::int AS most FROM pg_stat_activity WHERE backend_type = 'client backend'
"""
_OPEN: Final = """
SELECT pid, application_name AS application, state LIKE 'idle in transaction%%' AS idle,
       extract(epoch FROM clock_timestamp() - state_change)::float AS state_s,
       extract(epoch FROM clock_timestamp() - xact_start)::float AS transaction_s
FROM pg_stat_activity
WHERE backend_type = 'client backend' AND datname = current_database() AND xact_start IS NOT NULL AND pid <> pg_backend_pid()
"""
_BLOCKED: Final = """
SELECT b.pid AS blocker, coalesce(s.application_name, '') AS application, count(*) AS n,
       max(extract(epoch FROM clock_timestamp() - w.since))::float AS waited_s
FROM pg_stat_activity a
CROSS JOIN LATERAL unnest(pg_blocking_pids(a.pid)) AS b (pid)
CROSS JOIN LATERAL (SELECT coalesce(min(l.waitstart), a.query_start) AS since FROM pg_locks l WHERE l.pid = a.pid AND NOT l.granted) w
LEFT JOIN pg_stat_activity s ON s.pid = b.pid
WHERE a.wait_event_type = 'Lock' AND a.datname = current_database() GROUP BY b.pid, s.application_name
"""
_FALLS: Final = """
SELECT cause, count(*) AS n, max(at) AS at FROM counter_falls
WHERE at > clock_timestamp() - interval '24 hours' AND cause <> 'restart' GROUP BY cause
"""
_PRIVACY: Final = """
SELECT id, outcome, leaks FROM privacy_runs WHERE outcome IN ('pass', 'fail', 'refused') AND target = '' ORDER BY id DESC LIMIT 1
"""
_JOB_ALERTS: Final = """
SELECT job_id, safe_message, operator_id FROM job_alerts WHERE status IN ('NEW', 'ACKNOWLEDGED', 'INVESTIGATING') ORDER BY created_at DESC
"""
# of a privacy run there is a rule of its own, which knows when the next one passes
_AUDIT_ALERTS: Final = """
SELECT id, rule, count FROM audit_alert WHERE acknowledged_at IS NULL AND rule <> 'privacy_run' ORDER BY id DESC LIMIT 200
"""
_AUDIT_LOG: Final = "SELECT ok FROM audit_verification ORDER BY id DESC LIMIT 1"
_DELIVERIES: Final = """
SELECT channel, max(attempts) FILTER (WHERE status = 'WAITING') AS attempts, count(*) FILTER (WHERE status = 'WAITING') AS waiting,
       count(*) FILTER (WHERE status = 'FAILED' AND next_at > clock_timestamp() - interval '24 hours') AS failed
FROM notice_deliveries GROUP BY channel
"""


def pools_full(rows: Run) -> Iterator[Reading]:
    """Yield how full the pool of each process is."""
    for row in rows(_POOLS, {}):
        body = f"{row['in_use']} of {row['capacity']} connections of {row['application']} are in use."
        yield Reading(subject=row["application"], value=row["in_use"] / row["capacity"], body=body)


def pools_waited_for(rows: Run) -> Iterator[Reading]:
    """Yield how many wait for a connection of each process."""
    for row in rows(_POOLS, {}):
        body = f"{row['waiting']} callers wait for a connection of {row['application']}."
        yield Reading(subject=row["application"], value=row["waiting"], body=body)


class PoolTimeouts:
    """How often nobody got a connection in time, within the last five minutes and since this process watches."""

    def __init__(self, *, window: dt.timedelta = RECENTLY) -> None:
        self._window = window
        self._seen: dict[str, collections.deque[tuple[dt.datetime, int]]] = {}

    def __call__(self, rows: Run) -> Iterator[Reading]:
        """Yield the growth of the counter of each process."""
        for row in rows(_POOLS, {}):
            seen = self._seen.setdefault(row["application"], collections.deque())
            seen.append((row["at"], row["timeouts"]))
            while seen[0][0] < row["at"] - self._window:
                seen.popleft()
            body = f"{row['application']} did not get a connection in time."
            yield Reading(subject=row["application"], value=row["timeouts"] - seen[0][1], body=body)


def connections(rows: Run) -> Iterator[Reading]:
    """Yield how much of what the server takes is connected."""
    for row in rows(_CONNECTIONS, {}):
        yield Reading(subject="", value=row["n"] / row["most"], body=f"{row['n']} of {row['most']} connections to the server are open.")


def idle_in_transaction(rows: Run) -> Iterator[Reading]:
    """Yield how long each session has left its transaction alone."""
    for row in (row for row in rows(_OPEN, {}) if row["idle"]):
        body = f"{_who(row)} has done nothing in its transaction for {row['state_s']:.0f} s."
        yield Reading(subject=f"session:{row['pid']}", value=row["state_s"], body=body, target={"pid": row["pid"]})


def long_transactions(rows: Run) -> Iterator[Reading]:
    """Yield how long each transaction lasts."""
    for row in rows(_OPEN, {}):
        body = f"The transaction of {_who(row)} lasts for {row['transaction_s'] / 60:.0f} min; nothing is vacuumed meanwhile."
        yield Reading(subject=f"session:{row['pid']}", value=row["transaction_s"], body=body, target={"pid": row["pid"]})


def blocking(rows: Run) -> Iterator[Reading]:
    """Yield how long others have waited for each session."""
    for row in rows(_BLOCKED, {}):
        who = f"session {row['blocker']} ({row['application'] or 'unnamed'})"
        body = f"{row['n']} sessions wait for {who}, the longest for {row['waited_s']:.0f} s."
        yield Reading(subject=f"session:{row['blocker']}", value=row["waited_s"], body=body, target={"pid": row["blocker"]})


def statistics_lost(rows: Run) -> Iterator[Reading]:
    """Yield by cause how often counters of the server fell."""
    for row in rows(_FALLS, {}):
        body = f"The server's counters fell at {row['at']:%Y-%m-%d %H:%M} UTC ({row['cause']}); advice about indexes begins anew."
        yield Reading(subject=row["cause"], value=row["n"], body=body)


def privacy_run(rows: Run) -> Iterator[Reading]:
    """Yield whether the last privacy run did not pass."""
    for row in rows(_PRIVACY, {}):
        body = f"Privacy run {row['id']} did not pass: {row['leaks']} leaks."
        yield Reading(subject="", value=int(row["outcome"] != "pass"), body=body, target={"run": row["id"]})


def job_alerts(rows: Run) -> Iterator[Reading]:
    """Yield the jobs that were given up and that nobody has closed."""
    for row in rows(_JOB_ALERTS, {}):
        told = notice_of(row["job_id"], safe_message=row["safe_message"], operator_id=row["operator_id"])
        facts: dict[str, Any] = {"body": told.body, "target": told.target, "title": told.title, "operator_id": told.operator_id}
        yield Reading(subject=told.subject, value=1, **facts)


def audit_log(rows: Run) -> Iterator[Reading]:
    """Yield whether the last verification of the audit log, of whatever kind, found anything; the next one that finds nothing clears it."""
    body = "It was changed, or cannot be trusted any more; the Audit log page says what was found. Export it before anything else is done."
    for row in rows(_AUDIT_LOG, {}):
        yield Reading(subject="", value=int(not row["ok"]), body=body)


def audit_alerts(rows: Run) -> Iterator[Reading]:
    """Yield the alerts of the audit log that nobody acknowledged; whom they are about stays there."""
    for row in rows(_AUDIT_ALERTS, {}):
        words = str(row["rule"]).replace("_", " ")
        body = f"The audit log reports {words} (counted {row['count']})."
        yield Reading(subject=f"alert:{row['id']}", value=1, body=body, target={"alert": row["id"]})


def deliveries(rows: Run) -> Iterator[Reading]:
    """Yield by channel how often the oldest message was tried in vain; one that was given up is worse than any number."""
    for row in rows(_DELIVERIES, {}):
        value = math.inf if row["failed"] else float(row["attempts"] or 0)
        body = f"Notices do not leave by {row['channel']}: {row['waiting']} wait, {row['failed']} were given up."
        yield Reading(subject=row["channel"], value=value, body=body)


def _who(row: Mapping[str, Any]) -> str:
    return f"session {row['pid']} ({row['application'] or 'unnamed'})"
