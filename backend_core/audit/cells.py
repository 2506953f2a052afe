"""Cells of a CSV file that no spreadsheet takes for a formula, and the way back from them without loss."""

from __future__ import annotations

import unicodedata
from typing import Final

MARK: Final = "'"
FORMULA: Final = frozenset("=+-@|%#\u2212" + MARK)
_INVISIBLE: Final = frozenset({"Cc", "Cf", "Zl", "Zp", "Zs", "Mn", "Me", "Cs", "Co"})


def safe(value: str | None) -> str:
    """Return a cell: an apostrophe before whatever a spreadsheet might run, nothing for nothing, an apostrophe for empty text.

    Signs of full or small width count as the plain ones, and what cannot be seen before them does not hide them.

    >>> safe("=1+1"), safe("plain"), safe(None), safe(""), safe("＝1")
    ("'=1+1", 'plain', '', "'", "'＝1")
    """
    if value is None:
        return ""
    first = value[:1]
    if first.isascii() and first.isalnum():
        return value
    if not first or unicodedata.category(first) in _INVISIBLE:
        return MARK + value
    # "compatible" folds the look-alikes of other widths
    return MARK + value if unicodedata.normalize("NFKC", first)[:1] in FORMULA else value


def original(cell: str) -> str | None:
    """Return what ``safe`` was given.

    >>> original("'=1+1"), original("plain"), original(""), original("'")
    ('=1+1', 'plain', None, '')
    """
    return (cell.removeprefix(MARK) if cell.startswith(MARK) else cell) if cell else None
