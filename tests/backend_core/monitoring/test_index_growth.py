"""Look-ups by index hardly grow with the data, and what each index is worth is measured."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from backend_core.bench.index_cases import CASES, Case
from backend_core.bench.indexes import run
from backend_core.db import migrate
from backend_core.db.embedded import EmbeddedServer
from backend_core.db.roles import OWNER
from tests.backend_core.monitoring.test_index_plans import ROWS, Connection, fill, plan


@pytest.fixture(scope="module")
def alone(server: EmbeddedServer) -> Iterator[Connection]:
    """A migrated database of its own, where no row of another test is left behind in a table."""
    name = f"growth_{secrets.token_hex(4)}"
    with psycopg.connect(server.admin_dsn, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} OWNER {OWNER}")
        migrate.upgrade(make_conninfo(server.dsn(OWNER), dbname=name))
        with psycopg.connect(make_conninfo(server.admin_dsn, dbname=name), autocommit=True) as conn:
            conn.execute("SET session_replication_role = replica")
            yield conn
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


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
