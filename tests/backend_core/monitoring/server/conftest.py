"""Sessions for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from backend_core.db.embedded import EmbeddedServer
from tests.backend_core.monitoring.server.holding import Sessions, sessions_of


@pytest.fixture
def sessions(clean: EmbeddedServer) -> Iterator[Sessions]:
    """Sessions of the administrator of this test's server, ended after the test."""
    with sessions_of(clean.admin_dsn) as opened:
        yield opened
