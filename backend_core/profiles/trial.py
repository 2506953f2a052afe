"""Try a server before anybody relies on it: every answer in plain words, none holds a secret or the server's own text."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg.conninfo import make_conninfo

from backend_core.db import migrate
from backend_core.db.conninfo import PROBE, complete
from backend_core.db.roles import ADMINISTRATOR, APP, AUDITOR, GROUPS, SUPPORT, memberships
from backend_core.errors import InvalidInput, LecternError

OK: Final = "ok"
WARN: Final = "warn"
BAD: Final = "bad"
ROUNDS: Final = 3
OLDEST_SERVER: Final = 14
_ROLES: Final = {SUPPORT: "support", ADMINISTRATOR: "administrator", AUDITOR: "auditor", APP: "background work"}
# What libpq says, by its own fixed words; nothing else of its text is shown.
_REASONS: Final[Sequence[tuple[str, str]]] = (
    ("could not translate host name", "There is no computer of this name."),
    ("failed to resolve host", "There is no computer of this name."),
    ("password authentication failed", "The login or its password is wrong."),
    ("no password supplied", "The server asks for a password."),
    ("certificate verify failed", "The server's certificate is not from an authority that is trusted here."),
    ("does not match host name", "The server's certificate belongs to another name."),
    ("root certificate file", "The file of the authority cannot be read."),
    ("does not support SSL", "The server offers no protected connection."),
    ("no pg_hba.conf entry", "The server does not let this login in from here."),
    ('" does not exist', "The server has no such database or login."),
    ("is not permitted to log in", "The server does not let this login in."),
    ("too many connections", "The server has no connection left."),
    ("too many clients", "The server has no connection left."),
    ("Connection refused", "Nothing answers at this address and port."),
    ("timeout expired", "The server does not answer in time."),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        name: ``reachable``, ``protected``, ``version``, ``role``, ``schema`` or ``latency``.
        status: ``ok``, ``warn`` or ``bad``.
    """

    name: str
    status: str
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What came of trying a server."""

    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing speaks against using it."""
        return all(finding.status != BAD for finding in self.findings)


def try_server(dsn: str, *, password: str | None = None) -> Trial:
    """Connect as a window would, look, and leave; never raises for what a server or a network can do."""
    try:
        conninfo = complete(dsn, application=PROBE)
    except InvalidInput as error:
        return Trial(findings=(Finding(name="protected", status=BAD, sentence=str(error)),))
    if password is not None:
        conninfo = make_conninfo(conninfo, password=password)
    try:
        with psycopg.connect(conninfo, autocommit=True) as conn:
            return Trial(findings=_look(conn, conninfo))
    except psycopg.Error as error:
        return Trial(findings=(Finding(name="reachable", status=BAD, sentence=_reason(error)),))


def _look(conn: psycopg.Connection[Any], conninfo: str) -> tuple[Finding, ...]:
    found = [Finding(name="reachable", status=OK, sentence="The server answers and lets this login in."), _protection(conn), _version(conn)]
    role, may_look = _role(conn)
    found.append(role)
    if may_look is not None:
        found.append(_schema(complete(conninfo, application=PROBE, role=may_look)))
    found.append(_latency(conn))
    return tuple(found)


def _protection(conn: psycopg.Connection[Any]) -> Finding:
    if conn.pgconn.ssl_in_use:
        return Finding(name="protected", status=OK, sentence="The connection is encrypted and the server proved its name.")
    return Finding(name="protected", status=OK, sentence="The connection stays on this computer.")


def _version(conn: psycopg.Connection[Any]) -> Finding:
    number = conn.info.server_version // 10_000
    status = OK if number >= OLDEST_SERVER else BAD
    words = f"PostgreSQL {number}." if status == OK else f"PostgreSQL {number} is too old; {OLDEST_SERVER} is the oldest that works."
    return Finding(name="version", status=status, sentence=words)


def _role(conn: psycopg.Connection[Any]) -> tuple[Finding, str | None]:
    """Return what this login is, and the role it may look at the tables as."""
    mine = memberships(conn, conn.info.user)
    people = sorted(mine & set(GROUPS))
    if len(people) > 1:
        names = " and ".join(_ROLES[group] for group in people)
        return Finding(name="role", status=BAD, sentence=f"The login is {names} at once; it must be one of them."), people[0]
    if people:
        return Finding(name="role", status=OK, sentence=f"The login works as {_ROLES[people[0]]}."), people[0]
    if APP in mine:
        return Finding(name="role", status=WARN, sentence="The login is for background work, not for a person."), APP
    return Finding(name="role", status=BAD, sentence="The login has no role of Lectern; an administrator of the server grants one."), None


def _schema(conninfo: str) -> Finding:
    words = {
        migrate.SchemaState.CURRENT: (OK, "The database is of this version."),
        migrate.SchemaState.AHEAD: (WARN, "The database is of a newer version; this one may only read it."),
        migrate.SchemaState.BEHIND: (BAD, "The database is of an older version; its owner runs `lecternctl migrate` after a backup."),
        migrate.SchemaState.EMPTY: (BAD, "The database has no tables of Lectern yet; its owner runs `lecternctl migrate`."),
    }
    try:
        status, sentence = words[migrate.state(conninfo)]
    except LecternError as error:
        return Finding(name="schema", status=BAD, sentence=str(error))
    return Finding(name="schema", status=status, sentence=sentence)


def _latency(conn: psycopg.Connection[Any]) -> Finding:
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        conn.execute("SELECT 1")
        times.append((time.perf_counter() - began) * 1000)
    best = min(times)
    return Finding(name="latency", status=OK, sentence=f"A question takes {best:.1f} ms." if best >= 1 else "A question takes under 1 ms.")


def _reason(error: psycopg.Error) -> str:
    said = str(error)
    return next((sentence for words, sentence in _REASONS if words in said), "The server does not answer.")
