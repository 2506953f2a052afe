"""The keys of this home that wrap contacts' tokens: one in use, older ones until nothing is wrapped by them any more."""

from __future__ import annotations

import base64
import binascii
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from backend_core.credentials.envelope import KEY_BYTES
from backend_core.errors import SecretsLocked

SECRET: Final = "contact-tokens.keys"  # noqa: S105  # the name, not the keys
_DAMAGED: Final = "The keys of the tokens cannot be read."


class Secrets(Protocol):
    """Where this home keeps secrets; the vault is one."""

    def get(self, name: str) -> str | None:
        """Return the secret, or nothing."""
        ...

    def set(self, name: str, secret: str) -> None:
        """Keep a secret."""
        ...


@dataclass(frozen=True, slots=True)
class Ring:
    """Keys by id.

    Attributes:
        current: id of the one that wraps what is sealed now; empty while there is none.
    """

    current: str
    keys: Mapping[str, bytes]

    def with_new(self) -> Ring:
        """Return the ring with a fresh key in use."""
        name = secrets.token_hex(8)
        return Ring(name, {**self.keys, name: secrets.token_bytes(KEY_BYTES)})

    def only(self, used: frozenset[str]) -> Ring:
        """Return the ring without keys that nothing is wrapped by."""
        return Ring(self.current, {name: key for name, key in self.keys.items() if name == self.current or name in used})

    @property
    def key(self) -> tuple[str, bytes]:
        """The id and the key in use."""
        return self.current, self.keys[self.current]


def load(store: Secrets) -> Ring:
    """Return the keys of this home.

    Raises:
        SecretsLocked: the vault does not open, or they are damaged.
    """
    text = store.get(SECRET)
    if text is None:
        return Ring("", {})
    try:
        found = json.loads(text)
        keys = {str(name): base64.b64decode(key, validate=True) for name, key in found["keys"].items()}
        current = str(found["current"])
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error):
        raise SecretsLocked(_DAMAGED) from None
    if current not in keys or any(len(key) != KEY_BYTES for key in keys.values()):
        raise SecretsLocked(_DAMAGED)
    return Ring(current, keys)


def keep(store: Secrets, ring: Ring) -> None:
    """Keep the keys.

    Raises:
        SecretsLocked: the vault does not open.
        InvalidInput: too many keys are still in use for what a keyring takes.
    """
    keys = {name: base64.b64encode(key).decode() for name, key in ring.keys.items()}
    store.set(SECRET, json.dumps({"current": ring.current, "keys": keys}))
