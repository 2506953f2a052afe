"""Makes one backup file: complete and under its final name, or not there at all."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from backend_core import faults
from backend_core.backup import archive
from backend_core.backup.dump import Endpoint, dump, snapshot
from backend_core.backup.failures import storage_error
from backend_core.backup.keys import BackupKey
from backend_core.backup.manifest import Manifest
from backend_core.durable import sync_folder
from backend_core.errors import Cancelled, Conflict, InvalidInput
from backend_core.storage.folder import FolderStore

SUFFIX: Final = ".lectern-backup"
LONGEST_NAME: Final = 150
SCRATCH: Final = "backup-"
TOUCH_S: Final = 30.0
TELL_S: Final = 0.1
Progress = Callable[[str, int, int], object]
"""Told the step in words, the bytes done, and all bytes, 0 while unknown."""
Stop = Callable[[], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Everything that one backup is made of.

    Attributes:
        endpoint: reads the whole database.
        store: where the objects are.
        key: for which it is encrypted.
        scratch: where the dump lies while it is packed; as private as the database itself.
        owner: digest of the home, by which files of interrupted backups are recognised.
    """

    endpoint: Endpoint
    store: FolderStore
    key: BackupKey
    scratch: Path
    owner: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A finished file that still has its temporary name.

    Attributes:
        partial: where it is.
        path: where it belongs.
        seconds: how long it took.
    """

    partial: Path
    path: Path
    sha256: str
    bytes: int
    manifest: Manifest
    seconds: float

    def publish(self) -> None:
        """Give it its name.

        Raises:
            Conflict: there is a file of that name by now.
            StorageFailed: the folder cannot be used any more.
        """
        if not self.partial.exists() and self.path.exists():
            # another process found it complete and recorded, and gave it its name
            return
        if self.path.exists():
            raise Conflict("There is already a file of that name; it was left alone.")
        try:
            self.partial.replace(self.path)
            sync_folder(self.path.parent)
        except OSError as error:
            raise storage_error(error) from error

    def discard(self) -> None:
        """Remove it."""
        self.partial.unlink(missing_ok=True)


class Meter:
    """Passes progress on, and stops the work when somebody asked for that."""

    def __init__(self, progress: Progress | None, should_stop: Stop | None, *, keep_fresh: Path | None = None) -> None:
        self._progress, self._should_stop = progress, should_stop
        self._keep_fresh = keep_fresh
        self._touched = time.monotonic()
        self._step, self._done, self._total = "", 0, 0
        self._next = 0.0

    def step(self, words: str, *, total: int = 0) -> None:
        """Begin a step of ``total`` bytes, 0 for unknown."""
        self._step, self._done, self._total = words, 0, total
        self.tick(0)

    def tick(self, count: int) -> None:
        """Say that ``count`` more bytes are done.

        Raises:
            Cancelled: somebody asked to stop.
        """
        self._done += count
        self.alive()
        now = time.monotonic()
        if self._progress is not None and (now >= self._next or self._done in {0, self._total}):
            self._next = now + TELL_S
            self._progress(self._step, self._done, self._total)

    def alive(self) -> None:
        """Say that work goes on.

        Raises:
            Cancelled: somebody asked to stop.
        """
        if self._should_stop is not None and self._should_stop():
            raise Cancelled("Cancelled; nothing is left of it.")
        # whoever tidies up removes folders that nobody has touched for long
        if self._keep_fresh is not None and time.monotonic() - self._touched > TOUCH_S:
            self._touched = time.monotonic()
            os.utime(self._keep_fresh)


def make(
    recipe: Recipe,
    path: Path,
    *,
    begin: Callable[[], object],
    finish: Callable[[Made], object],
    progress: Progress | None = None,
    should_stop: Stop | None = None,
) -> Made:
    """Write a backup to ``path``.

    Args:
        recipe: what it is made of.
        path: must not exist.
        begin: called first, when no other backup of this database can be under way; raises to stop.
        finish: called last, still alone, with the complete file under its temporary name: records it, then publishes it.
        progress: told how far it is.
        should_stop: asked often.

    Raises:
        InvalidInput: that name cannot be used.
        Conflict: the file exists, or another backup of this database is being made.
        StorageFailed: a disk is full or a folder cannot be used.
        Cancelled: ``should_stop`` said so.
        DatabaseAway, NotAllowed: the database does not answer, or this sign-in may not read all of it.
    """
    began = time.monotonic()
    _refuse(path)
    partial = partial_of(path, owner=recipe.owner)
    try:
        with _folder(recipe.scratch) as work, snapshot(recipe.endpoint) as held:
            begin()
            # nobody else makes a backup of this database now, so whatever has our mark was left behind
            remove_partials(path.parent, owner=recipe.owner)
            _remove_scratch(recipe.scratch, but=work)
            meter = Meter(progress, should_stop, keep_fresh=work)
            meter.step("Reading the database")
            dumped = dump(held, work / "database.dump", alive=meter.alive)
            manifest = held.manifest(store=recipe.store.identity(), dump=dumped)
            faults.point("backup.dumped")
            written = _pack(recipe, manifest, work / "database.dump", partial, meter)
            made = Made(
                partial=partial,
                path=path,
                sha256=written.sha256,
                bytes=written.bytes,
                manifest=manifest.finished(written.damaged),
                seconds=time.monotonic() - began,
            )
            _complete(made, finish)
            return made
    except OSError as error:
        raise storage_error(error) from error


def _complete(made: Made, finish: Callable[[Made], object]) -> None:
    with contextlib.ExitStack() as undo:
        undo.callback(made.discard)
        finish(made)
        undo.pop_all()


def _pack(recipe: Recipe, manifest: Manifest, dumped: Path, partial: Path, meter: Meter) -> archive.Written:
    meter.step("Writing the backup", total=manifest.dump.bytes + manifest.object_bytes)
    with contextlib.ExitStack() as undo:
        undo.callback(partial.unlink, missing_ok=True)
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        with os.fdopen(descriptor, "wb") as file:
            written = archive.write(file, manifest, dump=dumped, store=recipe.store, key=recipe.key, tick=meter.tick)
            file.flush()
            os.fsync(file.fileno())
        sync_folder(partial.parent)
        undo.pop_all()
    faults.point("backup.written")
    return written


def _refuse(path: Path) -> None:
    # control characters and names over the limit would fail later, with the work done
    if not path.name.isprintable() or not 0 < len(os.fsencode(path.name)) <= LONGEST_NAME or path.name.startswith("."):
        raise InvalidInput(f"A backup's name has 1 to {LONGEST_NAME} printable characters and does not begin with a dot.")
    if path.is_symlink() or path.exists():
        raise Conflict("There is already a file of that name; it was left alone.")
    if not path.parent.is_dir():
        raise InvalidInput("The folder for the backup does not exist.")


def partial_of(path: Path, *, owner: str) -> Path:
    """Return the temporary name of a backup under way."""
    return path.with_name(f".{path.name}.{owner}.partial")


def remove_partials(folder: Path, *, owner: str) -> int:
    """Remove what interrupted backups of this home left in ``folder``; return how many."""
    found = list(folder.glob(f".*.{owner}.partial"))
    for path in found:
        path.unlink(missing_ok=True)
    return len(found)


def _remove_scratch(scratch: Path, *, but: Path) -> None:
    for folder in scratch.glob(f"{SCRATCH}*"):
        if folder != but:
            # a dump that lies open in there must not wait for the regular clean-up
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _folder(scratch: Path) -> Iterator[Path]:
    """Make a private folder that is gone afterwards."""
    work = scratch / f"{SCRATCH}{secrets.token_hex(6)}"
    scratch.mkdir(parents=True, exist_ok=True, mode=0o700)
    work.mkdir(mode=0o700)
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)
