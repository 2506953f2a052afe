"""What a backup says about itself: the first and the last entry of its archive, signed with the backup key."""

from __future__ import annotations

import datetime as dt
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from backend_core.backup.keys import BackupKey
from backend_core.errors import UnusableBackup

FORMAT: Final = 1
LARGEST: Final = 256 * 2**20
"""Bytes; room for three million objects."""
NOT_SOUND: Final = "The backup is cut off or was changed, and is not used."
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_STORE: Final = re.compile(r"[0-9a-f]{1,40}")
_REVISION: Final = re.compile(r"[0-9a-z_]{1,32}")
_LARGEST_FILE: Final = 2**50


@dataclass(frozen=True, slots=True)
class Stored:
    """One file in the archive, by the hash of its content."""

    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """Facts of one backup, all of one moment.

    Attributes:
        version: of the Lectern that made it.
        schema: revision of the tables.
        database: identifier of the server, and name of the database.
        store: identity of the object store.
        audit: rows of the audit log, how many of them are sealed, and the newest head (hex), None before the first seal.
        rows: rows per table.
        dump: the database.
        objects: files the database refers to.
        elsewhere: objects that lie in stores of other computers and are not included.
        damaged: hashes of objects that were already missing or damaged; known at the end only.
        complete: this is the last entry.
    """

    version: str
    schema: str
    created_at: dt.datetime
    database: Mapping[str, str]
    server_version: str
    store: str
    audit: Mapping[str, int | str | None]
    rows: Mapping[str, int]
    dump: Stored
    objects: tuple[Stored, ...]
    elsewhere: int = 0
    damaged: tuple[str, ...] = ()
    complete: bool = False

    @property
    def object_bytes(self) -> int:
        """Bytes of all objects."""
        return sum(one.bytes for one in self.objects)

    def finished(self, damaged: tuple[str, ...]) -> Manifest:
        """Return the last entry."""
        return replace(self, damaged=damaged, complete=True)


def encode(manifest: Manifest, key: BackupKey) -> bytes:
    """Return the manifest as JSON, marked with the key."""
    facts = asdict(manifest) | {
        "format": FORMAT,
        "created_at": manifest.created_at.isoformat(),
        "dump": [manifest.dump.sha256, manifest.dump.bytes],
        "objects": [[one.sha256, one.bytes] for one in manifest.objects],
    }
    content = json.dumps(facts, sort_keys=True, separators=(",", ":"))
    return json.dumps({"manifest": content, "mark": key.sign(content.encode())}).encode()


def decode(content: bytes, key: BackupKey) -> Manifest:
    """Return the manifest in ``content``.

    Raises:
        UnusableBackup: not made with this key, of a later format, or not a manifest.
    """
    try:
        outer = json.loads(content)
        text, mark = str(outer["manifest"]), str(outer["mark"])
        # anybody who knows the public half can encrypt to us; only who has the secret half can make this mark
        if not hmac.compare_digest(mark.encode(), key.sign(text.encode()).encode()):
            raise UnusableBackup("The backup was not made with this key, and is not used.")
        facts = json.loads(text)
        if facts.pop("format") != FORMAT:
            raise UnusableBackup("The backup was made by a newer version of Lectern; update Lectern first.")
        return _checked(facts)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise UnusableBackup(NOT_SOUND) from None


def _checked(facts: dict[str, Any]) -> Manifest:
    facts |= {
        "created_at": dt.datetime.fromisoformat(facts["created_at"]),
        "dump": _stored(facts["dump"]),
        "objects": tuple(_stored(one) for one in facts["objects"]),
        "damaged": tuple(facts["damaged"]),
    }
    found = Manifest(**facts)
    names = [one.sha256 for one in found.objects]
    if not (_STORE.fullmatch(found.store) and _REVISION.fullmatch(found.schema) and names == sorted(set(names))):
        raise ValueError
    return found


def _stored(pair: Any) -> Stored:
    sha256, size = pair
    if not (isinstance(sha256, str) and _HASH.fullmatch(sha256) and type(size) is int and 0 <= size <= _LARGEST_FILE):
        raise ValueError
    return Stored(sha256, size)
