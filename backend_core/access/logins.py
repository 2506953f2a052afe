"""Logins of a shared server: there the database, not this program, knows who somebody is and what they may do."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import psycopg
import psycopg.errors
from psycopg import sql
from psycopg.conninfo import make_conninfo
from sqlalchemy import Connection, func, select

from backend_core.db import roles
from backend_core.db.conninfo import PROBE, complete
from backend_core.db.watchdog import answers
from backend_core.errors import DatabaseAway, NotAllowed
from backend_core.policy import ADMIN, AUDITOR, SUPPORT

GROUP_OF: Final[Mapping[str, str]] = {SUPPORT: roles.SUPPORT, ADMIN: roles.ADMINISTRATOR, AUDITOR: roles.AUDITOR}
ROLE_OF: Final[Mapping[str, str]] = {group: role for role, group in GROUP_OF.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerLogin:
    """The login this program uses on a shared server.

    Attributes:
        name: as the server knows it.
        dsn: connection string, for proving the password again.
    """

    name: str
    dsn: str

    def __repr__(self) -> str:
        """Leave the connection string out of logs and tracebacks."""
        return f"ServerLogin({self.name!r})"


class ServerAdministratorNeeded(NotAllowed):
    """This login may not make or change logins; an administrator of the server can.

    Attributes:
        statements: what the administrator runs; then the same call works.
    """

    code = "server_administrator_needed"
    title = "An administrator of the server is needed"
    next_step = "Give the statements to an administrator of the server, then try again."

    def __init__(self, *, statements: list[str]) -> None:
        super().__init__("An administrator of the server runs these statements first: " + " ".join(statements))
        self.statements = statements


def acting_role(name: str, memberships: frozenset[str], *, application: str) -> str:
    """Return the database role that this program acts as with a login.

    Raises:
        NotAllowed: the login belongs to several groups of people, or to none of Lectern's roles.
    """
    groups = memberships & set(roles.GROUPS)
    if application == "worker" or not groups:
        if roles.APP in memberships:
            return roles.APP
        if roles.OWNER in memberships and not groups:
            # whoever owns the database needs nothing else to recover a lost administrator
            return roles.OWNER
        what = "may not run background work" if groups else "belongs to none of Lectern's roles"
        raise NotAllowed(f"The login {name} {what}; an administrator of the server can change that.")
    if len(groups) > 1:
        raise NotAllowed(f"The login {name} belongs to {' and '.join(sorted(groups))}; it must be one of them.")
    return next(iter(groups))


def role_of(conn: Connection, login: str) -> str:
    """Return the role a login has now, as the server says.

    Raises:
        NotAllowed: it may not sign in, or belongs to no group or several.
    """
    groups = roles.memberships(_driver(conn), login) & set(roles.GROUPS)
    if len(groups) != 1 or not exists(conn, login, let_in=True):
        raise NotAllowed(f"The login {login} is no operator's login; an administrator adds it.")
    return ROLE_OF[next(iter(groups))]


def exists(conn: Connection, login: str, *, let_in: bool = False) -> bool:
    """Tell whether the server has such a login; with ``let_in`` whether it may sign in, too."""
    row = _driver(conn).execute("SELECT rolcanlogin FROM pg_roles WHERE rolname = %s", (login,)).fetchone()
    return row is not None and (bool(row[0]) or not let_in)


def place(conn: Connection, login: str, role: str, *, password: str | None = None) -> None:
    """Make a login, or move it, so that it belongs to exactly the group of ``role``.

    Raises:
        ServerAdministratorNeeded: this login may not; nothing was changed.
    """
    driver, group = _driver(conn), GROUP_OF[role]
    new = not exists(conn, login)
    leave = roles.memberships(driver, login) & set(roles.GROUPS) - {group}
    if not new and not leave and group in roles.memberships(driver, login):
        return
    statements = roles.statements_for_login(login=login, group=group, leave=sorted(leave))
    if not new and not leave:
        statements = statements[1:]
    with _privileged(conn, statements):
        name = sql.Identifier(login)
        if new:
            driver.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(name, _hashed(driver, login, password)))
        for old in sorted(leave):
            driver.execute(sql.SQL("REVOKE {} FROM {}").format(sql.Identifier(old), name))
        driver.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(group), name))
        # a revocation without the right to it is only a warning, so look
        if roles.memberships(driver, login) & set(roles.GROUPS) != {group}:
            raise psycopg.errors.InsufficientPrivilege


def may_sign_in(conn: Connection, login: str, *, allowed: bool) -> None:
    """Let a login in, or keep it out.

    Raises:
        ServerAdministratorNeeded: this login may not; nothing was changed.
    """
    driver, word = _driver(conn), "LOGIN" if allowed else "NOLOGIN"
    there = driver.execute("SELECT rolcanlogin FROM pg_roles WHERE rolname = %s", (login,)).fetchone()
    if there is None or there[0] == allowed:
        return
    change = sql.SQL("ALTER ROLE {} {}").format(sql.Identifier(login), sql.SQL("LOGIN" if allowed else "NOLOGIN"))
    with _privileged(conn, [f"{change.as_string(driver).removesuffix(word)}{word};"]):
        driver.execute(change)


def set_password(conn: Connection, login: str, password: str) -> None:
    """Give a login another password; everybody may do that for their own.

    Raises:
        ServerAdministratorNeeded: this login may not do it for another.
    """
    driver = _driver(conn)
    name = sql.Identifier(login)
    with _privileged(conn, [f"\\password {login}"]):
        driver.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(name, _hashed(driver, login, password)))


def proves(login: ServerLogin, password: str) -> bool:
    """Tell whether the server lets the login in with this password, or without asking for one at all.

    Raises:
        DatabaseAway: it does not answer.
    """
    conninfo = make_conninfo(complete(login.dsn, application=PROBE), password=password)
    try:
        with psycopg.connect(conninfo):
            return True
    except psycopg.OperationalError as error:
        if answers(conninfo):
            return False
        raise DatabaseAway("The database server does not answer.") from error


def asked_for_password(conn: Connection) -> bool:
    """Tell whether the server wanted a password for this connection; a certificate or the operating system may do instead."""
    return bool(_driver(conn).pgconn.used_password)


@contextlib.contextmanager
def _privileged(conn: Connection, statements: list[str]) -> Iterator[None]:
    """Run the body as the login itself: rights over logins are not inherited by the group it acts as."""
    acting = conn.execute(select(func.current_user())).scalar_one()
    try:
        with conn.begin_nested():
            conn.execute(select(func.set_config("role", "none", True)))  # noqa: FBT003  # SQL arguments are positional
            yield
            conn.execute(select(func.set_config("role", acting, True)))  # noqa: FBT003  # SQL arguments are positional
    except psycopg.errors.InsufficientPrivilege:
        raise ServerAdministratorNeeded(statements=statements) from None


def _hashed(driver: psycopg.Connection[Any], login: str, password: str | None) -> sql.Composable:
    if password is None:
        return sql.SQL("NULL")
    # hashed here, so that no statement and no server log ever holds the clear text
    return sql.Literal(driver.pgconn.encrypt_password(password.encode(), login.encode(), b"scram-sha-256").decode())


def _driver(conn: Connection) -> psycopg.Connection[Any]:
    driver: psycopg.Connection[Any] | None = conn.connection.driver_connection
    if driver is None:
        raise DatabaseAway("The connection to the database was lost.")
    return driver
