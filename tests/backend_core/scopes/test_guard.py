"""The live guard: each thing that tries to pass the boundary is refused, counted, recorded and told, and nothing else is."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from backend_core.backend import Backend
from backend_core.conversations.tables import messages
from backend_core.errors import Conflict, LecternError, NotAllowed, ScopeNeeded, ScopeRefused
from backend_core.memory.tables import memories
from backend_core.policy import SYSTEM, Actor
from backend_core.scopes import containers
from backend_core.scopes.guard import KINDS
from backend_core.scopes.records import Container, Group
from backend_core.scopes.service import Scope

ANA = Actor(operator_id=None, name="Ana", role=SYSTEM, workstation="desk-1")
CANARY = "canary-3f2a"


def group(backend: Backend, guid: str) -> Container:
    with backend.scopes.open(Group(guid), actor=ANA, action="message.receive", reason="test", create=True) as scope:
        return scope.container


def counts(backend: Backend) -> dict[str, int]:
    return {kind: number for kind, number in backend.scopes.guard.counts(since=dt.datetime(2026, 1, 1, tzinfo=dt.UTC)).items() if number}


def recorded(backend: Backend) -> list[tuple[str, str, str, str]]:
    rows = backend.audit.latest(actor=backend.system(), limit=50)
    return [(row.action, row.target, row.outcome, row.actor) for row in rows if row.action == "privacy.incident"]


def said(scope: Scope, **values: object) -> None:
    """Add a message as the program does, with something about it changed."""
    row = {
        "container_id": scope.container_id, "conversation_id": scope.container.conversation_id, "sender": "x", "direction": "in",
        "body": CANARY, "correlation_id": "x",
    }  # fmt: skip
    scope.conn.execute(sa.insert(messages).values(row | values))


def without_a_scope(backend: Backend, _one: Container, _other: Container) -> None:
    with backend.database.begin("Look") as conn:
        conn.execute(sa.select(messages))


def with_a_scope_that_ended(backend: Backend, one: Container, _other: Container) -> None:
    with backend.scopes.open(one, actor=ANA, action="memory.read", reason="test") as scope:
        pass
    said(scope)


def into_a_second_container(backend: Backend, one: Container, other: Container) -> None:
    with backend.scopes.open(one, actor=ANA, action="memory.read", reason="test") as scope:
        number, _ = containers.find(scope.conn, other)
        scope.conn.execute(sa.select(sa.func.enter_scope(number, "more")))


def into_another_container(backend: Backend, one: Container, other: Container) -> None:
    with backend.scopes.open(one, actor=ANA, action="memory.add", reason="test") as scope:
        number, found = containers.find(scope.conn, other)
        said(scope, container_id=number, conversation_id=found.conversation_id)


def out_of_its_container(backend: Backend, one: Container, other: Container) -> None:
    with backend.scopes.open(one, actor=ANA, action="memory.edit", reason="test") as scope:
        said(scope)
        number, found = containers.find(scope.conn, other)
        scope.conn.execute(sa.update(messages).values(container_id=number, conversation_id=found.conversation_id))


def against_its_conversation(backend: Backend, one: Container, other: Container) -> None:
    with backend.scopes.open(one, actor=ANA, action="memory.add", reason="test") as scope:
        said(scope, conversation_id=other.conversation_id)


ATTEMPTS: dict[Callable[[Backend, Container, Container], None], tuple[str, type[LecternError]]] = {
    without_a_scope: ("no_scope", ScopeNeeded),
    with_a_scope_that_ended: ("no_scope", ScopeNeeded),
    into_a_second_container: ("scope_refused", ScopeRefused),
    into_another_container: ("foreign_write", NotAllowed),
    out_of_its_container: ("foreign_write", NotAllowed),
    against_its_conversation: ("wrong_conversation", Conflict),
}


@pytest.mark.trace("B108")
@pytest.mark.logs("privacy boundary held")
@pytest.mark.parametrize("attempt", list(ATTEMPTS))
def test_what_tries_to_pass_the_boundary_is_refused_counted_recorded_and_told(
    backend: Backend, caplog: pytest.LogCaptureFixture, attempt: Callable[[Backend, Container, Container], None]
) -> None:
    kind, error = ATTEMPTS[attempt]
    one, other = group(backend, "one"), group(backend, "other")
    with pytest.raises(error) as refused:
        attempt(backend, one, other)
    assert counts(backend) == {kind: 1}
    ((action, target, outcome, _who),) = recorded(backend)
    assert (action, target, outcome) == ("privacy.incident", f"privacy:{kind}", "refused")
    assert [record for record in caplog.records if kind in record.getMessage() and record.levelname == "WARNING"]
    with backend.database.begin("Look") as conn:
        kept = str(conn.exec_driver_sql("SELECT * FROM privacy_incidents").fetchall())
    for text in (kept, str(refused.value), caplog.text):
        assert CANARY not in text
    for place in (one, other):
        with backend.scopes.open(place, actor=ANA, action="memory.read", reason="test") as scope:
            assert scope.conn.execute(sa.select(messages)).fetchall() == []


def test_it_is_known_who_tried(backend: Backend) -> None:
    assert set(KINDS) == {kind for kind, _ in ATTEMPTS.values()}


@pytest.mark.logs("privacy boundary held")
def test_the_one_who_tried_is_named(backend: Backend) -> None:
    one, other = group(backend, "one"), group(backend, "other")
    with pytest.raises(NotAllowed):
        into_another_container(backend, one, other)
    assert [who for *_, who in recorded(backend)] == ["Ana"]


def test_honest_work_and_honest_failures_are_no_incident(backend: Backend) -> None:
    one, other = group(backend, "one"), group(backend, "other")
    with backend.scopes.open(one, actor=ANA, action="memory.add", reason="test") as scope:
        said(scope, external_id="1")
    with backend.scopes.open(other, actor=ANA, action="memory.read", reason="test") as scope:
        # a read past the boundary finds nothing, and so there is nothing to count
        number, _ = containers.find(scope.conn, one)
        assert scope.conn.execute(sa.select(messages).where(messages.c.container_id == number)).fetchall() == []
    with pytest.raises(Conflict), backend.scopes.open(one, actor=ANA, action="memory.add", reason="test") as scope:
        said(scope, external_id="1")
    with pytest.raises(Conflict), backend.scopes.open(one, actor=ANA, action="memory.add", reason="test") as scope:
        said(scope, user_id=uuid.uuid4())
    assert counts(backend) == {}
    assert recorded(backend) == []


@pytest.mark.logs("privacy boundary held")
def test_only_incidents_since_a_moment_are_counted(backend: Backend) -> None:
    with pytest.raises(ScopeNeeded):
        without_a_scope(backend, group(backend, "one"), group(backend, "other"))
    assert backend.scopes.guard.counts(since=dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)) == dict.fromkeys(KINDS, 0)


@pytest.mark.logs("privacy boundary held")
def test_every_table_of_containers_is_known_to_the_guard(backend: Backend) -> None:
    with backend.database.begin("Look") as conn:
        query = "SELECT table_name::text FROM information_schema.columns WHERE column_name = 'container_id'"
        tables = conn.exec_driver_sql(query).scalars().all()
    assert len(tables) >= 12
    for table in tables:
        with pytest.raises(ScopeNeeded), backend.database.begin("Look") as conn:
            conn.exec_driver_sql(f"SELECT 1 FROM {table}")


@pytest.mark.logs("privacy boundary held")
@pytest.mark.parametrize(
    "statement",
    [
        "SELECT text FROM memories", "select text from public.memories m", 'SELECT text FROM "memories"', "DELETE FROM ONLY memories",
        "WITH x AS (SELECT * FROM contacts) SELECT * FROM x, memories", "TRUNCATE memories", "COPY (SELECT * FROM memories) TO STDOUT",
        "SELECT 1 WHERE EXISTS (SELECT FROM\n memories)", "TABLE memories",
        "MERGE INTO memories USING contacts ON false WHEN MATCHED THEN DELETE", "SELECT * FROM contacts AS c, personas p, memories",
    ],
)  # fmt: skip
def test_a_statement_without_a_scope_is_stopped_however_it_is_written(backend: Backend, statement: str) -> None:
    assert memories.name in statement
    with pytest.raises(ScopeNeeded), backend.database.begin("Look") as conn:
        conn.exec_driver_sql(statement)
    assert counts(backend) == {"no_scope": 1}
