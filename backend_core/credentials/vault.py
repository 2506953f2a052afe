"""Keeps the secrets of one home, and says plainly how well they are protected."""

from __future__ import annotations

import functools
import json
import os
import re
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Literal

from backend_core.credentials import os_keyring
from backend_core.credentials.key_file import read_private, write_private
from backend_core.credentials.os_keyring import Keyring, OsKeyring
from backend_core.credentials.sealed import SealedFile
from backend_core.errors import InvalidInput, SecretsLocked
from backend_core.homes import digest_of

Kind = Literal["keyring", "sealed", "file"]
FOLDER: Final = "secrets"
MOST_BYTES: Final = 2560
"""What the smallest keyring (Windows) takes; it counts two bytes a character."""
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._:@-]{0,99}")


class Vault:
    """Secrets by name. Opening it does nothing; the first use looks for a keyring, so never use it in a GUI thread.

    Args:
        home: whose secrets; other homes do not see them.
        find: returns the keyring of this system, or None.
        environ: where the passphrase is looked for.
    """

    def __init__(
        self, home: Path, *, find: Callable[[], Keyring | None] = os_keyring.find, environ: Mapping[str, str] | None = None
    ) -> None:
        self._home = home
        self._find = find
        self._environ = os.environ if environ is None else environ
        self._sealed = SealedFile(home / FOLDER, passphrase=self._passphrase)
        self._index_path = home / FOLDER / "keyring-names.json"
        self._lock = threading.RLock()
        self._silent = False

    @property
    def kind(self) -> Kind:
        """Where secrets are kept: ``keyring``, ``sealed`` (a file under a passphrase) or ``file`` (protected by its permissions only)."""
        if self._keyring is not None:
            return "keyring"
        return "sealed" if self._sealed.under_passphrase else "file"

    @property
    def sentence(self) -> str:
        """How secrets are protected, for people."""
        if self._keyring is not None:
            return f"Secrets are kept in {self._keyring.words}."
        if self.kind == "sealed":
            return "Secrets are kept in a file sealed under a passphrase."
        why = "The keyring of this system does not answer" if self._silent else "This system offers no keyring"
        return f"{why}: secrets are protected only by file permissions."

    def get(self, name: str) -> str | None:
        """Return a secret, or None when there is none of this name.

        Raises:
            SecretsLocked: the keyring does not answer, the passphrase is missing or wrong, or the file cannot be trusted.
        """
        _check_name(name)
        with self._lock:
            if self._keyring is not None and (found := self._keyring.get(name)) is not None:
                return found
            if self._keyring is None:
                self._refuse_absent_keyring(name)
            return self._sealed.load().get(name)

    def set(self, name: str, secret: str) -> None:
        """Keep a secret, in place of an older one of this name.

        Raises:
            InvalidInput: empty, or too long for the smallest keyring.
            SecretsLocked: as ``get``.
            StorageFailed: the file cannot be written.
        """
        _check_name(name)
        if not 0 < len(secret.encode("utf-16-le", "surrogatepass")) <= MOST_BYTES:
            raise InvalidInput(f"A secret has 1 to {MOST_BYTES // 2} characters.")
        with self._lock:
            if self._keyring is None:
                self._refuse_absent_keyring(name)
                self._sealed.change(lambda kept: kept.update({name: secret}))
                return
            # the name first: what the keyring holds must never be looked for in vain
            self._note(name, held=True)
            self._keyring.set(name, secret)
            self._drop_from_file(name)

    def delete(self, name: str) -> None:
        """Forget a secret; one that is not there is fine.

        Raises:
            SecretsLocked: as ``get``.
        """
        _check_name(name)
        with self._lock:
            if self._keyring is not None:
                self._keyring.delete(name)
                self._note(name, held=False)
            else:
                self._refuse_absent_keyring(name)
            self._drop_from_file(name)

    def erase(self) -> None:
        """Forget every secret of this home.

        Raises:
            SecretsLocked: the keyring holds some and does not answer.
        """
        with self._lock:
            for name in sorted(self._index()):
                self.delete(name)
            self._sealed.erase()
            self._index_path.unlink(missing_ok=True)

    @functools.cached_property
    def _keyring(self) -> OsKeyring | None:
        try:
            with self._lock:
                backend = self._find()
        except SecretsLocked:
            backend, self._silent = None, True
        return None if backend is None else OsKeyring(backend, home=digest_of(self._home))

    def _drop_from_file(self, name: str) -> None:
        if self._sealed.exists and name in self._sealed.load():
            self._sealed.change(lambda kept: kept.pop(name, None))

    def _refuse_absent_keyring(self, name: str) -> None:
        # a second secret of the same name beside the first would be worse than none
        if name in self._index():
            raise SecretsLocked("This secret is in the keyring of this system, which does not answer here.")

    def _index(self) -> frozenset[str]:
        content = read_private(self._index_path)
        try:
            return frozenset() if content is None else frozenset(str(entry) for entry in json.loads(content))
        except (ValueError, TypeError):
            raise SecretsLocked(f"The file {self._index_path.name} is damaged.") from None

    def _note(self, name: str, *, held: bool) -> None:
        if (name in self._index()) == held:
            return
        with self._sealed.alone():
            names = self._index().union({name}) if held else self._index().difference({name})
            write_private(self._index_path, json.dumps(sorted(names)).encode())

    def _passphrase(self) -> str | None:
        if given := self._environ.get("LECTERN_PASSPHRASE"):
            return given
        named = self._environ.get("LECTERN_PASSPHRASE_FILE")
        if not named:
            return None
        path = Path(named).expanduser()
        if path.resolve().is_relative_to(self._home.resolve()):
            raise SecretsLocked("LECTERN_PASSPHRASE_FILE lies beside what it protects; keep it outside Lectern's folder.")
        content = read_private(path, from_system=True)
        text = "" if content is None else content.decode("utf-8", "replace").rstrip("\r\n")
        if not text:
            raise SecretsLocked("The file that LECTERN_PASSPHRASE_FILE names is missing or empty.")
        return text


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise InvalidInput("A secret's name has small letters, digits and . _ : @ - only, at most 100.")
