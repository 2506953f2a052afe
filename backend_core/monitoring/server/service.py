"""The server's part of monitoring: what its sessions do, who waits for whom, its tables, and stopping a session."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Callable, Iterator
from typing import Final

from sqlalchemy import Connection, text

from backend_core.audit.service import Audit
from backend_core.db.database import Database
from backend_core.db.failures import translated
from backend_core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from backend_core.logs import get_logger
from backend_core.monitoring.link import MonitorLink
from backend_core.monitoring.server import episodes
from backend_core.monitoring.server.activity import read_activity, read_sessions
from backend_core.monitoring.server.locks import read_view
from backend_core.monitoring.server.records import ActivityView, LocksView, SessionRow, Stopped, TablesView
from backend_core.monitoring.server.storage import read_tables
from backend_core.policy import Actor, Target, authorize

log = get_logger(__name__)

CANCEL: Final = "cancel"
TERMINATE: Final = "terminate"
# Both functions refuse by themselves what this role may not stop; a superuser's session only a superuser stops.
_SIGNALS: Final = {
    CANCEL: text("SELECT pg_cancel_backend(:pid) AS told"),
    TERMINATE: text("SELECT pg_terminate_backend(:pid) AS told"),
}
_SIGNALLER: Final = text("SELECT pg_has_role(session_user, 'pg_signal_backend', 'MEMBER')")
_AS_SIGNALLER: Final = text("SET LOCAL ROLE pg_signal_backend")
_AS_BEFORE: Final = text("RESET ROLE")
_SHORT: Final = text("SET LOCAL lock_timeout = '1s'")
_HOLDS_LOG: Final = """
SELECT 1 FROM pg_locks WHERE pid = %(pid)s AND granted AND relation = 'audit_event'::regclass AND mode = ANY(%(hinders)s)
"""
_HINDERS_INSERT: Final = ["ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock"]
_REFUSED: Final = (
    "The server does not let this account stop that session. Sessions of superusers only superusers stop; for others the "
    "administrator of the server may grant pg_signal_backend."
)
_ENDED: Final = "This session has ended; its number may belong to another one by now."


class ServerMonitor:
    """Watches the server over the monitor's own connection, so that it works when pool and tables do not.

    Args:
        audit: of a database that ``apart`` opened.
        apart: opens the database on one connection outside the pool, which may be what is exhausted.
    """

    def __init__(self, link: MonitorLink, *, apart: Callable[[], Database], audit: Callable[[Database], Audit]) -> None:
        self._link = link
        self._apart = apart
        self._audit_of = audit

    def activity(self, *, actor: Actor) -> ActivityView:
        """Return every session of this database, what waits first.

        Raises:
            DatabaseAway: the server does not answer.
        """
        authorize(actor, "server.read", Target(kind="server"))
        return read_activity(self._link)

    def locks(self, *, actor: Actor) -> LocksView:
        """Return who waits for whom, the locks, and the episodes that were kept.

        Raises:
            DatabaseAway: the server does not answer.
        """
        authorize(actor, "server.read", Target(kind="server"))
        return read_view(self._link, episodes=episodes.listing(self._link), threshold_s=episodes.THRESHOLD_S)

    def tables(self, *, actor: Actor) -> TablesView:
        """Return tables, sequences, and how near the server is to running out of transaction ids.

        Raises:
            DatabaseAway: the server does not answer.
        """
        authorize(actor, "server.read", Target(kind="server"))
        return read_tables(self._link)

    def cancel(self, pid: int, started_at: dt.datetime, *, actor: Actor) -> Stopped:
        """Stop the statement of a session; the actor's reason says why, and is recorded.

        Args:
            pid: process id on the server.
            started_at: when that session began, as ``activity`` says: a number alone may be another session's by now.

        Raises:
            NotFound: there is no such session any more.
            InvalidInput: it is Lectern's own watching session.
            NotAllowed: this role may not, or the server does not let it: sessions of superusers only they stop.
            Conflict: the audit log is locked; nothing was stopped.
        """
        authorize(actor, "server.cancel", Target(kind="session", id=str(pid)))
        return self._stop(pid, started_at, CANCEL, actor=actor)

    def terminate(self, pid: int, started_at: dt.datetime, *, actor: Actor) -> Stopped:
        """End a whole session and undo its transaction; otherwise as ``cancel``."""
        authorize(actor, "server.cancel", Target(kind="session", id=str(pid)))
        return self._stop(pid, started_at, TERMINATE, actor=actor)

    def _stop(self, pid: int, started_at: dt.datetime, how: str, *, actor: Actor) -> Stopped:
        session = self._found(pid, started_at)
        with contextlib.closing(self._apart()) as database:
            try:
                told = self._recorded(database, session, how, actor=actor)
            except Conflict:
                if not self._holds_log(pid):
                    raise Conflict("The audit log is locked by another session, so nothing was stopped. Stop that one first.") from None
                # what keeps us from recording is the very session: it goes first, and the record follows
                told = self._recorded(database, session, how, actor=actor, first=True)
        log.info("session stopped", how=how, told=told, server_pid=pid)
        return Stopped(pid=pid, how=how, told=told)

    def _found(self, pid: int, started_at: dt.datetime) -> SessionRow:
        session = next((row for row in read_sessions(self._link) if row.pid == pid), None)
        if session is None or session.started_at is None or session.started_at != started_at:
            raise NotFound(_ENDED)
        if session.monitor:
            raise InvalidInput("This is Lectern's own watching session; it is not stopped from here.")
        return session

    def _recorded(self, database: Database, session: SessionRow, how: str, *, actor: Actor, first: bool = False) -> bool:
        after = {"how": how, "application": session.application or session.kind, "user": session.user, "state": session.state}
        target = Target(kind="session", id=str(session.pid))
        with database.begin("Stop a session") as conn:
            conn.execute(_SHORT)
            told = _signal(conn, session, how) if first else False
            self._audit_of(database).record(conn, actor=actor, action="server.cancel", target=target, after=after)
            return told or (not first and _signal(conn, session, how))

    def _holds_log(self, pid: int) -> bool:
        return bool(self._link.rows(_HOLDS_LOG, {"pid": pid, "hinders": _HINDERS_INSERT}))


def _signal(conn: Connection, session: SessionRow, how: str) -> bool:
    try:
        with _signalling(conn), translated():
            return bool(conn.execute(_SIGNALS[how], {"pid": session.pid}).scalar_one())
    except NotAllowed:
        raise NotAllowed(_REFUSED) from None


@contextlib.contextmanager
def _signalling(conn: Connection) -> Iterator[None]:
    """Act as the role that may stop sessions, where the login is a member of it; its own sessions every role may stop."""
    if not conn.execute(_SIGNALLER).scalar_one():
        yield
        return
    conn.execute(_AS_SIGNALLER)
    yield
    conn.execute(_AS_BEFORE)
