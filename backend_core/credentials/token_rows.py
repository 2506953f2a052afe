"""Rows of tokens: which are due, what is told of them, and their sealed values."""

from __future__ import annotations

import uuid
from typing import Any, Final

from sqlalchemy import Row, Select, func, or_, select

from backend_core.credentials.envelope import Cell, key_of, rewrap, seal, unseal
from backend_core.credentials.tables import oauth_tokens
from backend_core.credentials.token_keys import Ring
from backend_core.credentials.token_records import LONGEST_SCOPES, Grant, TokenRow
from backend_core.errors import SecretsLocked

MOST_FAILURES: Final = 8
TABLE: Final = oauth_tokens.name


def due_tokens(ahead_s: float, key_ids: tuple[str, ...], limit: int) -> Select[uuid.UUID, str]:
    """Return the query for tokens to be renewed now and their services, the one that ends first at the top."""
    rows = oauth_tokens.c
    # now(), which stays the same within a statement: a clock that moves could not be looked up in the index
    soon = func.now() + func.make_interval(0, 0, 0, 0, 0, 0, ahead_s)
    query = select(rows.id, rows.provider).where(rows.expires_at <= soon, rows.revoked_at.is_(None), rows.enc_refresh.is_not(None))
    query = query.where(rows.key_id.in_(key_ids), rows.failures < MOST_FAILURES)
    free = or_(rows.next_try_at.is_(None), rows.next_try_at <= func.now())
    return query.where(free).order_by(rows.expires_at).limit(limit)


_PLAIN: Final = tuple(name for name in TokenRow.__dataclass_fields__ if name in oauth_tokens.c)
COLUMNS: Final = (
    *(oauth_tokens.c[name] for name in _PLAIN),
    oauth_tokens.c.key_id,
    oauth_tokens.c.enc_refresh.is_not(None).label("renews"),
)


def facts() -> Select[Any]:
    """Return the query for what is told of tokens."""
    return select(*COLUMNS)


def row_from(row: Row[*tuple[Any, ...]], here: frozenset[str]) -> TokenRow:
    """Return what is told of a token."""
    values = {name: getattr(row, name) for name in _PLAIN}
    return TokenRow(**values, renewable=row.renews, key_here=row.key_id in here)


def _cell(row_id: uuid.UUID, column: str) -> Cell:
    return Cell(table=TABLE, row=str(row_id), column=column)


def sealed(row_id: uuid.UUID, grant: Grant, ring: Ring) -> dict[str, Any]:
    """Return the columns that hold a grant, sealed for one row."""
    name, key = ring.key
    values: dict[str, Any] = {"enc_access": seal(grant.access.encode(), _cell(row_id, "enc_access"), key_id=name, key=key), "key_id": name}
    if grant.refresh is not None:
        values["enc_refresh"] = seal(grant.refresh.encode(), _cell(row_id, "enc_refresh"), key_id=name, key=key)
    else:
        values["enc_refresh"] = None
    return values


def fresh(grant: Grant) -> dict[str, Any]:
    """Return the columns that a new grant resets."""
    again = {"failures": 0, "error_code": None, "next_try_at": None, "revoked_at": None}
    return again | {"expires_at": grant.expires_at, "scopes": grant.scopes[:LONGEST_SCOPES], "refreshed_at": func.clock_timestamp()}


def opened(row: Row[*tuple[Any, ...]], column: str, ring: Ring) -> str:
    """Return a value of one row.

    Raises:
        SecretsLocked: its key is not here, or it was changed or moved.
    """
    found: bytes | None = getattr(row, column)
    if not found:
        raise SecretsLocked("Nothing is sealed here.")
    return unseal(bytes(found), _cell(row.id, column), key_id=row.key_id, key=key_of(ring.keys, row.key_id)).decode()


def moved(row: Row[*tuple[Any, ...]], column: str, ring: Ring) -> bytes | None:
    """Return a value of one row, wrapped by the key in use.

    Raises:
        SecretsLocked: it was changed or moved.
    """
    found: bytes | None = getattr(row, column)
    if found is None:
        return None
    return rewrap(bytes(found), _cell(row.id, column), old=(row.key_id, key_of(ring.keys, row.key_id)), new=ring.key)


def in_s(seconds: float) -> Any:
    """Return the moment so many seconds from now, by the database's clock."""
    return func.clock_timestamp() + func.make_interval(0, 0, 0, 0, 0, 0, seconds)
