"""Brings the database schema to the version this program was written for.

Migrations run as ``lectern_owner``. One process migrates at a time; the others poll for their turn without holding a snapshot,
because ``CREATE INDEX CONCURRENTLY`` waits for every snapshot.
"""

from __future__ import annotations

import contextlib
import enum
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import psycopg.errors
import sqlalchemy
from sqlalchemy.pool import NullPool

from backend_core.db import roles
from backend_core.db.conninfo import complete
from backend_core.db.failures import translated
from backend_core.errors import NotAllowed, Unavailable

# Alembic takes 13 MB, and a program whose database is up to date needs nothing of it: it is imported where it works.
if TYPE_CHECKING:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

APPLICATION = "lectern-migrate"
LOCK_KEY = 0x4C65_6374
"""Advisory lock of a running migration ("Lect")."""

LOCK_POLL_S = 0.2
LOCK_LIMIT_S = 300.0
_FOLDER = Path(__file__).parent / "migrations"


class SchemaState(enum.Enum):
    """How the schema of a database stands to this program."""

    EMPTY = "empty"
    BEHIND = "behind"
    CURRENT = "current"
    AHEAD = "ahead"

    @property
    def read_only(self) -> bool:
        """Whether this program may only read, because a newer one changed the schema."""
        return self is SchemaState.AHEAD


@dataclass(frozen=True, slots=True)
class Result:
    """What an upgrade did, or would do.

    Attributes:
        applied: one line per revision, "0001 Rights of the application role"; in order.
        dry_run: nothing was changed.
    """

    before: str | None
    after: str | None
    applied: tuple[str, ...]
    dry_run: bool


class RolesMissing(NotAllowed):
    """A shared server lacks Lectern's roles, or this sign-in may not act as their owner.

    Attributes:
        statements: what an administrator of the server runs first.
    """

    title = "The server needs preparing"
    next_step = "Give the listed statements to an administrator of the server, then try again."

    def __init__(self, *, statements: list[str]) -> None:
        super().__init__("An administrator of the server runs these statements first: " + " ".join(statements))
        self.statements = statements


def head() -> str:
    """Return the newest revision this program knows; they are numbered, and each file starts with its number."""
    return max(path.name.partition("_")[0] for path in (_FOLDER / "versions").glob("[0-9]*_*.py"))


def current(dsn: str) -> str | None:
    """Return the revision of the database, or None if it has no schema yet."""
    with translated(), _connected(dsn) as conn:
        return _revision(conn)


def state(dsn: str) -> SchemaState:
    """Return how the schema of the database stands to this program."""
    found = current(dsn)
    if found is None:
        return SchemaState.EMPTY
    if found == head():
        return SchemaState.CURRENT
    return SchemaState.BEHIND if found < head() else SchemaState.AHEAD


def plan(dsn: str) -> list[str]:
    """Return one line per revision that ``upgrade`` would apply."""
    return _steps(current(dsn))


def upgrade(dsn: str, *, dry_run: bool = False, target: str = "head") -> Result:
    """Apply every missing revision as ``lectern_owner``.

    Args:
        dsn: a sign-in that is ``lectern_owner`` or may act as it.
        dry_run: only say what would be done.
        target: revision to stop at.

    Raises:
        RolesMissing: the roles are not there.
        NotAllowed: the schema is newer than this program.
        Unavailable: another process kept migrating for five minutes.
    """
    return _move(dsn, target=target, dry_run=dry_run)


def downgrade(dsn: str, *, target: str) -> Result:
    """Take revisions back down to ``target``; "base" removes everything Lectern made."""
    from alembic import command

    with translated():
        with _as_only_one(dsn), _engine(dsn).connect() as conn:
            before = current(dsn)
            command.downgrade(_config(conn), target)
        return Result(before=before, after=current(dsn), applied=(), dry_run=False)


def _move(dsn: str, *, target: str, dry_run: bool) -> Result:
    from alembic import command

    with translated():
        prepare(dsn)
        if state(dsn).read_only:
            raise NotAllowed("The database was made by a newer version of Lectern; this one may only read it.")
        if dry_run:
            before = current(dsn)
            return Result(before=before, after=before, applied=tuple(_steps(before)), dry_run=True)
        with _as_only_one(dsn), _engine(dsn).connect() as conn:
            # Read under the lock: another process may just have done the work.
            before = current(dsn)
            command.upgrade(_config(conn), target)
        after = current(dsn)
    return Result(before=before, after=after, applied=tuple(_steps(before, after)), dry_run=False)


def prepare(dsn: str) -> None:
    """Check that the roles exist and that this sign-in may act as the owner.

    Raises:
        RolesMissing: with the statements for an administrator.
    """
    with _connected(dsn) as conn:
        missing = roles.missing(conn)
        row = conn.execute(
            "SELECT current_database(), session_user, (SELECT pg_has_role(oid, 'MEMBER') FROM pg_roles WHERE rolname = %s)", (roles.OWNER,)
        ).fetchone()
    if row is None or missing or not row[2]:
        database, login = ("", "") if row is None else row[:2]
        existing = set(roles.REQUIRED_ROLES) - set(missing)
        raise RolesMissing(statements=roles.statements_for_administrator(login=login, database=database, existing=existing))


def include_object(_object: Any, name: str | None, kind: str, _reflected: bool, _compare_to: Any) -> bool:  # noqa: FBT001 - Alembic's signature
    """Return whether Alembic compares this object; the queue's own tables are not ours to compare."""
    return not (kind == "table" and name is not None and name.startswith("procrastinate_"))


def _scripts() -> ScriptDirectory:
    from alembic.script import ScriptDirectory

    return ScriptDirectory.from_config(_config(None))


def _config(connection: sqlalchemy.Connection | None) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _steps(before: str | None, after: str | None = None) -> list[str]:
    revisions = _scripts().iterate_revisions(after or "head", before or "base")
    return [f"{revision.revision} {revision.doc.splitlines()[0].rstrip('.')}" for revision in reversed(list(revisions))]


def _revision(conn: psycopg.Connection[Any]) -> str | None:
    there = conn.execute("SELECT to_regclass('public.alembic_version') IS NOT NULL").fetchone()
    if there is None or not there[0]:
        return None
    try:
        row = conn.execute("SELECT version_num FROM alembic_version").fetchone()
    except psycopg.errors.InsufficientPrivilege:
        # The first revision gives the right to read it; until then there is no schema.
        return None
    return None if row is None else str(row[0])


@contextlib.contextmanager
def _connected(dsn: str, *, role: str | None = None) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(complete(dsn, application=APPLICATION, role=role), autocommit=True) as conn:
        yield conn


def _engine(dsn: str) -> sqlalchemy.Engine:
    conninfo = complete(dsn, application=APPLICATION, role=roles.OWNER)
    return sqlalchemy.create_engine(
        "postgresql+psycopg://", creator=lambda: psycopg.connect(conninfo), poolclass=NullPool, use_native_hstore=False
    )


@contextlib.contextmanager
def _as_only_one(dsn: str) -> Iterator[None]:
    deadline = time.monotonic() + LOCK_LIMIT_S
    with _connected(dsn) as conn:
        while not _got_lock(conn):
            if time.monotonic() >= deadline:
                raise Unavailable("Another Lectern process is still changing the database.")
            time.sleep(LOCK_POLL_S)
        yield


def _got_lock(conn: psycopg.Connection[Any]) -> bool:
    # lock: one process changes the schema at a time
    row = conn.execute("SELECT pg_try_advisory_lock(%s)", (LOCK_KEY,)).fetchone()
    return row is not None and bool(row[0])
