"""Every statement is counted by its text, without what it was given, by every process, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
import sqlalchemy as sa

from backend_core.backend import Backend, open_backend
from backend_core.db.database import Database
from backend_core.db.embedded import EmbeddedServer
from backend_core.db.roles import MONITOR
from backend_core.errors import DatabaseAway, LecternError
from backend_core.monitoring import statements
from backend_core.monitoring.link import MonitorLink
from backend_core.monitoring.slow_statements import StatementRow, read_statements
from backend_core.monitoring.statements import OTHER, StatementCounter, normalised
from backend_core.policy import Actor
from backend_core.settings import Settings

SECRET = "a-very-private-word"


@pytest.fixture
def link(clean: EmbeddedServer) -> Iterator[MonitorLink]:
    made = MonitorLink(clean.dsn(MONITOR))
    yield made
    made.close()


def row_of(link: MonitorLink, part: str) -> StatementRow:
    return next(row for row in read_statements(link, hours=1, limit=100) if part in row.text)


def events(link: MonitorLink) -> dict[str, tuple[int, int]]:
    return {row["objective"]: (row["good"], row["bad"]) for row in link.rows("SELECT objective, good, bad FROM slo_events")}


def test_statements_are_counted_by_text_with_calls_rows_times_and_purpose(database: Database, link: MonitorLink) -> None:
    counter = StatementCounter(database)
    for wanted in (1, 2, 3):
        with database.begin("Count sheep") as conn:
            conn.execute(sa.text("SELECT n FROM generate_series(1, :wanted) n WHERE :word <> ''"), {"wanted": wanted, "word": SECRET})
    with database.begin("Sleep") as conn:
        conn.execute(sa.text("SELECT pg_sleep(0.06)"))
    counter.flush(link)
    sheep, slept = row_of(link, "generate_series"), row_of(link, "pg_sleep")
    assert (sheep.calls, sheep.rows, sheep.failed, sheep.label, sheep.source) == (3, 6, 0, "Count sheep", "lectern")
    assert slept.longest_ms >= 60  # what it slept
    assert slept.p95_ms is not None
    assert 50 < slept.p95_ms <= slept.longest_ms  # the step it fell into
    assert slept.text == "SELECT pg_sleep(?)"
    assert slept.share > sheep.share
    # one that is slow and three that are not
    assert events(link)["database"] == (3, 1)
    assert SECRET not in str(link.rows("SELECT * FROM statement_texts"))


def test_a_second_flush_adds_to_what_is_there_and_an_empty_one_adds_nothing(database: Database, link: MonitorLink) -> None:
    counter, other = StatementCounter(database), StatementCounter(database)
    for _ in range(2):
        with database.begin("Look") as conn:
            conn.execute(sa.text("SELECT 'x' AS looked"))
        counter.flush(link)
        counter.flush(link)
    # what another process counted of the same statement is added too
    other.flush(link)
    found = row_of(link, "looked")
    assert found.calls == 4  # two of each
    assert events(link)["statements"] == (4, 0)
    bars = link.rows("SELECT bars FROM statement_figures WHERE fingerprint = %(it)s", {"it": found.fingerprint})[0]["bars"]
    assert sum(bars) == found.calls


def test_what_fails_is_counted_as_failed_and_only_what_was_lost_as_bad(database: Database, link: MonitorLink) -> None:
    counter = StatementCounter(database)
    with pytest.raises(LecternError), database.begin("Divide") as conn:
        conn.execute(sa.text("SELECT 1 / :zero AS refused"), {"zero": 0})
    with database.begin("Wait") as conn, pytest.raises(sa.exc.OperationalError), conn.begin_nested():
        conn.execute(sa.text("SELECT pg_cancel_backend(pg_backend_pid()), pg_sleep(10) AS lost"))
    counter.flush(link)
    assert [(row_of(link, part).calls, row_of(link, part).failed) for part in ("refused", "AS lost")] == [(1, 1), (1, 1)]
    # with the two of the savepoint
    assert events(link)["statements"] == (2, 2)
    assert events(link)["database"] == (3, 1)


def test_operations_inside_a_conversation_are_timed_whole_and_long_work_is_left_out(database: Database, link: MonitorLink) -> None:
    counter = StatementCounter(database)
    for label in ("Scope: memory.read", "Scope: memory.import", "Read something else"):
        with database.begin(label) as conn:
            conn.execute(sa.text("SELECT 1"))
    with database.begin("Scope: memory.add") as conn:
        conn.execute(sa.text("SELECT pg_sleep(0.31)"))
    counter.flush(link)
    assert events(link)["memory"] == (1, 1)


def test_what_cannot_be_written_down_is_kept_for_the_next_time(database: Database, link: MonitorLink, clean: EmbeddedServer) -> None:
    counter = StatementCounter(database)
    with database.begin("Look") as conn:
        conn.execute(sa.text("SELECT 1 AS kept"))
    away = MonitorLink(clean.dsn(MONITOR))
    away.close()
    with pytest.raises(DatabaseAway):
        counter.flush(away)
    counter.flush(link)
    assert row_of(link, "kept").calls == 1


def test_no_number_of_different_statements_takes_more_memory(database: Database, link: MonitorLink) -> None:
    counter = StatementCounter(database)
    many = statements.MOST_STATEMENTS + 50
    with database.begin("Many") as conn:
        for number in range(many):
            conn.execute(sa.text(f"SELECT 1 AS n{number}x"))
    counter.flush(link)
    rows = {row.fingerprint: row.calls for row in read_statements(link, hours=1, limit=1000)}
    assert len(rows) == statements.MOST_STATEMENTS + 1
    assert (rows[OTHER], sum(rows.values())) == (50, many)


def test_two_processes_that_write_down_the_same_at_once_lose_nothing(database: Database, clean: EmbeddedServer, link: MonitorLink) -> None:
    counters = [StatementCounter(database) for _ in range(4)]
    for name in ("b", "a", "c"):
        with database.begin("Look") as conn:
            conn.execute(sa.text(f"SELECT 1 AS {name}"))
    links = [MonitorLink(clean.dsn(MONITOR)) for _ in counters]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda pair: pair[0].flush(pair[1]), zip(counters, links, strict=True)))
    assert {row.calls for row in read_statements(link, hours=1, limit=10)} == {4}
    for one in links:
        one.close()


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("SELECT 'it''s', 1.5  FROM\n a1 WHERE x = $1", "SELECT ?, ? FROM a1 WHERE x = $1"),
        ("x IN (%(y_1_1)s, %(y_1_2)s, %(y_1_3)s)", "x IN (%(y_1_1)s)"),
        ("x IN (%(y_1_1)s)", "x IN (%(y_1_1)s)"),
        ("VALUES (%(a__0)s, now()), (%(a__1)s, now()), (%(a__2)s, now()) RETURNING id", "VALUES (%(a__0)s, now()) RETURNING id"),
        ("VALUES (%(a)s, %(b)s)", "VALUES (%(a)s, %(b)s)"),
        ("SAVEPOINT sa_savepoint_12", "SAVEPOINT sa_savepoint_?"),
    ],
)
def test_one_text_stands_for_any_number_of_values(given: str, kept: str) -> None:
    assert normalised(given) == kept


def test_where_the_server_counts_statements_too_they_are_shown_beside_ours(backend: Backend, actor: Actor, clean: EmbeddedServer) -> None:
    assert {row.source for row in backend.monitoring.statements(actor=actor)} <= {"lectern"}
    with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
        # the embedded server has no such extension: a view of its shape
        conn.execute(
            "CREATE VIEW public.pg_stat_statements AS SELECT 255::bigint AS queryid, 'SELECT $1'::text AS query, 4::bigint AS calls,"
            " 8::bigint AS rows, 20::float AS total_exec_time, 9::float AS max_exec_time,"
            " (SELECT oid FROM pg_database WHERE datname = current_database()) AS dbid"
        )
        conn.execute("GRANT SELECT ON public.pg_stat_statements TO lectern_monitor")
        try:
            (row,) = [one for one in backend.monitoring.statements(actor=actor) if one.source == "server"]
        finally:
            conn.execute("DROP VIEW public.pg_stat_statements")
    assert (row.fingerprint, row.text, row.calls, row.rows, row.mean_ms, row.share) == ("ff", "SELECT $1", 4, 8, 5.0, 1.0)
    # what the server does not tell is not known, and not zero
    assert (row.failed, row.p95_ms) == (None, None)


def test_a_command_leaves_what_it_counted_when_it_ends(settings: Settings, link: MonitorLink) -> None:
    wanted = settings.model_copy(update={"record_metrics": "all"})
    with open_backend(wanted, application="command") as backend, backend.database.begin("Leave a mark") as conn:
        conn.execute(sa.text("SELECT 1 AS mark_of_a_command"))
    assert row_of(link, "mark_of_a_command").label == "Leave a mark"
