"""Objects in a folder: written to a temporary file, synced, then renamed into place."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from backend_core.durable import sync_folder
from backend_core.errors import DamagedObject, StorageFailed

CHUNK = 1 << 20
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT}) if hasattr(errno, "EDQUOT") else frozenset({errno.ENOSPC})


def hash_file(path: Path) -> tuple[str, int]:
    """Return the SHA-256 (hex) and the size in bytes of a file, read in pieces."""
    digest = hashlib.sha256()
    size = 0
    with path.open("rb") as source:
        while chunk := source.read(CHUNK):
            digest.update(chunk)
            size += len(chunk)
    return digest.hexdigest(), size


def _claim_name(fresh: Path, path: Path) -> None:
    """Give ``fresh`` the name ``path`` unless somebody else was first."""
    try:
        os.link(fresh, path)  # fails if the name is taken, unlike a rename
    except FileExistsError:
        return
    except OSError:
        # network and memory-card folders may know no links; there two first starts in one moment are the risk
        if not path.exists():
            fresh.replace(path)


def key_of(sha256: str) -> str:
    """Return the object key for a content hash; user-given names never take part.

    >>> key_of("ab12")
    'ab/ab12'
    """
    return f"{sha256[:2]}/{sha256}"


class FolderStore:
    """Content-addressed files below one folder.

    Args:
        root: created on first use, readable by its owner only.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def identity(self) -> str:
        """Return the name this folder gave itself when it was first used; a shared folder has one name for everybody.

        Raises:
            StorageFailed: the folder cannot be written to.
        """
        path = self.root / ".store-id"
        try:
            self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not path.exists():
                fresh = self.root / f".store-id-{secrets.token_hex(4)}"
                fresh.write_text(secrets.token_hex(8), encoding="ascii")
                _claim_name(fresh, path)
                fresh.unlink(missing_ok=True)
            return path.read_text(encoding="ascii").strip()
        except OSError as error:
            raise _storage_error(error) from error

    def put(self, source: Path, *, key: str) -> None:
        """Copy ``source`` to ``key``; afterwards the object is complete and on disk, or as it was before.

        Raises:
            StorageFailed: the folder cannot be written to, or is full, or ``source`` no longer has the content the key names.
        """
        target = self.root / key
        partial = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
        try:
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with source.open("rb") as reader, partial.open("xb") as writer:
                shutil.copyfileobj(reader, writer, CHUNK)
                writer.flush()
                os.fsync(writer.fileno())
            # a file that somebody still writes to must not take the place of one that is sound
            if hash_file(partial)[0] != target.name:
                partial.unlink()
                raise StorageFailed("The file changed while it was read.")
            partial.replace(target)
            sync_folder(target.parent)
        except OSError as error:
            # the sweeper removes what cannot be removed now
            with contextlib.suppress(OSError):
                partial.unlink()
            raise _storage_error(error) from error

    def verified(self, key: str, *, sha256: str) -> Path:
        """Return the path of an object after its content was compared with its hash.

        Raises:
            DamagedObject: missing, or the bytes differ.
        """
        path = self.root / key
        try:
            actual, _ = hash_file(path)
        except FileNotFoundError:
            raise DamagedObject("A stored file is missing.") from None
        except OSError as error:
            raise _storage_error(error) from error
        if actual != sha256:
            raise DamagedObject("A stored file was changed outside Lectern and is not used.")
        return path

    def delete(self, key: str) -> None:
        """Remove an object; one that is already gone is fine."""
        try:
            (self.root / key).unlink(missing_ok=True)
        except OSError as error:
            raise _storage_error(error) from error

    def exists(self, key: str) -> bool:
        """Return whether the object is there, without reading it."""
        return (self.root / key).is_file()

    def keys(self) -> Iterator[str]:
        """Yield the key of every complete object."""
        for path in self.root.glob("??/*"):
            if not path.name.startswith("."):
                yield f"{path.parent.name}/{path.name}"

    def older(self, key: str, *, than: float) -> bool:
        """Return whether the object was written before ``than`` (seconds since 1970); False if it is gone."""
        try:
            return (self.root / key).stat().st_mtime <= than
        except OSError:
            return False

    def partials(self) -> Iterator[Path]:
        """Yield files of uploads that were cut off or are under way."""
        yield from self.root.glob("??/.*")

    def remove_partials(self, *, before: float) -> int:
        """Remove files of uploads last written before ``before`` (seconds since 1970); return how many."""
        removed = 0
        for path in self.partials():
            # one that is under way may get its final name while we look
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime <= before:
                    path.unlink()
                    removed += 1
        return removed

    def probe(self) -> int:
        """Write, read back and remove a small file; return the free bytes of the disk.

        Raises:
            StorageFailed: any of it failed.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
            path = self.root / f".probe-{secrets.token_hex(4)}"
            path.write_bytes(b"probe")
            path.read_bytes()
            path.unlink()
            return shutil.disk_usage(self.root).free
        except OSError as error:
            raise _storage_error(error) from error


def _storage_error(error: OSError) -> StorageFailed:
    if error.errno in _FULL:
        return StorageFailed("The disk that holds Lectern's files is full.")
    return StorageFailed("The folder that holds Lectern's files cannot be used.")
