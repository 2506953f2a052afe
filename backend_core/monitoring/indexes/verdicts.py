"""What is to be made of each index: rules over the catalogue and the evidence, without a word to the server."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final

from backend_core.monitoring.indexes.catalogue import Catalogue, RawIndex
from backend_core.monitoring.indexes.foreign_keys import indexes_by_table
from backend_core.monitoring.indexes.records import ADVISED, INVALID, KEEP, REVIEW, UNUSED, WITHHELD
from backend_core.monitoring.indexes.redundancy import SKIPPING_SINCE, Redundant, redundant, skipped_through

QUEUE: Final = "procrastinate_"
ENFORCED: Final[Mapping[str, str]] = {"p": "primary key", "u": "unique", "x": "exclusion"}
LEFT_BEHIND: Final = ("_ccnew", "_ccold")


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict with its reason, and the index that does the work of this one."""

    verdict: str
    reason: str
    covers: str | None = None


@dataclass(frozen=True, slots=True)
class Use:
    """What the evidence says about the use of one index.

    Attributes:
        scans: within the evidence; ``None`` without any.
        withheld: why nothing may be called unused, or nothing.
        span: the time in words.
    """

    scans: int | None
    withheld: str
    span: str


@dataclass(frozen=True, slots=True)
class Rules:
    """Everything a verdict depends on besides the index itself.

    Attributes:
        declared: name of table and index that the schema of Lectern declares.
        supports: name of a foreign key by oid of the index it relies on.
        few: columns, by oid of the table and number, known to hold few values.
        use: of each index.
    """

    declared: Collection[tuple[str, str]]
    supports: Mapping[int, str]
    few: Collection[tuple[int, int]]
    use: Callable[[RawIndex], Use]


def enforces(index: RawIndex) -> str:
    """Return what an index guarantees, or nothing."""
    if index.primary:
        return ENFORCED["p"]
    if index.exclusion:
        return ENFORCED["x"]
    return ENFORCED["u"] if index.unique else ""


def must_stay(index: RawIndex, declared: Collection[tuple[str, str]]) -> str:
    """Return why an index is never advised away, or nothing."""
    kind = enforces(index)
    if kind:
        return f"It enforces the {kind} {index.constraint}." if index.constraint else f"It enforces the {kind}."
    return _bound(index) or _not_to_judge(index, declared)


def _bound(index: RawIndex) -> str:
    rules = (
        (index.referenced, "A foreign key refers to it."),
        (index.replica_identity, "Replication knows the rows of the table by it."),
        (index.partition or index.table.partition, "It belongs to a part of a partitioned table."),
        (index.kind == "I" or index.table.kind == "p", "It stands for the indexes of all parts of a partitioned table."),
        (index.clustered, "The table is kept in its order."),
    )
    return next((reason for holds, reason in rules if holds), "")


def _not_to_judge(index: RawIndex, declared: Collection[tuple[str, str]]) -> str:
    table = index.table
    if table.extension is not None:
        return f"Its table belongs to the extension {table.extension}."
    if table.name.startswith(QUEUE):
        return "Its table belongs to the job queue, which declares its own indexes."
    ours = table.schema == "public" and (table.name, index.name) in declared
    return "The schema of Lectern declares it." if ours else ""


def judge(catalogue: Catalogue, rules: Rules) -> Mapping[int, Judged]:
    """Return the verdict on every index, by oid."""
    found: dict[int, Judged] = {}
    for indexes in indexes_by_table(catalogue).values():
        stays = {one.oid: must_stay(one, rules.declared) for one in indexes}
        surplus = redundant(indexes, safe=lambda one, stays=stays: bool(stays[one.oid]))  # type: ignore[misc]  # bound at once
        relied_on = {one.by.oid for oid, one in surplus.items() if one.verdict in ADVISED and not stays[oid]}
        for index in indexes:
            judged = _judge(index, stays[index.oid], surplus.get(index.oid), relied_on, rules)
            by_use = judged.verdict in {KEEP, WITHHELD} and not stays[index.oid] and index.oid not in relied_on
            if by_use and index.oid not in rules.supports and catalogue.version >= SKIPPING_SINCE:
                other = skipped_through(index, indexes, few=lambda one: _few(one, rules))
                judged = judged if other is None else Judged(REVIEW, _skipping(other), other.name)
            found[index.oid] = judged
    return found


def _few(index: RawIndex, rules: Rules) -> bool:
    lead = index.keys[0].what
    column = index.table.columns.get(lead) if isinstance(lead, int) else None
    return column is not None and (column.few or (index.table.oid, column.number) in rules.few)


def _skipping(other: RawIndex) -> str:
    return f"The server can skip through {other.name}, whose first key has few values; compare plans without this one."


def _judge(index: RawIndex, stays: str, surplus: Redundant | None, relied_on: Collection[int], rules: Rules) -> Judged:
    if index.building:
        return Judged(KEEP, "It is being built right now.")
    if not index.valid:
        return _half_built(index)
    if surplus is not None and not stays:
        return Judged(surplus.verdict, surplus.reason, surplus.by.name)
    if surplus is not None and _only_unique(index, stays) and surplus.by.unique:
        return Judged(REVIEW, f"{surplus.reason} Both enforce uniqueness, which is for a person to decide.", surplus.by.name)
    needed = stays or _needed(index, relied_on, rules)
    return Judged(KEEP, needed) if needed else _by_use(index, rules.use(index))


def _needed(index: RawIndex, relied_on: Collection[int], rules: Rules) -> str:
    if index.oid in rules.supports:
        return f"The foreign key {rules.supports[index.oid]} needs it when a row that is referred to changes or goes."
    return "It does the work of another index that may go." if index.oid in relied_on else ""


def _only_unique(index: RawIndex, stays: str) -> bool:
    return index.unique and index.constraint is None and not index.referenced and stays.startswith("It enforces")


def _half_built(index: RawIndex) -> Judged:
    if index.kind == "I":
        return Judged(REVIEW, "Some parts of the partitioned table have no such index yet; attach theirs.")
    left = index.name.rstrip("0123456789").endswith(LEFT_BEHIND)
    how = "a rebuild that did not finish" if left else "a build that did not finish"
    return Judged(INVALID, f"It is left over from {how}: never used for reading, but kept up to date by every write.")


def _by_use(index: RawIndex, use: Use) -> Judged:
    if use.scans:
        return Judged(KEEP, f"Used {use.scans} times {use.span}.")
    if use.withheld:
        return Judged(WITHHELD, use.withheld)
    if index.expressions:
        return Judged(REVIEW, f"Not used {use.span}; but the planner also learns from it how the values of its expression are spread.")
    return Judged(UNUSED, f"Not used {use.span}.")
