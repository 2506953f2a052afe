"""The key of the backups of one home: an age identity that is kept in the vault and never inside a backup."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pyrage import IdentityError, x25519

from backend_core.credentials.vault import Vault
from backend_core.db.file_lock import locked
from backend_core.errors import BackupKeyNeeded, Conflict, InvalidInput, StorageFailed, UnreadableFile

NAME: Final = "backup-key"
SAVED: Final = "backup-key-saved"
LOCK_S: Final = 30.0
LONGEST_FILE: Final = 10_000
_ID_LENGTH: Final = 8
_PREFIX: Final = "age1"
_IDENTITY: Final = re.compile(r"AGE-SECRET-KEY-1[0-9A-Z]{20,100}")
_RECOVERY: Final = """\
# Lectern backup key {key_id}
# Whoever has this key can read every backup made with it. Without it nobody can, not even you.
# Keep it apart from the computer and apart from the backups.
# To restore: lecternctl restore FILE --key-file THIS-FILE
{identity}
"""


@dataclass(frozen=True, slots=True)
class BackupKey:
    """One key.

    Attributes:
        identity: the secret, as ``AGE-SECRET-KEY-1...``.
    """

    identity: str

    def __repr__(self) -> str:
        """Never show the secret."""
        return f"BackupKey({self.key_id})"

    @property
    def recipient(self) -> str:
        """The public half, to which backups are encrypted."""
        return str(x25519.Identity.from_str(self.identity).to_public())

    @property
    def key_id(self) -> str:
        """A few letters by which people tell keys apart; not secret."""
        return self.recipient.removeprefix(_PREFIX)[:_ID_LENGTH]

    def sign(self, content: bytes) -> str:
        """Return the mark (hex) by which a backup shows that its maker had the secret half, not just the public one."""
        derived = hmac.digest(b"lectern backup manifest 1", self.identity.encode("ascii"), hashlib.sha256)
        return hmac.digest(derived, content, hashlib.sha256).hex()

    def recovery_text(self) -> str:
        """Return what a person keeps: the key and what to do with it; also understood by the program ``age``."""
        return _RECOVERY.format(key_id=self.key_id, identity=self.identity)


def new_key() -> BackupKey:
    """Return a fresh random key."""
    return BackupKey(str(x25519.Identity.generate()))


def parse(text: str) -> BackupKey:
    """Return the key in ``text``: a recovery file, or what somebody typed, with blanks and in small letters.

    Raises:
        InvalidInput: there is none in it, or a character is wrong.
    """
    lines = [line for line in text[:LONGEST_FILE].splitlines() if not line.lstrip().startswith("#")]
    found = _IDENTITY.search("".join("".join(lines).split()).upper())
    if found is None:
        raise InvalidInput("That is no backup key; one begins with AGE-SECRET-KEY-1.")
    try:
        x25519.Identity.from_str(found.group())
    except IdentityError:
        raise InvalidInput("That backup key has a wrong or missing character.") from None
    return BackupKey(found.group())


def read_key_file(path: Path) -> BackupKey:
    """Return the key in a recovery file.

    Raises:
        UnreadableFile: it cannot be opened.
        InvalidInput: there is no key in it.
    """
    try:
        with path.open("rb") as file:
            content = file.read(LONGEST_FILE)
    except OSError as error:
        raise UnreadableFile("The file with the backup key cannot be opened.") from error
    return parse(content.decode("utf-8", "replace"))


class BackupKeys:
    """The key of one home.

    Args:
        vault: where it is kept.
        home: orders processes that want the first key in the same moment.
    """

    def __init__(self, vault: Vault, home: Path) -> None:
        self._vault = vault
        self._lock = home / "backup.lock"

    def current(self) -> BackupKey | None:
        """Return the key, or None before the first backup.

        Raises:
            SecretsLocked: the vault does not open.
        """
        found = self._vault.get(NAME)
        return None if found is None else BackupKey(found)

    def get_or_make(self) -> BackupKey:
        """Return the key; the first call makes it.

        Raises:
            SecretsLocked: the vault does not open.
            StorageFailed: it cannot keep anything.
        """
        return self.current() or self._settle(new_key)

    def keep(self, key: BackupKey) -> None:
        """Keep a key that came with a restored backup, unless this home has one; whoever brought it has it in writing."""
        kept = self._settle(lambda: key)
        if kept == key:
            self.mark_saved()

    def needed(self) -> BackupKey:
        """Return the key.

        Raises:
            BackupKeyNeeded: there is none here.
        """
        found = self.current()
        if found is None:
            raise BackupKeyNeeded("This computer has no backup key.")
        return found

    def saved_at(self) -> dt.datetime | None:
        """Return when a person last took the recovery key, or None: then losing this computer is losing every backup."""
        found = self._vault.get(SAVED)
        return None if found is None else dt.datetime.fromisoformat(found)

    def mark_saved(self) -> None:
        """Note that a person has the recovery key now."""
        self._vault.set(SAVED, dt.datetime.now(dt.UTC).isoformat(timespec="seconds"))

    def _settle(self, make: Callable[[], BackupKey]) -> BackupKey:
        """Return the key there is, or the one ``make`` returns; two first backups at once must not use two keys."""
        try:
            self._lock.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with locked(self._lock, timeout_s=LOCK_S):
                found = self.current()
                if found is None:
                    found = make()
                    self._vault.set(NAME, found.identity)
                return found
        except TimeoutError:
            raise Conflict("Another program is making the backup key.") from None
        except OSError as error:
            raise StorageFailed("Lectern's folder cannot be used.") from error
