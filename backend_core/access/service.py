"""Which operator the person at this computer is, and what a stored operator id may do now."""

from __future__ import annotations

import contextlib
import getpass
import os
import socket
import sys
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from backend_core.access.tables import operators
from backend_core.audit.service import Audit
from backend_core.db.database import Database
from backend_core.errors import NotAllowed
from backend_core.policy import ADMIN, SYSTEM, Actor, Target, authorize

if sys.platform != "win32":
    import pwd


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """Somebody who may use Lectern."""

    id: int
    name: str
    role: str


def workstation() -> str:
    """Return the name of this computer."""
    return socket.gethostname()


def os_user() -> str:
    """Return the name of the person at this computer, as the operating system knows it."""
    if sys.platform != "win32":
        # not `getpass.getuser`: it believes LOGNAME and USER, which anybody can set; a container may run under an id that has no name
        with contextlib.suppress(KeyError):
            return pwd.getpwuid(os.getuid()).pw_name
        return f"uid-{os.getuid()}"
    with contextlib.suppress(OSError, KeyError, ImportError):
        return getpass.getuser()
    return "unknown"


class Access:
    """Operators of one database."""

    def __init__(self, database: Database, audit: Audit) -> None:
        self._database = database
        self._audit = audit

    def sign_in_os_user(self, *, reason: str | None = None) -> Actor:
        """Return the operator mapped to the operating system's user; the very first one becomes the administrator.

        Raises:
            NotAllowed: other operators exist and this person is none of them, or was disabled.
        """
        user = os_user()
        with self._database.begin("Sign in") as conn:
            row: Any = conn.execute(select(operators).where(operators.c.os_user == user)).one_or_none()
            if row is None:
                row = self._first_operator(conn, user)
        if row is None or row.disabled_at is not None:
            raise NotAllowed(f"{user} is not an operator here; an administrator can add that name.")
        return Actor(operator_id=row.id, name=row.name, role=row.role, workstation=workstation(), reason=reason)

    def _first_operator(self, conn: Connection, user: str) -> Any:
        # two first starts at once: one lock decides who is first
        conn.execute(select(func.pg_advisory_xact_lock(func.hashtextextended("lectern.first_operator", 0))))
        if conn.execute(select(func.count()).select_from(operators)).scalar_one():
            return conn.execute(select(operators).where(operators.c.os_user == user)).one_or_none()
        new = insert(operators).values(name=user, os_user=user, role=ADMIN).returning(*operators.c)
        row = conn.execute(new).one()
        actor = Actor(operator_id=row.id, name=row.name, role=row.role, workstation=workstation())
        target = Target(kind="operator", id=str(row.id))
        authorize(actor, "operator.sign_in", target)
        self._audit.record(conn, actor=actor, action="operator.sign_in", target=target, after={"role": ADMIN, "first": True})
        return row

    def actor(self, operator_id: int | None, *, workstation: str) -> Actor:
        """Return a stored operator as an actor with today's role; ``None`` is the program itself.

        Raises:
            NotAllowed: the operator is gone or disabled.
        """
        if operator_id is None:
            return system_actor()
        with self._database.begin("Read operator") as conn:
            row = conn.execute(select(operators).where(operators.c.id == operator_id)).one_or_none()
        if row is None or row.disabled_at is not None:
            raise NotAllowed("The operator who asked for this may no longer do so.")
        return Actor(operator_id=row.id, name=row.name, role=row.role, workstation=workstation)

    def listing(self, *, actor: Actor) -> tuple[Operator, ...]:
        """Return all operators by name."""
        authorize(actor, "operator.list", Target(kind="operator"))
        with self._database.begin("List operators") as conn:
            rows = conn.execute(select(operators.c.id, operators.c.name, operators.c.role).order_by(operators.c.name)).all()
        return tuple(Operator(id=row.id, name=row.name, role=row.role) for row in rows)

    def ensure(self, name: str, *, role: str) -> int:
        """Return the id of an operator with this name who cannot sign in, creating it if needed; for sample data only."""
        with self._database.begin("Add sample operator") as conn:
            new = upsert(operators).values(name=name, os_user=f"sample:{name}", role=role)
            new = new.on_conflict_do_update(index_elements=[operators.c.os_user], set_={"name": name})
            return int(conn.execute(new.returning(operators.c.id)).scalar_one())


def system_actor() -> Actor:
    """Return the program itself, for work nobody asked for."""
    return Actor(operator_id=None, name="Lectern", role=SYSTEM, workstation=workstation())
