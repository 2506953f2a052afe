"""Restores a backup: into an empty home, in the place of another one, or into an empty database of a shared server."""

from __future__ import annotations

import datetime as dt
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from backend_core import faults
from backend_core.backup import dump, swap
from backend_core.backup.archive import DUMP
from backend_core.backup.dump import Endpoint
from backend_core.backup.failures import storage_error
from backend_core.backup.keys import BackupKey
from backend_core.backup.making import Meter
from backend_core.backup.manifest import Manifest
from backend_core.backup.staging import OBJECTS, STORE_ID, Staged, check_rows, extract, staged
from backend_core.db import embedded, migrate
from backend_core.db.cluster import prepare_home
from backend_core.errors import Conflict, InvalidInput
from backend_core.settings import Settings
from backend_core.storage.folder import FolderStore, key_of

NOT_EMPTY: Final = "There is data in this home already. Say that it shall be replaced (--replace), or restore into an empty home."
Conclude = Callable[[Staged, str], "Verdict"]
"""Called with what was restored and the identity of the store it will use; makes the audit entry and verifies the log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the restored audit log says about itself.

    Attributes:
        ok: nothing is wrong.
        rows: how many were looked at.
        problems: one line each.
    """

    ok: bool
    rows: int
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What was restored.

    Attributes:
        made_at: when the backup was made; what was done later is not in it.
        rows: in all tables.
        missing: objects that were damaged or missing when the backup was made.
        elsewhere: objects that lie on other computers and were not part of the backup.
        kept: where the data from before is, None if there was none.
        audit: what the restored audit log says about itself.
    """

    made_at: dt.datetime
    version: str
    schema: str
    rows: int
    documents: int
    audios: int
    objects: int
    object_bytes: int
    missing: int
    elsewhere: int
    kept: Path | None
    audit: Verdict


def restore(source: Path, settings: Settings, key: BackupKey, *, replace: bool, conclude: Conclude, meter: Meter) -> Restored:
    """Restore ``source`` for ``settings``.

    Args:
        source: the backup.
        settings: of the home, or of the shared server whose database is empty.
        key: opens the backup.
        replace: what is in the home may be put aside.
        conclude: see ``Conclude``.
        meter: told how far it is.

    Raises:
        InvalidInput: ``source`` lies where it would be moved away.
        Conflict: there is data already, or other Lectern programs use it.
        UnusableBackup: cut off, changed, of another key, or of a newer version.
        StorageFailed: the disk is full, or a folder cannot be used.
        Cancelled: somebody asked to stop; as with every failure, nothing was changed.
    """
    try:
        home = prepare_home(settings.home)
        if settings.dsn is not None:
            return _into_server(source, home, settings, settings.dsn, key, conclude, meter)
        return _into_home(source, home, settings, key, replace=replace, conclude=conclude, meter=meter)
    except OSError as error:
        raise storage_error(error) from error


def _into_home(
    source: Path, home: Path, settings: Settings, key: BackupKey, *, replace: bool, conclude: Conclude, meter: Meter
) -> Restored:
    swap.settle(home)
    if source.resolve().is_relative_to(home / OBJECTS):
        raise InvalidInput("Move the backup out of the folder of stored files first.")
    with swap.alone(home):
        if swap.occupied(home) and not replace:
            raise Conflict(NOT_EMPTY)
        _refuse_while_used(home)
        with swap.newcomer(home) as new:
            with staged(source, new, key, meter=meter, keep_objects=True) as found:
                verdict = conclude(found, _store_of(settings, found.manifest))
            faults.point("restore.staged")
            with_objects = settings.objects is None
            if not with_objects:
                _merge(new / OBJECTS, FolderStore(settings.objects_dir), found.manifest)
            meter.alive()
            kept = swap.replace(home, new, with_objects=with_objects, backup=found.manifest.created_at.isoformat())
    return _report(found.manifest, kept, verdict)


def _refuse_while_used(home: Path) -> None:
    # swapping finds out too, but only when all the work is done
    others = [holder for holder in embedded.status(home)["holders"] if holder["pid"] != os.getpid()]
    if others:
        names = ", ".join(f"{holder['application']} (process {holder['pid']})" for holder in others)
        raise Conflict(f"The database is in use by {names}. Close it first.")


def _into_server(source: Path, home: Path, settings: Settings, dsn: str, key: BackupKey, conclude: Conclude, meter: Meter) -> Restored:
    migrate.prepare(dsn)
    endpoint = Endpoint.of_owner(dsn, admin=None)
    with swap.alone(home), _folder(home / f"{swap.NEW}{secrets.token_hex(6)}") as work:
        if not dump.is_empty(endpoint):
            raise Conflict("The database on the server holds tables already; restore into an empty one.")
        manifest = extract(source, work, key, meter=meter, keep_objects=True)
        # what nothing refers to yet is swept away if it ends here
        _merge(work / OBJECTS, FolderStore(settings.objects_dir), manifest)
        meter.step("Loading the database")
        dump.load(endpoint, work / DUMP, alive=meter.alive)
        check_rows(endpoint, manifest)
        migrate.upgrade(dsn)
        verdict = conclude(Staged(work, manifest, endpoint, dsn), _store_of(settings, manifest))
    return _report(manifest, None, verdict)


@contextmanager
def _folder(folder: Path) -> Iterator[Path]:
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _store_of(settings: Settings, manifest: Manifest) -> str:
    """Return the identity of the store that the restored database will use."""
    if settings.dsn is None and settings.objects is None:
        # it moves in with its files and keeps its name
        return manifest.store
    if not (settings.objects_dir / STORE_ID).exists():
        settings.objects_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        (settings.objects_dir / STORE_ID).write_text(manifest.store, encoding="ascii")
    return FolderStore(settings.objects_dir).identity()


def _merge(source: Path, store: FolderStore, manifest: Manifest) -> None:
    """Add the restored objects to a store outside the home, which others may be using."""
    for one in manifest.objects:
        name = key_of(one.sha256)
        if (source / name).is_file() and not store.exists(name):
            store.put(source / name, key=name)


def _report(manifest: Manifest, kept: Path | None, verdict: Verdict) -> Restored:
    return Restored(
        made_at=manifest.created_at,
        version=manifest.version,
        schema=manifest.schema,
        rows=sum(manifest.rows.values()),
        documents=manifest.rows.get("documents", 0),
        audios=manifest.rows.get("audios", 0),
        objects=len(manifest.objects) - len(manifest.damaged),
        object_bytes=manifest.object_bytes,
        missing=len(manifest.damaged),
        elsewhere=manifest.elsewhere,
        kept=kept,
        audit=verdict,
    )
