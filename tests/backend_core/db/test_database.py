from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
import sqlalchemy as sa

from backend_core.db.conninfo import LONGEST_NAME, Holder, application_name, complete, parse_name
from backend_core.db.database import Database
from backend_core.db.embedded import EmbeddedServer
from backend_core.db.roles import APP, OWNER
from backend_core.errors import Cancelled, Conflict, DatabaseAway, LecternError, NotAllowed, Unexpected

CANARY = "canary-4711"
SCRATCH = sa.Table("scratch_rows", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True), sa.Column("n", sa.Integer))


@pytest.fixture(scope="module", autouse=True)
def scratch(server: EmbeddedServer) -> Iterator[None]:
    with psycopg.connect(server.dsn(OWNER), autocommit=True) as conn:
        conn.execute("CREATE TABLE scratch_rows (id int PRIMARY KEY, n int CHECK (n < 1000))")
        yield
        conn.execute("DROP TABLE scratch_rows")


@pytest.fixture
def rows(database: Database) -> Database:
    """A database with two rows to fight over."""
    with database.begin("fill") as conn:
        conn.execute(SCRATCH.insert(), [{"id": 1, "n": 0}, {"id": 2, "n": 0}])
    return database


def total(database: Database) -> int:
    with database.begin("sum") as conn:
        return int(conn.execute(sa.select(sa.func.sum(SCRATCH.c.n))).scalar_one())


def test_a_transaction_is_stored_whole_or_not_at_all(rows: Database) -> None:
    def half() -> None:
        with rows.begin("half") as conn:
            conn.execute(SCRATCH.update().values(n=5))
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        half()
    assert total(rows) == 0
    with rows.begin("whole") as conn:
        conn.execute(SCRATCH.update().values(n=5))
    assert total(rows) == 10


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        (f"SELECT '{CANARY}' FROM {CANARY.replace('-', '_')}", Unexpected),
        (f"SELECT '{CANARY}'::int", Unexpected),
        ("INSERT INTO scratch_rows VALUES (1, 1)", Conflict),
        ("INSERT INTO scratch_rows VALUES (3, 1000)", Unexpected),
        (f"DO $$ BEGIN RAISE '{CANARY}'; END $$", Unexpected),
        ("ALTER TABLE scratch_rows ADD COLUMN x int", NotAllowed),
        ("SET LOCAL statement_timeout = 1; SELECT pg_sleep(5)", Cancelled),
        ("SELECT pg_terminate_backend(pg_backend_pid())", DatabaseAway),
        ("SET TRANSACTION READ ONLY; DELETE FROM scratch_rows", NotAllowed),
    ],
)
@pytest.mark.logs("psycopg.pool")
def test_every_failure_of_the_server_is_a_typed_sentence_without_its_words(
    rows: Database, statement: str, kind: type[LecternError]
) -> None:
    def fail() -> None:
        with rows.begin("fail") as conn:
            driver = conn.connection.driver_connection
            assert driver is not None
            driver.execute(statement)

    with pytest.raises(kind) as caught:
        fail()
    assert type(caught.value) is kind
    for word in (CANARY, "scratch", "SELECT", "INSERT", "psycopg", "sqlalchemy"):
        assert word not in str(caught.value)


def test_the_same_failures_through_the_engine_are_the_same_errors(rows: Database) -> None:
    def fail(statement: sa.Executable) -> None:
        with rows.begin("fail") as conn:
            conn.execute(statement)

    with pytest.raises(Conflict):
        fail(SCRATCH.insert().values(id=1, n=1))
    with pytest.raises(Unexpected):
        fail(sa.text(f"SELECT {CANARY.replace('-', '_')}"))


def test_a_deadlock_is_run_again_and_both_changes_are_stored(rows: Database) -> None:
    meet, tries = threading.Barrier(2, timeout=20), [0, 0]

    def cross(number: int) -> None:
        first, second = (1, 2) if number == 0 else (2, 1)

        def work(conn: sa.Connection) -> None:
            tries[number] += 1
            conn.execute(SCRATCH.update().where(SCRATCH.c.id == first).values(n=SCRATCH.c.n + 1))
            if tries[number] == 1:
                meet.wait()
            conn.execute(SCRATCH.update().where(SCRATCH.c.id == second).values(n=SCRATCH.c.n + 1))

        rows.run("cross", work)

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(cross, range(2)))
    assert total(rows) == 4
    assert sum(tries) == 3


def test_a_serialization_failure_is_run_again_but_not_for_ever_and_nothing_else_is(rows: Database) -> None:
    calls = 0

    def work(conn: sa.Connection) -> None:
        nonlocal calls
        calls += 1
        conn.exec_driver_sql("DO $$ BEGIN RAISE SQLSTATE '40001'; END $$")

    with pytest.raises(Conflict):
        rows.run("always", work, retries=2)
    assert calls == 3

    def duplicate(conn: sa.Connection) -> None:
        nonlocal calls
        calls += 1
        conn.execute(SCRATCH.insert().values(id=1, n=1))

    with pytest.raises(Conflict):
        rows.run("duplicate", duplicate)
    assert calls == 4


def test_a_read_only_database_reads_and_refuses_to_write(clean: EmbeddedServer) -> None:
    database = Database.open(clean.dsn(APP), application="lectern-reader", base=1, overflow=0, read_only=True)
    with database.begin("read") as conn:
        assert conn.execute(sa.select(sa.func.count()).select_from(SCRATCH)).scalar_one() == 0

    def write() -> None:
        with database.begin("write") as conn:
            conn.execute(SCRATCH.insert().values(id=9, n=9))

    with pytest.raises(NotAllowed, match="reading only"):
        write()
    database.close()


def test_a_connection_can_act_as_a_role_and_stays_in_it(clean: EmbeddedServer) -> None:
    database = Database.open(clean.admin_dsn, application="lectern-shared", base=1, overflow=0, role=APP)
    for _ in range(2):
        with database.begin("who") as conn:
            assert conn.execute(sa.text("SELECT current_user")).scalar_one() == APP
            conn.exec_driver_sql("SET ROLE lectern_owner")
    database.close()


def test_a_server_that_is_not_there_or_refuses_the_sign_in_is_one_sentence(server: EmbeddedServer) -> None:
    with pytest.raises(DatabaseAway, match="does not answer"):
        Database.open("host=127.0.0.1 port=1 user=x dbname=x", application="lectern-test")
    with pytest.raises(DatabaseAway, match="refused this sign-in"):
        Database.open(server.dsn(APP).replace("passfile", "password=wrong sslcertmode=disable passfile"), application="lectern-test")


def test_a_url_and_its_network_limits_become_keywords() -> None:
    url = "postgresql+psycopg://ana@db.example/team?connect_timeout=9&sslmode=verify-full&options=-c%20geqo%3Doff"
    dsn = complete(url, application="lectern-test")
    assert "connect_timeout=9" in dsn
    assert "tcp_user_timeout=20000" in dsn
    assert "-c geqo=off" in dsn
    assert "dbname=team" in dsn


def test_an_application_name_fits_and_can_be_read_back() -> None:
    name = application_name("lectern-desktop")
    assert len(name.encode()) <= LONGEST_NAME
    found = parse_name(name)
    assert isinstance(found, Holder)
    assert found.application == "lectern-desktop"
    assert parse_name("psql") is None
