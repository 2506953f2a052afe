"""A database for tests of plans and sizes, in which nobody else left a row."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from backend_core.db import migrate
from backend_core.db.embedded import EmbeddedServer
from backend_core.db.roles import OWNER


@pytest.fixture(scope="module")
def alone(server: EmbeddedServer) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """A migrated database of its own, where no row of another test is in the way; nothing that a row refers to has to be there."""
    name = f"plans_{secrets.token_hex(4)}"
    with psycopg.connect(server.admin_dsn, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} OWNER {OWNER}")
        migrate.upgrade(make_conninfo(server.dsn(OWNER), dbname=name))
        with psycopg.connect(make_conninfo(server.admin_dsn, dbname=name), autocommit=True) as conn:
            conn.execute("SET session_replication_role = replica")
            yield conn
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
