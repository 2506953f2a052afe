"""What a backend is made of: the pool its settings ask for, and the tables of this program."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from backend_core.backend import open_backend
from backend_core.db import embedded, migrate
from backend_core.db.embedded import EmbeddedServer
from backend_core.db.pool import Pool
from backend_core.settings import Settings, load_settings
from tests.postgres import StartServer


def pool_of(settings: Settings) -> Pool:
    with open_backend(settings, application="desktop") as backend:
        return backend.database.pool


@pytest.mark.trace("B6")
def test_a_shared_server_gets_twenty_and_ten_connections_the_embedded_one_fewer_and_both_can_be_set(
    clean: EmbeddedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local = load_settings(home=clean.cluster.home, objects=tmp_path / "objects")
    shared = load_settings(home=tmp_path / "home", dsn=clean.admin_dsn)
    assert [(pool.base, pool.capacity) for pool in (pool_of(shared), pool_of(local))] == [(20, 30), (4, 10)]
    monkeypatch.setenv("LECTERN_POOL_SIZE", "2")
    monkeypatch.setenv("LECTERN_MAX_OVERFLOW", "1")
    for given in ({"home": clean.cluster.home, "objects": tmp_path / "objects"}, {"home": tmp_path / "home", "dsn": clean.admin_dsn}):
        pool = pool_of(load_settings(**given))
        assert (pool.base, pool.capacity) == (2, 3)


@pytest.mark.trace("B8", "B9")
def test_a_fresh_installation_waits_thirty_seconds_and_replaces_connections_after_an_hour(clean: EmbeddedServer, tmp_path: Path) -> None:
    pool = pool_of(load_settings(home=clean.cluster.home, objects=tmp_path / "objects"))
    assert (pool.timeout_s, pool.recycle_s) == (30.0, 3600.0)


def test_tables_of_another_revision_are_noticed(settings: Settings, clean: EmbeddedServer) -> None:
    with open_backend(settings) as backend, psycopg.connect(clean.admin_dsn, autocommit=True) as admin:
        actor = backend.actor()

        def schema() -> tuple[str, str]:
            found = next(check for check in backend.monitoring.health(actor=actor).checks if check.name == "Schema")
            return found.status, found.detail

        assert schema() == ("ok", f"revision {migrate.head()}")
        admin.execute("UPDATE alembic_version SET version_num = '0000'")
        try:
            assert schema() == ("degraded", f"revision 0000, program {migrate.head()}")
        finally:
            admin.execute("UPDATE alembic_version SET version_num = %s", (migrate.head(),))


@pytest.mark.logs(r"psycopg\.pool")
def test_health_says_that_the_database_is_away_and_looks_at_everything_else(start_server: StartServer, tmp_path: Path) -> None:
    home = tmp_path / "home"
    start_server(home)
    with open_backend(load_settings(home=home, pool_size=1, max_overflow=1, pool_timeout_s=0.5), application="desktop") as backend:
        actor = backend.actor()
        embedded.stop(home, force=True)
        view = backend.monitoring.health(actor=actor)
    found = {check.name: check.status for check in view.checks}
    assert view.status == "failed"
    assert (found["Database"], found["Worker"]) == ("failed", "failed")
    assert {found["Object store"], found["Voices"]} <= {"ok", "degraded"}
