"""The audit log can be appended to and read, and nothing else."""

from __future__ import annotations

import psycopg
import pytest

from backend_core.backend import Backend
from backend_core.db.embedded import EmbeddedServer
from backend_core.db.roles import APP, OWNER
from backend_core.errors import Cancelled, NotAllowed
from backend_core.policy import SUPPORT, Actor, Target


def test_a_row_is_rolled_back_with_its_change(backend: Backend, actor: Actor) -> None:
    before = len(backend.audit.latest(actor=actor))

    def change_that_fails() -> None:
        with backend.database.begin("Test") as conn:
            backend.audit.record(conn, actor=actor, action="document.read", target=Target(kind="document", id="1"))
            raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        change_that_fails()
    assert len(backend.audit.latest(actor=actor)) == before


@pytest.mark.parametrize("role", [APP, OWNER, "lectern_admin"])
@pytest.mark.parametrize("statement", ["UPDATE audit_event SET actor = 'x'", "DELETE FROM audit_event", "TRUNCATE audit_event"])
def test_no_role_can_change_what_is_recorded(backend: Backend, actor: Actor, clean: EmbeddedServer, role: str, statement: str) -> None:
    assert backend.audit.latest(actor=actor)
    with psycopg.connect(clean.dsn(role)) as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute(statement)
    assert backend.audit.latest(actor=actor)[0].actor == actor.name


def test_support_staff_do_not_read_it(backend: Backend) -> None:
    with pytest.raises(NotAllowed):
        backend.audit.latest(actor=Actor(operator_id=2, name="x", role=SUPPORT, workstation="ws"))


def test_it_survives_the_people_and_things_it_tells_of(backend: Backend, actor: Actor, clean: EmbeddedServer) -> None:
    rows = backend.audit.latest(actor=actor)
    with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
        conn.execute("DELETE FROM operators")
    assert backend.audit.latest(actor=actor) == rows
