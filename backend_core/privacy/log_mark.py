"""What was written to the log files since a moment, and whether words of a conversation stand in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class LogMark:
    """How long each log file was when a run began."""

    folder: Path
    sizes: Mapping[Path, int]

    @classmethod
    def now(cls, folder: Path) -> LogMark:
        """Remember how long the files are."""
        return cls(folder, {path: path.stat().st_size for path in _files(folder)})

    def added(self) -> Mapping[Path, bytes]:
        """Return what was written since; of a file that was begun anew all of it."""
        found = {}
        for path in _files(self.folder):
            size = self.sizes.get(path, 0)
            with path.open("rb") as file:
                file.seek(size if path.stat().st_size >= size else 0)
                found[path] = file.read()
        return found


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*") if path.is_file()) if folder.is_dir() else []


def spilled(mark: LogMark, words: Mapping[str, str]) -> dict[str, str]:
    """Return the owners whose word stands in a log file, and which one.

    Args:
        mark: of the beginning of the run.
        words: canary by owner.
    """
    added = mark.added()
    return {owner: path.name for owner, word in words.items() for path, data in added.items() if word.encode() in data}
