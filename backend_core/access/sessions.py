"""Sessions: a random token whose hash alone is kept, an end by idleness and by age, and an end at once."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from typing import Any, Final

from sqlalchemy import Boolean, ColumnElement, Connection, and_, cast, delete, func, insert, select, update
from sqlalchemy.types import Uuid

from backend_core.access.records import SessionRow
from backend_core.access.tables import auth_session, operators
from backend_core.redaction import SESSION_MARK

IDLE_S: Final = 8 * 3600.0
LIFE_HOURS: Final = 12
KEEP_S: Final = 30 * 24 * 3600.0
TOKEN_BYTES: Final = 32
SEEN_EVERY_S: Final = 30.0
PASSWORD: Final = "password"  # noqa: S105  # a kind of session
LOGIN: Final = "login"
_ROWS: Final = auth_session.c


def _ago(seconds: float) -> ColumnElement[dt.datetime]:
    return func.clock_timestamp() - func.make_interval(0, 0, 0, 0, 0, 0, seconds)


def good() -> ColumnElement[bool]:
    """Return the condition that a session has not ended, by the database's clock."""
    return and_(_ROWS.revoked_at.is_(None), _ROWS.expires_at > func.clock_timestamp(), _ROWS.last_seen_at > _ago(IDLE_S))


def session_valid(session: str) -> ColumnElement[bool]:
    """Return the condition that this session has not ended, for a statement that must not succeed after it did."""
    return select(_ROWS.id).where(same(session), good()).exists()


def new_token() -> str:
    """Return a fresh secret of 256 random bits."""
    return SESSION_MARK + secrets.token_urlsafe(TOKEN_BYTES)


def hashed(token: str) -> bytes:
    """Return what is kept of a token."""
    return hashlib.sha256(token.encode()).digest()


def begin(conn: Connection, operator_id: int, *, workstation: str, token: str | None, hours: int) -> tuple[str, dt.datetime]:
    """Open a session, of a database login where there is no token; return its id and when it ends at the latest, ``hours`` from now."""
    # from the start of the transaction, as the day is counted that no session may outlast
    life = func.now() + func.make_interval(0, 0, 0, 0, hours)
    facts: dict[str, Any] = {"operator_id": operator_id, "kind": LOGIN, "workstation": workstation, "expires_at": life}
    if token is not None:
        # named only where there is one: no login of a shared server may write this column
        facts |= {"kind": PASSWORD, "token": hashed(token)}
    row = conn.execute(insert(auth_session).values(facts).returning(_ROWS.id, _ROWS.expires_at)).one()
    return str(row.id), row.expires_at


def of_token(conn: Connection, token: str) -> Any | None:
    """Return session and operator behind a token that is still good, or nothing."""
    query = select(_ROWS.id.label("session"), _ROWS.expires_at, *operators.c).join(operators, operators.c.id == _ROWS.operator_id)
    return conn.execute(query.where(_ROWS.token == hashed(token), good(), operators.c.disabled_at.is_(None))).one_or_none()


def of_login(conn: Connection, operator_id: int, *, workstation: str) -> str | None:
    """Return the session this person already has at this workstation through a database login."""
    query = select(_ROWS.id).where(_ROWS.operator_id == operator_id, _ROWS.kind == LOGIN, _ROWS.workstation == workstation, good())
    found = conn.execute(query.order_by(_ROWS.created_at.desc()).limit(1)).scalar_one_or_none()
    return None if found is None else str(found)


def is_good(conn: Connection, session: str) -> bool:
    """Tell whether a session has not ended."""
    return bool(conn.execute(select(cast(session_valid(session), Boolean))).scalar_one())


def seen(conn: Connection, session: str) -> None:
    """Note that the person is still there; at most twice a minute."""
    stale = _ROWS.last_seen_at < _ago(SEEN_EVERY_S)
    conn.execute(update(auth_session).where(same(session), good(), stale).values(last_seen_at=func.clock_timestamp()))


def same(session: str) -> ColumnElement[bool]:
    """Return the condition for one session."""
    return _ROWS.id == cast(session, Uuid(as_uuid=False))


def end(conn: Connection, *where: ColumnElement[bool]) -> int:
    """End the sessions that ``where`` describes; return how many there were."""
    ended = update(auth_session).where(_ROWS.revoked_at.is_(None), *where).values(revoked_at=func.clock_timestamp())
    return int(conn.execute(ended).rowcount)


def end_all(conn: Connection, operator_id: int) -> int:
    """End every session of one operator; return how many there were."""
    return end(conn, _ROWS.operator_id == operator_id)


def owner_of(conn: Connection, session: str) -> int | None:
    """Return whose session this is; nothing for one that ended or never was."""
    query = select(_ROWS.operator_id).where(same(session), good())
    found = conn.execute(query).scalar_one_or_none()
    return None if found is None else int(found)


def rows(conn: Connection, *, operator_id: int | None, current: str | None) -> tuple[SessionRow, ...]:
    """Return the sessions that are still good, of one operator or of all, the latest first."""
    plain = [_ROWS[name] for name in ("id", "operator_id", "kind", "workstation", "created_at", "last_seen_at", "expires_at")]
    query = select(*plain, operators.c.name.label("operator")).join(operators, operators.c.id == _ROWS.operator_id).where(good())
    if operator_id is not None:
        query = query.where(_ROWS.operator_id == operator_id)
    found = conn.execute(query.order_by(_ROWS.created_at.desc())).mappings()
    return tuple(SessionRow(**row, current=str(row["id"]) == current) for row in found)


def forget_old(conn: Connection) -> None:
    """Remove sessions that ended long ago, but for the last of each operator; run by the program now and then."""
    later = auth_session.alias()
    newer = select(later.c.id).where(later.c.operator_id == _ROWS.operator_id, later.c.created_at > _ROWS.created_at)
    conn.execute(delete(auth_session).where(_ROWS.expires_at < _ago(KEEP_S), newer.exists()))
