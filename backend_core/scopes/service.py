"""The only door to what a contact said: one transaction, one container, one row in the audit log."""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, case, cast, func, literal, null, select, text
from sqlalchemy.dialects.postgresql import JSONB

from backend_core import __version__
from backend_core.audit.chain import plain
from backend_core.audit.service import Audit
from backend_core.db.changes import touch
from backend_core.db.database import Database
from backend_core.errors import ScopeNeeded, SignInNeeded
from backend_core.logs import correlation_id
from backend_core.policy import Actor, Target, authorize
from backend_core.scopes import containers, guard
from backend_core.scopes.guard import Guard
from backend_core.scopes.records import Container, Where

DIRECTORY: Final = text("SET LOCAL ROLE lectern_directory")
DEADLINE_S: Final = 10.0
SessionValid = Callable[[str], ColumnElement[bool]]
"""Returns the condition that the session with this id has not ended."""


@dataclass(slots=True, eq=False)
class Scope:
    """An open scope: statements on ``conn`` see ``container`` and nothing of any other.

    Attributes:
        container_id: for the WHERE of every statement; never leaves the database layer.
    """

    container_id: int
    container: Container
    actor: Actor
    _conn: Connection
    _guard: Guard
    _open: bool = True

    @property
    def conn(self) -> Connection:
        """The transaction.

        Raises:
            ScopeNeeded: the scope has ended.
        """
        if not self._open:
            self._guard.note("no_scope", actor=self.actor, detail="a scope was used after it ended")
            raise ScopeNeeded("That conversation was closed; open it again.")
        return self._conn

    def close(self) -> None:
        """End it; whoever still holds it gets nothing more."""
        self._open = False


class Scopes:
    """Opens containers, one at a time.

    Attributes:
        guard: keeps what tried to pass the boundary.
    """

    def __init__(self, database: Database, audit: Audit, *, session_valid: SessionValid | None = None) -> None:
        """Take ``session_valid``, the condition in SQL that a session has not ended; without it sessions are not looked at."""
        self._database = database
        self._session_valid = session_valid
        self.guard = Guard(database, audit)

    @contextlib.contextmanager
    def open(
        self,
        where: Where | Container | uuid.UUID,
        *,
        actor: Actor,
        action: str,
        reason: str | None = None,
        create: bool = False,
        deadline_s: float = DEADLINE_S,
    ) -> Iterator[Scope]:
        """Open the scope of one container for one transaction, which commits at the end.

        Args:
            where: who and whom, a group, a container found before, or the id of a container or conversation.
            actor: who looks; their reason counts where ``reason`` is left out.
            action: of the policy; also what the audit log calls it.
            reason: why.
            create: make the container where there is none.
            deadline_s: as of ``Database.begin``.

        Raises:
            NotFound: there is no such container.
            NotAllowed, ReasonNeeded, ProofNeeded: as the policy says.
            SignInNeeded: the actor's session has ended.
            ScopeRefused: the database does not open it.
        """
        actor = actor if reason is None else replace(actor, reason=reason)
        # before anything is looked up, so that who may not ask learns nothing
        authorize(actor, action, Target(kind="container"))
        try:
            with self._database.begin(f"Scope: {action}", deadline_s=deadline_s) as conn:
                find = containers.find_or_make if create and not isinstance(where, Container | uuid.UUID) else containers.find
                number, container = find(conn, where)  # type: ignore[arg-type]  # the check above
                scope = self._enter(conn, number, container, actor=actor, action=action)
                try:
                    yield scope
                finally:
                    scope.close()
                    guard.closed(conn)
        except Exception as error:
            self.guard.judge(error, actor=actor)
            raise

    def _enter(self, conn: Connection, number: int, container: Container, *, actor: Actor, action: str) -> Scope:
        why = plain((actor.reason or "").strip()) or f"{action} by {actor.name}"
        entered: ColumnElement[Any] = func.enter_scope(number, why, cast(literal(_facts(actor, action)), JSONB))
        if actor.session is not None and self._session_valid is not None:
            # in one statement with the look at the session, so that an ended one opens nothing
            entered = case((self._session_valid(actor.session), entered), else_=null())
        if conn.execute(select(entered.is_not(None))).scalar_one() is not True:
            raise SignInNeeded("Your session has ended.")
        touch(conn, "audit_event")
        guard.opened(conn)
        return Scope(number, container, actor, conn, self.guard)

    @contextlib.contextmanager
    def directory(self, label: str) -> Iterator[Connection]:
        """Read across all containers as the role that sees who and when, but never what was said.

        Args:
            label: what it is for, shown beside the connection while it is held.
        """
        with self._database.begin(label) as conn:
            conn.execute(DIRECTORY)
            guard.opened(conn)
            try:
                yield conn
            finally:
                guard.closed(conn)

    def resolve(self, where: Where | Container | uuid.UUID) -> Container:
        """Return what is known of a container outside it.

        Raises:
            NotFound: there is none.
        """
        with self._database.begin("Find container") as conn:
            return containers.find(conn, where)[1]


def _facts(actor: Actor, action: str) -> str:
    facts = {
        "actor": plain(actor.name),
        "actor_id": actor.operator_id,
        "role": actor.role,
        "action": action,
        "workstation": plain(actor.workstation),
        "client_version": __version__,
        "correlation_id": correlation_id(),
    }
    return json.dumps(facts)
