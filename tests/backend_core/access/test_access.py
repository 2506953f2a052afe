"""Operators: the first person becomes administrator, everybody else must be known."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from backend_core.backend import Backend
from backend_core.db.embedded import EmbeddedServer
from backend_core.errors import NotAllowed
from backend_core.policy import ADMIN, SYSTEM


def test_the_first_person_becomes_the_only_administrator_even_when_many_come_at_once(backend: Backend) -> None:
    with ThreadPoolExecutor(8) as pool:
        actors = list(pool.map(lambda _: backend.access.sign_in_os_user(), range(8)))
    assert {actor.operator_id for actor in actors} == {actors[0].operator_id}
    assert actors[0].role == ADMIN
    assert len(backend.access.listing(actor=actors[0])) == 1


def test_a_stranger_is_refused_where_operators_exist(backend: Backend, clean: EmbeddedServer) -> None:
    with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
        conn.execute("INSERT INTO operators (name, os_user, role) VALUES ('Ana', 'somebody-else', 'admin')")
    with pytest.raises(NotAllowed, match="not an operator"):
        backend.access.sign_in_os_user()


def test_a_job_runs_with_the_rights_its_operator_has_now(backend: Backend, clean: EmbeddedServer) -> None:
    actor = backend.actor()
    assert backend.access.actor(actor.operator_id, workstation="ws").role == ADMIN
    assert backend.access.actor(None, workstation="ws").role == SYSTEM
    with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
        conn.execute("UPDATE operators SET role = 'auditor'")
        assert backend.access.actor(actor.operator_id, workstation="ws").role == "auditor"
        conn.execute("UPDATE operators SET disabled_at = now()")
    with pytest.raises(NotAllowed):
        backend.access.actor(actor.operator_id, workstation="ws")
    with pytest.raises(NotAllowed):
        backend.access.sign_in_os_user()
