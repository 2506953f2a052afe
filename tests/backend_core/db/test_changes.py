from __future__ import annotations

import time
from collections.abc import Iterator

import psycopg
import pytest
import sqlalchemy as sa

from backend_core.db.changes import CHANNEL, EVERYTHING, SENDS_PER_SECOND
from backend_core.db.conninfo import application_name
from backend_core.db.database import HINTS_APPLICATION, Database
from backend_core.db.embedded import EmbeddedServer
from backend_core.db.roles import APP, OWNER
from tests.polling import eventually

META = sa.MetaData()
ONE, TWO, THREE = (sa.Table(f"hint_{name}", META, sa.Column("n", sa.Integer)) for name in ("one", "two", "three"))


@pytest.fixture(scope="module", autouse=True)
def tables(server: EmbeddedServer) -> Iterator[None]:
    with psycopg.connect(server.dsn(OWNER), autocommit=True) as conn:
        for table in META.tables:
            conn.execute(f"CREATE TABLE {table} (n int)")
        yield
        for table in META.tables:
            conn.execute(f"DROP TABLE {table}")


@pytest.fixture
def heard(database: Database) -> list[str]:
    """The hints heard by a follower, from its first refresh on."""
    found: list[str] = []
    database.changes.follow(found.append)
    eventually(lambda: found == [EVERYTHING])
    found.clear()
    return found


def insert(database: Database, table: sa.Table) -> None:
    with database.begin("insert") as conn:
        conn.execute(table.insert().values(n=1))


def test_a_committed_change_is_heard_and_one_rolled_back_is_not(database: Database, heard: list[str]) -> None:
    def fail() -> None:
        with database.begin("fail") as conn:
            conn.execute(ONE.insert().values(n=1))
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        fail()
    with database.begin("change") as conn:
        conn.execute(TWO.insert().values(n=1))
        assert heard == []
    eventually(lambda: heard)
    assert heard == ["hint_two"]


def test_inserts_updates_and_deletes_are_heard_and_reads_and_empty_changes_are_not(database: Database, heard: list[str]) -> None:
    with database.begin("nothing") as conn:
        conn.execute(sa.select(ONE)).all()
        conn.execute(ONE.update().values(n=2))
        conn.execute(ONE.delete())
    insert(database, TWO)
    eventually(lambda: heard == ["hint_two"])
    for statement in (TWO.update().values(n=2), TWO.delete()):
        heard.clear()
        with database.begin("change") as conn:
            conn.execute(statement)
        eventually(lambda: heard == ["hint_two"])
    heard.clear()
    with database.begin("raw") as conn:
        conn.exec_driver_sql("INSERT INTO hint_three VALUES (1)")
        database.changes.touch(conn, "hint_three")
    eventually(lambda: heard == ["hint_three"])


def test_the_transaction_itself_notifies_nobody(database: Database, clean: EmbeddedServer) -> None:
    with psycopg.connect(clean.dsn(APP), autocommit=True) as listener:
        listener.execute(f"LISTEN {CHANNEL}")
        with database.begin("change") as conn:
            conn.execute(ONE.insert().values(n=1))
            business = conn.execute(sa.text("SELECT pg_backend_pid()")).scalar_one()
        (notice,) = listener.notifies(timeout=20, stop_after=1)
    assert notice.payload == "hint_one"
    assert notice.pid != business


def test_a_burst_of_changes_is_at_most_twenty_hints_a_second(database: Database, clean: EmbeddedServer) -> None:
    with psycopg.connect(clean.dsn(APP), autocommit=True) as listener:
        listener.execute(f"LISTEN {CHANNEL}")
        begun = time.monotonic()
        for _ in range(60):
            for table in (ONE, TWO, THREE):
                insert(database, table)
        spent = time.monotonic() - begun
        notices = list(listener.notifies(timeout=0.5))
    assert 1 <= len(notices) <= SENDS_PER_SECOND * (spent + 0.5) + 1
    assert {name for notice in notices for name in notice.payload.split(",")} == {"hint_one", "hint_two", "hint_three"}


def kill_hint_connections(server: EmbeddedServer) -> None:
    with psycopg.connect(server.admin_dsn, autocommit=True) as conn:
        name = application_name(HINTS_APPLICATION)
        conn.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = %s", (name,))


def test_after_a_lost_connection_followers_refresh_all_and_hints_go_on(database: Database, clean: EmbeddedServer, heard: list[str]) -> None:
    insert(database, ONE)
    eventually(lambda: heard == ["hint_one"])
    heard.clear()
    kill_hint_connections(clean)
    eventually(lambda: EVERYTHING in heard)
    insert(database, TWO)
    eventually(lambda: "hint_two" in heard)


def test_a_follower_that_fails_or_stops_does_not_disturb_the_others(database: Database, heard: list[str]) -> None:
    stopped: list[str] = []
    stop = database.changes.follow(stopped.append)
    stop()
    insert(database, ONE)
    eventually(lambda: heard == ["hint_one"])
    assert stopped == []


@pytest.mark.logs("a follower of change hints failed")
def test_a_failing_follower_does_not_end_the_hints(database: Database, heard: list[str]) -> None:
    def fail(_table: str) -> None:
        raise ValueError("broken page")

    database.changes.follow(fail)
    insert(database, ONE)
    insert(database, TWO)
    eventually(lambda: {"hint_one", "hint_two"} <= set(heard))


def test_a_foreign_notice_is_ignored_unless_it_is_a_table_name(database: Database, clean: EmbeddedServer, heard: list[str]) -> None:
    with psycopg.connect(clean.dsn(APP), autocommit=True) as other:
        other.execute("SELECT pg_notify(%s, %s)", (CHANNEL, "../etc,DROP TABLE x,hint_one"))
    eventually(lambda: heard)
    assert heard == ["hint_one"]
