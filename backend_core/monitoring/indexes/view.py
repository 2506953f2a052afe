"""The view of every index: catalogue, definitions, evidence and verdicts, put together."""

from __future__ import annotations

import contextlib
import gc
import time
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Table

from backend_core.monitoring.indexes.catalogue import Catalogue, RawIndex, read, read_few_values, read_last_scans
from backend_core.monitoring.indexes.declared import compare
from backend_core.monitoring.indexes.definitions import Definition, Definitions
from backend_core.monitoring.indexes.evidence import Patience, Window, read_window
from backend_core.monitoring.indexes.foreign_keys import supported
from backend_core.monitoring.indexes.missing import missing
from backend_core.monitoring.indexes.records import ADVISED, INVALID, DeclaredIndex, IndexRow, IndexView
from backend_core.monitoring.indexes.redundancy import SKIPPING_SINCE
from backend_core.monitoring.indexes.verdicts import LEFT_BEHIND, Judged, Rules, enforces, judge
from backend_core.monitoring.link import MonitorLink

FEW: Final = 20
"""Most different values of a first key that the server is thought to skip through."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads the view over one connection; remembers definitions that only the server can write.

    Attributes:
        declared: name of table and index that the schema of Lectern declares.
        patience: how much has to be known before anything is called unused.
    """

    link: MonitorLink
    declared: Collection[tuple[str, str]]
    patience: Patience = field(default_factory=Patience)
    definitions: Definitions = field(default_factory=Definitions)

    def read(self) -> IndexView:
        """Return every index with its verdict.

        Raises:
            DatabaseAway: the server does not answer.
        """
        with _no_collection():
            return self._read()

    def _read(self) -> IndexView:
        began = time.perf_counter()
        catalogue = read(self.link)
        window = read_window(self.link, catalogue, self.patience)
        last = read_last_scans(self.link, catalogue.version)
        written = self.definitions.of(catalogue, self.link)
        judged = judge(catalogue, self._rules(catalogue, window))
        rows = [_row(one, written[one.oid], judged[one.oid], window, self.declared, last.get(one.oid)) for one in catalogue.indexes]
        return IndexView(
            rows=tuple(sorted(rows, key=lambda row: (-row.scans, row.table, row.name))),
            missing=missing(catalogue, window, self.link),
            evidence=window.evidence,
            total_bytes=sum(row.size_bytes for row in rows),
            advised_bytes=sum(row.size_bytes for row in rows if row.verdict in ADVISED),
            read_ms=round((time.perf_counter() - began) * 1000, 1),
            at=catalogue.at,
        )

    def promised(self, tables: Iterable[Table]) -> tuple[DeclaredIndex, ...]:
        """Return the promised indexes of ``tables``, each compared to the catalogue."""
        catalogue = read(self.link)
        return compare(tables, catalogue, self.definitions.of(catalogue, self.link))

    def definition_of(self, catalogue: Catalogue, index: RawIndex) -> str:
        """Return the statement that makes one index."""
        return self.definitions.of(catalogue, self.link)[index.oid].statement

    def _rules(self, catalogue: Catalogue, window: Window) -> Rules:
        few: Collection[tuple[int, int]] = ()
        if catalogue.version >= SKIPPING_SINCE:
            few = read_few_values(self.link, sorted({one.table.oid for one in catalogue.indexes if len(one.keys) == 1}), FEW)
        return Rules(declared=self.declared, supports=supported(catalogue), few=few, use=window.use)


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """Put the garbage collector off: tens of thousands of small records, none of them garbage, would have it walk the heap each time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _row(
    index: RawIndex,
    written: Definition,
    judged: Judged,
    window: Window,
    declared: Collection[tuple[str, str]],
    last: object,
) -> IndexRow:
    return IndexRow(
        oid=index.oid,
        table=index.table.shown,
        name=index.name,
        schema=index.table.schema,
        columns=written.columns,
        method=index.method,
        definition=written.statement,
        scans=index.scans,
        window_scans=window.scans(index),
        last_used_at=last,  # type: ignore[arg-type]  # as the driver gives it
        size_bytes=index.size_bytes,
        declared=index.table.schema == "public" and (index.table.name, index.name) in declared,
        enforces=enforces(index),
        valid=index.valid,
        verdict=judged.verdict,
        reason=judged.reason,
        covers=judged.covers,
        locked=index.locked,
        sql=_sql(index, judged),
    )


def _sql(index: RawIndex, judged: Judged) -> str:
    if judged.verdict not in ADVISED:
        return ""
    left = index.name.rstrip("0123456789").endswith(LEFT_BEHIND)
    if judged.verdict == INVALID and not left:
        return f"REINDEX INDEX CONCURRENTLY {index.full};"
    return f"DROP INDEX CONCURRENTLY {index.full};"


def declared_names(tables: Iterable[Table]) -> frozenset[tuple[str, str]]:
    """Return table and name of every index the tables declare."""
    return frozenset((table.name, str(one.name)) for table in tables for one in table.indexes)
