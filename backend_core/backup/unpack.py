"""Reads an archive while it is decrypted, and takes nothing on trust.

Each header must be exactly the one we would have written for an expected file in the expected order, so links, odd names, doubles and
extensions have no way in; each file must have the size and the hash that the signed manifest gives.
"""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Final, Protocol

import pyrage
from pyrage import x25519

from backend_core.backup.archive import DUMP, END, MANIFEST, OBJECTS, Tick, header, padding
from backend_core.backup.failures import storage_error
from backend_core.backup.keys import BackupKey
from backend_core.backup.manifest import LARGEST, NOT_SOUND, Manifest, Stored, decode
from backend_core.errors import LecternError, UnreadableFile, UnusableBackup
from backend_core.storage.folder import key_of

MAGIC: Final = b"age-encryption.org/v1\n"
WRONG_KEY: Final = "This key does not open the backup: it was made with another key, or its beginning was changed."
NO_BACKUP: Final = "That file is not a Lectern backup."
_NO_MATCH: Final = "No matching keys"


class Writable(Protocol):
    """Where one entry goes."""

    def write(self, data: memoryview, /) -> object:
        """Take the next piece."""

    def close(self) -> object:
        """Take no more; may be called twice."""


Open = Callable[[str], Writable | None]
"""Returns where an entry goes, or None for one that is only to be checked."""


def read(source: Path, key: BackupKey, *, begin: Callable[[Manifest], None], open_entry: Open, tick: Tick) -> Manifest:
    """Read the archive to its end and return its last manifest.

    Args:
        source: the encrypted file.
        key: opens it.
        begin: called with the first manifest, before any file; raises to stop.
        open_entry: called with ``database.dump`` or ``ab/ab12...``.
        tick: told how far it is; raises to stop.

    Raises:
        UnreadableFile: it cannot be opened.
        UnusableBackup: not a backup, cut off, changed, or made with another key.
        StorageFailed: what was read cannot be written.
    """
    reader = _Reader(key, begin, open_entry, tick)
    try:
        with source.open("rb") as file:
            if file.read(len(MAGIC)) != MAGIC:
                raise UnusableBackup(NO_BACKUP)
            file.seek(0)
            _decrypt(file, reader, key)
    except OSError as error:
        raise UnreadableFile("The backup file cannot be read.") from error
    finally:
        reader.close()
    return reader.finish()


def _decrypt(file: IO[bytes], reader: _Reader, key: BackupKey) -> None:
    watched = _Readable(file)
    try:
        pyrage.decrypt_io(watched, reader, [x25519.Identity.from_str(key.identity)])
    except (pyrage.DecryptError, OSError, LecternError) as error:
        if watched.failure or reader.failure:
            raise watched.failure or reader.failure from None  # type: ignore[misc]  # one of them is there
        raise UnusableBackup(WRONG_KEY if _NO_MATCH in str(error) else NOT_SOUND) from None


class _Readable:
    """The encrypted file; a failure to read it is told apart from one to make sense of it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.failure: OSError | None = None

    def read(self, size: int = -1) -> bytes:
        try:
            return self._file.read(size)
        except OSError as error:
            self.failure = error
            raise


class _Reader:
    """Takes the decrypted stream apart."""

    def __init__(self, key: BackupKey, begin: Callable[[Manifest], None], open_entry: Open, tick: Tick) -> None:
        self._key, self._begin, self._open, self._tick = key, begin, open_entry, tick
        self._first: Manifest | None = None
        self._last: Manifest | None = None
        self._entry: _Entry | None = None
        self._block = bytearray()
        self._skip = 0
        self._next = -1
        """Place in the list of expected files; -1 is the database."""
        self._skipped: list[str] = []
        self._tail = 0
        self.failure: BaseException | None = None

    def write(self, data: bytes) -> int:
        """Take the next piece of the stream."""
        if self.failure is not None:
            # the library hands over what it still holds even after a failure
            raise self.failure
        try:
            left = memoryview(data)
            while left:
                left = left[self._take(left) :]
        except OSError as error:
            self.failure = storage_error(error)
            raise
        except (LecternError, KeyboardInterrupt) as error:
            self.failure = error
            raise
        return len(data)

    def flush(self) -> None:
        """Do nothing: files are complete when they are closed."""

    def close(self) -> None:
        """Close what is open."""
        if self._entry is not None:
            self._entry.close()

    def finish(self) -> Manifest:
        """Return the last manifest, once the stream has ended where it should."""
        if self._last is None or self._tail != len(END):
            raise UnusableBackup(NOT_SOUND)
        return self._last

    def _take(self, data: memoryview) -> int:
        if self._last is not None and not self._skip:
            return self._after_the_end(data)
        if self._skip:
            used = min(self._skip, len(data))
            self._skip -= used
            return used
        if self._entry is not None:
            return self._fill(self._entry, data)
        used = min(tarfile.BLOCKSIZE - len(self._block), len(data))
        self._block += data[:used]
        if len(self._block) == tarfile.BLOCKSIZE:
            block, self._block = bytes(self._block), bytearray()
            self._start(block)
        return used

    def _after_the_end(self, data: memoryview) -> int:
        self._tail += len(data)
        if self._tail > len(END) or any(data):
            raise UnusableBackup(NOT_SOUND)
        return len(data)

    def _fill(self, entry: _Entry, data: memoryview) -> int:
        part = data[: entry.left]
        entry.write(part)
        if not entry.is_manifest:
            self._tick(len(part))
        if not entry.left:
            self._end(entry)
        return len(part)

    def _start(self, block: bytes) -> None:
        try:
            info = tarfile.TarInfo.frombuf(block, "utf-8", "strict")
            sound = header(info.name, info.size, mtime=int(info.mtime)) == block
        except (tarfile.HeaderError, ValueError):
            sound = False
        if not sound:
            raise UnusableBackup(NOT_SOUND)
        self._entry = self._expected(info.name, info.size)
        if not info.size:
            self._end(self._entry)

    def _expected(self, name: str, size: int) -> _Entry:
        if name == MANIFEST and size <= LARGEST and (self._first is None or self._next >= 0):
            return _Entry(Stored("", size), None)
        stored = None if self._first is None else self._find(self._first, name)
        if stored is None or stored.bytes != size:
            raise UnusableBackup(NOT_SOUND)
        return _Entry(stored, self._open(name.removeprefix(OBJECTS)), is_manifest=False)

    def _find(self, first: Manifest, name: str) -> Stored | None:
        if self._next < 0:
            self._next = 0
            return first.dump if name == DUMP else None
        while self._next < len(first.objects):
            one = first.objects[self._next]
            self._next += 1
            if name == OBJECTS + key_of(one.sha256):
                return one
            self._skipped.append(one.sha256)
        return None

    def _end(self, entry: _Entry) -> None:
        self._entry = None
        self._skip = padding(entry.stored.bytes)
        entry.close()
        if not entry.is_manifest:
            if entry.digest.hexdigest() != entry.stored.sha256:
                raise UnusableBackup(NOT_SOUND)
            return
        found = decode(bytes(entry.content), self._key)
        if self._first is None:
            self._first = found
            self._begin(found)
            return
        self._skipped += [one.sha256 for one in self._first.objects[self._next :]]
        if found != self._first.finished(tuple(self._skipped)):
            raise UnusableBackup(NOT_SOUND)
        self._last = found


class _Entry:
    """One file of the archive while it is read."""

    def __init__(self, stored: Stored, file: Writable | None, *, is_manifest: bool = True) -> None:
        self.stored = stored
        self.is_manifest = is_manifest
        self.left = stored.bytes
        self.digest = hashlib.sha256()
        self.content = bytearray()
        self._file = file

    def write(self, part: memoryview) -> None:
        self.left -= len(part)
        if self.is_manifest:
            self.content += part
            return
        self.digest.update(part)
        if self._file is not None:
            self._file.write(part)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
