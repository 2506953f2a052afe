"""A process killed at any step of making an index leaves one that is whole once the job has run again."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

import backend_core.monitoring.indexes
from backend_core.backend import Backend
from backend_core.db.embedded import EmbeddedServer
from backend_core.policy import Actor
from backend_core.settings import Settings
from tests.backend_core.verb_calls import proven
from tests.faults import index_children
from tests.faults.harness import points, start

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kills with SIGKILL")
LIMIT_S = 120.0
STEPS = ("index.claimed", "index.changed")
MAKE = "CREATE INDEX tried_detail ON job_failure (detail)"
VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('tried_detail')"


@pytest.fixture
def admin(clean: EmbeddedServer) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """The superuser, who drops the index in the end."""
    with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
        yield conn
        conn.execute("DROP INDEX IF EXISTS tried_detail")


def test_the_steps_here_are_all_there_are() -> None:
    assert set(STEPS) == set(points(Path(backend_core.monitoring.indexes.__file__).parent))


@pytest.mark.parametrize("step", STEPS)
def test_an_index_whose_worker_died_is_made_by_the_next(
    backend: Backend, actor: Actor, settings: Settings, admin: psycopg.Connection[tuple[object, ...]], step: str
) -> None:
    backend.indexes.change("create", MAKE, actor=proven(actor))
    (asked,) = backend.indexes.changes(actor=actor)
    environment = {"LECTERN_HOME": str(settings.home), "LECTERN_OBJECTS": str(settings.objects), "LECTERN_FAULT": step}
    child = start(index_children.make, environment, asked.id)
    child.join(LIMIT_S)
    assert child.exitcode == -signal.SIGKILL
    assert (admin.execute(VALID).fetchone() is None) == (step == "index.claimed")
    assert [one.status for one in backend.indexes.changes(actor=actor)] == ["RUNNING"]
    backend.indexes.task.run(index_children.job(backend, asked.id))
    assert admin.execute(VALID).fetchone() == (True,)
    assert [one.status for one in backend.indexes.changes(actor=actor)] == ["DONE"]
