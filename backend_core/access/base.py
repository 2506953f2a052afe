"""What signing in and keeping operators share: the database, the record, and how an operator's row is read."""

from __future__ import annotations

import datetime as dt
import unicodedata
from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, DateTime, Select, exists, func, literal, select

from backend_core.access import logins
from backend_core.access.here import workstation
from backend_core.access.logins import ServerLogin
from backend_core.access.passwords import Passwords
from backend_core.access.records import Operator
from backend_core.access.sessions import LIFE_HOURS
from backend_core.access.tables import operator_password, operators
from backend_core.audit.service import Audit
from backend_core.db.database import Database
from backend_core.errors import InvalidInput, NotFound
from backend_core.policy import ADMIN, Actor, Target

NAME_LENGTH: Final = 200
EMAIL_LENGTH: Final = 320
FOR_EVER: Final = dt.datetime.max.replace(tzinfo=dt.UTC)

Reassign = Callable[[Connection, int, int], int]


class AccessBase:
    """Operators of one database.

    Args:
        login: the login of a shared server; nothing for the embedded one.
        passwords: other hash parameters, for tests.
        reassign: gives everything one operator owns to another, in the caller's transaction; returns how much there was.
        reason_required: the profile asks a reason for every change.
        session_hours: how long a session lasts at most, as the transaction sees it.
    """

    def __init__(
        self,
        database: Database,
        audit: Audit,
        *,
        login: ServerLogin | None = None,
        passwords: Passwords | None = None,
        reassign: Reassign | None = None,
        reason_required: bool = False,
        session_hours: Callable[[Connection], int] = lambda _conn: LIFE_HOURS,
    ) -> None:
        self._database = database
        self._audit = audit
        self._login = login
        self._passwords = passwords or Passwords()
        self._reassign = reassign
        self._reason_required = reason_required
        self._session_hours = session_hours

    @property
    def shared(self) -> bool:
        """Whether a shared server says who somebody is."""
        return self._login is not None

    def _actor(self, row: Any, *, role: str | None = None, **facts: Any) -> Actor:
        return Actor(
            operator_id=row.id,
            name=row.name,
            role=role or row.role,
            workstation=workstation(),
            reason_required=self._reason_required,
            **facts,
        )

    def _has_password(self) -> ColumnElement[bool]:
        # no login of a shared server may look at passwords, and none are kept there
        if self.shared:
            return literal(False)  # noqa: FBT003  # an SQL value
        return exists().where(operator_password.c.operator_id == operators.c.id)

    def _active_administrators(self) -> Select[Any]:
        """Return the query for those who can keep the operators: administrators with a way in."""
        way_in = operators.c.db_login.is_not(None) if self.shared else operators.c.os_user.is_not(None) | self._has_password()
        return select(operators.c.id).where(operators.c.role == ADMIN, operators.c.disabled_at.is_(None), way_in)

    def _known(self) -> Select[Any]:
        """Return the query for signing in; support staff may read no more than these columns."""
        columns = [operators.c[name] for name in ("id", "name", "os_user", "role", "disabled_at", "db_login")]
        return select(*columns, self._has_password().label("has_password"))

    def _in_full(self) -> Select[Any]:
        last = func.lectern_last_sign_in(operators.c.id, type_=DateTime(timezone=True)).label("last_sign_in")
        return select(operators, self._has_password().label("has_password"), last)

    def _locked(self, conn: Connection, operator_id: int) -> Any:
        """Return an operator's row, locked until the end of the transaction.

        Raises:
            NotFound: there is no such operator.
        """
        # lock: changes of one operator follow one another
        row = conn.execute(select(operators).where(operators.c.id == operator_id).with_for_update()).one_or_none()
        if row is None:
            raise NotFound(f"There is no operator {operator_id}.")
        return row

    def _operator(self, conn: Connection, operator_id: int) -> Operator:
        return operator_of(conn.execute(self._in_full().where(operators.c.id == operator_id)).one())

    def _serialize(self, conn: Connection) -> None:
        # lock: who is first, and who is the last administrator, is decided by one transaction at a time
        conn.execute(select(func.pg_advisory_xact_lock(func.hashtextextended("lectern.first_operator", 0))))

    def _current_role(self, conn: Connection, row: Any) -> str:
        """Return the role of an operator now: what the server says, where there is one."""
        if self.shared and row.db_login is not None:
            return logins.role_of(conn, row.db_login)
        return str(row.role)


def operator_of(row: Any) -> Operator:
    """Build the record of an operator from a row in full."""
    plain = {name: getattr(row, name) for name in Operator.__dataclass_fields__ if name != "disabled"}
    return Operator(**plain, disabled=row.disabled_at is not None)


def target_of(operator_id: int | None, *, owner: int | None = None) -> Target:
    """Return an operator as the target of an action.

    Args:
        owner: the same operator, where everybody may do it for themself.
    """
    return Target(kind="operator", id=None if operator_id is None else str(operator_id), owner_id=owner)


def clean_name(text: str) -> str:
    """Return a name as it is kept.

    Raises:
        InvalidInput: nothing is left, it is too long, or holds what cannot be shown.
    """
    name = " ".join(unicodedata.normalize("NFKC", text).split())
    if not 0 < len(name) <= NAME_LENGTH or not name.isprintable():
        raise InvalidInput(f"A name has 1 to {NAME_LENGTH} characters that can be shown.")
    return name


def clean_email(text: str | None) -> str | None:
    """Return an e-mail address as it is kept; nothing for an empty one.

    Raises:
        InvalidInput: it is none.
    """
    if text is None or not text.strip():
        return None
    email = unicodedata.normalize("NFKC", text).strip()
    local, at, domain = email.rpartition("@")
    if not (local and at and domain) or len(email) > EMAIL_LENGTH or not email.isprintable() or " " in email:
        raise InvalidInput("That is not an e-mail address.")
    return email
