"""Which indexes do nothing that another one does not do as well: equal ones, and those another one begins with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from backend_core.monitoring.indexes.catalogue import RawIndex
from backend_core.monitoring.indexes.records import DUPLICATE, PREFIX, REVIEW

BTREE: Final = "btree"
SKIPPING_SINCE: Final = 180_000
"""Version of the server from which on a B-tree whose first key has few values also serves its second key."""

ORDER: Final = {DUPLICATE: 0, PREFIX: 1, REVIEW: 2}


@dataclass(frozen=True, slots=True)
class Redundant:
    """What makes an index superfluous: the verdict, by which other index, and why."""

    verdict: str
    by: RawIndex
    reason: str


def compare(index: RawIndex, other: RawIndex) -> str:
    """Return how ``other`` relates to ``index``.

    Returns:
        ``duplicate`` where they find the same rows in the same order and carry the same columns; ``prefix`` where ``other`` begins with
        all of ``index`` and carries what it carries; ``review`` where ``other`` only carries more; nothing otherwise.
    """
    same = index.table.oid == other.table.oid and index.method == other.method and index.predicate == other.predicate
    if not same or index.settings != other.settings or not other.valid or other.building:
        return ""
    if index.keys == other.keys and frozenset(index.included) == frozenset(other.included):
        return DUPLICATE
    if index.method != BTREE or index.keys != other.keys[: len(index.keys)]:
        return ""
    carried = {key.what for key in other.keys} | set(other.included)
    if not carried.issuperset(index.included):
        return ""
    # with columns carried along, equal keys are no longer stored once: the wider one may be a good deal larger
    return REVIEW if index.keys == other.keys and not index.included else PREFIX


def redundant(indexes: Sequence[RawIndex], *, safe: Callable[[RawIndex], bool]) -> Mapping[int, Redundant]:
    """Return by oid which of one table's indexes another one makes superfluous.

    Args:
        safe: whether an index has to stay whatever else there is; of two equal ones such a one stays.
    """
    found: dict[int, Redundant] = {}
    # of two equal ones the older one stays
    rank = {one.oid: (safe(one), one.unique, -one.oid) for one in indexes}
    alike: dict[object, list[RawIndex]] = defaultdict(list)
    for index in indexes:
        if index.valid and not index.building:
            alike[index.method, index.predicate, index.keys[0]].append(index)
    for index, others in ((one, group) for group in alike.values() if len(group) > 1 for one in group):
        covering = [(verdict, other) for other in others if other.oid != index.oid and (verdict := compare(index, other))]
        stronger = [(verdict, other) for verdict, other in covering if verdict != DUPLICATE or rank[other.oid] > rank[index.oid]]
        best = min(stronger, key=lambda pair: (ORDER[pair[0]], tuple(-int(part) for part in rank[pair[1].oid])), default=None)
        if best is not None:
            found[index.oid] = Redundant(best[0], best[1], _reason(best[0], index, best[1]))
    going = {oid: one.by for oid, one in found.items() if one.verdict != REVIEW and not rank[oid][0]}
    return {one.oid: _lasting(one, found[one.oid], going) for one in indexes if one.oid in found}


def _lasting(index: RawIndex, first: Redundant, going: Mapping[int, RawIndex]) -> Redundant:
    """Return what makes the index superfluous and itself stays: of three in a row the last one is named."""
    last = first.by
    while last.oid in going:
        last = going[last.oid]
    verdict = compare(index, last) or first.verdict
    return Redundant(verdict, last, _reason(verdict, index, last))


def _reason(verdict: str, index: RawIndex, other: RawIndex) -> str:
    if verdict == DUPLICATE:
        return f"{other.name} has the same keys, order and condition{' and is unique' if other.unique and not index.unique else ''}."
    if verdict == PREFIX:
        return f"{other.name} begins with the same keys and serves every look-up this one serves."
    return f"{other.name} has the same keys and carries more columns; it may be larger, so compare plans before one goes."


def skipped_through(index: RawIndex, indexes: Iterable[RawIndex], *, few: Callable[[RawIndex], bool]) -> RawIndex | None:
    """Return an index whose second key is the only one of ``index``, after a first one with few values."""
    if index.method != BTREE or len(index.keys) != 1 or index.included:
        return None
    for other in indexes:
        same = other.valid and other.method == BTREE and other.predicate == index.predicate
        if same and len(other.keys) > 1 and other.keys[1] == index.keys[0] and few(other):
            return other
    return None
