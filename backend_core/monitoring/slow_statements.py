"""Which statements take the time: as this program counted them, and as the server does where it keeps such counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from backend_core.monitoring.link import MonitorLink
from backend_core.monitoring.measures.tally import histogram

MOST_HOURS: Final = 7 * 24
MOST_ROWS: Final = 1000
_OURS: Final = """
WITH recent AS (
    SELECT * FROM statement_figures WHERE hour > clock_timestamp() - make_interval(hours => %(hours)s)
), sums AS (
    SELECT fingerprint, sum(calls)::bigint AS calls, sum(failed)::bigint AS failed, sum(rows)::bigint AS rows,
           sum(total_ms) AS total_ms, max(longest_ms) AS longest_ms
    FROM recent GROUP BY fingerprint
), top AS (
    SELECT *, coalesce(total_ms / nullif(sum(total_ms) OVER (), 0), 0) AS share FROM sums ORDER BY total_ms DESC LIMIT %(limit)s
)
SELECT top.*, coalesce(t.text, '') AS text, coalesce(t.label, '') AS label,
       (SELECT array_agg(bar ORDER BY n)
        FROM (SELECT n, sum(bar)::bigint AS bar FROM recent r, unnest(r.bars) WITH ORDINALITY AS one (bar, n)
              WHERE r.fingerprint = top.fingerprint GROUP BY n) steps) AS bars
FROM top LEFT JOIN statement_texts t USING (fingerprint) ORDER BY total_ms DESC
"""
_COUNTS: Final = """
SELECT count(*) = 7 AS there FROM pg_attribute
WHERE attrelid = to_regclass('pg_stat_statements') AND NOT attisdropped
  AND attname IN ('queryid', 'query', 'calls', 'rows', 'total_exec_time', 'max_exec_time', 'dbid')
"""
_SERVERS: Final = """
SELECT to_hex(queryid) AS fingerprint, left(query, 4000) AS text, calls, rows, total_exec_time AS total_ms, max_exec_time AS longest_ms,
       coalesce(total_exec_time / nullif(sum(total_exec_time) OVER (), 0), 0) AS share
FROM pg_stat_statements WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND query IS NOT NULL
ORDER BY total_exec_time DESC LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementRow:
    """One statement and what it cost; times in milliseconds.

    Attributes:
        text: with marks in place of what it was given.
        label: what it was first sent for.
        failed: ``None`` where that is not counted.
        p95_ms: ``None`` where that is not counted.
        share: part of the time of all statements, 0 to 1.
        source: ``lectern`` for what this program counted, ``server`` for pg_stat_statements, which counts since it was last reset.
    """

    fingerprint: str
    text: str
    label: str
    calls: int
    failed: int | None
    rows: int
    total_ms: float
    mean_ms: float
    p95_ms: float | None
    longest_ms: float
    share: float
    source: Literal["lectern", "server"]


def read_statements(link: MonitorLink, *, hours: int, limit: int) -> tuple[StatementRow, ...]:
    """Return the statements that took most time, first those this program counted, then those the server did.

    Raises:
        DatabaseAway: the server does not answer.
    """
    most = max(1, min(limit, MOST_ROWS))
    ours = link.rows(_OURS, {"hours": max(1, min(hours, MOST_HOURS)), "limit": most})
    there = link.rows(_COUNTS)[0]["there"]
    servers: Sequence[Mapping[str, Any]] = link.rows(_SERVERS, {"limit": most}) if there else ()
    return (*map(_counted, ours), *map(_servers_own, servers))


def _counted(row: Mapping[str, Any]) -> StatementRow:
    found = histogram(row["bars"]).percentiles(longest=row["longest_ms"])
    facts = {name: value for name, value in row.items() if name != "bars"}
    return StatementRow(**facts, mean_ms=row["total_ms"] / row["calls"], p95_ms=found.p95, source="lectern")


def _servers_own(row: Mapping[str, Any]) -> StatementRow:
    mean = row["total_ms"] / row["calls"] if row["calls"] else 0.0
    return StatementRow(**row, label="", failed=None, p95_ms=None, mean_ms=mean, source="server")
