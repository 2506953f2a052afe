"""Print results: aligned text for people, one JSON value for scripts, progress only on a terminal."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import sys
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from backend_core.errors import StorageFailed

WIDEST: Final = 60
BAR: Final = 30


def plain(value: Any) -> Any:
    """Return ``value`` as something JSON knows: records as objects, times as ISO 8601, paths and ids as text."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, dt.datetime):
        return value.isoformat()
    if isinstance(value, float) and value != value:  # noqa: PLR0124  # the test for "not a number"
        return None
    return str(value) if isinstance(value, Path | uuid.UUID) else value


class Output:
    """Where one command prints.

    Args:
        as_json: print exactly one JSON value on standard output and nothing else there.
    """

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json

    def result(self, value: Any, *, text: str) -> None:
        """Print a result: ``value`` for scripts, ``text`` for people."""
        line = _json(plain(value)) if self.as_json else _encodable(text)
        try:
            sys.stdout.write(line + "\n" if line else "")
            sys.stdout.flush()
        except BrokenPipeError:
            raise
        except OSError:
            raise StorageFailed("The output cannot be written.") from None

    def note(self, text: str) -> None:
        """Say something on the way, to people only."""
        if not self.as_json:
            sys.stderr.write(text + "\n")

    def progress(self, done: int, total: int, *, what: str = "") -> None:
        """Draw a bar on a terminal; say nothing elsewhere."""
        if self.as_json or not sys.stderr.isatty() or total <= 0:
            return
        filled = BAR * done // total
        sys.stderr.write(f"\r{what:<24.24} [{'#' * filled}{'.' * (BAR - filled)}] {done}/{total}")
        if done >= total:
            sys.stderr.write("\n")
        sys.stderr.flush()


def _json(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    # a terminal of another encoding, or a file name that is no text, must not make it anything but JSON
    return text if _encodable(text) == text else json.dumps(value)


def _encodable(text: str) -> str:
    """Return ``text`` with what standard output cannot write replaced by question marks."""
    encoding = sys.stdout.encoding or "utf-8"
    return text.encode(encoding, "replace").decode(encoding)


def table(headings: Sequence[str], rows: Sequence[Sequence[object]], *, empty: str) -> str:
    """Return an aligned table; numbers to the right; ``empty`` when there are no rows.

    Long cells are cut, but for the last column, where sentences stand.
    """
    if not rows:
        return empty
    last = len(headings) - 1
    cells = [["" if cell is None else _short(cell, cut=place < last) for place, cell in enumerate(row)] for row in rows]
    widths = [max(len(heading), *(len(row[place]) for row in cells)) for place, heading in enumerate(headings)]
    numeric = [all(isinstance(row[place], int | float) or row[place] is None for row in rows) for place in range(len(headings))]
    lines = [list(headings), *cells]
    return "\n".join("  ".join(_aligned(cell, widths[n], right=numeric[n]) for n, cell in enumerate(line)).rstrip() for line in lines)


def _short(cell: object, *, cut: bool) -> str:
    text = f"{cell:.1f}" if isinstance(cell, float) else str(cell)
    # control characters in a title must not reach the terminal
    text = "".join(character if character.isprintable() else " " for character in text)
    return text if len(text) <= WIDEST or not cut else text[: WIDEST - 1] + "…"


def _aligned(cell: str, width: int, *, right: bool) -> str:
    return cell.rjust(width) if right else cell.ljust(width)
