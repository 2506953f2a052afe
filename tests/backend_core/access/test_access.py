"""Operators: the first person becomes administrator, everybody else must be known."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from backend_core.access.base import FOR_EVER
from backend_core.access.service import Access
from backend_core.backend import Backend
from backend_core.db.embedded import EmbeddedServer
from backend_core.errors import NotAllowed, SignInNeeded
from backend_core.policy import ADMIN, SYSTEM, Actor
from tests.backend_core.access.conftest import GOOD


def test_the_first_person_becomes_the_only_administrator_even_when_many_come_at_once(backend: Backend) -> None:
    with ThreadPoolExecutor(8) as pool:
        actors = list(pool.map(lambda _: backend.access.sign_in_here(), range(8)))
    assert {actor.operator_id for actor in actors} == {actors[0].operator_id}
    assert actors[0].role == ADMIN
    assert len(backend.access.listing(actor=actors[0])) == 1


def test_a_stranger_is_refused_where_operators_exist(backend: Backend, clean: EmbeddedServer) -> None:
    with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
        conn.execute("INSERT INTO operators (name, os_user, role) VALUES ('Ana', 'somebody-else', 'admin')")
    with pytest.raises(NotAllowed, match="not an operator"):
        backend.access.sign_in_here()


def test_a_stranger_is_asked_for_a_name_where_somebody_has_a_password(access: Access, clean: EmbeddedServer, ana: object) -> None:
    with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
        conn.execute("UPDATE operators SET os_user = 'somebody-else' WHERE role = 'admin'")
    with pytest.raises(SignInNeeded, match="name and a password"):
        access.sign_in_here()


def test_whoever_has_a_password_is_asked_for_it_though_the_computer_knows_them(access: Access, admin: Actor) -> None:
    assert admin.proven_until == FOR_EVER
    assert not access.needs_password(admin)
    signed = access.change_password("", GOOD, actor=admin)
    with pytest.raises(SignInNeeded):
        access.sign_in_here()
    with pytest.raises(SignInNeeded):
        access.check(admin)
    assert signed is not None
    assert signed.actor.operator_id == admin.operator_id
    assert access.needs_password(signed.actor)
    access.check(signed.actor)


def test_a_job_runs_with_the_rights_its_operator_has_now(backend: Backend, clean: EmbeddedServer) -> None:
    actor = backend.actor()
    assert backend.access.actor(actor.operator_id, workstation="ws").role == ADMIN
    assert backend.access.actor(None, workstation="ws").role == SYSTEM
    with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
        conn.execute("UPDATE operators SET role = 'auditor'")
        assert backend.access.actor(actor.operator_id, workstation="ws").role == "auditor"
        with pytest.raises(SignInNeeded):
            backend.access.check(actor)
        conn.execute("UPDATE operators SET disabled_at = now()")
    with pytest.raises(NotAllowed):
        backend.access.actor(actor.operator_id, workstation="ws")
    with pytest.raises(NotAllowed):
        backend.access.sign_in_here()
