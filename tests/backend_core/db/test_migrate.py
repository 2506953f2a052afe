from __future__ import annotations

import importlib
import pkgutil
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from procrastinate.schema import SchemaManager
from psycopg import sql
from psycopg.conninfo import make_conninfo

import backend_core
from backend_core.db import embedded, migrate
from backend_core.db.database import Database
from backend_core.db.embedded import EmbeddedServer
from backend_core.db.migrate import SchemaState
from backend_core.db.migrations.vendored import procrastinate_schema
from backend_core.db.roles import ADMIN, APP, MONITOR, OWNER, REQUIRED_ROLES
from backend_core.db.schema import metadata
from backend_core.db.server_binaries import program
from backend_core.errors import NotAllowed
from tests.postgres import StartServer


@pytest.fixture
def blank(server: EmbeddedServer) -> Iterator[str]:
    """The owner's connection string of an empty database of its own."""
    name = f"blank_{secrets.token_hex(4)}"
    with psycopg.connect(server.admin_dsn, autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE {name} OWNER {OWNER}")
        yield make_conninfo(server.dsn(OWNER), dbname=name)
        conn.execute(f"DROP DATABASE {name} WITH (FORCE)")


def schema_of(server: EmbeddedServer, dsn: str) -> list[str]:
    """Return the definition of everything in the database, as pg_dump writes it."""
    user = server.cluster.user
    admin = make_conninfo(dsn, user=ADMIN, password=server.cluster.passwords()[ADMIN], passfile=None)
    dumped = user.run([program("pg_dump", user=user), "--schema-only", admin])
    assert dumped.code == 0, dumped.output
    # pg_dump puts a random word into two lines.
    return [line for line in dumped.output.splitlines() if line and not line.startswith((r"\restrict", r"\unrestrict", "--"))]


def declare_all() -> None:
    """Import every module that declares tables."""
    for module in pkgutil.walk_packages(backend_core.__path__, "backend_core."):
        if module.name.endswith(".tables"):
            importlib.import_module(module.name)


def test_an_empty_database_is_brought_to_the_newest_schema_once(blank: str) -> None:
    steps = migrate.plan(blank)
    assert steps[0].startswith("0001 ")
    assert steps[-1].startswith(f"{migrate.head()} ")
    assert migrate.state(blank) is SchemaState.EMPTY
    assert migrate.upgrade(blank, dry_run=True) == migrate.Result(before=None, after=None, applied=tuple(steps), dry_run=True)
    assert migrate.state(blank) is SchemaState.EMPTY
    assert migrate.upgrade(blank) == migrate.Result(before=None, after=migrate.head(), applied=tuple(steps), dry_run=False)
    assert migrate.state(blank) is SchemaState.CURRENT
    assert migrate.plan(blank) == []
    assert migrate.upgrade(blank).applied == ()


def test_the_migrated_schema_is_the_declared_schema(server: EmbeddedServer) -> None:
    declare_all()
    engine = sa.create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(server.dsn(OWNER)), use_native_hstore=False)
    with engine.connect() as conn:
        options = {"include_object": migrate.include_object, "compare_type": True, "compare_server_default": True}
        assert compare_metadata(MigrationContext.configure(conn, opts=options), metadata) == []
    engine.dispose()


def test_down_and_up_again_gives_the_same_schema(server: EmbeddedServer, blank: str) -> None:
    migrate.upgrade(blank)
    once = schema_of(server, blank)
    migrate.downgrade(blank, target="base")
    assert migrate.state(blank) is SchemaState.EMPTY
    assert not any("procrastinate" in line or "lectern_app" in line for line in schema_of(server, blank))
    migrate.upgrade(blank)
    assert schema_of(server, blank) == once


def test_of_several_processes_that_migrate_at_once_one_does_the_work(blank: str) -> None:
    with ThreadPoolExecutor(4) as threads:
        results = list(threads.map(lambda _: migrate.upgrade(blank), range(4)))
    assert sorted(bool(result.applied) for result in results) == [False, False, False, True]
    assert {result.after for result in results} == {migrate.head()}


def test_those_who_wait_hold_no_snapshot_that_would_block_an_index_build(blank: str) -> None:
    with psycopg.connect(blank, autocommit=True) as holder:
        holder.execute("SELECT pg_advisory_lock(%s)", (migrate.LOCK_KEY,))
        holder.execute("CREATE TABLE big (n int)")
        with ThreadPoolExecutor(1) as threads:
            waiting = threads.submit(migrate.upgrade, blank)
            holder.execute("SET statement_timeout = '10s'")
            for _ in range(20):
                holder.execute("DROP INDEX IF EXISTS big_n; ")
                holder.execute("CREATE INDEX CONCURRENTLY big_n ON big (n)")
            assert not waiting.done()
            holder.execute("SELECT pg_advisory_unlock_all()")
            assert waiting.result(60).after == migrate.head()


def test_a_newer_schema_may_only_be_read(blank: str) -> None:
    migrate.upgrade(blank)
    with psycopg.connect(blank, autocommit=True) as conn:
        conn.execute("UPDATE alembic_version SET version_num = '9999'")
    assert migrate.state(blank) is SchemaState.AHEAD
    assert migrate.state(blank).read_only
    with pytest.raises(NotAllowed, match="newer version"):
        migrate.upgrade(blank)


def test_the_application_may_use_tables_but_not_change_their_shape(server: EmbeddedServer, blank: str) -> None:
    migrate.upgrade(blank)
    with psycopg.connect(blank, autocommit=True) as owner:
        owner.execute("CREATE TABLE later (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, n int)")
    with psycopg.connect(make_conninfo(server.dsn(APP), dbname=blank_name(blank)), autocommit=True) as app:
        app.execute("INSERT INTO later (n) VALUES (1)")
        app.execute("INSERT INTO procrastinate_jobs (task_name, queue_name) VALUES ('x', 'x')")
        assert app.execute("SELECT version_num FROM alembic_version").fetchone() == (migrate.head(),)
        for statement in ("DROP TABLE later", "CREATE TABLE mine (n int)", "DELETE FROM alembic_version", "SET ROLE lectern_owner"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                app.execute(statement)


def blank_name(dsn: str) -> str:
    return str(psycopg.conninfo.conninfo_to_dict(dsn)["dbname"])


def test_the_vendored_queue_schema_is_the_installed_one() -> None:
    assert procrastinate_schema() == SchemaManager.get_schema()


def test_a_shared_server_works_after_an_administrator_ran_the_named_statements(
    start_server: StartServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    server = start_server(tmp_path_factory.mktemp("team") / "home")
    team = make_conninfo(server.admin_dsn, user="ana", dbname="team", password="known", passfile=None)
    admin_of_team = make_conninfo(server.admin_dsn, dbname="team")
    with psycopg.connect(make_conninfo(server.admin_dsn, dbname="postgres"), autocommit=True) as conn:
        conn.execute("DROP DATABASE lectern")
        for role in REQUIRED_ROLES:
            conn.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))
        conn.execute("CREATE ROLE ana LOGIN PASSWORD 'known'")
        conn.execute("CREATE DATABASE team")
    with pytest.raises(migrate.RolesMissing, match="CREATE ROLE lectern_owner") as refused:
        migrate.upgrade(team)
    with psycopg.connect(admin_of_team, autocommit=True) as conn:
        for statement in refused.value.statements:
            conn.execute(statement.encode())
    assert migrate.upgrade(team).after == migrate.head()
    database = Database.open(team, application="lectern-test", base=1, overflow=0, role=APP)
    with database.begin("who") as work:
        assert work.execute(sa.text("SELECT current_user, session_user")).one() == (APP, "ana")
        work.execute(sa.text("INSERT INTO procrastinate_jobs (task_name, queue_name) VALUES ('x', 'x')"))
    database.close()
    with psycopg.connect(make_conninfo(team, options=f"-c role={MONITOR}")) as monitor:
        assert monitor.execute("SELECT count(*) > 0 FROM pg_stat_activity WHERE query <> '<insufficient privilege>'").fetchone() == (True,)
    embedded.stop(server.cluster.home, force=True)


def test_the_newest_revision_is_read_from_file_names_as_alembic_reads_it() -> None:
    from alembic.script import ScriptDirectory

    folder = Path(migrate.__file__).parent / "migrations"
    assert migrate.head() == ScriptDirectory(str(folder)).get_current_head()
