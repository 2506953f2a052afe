"""What the verbs of access return."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from backend_core.policy import Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """Somebody who may use Lectern.

    Attributes:
        os_user: the operating system's user who is this person without a password, on this computer.
        db_login: the login of a shared server that is this person.
        has_password: whether a password is asked for; on a shared server the server asks for its own.
        last_sign_in: when the last session began, UTC; people the operating system vouches for have none.
        version: for ``edit``.
    """

    id: int
    name: str
    role: str
    email: str | None
    os_user: str | None
    db_login: str | None
    disabled: bool
    has_password: bool
    created_at: dt.datetime
    last_sign_in: dt.datetime | None
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """Somebody who gave a password.

    Attributes:
        token: for ``resume``; the only copy, a secret. Empty on a shared server, where the login is the proof.
        expires_at: when the session ends at the latest, UTC.
        must_change: somebody else chose the password.
    """

    actor: Actor
    token: str
    expires_at: dt.datetime
    must_change: bool = False

    def __repr__(self) -> str:
        """Leave the token out of logs and tracebacks."""
        return f"SignedIn(actor={self.actor.name!r}, expires_at={self.expires_at!r})"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    """A session that is still good.

    Attributes:
        kind: ``password`` or ``login``, of a shared server.
        current: the session of whoever asks.
    """

    id: str
    operator_id: int
    operator: str
    kind: str
    workstation: str
    created_at: dt.datetime
    last_seen_at: dt.datetime
    expires_at: dt.datetime
    current: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewRow:
    """One action one operator may do.

    Attributes:
        own_only: only with what belongs to that operator.
        since: since when the operator has had this role without a break, UTC.
        last_used: when the operator last did anything of this kind (``document``, ``audio``, ``audit`` ...), UTC.
    """

    operator_id: int
    name: str
    role: str
    disabled: bool
    action: str
    own_only: bool
    since: dt.datetime
    last_used: dt.datetime | None
