"""Small files that only their owner may read: written whole or not at all, refused when anybody else could have changed or read them."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
import sys
from pathlib import Path
from typing import Final

from backend_core.durable import sync_folder
from backend_core.errors import SecretsLocked, StorageFailed

LARGEST: Final = 1 << 20
_OTHERS: Final = 0o077
# Not inherited by children, and never through a link that somebody else put there.
_READ: Final = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_CREATE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


def read_private(path: Path, *, from_system: bool = False) -> bytes | None:
    """Return the content of a file that only this user can read, or None if there is none.

    Args:
        path: the file itself, not a link to it.
        from_system: one that belongs to root, and a link to it, are fine too: that is how services get theirs.

    Raises:
        SecretsLocked: others may read or change it, it belongs to somebody else, or it cannot be read.
    """
    try:
        descriptor = os.open(path, _READ & ~getattr(os, "O_NOFOLLOW", 0) if from_system else _READ)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        raise SecretsLocked(f"The file {path.name} cannot be read.") from None
    with os.fdopen(descriptor, "rb") as file:
        _refuse_shared(os.fstat(descriptor), path.name, root_too=from_system)
        try:
            return file.read(LARGEST)
        except OSError:
            raise SecretsLocked(f"The file {path.name} cannot be read.") from None


def write_private(path: Path, content: bytes) -> None:
    """Put ``content`` in place of the file; afterwards it is complete and on disk, or as it was before.

    Raises:
        StorageFailed: the folder cannot be written to.
    """
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(partial, _CREATE, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise StorageFailed(f"The file {path.name} cannot be written.") from error


def _refuse_shared(found: os.stat_result, name: str, *, root_too: bool) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise SecretsLocked(f"{name} is not a file and is not used.")
    if sys.platform != "win32":
        owners = {os.geteuid(), 0} if root_too else {os.geteuid()}
        if found.st_uid not in owners:
            raise SecretsLocked(f"The file {name} belongs to another user and is not used.")
        if found.st_mode & _OTHERS:
            raise SecretsLocked(f"Other users may read or change the file {name}; make it private (chmod 600) to use it.")
