"""The statements of a verification: PostgreSQL builds the same bytes as ``chain.py`` and ``merkle.py`` and compares the hashes itself."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, DateTime, LargeBinary, TextClause, TextualSelect, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY

# Rows with their place; a row that retention erased has its skeleton, if a valid tombstone stands for it.
# The bounds on e.id say nothing new, but let the planner read only that part of the table.
_SEALED: Final = """
    WITH part AS MATERIALIZED (SELECT position, seal_id, event_id FROM audit_position WHERE position >= :first AND position <= :last)
    SELECT p.position AS place, p.seal_id, p.event_id AS id, e.id IS NULL AS gone, e.id IS NULL AND x.event_id IS NULL AS missing,
           coalesce(e.writer, x.writer) AS writer, coalesce(e.wseq, x.wseq) AS wseq, coalesce(e.leaf, x.leaf) AS leaf,
           coalesce(e.xid, x.xid)::text::bigint AS xid, coalesce(e.at, x.at) AS at,
           e.actor, e.actor_id, e.role, e.action, e.target, e.outcome, e.reason, e.before, e.after, e.workstation, e.client_version,
           e.correlation_id, s.at AS sealed_at, s.horizon, s.floor, s.floor_seen, s.floor_at, s.restored
      FROM part p
      LEFT JOIN audit_event e ON e.id = p.event_id
            AND e.id >= (SELECT min(event_id) FROM part) AND e.id <= (SELECT max(event_id) FROM part)
      LEFT JOIN audit_erased x ON x.position = p.position AND x.event_id = p.event_id AND x.tombstone_id = ANY (:tombstones)
      LEFT JOIN unnest(:seals, :ats, :horizons, :floors, :floors_seen, :floors_at, :restored)
                AS s (id, at, horizon, floor, floor_seen, floor_at, restored) ON s.id = p.seal_id
"""
_UNSEALED: Final = """
    SELECT e.id AS place, NULL::bigint AS seal_id, e.id, false AS gone, false AS missing, e.writer, e.wseq, e.leaf,
           e.xid::text::bigint AS xid, e.at,
           e.actor, e.actor_id, e.role, e.action, e.target, e.outcome, e.reason, e.before, e.after, e.workstation, e.client_version,
           e.correlation_id, clock_timestamp() AS sealed_at, pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS horizon,
           CAST(:floor AS bigint) AS floor, CAST(:floor_seen AS bigint) AS floor_seen, CAST(:floor_at AS timestamptz) AS floor_at,
           CAST(:restored AS bigint) AS restored
      FROM audit_event e
     WHERE e.id > :low AND NOT EXISTS (SELECT FROM audit_position p WHERE p.event_id = e.id AND p.position <= :last)
"""
_CHECK: Final = """
), texts AS (
    SELECT *, lag(leaf) OVER w AS before_leaf, lag(wseq) OVER w AS before_wseq, lead(wseq) OVER w IS NULL AS newest
      FROM rows
    WINDOW w AS (PARTITION BY writer ORDER BY place)
), linked AS MATERIALIZED (
    SELECT place, seal_id, id, writer, wseq, leaf, before_wseq, missing,
           before_leaf IS NULL AND NOT missing AS oldest, newest AND NOT missing AS newest,
           CASE WHEN missing THEN 'missing'
                WHEN id > restored AND (xid >= horizon OR xid < floor) THEN 'inserted'
                WHEN at > sealed_at + interval '1 minute' THEN 'clock'
                WHEN at < floor_at - interval '1 hour' AND xid >= floor_seen AND id > restored THEN 'clock'
           END AS oddity,
           CASE WHEN missing OR before_leaf IS NULL THEN NULL
                WHEN wseq <= before_wseq THEN 'order'
                WHEN wseq > before_wseq + 1 THEN 'gap'
                WHEN NOT gone AND sha256(before_leaf || convert_to(json_build_array(
                    writer, wseq, (extract(epoch FROM at) * 1000000)::bigint, actor, actor_id, role, action, target, outcome, reason,
                    before::text, after::text, workstation, client_version, correlation_id)::text, 'UTF8')) <> leaf THEN 'changed'
           END AS broken,
           CASE WHEN NOT gone AND before_leaf IS NULL THEN json_build_array(
                    writer, wseq, (extract(epoch FROM at) * 1000000)::bigint, actor, actor_id, role, action, target, outcome, reason,
                    before::text, after::text, workstation, client_version, correlation_id)::text
           END AS body,
           CASE WHEN seal_id IS NOT NULL AND NOT missing THEN
                sha256('\\x00'::bytea || convert_to(place || ',' || id || ',' || xid || ','
                       || (extract(epoch FROM at) * 1000000)::bigint || ',' || encode(leaf, 'hex'), 'UTF8'))
           END AS entry
      FROM texts
)
SELECT 'row' AS kind, id, writer, wseq, before_wseq AS number, oddity, broken, oldest, newest, body, leaf AS bytes
  FROM linked
 WHERE oddity IS NOT NULL OR broken IS NOT NULL OR oldest OR newest
UNION ALL
SELECT 'seal', count(*), NULL, max(place), seal_id, NULL, NULL, NULL, NULL, NULL, string_agg(entry, ''::bytea ORDER BY place)
  FROM linked
 GROUP BY seal_id
"""
_NUMBERS: Final = ARRAY(BigInteger)
_TIMES: Final = ARRAY(DateTime(timezone=True))

SEALED: Final[TextClause] = text(f"WITH rows AS ({_SEALED}{_CHECK}").bindparams(
    bindparam("tombstones", type_=_NUMBERS),
    bindparam("seals", type_=_NUMBERS),
    bindparam("ats", type_=_TIMES),
    bindparam("horizons", type_=_NUMBERS),
    bindparam("floors", type_=_NUMBERS),
    bindparam("floors_seen", type_=_NUMBERS),
    bindparam("floors_at", type_=_TIMES),
    bindparam("restored", type_=_NUMBERS),
)
"""Positions ``first`` to ``last``, and what is known of their seals. Rows of the answer:

``row``: one that is odd, breaks its chain, or is the ``oldest`` or ``newest`` of its writer here, the oldest with its text;
``seal``: how many rows, the last position, the number of the seal, and the hashes of its entries.
"""

UNSEALED: Final[TextClause] = text(f"WITH rows AS ({_UNSEALED}{_CHECK}").bindparams(
    bindparam("floor_at", type_=DateTime(timezone=True)),
)
"""The same for rows above the last seal that is looked at."""

TOMBSTONE: Final[TextualSelect] = text(
    """
    SELECT t.id, t.retention_class, t.cutoff, t.rows, t.skeletons_sha256, t.at, t.key_id, t.signature,
           (SELECT count(*) FROM audit_erased x WHERE x.tombstone_id = t.id) AS kept,
           (SELECT sha256(convert_to(string_agg(concat_ws(':', x.position, x.event_id, x.xid, (extract(epoch FROM x.at) * 1000000)::bigint,
                       coalesce(x.wseq::text, '-'), coalesce(encode(x.leaf, 'hex'), '-'), encode(convert_to(x.writer, 'UTF8'), 'hex')),
                       E'\\n' ORDER BY x.position), 'UTF8'))
              FROM audit_erased x WHERE x.tombstone_id = t.id) AS digest
      FROM audit_tombstone t WHERE t.id > :after ORDER BY t.id LIMIT 1
    """
).columns(skeletons_sha256=LargeBinary, signature=LargeBinary, digest=LargeBinary)
"""The next tombstone, with what is left of its rows."""

STRAY: Final = """
SELECT (SELECT count(*) FROM audit_position p WHERE p.position < 1 OR p.position > coalesce((SELECT max(last_position) FROM audit_seal), 0))
"""
"""Positions that no seal covers."""
