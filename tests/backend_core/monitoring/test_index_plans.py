"""Each performance index has a question that the planner answers with it, and cannot without."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from psycopg import sql

from backend_core.bench.index_cases import CASES, FILLS, Case

ROWS = 3000
Connection = psycopg.Connection[tuple[Any, ...]]


def fill(conn: Connection, table: str, rows: int) -> None:
    conn.execute(FILLS[table], {"rows": rows})
    conn.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(table)))


def plan(conn: Connection, case: Case) -> tuple[list[str], list[str], int]:
    """Return the kinds of steps, the indexes used, and how many blocks were looked at."""
    found = conn.execute("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + case.find).fetchone()
    assert found is not None
    top = found[0][0]["Plan"]
    steps: list[dict[str, Any]] = []
    waiting = [top]
    while waiting:
        step = waiting.pop()
        steps.append(step)
        waiting.extend(step.get("Plans", []))
    used = [step["Index Name"] for step in steps if "Index Name" in step]
    return [step["Node Type"] for step in steps], used, top["Shared Hit Blocks"] + top["Shared Read Blocks"]


@pytest.fixture(scope="module")
def filled(alone: Connection) -> Connection:
    """The same, with rows in every table that a question is asked of."""
    for table in FILLS:
        fill(alone, table, ROWS)
    return alone


@pytest.mark.trace("B23")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.index)
def test_the_planner_answers_its_question_with_it(filled: Connection, case: Case) -> None:
    assert case.index in plan(filled, case)[1]
    with filled.transaction(force_rollback=True):
        filled.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(case.index)))
        assert case.index not in plan(filled, case)[1]


@pytest.mark.trace("B23")
def test_there_are_at_least_twenty_of_them() -> None:
    assert len({case.index for case in CASES}) >= 20
    # of the twenty that are declared, three arrive with miniapps and sockets
    assert {case.number for case in CASES if case.number} == set(range(1, 21)) - {5, 11, 12}


@pytest.mark.trace("B18", "B85")
def test_the_messages_of_a_sender_are_found_by_index_where_all_were_read_before(filled: Connection) -> None:
    case = next(case for case in CASES if case.index == "idx_message_sender")
    steps, _, _ = plan(filled, case)
    assert "Seq Scan" not in steps
    with filled.transaction(force_rollback=True):
        filled.execute("DROP INDEX idx_message_sender")
        assert "Seq Scan" in plan(filled, case)[0]


@pytest.mark.trace("B19")
def test_the_last_messages_of_a_conversation_need_no_sort(filled: Connection) -> None:
    case = next(case for case in CASES if case.index == "idx_message_conversation_timestamp")
    assert "Sort" not in plan(filled, case)[0]
    with filled.transaction(force_rollback=True):
        filled.execute("DROP INDEX idx_message_conversation_timestamp")
        assert "Sort" in plan(filled, case)[0]
