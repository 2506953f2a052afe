"""Fixtures of the privacy tests: two filled containers for raw SQL, and a town of people for the public interface."""

from __future__ import annotations

import pytest

from backend_core.backend import Backend
from backend_core.db.embedded import EmbeddedServer
from tests.privacy.raw import Walled, as_superuser, container, fill
from tests.privacy.town import Quarter, Town


@pytest.fixture
def walled(clean: EmbeddedServer) -> Walled:
    """Two containers with one row in every table each."""
    with as_superuser(clean) as conn:
        mine, theirs = container(conn, "mine"), container(conn, "theirs")
        fill(conn, mine, "mine")
        fill(conn, theirs, "theirs")
    return Walled(clean, mine, theirs)


@pytest.fixture
def town(backend: Backend) -> Town:
    """An open backend without anybody in it."""
    return Town.of(backend)


@pytest.fixture
def quarter(town: Town) -> Quarter:
    """The seven contexts, with what Ann said in hers."""
    found = Quarter.of(town)
    for name in ("d1", "ga"):
        found.settle(name)
    return found
