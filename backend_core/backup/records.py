"""What the services of this package answer."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupRow:
    """One backup, or one attempt.

    Attributes:
        id: None for a file that lies in the folder but is not recorded here: made before a restore, or brought from elsewhere.
        kind: ``manual``, ``scheduled``, ``migration`` or ``found``.
        rows: in all tables; None for a file nobody looked into.
        damaged: objects that were already missing or damaged.
        elsewhere: objects on other computers, not included.
        error: why the attempt failed, None for one that did not.
        verify_ok: None while it was never verified.
        present: the file is where it was put, on this computer.
        ours: the key of this home opens it; None while unknown.
    """

    id: int | None
    at: dt.datetime
    kind: str
    workstation: str
    folder: str
    file_name: str
    bytes: int | None
    sha256: str | None
    schema_revision: str | None
    rows: int | None
    objects: int | None
    object_bytes: int | None
    damaged: int
    elsewhere: int
    key_id: str | None
    seconds: float | None
    error: str | None
    made_by: str
    verified_at: dt.datetime | None
    verify_ok: bool | None
    verify_error: str | None
    present: bool
    ours: bool | None

    @property
    def path(self) -> Path:
        """Where the file was put."""
        return Path(self.folder) / self.file_name

    @property
    def good(self) -> bool:
        """Whether it was made, is still there, and nothing is known against it."""
        return self.error is None and self.present and self.verify_ok is not False


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When backups are made by themselves.

    Attributes:
        every_days: 0 for never.
        keep: how many of them are kept.
    """

    every_days: int
    keep: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptData:
    """What a restore put aside."""

    path: Path
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupView:
    """Everything about the backups of one home.

    Attributes:
        rows: newest first.
        home: what a restore on this computer would replace.
        folder: where backups go by themselves, on this computer.
        same_disk: it is on the disk that it should protect.
        free_bytes: of that folder's disk; None where it cannot be used.
        able: this sign-in may read the whole database.
        key_id: of the key of this home; None before the first backup.
        key_saved_at: when a person last took the recovery key.
        secrets: how the key is protected here, in words.
        next_at: when the next one is made by itself; None for never.
        last_good: of the newest good backup.
        problem: what is wrong now, in words; empty when nothing is.
        kept: what restores put aside.
        note: what the last start did about an interrupted restore; empty for nothing.
    """

    rows: tuple[BackupRow, ...]
    home: Path
    folder: Path
    same_disk: bool
    free_bytes: int | None
    able: bool
    key_id: str | None
    key_saved_at: dt.datetime | None
    secrets: str
    schedule: Schedule
    next_at: dt.datetime | None
    last_good: BackupRow | None
    problem: str
    kept: tuple[KeptData, ...]
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryKey:
    """What a person keeps apart from computer and backups.

    Attributes:
        identity: the secret.
        text: the content of a recovery file.
    """

    key_id: str
    identity: str
    text: str

    def __repr__(self) -> str:
        """Never show the secret."""
        return f"RecoveryKey({self.key_id})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """Result of a restore into a scratch server.

    Attributes:
        made_at: when the backup was made.
        rows, documents, audios, objects, object_bytes: what it holds.
        missing: objects that were already damaged or missing.
        audit_ok: its audit log verifies.
        audit_rows: how many rows that were.
        problems: of the audit log, one line each.
        seconds: how long it took.
    """

    file_name: str
    made_at: dt.datetime
    version: str
    schema: str
    rows: int
    documents: int
    audios: int
    objects: int
    object_bytes: int
    missing: int
    audit_ok: bool
    audit_rows: int
    problems: tuple[str, ...]
    seconds: float
