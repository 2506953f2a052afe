"""The rows of the index tab: indexes, those that are missing and the promised ones as lines of one table, filtered and ordered."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from desktop.i18n import ago, byte_size, number, tr

if TYPE_CHECKING:
    from backend_core.monitoring.indexes.records import DeclaredIndex, Evidence, IndexChange, IndexRow, IndexView, MissingIndex

ALL: Final = "all"
DECLARED: Final = "declared"
CHIPS: Final = ("unused", "duplicate", "prefix", "invalid", "missing", "withheld", "review")
"""Verdicts worth a chip; what is kept is everything else."""
HATCHED: Final = frozenset({"withheld", "later"})
"""Verdicts that say that nobody knows: a texture, never a colour."""
_DASH: Final = "—"
_SIZES: Final = {"": 1, "k": 1000, "m": 1000**2, "g": 1000**3, "t": 1000**4}
_SIZE: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?", re.IGNORECASE)
_BOUND: Final = re.compile(r"(size|scans):([<>]=?)?(.+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reading:
    """What one look at the indexes found; ``lines`` are those of the table, made in the worker: there may be thousands."""

    view: IndexView
    declared: tuple[DeclaredIndex, ...]
    changes: tuple[IndexChange, ...]
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the table.

    Attributes:
        key: keeps selection and place when the table is filled again.
        verdict: one of the verdicts of an index, or the status of a promised one.
        scans: within the evidence; None where nothing is known or there is no index.
        row, missing, declared: what the line is about.
    """

    key: str
    table: str
    name: str
    below: str
    verdict: str
    reason: str
    size_bytes: int | None
    scans: int | None
    used_at: datetime | None
    locked: bool
    row: IndexRow | None = None
    missing: MissingIndex | None = None
    declared: DeclaredIndex | None = None


VERDICTS: Final[dict[str, tuple[Callable[[], str], str, str]]] = {
    "keep": (lambda: tr("Keep"), "ok", "check"),
    "unused": (lambda: tr("Unused"), "warn", "circle-slash"),
    "duplicate": (lambda: tr("Duplicate"), "warn", "copy"),
    "prefix": (lambda: tr("Prefix of another"), "warn", "layers"),
    "invalid": (lambda: tr("Invalid"), "bad", "circle-x"),
    "missing": (lambda: tr("Missing"), "bad", "circle-plus"),
    "withheld": (lambda: tr("Not enough evidence"), "none", "circle-question-mark"),
    "review": (lambda: tr("Look at it"), "info", "eye"),
    "present": (lambda: tr("Present"), "ok", "check"),
    "different": (lambda: tr("Different"), "bad", "circle-alert"),
    "later": (lambda: tr("Comes later"), "none", "clock"),
}
"""Words, tone and icon of each verdict; the words alone say everything."""
_CHIP_WORDS: Final[dict[str, Callable[[], str]]] = {
    "prefix": lambda: tr("Prefix"),
    "withheld": lambda: tr("Withheld"),
    "review": lambda: tr("Review"),
}


def verdict_words(verdict: str) -> str:
    """Return a verdict in words."""
    return VERDICTS[verdict][0]()


def chip_words(verdict: str) -> str:
    """Return a verdict in the room of a chip."""
    return _CHIP_WORDS.get(verdict, VERDICTS[verdict][0])()


def verdict_icon(line: Line) -> str:
    """Return the icon of a line's verdict; what enforces something is locked in."""
    if line.verdict == "keep" and line.row is not None and line.row.enforces:
        return "lock"
    return VERDICTS[line.verdict][2]


def lines_of(view: IndexView) -> tuple[Line, ...]:
    """Return every index and every missing one, costliest first."""
    lines = [_of_row(row) for row in view.rows]
    lines += [_of_missing(one, place) for place, one in enumerate(view.missing)]
    return tuple(sorted(lines, key=_cost))


def declared_lines(reading: Reading) -> list[Line]:
    """Return the promised indexes in their own order, each with what the catalogue says of it."""
    known = {row.name: row for row in reading.view.rows}
    return [_of_declared(one, known.get(one.name)) for one in reading.declared]


def counts(reading: Reading) -> dict[str, str]:
    """Return what to write on the chips."""
    found = dict.fromkeys(CHIPS, 0)
    for line in reading.lines:
        if line.verdict in found:
            found[line.verdict] += 1
    present = sum(one.status == "present" for one in reading.declared)
    said = {key: number(count) for key, count in found.items()}
    total = len(reading.view.rows) + len(reading.view.missing)
    return {**said, ALL: number(total), DECLARED: tr("{n} of {all}", n=number(present), all=number(len(reading.declared)))}


def chosen(reading: Reading, chip: str, query: str) -> list[Line]:
    """Return the lines of a chip that ``query`` leaves."""
    lines = declared_lines(reading) if chip == DECLARED else reading.lines
    wanted = matcher(query)
    return [line for line in lines if chip in {ALL, DECLARED, line.verdict} and wanted(line)]


def matcher(query: str) -> Callable[[Line], bool]:
    """Return what tells whether a line fits ``query``: words, ``table:x``, ``size:>1MB``, ``scans:0``, ``is:locked``, ``is:declared``."""
    tests = [_test(part) for part in query.split()]
    return lambda line: all(test(line) for test in tests)


def ordered(lines: Iterable[Line], key: str, *, descending: bool) -> list[Line]:
    """Return ``lines`` by a column; lines without a value come last whichever way."""
    value, lines = _ORDERS[key], list(lines)
    known = [line for line in lines if value(line) is not None]
    return sorted(known, key=value, reverse=descending) + [line for line in lines if value(line) is None]


def scans_words(line: Line) -> str:
    """Return how often an index was used within the evidence."""
    return _DASH if line.scans is None else number(line.scans)


def used_words(line: Line) -> str:
    """Return when an index was last used."""
    if line.row is None:
        return _DASH
    if line.verdict == "withheld" and line.used_at is None:
        return tr("withheld")
    return tr("never") if line.used_at is None else ago(line.used_at)


def size_words(line: Line) -> str:
    """Return the size of an index."""
    return _DASH if line.size_bytes is None else byte_size(line.size_bytes)


def span_words(evidence: Evidence) -> str:
    """Return the length of the evidence: 6 d 3 h."""
    days, hours = divmod(int(evidence.hours), 24)
    return tr("{d} d {h} h", d=days, h=hours) if days else tr("{n} h", n=hours) if hours else tr("under 1 h")


def _of_row(row: IndexRow) -> Line:
    below = f"({', '.join(row.columns)})" if row.columns else row.method
    scans = row.window_scans if row.window_scans is not None else row.scans
    return Line(
        key=f"index {row.oid}",
        table=row.table,
        name=row.name,
        below=below + _predicate(row.definition),
        verdict=row.verdict,
        reason=row.reason,
        size_bytes=row.size_bytes,
        scans=scans,
        used_at=row.last_used_at,
        locked=row.locked,
        row=row,
    )


def _of_missing(one: MissingIndex, place: int) -> Line:
    columns = ", ".join(one.columns)
    name = tr("no index on {columns}", columns=columns) if columns else tr("read whole")
    below = one.constraint or tr("{n} rows", n=number(one.rows))
    return Line(
        key=f"missing {one.table} {columns} {place}",
        table=one.table,
        name=name,
        below=below,
        verdict=one.verdict,
        reason=one.reason,
        size_bytes=None,
        scans=None,
        used_at=None,
        locked=False,
        missing=one,
    )


def _of_declared(one: DeclaredIndex, row: IndexRow | None) -> Line:
    where = tr(" where {predicate}", predicate=one.predicate) if one.predicate else ""
    scans = None if row is None else row.window_scans if row.window_scans is not None else row.scans
    return Line(
        key=f"declared {one.number}",
        table=one.table,
        name=one.name,
        below=f"({', '.join(one.columns)}){where}",
        verdict=one.status,
        reason=one.reason or one.purpose,
        size_bytes=None if row is None else row.size_bytes,
        scans=scans,
        used_at=None if row is None else row.last_used_at,
        locked=row is not None and row.locked,
        row=row,
        declared=one,
    )


def _predicate(definition: str) -> str:
    found = definition.partition(" WHERE ")[2].strip()
    while found.startswith("(") and found.endswith(")"):
        found = found[1:-1]
    return tr(" where {predicate}", predicate=found) if found else ""


def _cost(line: Line) -> tuple[int, int, str, str]:
    # what is missing costs on every read, so it stands above what merely takes room
    return (0 if line.missing is not None and line.verdict == "missing" else 1, -(line.size_bytes or 0), line.table, line.name)


def _test(part: str) -> Callable[[Line], bool]:
    low = part.lower()
    bound = _BOUND.fullmatch(part)
    if bound is not None:
        return _bound(bound[1].lower(), bound[2] or "=", bound[3])
    if low.startswith("table:"):
        return lambda line: low[6:] in line.table.lower()
    if low.startswith("is:"):
        return lambda line: _is(line, low[3:])
    return lambda line: any(low in text.lower() for text in (line.table, line.name, line.below, line.reason, verdict_words(line.verdict)))


def _is(line: Line, what: str) -> bool:
    row = line.row
    if what == "locked":
        return line.locked
    if what == "declared":
        return line.declared is not None or (row is not None and row.declared)
    return row is not None and ((what == "invalid" and not row.valid) or (what == "unique" and bool(row.enforces)))


def _bound(what: str, sign: str, words: str) -> Callable[[Line], bool]:
    found = _SIZE.fullmatch(words)
    limit = float(found[1]) * _SIZES[found[2].lower()] if found is not None else math.nan

    def test(line: Line) -> bool:
        value = line.size_bytes if what == "size" else line.scans
        if value is None or math.isnan(limit):
            return False
        return {">": value > limit, ">=": value >= limit, "<": value < limit, "<=": value <= limit, "=": value == limit}[sign]

    return test


_ORDERS: Final[dict[str, Callable[[Line], Any]]] = {
    "table": lambda line: (line.table, line.name),
    "index": lambda line: line.name,
    "scans": lambda line: line.scans,
    "used": lambda line: line.used_at,
    "size": lambda line: line.size_bytes,
    "verdict": lambda line: (VERDICT_ORDER.index(line.verdict), -(line.size_bytes or 0)),
}
VERDICT_ORDER: Final[Sequence[str]] = (
    "invalid", "missing", "different", "duplicate", "prefix", "unused", "review", "withheld", "later", "present", "keep",
)  # fmt: skip
