"""A backup of a shared server reads every row, whatever row security hides from the owner, or is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from backend_core.backend import Backend
from backend_core.backup import dump
from backend_core.backup.dump import Endpoint, counts, load, snapshot
from backend_core.db.embedded import EmbeddedServer
from backend_core.db.roles import BACKUP, OWNER
from backend_core.errors import NotAllowed
from backend_core.policy import Actor
from backend_core.scopes import containers
from backend_core.scopes.records import Group


@pytest.fixture
def keeper(clean: EmbeddedServer) -> Iterator[str]:
    """How a login reaches the server that is a member of the owner, as on a shared server, and nothing more."""
    with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
        conn.execute("CREATE ROLE keeper LOGIN PASSWORD 'kept'")
        conn.execute(sql.SQL("GRANT {} TO keeper").format(sql.Identifier(OWNER)))
        conn.execute("GRANT CONNECT ON DATABASE lectern TO keeper")
        yield make_conninfo(clean.dsn(OWNER), user="keeper", password="kept", passfile=None)
        conn.execute("DROP OWNED BY keeper")
        conn.execute("DROP ROLE keeper")


@pytest.fixture
def words(backend: Backend, actor: Actor) -> None:
    """Something that was said."""
    with backend.database.begin("Make a group") as conn:
        containers.find_or_make(conn, Group("chat"))
    with backend.scopes.open(Group("chat"), actor=actor, action="message.receive") as scope:
        scope.conn.exec_driver_sql(
            "INSERT INTO messages (container_id, conversation_id, sender, direction, body, correlation_id)"
            " SELECT id, conversation_id, 'somebody', 'in', 'words', 'x' FROM containers"
        )


def test_the_owner_alone_is_shown_nothing_of_what_was_said(keeper: str, words: None) -> None:
    with psycopg.connect(Endpoint(keeper, OWNER).conninfo()) as conn:
        assert conn.execute("SELECT count(*) FROM messages").fetchone() == (0,)


def test_whoever_may_act_as_the_owner_has_no_rights_of_the_backup_unless_asked_for(keeper: str, words: None) -> None:
    with psycopg.connect(keeper) as conn:
        assert conn.execute("SELECT count(*) FROM messages").fetchone() == (0,)
        conn.execute("SET ROLE lectern_backup")
        assert conn.execute("SELECT count(*) FROM messages").fetchone() == (1,)


def test_a_backup_as_the_owner_holds_every_row(clean: EmbeddedServer, keeper: str, words: None, tmp_path: Path) -> None:
    endpoint = Endpoint(keeper, OWNER)
    with snapshot(endpoint) as held:
        assert held.reader.role == BACKUP
        dump.dump(held, tmp_path / "dump", alive=lambda: None)
        expected = {name: rows for name, rows in counts(endpoint).items() if name != "process_report"}
    assert expected["messages"] == 1
    with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
        conn.execute("CREATE DATABASE again")
    try:
        empty = Endpoint(make_conninfo(clean.admin_dsn, dbname="again"))
        load(empty, tmp_path / "dump", alive=lambda: None)
        assert counts(empty) | expected == counts(empty)
    finally:
        with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
            conn.execute("DROP DATABASE again WITH (FORCE)")


def test_a_backup_that_would_miss_rows_is_refused(clean: EmbeddedServer, keeper: str, words: None) -> None:
    with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
        conn.execute("ALTER POLICY messages_backup ON messages USING (direction = 'out')")
        try:
            with pytest.raises(NotAllowed, match="messages"), snapshot(Endpoint(keeper, OWNER)):
                pass
        finally:
            conn.execute("ALTER POLICY messages_backup ON messages USING (true)")
