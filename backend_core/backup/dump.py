"""The database in and out: one snapshot for dump, counts and objects; PostgreSQL's own programs for the dump itself."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from backend_core import __version__, faults
from backend_core.backup.failures import FULL
from backend_core.backup.manifest import Manifest, Stored
from backend_core.db.conninfo import complete
from backend_core.db.failures import translated
from backend_core.db.roles import BACKUP, OWNER
from backend_core.db.server_binaries import program
from backend_core.db.server_user import ServerUser
from backend_core.errors import Conflict, DatabaseAway, NotAllowed, StorageFailed, Unavailable
from backend_core.logs import get_logger
from backend_core.storage.folder import hash_file
from backend_core.storage.service import KEEP_LOCK

log = get_logger(__name__)
APPLICATION: Final = "lectern-backup"
ONE_BACKUP: Final = "lectern.backup"
SWEEPERS_WAIT_MS: Final = 30_000
POLL_S: Final = 0.05
STOP_S: Final = 10.0
Alive = Callable[[], object]
"""Called many times a second while a program of PostgreSQL works; raises Cancelled to stop it."""
_TABLES: Final = """
SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace = 'public'::regnamespace ORDER BY relname
"""
_SERVER: Final = """
SELECT (SELECT system_identifier::text FROM pg_control_system()), current_database(), current_setting('server_version'),
       (SELECT version_num FROM alembic_version), now()
"""
_HIDDEN: Final = """
SELECT c.relname FROM pg_class c
 WHERE c.relrowsecurity AND c.relnamespace = 'public'::regnamespace AND (
       EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND NOT p.polpermissive)
    OR NOT EXISTS (
       SELECT FROM pg_policy p JOIN pg_roles r ON r.oid = ANY (p.polroles)
        WHERE p.polrelid = c.oid AND r.rolname = %(role)s AND p.polcmd IN ('r', '*') AND pg_get_expr(p.polqual, p.polrelid) = 'true'))
 ORDER BY c.relname
"""
_HEAD: Final = "SELECT last_position, encode(head, 'hex') FROM audit_seal ORDER BY id DESC LIMIT 1"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """How a database is reached for a dump or a restore.

    Attributes:
        dsn: libpq connection string; the signed-in role, or ``role``, can read every row.
        role: act as this role; None as the one that signs in.
    """

    dsn: str
    role: str | None = None

    @classmethod
    def of_owner(cls, dsn: str, *, admin: str | None) -> Endpoint:
        """Return the way in for whoever owns the database; on the embedded server that is the superuser, whom row security never stops."""
        return cls(dsn, OWNER) if admin is None else cls(make_conninfo(dsn, user=admin))

    def reading(self) -> Endpoint:
        """Return the way in for reading everything: where row security stops the owner too, the role whose policies let it through.

        Raises:
            NotAllowed: a table would be read only in part.
        """
        if self.role is None:
            return self
        with translated(), psycopg.connect(self.conninfo(), autocommit=True) as conn:
            forced = conn.execute("SELECT count(*) FROM pg_class WHERE relforcerowsecurity").fetchone() or (0,)
            # of a schema older than that role
            if not forced[0]:
                return self
            hidden = conn.execute(_HIDDEN, {"role": BACKUP}).fetchall()
        if hidden:
            raise NotAllowed(f"A backup would miss rows of {', '.join(name for (name,) in hidden)}; nothing was written.")
        return Endpoint(self.dsn, BACKUP)

    def conninfo(self) -> str:
        """Return the connection string for a connection of our own."""
        return complete(self.dsn, application=APPLICATION, role=self.role)

    def for_program(self) -> tuple[str, dict[str, str]]:
        """Return a connection string without a password, and the environment that holds it, for a program of PostgreSQL."""
        given = conninfo_to_dict(self.dsn)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
        environment = {**kept, "LC_ALL": "C"}
        password = given.pop("password", None)
        if password:
            # other users of this computer can read arguments, but not the environment
            environment["PGPASSWORD"] = str(password)
        given["application_name"] = APPLICATION
        return make_conninfo("", **{name: value for name, value in given.items() if value is not None}), environment


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A moment of the database that stays readable while it is open."""

    conn: psycopg.Connection[Any]
    name: str
    reader: Endpoint

    def manifest(self, *, store: str, dump: Stored) -> Manifest:
        """Return what a backup of this moment holds."""
        identifier, database, version, revision, at = self.conn.execute(_SERVER).fetchone() or ("", "", "", "", dt.datetime.now(dt.UTC))
        rows = {name: _count(self.conn, name) for (name,) in self.conn.execute(_TABLES).fetchall()}
        objects = self.conn.execute("SELECT DISTINCT sha256, bytes FROM objects WHERE store = %s ORDER BY sha256", (store,)).fetchall()
        elsewhere = self.conn.execute("SELECT count(*) FROM objects WHERE store <> %s", (store,)).fetchone() or (0,)
        return Manifest(
            version=__version__,
            schema=revision,
            created_at=at.astimezone(dt.UTC),
            database={"server": identifier, "name": database},
            server_version=version,
            store=store,
            audit=self._audit(rows),
            rows=rows,
            dump=dump,
            objects=tuple(Stored(sha256, size) for sha256, size in objects),
            elsewhere=elsewhere[0],
        )

    def _audit(self, rows: dict[str, int]) -> dict[str, int | str | None]:
        found = self.conn.execute(_HEAD).fetchone() if "audit_seal" in rows else None
        position, head = found or (0, None)
        return {"rows": rows.get("audit_event", 0), "position": position, "head": head}


@contextlib.contextmanager
def snapshot(endpoint: Endpoint) -> Iterator[Snapshot]:
    """Hold one moment of the database, and keep the sweeper from removing files that belong to it.

    Raises:
        Conflict: another backup of this database is being made.
        NotAllowed: this sign-in may not read everything.
        DatabaseAway: the server does not answer.
    """
    reader = endpoint.reading()
    with translated(), psycopg.connect(reader.conninfo(), autocommit=True) as conn:
        conn.execute("SET idle_in_transaction_session_timeout = 0")
        # lock: one backup of a database at a time; a second one would only wait for the disk
        row = conn.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", (ONE_BACKUP,)).fetchone()
        if row is None or not row[0]:
            raise Conflict("Another backup of this database is being made.")
        conn.execute(sql.SQL("SET lock_timeout = {}").format(SWEEPERS_WAIT_MS))
        # lock: no file that this moment refers to is removed until the backup has it
        conn.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", (KEEP_LOCK,))
        faults.point("backup.locked")
        conn.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        if reader.role != BACKUP:
            # who is stopped by row security must fail, not read less
            conn.execute("SET LOCAL row_security = off")
        name = conn.execute("SELECT pg_export_snapshot()").fetchone()
        yield Snapshot(conn, str(name[0]) if name else "", reader)


def dump(held: Snapshot, target: Path, *, alive: Alive) -> Stored:
    """Write the database as it was at the snapshot to ``target`` and return its hash and size.

    Raises:
        StorageFailed: the disk is full.
        NotAllowed: this sign-in may not read everything.
        DatabaseAway: the server went away.
    """
    endpoint = held.reader
    dsn, environment = endpoint.for_program()
    options = ["--format=custom", "--compress=gzip:1", f"--snapshot={held.name}", "--file", str(target), "--lock-wait-timeout=30000"]
    role = [] if endpoint.role is None else [f"--role={endpoint.role}"]
    if endpoint.role == BACKUP:
        role.append("--enable-row-security")
    _run([program("pg_dump", user=ServerUser()), *options, *role, "--dbname", dsn], environment, alive)
    return Stored(*hash_file(target))


def load(endpoint: Endpoint, source: Path, *, alive: Alive) -> None:
    """Load a dump into an empty database: all of it, or nothing.

    Raises:
        StorageFailed: the disk is full.
        NotAllowed: this sign-in may not make the tables.
        DatabaseAway: the server went away.
    """
    dsn, environment = endpoint.for_program()
    options = ["--single-transaction", "--exit-on-error"]
    # on a shared server the tables belong to the owner role whoever loads them
    role = [] if endpoint.role is None else ["--no-owner", f"--role={endpoint.role}"]
    _run([program("pg_restore", user=ServerUser()), *options, *role, "--dbname", dsn, str(source)], environment, alive)


def is_empty(endpoint: Endpoint) -> bool:
    """Return whether the database holds no table at all."""
    with translated(), psycopg.connect(endpoint.conninfo(), autocommit=True) as conn:
        return conn.execute(_TABLES).fetchone() is None


def may_read_all(endpoint: Endpoint) -> bool:
    """Return whether this sign-in may make a backup: the superuser of the embedded server, or whoever may act as the owner."""
    if endpoint.role is None:
        return True
    with translated(), psycopg.connect(complete(endpoint.dsn, application=APPLICATION), autocommit=True) as conn:
        row = conn.execute("SELECT pg_has_role(oid, 'MEMBER') FROM pg_roles WHERE rolname = %s", (endpoint.role,)).fetchone()
    return row is not None and bool(row[0])


def counts(endpoint: Endpoint) -> dict[str, int]:
    """Return the rows of every table."""
    with translated(), psycopg.connect(endpoint.reading().conninfo(), autocommit=True) as conn:
        return {name: _count(conn, name) for (name,) in conn.execute(_TABLES).fetchall()}


def _count(conn: psycopg.Connection[Any], table: str) -> int:
    row = conn.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))).fetchone()
    return int(row[0]) if row else 0


def _run(command: Sequence[str | Path], environment: dict[str, str], alive: Alive) -> None:
    with tempfile.TemporaryFile() as said:
        child = subprocess.Popen(
            [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said, env=environment
        )
        try:
            while child.poll() is None:
                alive()
                time.sleep(POLL_S)
        finally:
            _end(child)
        if child.returncode:
            said.seek(0)
            raise _explained(said.read().decode(errors="replace"))


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(STOP_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _explained(said: str) -> Unavailable | NotAllowed:
    log.info("a program of the database said: %s", said[-2000:])
    if "No space left" in said or "Disk quota" in said:
        return StorageFailed(FULL)
    if "row-level security" in said or "permission denied" in said or "must be owner" in said or "must be member" in said:
        return NotAllowed("This sign-in may not read or write every table; use the sign-in of the database's owner.")
    if "server version mismatch" in said or "unsupported version" in said:
        return Unavailable("The server's PostgreSQL is newer than the programs that Lectern brings along.")
    return DatabaseAway("The database could not be copied; the log says more.")
