"""Fixtures over a real throwaway PostgreSQL: one server per test process, migrated once, emptied before each test that asks."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import psycopg
import pytest

from backend_core.db import embedded, migrate
from backend_core.db.database import Database
from backend_core.db.embedded import EmbeddedServer
from backend_core.db.roles import APP, OWNER

# Durability is what these servers do without; tests of durability start their own.
FAST: Mapping[str, str] = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "log_min_duration_statement": "-1",
    "client_connection_check_interval": "1s",
}
ABANDONED_MINUTES = 10.0

discard = embedded.erase

_EMPTY = """
DO $$
DECLARE
    tab regclass;
    filled boolean;
BEGIN
    -- Rows go whatever foreign keys and triggers say, those that keep the audit trail included.
    SET LOCAL session_replication_role = replica;
    SET LOCAL lock_timeout = '10s';
    FOR tab IN
        SELECT oid FROM pg_class
         WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace AND relname <> 'alembic_version'
    LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %s)', tab) INTO filled;
        IF filled THEN
            EXECUTE format('DELETE FROM %s', tab);
        END IF;
    END LOOP;
    PERFORM setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)
       FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL;
END
$$
"""

StartServer = Callable[..., EmbeddedServer]


@pytest.fixture(scope="session")
def start_server() -> Iterator[StartServer]:
    """Return a function that starts a server for a home, with fast settings; all are removed at the end of the run."""
    homes: list[Path] = []

    def start(home: Path, *, extra_settings: Mapping[str, str] | None = None) -> EmbeddedServer:
        homes.append(home)
        return embedded.ensure_running(home, extra_settings={**FAST, **(extra_settings or {})}, idle_minutes=ABANDONED_MINUTES)

    yield start
    for home in homes:
        embedded.erase(home)


@pytest.fixture(scope="session")
def server(start_server: StartServer, tmp_path_factory: pytest.TempPathFactory) -> EmbeddedServer:
    """The migrated server of this test process."""
    running = start_server(tmp_path_factory.mktemp("shared") / "home")
    migrate.upgrade(running.dsn(OWNER))
    return running


def empty(server: EmbeddedServer) -> None:
    """Remove every row of every table."""
    with psycopg.connect(server.admin_dsn, autocommit=True) as conn:
        conn.execute(_EMPTY)
    # what was told to remember the audit log would rightly say that it is gone
    shutil.rmtree(server.cluster.home / "witness", ignore_errors=True)


@pytest.fixture
def clean(server: EmbeddedServer) -> EmbeddedServer:
    """The server of this test process, without a row in any table."""
    empty(server)
    return server


@pytest.fixture
def database(clean: EmbeddedServer) -> Iterator[Database]:
    """An open database without rows, as the application role sees it."""
    opened = Database.open(clean.dsn(APP), application="lectern-test", base=1, overflow=9, timeout_s=10)
    yield opened
    opened.close()
