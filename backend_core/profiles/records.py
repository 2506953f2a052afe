"""What a profile is, and which values it may have."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final

from backend_core.db.conninfo import VERIFIED, local
from backend_core.errors import InvalidInput
from backend_core.settings import profile_dsn

EMBEDDED: Final = "embedded"
SERVER: Final = "server"
COLOURS: Final = ("none", "info", "ok", "warn", "bad")
SSL_MODES: Final = ("disable", "prefer", "require", "verify-ca", VERIFIED)
SYSTEM_ROOTS: Final = "system"
TITLE_LENGTH: Final = 60
NAME_LENGTH: Final = 63
PATH_LENGTH: Final = 1000
MOST_PORT: Final = 65_535
POSTGRES_PORT: Final = 5432
_HOST: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,252})|\[?[0-9A-Fa-f:]{2,45}(%[A-Za-z0-9]+)?\]?|[/@][^\x00-\x1f]{0,250}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileFacts:
    """One profile. It holds no secret: the password of a server lies in the vault of the profile's home.

    Attributes:
        name: ``""`` for this computer's own data, otherwise the name of the folder.
        title: what people call it.
        colour: one of ``COLOURS``, tones of the window.
        kind: ``embedded`` or ``server``.
        sslrootcert: file of the authority that vouches for the server, or ``system``; empty for libpq's own place.
        read_only: nothing is changed through it.
        production: every change asks for a reason, and the window has a coloured frame.
    """

    name: str
    title: str
    colour: str = "none"
    kind: str = EMBEDDED
    host: str = ""
    port: int = POSTGRES_PORT
    database: str = ""
    user: str = ""
    sslmode: str = VERIFIED
    sslrootcert: str = SYSTEM_ROOTS
    read_only: bool = False
    production: bool = False

    @property
    def dsn(self) -> str | None:
        """Connection string without a password; None for the embedded server."""
        return profile_dsn(asdict(self))

    @property
    def leads_to(self) -> tuple[object, ...]:
        """What a password belongs to: it is never sent to anything else."""
        return (self.kind, self.host, self.port, self.database, self.user)


STORED: Final = tuple(field.name for field in fields(ProfileFacts) if field.name != "name")
FLAGS: Final = frozenset({"read_only", "production"})


def default_profile(name: str) -> ProfileFacts:
    """Return a profile that nobody described yet."""
    return ProfileFacts(name=name, title=name or "This computer")


def from_stored(name: str, stored: dict[str, Any]) -> ProfileFacts:
    """Return a profile from the content of its file; what is missing or of another type is as delivered."""
    base = default_profile(name)
    good = {key: stored[key] for key in STORED if type(stored.get(key)) is type(getattr(base, key))}
    if good.get("colour") not in COLOURS:
        good.pop("colour", None)
    return ProfileFacts(name=name, **({"title": base.title} | good))


def checked(facts: ProfileFacts) -> ProfileFacts:
    """Return ``facts`` if every value may stand.

    Raises:
        InvalidInput: one may not; the sentence names it.
    """
    _check_text("The title", facts.title, TITLE_LENGTH)
    if facts.colour not in COLOURS:
        raise InvalidInput(f"The colour must be one of {', '.join(COLOURS)}.")
    if facts.kind not in {EMBEDDED, SERVER}:
        raise InvalidInput(f"The kind must be {EMBEDDED} or {SERVER}.")
    if any(type(getattr(facts, flag)) is not bool for flag in FLAGS):
        raise InvalidInput("Read-only and production are on or off.")
    if facts.kind == SERVER:
        _check_server(facts)
    return facts


def _check_server(facts: ProfileFacts) -> None:
    if not _HOST.fullmatch(facts.host):
        raise InvalidInput("The server must be a host name, an address, or the folder of its socket.")
    if type(facts.port) is not int or not 1 <= facts.port <= MOST_PORT:
        raise InvalidInput(f"The port must be a whole number from 1 to {MOST_PORT}.")
    _check_text("The database", facts.database, NAME_LENGTH)
    _check_text("The login", facts.user, NAME_LENGTH)
    if facts.sslmode not in SSL_MODES:
        raise InvalidInput(f"The protection (sslmode) must be one of {', '.join(SSL_MODES)}.")
    if facts.sslmode != VERIFIED and not local(facts.host):
        raise InvalidInput(f"Off this computer the protection (sslmode) must be {VERIFIED}: nobody can then read it or pose as the server.")
    if facts.sslrootcert not in {"", SYSTEM_ROOTS}:
        _check_text("The file of the authority", facts.sslrootcert, PATH_LENGTH)
        if not Path(facts.sslrootcert).is_absolute():
            raise InvalidInput("The file of the authority needs its full path.")


def _check_text(what: str, value: object, longest: int) -> None:
    if not isinstance(value, str) or not 0 < len(value.strip()) <= longest or not value.isprintable():
        raise InvalidInput(f"{what} must have 1 to {longest} characters that can be shown.")
