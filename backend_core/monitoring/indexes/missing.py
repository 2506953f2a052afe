"""Indexes that are not there: behind foreign keys, and where tables are read whole again and again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from backend_core.monitoring.indexes.catalogue import Catalogue, Relation
from backend_core.monitoring.indexes.evidence import Window
from backend_core.monitoring.indexes.foreign_keys import Unserved, unserved
from backend_core.monitoring.indexes.records import MISSING, REVIEW, MissingIndex
from backend_core.monitoring.indexes.verdicts import QUEUE
from backend_core.monitoring.link import MonitorLink

MANY_ROWS: Final = 10_000
MANY_SCANS: Final = 100
WHOLE: Final = 0.5
"""Share of a table from which on a sequential scan counts as reading it whole."""

LONGEST_NAME: Final = 63
EXPLAIN: Final = "EXPLAIN (GENERIC_PLAN) "

_STATEMENT: Final = """
SELECT x.text FROM statement_texts x JOIN statement_figures f USING (fingerprint)
 WHERE x.text ~* %(pattern)s AND x.text ~* '^\\s*(select|update|delete|with)' GROUP BY x.text ORDER BY sum(f.total_ms) DESC LIMIT 1
"""


def missing(catalogue: Catalogue, window: Window, link: MonitorLink) -> tuple[MissingIndex, ...]:
    """Return what might be missed: foreign keys first, the largest tables first."""
    keys = [_behind_key(one, window) for one in unserved(catalogue) if _ours(one.table)]
    read_whole = [_heavy(table, window, link) for table in catalogue.tables.values() if _ours(table) and _often(table, window)]
    order = [sorted(found, key=lambda one: (-one.rows, one.table, one.columns)) for found in (keys, read_whole)]
    return (*order[0], *order[1])


def _ours(table: Relation) -> bool:
    return table.extension is None and not table.name.startswith(QUEUE)


def _behind_key(one: Unserved, window: Window) -> MissingIndex:
    table = one.table
    columns = [table.columns[number] for number in one.columns]
    names = "_".join(column.name for column in columns)
    why = f"Each change of a row that {', '.join(one.names)} refers to reads all of {table.shown}"
    partly = f", or all that {one.partly} finds by part of the key" if one.partly else ""
    return MissingIndex(
        table=table.shown,
        columns=tuple(column.name for column in columns),
        verdict=MISSING,
        constraint=one.names[0],
        reason=f"{why}{partly}.",
        rows=table.rows,
        sequential_scans=window.sequential(table.oid, table.sequential_scans, table.read)[0],
        sql=_create(table, f"idx_{table.name}_{names}", [column.quoted for column in columns]),
    )


def _create(table: Relation, name: str, columns: Sequence[str]) -> str:
    plain = name.encode()[:LONGEST_NAME].decode(errors="ignore").replace('"', '""')
    # a partitioned table's cannot be made while others write
    how = "" if table.kind == "p" else "CONCURRENTLY "
    return f'CREATE INDEX {how}"{plain}" ON {table.full} ({", ".join(columns)});'


def _often(table: Relation, window: Window) -> bool:
    if table.rows < MANY_ROWS or table.kind == "p":
        return False
    scans, read = window.sequential(table.oid, table.sequential_scans, table.read)
    return scans >= MANY_SCANS and read / scans >= WHOLE * table.rows


def _heavy(table: Relation, window: Window, link: MonitorLink) -> MissingIndex:
    scans, _ = window.sequential(table.oid, table.sequential_scans, table.read)
    # what the recorded statements say; an operator looks at the plan before making anything
    found: Sequence[Mapping[str, Any]] = link.rows(_STATEMENT, {"pattern": rf"\m{table.name}\M"}) if table.name.isidentifier() else ()
    hint = f"{EXPLAIN}{found[0]['text']}" if found else ""
    look = "look at the plan of its dearest statement" if hint else "look at the plans of its statements"
    return MissingIndex(
        table=table.shown,
        columns=(),
        verdict=REVIEW,
        constraint=None,
        reason=f"It was read whole {scans} times; {look} before making an index.",
        rows=table.rows,
        sequential_scans=scans,
        sql=hint,
    )
