"""A file of secrets, sealed with AES-256-GCM under a key that a passphrase wraps or that lies in a file of its own.

The file is JSON: its header says format, version and how the key is wrapped, and is authenticated together with the content.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import json
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from backend_core.credentials.key_file import read_private, write_private
from backend_core.db.file_lock import locked
from backend_core.errors import SecretsLocked, StorageFailed

FORMAT: Final = "lectern-secrets"
VERSION: Final = 1
LOCK_S: Final = 10.0
KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
# Argon2id as RFC 9106 advises where 2 GiB are too much. A file may ask for more, within reason, so that it can be raised later.
_COST: Final = {"memory_kib": 65_536, "passes": 3, "lanes": 4}
_DEAREST: Final = {"memory_kib": 1_048_576, "passes": 20, "lanes": 16}
_DAMAGED: Final = "The file of secrets is damaged or was changed and cannot be opened."
_BY_PASSPHRASE: Final = "passphrase"  # noqa: S105 - names the way, is no secret
_BY_FILE: Final = "key-file"
Secrets = dict[str, str]


class SealedFile:
    """Secrets by name in one file of ``folder``, shared by any number of processes.

    Args:
        folder: made on first use, readable by its owner only.
        passphrase: returns what was given, or None for a key file. A file under a key file is sealed anew as soon as a passphrase is given.
    """

    def __init__(self, folder: Path, *, passphrase: Callable[[], str | None]) -> None:
        self._path = folder / "secrets.sealed"
        self._key_path = folder / "secrets.key"
        self._lock_path = folder / "secrets.lock"
        self._passphrase = passphrase
        self._derived: tuple[bytes, bytes] | None = None

    @property
    def under_passphrase(self) -> bool:
        """Whether opening it takes a passphrase, now or from the next change on."""
        found = self._read()
        return self._passphrase() is not None or (found is not None and found["wrap"].get("by") == _BY_PASSPHRASE)

    @property
    def exists(self) -> bool:
        """Whether there is anything in it."""
        return self._path.exists()

    def load(self) -> Secrets:
        """Return every secret.

        Raises:
            SecretsLocked: no or another passphrase, a damaged file, or one that others may read.
        """
        found = self._read()
        if found is None:
            return {}
        if found["wrap"].get("by") == _BY_FILE and self._passphrase() is not None:
            return self.change(lambda _kept: None)
        return _opened(found, self._key_of(found["wrap"]))

    def change(self, edit: Callable[[Secrets], object]) -> Secrets:
        """Let ``edit`` change the secrets, one process after the other; return what is kept now.

        Raises:
            SecretsLocked: as ``load``.
            StorageFailed: the folder cannot be written to.
        """
        with self.alone():
            found = self._read()
            kept = {} if found is None else _opened(found, self._key_of(found["wrap"]))
            edit(kept)
            wrap, key = self._keep_or_new(found)
            write_private(self._path, _sealed(kept, wrap, key))
            if wrap["by"] == _BY_PASSPHRASE:
                # what lay open under the key file is sealed under a fresh key now
                self._key_path.unlink(missing_ok=True)
            return kept

    def erase(self) -> None:
        """Remove the file and its key."""
        for path in (self._path, self._key_path):
            path.unlink(missing_ok=True)

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Keep every other process from changing anything in the folder meanwhile; not to be nested.

        Raises:
            StorageFailed: another one took too long, or the folder cannot be used.
        """
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with locked(self._lock_path, timeout_s=LOCK_S):
                yield
        except TimeoutError:
            raise StorageFailed("Another program is changing the secrets.") from None
        except OSError as error:
            raise StorageFailed("The folder of secrets cannot be used.") from error

    def _read(self) -> dict[str, Any] | None:
        content = read_private(self._path)
        if content is None:
            return None
        try:
            found = json.loads(content)
            newer = found["format"] == FORMAT and found["version"] > VERSION
            known = found["format"] == FORMAT and found["version"] == VERSION and isinstance(found["wrap"], dict)
        except (ValueError, KeyError, TypeError):
            known = newer = False
        if newer:
            raise SecretsLocked("The file of secrets was made by a newer version of Lectern.")
        if not known:
            raise SecretsLocked(_DAMAGED)
        return dict(found)

    def _keep_or_new(self, found: dict[str, Any] | None) -> tuple[dict[str, Any], bytes]:
        passphrase = self._passphrase()
        if found is not None and (found["wrap"]["by"] == _BY_PASSPHRASE or passphrase is None):
            return found["wrap"], self._key_of(found["wrap"])
        key = secrets.token_bytes(KEY_BYTES)
        if passphrase is not None:
            return self._wrapped(key, passphrase), key
        write_private(self._key_path, base64.b64encode(key))
        return {"by": _BY_FILE}, key

    def _key_of(self, wrap: dict[str, Any]) -> bytes:
        if wrap.get("by") == _BY_FILE:
            kept = read_private(self._key_path)
            if kept is None:
                raise SecretsLocked("The key of the file of secrets is gone.")
            return _bytes(kept.decode("ascii", "replace"))
        passphrase = self._passphrase()
        if passphrase is None:
            raise SecretsLocked("The secrets of this home are sealed; give LECTERN_PASSPHRASE or LECTERN_PASSPHRASE_FILE to open them.")
        try:
            return _decrypt(self._derive(passphrase, wrap), _bytes(wrap["nonce"]), _bytes(wrap["key"]), b"key")
        except _WrongKey:
            raise SecretsLocked("The passphrase that was given does not open the secrets of this home.") from None
        except (KeyError, TypeError):
            raise SecretsLocked(_DAMAGED) from None

    def _wrapped(self, key: bytes, passphrase: str) -> dict[str, Any]:
        wrap: dict[str, Any] = {"by": _BY_PASSPHRASE, "kdf": "argon2id", **_COST, "salt": _text(secrets.token_bytes(16))}
        nonce = secrets.token_bytes(NONCE_BYTES)
        return wrap | {"nonce": _text(nonce), "key": _text(_encrypt(self._derive(passphrase, wrap), nonce, key, b"key"))}

    def _derive(self, passphrase: str, wrap: dict[str, Any]) -> bytes:
        cost = {name: wrap.get(name) for name in _COST}
        fair = all(type(value) is int and 1 <= value <= _DEAREST[name] for name, value in cost.items())
        if wrap.get("kdf") != "argon2id" or not fair:
            raise SecretsLocked(_DAMAGED)
        salt = _bytes(wrap["salt"])
        # it takes a moment on purpose: once per process is enough
        name = hashlib.sha256(json.dumps([passphrase, cost, _text(salt)]).encode()).digest()
        if self._derived is None or self._derived[0] != name:
            self._derived = (name, _argon2id(passphrase, salt, **cost))
        return self._derived[1]


class _WrongKey(Exception):
    """The key does not open it, or it was changed."""


def _argon2id(passphrase: str, salt: bytes, *, memory_kib: Any, passes: Any, lanes: Any) -> bytes:
    from argon2.low_level import Type, hash_secret_raw

    return hash_secret_raw(
        passphrase.encode(), salt, time_cost=passes, memory_cost=memory_kib, parallelism=lanes, hash_len=KEY_BYTES, type=Type.ID
    )


def _encrypt(key: bytes, nonce: bytes, content: bytes, header: bytes) -> bytes:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key).encrypt(nonce, content, header)


def _decrypt(key: bytes, nonce: bytes, content: bytes, header: bytes) -> bytes:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        return AESGCM(key).decrypt(nonce, content, header)
    except (InvalidTag, ValueError):
        raise _WrongKey from None


def _header(wrap: dict[str, Any]) -> bytes:
    return json.dumps([FORMAT, VERSION, wrap], sort_keys=True).encode()


def _sealed(kept: Secrets, wrap: dict[str, Any], key: bytes) -> bytes:
    nonce = secrets.token_bytes(NONCE_BYTES)
    content = _encrypt(key, nonce, json.dumps(kept).encode(), _header(wrap))
    whole = {"format": FORMAT, "version": VERSION, "wrap": wrap, "nonce": _text(nonce), "sealed": _text(content)}
    return json.dumps(whole, indent=1).encode()


def _opened(found: dict[str, Any], key: bytes) -> Secrets:
    try:
        content = _decrypt(key, _bytes(found["nonce"]), _bytes(found["sealed"]), _header(found["wrap"]))
        return {str(name): str(secret) for name, secret in json.loads(content).items()}
    except (_WrongKey, KeyError, TypeError, ValueError):
        raise SecretsLocked(_DAMAGED) from None


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _bytes(text: Any) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError, TypeError):
        raise SecretsLocked(_DAMAGED) from None
