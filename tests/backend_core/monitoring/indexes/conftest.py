"""Fixtures over indexes: the superuser who plants them, and the connection of the monitoring role."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from backend_core.db.embedded import EmbeddedServer
from backend_core.db.roles import MONITOR
from backend_core.monitoring.link import MonitorLink
from tests.backend_core.monitoring.indexes.corpus import SCHEMAS

Admin = psycopg.Connection[tuple[object, ...]]


@pytest.fixture
def admin(clean: EmbeddedServer) -> Iterator[Admin]:
    """The superuser; whatever schema a test makes is gone afterwards."""
    with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
        yield conn
        for schema in (*SCHEMAS, "traps", "tried"):
            conn.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema)))


@pytest.fixture
def link(clean: EmbeddedServer) -> Iterator[MonitorLink]:
    """The connection of the monitoring role."""
    opened = MonitorLink(clean.dsn(MONITOR))
    yield opened
    opened.close()
