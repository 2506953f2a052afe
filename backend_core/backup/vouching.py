"""Lets the seals of the audit log go on after a restore on another machine.

The keys that sign seals stay on their computers and are in no backup. So, before a backup, the sealing key vouches for a key that is
derived from the backup key; after a restore, whoever brought the backup key vouches with it for the sealing key of the new computer.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Final

from sqlalchemy import Connection

from backend_core.audit.key_statements import INTRODUCED
from backend_core.audit.keys import SECRET, Keys, introduced, statements
from backend_core.audit.sealer import wait
from backend_core.backup.keys import BackupKey

_PURPOSE: Final = b"lectern backup seals 1"


class _Derived:
    """The derived key, as a store that holds nothing else and keeps nothing."""

    def __init__(self, key: BackupKey) -> None:
        secret = hmac.digest(_PURPOSE, key.identity.encode("ascii"), hashlib.sha256)
        self._text = base64.b64encode(secret).decode("ascii")

    def get(self, name: str) -> str | None:
        return self._text if name == SECRET else None

    def set(self, name: str, secret: str) -> None:
        """Keep nothing: it can be derived again."""


def enrol(conn: Connection, key: BackupKey, keys: Keys) -> bool:
    """Let this computer's sealing key vouch for the key derived from the backup key; return whether that one is known now.

    Args:
        conn: the caller's transaction.
        key: of the backups.
        keys: sealing key of this computer.
    """
    derived = Keys(_Derived(key))
    if derived.own().id in introduced(statements(conn)):
        return True
    wait(conn)
    if keys.ready(conn) is None:
        return False
    if derived.own().id not in introduced(statements(conn)):
        derived.ready(conn)
        keys.introduce(conn, derived.own().id)
    return True


def vouch(conn: Connection, key: BackupKey, keys: Keys) -> bool:
    """Let the key derived from the backup key vouch for this computer's sealing key; return False where nobody could.

    A log whose seals began without it is adopted, and verification will say so.

    Args:
        conn: transaction in the restored database.
        key: opened the backup.
        keys: sealing key of this computer.
    """
    wait(conn)
    known = statements(conn)
    if not any(one.event == INTRODUCED for one in known) or keys.ready(conn) is not None:
        return True
    derived = Keys(_Derived(key))
    if derived.own().id not in introduced(known):
        keys.adopt(conn)
        return False
    derived.introduce(conn, keys.own().id)
    return True
