"""Proves a backup by restoring it into a scratch server that is thrown away afterwards."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from backend_core.backup.keys import BackupKey
from backend_core.backup.making import Meter, Progress, Stop
from backend_core.backup.manifest import Manifest
from backend_core.backup.records import Verified
from backend_core.backup.restore import Verdict
from backend_core.backup.staging import THROWN_AWAY, Staged, erase, staged
from backend_core.db.file_lock import locked, try_lock
from backend_core.errors import Conflict

PREFIX: Final = "verify-"
AUDIT_FAILS: Final = "It can be restored, but its audit log does not verify."


def verify(
    source: Path,
    key: BackupKey,
    *,
    scratch: Path,
    check: Callable[[Staged], Verdict],
    progress: Progress | None = None,
    should_stop: Stop | None = None,
) -> Verified:
    """Restore ``source`` into a server of its own, compare everything, and remove it again.

    Raises:
        UnusableBackup: cut off, changed, of another key, or of a newer version.
        Conflict: another verification is under way here.
        StorageFailed: there is no room for it.
        Cancelled: ``should_stop`` said so.
    """
    began = time.monotonic()
    scratch.mkdir(parents=True, exist_ok=True, mode=0o700)
    home = scratch / f"{PREFIX}{secrets.token_hex(6)}"
    try:
        with locked(_lock(scratch), timeout_s=0):
            try:
                meter = Meter(progress, should_stop, keep_fresh=home)
                with staged(source, home, key, meter=meter, keep_objects=False, settings=THROWN_AWAY) as found:
                    meter.step("Verifying the audit log")
                    verdict = check(found)
            finally:
                erase(home)
    except TimeoutError:
        raise Conflict("Another backup is being verified.") from None
    return _result(source.name, found.manifest, verdict, seconds=time.monotonic() - began)


def _result(name: str, manifest: Manifest, verdict: Verdict, *, seconds: float) -> Verified:
    return Verified(
        file_name=name,
        made_at=manifest.created_at,
        version=manifest.version,
        schema=manifest.schema,
        rows=sum(manifest.rows.values()),
        documents=manifest.rows.get("documents", 0),
        audios=manifest.rows.get("audios", 0),
        objects=len(manifest.objects) - len(manifest.damaged),
        object_bytes=manifest.object_bytes,
        missing=len(manifest.damaged),
        audit_ok=verdict.ok,
        audit_rows=verdict.rows,
        problems=verdict.problems,
        seconds=round(seconds, 2),
    )


def remove_abandoned(scratch: Path) -> int:
    """Remove the servers of verifications that were killed; return how many there were."""
    found = list(scratch.glob(f"{PREFIX}*")) if scratch.is_dir() else []
    if not found or (held := try_lock(_lock(scratch))) is None:
        return 0
    try:
        for home in found:
            erase(home)
    finally:
        os.close(held)
    return len(found)


def _lock(scratch: Path) -> Path:
    return scratch.parent / "verify.lock"
