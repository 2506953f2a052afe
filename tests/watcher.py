"""A second and a third session of the superuser: one stands in the way, the other looks at who waits."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import LiteralString

import psycopg
import pytest

from backend_core.db.embedded import EmbeddedServer
from tests.polling import eventually


class Watcher:
    """Two connections of the superuser."""

    def __init__(self, dsn: str) -> None:
        self._other = psycopg.connect(dsn)
        self._looking = psycopg.connect(dsn, autocommit=True)

    @contextlib.contextmanager
    def blocking(self, statement: LiteralString) -> Iterator[psycopg.Connection]:
        """Hold what the statement locks until ``release``, a commit, or the end."""
        self._other.execute(statement)
        try:
            yield self._other
        finally:
            self.release()

    def release(self) -> None:
        """Let go, and undo what was done."""
        self._other.rollback()

    def count(self, rest: LiteralString) -> int:
        """Return ``SELECT count(*)`` of the rest of a statement."""
        row = self._looking.execute("SELECT count(*) " + rest).fetchone()
        assert row is not None
        return int(row[0])

    def wait_for_waiting(self) -> None:
        """Return as soon as somebody waits for a lock."""
        eventually(lambda: self.count("FROM pg_locks WHERE NOT granted") >= 1)

    def close(self) -> None:
        """Close both."""
        self._other.close()
        self._looking.close()


@pytest.fixture
def watcher(clean: EmbeddedServer) -> Iterator[Watcher]:
    """Somebody who stands in the way."""
    opened = Watcher(clean.admin_dsn)
    yield opened
    opened.close()
