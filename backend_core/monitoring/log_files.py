"""Reads the log files of one process backwards, block by block, across rotation; bounded memory, whatever is in them."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

BLOCK: Final = 65_536
LONGEST_LINE: Final = 262_144
_NAME = re.compile(r"(?P<process>[\w-]+)\.log(?:\.(?P<age>\d+))?")


@dataclass(frozen=True, slots=True)
class Place:
    """Where reading of one process goes on: below ``offset`` of the file with this identity, then in older ones."""

    process: str
    identity: int
    offset: int


@dataclass(frozen=True, slots=True)
class RawLine:
    """One line without its end, and the place to go on from to read what is older."""

    text: str
    place: Place


def processes(folder: Path) -> dict[str, list[Path]]:
    """Return the log files below ``folder`` by process, newest first; crash reports are no logs."""
    found: dict[str, list[tuple[int, Path]]] = {}
    try:
        listed = list(folder.iterdir())
    except OSError:
        return {}
    for path in listed:
        match = _NAME.fullmatch(path.name)
        if match and not match["process"].endswith("-crash"):
            found.setdefault(match["process"], []).append((int(match["age"] or 0), path))
    return {process: [path for _, path in sorted(files)] for process, files in sorted(found.items())}


def end_of(process: str, files: list[Path]) -> Place:
    """Return the place after the newest line."""
    for path in files:
        with contextlib.suppress(OSError):
            status = path.stat()
            return Place(process, status.st_ino, status.st_size)
    return Place(process, 0, 0)


def backwards(process: str, files: list[Path], *, start: Place) -> Iterator[RawLine]:
    """Yield lines of one process, newest first, from ``start`` on.

    A file that is rotated while it is read keeps its identity and is found under its new name. One that was cut short is read
    from its new end, and one that is gone had nothing older beside it.
    """
    waiting = True
    for path in files:
        try:
            status = path.stat()
        except OSError:
            continue
        end = status.st_size
        if waiting:
            if status.st_ino != start.identity:
                continue
            waiting, end = False, min(end, start.offset)
        try:
            yield from _file(process, path, identity=status.st_ino, end=end)
        except OSError:
            continue


def _file(process: str, path: Path, *, identity: int, end: int) -> Iterator[RawLine]:
    rest = b""
    with path.open("rb") as file:
        while end > 0:
            start = max(0, end - BLOCK)
            file.seek(start)
            block = file.read(end - start) + rest
            lines = block.split(b"\n")
            # the first piece may be the end of a longer line
            rest = lines.pop(0) if start else b""
            offset = start + len(block)
            for line in reversed(lines):
                offset -= len(line)
                if line.strip():
                    yield RawLine(line.decode("utf-8", "replace"), Place(process, identity, offset))
                offset -= 1
            if len(rest) > LONGEST_LINE:
                yield RawLine(rest.decode("utf-8", "replace"), Place(process, identity, start))
                rest = b""
            end = start
