from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from psycopg.conninfo import make_conninfo

from backend_core.db.cluster import free_port
from backend_core.db.database import Database
from backend_core.db.embedded import EmbeddedServer
from backend_core.db.roles import APP
from backend_core.errors import DatabaseAway
from tests.polling import eventually
from tests.postgres import StartServer
from tests.tcp_proxy import TcpProxy

ONE = sa.text("SELECT 1")


@pytest.fixture(scope="module")
def tcp_server(start_server: StartServer, tmp_path_factory: pytest.TempPathFactory) -> EmbeddedServer:
    """A server that listens on a loopback port as well."""
    listening = {"listen_addresses": "127.0.0.1", "port": str(free_port())}
    return start_server(tmp_path_factory.mktemp("tcp") / "home", extra_settings=listening)


@pytest.fixture
def proxy(tcp_server: EmbeddedServer) -> Iterator[TcpProxy]:
    with TcpProxy(("127.0.0.1", tcp_server.address.port)) as running:
        yield running


def opened(server: EmbeddedServer, proxy: TcpProxy, *, watch: bool = True) -> Database:
    dsn = make_conninfo(server.dsn(APP), host="127.0.0.1", port=proxy.port)
    return Database.open(dsn, application="lectern-watched", base=1, overflow=0, timeout_s=5, watch=watch)


def ask_in_the_dark(database: Database, proxy: TcpProxy) -> None:
    with database.begin("in the dark", deadline_s=0.2) as conn:
        conn.execute(ONE)
        proxy.silence()
        conn.execute(ONE)


@pytest.mark.logs("stopped answering", "psycopg.pool")
def test_a_statement_to_a_server_that_went_silent_ends_and_without_the_watchdog_it_never_would(tcp_server: EmbeddedServer) -> None:
    target = ("127.0.0.1", tcp_server.address.port)
    with ThreadPoolExecutor(2) as threads:
        with TcpProxy(target) as one, TcpProxy(target) as other:
            guarded, unguarded = opened(tcp_server, one), opened(tcp_server, other, watch=False)
            control = threads.submit(ask_in_the_dark, unguarded, other)
            subject = threads.submit(ask_in_the_dark, guarded, one)
            assert type(subject.exception(30)) is DatabaseAway
            assert guarded.pool.snapshot().ended == 1
            assert guarded.pool.snapshot().in_use == 0
            assert not control.done()
            assert unguarded.pool.snapshot().in_use == 1
        # The control waited for as long as its silent peer kept the connection open.
        assert type(control.exception(30)) is DatabaseAway
    guarded.close()
    unguarded.close()


def test_a_slow_statement_on_a_server_that_answers_is_left_alone(tcp_server: EmbeddedServer, proxy: TcpProxy) -> None:
    database = opened(tcp_server, proxy)
    with database.begin("slow", deadline_s=0.05) as conn:
        assert conn.execute(sa.text("SELECT pg_sleep(0.5), 7")).one()[1] == 7
    assert database.pool.snapshot().ended == 0
    database.close()


def test_the_watchdog_thread_ends_with_the_pool(tcp_server: EmbeddedServer, proxy: TcpProxy) -> None:
    database = opened(tcp_server, proxy)
    with database.begin("look"):
        assert "database-watchdog" in {thread.name for thread in threading.enumerate()}
    database.close()
    eventually(lambda: "database-watchdog" not in {thread.name for thread in threading.enumerate()})
