"""Reads what the whole suite logged and names the lines in which a secret would still be found."""

from __future__ import annotations

from pathlib import Path

from backend_core.redaction import redact_line


def leaks(folder: Path) -> list[str]:
    """Return file and line number of every log line below ``folder`` that redaction would change, which it must not have needed to."""
    found = []
    for path in sorted(folder.rglob("*.log*")):
        with path.open(encoding="utf-8", errors="replace") as file:
            found += [f"{path.name}:{number}" for number, line in enumerate(file, 1) if redact_line(line.rstrip("\n")) != line.rstrip("\n")]
    return found
