"""The record of backups in the database, joined with the files that are really there."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, func, insert, select, text, update

from backend_core.backup.making import SUFFIX, Made
from backend_core.backup.records import BackupRow
from backend_core.backup.tables import backups
from backend_core.errors import LecternError

SHOWN: Final = 200
SENTENCE: Final = 500
_FACTS: Final = tuple(name for name in BackupRow.__dataclass_fields__ if name not in {"present", "ours"})
_COLUMNS: Final = tuple(backups.c[name] for name in _FACTS)


def insert_made(conn: Connection, made: Made, *, kind: str, workstation: str, made_by: str, key_id: str) -> int:
    """Record a backup that is complete."""
    manifest = made.manifest
    values = _place(made.path, kind=kind, workstation=workstation, made_by=made_by) | {
        "bytes": made.bytes,
        "sha256": made.sha256,
        "schema_revision": manifest.schema,
        "rows": sum(manifest.rows.values()),
        "objects": len(manifest.objects) - len(manifest.damaged),
        "object_bytes": manifest.object_bytes,
        "damaged": len(manifest.damaged),
        "elsewhere": manifest.elsewhere,
        "position": manifest.audit.get("position"),
        "key_id": key_id,
        "seconds": round(made.seconds, 2),
    }
    return int(conn.execute(insert(backups).values(values).returning(backups.c.id)).scalar_one())


def insert_failed(conn: Connection, path: Path, error: LecternError, *, kind: str, workstation: str, made_by: str) -> None:
    """Record an attempt that failed."""
    values = _place(path, kind=kind, workstation=workstation, made_by=made_by)
    conn.execute(insert(backups).values(values | {"error_code": error.code, "error": str(error)[:SENTENCE]}))


def _place(path: Path, *, kind: str, workstation: str, made_by: str) -> dict[str, Any]:
    folder = str(path.parent)
    return {"kind": kind, "workstation": workstation, "folder": folder, "file_name": path.name, "made_by": made_by}


def mark_failed(conn: Connection, backup_id: int, error: LecternError) -> None:
    """Take back that a backup was made: it could not be given its name."""
    values = {"sha256": None, "bytes": None, "error_code": error.code, "error": str(error)[:SENTENCE]}
    conn.execute(update(backups).where(backups.c.id == backup_id).values(values))


def mark_verified(conn: Connection, path: Path, *, workstation: str, problem: str | None) -> None:
    """Record what verifying a file came to; one that is not recorded stays so."""
    this = (backups.c.file_name == path.name, backups.c.folder == str(path.parent), backups.c.workstation == workstation)
    values = {"verified_at": func.now(), "verify_ok": problem is None, "verify_error": problem and problem[:SENTENCE]}
    conn.execute(update(backups).where(*this, backups.c.sha256.is_not(None), backups.c.removed_at.is_(None)).values(values))


def mark_removed(conn: Connection, backup_id: int) -> None:
    """Record that a file was removed because there were enough newer ones."""
    conn.execute(update(backups).where(backups.c.id == backup_id).values(removed_at=func.now()))


def read(conn: Connection, *, workstation: str, folder: Path, key_id: str | None) -> tuple[BackupRow, ...]:
    """Return the newest backups first: those recorded, and files in ``folder`` that are not."""
    query = select(*_COLUMNS).where(backups.c.removed_at.is_(None)).order_by(backups.c.at.desc(), backups.c.id.desc()).limit(SHOWN)
    recorded = tuple(_row(dict(row), workstation, key_id) for row in conn.execute(query).mappings())
    known = {row.path for row in recorded if row.workstation == workstation and row.error is None}
    found = [_found(path, workstation) for path in _files(folder) if path not in known]
    return tuple(sorted([*recorded, *(row for row in found if row is not None)], key=lambda row: row.at, reverse=True))


def first_moment(conn: Connection) -> dt.datetime:
    """Return when there was first something to lose."""
    found: dt.datetime | None = conn.execute(text("SELECT min(created_at) FROM operators")).scalar_one()
    return found or dt.datetime.now(dt.UTC)


def recorded_here(conn: Connection, folder: Path, *, workstation: str) -> dict[str, tuple[int, int]]:
    """Return id and size of the backups recorded for ``folder``, by file name."""
    this = (backups.c.folder == str(folder), backups.c.workstation == workstation, backups.c.bytes.is_not(None))
    rows = conn.execute(select(backups.c.file_name, backups.c.id, backups.c.bytes).where(*this, backups.c.removed_at.is_(None)))
    return {row.file_name: (row.id, row.bytes) for row in rows}


def _row(facts: dict[str, Any], workstation: str, key_id: str | None) -> BackupRow:
    path = Path(facts["folder"]) / facts["file_name"]
    present = facts["error"] is None and facts["workstation"] == workstation and _is_there(path)
    ours = None if facts["key_id"] is None or key_id is None else facts["key_id"] == key_id
    return BackupRow(**facts, present=present, ours=ours)


def _is_there(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        # in a folder that this person may not look into
        return False


def _files(folder: Path) -> Sequence[Path]:
    try:
        return [path for path in folder.iterdir() if path.name.endswith(SUFFIX) and not path.name.startswith(".")]
    except OSError:
        return []


def _found(path: Path, workstation: str) -> BackupRow | None:
    try:
        facts = path.stat()
    except OSError:
        return None
    unknown = dict.fromkeys(_FACTS)
    known = {
        "at": dt.datetime.fromtimestamp(facts.st_mtime, dt.UTC),
        "kind": "found",
        "workstation": workstation,
        "folder": str(path.parent),
        "file_name": path.name,
        "bytes": facts.st_size,
        "damaged": 0,
        "elsewhere": 0,
        "made_by": "",
    }
    return BackupRow(**unknown | known, present=True, ours=None)  # type: ignore[arg-type]  # the facts that are not known are None
