"""The catalogue as it is at one moment: every table, index and foreign key, read without waiting for anybody's lock."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from backend_core.errors import Cancelled, Conflict
from backend_core.monitoring.indexes.catalogue_sql import CATALOGUE, DEFINITIONS, FEW_VALUES, LAST_SCANS
from backend_core.monitoring.link import MonitorLink

LAST_SCANS_SINCE: Final = 160_000
SMALL_PAGES: Final = 16
_TREE: Final = re.compile(r"\\.|[{}]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table; ``quoted`` as a statement needs it; ``few`` where its type has only a handful of values."""

    number: int
    name: str
    quoted: str
    collation: int
    few: bool


@dataclass(frozen=True, slots=True)
class Relation:
    """A table, or a materialized view.

    Attributes:
        kind: ``r``, ``p`` (partitioned) or ``m``.
        rows: estimated.
        extension: it belongs to.
        sequential_scans: since the statistics began; ``read`` rows were read by them.
    """

    oid: int
    schema: str
    name: str
    quoted_schema: str
    quoted_name: str
    kind: str
    partition: bool
    rows: int
    pages: int
    extension: str | None
    sequential_scans: int
    read: int
    locked: bool
    columns: Mapping[int, Column]

    @property
    def shown(self) -> str:
        """Name for people."""
        return self.name if self.schema == "public" else f"{self.schema}.{self.name}"

    @property
    def full(self) -> str:
        """Name for a statement."""
        return f"{self.quoted_schema}.{self.quoted_name}"


class Key(NamedTuple):
    """One key of an index: a column by number, or an expression; two are interchangeable when they are equal.

    Attributes:
        what: number of the column, or the node tree of the expression.
        descending, nulls_first: as the index keeps them.
    """

    what: int | str
    opclass: int
    collation: int
    option: int


@dataclass(frozen=True, slots=True)
class RawIndex:
    """An index as the catalogue has it.

    Attributes:
        included: numbers of the columns that are only carried along.
        valid: it can be used: not left half built, not being dropped.
        constraint: name of the constraint it carries out; ``constraint_kind`` ``p``, ``u`` or ``x``.
        referenced: a foreign key refers to it.
        building: somebody is making it right now.
        settings: of its storage and operator classes, as far as they change what it finds.
    """

    oid: int
    table: Relation
    name: str
    quoted: str
    method: str
    keys: tuple[Key, ...]
    included: tuple[int, ...]
    unique: bool
    primary: bool
    exclusion: bool
    clustered: bool
    valid: bool
    replica_identity: bool
    nulls_not_distinct: bool
    predicate: str | None
    kind: str
    partition: bool
    options: tuple[str, ...]
    tablespace: bool
    constraint: str | None
    constraint_kind: str | None
    referenced: bool
    settings: str
    scans: int
    size_bytes: int
    locked: bool
    building: bool
    expressions: bool

    @property
    def full(self) -> str:
        """Name for a statement."""
        return f"{self.table.quoted_schema}.{self.quoted}"


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A foreign key: each of ``columns`` refers to that of ``to`` in its place; ``parent`` is the one it is a copy of, or 0."""

    oid: int
    name: str
    table: int
    referenced: int
    columns: tuple[int, ...]
    to: tuple[int, ...]
    parent: int


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything read, at one moment.

    Attributes:
        classes: operator classes by oid: name, whether it is the default one of its type, schema.
        collations: by oid: quoted name, schema.
        usual: keys whose operator class and collation are those every server has.
        version: of the server, as a number.
    """

    indexes: tuple[RawIndex, ...]
    tables: Mapping[int, Relation]
    keys: tuple[ForeignKey, ...]
    classes: Mapping[int, tuple[str, bool, str]]
    collations: Mapping[int, tuple[str, str]]
    usual: frozenset[Key]
    version: int
    at: dt.datetime


def read(link: MonitorLink) -> Catalogue:
    """Return the catalogue; where somebody locks an index in this very moment, sizes are those of the last vacuum.

    Raises:
        DatabaseAway: the server does not answer.
    """
    row = _patiently(lambda: link.rows(CATALOGUE, {"measured": True, "small": SMALL_PAGES})) or link.rows(
        CATALOGUE, {"measured": False, "small": SMALL_PAGES}
    )
    found = row[0]
    tables = {one[0]: _relation(one) for one in found["tables"] or ()}
    classes = {int(oid): tuple(facts) for oid, facts in (found["classes"] or {}).items()}
    collations = {int(oid): tuple(facts) for oid, facts in (found["collations"] or {}).items()}
    indexes = tuple(map(_Indexes(tables).of, found["indexes"] or ()))
    keys = {key for index in indexes for key in index.keys}
    return Catalogue(
        indexes=indexes,
        tables=tables,
        keys=tuple(
            ForeignKey(oid, name, table, other, tuple(on), tuple(to), up) for oid, name, table, other, on, to, up in found["keys"] or ()
        ),
        classes=classes,
        collations=collations,
        usual=frozenset(key for key in keys if _usual(classes.get(key.opclass), collations.get(key.collation))),
        version=found["version"],
        at=found["at"],
    )


def read_definitions(link: MonitorLink, oids: Sequence[int]) -> Mapping[int, dict[str, Any]]:
    """Return definition, predicate and expressions by oid; nothing when somebody locks one of them in this very moment."""
    return {row["oid"]: row for row in _patiently(lambda: link.rows(DEFINITIONS, {"oids": list(oids)})) or ()} if oids else {}


def read_last_scans(link: MonitorLink, version: int) -> Mapping[int, dt.datetime]:
    """Return when each index was last used, on servers that know."""
    return {row["oid"]: row["at"] for row in link.rows(LAST_SCANS)} if version >= LAST_SCANS_SINCE else {}


def read_few_values(link: MonitorLink, oids: Sequence[int], most: int) -> frozenset[tuple[int, int]]:
    """Return table and number of the columns known to hold at most ``most`` different values."""
    rows = link.rows(FEW_VALUES, {"oids": list(oids), "most": most}) if oids else ()
    return frozenset((row["oid"], row["attnum"]) for row in rows)


def _patiently(ask: Callable[[], Sequence[dict[str, Any]]]) -> Sequence[dict[str, Any]] | None:
    try:
        return ask()
    except (Conflict, Cancelled):
        # somebody took a lock between our look and our question
        return None


def _usual(opclass: tuple[Any, ...] | None, collation: tuple[Any, ...] | None) -> bool:
    return opclass is not None and opclass[2] == "pg_catalog" and (collation is None or collation[1] == "pg_catalog")


def _relation(one: Sequence[Any]) -> Relation:
    columns = {column[0]: Column(*column) for column in one[-1] or ()}
    return Relation(*[*one[:-1], columns])


class _Indexes:
    """Makes indexes of rows; keys that are alike, as those of thousands of tables are, are made once."""

    def __init__(self, tables: Mapping[int, Relation]) -> None:
        self._tables = tables
        self._keys: dict[tuple[Any, ...], tuple[tuple[Key, ...], tuple[int, ...], bool]] = {}

    def of(self, one: Sequence[Any]) -> RawIndex:
        """Return the index of one row."""
        (oid, table, name, quoted, method, numbers, classes, collations, options, count, unique, primary, exclusion, clustered, valid,
         replica, not_distinct, predicate, trees, kind, partition, storage, space, constraint, constraint_kind, referenced, opclass_options,
         scans, size, locked, building) = one  # fmt: skip
        shape = (numbers, classes, collations, options, count, trees)
        found = self._keys.get(shape)
        if found is None:
            found = self._keys[shape] = _keys(*shape)
        # of a B-tree they say how it is stored, not what it finds
        settings = "" if method == "btree" or not (storage or opclass_options) else f"{sorted(storage or ())} {opclass_options or ''}"
        return RawIndex(
            oid, self._tables[table], name, quoted, method, found[0], found[1], unique, primary, exclusion, clustered, valid, replica,
            not_distinct, predicate, kind, partition, tuple(storage or ()), space, constraint, constraint_kind, referenced, settings, scans,
            size, locked, building, found[2],
        )  # fmt: skip


def _keys(
    numbers: str, classes: str, collations: str, options: str, count: int, trees: str | None
) -> tuple[tuple[Key, ...], tuple[int, ...], bool]:
    columns = [int(number) for number in numbers.split()]
    expressions = iter(split_trees(trees, columns[:count].count(0)))
    whats = [number or next(expressions) for number in columns[:count]]
    parts = zip(whats, map(int, classes.split()), map(int, collations.split()), map(int, options.split()), strict=True)
    return tuple(Key(*part) for part in parts), tuple(columns[count:]), 0 in columns


def split_trees(trees: str | None, count: int) -> list[str]:
    """Return the node trees of an index's expressions, one by one.

    >>> split_trees("({A :b {C}} {D :e x}})", 2)
    ['{A :b {C}}', '{D :e x}']
    """
    if trees is None or count == 0:
        return []
    found, depth, start = [], 0, 0
    for mark in _TREE.finditer(trees):
        if mark.group() == "{":
            start = mark.start() if depth == 0 else start
            depth += 1
        elif mark.group() == "}":
            depth -= 1
            if depth == 0:
                found.append(trees[start : mark.end()])
    # one that cannot be told apart is equal to itself only
    return found if len(found) == count else [f"{place} of {trees}" for place in range(count)]
