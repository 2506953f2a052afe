"""Folders for work in progress: each is removed by the work that made it, or here once that work cannot be alive any more."""

from __future__ import annotations

import contextlib
import shutil
import time
from pathlib import Path


def remove_abandoned(root: Path, *, older_than_s: float) -> int:
    """Remove whatever below ``root`` was made more than ``older_than_s`` seconds ago; return how many entries went."""
    limit = time.time() - older_than_s
    removed = 0
    # the folder is made by the first work that needs it
    for path in list(root.iterdir()) if root.is_dir() else []:
        # its own work may finish and remove it while we look
        with contextlib.suppress(OSError):
            if path.stat().st_mtime <= limit:
                shutil.rmtree(path)
                removed += 1
    return removed
