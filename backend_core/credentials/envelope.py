"""Seals one value of one row: AES-256-GCM under a key of its own, which a key of the vault wraps.

Both layers are bound to table, row and column, the wrap also to the id of the vault's key. A value that is moved elsewhere, or whose
wrap is exchanged, does not open. A rotation wraps the same data key anew and never touches the value itself.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from backend_core.errors import SecretsLocked

VERSION: Final = b"\x01"
KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16
_WRAPPED: Final = NONCE_BYTES + KEY_BYTES + TAG_BYTES
_LEAST: Final = len(VERSION) + _WRAPPED + NONCE_BYTES + TAG_BYTES
DAMAGED: Final = "A sealed value was changed, moved or made for another place, and is not used."


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """Where a value stands."""

    table: str
    row: str
    column: str

    def data(self, *more: str) -> bytes:
        """Return what a seal is bound to; no part can run into the next."""
        parts = (self.table, self.row, self.column, *more)
        if any("|" in part for part in parts):
            raise ValueError("a part holds the separator")
        return "|".join(parts).encode()


def seal(value: bytes, cell: Cell, *, key_id: str, key: bytes) -> bytes:
    """Return ``value`` sealed for ``cell`` under a fresh key, which ``key`` wraps: version, wrapped key, nonce, sealed value."""
    own = secrets.token_bytes(KEY_BYTES)
    return VERSION + _encrypt(key, own, cell.data("key", key_id)) + _encrypt(own, value, cell.data("value"))


def unseal(sealed: bytes, cell: Cell, *, key_id: str, key: bytes) -> bytes:
    """Return the value that was sealed for ``cell``.

    Raises:
        SecretsLocked: changed, moved, or sealed under another key.
    """
    own, rest = _unwrapped(sealed, cell, key_id=key_id, key=key)
    return _decrypt(own, rest, cell.data("value"))


def rewrap(sealed: bytes, cell: Cell, *, old: tuple[str, bytes], new: tuple[str, bytes]) -> bytes:
    """Return the same sealed value with its key wrapped by another key of the vault.

    Args:
        sealed: as ``seal`` made it.
        cell: where it stands.
        old: id and key it is wrapped by.
        new: id and key it is wrapped by from now on.

    Raises:
        SecretsLocked: changed, moved, or sealed under another key.
    """
    own, rest = _unwrapped(sealed, cell, key_id=old[0], key=old[1])
    # so that a rotation never makes a damaged value look whole
    _decrypt(own, rest, cell.data("value"))
    return VERSION + _encrypt(new[1], own, cell.data("key", new[0])) + rest


def key_of(keys: Mapping[str, bytes], key_id: str) -> bytes:
    """Return a key by its id.

    Raises:
        SecretsLocked: it is not kept here.
    """
    try:
        return keys[key_id]
    except KeyError:
        raise SecretsLocked("The key that seals this is kept on another computer.") from None


def _unwrapped(sealed: bytes, cell: Cell, *, key_id: str, key: bytes) -> tuple[bytes, bytes]:
    if len(sealed) < _LEAST or not sealed.startswith(VERSION):
        raise SecretsLocked(DAMAGED)
    end = len(VERSION) + _WRAPPED
    return _decrypt(key, sealed[len(VERSION) : end], cell.data("key", key_id)), sealed[end:]


def _encrypt(key: bytes, content: bytes, bound_to: bytes) -> bytes:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, content, bound_to)


def _decrypt(key: bytes, content: bytes, bound_to: bytes) -> bytes:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        return AESGCM(key).decrypt(content[:NONCE_BYTES], content[NONCE_BYTES:], bound_to)
    except (InvalidTag, ValueError):
        raise SecretsLocked(DAMAGED) from None
