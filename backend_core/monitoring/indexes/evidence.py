"""How long and how well use was counted: snapshots of the counters, and what lies between the first that can be compared and now."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from backend_core.monitoring.indexes.catalogue import Catalogue, RawIndex
from backend_core.monitoring.indexes.catalogue_sql import SERVER
from backend_core.monitoring.indexes.records import Evidence, Fall
from backend_core.monitoring.indexes.verdicts import Use
from backend_core.monitoring.link import MonitorLink

SNAPSHOT_EVERY_S: Final = 600.0
HOUR_S: Final = 3600.0
MOST_FALLS: Final = 5

# Skipped when the last one is fresh and its counters can be compared: each window that opens would add one otherwise.
_TAKE: Final = """
WITH server AS (
    SELECT pg_postmaster_start_time() AS started,
           greatest((SELECT stats_reset FROM pg_stat_database WHERE datname = current_database()),
                    (SELECT stats_reset FROM pg_stat_bgwriter)) AS mark
), shown AS (
    SELECT c.oid, c.relkind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'm', 'i') AND c.relpersistence <> 't'
       AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
)
INSERT INTO index_snapshots (server_started, stats_reset, scans, tables)
SELECT started, mark,
       (SELECT coalesce(jsonb_object_agg(oid::text, pg_stat_get_numscans(oid)), '{}') FROM shown WHERE relkind = 'i'),
       (SELECT coalesce(jsonb_object_agg(oid::text, jsonb_build_array(pg_stat_get_numscans(oid), pg_stat_get_tuples_returned(oid))), '{}')
          FROM shown WHERE relkind IN ('r', 'm'))
  FROM server
 WHERE NOT EXISTS (SELECT FROM index_snapshots s WHERE s.at > clock_timestamp() - make_interval(secs => %(fresh_s)s)
                      AND s.server_started = server.started AND s.stats_reset IS NOT DISTINCT FROM server.mark)
RETURNING id
"""

# What the last two say about each other: another start of the statistics, or a counter that is smaller than it was.
_FELL: Final = """
INSERT INTO counter_falls (at, what, cause, detail)
SELECT new.at, 'indexes',
       CASE WHEN new.stats_reset IS NOT DISTINCT FROM old.stats_reset THEN 'unknown'
            WHEN new.server_started <> old.server_started THEN 'crash' ELSE 'reset' END,
       jsonb_build_object('before', old.at, 'smaller', f.smaller, 'counters', f.compared)
  FROM (SELECT * FROM index_snapshots WHERE id = %(id)s) new
  JOIN LATERAL (SELECT * FROM index_snapshots o WHERE o.at < new.at ORDER BY o.at DESC LIMIT 1) old ON true
  JOIN LATERAL (SELECT count(*) AS compared, count(*) FILTER (WHERE (new.scans ->> was.key)::bigint < was.value::bigint) AS smaller
                  FROM jsonb_each_text(old.scans) was WHERE new.scans ? was.key) f ON true
 WHERE new.stats_reset IS DISTINCT FROM old.stats_reset OR f.smaller > 0
"""

# The first of each hour, later of each day, stays; and the first after the counters fell, from which they are counted.
_PRUNE: Final = """
DELETE FROM index_snapshots s
 WHERE s.at < clock_timestamp() - interval '400 days'
    OR s.at < clock_timestamp() - interval '2 days' AND EXISTS (
        SELECT FROM index_snapshots e
         WHERE e.at < s.at AND e.stats_reset IS NOT DISTINCT FROM s.stats_reset AND e.server_started = s.server_started
           AND e.at >= CASE WHEN s.at < clock_timestamp() - interval '30 days' THEN date_trunc('day', s.at)
                            ELSE date_trunc('hour', s.at) END)
"""

# Time counts while the server was up: from one snapshot to the next, or from its start where it was started in between.
_WINDOW: Final = """
WITH server AS (
    SELECT pg_postmaster_start_time() AS started,
           greatest((SELECT stats_reset FROM pg_stat_database WHERE datname = current_database()),
                    (SELECT stats_reset FROM pg_stat_bgwriter)) AS mark
), kept AS (
    SELECT s.id, s.at, s.server_started FROM index_snapshots s, server
     WHERE s.at > coalesce((SELECT max(o.at) FROM index_snapshots o WHERE o.stats_reset IS DISTINCT FROM server.mark), '-infinity')
       AND s.at >= coalesce((SELECT max(f.at) FROM counter_falls f WHERE f.cause <> 'restart'), '-infinity')
), spans AS (
    SELECT k.id, k.at,
           extract(epoch FROM lead(k.at, 1, clock_timestamp()) OVER w
                              - greatest(k.at, CASE WHEN lead(k.server_started, 1, server.started) OVER w <> k.server_started
                                                    THEN lead(k.server_started, 1, server.started) OVER w ELSE k.at END)) AS covered_s
      FROM kept k, server WINDOW w AS (ORDER BY k.at)
), sums AS (
    SELECT id, at, sum(covered_s) OVER (ORDER BY at DESC)::float AS since_s FROM spans
)
SELECT server.mark, server.started, clock_timestamp() AS at, b.at AS since, b.since_s, n.scans AS first_scans, n.tables AS first_tables,
       p.scans AS old_scans, EXISTS (SELECT FROM index_snapshots) AS kept_before
  FROM server LEFT JOIN (SELECT * FROM sums ORDER BY at LIMIT 1) b ON true LEFT JOIN index_snapshots n ON n.id = b.id
  LEFT JOIN index_snapshots p ON p.id = (SELECT id FROM sums WHERE since_s >= %(needed_s)s ORDER BY at DESC LIMIT 1)
"""
_FALLS: Final = "SELECT at, cause, what FROM counter_falls WHERE cause <> 'restart' ORDER BY at DESC LIMIT %(most)s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How much has to be known before anything is called unused.

    Attributes:
        hours: for how long the server has counted.
        scans: how many uses of any index it has counted in that time.
    """

    hours: float = 7 * 24.0
    scans: int = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The evidence, and the counters at its beginning.

    Attributes:
        first: scans by oid of the index at its beginning; ``None`` without one.
        old: the indexes that are old enough to be called unused.
        tables: sequential scans and rows read by them, by oid of the table, at its beginning.
        withheld: why nothing may be called unused, or nothing.
        span: length of the evidence in words.
    """

    evidence: Evidence
    first: Mapping[str, int] | None
    old: frozenset[str]
    tables: Mapping[str, tuple[int, int]]
    withheld: str
    span: str
    hours_needed: float

    def scans(self, index: RawIndex) -> int | None:
        """Return how often an index was used within the evidence; ``None`` without any."""
        return None if self.first is None else max(0, index.scans - self.first.get(str(index.oid), 0))

    def use(self, index: RawIndex) -> Use:
        """Return what is known of the use of one index."""
        scans = self.scans(index)
        if self.withheld or str(index.oid) in self.old:
            return Use(scans, self.withheld, self.span)
        return Use(scans, f"Not enough evidence: it was not there {spoken(self.hours_needed)} ago.", self.span)

    def sequential(self, oid: int, scans: int, read: int) -> tuple[int, int]:
        """Return sequential scans of a table, and rows read by them, within the evidence."""
        before = self.tables.get(str(oid), (0, 0))
        return max(0, scans - before[0]), max(0, read - before[1])


def take(link: MonitorLink, *, fresh_s: float = SNAPSHOT_EVERY_S / 2) -> bool:
    """Keep the counters as they are now, note whether they fell, and thin out old ones; return whether anything was kept."""
    taken = link.rows(_TAKE, {"fresh_s": fresh_s})
    if taken:
        link.rows(_FELL, {"id": taken[0]["id"]})
        link.rows(_PRUNE)
    return bool(taken)


def hook(_now: dt.datetime, link: MonitorLink) -> None:
    """Keep the counters, as the recorder calls it every ``SNAPSHOT_EVERY_S`` seconds and at its start."""
    take(link)


def read_window(link: MonitorLink, catalogue: Catalogue, patience: Patience) -> Window:
    """Return the evidence as of now."""
    row = link.rows(_WINDOW, {"needed_s": patience.hours * HOUR_S})[0]
    falls = tuple(Fall(at=one["at"], cause=one["cause"], detail=one["what"]) for one in link.rows(_FALLS, {"most": MOST_FALLS}))
    first = row["first_scans"]
    fell = first is not None and any(index.scans < first.get(str(index.oid), 0) for index in catalogue.indexes)
    used = 0 if first is None else sum(index.scans - first.get(str(index.oid), 0) for index in catalogue.indexes)
    hours = _hours(row)
    replicas = bool(link.rows(SERVER)[0]["replicas"])
    withheld = _withheld(row, hours, used, patience, fell=fell, falls=bool(falls)) or (_REPLICAS if replicas else "")
    evidence = Evidence(
        since=row["since"], hours=hours, falls=falls, enough=not withheld, replicas=replicas, sentence=withheld or _enough(hours, used)
    )
    tables = {oid: (one[0], one[1]) for oid, one in (row["first_tables"] or {}).items()}
    old = frozenset(row["old_scans"] or ())
    return Window(
        evidence=evidence,
        first=None if fell else first,
        old=old,
        tables={} if fell else tables,
        withheld=withheld,
        span=f"in {spoken(hours)}",
        hours_needed=patience.hours,
    )


_REPLICAS: Final = "Another server may answer queries by it, and its counters are not here: read them there first."


def _hours(row: Mapping[str, Any]) -> float:
    if row["since"] is not None:
        return round(float(row["since_s"]) / HOUR_S, 2)
    if row["mark"] is None:
        return 0.0
    length: dt.timedelta = row["at"] - max(row["mark"], row["started"])
    return round(length.total_seconds() / HOUR_S, 2)


def _withheld(row: Mapping[str, Any], hours: float, used: int, patience: Patience, *, fell: bool, falls: bool) -> str:
    if fell:
        return "Not enough evidence: the counters fell a moment ago."
    if row["since"] is None:
        began = f"{spoken(hours)} since the counters fell" if row["kept_before"] else "the counters were not kept yet"
        return f"Not enough evidence: {began}; {spoken(patience.hours)} are needed."
    if hours < patience.hours:
        began = "the counters fell" if falls else "they were first kept"
        return f"Not enough evidence: {spoken(hours)} since {began}; {spoken(patience.hours)} are needed."
    if used < patience.scans:
        return f"Not enough evidence: in {spoken(hours)} all indexes together were used {used} times only."
    return ""


def _enough(hours: float, used: int) -> str:
    return f"{spoken(hours)} of counting, {used} uses of indexes."


def spoken(hours: float) -> str:
    """Return a length of time in words.

    >>> [spoken(0.2), spoken(1), spoken(30.4), spoken(168)]
    ['12 minutes', '1 hour', '30 hours', '7 days']
    """
    for size, name in ((24.0, "day"), (1.0, "hour"), (1 / 60, "minute")):
        count = int(hours / size + 1e-9)
        if count >= (3 if name == "day" else 1):
            return f"{count} {name}{'' if count == 1 else 's'}"
    return "less than a minute"
