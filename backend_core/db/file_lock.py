"""Locks between processes on one machine that vanish with the process that holds them."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

POLL_S = 0.02


def try_lock(path: Path) -> int | None:
    """Return an open file descriptor that holds the lock, or None if another process holds it.

    Closing the descriptor, or the end of the process however it comes, releases the lock.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


@contextlib.contextmanager
def locked(path: Path, *, timeout_s: float) -> Iterator[None]:
    """Hold the lock for the body.

    Raises:
        TimeoutError: another process held it all the time.
    """
    deadline = time.monotonic() + timeout_s
    while (descriptor := try_lock(path)) is None:
        if time.monotonic() >= deadline:
            raise TimeoutError(path.name)
        time.sleep(POLL_S)
    try:
        yield
    finally:
        os.close(descriptor)
