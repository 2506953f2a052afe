"""A backup that goes into a database of a shared server."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from backend_core.backend import Backend
from backend_core.db import embedded, migrate
from backend_core.db.embedded import EmbeddedServer
from backend_core.db.roles import OWNER, statements_for_administrator
from backend_core.errors import Conflict
from backend_core.policy import Actor
from backend_core.settings import load_settings
from tests.backend_core.backup.scene import bring_back, key_of_profile, whole
from tests.postgres import StartServer


def test_a_backup_goes_into_an_empty_database_of_a_shared_server_and_into_no_other(
    filled: Backend, actor: Actor, tmp_path: Path, start_server: StartServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    before = whole(filled)
    source = tmp_path / "one"
    filled.backups.create(source, actor=actor)
    server = start_server(tmp_path_factory.mktemp("team") / "home")
    login = team_database(server)
    settings = load_settings(home=tmp_path / "member", dsn=login, objects=tmp_path / "team objects")
    done = bring_back(source, settings, key_of_profile(filled))
    assert (done.documents, done.audit.ok) == (2, True)
    with psycopg.connect(make_conninfo(server.admin_dsn, dbname="team")) as conn:
        owners = conn.execute("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'").fetchall()
        assert owners == [(OWNER,)]
        assert conn.execute("SELECT text FROM document_pages ORDER BY document_id, number").fetchall() == [
            (page[2],)
            for page in before["pages"]  # type: ignore[attr-defined]  # rows
        ]
        assert conn.execute("SELECT action FROM audit_event WHERE action = 'backup.restore'").fetchall() == [("backup.restore",)]
    assert migrate.state(login) is migrate.SchemaState.CURRENT
    with pytest.raises(Conflict, match="empty one"):
        bring_back(source, settings, key_of_profile(filled))
    embedded.stop(server.cluster.home, force=True)


def team_database(server: EmbeddedServer) -> str:
    """Return the connection string of a login that owns an empty database of a server with Lectern's roles."""
    with psycopg.connect(make_conninfo(server.admin_dsn, dbname="postgres"), autocommit=True) as conn:
        conn.execute("CREATE ROLE dba LOGIN PASSWORD 'known'")
        conn.execute("CREATE DATABASE team")
    with psycopg.connect(make_conninfo(server.admin_dsn, dbname="team"), autocommit=True) as conn:
        for statement in statements_for_administrator(login="dba", database="team"):
            # the embedded server has the roles already
            if not statement.startswith("CREATE ROLE"):
                conn.execute(statement.encode())
    return make_conninfo(server.admin_dsn, user="dba", dbname="team", password="known", passfile=None)
