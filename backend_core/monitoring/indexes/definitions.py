"""The statement that makes an index and the text of its keys, without asking the server where that can be known otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from backend_core.monitoring.indexes.catalogue import Catalogue, Key, RawIndex, read_definitions
from backend_core.monitoring.link import MonitorLink

DESCENDING: Final = 1
NULLS_FIRST: Final = 2
NOT_READABLE: Final = "(…)"
"""Stands for an expression or predicate that cannot be read while somebody holds the table."""

_ORDERS: Final = {0: "", DESCENDING: " DESC NULLS LAST", NULLS_FIRST: " NULLS FIRST", DESCENDING | NULLS_FIRST: " DESC"}


@dataclass(frozen=True, slots=True)
class Definition:
    """How an index is made.

    Attributes:
        columns: its keys in order.
        predicate: of a partial index, or nothing.
        whole: nothing is left out because somebody holds the table.
    """

    statement: str
    columns: tuple[str, ...]
    predicate: str
    whole: bool


@dataclass(slots=True)
class Definitions:
    """Definitions by oid, with what they were made of: an index keeps its own for life, but for the names in it."""

    known: dict[int, tuple[tuple[Any, ...], Definition]] = field(default_factory=dict)

    def of(self, catalogue: Catalogue, link: MonitorLink) -> dict[int, Definition]:
        """Return the definition of every index."""
        # as it is now: another thread may put its own in its place meanwhile
        known = self.known
        names: dict[int, tuple[str, ...]] = {}
        marks = {index.oid: _fingerprint(index, names) for index in catalogue.indexes}
        new = [index for index in catalogue.indexes if known.get(index.oid, ((), None))[0] != marks[index.oid]]
        hard = {index.oid for index in new if _only_the_server_knows(index, catalogue)}
        told = read_definitions(link, [index.oid for index in new if index.oid in hard and not index.locked])
        made = {index.oid: _definition(index, catalogue, told.get(index.oid), hard=index.oid in hard) for index in new}
        found = {oid: made[oid] if oid in made else known[oid][1] for oid in marks}
        # forgotten with the index it was of
        self.known = {oid: (marks[oid], one) for oid, one in found.items() if one.whole}
        return found


def _fingerprint(index: RawIndex, names: dict[int, tuple[str, ...]]) -> tuple[Any, ...]:
    table = index.table
    if table.oid not in names:
        names[table.oid] = (table.full, *(column.name for column in table.columns.values()))
    return index.quoted, names[table.oid], index.keys, index.predicate, index.options, index.tablespace


def _only_the_server_knows(index: RawIndex, catalogue: Catalogue) -> bool:
    if index.expressions or index.predicate or index.options or index.tablespace or index.settings:
        return True
    return not catalogue.usual.issuperset(index.keys)


def _definition(index: RawIndex, catalogue: Catalogue, known: Mapping[str, Any] | None, *, hard: bool) -> Definition:
    texts = () if known is None else known["expressions"]
    keys = tuple(_key(place, key, index, catalogue, texts) for place, key in enumerate(index.keys))
    predicate = (known["predicate"] or "") if known is not None else (NOT_READABLE if index.predicate else "")
    statement = known["definition"] if known is not None else _statement(index, keys)
    return Definition(statement=statement, columns=keys, predicate=predicate, whole=known is not None or not hard)


def _key(place: int, key: Key, index: RawIndex, catalogue: Catalogue, texts: Sequence[str | None]) -> str:
    if isinstance(key.what, str):
        text, own = (texts[place] if place < len(texts) else None) or NOT_READABLE, None
    else:
        column = index.table.columns[key.what] if key.what > 0 else None
        text, own = ("ctid", None) if column is None else (column.quoted, column.collation)
    if own is not None and key.collation not in {0, own}:
        text += f" COLLATE {catalogue.collations[key.collation][0]}"
    name, default, _ = catalogue.classes.get(key.opclass, ("", True, ""))
    return text + ("" if default else f" {name}") + _ORDERS[key.option & (DESCENDING | NULLS_FIRST)]


def _statement(index: RawIndex, keys: Sequence[str]) -> str:
    carried = ", ".join(index.table.columns[number].quoted for number in index.included)
    only = "ONLY " if index.kind == "I" else ""
    parts = [
        f"CREATE {'UNIQUE ' if index.unique else ''}INDEX {index.quoted} ON {only}{index.table.full}",
        f"USING {index.method} ({', '.join(keys)})",
        f"INCLUDE ({carried})" if carried else "",
        "NULLS NOT DISTINCT" if index.nulls_not_distinct else "",
        f"WHERE {NOT_READABLE}" if index.predicate else "",
    ]
    return " ".join(part for part in parts if part)
