"""What is told of a contact's tokens, and how a service renews them."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from backend_core.errors import InvalidInput

LONGEST_TOKEN: Final = 8_000
LONGEST_PROVIDER: Final = 60
LONGEST_SCOPES: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a service gave.

    Attributes:
        refresh: buys the next one; None when the service gave none, or the one before still holds.
    """

    access: str = field(repr=False)
    refresh: str | None = field(repr=False, default=None)
    expires_at: dt.datetime
    scopes: str = ""


class OAuthProvider(Protocol):
    """Renews tokens at one service."""

    def refresh(self, token: str) -> Grant:
        """Return a new grant for a refresh token.

        Raises:
            Unavailable: try again later.
            LecternError: the service will never take this one again.
        """
        ...


FindProvider = Callable[[str], OAuthProvider | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRow:
    """One token, without it.

    Attributes:
        renewable: whether it can be renewed at all.
        key_here: whether this computer has the key that seals it.
        failures: attempts to renew it in vain, in a row.
    """

    id: uuid.UUID
    user_id: uuid.UUID
    provider: str
    scopes: str
    expires_at: dt.datetime
    refreshed_at: dt.datetime
    failures: int
    error_code: str | None
    next_try_at: dt.datetime | None
    revoked_at: dt.datetime | None
    renewable: bool
    key_here: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Refreshed:
    """What one round of renewing did."""

    renewed: int
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotated:
    """What a rotation did.

    Attributes:
        key_id: of the new key.
        tokens: how many are wrapped by it now.
        elsewhere: how many are wrapped by a key of another computer and stay as they are.
        damaged: how many do not open; they stay as they are, and so does their key.
    """

    key_id: str
    tokens: int
    elsewhere: int
    damaged: int


def check(provider: str, grant: Grant) -> None:
    """Refuse what cannot be kept.

    Raises:
        InvalidInput: no name of a service, or a token that is empty or too long.
    """
    name = provider.strip() == provider and 0 < len(provider) <= LONGEST_PROVIDER and provider.isprintable()
    tokens = [grant.access] if grant.refresh is None else [grant.access, grant.refresh]
    if not name or not all(0 < len(token) <= LONGEST_TOKEN for token in tokens):
        raise InvalidInput("A service has a name, and gave a token of a length that can be kept.")
    if grant.expires_at.tzinfo is None:
        raise InvalidInput("The end of a token is given with its time zone.")
