"""Make a change of a folder outlast a power cut."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def sync_folder(folder: Path) -> None:
    """Make what was created, renamed or removed in ``folder`` durable; Windows has no such call and needs none.

    Raises:
        OSError: the folder cannot be opened or written.
    """
    if sys.platform != "win32":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
