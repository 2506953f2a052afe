"""How long the view of all indexes takes, read and judged, beside reading the same table by table."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg.rows import dict_row

from backend_core.backend import Backend, open_backend
from backend_core.db import embedded
from backend_core.policy import Actor
from backend_core.settings import load_settings

SIZES: Final = {400: 40.0, 5_000: 200.0}
"""Indexes in the database, and the goal in milliseconds."""

ROUNDS: Final = 9
PER_TABLE: Final = 10

_MAKE: Final = """
DO $$
DECLARE
    n int;
BEGIN
    FOR n IN %(first)s .. %(last)s LOOP
        EXECUTE format('CREATE TABLE bench.t%%s (id int PRIMARY KEY, a int REFERENCES bench.t0, b text, c text, d int, e int)', n);
        EXECUTE format('CREATE INDEX ON bench.t%%s (a); CREATE INDEX ON bench.t%%s (a, b); CREATE INDEX ON bench.t%%s (b, c DESC);'
                       ' CREATE INDEX ON bench.t%%s (c) INCLUDE (d); CREATE INDEX ON bench.t%%s (d) WHERE e IS NOT NULL;'
                       ' CREATE INDEX ON bench.t%%s (lower(b)); CREATE INDEX ON bench.t%%s (e, d); CREATE INDEX ON bench.t%%s (e);'
                       ' CREATE UNIQUE INDEX ON bench.t%%s (d, e)', n, n, n, n, n, n, n, n, n);
    END LOOP;
END
$$
"""
_MADE: Final = "SELECT count(*) AS made FROM pg_class WHERE relkind = 'r' AND relnamespace = 'bench'::regnamespace"
# what a tool asks that has a view of one table only
_TABLES: Final = "SELECT relid FROM pg_stat_user_tables"
_ONE_TABLE: Final = """
SELECT s.indexrelid, s.indexrelname, s.idx_scan, s.idx_tup_read, s.idx_tup_fetch, pg_relation_size(s.indexrelid) AS size_bytes,
       pg_get_indexdef(s.indexrelid) AS definition, i.indisvalid, i.indisunique, i.indisprimary
  FROM pg_stat_user_indexes s JOIN pg_index i ON i.indexrelid = s.indexrelid WHERE s.relid = %s
"""


def run(*, sizes: tuple[int, ...] = tuple(SIZES), rounds: int = ROUNDS) -> list[dict[str, Any]]:
    """Return the median of reading and judging all indexes, with the same read table by table, and not judged, as control."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        with open_backend(load_settings(home=home, dsn=None, objects=None)) as backend:
            actor = backend.actor()
            dsn = embedded.ensure_running(home).admin_dsn
            found = [_measure(backend, actor, dsn, size, rounds) for size in sizes]
        embedded.erase(home)
    return found


def _measure(backend: Backend, actor: Actor, dsn: str, size: int, rounds: int) -> dict[str, Any]:
    with psycopg.connect(dsn, autocommit=True, row_factory=dict_row) as conn:
        _fill(conn, size)
        first = _milliseconds(lambda: backend.indexes.view(actor=actor))
        ours = _median(lambda: backend.indexes.view(actor=actor), rounds)
        naive = _median(lambda: _by_table(conn), max(1, rounds // 3))
    view = backend.indexes.view(actor=actor)
    goal = SIZES.get(size)
    note = f"{len(view.rows):,} indexes, read, compared and judged, first time {first:.0f} ms; control: read table by table, not judged"
    return {
        "name": f"monitoring.index_view_{size}",
        "value": ours,
        "unit": "ms",
        "control": naive,
        "ratio": round(ours / naive, 4),
        "threshold": "" if goal is None else f"<= {goal:.0f} ms",
        "met": None if goal is None else ours <= goal,
        "note": note,
    }


def _fill(conn: psycopg.Connection[dict[str, Any]], size: int) -> None:
    conn.execute("CREATE SCHEMA IF NOT EXISTS bench")
    conn.execute("CREATE TABLE IF NOT EXISTS bench.t0 (id int PRIMARY KEY)")
    (row,) = conn.execute("SELECT count(*) AS there FROM pg_stat_user_indexes").fetchall()
    (tables,) = conn.execute(_MADE).fetchall()
    wanted = max(0, size - row["there"]) // PER_TABLE
    # in steps: one transaction holds a lock on everything it makes
    for first in range(tables["made"], tables["made"] + wanted, PER_TABLE):
        last = min(first + PER_TABLE, tables["made"] + wanted) - 1
        conn.execute(psycopg.ClientCursor(conn).mogrify(_MAKE, {"first": first, "last": last}).encode())


def _by_table(conn: psycopg.Connection[dict[str, Any]]) -> None:
    for row in conn.execute(_TABLES).fetchall():
        conn.execute(_ONE_TABLE, (row["relid"],)).fetchall()


def _median(ask: Callable[[], object], rounds: int) -> float:
    return round(statistics.median(_milliseconds(ask) for _ in range(rounds)), 1)


def _milliseconds(ask: Callable[[], object]) -> float:
    began = time.perf_counter()
    ask()
    return (time.perf_counter() - began) * 1000
