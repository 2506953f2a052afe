"""What is left when the window dies without a word: a stack written by the interpreter, kept here and nowhere else."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, TextIO

from backend_core.redaction import redact

FILE: Final = "desktop-crash.log"
LAST: Final = "desktop-crash.last.log"
LONGEST: Final = 20_000


def last_crash(folder: Path) -> str | None:
    """Return the report of a crash nobody was told about yet, redacted; asking again returns nothing.

    The report itself stays in the folder under another name until the next crash.
    """
    path = folder / FILE
    try:
        if path.stat().st_size == 0:
            return None
        with path.open(encoding="utf-8", errors="replace") as file:
            text = file.read(LONGEST)
        path.replace(folder / LAST)
    except OSError:
        return None
    return redact(text)


def open_crash_file(folder: Path) -> TextIO:
    """Return the file a crash is written to, readable by its owner only.

    Raises:
        OSError: it cannot be made.
    """
    return os.fdopen(os.open(folder / FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a", encoding="utf-8")
