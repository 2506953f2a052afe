"""What each performance index is worth: its question with and without it, among a thousand to a million rows."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any, Final, LiteralString

import psycopg
from psycopg import sql

from backend_core.bench.index_cases import CASES, FILLS, Case
from backend_core.db import embedded, migrate
from backend_core.db.roles import OWNER

SIZES: Final = (1_000, 10_000, 100_000, 1_000_000)
GOAL_MS: Final = 50.0

Connection = psycopg.Connection[tuple[Any, ...]]


def run(*, sizes: tuple[int, ...] = SIZES, rounds: int = 15) -> list[dict[str, Any]]:
    """Return, for each index at the largest size, the median of its question in milliseconds, without it as control."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        server = embedded.ensure_running(home)
        migrate.upgrade(server.dsn(OWNER))
        found: dict[str, list[tuple[int, float, float]]] = {case.index: [] for case in CASES}
        with psycopg.connect(server.admin_dsn, autocommit=True) as conn:
            # what the rows would refer to is not there
            conn.execute("SET session_replication_role = replica")
            for table, fill in FILLS.items():
                _table(conn, table, fill, sizes, rounds, found)
        embedded.erase(home)
    return [_record(case, found[case.index]) for case in CASES]


def _table(
    conn: Connection, table: str, fill: LiteralString, sizes: tuple[int, ...], rounds: int, found: dict[str, list[tuple[int, float, float]]]
) -> None:
    for size in sizes:
        with conn.transaction(force_rollback=True):
            conn.execute(fill, {"rows": size})
            conn.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(table)))
            for case in CASES:
                if case.table == table:
                    found[case.index].append((size, *_with_and_without(conn, case, rounds)))


def _with_and_without(conn: Connection, case: Case, rounds: int) -> tuple[float, float]:
    ours = _median_ms(conn, case, rounds)
    with conn.transaction(force_rollback=True):
        conn.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(case.index)))
        return ours, _median_ms(conn, case, max(3, rounds // 3))


def _median_ms(conn: Connection, case: Case, rounds: int) -> float:
    taken = []
    for _ in range(rounds):
        began = time.perf_counter()
        conn.execute(case.find).fetchall()
        taken.append((time.perf_counter() - began) * 1000)
    return round(statistics.median(taken), 3)


def _record(case: Case, figures: list[tuple[int, float, float]]) -> dict[str, Any]:
    size, ours, naive = figures[-1]
    steps = ", ".join(f"{rows:,}: {mine:g} / {bare:g}" for rows, mine, bare in figures)
    number = "" if case.number is None else f"no. {case.number} of the declared; "
    return {
        "name": f"indexes.{case.index}",
        "value": ours,
        "unit": "ms",
        "control": naive,
        "threshold": f"<= {GOAL_MS:g} ms",
        "met": ours <= GOAL_MS,
        "note": f"{number}{case.table}, {size:,} rows; control: the same without the index; ms with / without by rows: {steps}",
    }
