"""Statements that read the catalogue; none of them waits for a lock on a table or an index, but where it says so."""

from __future__ import annotations

from typing import Final

# One statement, so that everything in it is of one moment. JSON, because 5,000 rows of it are read in a fraction of the time of rows.
# Locked is what somebody holds, or waits for, in a way that keeps readers out: whoever asked for such a table's definition would wait too.
# The size of a small index of a table nobody changed since it was analyzed is what the catalogue says; asking for it costs a system call.
# Before version 15 no index has the column indnullsnotdistinct; the name then means that of "older".
# Node trees hold, before version 17, where in its text an expression stood; two that differ by that alone are the same.
CATALOGUE: Final = """
WITH held AS MATERIALIZED (
    SELECT DISTINCT l.relation FROM pg_locks l
     WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock' AND l.pid <> pg_backend_pid()
       AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
), spaces AS MATERIALIZED (
    SELECT oid, nspname FROM pg_namespace
     WHERE nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND nspname NOT LIKE 'pg\\_temp\\_%%'
       AND nspname NOT LIKE 'pg\\_toast\\_temp\\_%%'
), extended AS MATERIALIZED (
    SELECT d.objid, e.extname FROM pg_extension e
      JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
     WHERE d.classid = 'pg_class'::regclass AND d.objsubid = 0 AND d.deptype = 'e'
), tables AS MATERIALIZED (
    SELECT t.oid, t.relname, s.nspname, t.relkind, t.relispartition, t.reltuples, t.relpages,
           pg_stat_get_mod_since_analyze(t.oid) > 0 AS changed, EXISTS (SELECT FROM held WHERE relation = t.oid) AS locked,
           x.extname AS extension
      FROM pg_class t JOIN spaces s ON s.oid = t.relnamespace LEFT JOIN extended x ON x.objid = t.oid
     WHERE t.relkind IN ('r', 'p', 'm') AND t.relpersistence <> 't'
), referenced AS MATERIALIZED (
    SELECT DISTINCT conindid FROM pg_constraint WHERE contype = 'f'
), constrained AS MATERIALIZED (
    SELECT conindid, min(conname) AS conname, min(contype) AS contype FROM pg_constraint WHERE contype IN ('p', 'u', 'x') GROUP BY conindid
), columns AS MATERIALIZED (
    SELECT a.attrelid,
           json_agg(json_build_array(a.attnum, a.attname, quote_ident(a.attname), a.attcollation::bigint,
                                     y.typtype = 'e' OR a.atttypid = 'bool'::regtype)) AS listed
      FROM pg_attribute a JOIN tables t ON t.oid = a.attrelid JOIN pg_type y ON y.oid = a.atttypid
     WHERE a.attnum > 0 AND NOT a.attisdropped GROUP BY a.attrelid
)
SELECT
    (SELECT json_agg(json_build_array(
         i.indexrelid::bigint, i.indrelid::bigint, c.relname, quote_ident(c.relname), m.amname, i.indkey::text, i.indclass::text,
         i.indcollation::text, i.indoption::text, i.indnkeyatts, i.indisunique, i.indisprimary, i.indisexclusion, i.indisclustered,
         i.indisvalid AND i.indisready AND i.indislive, i.indisreplident,
         i.indisunique AND (SELECT indnullsnotdistinct FROM (SELECT i.*) own),
         regexp_replace(i.indpred::text, ':(stmt_)?location -?[0-9]+', '', 'g'),
         regexp_replace(i.indexprs::text, ':(stmt_)?location -?[0-9]+', '', 'g'),
         c.relkind, c.relispartition, c.reloptions, c.reltablespace <> 0, k.conname, k.contype, r.conindid IS NOT NULL,
         CASE WHEN m.amname IN ('btree', 'hash') THEN NULL ELSE (
             SELECT string_agg(a.attnum || a.attoptions::text, ' ' ORDER BY a.attnum) FROM pg_attribute a
              WHERE a.attrelid = i.indexrelid AND a.attoptions IS NOT NULL) END,
         coalesce(pg_stat_get_numscans(i.indexrelid), 0),
         CASE WHEN h.relation IS NULL AND NOT t.locked AND %(measured)s AND c.relkind = 'i' AND (t.changed OR c.relpages > %(small)s)
              THEN pg_relation_size(i.indexrelid) ELSE c.relpages::bigint * current_setting('block_size')::int END,
         h.relation IS NOT NULL OR t.locked, b.index_relid IS NOT NULL))
       FROM (SELECT false AS indnullsnotdistinct) older CROSS JOIN pg_index i
       JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am m ON m.oid = c.relam JOIN tables t ON t.oid = i.indrelid
       LEFT JOIN constrained k ON k.conindid = i.indexrelid LEFT JOIN referenced r ON r.conindid = i.indexrelid
       LEFT JOIN held h ON h.relation = i.indexrelid
       LEFT JOIN pg_stat_progress_create_index b ON b.index_relid = i.indexrelid AND b.datname = current_database()) AS indexes,
    (SELECT json_agg(json_build_array(
         t.oid::bigint, t.nspname, t.relname, quote_ident(t.nspname), quote_ident(t.relname), t.relkind, t.relispartition,
         greatest(t.reltuples, 0)::bigint, t.relpages, t.extension, coalesce(pg_stat_get_numscans(t.oid), 0),
         coalesce(pg_stat_get_tuples_returned(t.oid), 0), t.locked, c.listed))
       FROM tables t LEFT JOIN columns c ON c.attrelid = t.oid) AS tables,
    (SELECT json_agg(json_build_array(f.oid::bigint, f.conname, f.conrelid::bigint, f.confrelid::bigint, f.conkey, f.confkey,
                                     f.conparentid::bigint)
                     ORDER BY f.conname, f.oid)
       FROM pg_constraint f WHERE f.contype = 'f' AND coalesce((to_jsonb(f) ->> 'conenforced')::boolean, true)) AS keys,
    (SELECT json_object_agg(o.oid::bigint, json_build_array(o.opcname, o.opcdefault, n.nspname))
       FROM pg_opclass o JOIN pg_namespace n ON n.oid = o.opcnamespace) AS classes,
    (SELECT json_object_agg(o.oid::bigint, json_build_array(quote_ident(o.collname), n.nspname))
       FROM pg_collation o JOIN pg_namespace n ON n.oid = o.collnamespace
      WHERE o.oid IN (SELECT unnest(indcollation) FROM pg_index)) AS collations,
    current_setting('server_version_num')::int AS version, clock_timestamp() AS at
"""

# These wait for whoever holds the table; they are asked for tables nobody holds, and given up after a moment.
DEFINITIONS: Final = """
SELECT i.indexrelid::bigint AS oid, pg_get_indexdef(i.indexrelid) AS definition, pg_get_expr(i.indpred, i.indrelid) AS predicate,
       ARRAY(SELECT CASE WHEN i.indkey[k - 1] = 0 THEN pg_get_indexdef(i.indexrelid, k, true) END
               FROM generate_series(1, i.indnatts::int) AS k) AS expressions
  FROM pg_index i WHERE i.indexrelid = ANY(%(oids)s)
"""

# before version 16 there is no such column
LAST_SCANS: Final = """
SELECT indexrelid::bigint AS oid, last_idx_scan AS at FROM pg_stat_all_indexes WHERE last_idx_scan IS NOT NULL
"""

# The start of the statistics: of this database, and of those of the whole server, which a crash sets anew although it leaves the first as
# it was. Whoever restarts the server in good order keeps both.
SERVER: Final = """
SELECT pg_postmaster_start_time() AS server_started,
       greatest((SELECT stats_reset FROM pg_stat_database WHERE datname = current_database()),
                (SELECT stats_reset FROM pg_stat_bgwriter)) AS stats_reset,
       pg_is_in_recovery() OR EXISTS (SELECT FROM pg_stat_replication)
           OR EXISTS (SELECT FROM pg_replication_slots WHERE slot_type = 'physical') AS replicas,
       clock_timestamp() AS at
"""

FEW_VALUES: Final = """
SELECT c.oid::bigint AS oid, a.attnum, s.n_distinct
  FROM pg_stats s JOIN pg_namespace n ON n.nspname = s.schemaname
  JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = s.tablename JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = s.attname
 WHERE c.oid = ANY(%(oids)s) AND s.n_distinct BETWEEN 1 AND %(most)s
"""
