"""A home made by a version that knew no groups of people gets them, whether its server runs or not."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from backend_core.db import embedded
from backend_core.db.embedded import EmbeddedServer
from backend_core.db.roles import GROUPS, add_missing
from tests.postgres import StartServer


def test_a_home_made_by_an_earlier_version_gets_the_groups_while_it_runs(start_server: StartServer, tmp_path: Path) -> None:
    server = start_server(tmp_path / "home")
    older(server)
    attached = embedded.ensure_running(server.cluster.home, timeout_s=20)
    assert attached.pid == server.pid
    assert groups_of(server) == set(GROUPS)
    # what the older program looks for is still there
    with psycopg.connect(server.admin_dsn) as conn:
        row = conn.execute("SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = 'lectern'").fetchone()
    assert row == ("Lectern",)
    embedded.stop(server.cluster.home, force=True)
    started = start_server(tmp_path / "home")
    older(started)
    embedded.stop(server.cluster.home, force=True)
    started = start_server(tmp_path / "home")
    assert groups_of(started) == set(GROUPS)


def older(server: EmbeddedServer) -> None:
    """Make the cluster what the version before left behind."""
    with psycopg.connect(server.admin_dsn, autocommit=True) as conn:
        for group in GROUPS:
            conn.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(group)))
            conn.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(group)))
        conn.execute("CREATE ROLE lectern_auditor NOLOGIN")
        conn.execute("COMMENT ON DATABASE lectern IS 'Lectern'")


def groups_of(server: EmbeddedServer) -> set[str]:
    with psycopg.connect(server.admin_dsn) as conn:
        query = (
            "SELECT r.rolname FROM pg_roles r WHERE NOT rolinherit AND NOT rolcanlogin AND rolname LIKE 'lectern\\_%'"
            " AND pg_has_role(oid, (SELECT oid FROM pg_roles WHERE rolname = 'lectern_monitor'), 'MEMBER')"
            " AND has_database_privilege(oid, 'lectern', 'CONNECT')"
        )
        return {str(row[0]) for row in conn.execute(query)}


@pytest.mark.trace("A90")
def test_of_several_processes_that_find_the_groups_missing_one_makes_them(start_server: StartServer, tmp_path: Path) -> None:
    server = start_server(tmp_path / "home")
    older(server)
    start = threading.Barrier(6)

    def add() -> None:
        with psycopg.connect(server.admin_dsn, autocommit=True) as conn:
            start.wait()
            add_missing(conn)

    with ThreadPoolExecutor(6) as pool:
        for asked in [pool.submit(add) for _ in range(6)]:
            asked.result(20)
    assert groups_of(server) == set(GROUPS)
