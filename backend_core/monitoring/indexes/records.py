"""What the view of all indexes hands out: plain frozen records with units in their names."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

KEEP: Final = "keep"
UNUSED: Final = "unused"
DUPLICATE: Final = "duplicate"
PREFIX: Final = "prefix"
INVALID: Final = "invalid"
MISSING: Final = "missing"
WITHHELD: Final = "withheld"
REVIEW: Final = "review"
VERDICTS: Final = (KEEP, UNUSED, DUPLICATE, PREFIX, INVALID, MISSING, WITHHELD, REVIEW)
ADVISED: Final = frozenset({UNUSED, DUPLICATE, PREFIX, INVALID})
"""Verdicts that say an index may be dropped; INVALID ones may also be rebuilt."""

USAGE: Final = """SELECT relname, indexrelname, idx_scan, pg_relation_size(indexrelid) AS size_bytes
  FROM pg_stat_user_indexes
 ORDER BY idx_scan DESC, relname, indexrelname;"""
"""The statement an operator may copy to look at the use of all indexes elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexRow:
    """One index of the database and what is to be made of it.

    Attributes:
        table: name of its table, with the schema where that is not ``public``.
        name: name of the index, without its schema.
        columns: keys in order, each with what differs from the default (``created_at DESC``); an expression as the server writes it.
        definition: statement that makes the index; without expressions and predicate while its table is locked.
        scans: how often it was used since the statistics began.
        window_scans: how often within the evidence; ``None`` without any.
        last_used_at: UTC; ``None`` when never seen used, or on servers before version 16.
        size_bytes: as the statistics have it, which is as of the last vacuum or analyze while the index is locked.
        declared: the schema of Lectern declares it.
        enforces: what it guarantees: ``primary key``, ``unique``, ``exclusion``, or nothing.
        verdict: one of ``VERDICTS``.
        covers: the other index that does its work, where the verdict says so.
        locked: its table or itself is held in a way that blocks readers.
        sql: statement that carries out the advice, or empty.
    """

    oid: int
    table: str
    name: str
    schema: str
    columns: tuple[str, ...]
    method: str
    definition: str
    scans: int
    window_scans: int | None
    last_used_at: dt.datetime | None
    size_bytes: int
    declared: bool
    enforces: str
    valid: bool
    verdict: str
    reason: str
    covers: str | None
    locked: bool
    sql: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingIndex:
    """An index that is not there and might be missed.

    Attributes:
        columns: keys in order; nothing where only a look at the statements tells.
        verdict: ``missing`` for a foreign key; ``review`` where a plan has to be looked at first.
        constraint: the foreign key, or nothing.
        rows: estimated rows of the table.
        sequential_scans: of the table, within the evidence, or since the statistics began.
        sql: statement that makes it, or empty.
    """

    table: str
    columns: tuple[str, ...]
    verdict: str
    constraint: str | None
    reason: str
    rows: int
    sequential_scans: int
    sql: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fall:
    """A moment at which the counters of the server began anew.

    Attributes:
        cause: ``crash``, ``restart``, ``reset`` or ``unknown``.
    """

    at: dt.datetime
    cause: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """How much the scans say.

    Attributes:
        since: since when the counters can be compared; ``None`` before the first snapshot.
        hours: length of that time.
        falls: moments at which they began anew, newest first.
        enough: whether the time is long enough, and saw enough use, to call anything unused.
        replicas: another server may answer queries by these indexes, and its counters are not here.
        sentence: all of it in words.
    """

    since: dt.datetime | None
    hours: float
    falls: tuple[Fall, ...]
    enough: bool
    replicas: bool
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexView:
    """Every index of the database at one moment: the most used first, then by table and name.

    Attributes:
        advised_bytes: size of those that may be dropped.
        read_ms: how long reading and judging took.
    """

    rows: tuple[IndexRow, ...]
    missing: tuple[MissingIndex, ...]
    evidence: Evidence
    total_bytes: int
    advised_bytes: int
    read_ms: float
    at: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredIndex:
    """One of the indexes the schema promises, compared to the catalogue.

    Attributes:
        number: its place among the promised ones, from 1.
        columns: keys in order, each with what differs from the default.
        predicate: of a partial index, or nothing.
        purpose: what it is for.
        status: ``present``, ``missing``, ``invalid``, ``different`` or ``later`` (its table does not exist yet).
        reason: what differs, in words.
    """

    number: int
    name: str
    table: str
    columns: tuple[str, ...]
    predicate: str
    purpose: str
    status: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementPlan:
    """How the server would run one statement.

    Attributes:
        cost: the planner's own unit.
        how: nodes that read tables, outermost first: ``Index Scan using idx_a on a``.
    """

    text: str
    cost: float
    how: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanSide:
    """The plans of all statements, with or without the index."""

    cost: float
    indexes: tuple[str, ...]
    plans: tuple[StatementPlan, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What would become of the plans.

    Attributes:
        slower: texts of the statements that would cost more afterwards.
        faster: texts of those that would cost less.
        build_ms: time it took to build the index; ``None`` where none was built.
        method: ``hidden`` (index made invisible in a transaction that was rolled back), ``added`` (index built in one) or
            ``explained`` (plans as they are).
        refused_reason: why more could not be tried, or empty.
    """

    index: str
    before: PlanSide
    after: PlanSide
    statements_checked: int
    slower: tuple[str, ...]
    faster: tuple[str, ...]
    build_ms: float | None
    method: str
    refused_reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexChange:
    """An index that was to be made, dropped or rebuilt.

    Attributes:
        action: ``create``, ``drop`` or ``rebuild``.
        status: ``WAITING``, ``RUNNING``, ``DONE`` or ``FAILED``.
        error: one sentence, where it failed.
    """

    id: int
    action: str
    table: str
    index: str
    definition: str
    reason: str
    status: str
    error: str | None
    created_by: str
    created_at: dt.datetime
    finished_at: dt.datetime | None
