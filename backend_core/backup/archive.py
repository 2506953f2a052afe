"""Writes the archive: a tar stream of plain files with known names, encrypted while it is made.

Order: manifest, database, objects by name, manifest again. No more than a piece of one file is ever in memory. `age` and `tar` can open it.
"""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

import pyrage
from pyrage import x25519

from backend_core import faults
from backend_core.backup.failures import storage_error
from backend_core.backup.keys import BackupKey
from backend_core.backup.manifest import Manifest, Stored, encode
from backend_core.errors import DamagedObject, LecternError, StorageFailed
from backend_core.storage.folder import CHUNK, FolderStore, key_of

MANIFEST: Final = "manifest.json"
DUMP: Final = "database.dump"
OBJECTS: Final = "objects/"
END: Final = bytes(2 * tarfile.BLOCKSIZE)
Tick = Callable[[int], None]
"""Told how many bytes were done since it was last called; raises Cancelled to stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """One finished archive.

    Attributes:
        sha256: of the encrypted file.
        bytes: of the encrypted file.
        damaged: hashes of the objects that were missing or damaged and are not in it.
    """

    sha256: str
    bytes: int
    damaged: tuple[str, ...]


def header(name: str, size: int, *, mtime: int) -> bytes:
    """Return the tar header of one plain file."""
    info = tarfile.TarInfo(name)
    info.size, info.mtime, info.mode = size, mtime, 0o600
    return info.tobuf(tarfile.GNU_FORMAT)


def padding(size: int) -> int:
    """Return how many bytes follow a file of ``size`` bytes up to the next header."""
    return -size % tarfile.BLOCKSIZE


def write(target: IO[bytes], manifest: Manifest, *, dump: Path, store: FolderStore, key: BackupKey, tick: Tick) -> Written:
    """Write the archive to ``target``, an empty file open for writing.

    Raises:
        StorageFailed: the disk is full, or a file changed while it was read.
        Cancelled: ``tick`` said so.
    """
    damaged: list[str] = []
    source = _Source(_pieces(manifest, dump, store, key, tick, damaged))
    sink = _Sink(target)
    try:
        pyrage.encrypt_io(source, sink, [x25519.Recipient.from_str(key.recipient)])
    except (pyrage.EncryptError, OSError, LecternError) as error:
        # the library reduces our own errors to words
        raise source.failure or sink.failure or error from None
    return Written(sha256=sink.digest.hexdigest(), bytes=sink.bytes, damaged=tuple(damaged))


def _pieces(manifest: Manifest, dump: Path, store: FolderStore, key: BackupKey, tick: Tick, damaged: list[str]) -> Iterator[bytes]:
    mtime = int(manifest.created_at.timestamp())
    yield from _text(encode(manifest, key), mtime)
    yield from _file(DUMP, dump, manifest.dump, mtime, tick)
    faults.point("backup.dump_written")
    for one in manifest.objects:
        name = key_of(one.sha256)
        try:
            path = store.verified(name, sha256=one.sha256)
        except DamagedObject:
            # a backup without it is better than none; who restores is told
            damaged.append(one.sha256)
            continue
        yield from _file(OBJECTS + name, path, one, mtime, tick)
        faults.point("backup.object_written")
    yield from _text(encode(manifest.finished(tuple(damaged)), key), mtime)
    yield END


def _text(content: bytes, mtime: int) -> Iterator[bytes]:
    yield header(MANIFEST, len(content), mtime=mtime)
    yield content
    yield bytes(padding(len(content)))


def _file(name: str, path: Path, facts: Stored, mtime: int, tick: Tick) -> Iterator[bytes]:
    digest, left = hashlib.sha256(), facts.bytes
    yield header(name, facts.bytes, mtime=mtime)
    with path.open("rb") as file:
        while left and (chunk := file.read(min(CHUNK, left))):
            digest.update(chunk)
            left -= len(chunk)
            tick(len(chunk))
            yield chunk
    if left or digest.hexdigest() != facts.sha256:
        raise StorageFailed("A stored file changed while it was copied.")
    yield bytes(padding(facts.bytes))


class _Source:
    """Pieces as a file that can be read."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._piece = memoryview(b"")
        self.failure: BaseException | None = None

    def read(self, size: int = CHUNK) -> bytes:
        try:
            while not self._piece:
                self._piece = memoryview(next(self._pieces))
        except StopIteration:
            return b""
        except (LecternError, OSError, KeyboardInterrupt) as error:
            self.failure = _known(error)
            raise
        part, self._piece = self._piece[:size], self._piece[size:]
        return bytes(part)


class _Sink:
    """A file that is hashed while it is written."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.digest = hashlib.sha256()
        self.bytes = 0
        self.failure: BaseException | None = None

    def write(self, data: bytes) -> int:
        if self.failure is not None:
            # the library hands over what it still holds even after a failure
            raise self.failure
        try:
            self._file.write(data)
        except OSError as error:
            self.failure = _known(error)
            raise
        self.digest.update(data)
        self.bytes += len(data)
        return len(data)

    def flush(self) -> None:
        self._file.flush()


def _known(error: BaseException) -> BaseException:
    return storage_error(error) if isinstance(error, OSError) else error
