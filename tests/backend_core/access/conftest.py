"""Fixtures for operators: cheap password hashes, and logins on the test server as on one that a team shares."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
import pytest
from argon2 import PasswordHasher
from psycopg import sql
from psycopg.conninfo import make_conninfo

from backend_core.access.base import FOR_EVER
from backend_core.access.passwords import Passwords
from backend_core.access.records import Operator
from backend_core.access.service import Access
from backend_core.audit.service import AuditRow
from backend_core.backend import Backend, open_backend
from backend_core.db.embedded import EmbeddedServer
from backend_core.documents.ownership import reassign
from backend_core.policy import Actor
from backend_core.settings import Settings, load_settings

GOOD = "a blue horse at 7"
OTHER = "two grey herons, 4"
# what a person at the keyboard could do: a moment ago they gave their password and a reason
CHEAP = {"time_cost": 1, "memory_cost": 8, "parallelism": 1}
MEMBERS = {
    "ana": "lectern_support",
    "ben": "lectern_support",
    "adm": "lectern_administrator",
    "aud": "lectern_auditor",
    "wrk": "lectern_app, lectern_monitor",
}


@pytest.fixture
def access(backend: Backend) -> Access:
    """Operators with password hashes that cost nothing."""
    return Access(backend.database, backend.audit, passwords=Passwords(PasswordHasher(**CHEAP)), reassign=reassign)


@pytest.fixture
def admin(backend: Backend) -> Actor:
    """The first administrator, vouched for by the operating system, with a reason."""
    return replace(backend.actor(), reason="because")


def trusted(actor: Actor) -> Actor:
    """Return the actor as somebody who has just given a password and a reason."""
    return replace(actor, proven_until=FOR_EVER, reason="because")


@pytest.fixture
def ana(access: Access, admin: Actor) -> Operator:
    """Support staff with a password."""
    return access.add("Ana", role="support", actor=admin, password=GOOD, email="ana@example.org")


@dataclass(frozen=True)
class Team:
    """The test server as a team shares it."""

    server: EmbeddedServer
    folder: Path

    def dsn(self, login: str) -> str:
        """Return the connection string of a login."""
        dsn = self.server.admin_dsn
        return make_conninfo(dsn, user=login, password=f"pass-{login}", passfile=None)

    def settings(self, login: str) -> Settings:
        """Return the settings of a person who signs in as ``login``."""
        return load_settings(
            home=self.folder / f"home-{login}", objects=self.folder / "objects", dsn=self.dsn(login), pool_size=1, max_overflow=4,
            pool_timeout_s=10, retry_base_s=0.01,
        )  # fmt: skip

    @contextmanager
    def open(self, login: str, *, application: str = "desktop") -> Iterator[Backend]:
        """Open the backend as ``login``."""
        with open_backend(self.settings(login), application=application) as backend:
            yield backend

    def admin(self, statement: str) -> list[tuple[object, ...]]:
        """Run SQL as the superuser."""
        with psycopg.connect(self.server.admin_dsn, autocommit=True) as conn:
            cursor = conn.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []


@pytest.fixture
def team(clean: EmbeddedServer, tmp_path: Path) -> Iterator[Team]:
    """The test server with one login for each kind of person, and one for the worker."""
    with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
        for login, groups in MEMBERS.items():
            drop_login(conn, login)
            conn.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(login), sql.Literal(f"pass-{login}")))
            conn.execute(sql.SQL("GRANT {} TO {}").format(sql.SQL(groups), sql.Identifier(login)))
    yield Team(clean, tmp_path)
    with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
        for login in MEMBERS:
            drop_login(conn, login)


def drop_login(conn: psycopg.Connection[tuple[object, ...]], login: str) -> None:
    """Remove a login of the test server if it is there."""
    conn.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(login)))


@pytest.fixture
def staffed(team: Team) -> Team:
    """The shared server with an operator for each login of a person."""
    with team.open("adm") as backend:
        actor = trusted(backend.access.sign_in_here())
        for login, role in (("ana", "support"), ("ben", "support"), ("aud", "auditor")):
            backend.access.add(login.title(), role=role, actor=actor, db_login=login)
    return team


@pytest.fixture
def signed_in(staffed: Team) -> Iterator[Callable[[str], tuple[Backend, Actor]]]:
    """Return a function that opens the backend as a login and signs in."""
    with ExitStack() as stack:

        def enter(login: str) -> tuple[Backend, Actor]:
            backend = stack.enter_context(staffed.open(login))
            return backend, trusted(backend.access.sign_in_here())

        yield enter


def recorded(backend: Backend, action: str) -> list[AuditRow]:
    """Return what the audit log has of an action, oldest first."""
    rows = backend.audit.latest(actor=backend.system(), limit=500)
    return [row for row in reversed(rows) if row.action == action]
