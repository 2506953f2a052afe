"""Making, dropping and rebuilding an index while everybody goes on working: asked for by a person, done by a job."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any, Final, LiteralString

import psycopg
from psycopg import sql
from sqlalchemy import Connection, Row, func, select, text, update

from backend_core import faults
from backend_core.access.logins import ServerAdministratorNeeded
from backend_core.audit.service import Audit
from backend_core.db.conninfo import complete
from backend_core.db.database import Database
from backend_core.db.failures import translated
from backend_core.db.roles import OWNER
from backend_core.errors import InvalidInput, LecternError, NotAllowed, NotFound
from backend_core.jobs.runner import JobRun, Subject
from backend_core.jobs.service import JobRequest, Jobs
from backend_core.monitoring.indexes.wanted import parse
from backend_core.monitoring.tables import index_changes
from backend_core.policy import Actor, Target, authorize, may

TASK: Final = "monitoring.index"
ACTION: Final = "index.change"
CREATE: Final = "create"
DROP: Final = "drop"
REBUILD: Final = "rebuild"
DONE: Final = "DONE"
OPEN: Final = ("WAITING", "RUNNING")
APPLICATION: Final = "lectern-index"
POLL_S: Final = 0.2
LONGEST_ERROR: Final = 500
LEFT: Final = "The index is left half built: nothing reads it, and every write keeps it up to date; drop it."

# it waits for older transactions; others wait for it only as long as this
_PATIENCE: Final = "SET lock_timeout = '60s'; SET statement_timeout = 0"
_SOON: Final = "SET lock_timeout = '2s'"
# trying again would end in the same way
_NEVER: Final = (psycopg.DataError, psycopg.ProgrammingError)
_STATE: Final = """
SELECT i.indisvalid AND i.indisready AS valid
  FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = %s AND c.relname = %s
"""
_LEFT: Final = """
SELECT c.relname AS name
  FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
  JOIN pg_index o ON o.indrelid = i.indrelid JOIN pg_class r ON r.oid = o.indexrelid JOIN pg_namespace n ON n.oid = r.relnamespace
 WHERE n.nspname = %s AND r.relname = %s AND NOT i.indisvalid AND starts_with(c.relname, left(r.relname, 50))
   AND c.relname ~ '_cc(new|old)[0-9]*$'
"""
_HALF_BUILT: Final = text(
    """
    SELECT 1 FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = :schema AND c.relname = :name AND NOT i.indisvalid
    """
)
_OWNS: Final = text("SELECT pg_has_role(session_user, :owner, 'MEMBER')")
_STATEMENTS: Final[dict[str, LiteralString]] = {
    DROP: "DROP INDEX CONCURRENTLY IF EXISTS {}",
    REBUILD: "REINDEX INDEX CONCURRENTLY {}",
}


class ChangeIndex:
    """Makes, drops or rebuilds one index over the connection of the tables' owner.

    It may be killed at any step and run again: an index that is only half built is dropped first.
    """

    name = TASK

    def __init__(self, database: Database, audit: Audit, *, jobs: Jobs, owner: str, shared: bool) -> None:
        """Take the connection string of the tables' owner, and whether the server is one where each has a login of their own."""
        self._database = database
        self._audit = audit
        self._jobs = jobs
        self._owner = owner
        self._shared = shared

    def run(self, job: JobRun) -> None:
        """Do what was asked for; what is done already is only noted."""
        change = self._begun(job)
        if change is None:
            return
        faults.point("index.claimed")
        with translated(), psycopg.connect(complete(self._owner, application=APPLICATION), autocommit=True) as conn:
            conn.execute(_PATIENCE)
            with _stopped_when(conn, job.should_stop):
                self._carry_out(conn, change)
        faults.point("index.changed")
        self._finish(job, change)

    def _begun(self, job: JobRun) -> Row[Any] | None:
        if not may(job.actor.role, ACTION):
            raise NotAllowed(f"The role of who asked for this ({job.actor.role}) may not change indexes any more.")
        with self._database.begin("Begin index change") as conn:
            row = conn.execute(select(index_changes).where(index_changes.c.id == job.subject.index_change_id)).one_or_none()
            if row is None:
                raise NotFound("What was asked for is not known any more.")
            if row.status == DONE:
                return None
            if self._shared:
                require_owner(conn, statement_of(row))
            conn.execute(update(index_changes).where(index_changes.c.id == row.id).values(status="RUNNING", error=None))
        return row

    def _carry_out(self, conn: psycopg.Connection[Any], change: Row[Any]) -> None:
        schema, name = change.schema_name, change.index_name
        if change.action == CREATE:
            self._create(conn, change, schema, name)
            return
        try:
            conn.execute(sql.SQL(_STATEMENTS[change.action]).format(sql.Identifier(schema, name)))
        finally:
            if change.action == REBUILD:
                _clear_rebuild(conn, schema, name)

    @staticmethod
    def _create(conn: psycopg.Connection[Any], change: Row[Any], schema: str, name: str) -> None:
        state = conn.execute(_STATE, (schema, name)).fetchone()
        if state is not None and state[0]:
            # an earlier attempt got as far as this
            return
        if state is not None:
            _drop(conn, schema, name)
        try:
            # prepared: one statement, whatever stands in it
            conn.execute(parse(change.definition).concurrently.encode(), prepare=True)
        except psycopg.Error as error:
            _clear_half_built(conn, schema, name)
            if isinstance(error, _NEVER) and not isinstance(error, psycopg.errors.InsufficientPrivilege):
                raise InvalidInput("The server cannot build this index from what the table holds.") from error
            raise

    def _finish(self, job: JobRun, change: Row[Any]) -> None:
        done = update(index_changes).where(index_changes.c.id == change.id, index_changes.c.status != DONE)
        with self._database.begin("Finish index change") as conn:
            if conn.execute(done.values(status=DONE, finished_at=func.clock_timestamp())).rowcount:
                facts = {"action": change.action, "table": change.table_name, "status": DONE}
                self._audit.record(conn, actor=job.actor, action=ACTION, target=target_of(change), after=facts)

    def give_up(self, conn: Connection, subject: Subject, error: LecternError, *, actor: Actor) -> None:
        """Note that it was not done, why, and whether something half built is left."""
        mine = (index_changes.c.id == subject.index_change_id, index_changes.c.status.in_(OPEN))
        row = conn.execute(select(index_changes).where(*mine)).one_or_none()
        if row is None:
            return
        left = conn.execute(_HALF_BUILT, {"schema": row.schema_name, "name": row.index_name}).first()
        told = f"{error} {LEFT}" if left is not None else str(error)
        values = {"status": "FAILED", "error": told[:LONGEST_ERROR], "finished_at": func.clock_timestamp()}
        if conn.execute(update(index_changes).where(*mine).values(values)).rowcount:
            facts = {"action": row.action, "table": row.table_name, "error_code": error.code}
            self._audit.record(conn, actor=actor, action=ACTION, target=target_of(row), outcome="failed", after=facts)

    def again(self, subject: Subject, *, actor: Actor) -> int:
        """Queue it anew; return the new job's id."""
        mine = index_changes.c.id == subject.index_change_id
        with self._database.begin("Retry index change") as conn:
            row = conn.execute(select(index_changes).where(mine)).one_or_none()
            if row is None:
                raise NotFound("What was asked for is not known any more.")
            authorize(actor, "index.change", target_of(row))
            conn.execute(update(index_changes).where(mine).values(status="WAITING", error=None, finished_at=None))
            facts = {"action": row.action, "table": row.table_name, "status": "WAITING"}
            self._audit.record(conn, actor=actor, action=ACTION, target=target_of(row), after=facts)
            return self._jobs.defer(conn, [request(row.id, row.action, row.index_name)], actor=actor)[0]


def request(change_id: int, action: str, name: str) -> JobRequest:
    """Return the job that carries out a change."""
    titles = {CREATE: "Make index", DROP: "Drop index", REBUILD: "Rebuild index"}
    return JobRequest(task=TASK, title=f"{titles[action]} {name}", subject=Subject(index_change_id=change_id))


def require_owner(conn: Connection, statement: str) -> None:
    """Return quietly when this login may act as the owner of the tables.

    Raises:
        ServerAdministratorNeeded: it may not; holds the statement to be run by somebody who may.
    """
    if not conn.execute(_OWNS, {"owner": OWNER}).scalar_one():
        raise ServerAdministratorNeeded(statements=[statement])


def statement_of(change: Row[Any]) -> str:
    """Return what a change runs."""
    if change.action == CREATE:
        return f"{parse(change.definition).concurrently};"
    name = sql.Identifier(change.schema_name, change.index_name)
    return sql.SQL(_STATEMENTS[change.action]).format(name).as_string() + ";"


def target_of(change: Row[Any]) -> Target:
    """Return what a change is about, for the audit log."""
    return Target(kind="index", id=change.index_name)


def _drop(conn: psycopg.Connection[Any], schema: str, name: str) -> None:
    conn.execute(sql.SQL(_STATEMENTS[DROP]).format(sql.Identifier(schema, name)))


def _clear_half_built(conn: psycopg.Connection[Any], schema: str, name: str) -> None:
    # what cannot be cleared soon shows up as invalid, with the statement that drops it
    with contextlib.suppress(psycopg.Error):
        conn.execute(_SOON)
        state = conn.execute(_STATE, (schema, name)).fetchone()
        if state is not None and not state[0]:
            _drop(conn, schema, name)


def _clear_rebuild(conn: psycopg.Connection[Any], schema: str, name: str) -> None:
    with contextlib.suppress(psycopg.Error):
        conn.execute(_SOON)
        for (left,) in conn.execute(_LEFT, (schema, name)).fetchall():
            _drop(conn, schema, left)


@contextlib.contextmanager
def _stopped_when(conn: psycopg.Connection[Any], should_stop: Callable[[], bool]) -> Iterator[None]:
    """Cancel what the connection is waiting for as soon as the job should stop."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(POLL_S):
            if should_stop():
                conn.cancel()
                return

    watcher = threading.Thread(target=watch, name="index-change", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
