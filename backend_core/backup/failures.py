"""Turns failures of files into sentences."""

from __future__ import annotations

import errno

from backend_core.errors import StorageFailed

_FULL = frozenset({errno.ENOSPC, errno.EFBIG} | ({errno.EDQUOT} if hasattr(errno, "EDQUOT") else set()))
FULL = "The disk is full; nothing was changed."


def storage_error(error: OSError) -> StorageFailed:
    """Return the typed error for a file operation of a backup that failed."""
    if error.errno in _FULL:
        return StorageFailed(FULL)
    return StorageFailed("The folder of the backup cannot be used: it may be missing, read-only or belong to another user.")
