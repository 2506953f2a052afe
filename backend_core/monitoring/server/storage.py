"""Tables and sequences of the database, and how near they are to running out; nothing here waits for a lock."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

from backend_core.errors import Conflict
from backend_core.monitoring.link import MonitorLink
from backend_core.monitoring.server.records import SequenceRow, TableRow, TablesView, Wraparound
from backend_core.monitoring.server.waits import HINDERS, STRENGTH, words_of

LAST_ID: Final = 2**31
"""Transaction ids that can be told apart; after these the server refuses to write."""

# pg_relation_size and its kin wait for whoever has the table locked; the pages the server has noted do not.
_TABLES: Final = """
WITH held AS MATERIALIZED (
    SELECT coalesce(i.indrelid, l.relation) AS relid, array_agg(DISTINCT l.pid) AS pids, array_agg(DISTINCT l.mode) AS modes
    FROM pg_locks l LEFT JOIN pg_index i ON i.indexrelid = l.relation
    WHERE l.granted AND l.mode = ANY(%(hinders)s) AND l.locktype = 'relation'
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    GROUP BY 1
), indexes AS (
    SELECT x.indrelid AS relid, sum(c.relpages)::bigint AS pages FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid GROUP BY 1
)
SELECT CASE WHEN s.schemaname = 'public' THEN s.relname ELSE s.schemaname || '.' || s.relname END AS table,
       s.n_live_tup AS live, s.n_dead_tup AS dead, s.n_mod_since_analyze AS changed,
       greatest(s.last_vacuum, s.last_autovacuum) AS last_vacuum, greatest(s.last_analyze, s.last_autoanalyze) AS last_analyze,
       c.reltuples::bigint AS noted, c.relpages::bigint * b.size AS heap_bytes, coalesce(i.pages, 0) * b.size AS index_bytes,
       coalesce(t.relpages, 0)::bigint * b.size + coalesce(ti.pages, 0) * b.size AS long_bytes,
       CASE WHEN c.relfrozenxid <> '0'::xid THEN age(c.relfrozenxid) END AS age, h.pids, h.modes
FROM pg_stat_user_tables s
JOIN pg_class c ON c.oid = s.relid
CROSS JOIN (SELECT current_setting('block_size')::bigint AS size) b
LEFT JOIN pg_class t ON t.oid = c.reltoastrelid
LEFT JOIN indexes i ON i.relid = c.oid
LEFT JOIN indexes ti ON ti.relid = t.oid
LEFT JOIN held h ON h.relid = c.oid
"""
_WRAPAROUND: Final = """
SELECT age(d.datfrozenxid) AS age, mxid_age(d.datminmxid) AS multixacts, o.datname AS oldest, age(o.datfrozenxid) AS oldest_age,
       current_setting('autovacuum_freeze_max_age')::bigint AS freeze_age, current_setting('autovacuum')::bool AS autovacuum,
       pg_database_size(d.oid) AS bytes, clock_timestamp() AS at
FROM pg_database d CROSS JOIN (SELECT datname::text, datfrozenxid FROM pg_database ORDER BY age(datfrozenxid) DESC LIMIT 1) o
WHERE d.datname = current_database()
"""
# The last number is read from the sequence itself, which waits for whoever has it locked: those are left out.
_SEQUENCES: Final = """
WITH held AS MATERIALIZED (
    SELECT l.relation AS oid FROM pg_locks l
    WHERE l.locktype = 'relation' AND l.mode = ANY(%(hinders)s)
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
), mine AS MATERIALIZED (
    SELECT s.seqrelid, s.seqmax, s.seqstart, s.seqincrement, has_sequence_privilege(s.seqrelid, 'SELECT') AS readable,
           (%(skip)s OR s.seqrelid IN (SELECT oid FROM held)) AS locked
    FROM pg_sequence s
)
SELECT c.relname::text AS name, coalesce(o.refobjid::regclass::text, '') AS table, m.seqmax AS most, m.readable, m.locked,
       CASE WHEN m.readable AND NOT m.locked THEN pg_sequence_last_value(m.seqrelid) END AS last
FROM mine m JOIN pg_class c ON c.oid = m.seqrelid
LEFT JOIN pg_depend o ON o.objid = m.seqrelid AND o.classid = 'pg_class'::regclass AND o.refobjsubid > 0 AND o.deptype IN ('a', 'i')
WHERE m.seqincrement > 0
ORDER BY c.relname
"""


def read_tables(link: MonitorLink) -> TablesView:
    """Return tables, sequences and wraparound; locked ones are marked and cost nothing.

    Raises:
        DatabaseAway: the server does not answer.
    """
    rows = [_table(row) for row in link.rows(_TABLES, {"hinders": list(HINDERS)})]
    facts = link.rows(_WRAPAROUND)[0]
    return TablesView(
        rows=tuple(sorted(rows, key=lambda row: (-(row.size_bytes or 0), row.table))),
        wraparound=Wraparound(
            database=facts["age"] / LAST_ID,
            server=facts["oldest_age"] / LAST_ID,
            server_database=facts["oldest"],
            multixact=facts["multixacts"] / LAST_ID,
            freeze_at=facts["freeze_age"] / LAST_ID,
        ),
        sequences=_sequences(link),
        database_bytes=facts["bytes"],
        autovacuum=facts["autovacuum"],
        at=facts["at"].astimezone(dt.UTC),
    )


def _sequences(link: MonitorLink) -> tuple[SequenceRow, ...]:
    hinders = {"hinders": list(HINDERS)}
    try:
        rows = link.rows(_SEQUENCES, hinders | {"skip": False})
    except Conflict:
        # locked between the look at the locks and the read: say so of all rather than wait again
        rows = link.rows(_SEQUENCES, hinders | {"skip": True})
    return tuple(sorted((_sequence(row) for row in rows), key=lambda row: (-(row.share or 0.0), row.name)))


def _sequence(row: Mapping[str, Any]) -> SequenceRow:
    known = row["readable"] and not row["locked"]
    share = (row["last"] or 0) / row["most"] if known else None
    return SequenceRow(**{name: row[name] for name in ("name", "table", "last", "most", "readable", "locked")}, share=share)


def _table(row: Mapping[str, Any]) -> TableRow:
    seen = row["live"] + row["dead"]
    # nothing was noted before the first vacuum or analyze
    measured = row["noted"] >= 0 or row["heap_bytes"] > 0
    total = row["heap_bytes"] + row["index_bytes"] + row["long_bytes"]
    modes = sorted(row["modes"] or (), key=lambda mode: -STRENGTH[mode])
    return TableRow(
        table=row["table"],
        rows=row["live"],
        dead=row["dead"],
        dead_share=row["dead"] / seen if seen else None,
        size_bytes=int(total) if measured else None,
        index_bytes=int(row["index_bytes"]) if measured else None,
        changed=row["changed"],
        last_vacuum=_utc(row["last_vacuum"]),
        last_analyze=_utc(row["last_analyze"]),
        age_xid_share=None if row["age"] is None else row["age"] / LAST_ID,
        locked=bool(modes),
        locked_by=tuple(row["pids"] or ()),
        lock=words_of(modes[0]) if modes else "",
    )


def _utc(moment: dt.datetime | None) -> dt.datetime | None:
    return None if moment is None else moment.astimezone(dt.UTC)
