"""The migration that adds indexes: nobody waits for it, an interrupted one is mended by the next, and it can be taken back."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from importlib import import_module

import psycopg
import psycopg.errors
import pytest
from psycopg.conninfo import make_conninfo

from backend_core.db import migrate
from backend_core.db.embedded import EmbeddedServer
from backend_core.db.roles import OWNER
from tests.polling import eventually

REVISION = import_module("backend_core.db.migrations.versions.0015_performance_indexes")
BEFORE = REVISION.down_revision
_THERE = """
SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indisvalid AND c.relname = ANY(%s) ORDER BY c.relname
"""
_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query ~ %s"


@pytest.fixture
def older(server: EmbeddedServer) -> Iterator[str]:
    """The owner's connection string of a database as the version before left it."""
    name = f"older_{secrets.token_hex(4)}"
    with psycopg.connect(server.admin_dsn, autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE {name} OWNER {OWNER}")
        dsn = make_conninfo(server.dsn(OWNER), dbname=name)
        migrate.upgrade(dsn, target=BEFORE)
        yield dsn
        conn.execute(f"DROP DATABASE {name} WITH (FORCE)")


def there(dsn: str) -> list[str]:
    with psycopg.connect(dsn) as conn:
        return [row[0] for row in conn.execute(_THERE, (list(REVISION.INDEXES),))]


def waits(dsn: str, statement: str) -> bool:
    with psycopg.connect(dsn, autocommit=True) as conn:
        row = conn.execute(_WAITING, (statement,)).fetchone()
        return bool(row and row[0])


def writes(dsn: str, key: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute("SET lock_timeout = '500ms'")
        conn.execute("INSERT INTO conversations (kind, persona_id, title) VALUES ('group', NULL, %s)", (key,))


@pytest.mark.trace("B17")
def test_one_migration_adds_the_indexes_and_takes_them_back(older: str) -> None:
    assert there(older) == []
    assert migrate.upgrade(older, target=REVISION.revision).after == REVISION.revision
    assert there(older) == sorted(REVISION.INDEXES)
    migrate.downgrade(older, target=BEFORE)
    assert there(older) == []


@pytest.mark.trace("B17")
def test_nobody_who_writes_waits_for_it(older: str) -> None:
    with psycopg.connect(older) as busy, ThreadPoolExecutor(1) as threads:
        # a transaction that has written and is not over: an index build has to wait for it, whatever its kind
        busy.execute("INSERT INTO conversations (kind, title) VALUES ('group', 'busy')")
        migrating: Future[object] = threads.submit(migrate.upgrade, older, target=REVISION.revision)
        eventually(lambda: waits(older, "CONCURRENTLY idx_conversation_persona"))
        writes(older, "meanwhile")
        busy.commit()
        migrating.result(60)
    assert there(older) == sorted(REVISION.INDEXES)


def test_a_plain_index_build_would_stop_them(older: str) -> None:
    with psycopg.connect(older) as busy, ThreadPoolExecutor(1) as threads, psycopg.connect(older, autocommit=True) as builder:
        busy.execute("INSERT INTO conversations (kind, title) VALUES ('group', 'busy')")
        building = threads.submit(builder.execute, "CREATE INDEX idx_conversation_persona ON conversations (persona_id)")
        eventually(lambda: waits(older, "CREATE INDEX idx_conversation_persona"))
        with pytest.raises(psycopg.errors.LockNotAvailable):
            writes(older, "meanwhile")
        busy.commit()
        building.result(60)


@pytest.mark.trace("B17")
def test_what_an_interrupted_run_left_half_built_is_built_anew(older: str, server: EmbeddedServer) -> None:
    migrate.upgrade(older, target=REVISION.revision)
    with psycopg.connect(make_conninfo(server.admin_dsn, dbname=psycopg.conninfo.conninfo_to_dict(older)["dbname"])) as admin:
        admin.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'idx_audio_object'::regclass")
        admin.execute("UPDATE alembic_version SET version_num = %s", (BEFORE,))
    assert "idx_audio_object" not in there(older)
    migrate.upgrade(older, target=REVISION.revision)
    assert there(older) == sorted(REVISION.INDEXES)
