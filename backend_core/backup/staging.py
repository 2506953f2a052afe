"""Brings a backup to life in a home of its own, beside everything else: to be checked there, or to take the place of another."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg

from backend_core import faults
from backend_core.backup import dump, unpack
from backend_core.backup.archive import DUMP
from backend_core.backup.dump import Endpoint
from backend_core.backup.failures import storage_error
from backend_core.backup.keys import BackupKey
from backend_core.backup.making import Meter
from backend_core.backup.manifest import Manifest
from backend_core.db import embedded, migrate
from backend_core.db.roles import APP, OWNER
from backend_core.errors import StorageFailed, UnusableBackup
from backend_core.logs import get_logger

log = get_logger(__name__)
OBJECTS: Final = "objects"
STORE_ID: Final = ".store-id"
GIBIBYTE: Final = 2**30
DUMP_GROWS: Final = 3
"""A loaded database takes about this many times its compressed dump."""
LOADING: Final = {"maintenance_work_mem": "128MB", "max_wal_size": "2GB", "log_min_duration_statement": "-1"}
THROWN_AWAY: Final = {**LOADING, "fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}


@dataclass(frozen=True, slots=True)
class Staged:
    """A restored home whose server runs.

    Attributes:
        home: the folder.
        manifest: of the backup.
        admin: reads and writes everything.
        app: connection string of the application's role.
    """

    home: Path
    manifest: Manifest
    admin: Endpoint
    app: str


@contextlib.contextmanager
def staged(
    source: Path, home: Path, key: BackupKey, *, meter: Meter, keep_objects: bool, settings: Mapping[str, str] = LOADING
) -> Iterator[Staged]:
    """Restore a backup into ``home``, a folder that does not exist yet, check it, and bring its tables to this version.

    The server runs while the context lasts and stops after it; if anything fails the folder is removed.

    Args:
        source: the backup.
        home: where.
        key: opens it.
        meter: told how far it is.
        keep_objects: write the objects too; otherwise they are only checked.
        settings: of the server while it loads.

    Raises:
        UnusableBackup: cut off, changed, of another key, or of a newer version.
        StorageFailed: the disk is full.
        Cancelled: somebody asked to stop.
    """
    try:
        home.mkdir(mode=0o700)
        manifest = extract(source, home, key, meter=meter, keep_objects=keep_objects)
        faults.point("restore.extracted")
        meter.step("Starting a database")
        server = embedded.ensure_running(home, extra_settings=settings)
        admin = Endpoint(server.admin_dsn)
        # held so that nobody takes the server for idle while programs of PostgreSQL work
        with psycopg.connect(admin.conninfo(), autocommit=True):
            _load(admin, home / DUMP, manifest, meter)
            migrate.upgrade(server.dsn(OWNER))
            faults.point("restore.loaded")
            yield Staged(home, manifest, admin, server.dsn(APP))
        meter.step("Stopping the database")
        embedded.stop(home, force=True)
    except OSError as error:
        erase(home)
        raise storage_error(error) from error
    except BaseException:
        # whatever it was, a stop by the user included: nothing is left of it
        erase(home)
        raise


def erase(home: Path) -> None:
    """Remove a home that was restored into, its server and its cluster wherever it lies."""
    embedded.erase(home)
    shutil.rmtree(home, ignore_errors=True)


def extract(source: Path, home: Path, key: BackupKey, *, meter: Meter, keep_objects: bool) -> Manifest:
    """Decrypt and check a backup; write the dump to ``home/database.dump``, and the objects below ``home/objects``.

    Raises:
        UnusableBackup: as ``staged``.
    """

    def begin(first: Manifest) -> None:
        if first.schema > migrate.head():
            raise UnusableBackup(f"The backup was made by a newer version of Lectern ({first.version}); update Lectern first.")
        _refuse_too_large(first, home, keep_objects=keep_objects)
        meter.step("Reading the backup", total=first.dump.bytes + first.object_bytes)

    def open_entry(name: str) -> _Synced | None:
        if name != DUMP and not keep_objects:
            return None
        path = home / name if name == DUMP else home / OBJECTS / name
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return _Synced(path)

    manifest = unpack.read(source, key, begin=begin, open_entry=open_entry, tick=meter.tick)
    if keep_objects:
        (home / OBJECTS).mkdir(exist_ok=True, mode=0o700)
        (home / OBJECTS / STORE_ID).write_text(manifest.store, encoding="ascii")
    return manifest


def _refuse_too_large(manifest: Manifest, home: Path, *, keep_objects: bool) -> None:
    needed = manifest.dump.bytes * (1 + DUMP_GROWS) + (manifest.object_bytes if keep_objects else 0)
    free = shutil.disk_usage(home).free
    if needed > free:
        raise StorageFailed(f"The disk has {free / GIBIBYTE:.1f} GiB free, and this backup needs about {needed / GIBIBYTE:.1f} GiB.")


def _load(admin: Endpoint, source: Path, manifest: Manifest, meter: Meter) -> None:
    meter.step("Loading the database")
    dump.load(admin, source, alive=meter.alive)
    source.unlink()
    check_rows(admin, manifest)


def check_rows(endpoint: Endpoint, manifest: Manifest) -> None:
    """Compare a database that was just loaded with what the backup says about it.

    Raises:
        UnusableBackup: rows or version differ.
    """
    found = dump.counts(endpoint)
    if found != dict(manifest.rows):
        wrong = sorted(name for name in found.keys() | manifest.rows.keys() if found.get(name) != manifest.rows.get(name))
        log.error("restored rows differ from the manifest", tables=wrong)
        raise UnusableBackup("The restored tables do not have the rows that the backup names.")
    if migrate.current(endpoint.dsn) != manifest.schema:
        raise UnusableBackup("The restored tables are not of the version that the backup names.")


class _Synced:
    """A new private file that is on disk once it is closed, where the system has no call that does so for all of them."""

    def __init__(self, path: Path) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        self._file = os.fdopen(os.open(path, flags, 0o600), "wb")

    def write(self, data: memoryview) -> int:
        return self._file.write(data)

    def close(self) -> None:
        if sys.platform == "win32" and not self._file.closed:
            self._file.flush()
            os.fsync(self._file.fileno())
        self._file.close()
