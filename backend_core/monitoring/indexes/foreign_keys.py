"""Which indexes a foreign key relies on, and which foreign keys have none."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from backend_core.monitoring.indexes.catalogue import Catalogue, ForeignKey, RawIndex, Relation

# methods that find rows by one value of their leading key
ORDERED: Final = "btree"
BY_FIRST_KEY: Final = frozenset({"hash", "gist", "spgist"})
_NODES: Final = re.compile(r"\{([A-Z]+)")
_HARMLESS: Final = frozenset({"NULLTEST", "VAR", "RELABELTYPE", "BOOLEXPR"})
_TESTS: Final = re.compile(r":nulltesttype (\d)")
_COLUMNS: Final = re.compile(r":varattno (\d+)")
_IS_NOT_NULL: Final = "1"


@dataclass(frozen=True, slots=True)
class Unserved:
    """A foreign key without an index that finds the rows that refer to one row; ``partly`` one that finds more than those."""

    table: Relation
    columns: tuple[int, ...]
    names: tuple[str, ...]
    partly: str | None


def serves(index: RawIndex, columns: Sequence[int]) -> bool:
    """Return whether the server can look up values of all ``columns`` in ``index``, and finds every row that has them."""
    # the first key decides most of them
    if index.keys[0].what not in columns or not index.valid or not _complete(index, columns):
        return False
    leading = _leading(index)
    if any(not _own_collation(index, place) for place in range(min(len(columns), len(index.keys)))):
        return False
    if index.method == ORDERED and set(leading[: len(columns)]) == set(columns):
        return True
    if index.method in BY_FIRST_KEY and len(columns) == 1:
        return index.keys[0].what == columns[0]
    # at most one row has the same values in fewer columns
    return index.unique and index.predicate is None and len(leading) == len(index.keys) and set(leading) < set(columns)


def _leading(index: RawIndex) -> list[int]:
    found: list[int] = []
    for key in index.keys:
        if not isinstance(key.what, int):
            break
        found.append(key.what)
    return found


def _own_collation(index: RawIndex, place: int) -> bool:
    """Return whether a key is sorted as its column is compared."""
    key = index.keys[place]
    column = index.table.columns.get(key.what) if isinstance(key.what, int) else None
    return column is None or key.collation in {0, column.collation}


def _complete(index: RawIndex, columns: Iterable[int]) -> bool:
    """Return whether every row with values in ``columns`` is in the index: it is not partial, or leaves out only empty ones."""
    tree = index.predicate
    if tree is None:
        return True
    nodes, tests = _NODES.findall(tree), _TESTS.findall(tree)
    if not set(nodes) <= _HARMLESS or set(tests) != {_IS_NOT_NULL} or nodes.count("VAR") != len(tests):
        return False
    only_and = "{BOOLEXPR" not in tree or (":boolop and" in tree and ":boolop or" not in tree and ":boolop not" not in tree)
    return only_and and set(map(int, _COLUMNS.findall(tree))) <= set(columns)


def _enough(key: ForeignKey, by_table: Mapping[int, Sequence[RawIndex]]) -> list[tuple[int, ...]]:
    """Return sets of columns by any of which all rows that refer to one row are found, and no others.

    All columns of the key are one; so are those that refer to something unique by itself: what else is in the key follows from them.
    """
    place = dict(zip(key.to, key.columns, strict=True))
    found = [key.columns]
    for index in by_table.get(key.referenced, ()):
        named = [one.what for one in index.keys if isinstance(one.what, int)]
        whole = index.unique and index.valid and index.predicate is None and len(named) == len(index.keys)
        if whole and set(named) < set(key.to):
            found.append(tuple(place[number] for number in named))
    return found


def supported(catalogue: Catalogue) -> Mapping[int, str]:
    """Return the name of a foreign key by oid of each index that serves one, or comes closest where none does."""
    by_table = indexes_by_table(catalogue)
    found: dict[int, str] = {}
    for key in catalogue.keys:
        indexes = by_table.get(key.table, ())
        sets = _enough(key, by_table)
        serving = [index for index in indexes if any(serves(index, columns) for columns in sets)]
        near = [index for index in indexes if index.keys[0].what in key.columns and index.predicate is None]
        found |= {index.oid: key.name for index in serving or near}
    return found


def indexes_by_table(catalogue: Catalogue) -> Mapping[int, tuple[RawIndex, ...]]:
    """Return the indexes of each table."""
    found: dict[int, list[RawIndex]] = defaultdict(list)
    for index in catalogue.indexes:
        found[index.table.oid].append(index)
    return {table: tuple(indexes) for table, indexes in found.items()}


def unserved(catalogue: Catalogue) -> tuple[Unserved, ...]:
    """Return the foreign keys without an index, one entry for those of the same columns; of a partitioned table once, not per part."""
    by_table = indexes_by_table(catalogue)
    copies: dict[int, list[ForeignKey]] = defaultdict(list)
    for key in catalogue.keys:
        copies[key.parent].append(key)
    found: dict[tuple[int, tuple[int, ...]], Unserved] = {}
    for key in copies[0]:
        table = catalogue.tables.get(key.table)
        if table is None or all(_served(one, by_table) for one in _held(key, copies, catalogue)):
            continue
        place = (key.table, tuple(sorted(key.columns)))
        before = found[place].names if place in found else ()
        found[place] = Unserved(table, key.columns, (*before, key.name), _partly(key, by_table.get(key.table, ())))
    return tuple(found.values())


def _served(key: ForeignKey, by_table: Mapping[int, Sequence[RawIndex]]) -> bool:
    sets = _enough(key, by_table)
    return any(serves(index, columns) for index in by_table.get(key.table, ()) for columns in sets)


def _held(key: ForeignKey, copies: Mapping[int, Sequence[ForeignKey]], catalogue: Catalogue) -> list[ForeignKey]:
    """Return the foreign key as it stands on the tables that hold rows: itself, or its copies on the parts."""
    table = catalogue.tables.get(key.table)
    if table is None or table.kind != "p":
        return [key]
    below = [part for copy in copies.get(key.oid, ()) if copy.table != key.table for part in _held(copy, copies, catalogue)]
    return below or [key]


def _partly(key: ForeignKey, indexes: Iterable[RawIndex]) -> str | None:
    near = (index for index in indexes if index.valid and index.predicate is None and index.keys[0].what in key.columns)
    return next((index.name for index in near), None)
