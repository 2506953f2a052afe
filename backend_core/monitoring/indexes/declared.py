"""The twenty indexes the schema promises, declared beside their tables, compared to what the database has."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from sqlalchemy import Index, Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql.elements import ColumnElement, TextClause, UnaryExpression

from backend_core.monitoring.indexes.catalogue import Catalogue, RawIndex
from backend_core.monitoring.indexes.definitions import NOT_READABLE, Definition
from backend_core.monitoring.indexes.records import DeclaredIndex

PRESENT: Final = "present"
ABSENT: Final = "missing"
INVALID: Final = "invalid"
DIFFERENT: Final = "different"
LATER: Final = "later"

_CAST: Final = re.compile(r"::(character varying|timestamp with(out)? time zone|\"?\w+\"?)(\(\d+\))?(\[\])?")
_QUOTED: Final = re.compile(r"('(?:[^']|'')*')")


def _later(number: int, name: str, table: str, columns: tuple[str, ...], predicate: str, purpose: str) -> DeclaredIndex:
    return DeclaredIndex(
        number=number, name=name, table=table, columns=columns, predicate=predicate, purpose=purpose, status=LATER,
        reason="Its table does not exist yet.",
    )  # fmt: skip


# declared here until their tables are; then beside those
_LATER: Final = (
    _later(5, "idx_miniapp_session_user_active", "miniapp_sessions", ("user_id", "is_active"), "is_active = true", "open miniapps"),
    _later(11, "uq_miniapp_event_seq", "miniapp_events", ("session_id", "version"), "", "each change of a miniapp has its place, once"),
    _later(12, "idx_ws_auth_failure", "ws_auth_events", ("at DESC",), "outcome <> 'accepted'", "refused connections, newest first"),
)  # fmt: skip


def compare(tables: Iterable[Table], catalogue: Catalogue, written: Mapping[int, Definition]) -> tuple[DeclaredIndex, ...]:
    """Return the promised indexes in their order, each compared to the catalogue.

    Args:
        tables: which declare their indexes; a promised one carries ``number`` and ``purpose`` in its ``info``.
        catalogue: what the database has.
        written: definitions of the indexes it has.
    """
    there = {one.name: one for one in catalogue.indexes if one.table.schema == "public"}
    found = [
        _compared(index, table, there.get(str(index.name)), written)
        for table in tables
        for index in table.indexes
        if "number" in index.info
    ]
    numbers = {one.number for one in found}
    return tuple(sorted([*found, *(one for one in _LATER if one.number not in numbers)], key=lambda one: one.number))


def _compared(index: Index, table: Table, raw: RawIndex | None, written: Mapping[int, Definition]) -> DeclaredIndex:
    where = index.dialect_options["postgresql"]["where"]
    wanted = DeclaredIndex(
        number=index.info["number"],
        name=str(index.name),
        table=table.name,
        columns=tuple(_column(one, index) for one in index.expressions),
        predicate="" if where is None else _text(where),
        purpose=index.info["purpose"],
        status=PRESENT,
        reason="",
    )
    if raw is None:
        return replace(wanted, status=ABSENT, reason="The database has no index of this name.")
    if not raw.valid:
        return replace(wanted, status=INVALID, reason="It is only half built, and never used.")
    problems = _problems(wanted, index, raw, written[raw.oid])
    if problems:
        return replace(wanted, status=DIFFERENT, reason=" ".join(problems))
    note = "Its condition cannot be read while somebody holds the table." if written[raw.oid].predicate == NOT_READABLE else ""
    return replace(wanted, reason=note)


def _problems(wanted: DeclaredIndex, index: Index, raw: RawIndex, written: Definition) -> list[str]:
    carried = [one if isinstance(one, str) else one.name for one in index.dialect_options["postgresql"]["include"] or ()]
    has = [raw.table.columns[number].name for number in raw.included]
    readable = written.predicate != NOT_READABLE
    checks = (
        (raw.table.name == wanted.table, f"It is on {raw.table.shown}, not on {wanted.table}."),
        (_plain(written.columns) == _plain(wanted.columns), f"It is on {', '.join(written.columns)}."),
        (sorted(carried) == sorted(has), f"It carries {', '.join(has) or 'no other columns'}."),
        (raw.unique == bool(index.unique), "It is unique." if raw.unique else "It is not unique."),
        (not readable or _condition(written.predicate) == _condition(wanted.predicate), _covers(written.predicate)),
        (raw.method == (index.dialect_options["postgresql"]["using"] or "btree"), f"It is a {raw.method} index."),
    )
    return [sentence for right, sentence in checks if not right]


def _covers(predicate: str) -> str:
    return f"It covers only rows with {predicate}." if predicate else "It covers all rows."


def _column(one: ColumnElement[object] | TextClause | UnaryExpression[object] | str, index: Index) -> str:
    text = getattr(one, "name", None) or _text(one)
    operators = index.dialect_options["postgresql"]["ops"].get(text)
    return f"{text} {operators}" if operators else str(text)


def _text(one: object) -> str:
    if isinstance(one, TextClause):
        return one.text
    return str(one.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True}))  # type: ignore[attr-defined,no-untyped-call]  # an expression


def _plain(columns: Sequence[str]) -> list[str]:
    return [column.replace('"', "").lower() for column in columns]


def _condition(predicate: str) -> str:
    """Return a condition so that what a person writes and what the server makes of it are the same text.

    >>> _condition("status IN ('a', 'b')") == _condition("((status)::text = ANY ((ARRAY['a'::character varying, 'b'::x])::text[]))")
    True
    """
    parts = _QUOTED.split(predicate)
    # what stands in quotes is left alone
    bare = [part if place % 2 else _CAST.sub("", part) for place, part in enumerate(parts)]
    joined = [part if place % 2 else re.sub(r"[\s()\[\]\"]|::\w+\[\]", "", part).lower() for place, part in enumerate(bare)]
    return "".join(joined).replace("=anyarray", "in").replace("=true", "")
