from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from backend_core.db import embedded
from backend_core.db.conninfo import application_name, complete
from backend_core.db.database import Database
from backend_core.db.embedded import EmbeddedServer
from backend_core.db.pool import Pool, purpose
from backend_core.db.roles import APP
from backend_core.errors import DatabaseAway, LecternError, PoolExhausted
from tests.polling import eventually
from tests.pool_clients import run_clients
from tests.postgres import StartServer

NAME = "lectern-pooltest"
SLEEP = sa.text("SELECT pg_sleep(:s)")
PID = sa.text("SELECT pg_backend_pid()")
OpenDatabase = Callable[..., Database]


@pytest.fixture
def open_database(server: EmbeddedServer) -> Iterator[OpenDatabase]:
    """Return a function that opens a database; all are closed after the test."""
    with contextlib.ExitStack() as stack:

        def start(dsn: str = server.dsn(APP), **options: Any) -> Database:
            database = Database.open(dsn, **{"application": NAME, **options})
            stack.callback(database.close)
            return database

        yield start


def sessions(server: EmbeddedServer) -> int:
    """Return how many connections of these tests the server counts."""
    with psycopg.connect(server.admin_dsn) as conn:
        row = conn.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name = %s", (application_name(NAME),)).fetchone()
        assert row is not None
        return int(row[0])


def kill_sessions(server: EmbeddedServer) -> int:
    """End every connection of these tests, as an administrator would."""
    with psycopg.connect(server.admin_dsn, autocommit=True) as conn:
        killed = conn.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = %s", (application_name(NAME),)
        ).fetchall()
        return len(killed)


def use(database: Database) -> int:
    with database.begin("use") as conn:
        return int(conn.execute(PID).scalar_one())


@contextlib.contextmanager
def all_taken(database: Database) -> Iterator[list[sa.Connection]]:
    """Hold every connection the pool may have."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(database.begin("hold")) for _ in range(database.pool.capacity)]


@pytest.mark.trace("B7", "B10")
def test_the_thirty_first_checkout_waits_and_the_server_never_sees_more_than_thirty(
    server: EmbeddedServer, open_database: OpenDatabase
) -> None:
    database = open_database()
    with ThreadPoolExecutor(1) as other, contextlib.ExitStack() as held:
        for _ in range(29):
            held.enter_context(database.begin("hold"))
        last = contextlib.ExitStack()
        last.enter_context(database.begin("hold the thirtieth"))
        late = other.submit(use, database)
        eventually(lambda: database.pool.snapshot().waiting == 1)
        snapshot = database.pool.snapshot()
        assert (snapshot.capacity, snapshot.base, snapshot.in_use, snapshot.overflow, snapshot.idle) == (30, 20, 30, 10, 0)
        assert sessions(server) == 30
        assert not late.done()
        last.close()
        assert late.result(20) > 0
    assert database.pool.snapshot().in_use == 0


@pytest.mark.trace("B9")
def test_an_exhausted_pool_is_a_typed_error_after_the_limit(open_database: OpenDatabase) -> None:
    assert open_database().pool.timeout_s == 30.0
    database = open_database(base=1, overflow=1, timeout_s=0.2)
    with all_taken(database), pytest.raises(PoolExhausted, match=r"All 2 database connections stayed in use for 0\.2 seconds"):
        use(database)
    assert database.pool.snapshot().timeouts == 1
    assert use(database) > 0


@pytest.mark.trace("B8")
def test_a_connection_older_than_the_limit_is_replaced_when_it_comes_back(open_database: OpenDatabase) -> None:
    assert open_database().pool.recycle_s == 3600.0
    lasting, aging = open_database(base=1, overflow=0), open_database(base=1, overflow=0, recycle_s=0.001)
    assert use(lasting) == use(lasting)
    assert use(aging) != use(aging)


@pytest.mark.trace("B5", "B11")
def test_after_the_server_dropped_every_connection_the_next_query_succeeds(server: EmbeddedServer, open_database: OpenDatabase) -> None:
    database = open_database(base=5, overflow=0)
    with all_taken(database):
        pass
    eventually(lambda: database.pool.snapshot().idle == 5)
    before = database.pool.snapshot()
    assert kill_sessions(server) == 5
    assert use(database) > 0
    after = database.pool.snapshot()
    # The first broken one found is enough to replace all five.
    assert (before.lost, after.lost) == (0, 1)
    assert (before.invalidated, after.invalidated) == (0, 5)
    assert after.connects > before.connects


@pytest.mark.logs("psycopg.pool")
def test_a_connection_that_breaks_in_use_is_a_typed_error_and_frees_its_place(server: EmbeddedServer, open_database: OpenDatabase) -> None:
    database = open_database(base=1, overflow=0)

    def broken() -> None:
        with database.begin("break") as conn:
            kill_sessions(server)
            conn.execute(PID)

    with pytest.raises(DatabaseAway):
        broken()
    assert database.pool.snapshot().in_use == 0
    assert use(database) > 0


@pytest.mark.trace("B13")
def test_after_ten_thousand_operations_good_and_bad_nothing_is_left_out(open_database: OpenDatabase) -> None:
    database = open_database(base=2, overflow=4)

    def thousand(number: int) -> int:
        failed = 0
        for step in range(1000):
            try:
                with database.begin("leak") as conn:
                    if step % 10 == number:
                        raise ValueError
                    conn.exec_driver_sql("")
            except ValueError:
                failed += 1
        return failed

    with ThreadPoolExecutor(10) as threads:
        assert sum(threads.map(thousand, range(10))) == 1000
    eventually(lambda: database.pool.snapshot().idle == database.pool.snapshot().size)
    snapshot = database.pool.snapshot()
    assert (snapshot.in_use, snapshot.waiting, snapshot.timeouts, snapshot.lost) == (0, 0, 0, 0)
    assert snapshot.requests >= 10_000
    assert snapshot.wait.count >= 10_000
    assert snapshot.size <= 6


@pytest.mark.trace("B13")
@pytest.mark.parametrize("clients", [50, 100])
def test_clients_that_outnumber_the_connections_meet_no_error_and_leave_nothing_out(open_database: OpenDatabase, clients: int) -> None:
    database = open_database()
    found = run_clients(database, clients=clients, seconds=1.0)
    assert found.errors == ()
    assert found.done >= clients
    eventually(lambda: database.pool.snapshot().idle == database.pool.snapshot().size)
    snapshot = database.pool.snapshot()
    assert (snapshot.in_use, snapshot.waiting, snapshot.timeouts, snapshot.lost, snapshot.leaked) == (0, 0, 0, 0, 0)
    assert snapshot.size <= 30


@pytest.mark.trace("B4")
def test_a_hundred_clients_at_once_meet_no_error(server: EmbeddedServer, open_database: OpenDatabase) -> None:
    database = open_database()
    start = threading.Barrier(100)

    def client(_number: int) -> int:
        start.wait(30)
        with database.begin("client") as conn:
            return int(conn.execute(PID).scalar_one())

    with ThreadPoolExecutor(100) as threads:
        pids = list(threads.map(client, range(100)))
    assert len(pids) == 100
    assert len(set(pids)) <= 30
    assert sessions(server) <= 30


@pytest.mark.trace("B3")
def test_every_query_of_a_process_goes_through_its_one_pool(server: EmbeddedServer, open_database: OpenDatabase) -> None:
    database = open_database(base=2, overflow=3)
    with all_taken(database) as held:
        pids = {int(conn.execute(PID).scalar_one()) for conn in held}
        assert pids == {holder.server_pid for holder in database.pool.snapshot().holders}
        assert sessions(server) == len(pids) == database.pool.snapshot().in_use == 5


@pytest.mark.trace("B12")
@pytest.mark.logs("psycopg.pool")
def test_a_restart_of_the_server_under_load_is_survived_without_a_new_pool(
    start_server: StartServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("restart") / "home"
    server = start_server(home)
    database = Database.open(server.dsn(APP), application=NAME, base=4, overflow=0)
    stop = threading.Event()
    errors: list[LecternError] = []
    counts = [0] * 8

    def load(number: int) -> None:
        while not stop.is_set():
            try:
                use(database)
                counts[number] += 1
            except LecternError as exc:
                errors.append(exc)

    threads = [threading.Thread(target=load, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    try:
        eventually(lambda: min(counts) > 5)
        embedded.stop(home, force=True)
        assert start_server(home).pid != server.pid
        before = list(counts)
        eventually(lambda: all(now > then + 5 for now, then in zip(counts, before, strict=True)))
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)
    assert {type(exc) for exc in errors} <= {DatabaseAway}
    assert database.pool.snapshot().in_use == 0
    database.close()


@pytest.mark.logs("psycopg.pool")
def test_a_server_that_takes_no_further_connection_is_not_called_an_exhausted_pool(
    server: EmbeddedServer, open_database: OpenDatabase
) -> None:
    database = open_database(base=1, overflow=3, timeout_s=0.3)
    with psycopg.connect(server.admin_dsn, autocommit=True) as admin, contextlib.ExitStack() as held:
        held.enter_context(database.begin("the only one"))
        admin.execute("ALTER ROLE lectern_app CONNECTION LIMIT 0")

        def take_those_that_are_open() -> None:
            # one that was just being opened may come after the others
            while True:
                held.enter_context(database.begin("another that was open already"))

        try:
            with pytest.raises(DatabaseAway, match="no further connection"):
                take_those_that_are_open()
        finally:
            admin.execute("ALTER ROLE lectern_app CONNECTION LIMIT -1")
    assert database.pool.snapshot().timeouts == 0
    assert use(database) > 0


@pytest.mark.logs("psycopg.pool")
def test_those_who_wait_for_a_server_that_went_away_are_told_so_and_served_when_it_is_back(
    start_server: StartServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("away") / "home"
    server = start_server(home)
    pool = Pool(complete(server.dsn(APP), application=NAME), base=1, overflow=1, timeout_s=300, recycle_s=3600, reconnect_s=0.2)
    pool.getconn().close()
    hasty = Pool(complete(server.dsn(APP), application=NAME), base=1, overflow=1, timeout_s=0.3, recycle_s=3600)
    hasty.getconn().close()
    embedded.stop(home, force=True)
    # nobody has found out yet that the server is away; what the pool does know is that its connections are not in use
    with pytest.raises(DatabaseAway):
        hasty.getconn()
    assert hasty.snapshot().timeouts == 0
    hasty.close()
    with ThreadPoolExecutor(5) as threads:
        waiting = [threads.submit(pool.getconn) for _ in range(5)]
        assert {type(late.exception(60)) for late in waiting} == {DatabaseAway}
    with pytest.raises(DatabaseAway):
        pool.getconn()
    start_server(home)

    def served() -> bool:
        try:
            pool.getconn().close()
        except DatabaseAway:
            return False
        return True

    assert eventually(served)
    assert pool.snapshot().requests >= 8
    pool.close()
    with pytest.raises(DatabaseAway, match="closing"):
        pool.getconn()


def test_what_one_user_sets_on_a_connection_is_gone_for_the_next(open_database: OpenDatabase) -> None:
    database = open_database(base=1, overflow=0)
    look = sa.text("SELECT current_setting('statement_timeout'), to_regclass('pg_temp.scratch'), current_user::text,"
                   " (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'), pg_backend_pid()")  # fmt: skip
    with database.begin("first") as conn:
        before = conn.execute(look).one()
        conn.exec_driver_sql("SET SESSION statement_timeout = '7s'")
        conn.exec_driver_sql("CREATE TEMPORARY TABLE scratch (n int)")
        conn.exec_driver_sql("SELECT pg_advisory_lock(42)")
        assert conn.execute(look).one() != before
    with database.begin("second") as conn:
        assert conn.execute(look).one() == before


def test_a_snapshot_says_who_holds_what_and_where_it_was_taken(open_database: OpenDatabase) -> None:
    database = open_database(base=1, overflow=1)
    with database.begin("Open shared document") as conn:
        pid = conn.execute(PID).scalar_one()
        (holder,) = database.pool.snapshot().holders
        assert (holder.label, holder.thread, holder.server_pid) == ("Open shared document", threading.current_thread().name, pid)
        assert holder.held_s >= 0
        assert "test_pool.py" in holder.frames[1]
        assert "test_a_snapshot_says_who_holds_what" in holder.frames[1]
        assert not any("sqlalchemy" in frame for frame in holder.frames)


def test_a_plain_connection_commits_at_the_end_and_rolls_back_on_error(open_database: OpenDatabase) -> None:
    pool = open_database(base=1, overflow=0).pool
    with purpose("plain"), pool.connection() as conn:
        assert pool.snapshot().holders[0].label == "plain"
        conn.execute("SELECT 1")
    with pytest.raises(psycopg.errors.DivisionByZero), pool.connection() as conn:
        conn.execute("SELECT 1/0")
    with pool.connection() as conn:
        assert conn.execute("SELECT 1").fetchone() == (1,)
    assert pool.snapshot().in_use == 0


def test_waiting_longer_shows_in_the_figures(open_database: OpenDatabase) -> None:
    database = open_database(base=1, overflow=0)
    with ThreadPoolExecutor(1) as other:
        with database.begin("hold") as conn:
            late = other.submit(use, database)
            eventually(lambda: database.pool.snapshot().waiting == 1)
            conn.execute(SLEEP, {"s": 0.12})
        late.result(20)
    wait = database.pool.snapshot().wait
    assert wait.longest is not None
    assert wait.longest >= 120
    assert sum(count for bound, count in wait.bars if bound > 100) == 1
    usage, connect = database.pool.snapshot().usage, database.pool.snapshot().connect
    assert usage.longest is not None
    assert usage.longest >= 120
    assert usage.count == 2
    assert connect.count == 1
    assert connect.p95 is not None
    assert connect.p95 > 0
