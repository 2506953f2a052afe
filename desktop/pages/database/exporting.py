"""Writes what a tab shows into a file: JSON with everything, or CSV with one row per line of its table."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from backend_core.errors import StorageFailed

CSV: Final = ".csv"
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula."""


def write(path: Path, facts: Any, rows: Sequence[Mapping[str, object]]) -> None:
    """Write ``rows`` to a path that ends in .csv, and ``facts`` as JSON to any other.

    Args:
        path: where to.
        facts: plain values.
        rows: all with the same keys, which become the header.

    Raises:
        StorageFailed: the file could not be written.
    """
    text = as_csv(rows) if path.suffix.lower() == CSV else json.dumps(facts, indent=2, ensure_ascii=False) + "\n"
    try:
        path.write_text(text, encoding="utf-8", newline="")
    except OSError:
        raise StorageFailed("The file could not be written.") from None


def as_csv(rows: Sequence[Mapping[str, object]]) -> str:
    """Return ``rows`` as CSV with every cell quoted; words that a spreadsheet would take for a formula get an apostrophe.

    >>> print(as_csv([{"host": "=1+1", "size": 3, "age": None}]), end="")
    "host","size","age"
    "'=1+1","3",""
    """
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    if rows:
        writer.writerow(rows[0])
    for row in rows:
        writer.writerow([_cell(value) for value in row.values()])
    return text.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value
