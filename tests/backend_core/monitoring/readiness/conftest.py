"""One world for all tests of a file: each breaks something, and puts it right again."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from backend_core.backend import open_backend
from backend_core.db.embedded import EmbeddedServer
from backend_core.settings import load_settings
from tests.backend_core.monitoring.readiness.world import World
from tests.postgres import empty


@pytest.fixture(scope="module")
def world(server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A backend in which every check passes whose subject exists."""
    empty(server)
    # nothing tidies this server by itself
    with psycopg.connect(server.admin_dsn, autocommit=True) as conn:
        conn.execute("VACUUM")
    folder = tmp_path_factory.mktemp("readiness")
    settings = load_settings(
        home=server.cluster.home, objects=folder / "objects", pool_size=2, max_overflow=8, pool_timeout_s=10, record_metrics="nothing"
    )
    with open_backend(settings, application="desktop") as backend:
        made = World(backend, backend.actor(), server, folder)
        try:
            made.arrange()
            yield made
        finally:
            made.close()
