"""Scopes of different containers that share few connections, in every order: nothing of one is ever seen in another."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psycopg
import pytest
import sqlalchemy as sa
from psycopg import sql

from backend_core.audit.service import Audit
from backend_core.backend import Backend
from backend_core.db.database import Database
from backend_core.db.embedded import EmbeddedServer
from backend_core.db.roles import APP
from backend_core.errors import LecternError
from backend_core.policy import SYSTEM, Actor
from backend_core.scopes.records import Container
from backend_core.scopes.service import Scopes
from tests.privacy import interleave
from tests.privacy.interleave import House
from tests.privacy.raw import as_superuser, container, count, public_id

ACTOR = Actor(operator_id=None, name="Lectern", role=SYSTEM, workstation="here")
SHORT, LONG = 60, 1_000


@contextlib.contextmanager
def pooled(server: EmbeddedServer, capacity: int) -> Iterator[Database]:
    """A database with so many connections and no more."""
    database = Database.open(server.dsn(APP), application="lectern-test", base=capacity, overflow=0, timeout_s=10)
    try:
        yield database
    finally:
        database.close()


def houses_of(server: EmbeddedServer, scopes: Scopes) -> list[House]:
    with as_superuser(server) as conn:
        public = {name: public_id(conn, container(conn, name)) for name in ("amber", "birch", "cedar")}
    return [House(scopes.resolve(handle), name) for name, handle in public.items()]


def crossings(server: EmbeddedServer, *, runs: int) -> tuple[int, int]:
    """Return how many looks there were and how many saw another container; nothing committed may be missing."""
    looks, crossed = 0, 0
    kept: dict[str, int] = {}
    for capacity in (1, 2, 3):
        with pooled(server, capacity) as database:
            scopes = Scopes(database, Audit(database))
            houses = houses_of(server, scopes)
            for seed in range(capacity, runs + 1, 3):
                seen = interleave.run(interleave.door_of(scopes, ACTOR), houses, seed=seed, capacity=capacity)
                looks, crossed = looks + seen.looks, crossed + len(seen.crossings)
                for name, number in seen.kept.items():
                    kept[name] = kept.get(name, 0) + number
    with as_superuser(server) as conn:
        found = dict(conn.execute("SELECT text, count(*) FROM memories GROUP BY text").fetchall())
    assert found == {name: number for name, number in kept.items() if number}
    return looks, crossed


@pytest.mark.trace("B30")
def test_pool_reuse_interleaved_scopes(clean: EmbeddedServer) -> None:
    looks, crossed = crossings(clean, runs=SHORT)
    assert looks > SHORT
    assert crossed == 0


@pytest.mark.soak
@pytest.mark.trace("B30")
def test_a_thousand_interleavings_never_cross(clean: EmbeddedServer, record_property: Callable[[str, object], None]) -> None:
    looks, crossed = crossings(clean, runs=LONG)
    record_property("looks", looks)
    assert crossed == 0


@dataclass
class SharedClient:
    """One client for everybody, pointed at a container each time one is opened, as a memory library once did."""

    conn: sa.Connection
    pointed_at: int = 0

    @property
    def container_id(self) -> int:
        return self.pointed_at

    @contextlib.contextmanager
    def open(self, container: Container) -> Iterator[SharedClient]:
        found = self.conn.execute(sa.text("SELECT id FROM containers WHERE public_id = :id"), {"id": container.public_id}).scalar_one()
        self.pointed_at = found
        self.conn.execute(sa.text("SELECT set_config('test.container', :id, false)"), {"id": str(found)})
        yield self


def test_a_client_shared_by_everybody_is_seen_to_cross(clean: EmbeddedServer, database: Database) -> None:
    scopes = Scopes(database, Audit(database))
    houses = houses_of(clean, scopes)
    engine = sa.create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(clean.admin_dsn))
    policy = "CREATE POLICY unsigned ON {} USING (container_id = current_setting('test.container')::int)"
    with as_superuser(clean) as admin:
        # the same policies on a setting that nobody signed
        for table in ("memories", "postings"):
            admin.execute(sql.SQL(policy).format(sql.Identifier(table)))
    try:
        with engine.connect() as conn:
            conn.execute(sa.text("SET ROLE lectern_app"))
            client = SharedClient(conn)
            seen = [interleave.run(client.open, houses, seed=seed, capacity=3) for seed in range(5)]
    finally:
        engine.dispose()
        with as_superuser(clean) as admin:
            for table in ("memories", "postings"):
                admin.execute(sql.SQL("DROP POLICY unsigned ON {}").format(sql.Identifier(table)))
    assert sum(len(one.crossings) for one in seen) > 0


def test_session_set_temp_table_hold_cursor_do_not_survive_checkin(clean: EmbeddedServer) -> None:
    with pooled(clean, 1) as database:
        scopes = Scopes(database, Audit(database))
        house, other, _ = houses_of(clean, scopes)
        name = f"kept_{uuid.uuid4().hex}"
        with scopes.open(house.container, actor=ACTOR, action="memory.add", reason="test") as scope:
            values = {"container": scope.container_id, "id": uuid.uuid4(), "name": house.name, "turn": 1}
            scope.conn.execute(interleave.ADD, values)
            for statement in (
                "SELECT set_config('lectern.kept', current_setting('lectern.scope'), false)",
                "SELECT set_config('lectern.scope', current_setting('lectern.scope'), false)",
                f"CREATE TEMP TABLE {name} AS SELECT * FROM memories",
                "DECLARE held CURSOR WITH HOLD FOR SELECT * FROM memories",
                "PREPARE kept AS SELECT text FROM memories",
                "SET ROLE lectern_directory",
            ):
                scope.conn.exec_driver_sql(statement)
        with database.begin("Look") as conn:
            kept = "SELECT coalesce(current_setting('lectern.kept', true), '') || coalesce(current_setting('lectern.scope', true), '')"
            assert conn.exec_driver_sql(kept).scalar_one() == ""
            assert conn.exec_driver_sql("SELECT current_user::text").scalar_one() == APP
            assert conn.exec_driver_sql("SELECT count(*) FROM pg_cursors").scalar_one() == 0
            assert conn.exec_driver_sql("SELECT to_regclass(%s) IS NULL", (f"pg_temp.{name}",)).scalar_one() is True
        # a statement prepared in one container runs in another as everything does: with that one's rows
        with scopes.open(other.container, actor=ACTOR, action="memory.read", reason="test") as scope:
            assert scope.conn.exec_driver_sql("EXECUTE kept").fetchall() == []


@pytest.mark.logs("privacy boundary held")
def test_a_scope_that_ended_gives_nothing_more(backend: Backend, clean: EmbeddedServer) -> None:
    with as_superuser(clean) as conn:
        handle = public_id(conn, container(conn, "amber"))
    with backend.scopes.open(handle, actor=ACTOR, action="memory.read", reason="test") as scope:
        assert scope.conn.execute(interleave.READ).fetchall() == []
    with pytest.raises(LecternError):
        scope.conn.execute(interleave.READ)
    with as_superuser(clean) as conn:
        assert count(conn, "privacy_incidents") == 1
