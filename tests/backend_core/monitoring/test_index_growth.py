"""Look-ups by index hardly grow with the data, and what each index is worth is measured."""

from __future__ import annotations

import pytest
from psycopg import sql

from backend_core.bench.index_cases import CASES, Case
from backend_core.bench.indexes import run
from tests.backend_core.monitoring.test_index_plans import ROWS, Connection, fill, plan


@pytest.mark.trace("B16")
@pytest.mark.parametrize("case", [case for case in CASES if case.number in {1, 3, 4, 14, 18}], ids=lambda case: case.index)
def test_ten_times_the_rows_are_less_than_twice_the_blocks(alone: Connection, case: Case) -> None:
    blocks, without = [], []
    for rows in (ROWS, 10 * ROWS):
        alone.execute(sql.SQL("TRUNCATE {} CASCADE").format(sql.Identifier(case.table)))
        fill(alone, case.table, rows)
        alone.execute(sql.SQL("VACUUM {}").format(sql.Identifier(case.table)))
        blocks.append(plan(alone, case)[2])
        with alone.transaction(force_rollback=True):
            alone.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(case.index)))
            without.append(plan(alone, case)[2])
    # one more level of the tree is one more block
    assert blocks[1] < 2 * max(blocks[0], 4)
    assert without[1] > 2 * without[0]


@pytest.mark.trace("B24", "B86")
def test_the_benchmark_says_what_each_index_is_worth() -> None:
    records = run(sizes=(500, 2000), rounds=3)
    assert [record["name"] for record in records] == [f"indexes.{case.index}" for case in CASES]
    assert all(record["value"] > 0 and record["control"] > 0 for record in records)
    # as measured: no two are alike, and none is a claim
    assert len({record["value"] / record["control"] for record in records}) > len(records) / 2
