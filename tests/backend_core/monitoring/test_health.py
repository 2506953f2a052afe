"""Health: every check says what it found, degrades when something is missing, and never raises."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from backend_core.backend import Backend, open_backend
from backend_core.credentials.vault import Vault
from backend_core.db.cluster import free_port
from backend_core.db.embedded import EmbeddedServer
from backend_core.db.roles import MONITOR
from backend_core.errors import StorageFailed
from backend_core.monitoring import health
from backend_core.monitoring.health import Finding
from backend_core.monitoring.link import MonitorLink
from backend_core.monitoring.records import HealthCheck
from backend_core.policy import Actor
from backend_core.settings import Settings
from backend_core.speech.local import LocalEngine
from backend_core.worker import run_once
from tests.backend_core.jobs.conftest import Serve, serving  # noqa: F401  # a fixture
from tests.backend_core.jobs.fakes import Scripted, broken
from tests.lectern import MakeDocument

NAMES = {"Database", "Connection pool", "Worker", "Object store", "Voices", "Jobs", "Secrets"}


def check(backend: Backend, actor: Actor, name: str) -> HealthCheck:
    return next(check for check in backend.monitoring.health(actor=actor).checks if check.name == name)


def test_a_fresh_home_is_well(backend: Backend, actor: Actor) -> None:
    view = backend.monitoring.health(actor=actor)
    assert {found.name for found in view.checks} >= NAMES
    assert view.status in {"ok", "degraded"}
    assert {found.name for found in view.checks if found.status not in {"ok", "unknown"}} <= {"Object store", "Database", "Secrets"}
    assert all(found.detail and found.age_s >= 0 for found in view.checks)


def test_a_worker_is_missed_once_there_is_work(
    backend: Backend, actor: Actor, settings: Settings, serving: Serve, tmp_path: Path  # noqa: F811  # the fixture
) -> None:  # fmt: skip
    assert check(backend, actor, "Worker").status == "ok"
    path = tmp_path / "page.txt"
    path.write_text("A page.")
    backend.documents.import_file(path, actor=actor)
    missed = check(backend, actor, "Worker")
    assert (missed.status, missed.detail) == ("failed", "none alive, 1 jobs wait")
    assert backend.monitoring.health(actor=actor).status == "failed"
    with serving(backend, settings):
        assert check(backend, actor, "Worker").detail == "1 alive"


def test_an_object_store_that_cannot_be_written_to_is_said_so(backend: Backend, actor: Actor, tmp_path: Path) -> None:
    root = backend.storage.store.root
    root.rename(tmp_path / "hidden")
    root.write_text("in the way")
    found = check(backend, actor, "Object store")
    assert (found.status, found.detail) == ("failed", "The folder that holds Lectern's files cannot be used.")
    root.unlink()
    (tmp_path / "hidden").rename(root)
    assert re.fullmatch(r"\d+\.\d GiB free", check(backend, actor, "Object store").detail)
    assert not list(root.glob(".probe-*"))


@pytest.mark.logs("job failed")
def test_jobs_that_failed_today_are_counted(settings: Settings, make_document: MakeDocument, clean: EmbeddedServer) -> None:
    document_id = make_document()
    final = settings.model_copy(update={"retry_limit": 0})
    with open_backend(final, engines=[Scripted(broken)]) as backend:
        actor = backend.actor()
        backend.audios.generate(document_id, actor=actor)
        assert check(backend, actor, "Jobs").status == "ok"
        run_once(backend, final)
        assert (check(backend, actor, "Jobs").status, check(backend, actor, "Jobs").detail) == ("degraded", "1 failed in 24 h")
        with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
            conn.execute("UPDATE job_failure SET at = at - interval '25 hours'")
        assert check(backend, actor, "Jobs").status == "ok"


def test_secrets_that_only_file_permissions_protect_are_called_that(settings: Settings) -> None:
    for environ, status, words in (({}, "degraded", "only by file permissions"), ({"LECTERN_PASSPHRASE": "x"}, "ok", "under a passphrase")):
        vault = Vault(settings.home, find=lambda: None, environ=environ)
        with open_backend(settings, credentials=vault) as backend:
            found = check(backend, backend.actor(), "Secrets")
        assert found.status == status
        assert words in found.detail


def test_a_voice_process_that_does_not_start_is_said_so(settings: Settings, clean: EmbeddedServer, tmp_path: Path) -> None:
    with open_backend(settings, engines=[LocalEngine(command=[str(tmp_path / "none")])]) as backend:
        found = check(backend, backend.actor(), "Voices")
    assert found.status == "failed"
    assert str(tmp_path) not in found.detail


def test_a_server_that_is_away_is_said_so(clean: EmbeddedServer) -> None:
    link = MonitorLink(clean.dsn(MONITOR))
    assert health.run_checks({"Database": lambda: health.database(link)}).status in {"ok", "degraded"}
    link.close()
    away = MonitorLink(f"host=127.0.0.1 port={free_port()} dbname=none user=none")
    for closed in (link, away):
        view = health.run_checks({"Database": lambda closed=closed: health.database(closed)})  # type: ignore[misc]  # bound at once
        assert view.status == "failed"


def test_a_pool_with_little_room_is_degraded_and_still_looked_at_when_full(settings: Settings, clean: EmbeddedServer) -> None:
    narrow = settings.model_copy(update={"pool_size": 1, "max_overflow": 4, "pool_timeout_s": 0.3})
    with open_backend(narrow) as backend, contextlib.ExitStack() as stack:
        actor = backend.actor()
        for number, status in enumerate(("ok", "ok", "ok", "degraded")):
            stack.enter_context(backend.database.begin(f"Hold {number}")).execute(sa.text("SELECT 1"))
            found = check(backend, actor, "Connection pool")
            assert (found.status, found.detail.split(",")[0]) == (status, f"{number + 1} of 5 in use")


@pytest.mark.parametrize(
    ("finding", "status"),
    [
        (health.disk(health.LOW_DISK), "ok"),
        (health.disk(health.LOW_DISK - 1), "degraded"),
        (health.disk(health.VERY_LOW_DISK - 1), "failed"),
        (health.workers(0, 0), "ok"),
        (health.workers(0, 1), "failed"),
        (health.workers(2, 9), "ok"),
        (health.voices(0), "failed"),
        (health.failures(1), "degraded"),
        (health.pool(0, 0, 0), "ok"),
        (health.secrets_kept("keyring", "x"), "ok"),
        (health.secrets_kept("sealed", "x"), "ok"),
        (health.secrets_kept("file", "x"), "degraded"),
    ],
)
def test_each_bound_has_its_word(finding: Finding, status: str) -> None:
    assert finding.status == status


def test_the_worst_word_counts_and_not_knowing_is_no_alarm() -> None:
    def fail() -> Finding:
        raise StorageFailed("The disk is full.")

    checks = {"a": lambda: Finding("ok", "x"), "b": lambda: Finding("unknown", "y")}
    assert health.run_checks(checks).status == "ok"
    assert health.run_checks(checks | {"c": lambda: Finding("degraded", "z")}).status == "degraded"
    view = health.run_checks(checks | {"c": fail})
    assert (view.status, view.checks[-1].detail) == ("failed", "The disk is full.")
    assert os.sep not in view.checks[-1].detail
