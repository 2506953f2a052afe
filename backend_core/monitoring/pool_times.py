"""Adds up what several processes report about their pools: times as histograms, counters as sums."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from backend_core.monitoring.records import BOUNDS_MS, USAGE_BOUNDS_MS, Histogram

COUNTERS: Final = ("recycled", "invalidated", "leaks", "leaked")

Reports = Sequence[Mapping[str, Any]]


def times(reports: Reports) -> dict[str, Any]:
    """Return waits, usage and connects of these pools together, named like the fields of ``PoolView``."""
    more = [report["more"] for report in reports]
    waits = _merged((report["histogram"] for report in reports), BOUNDS_MS)
    usage = _merged((one.get("usage", ()) for one in more), USAGE_BOUNDS_MS)
    connects = _merged((one.get("connect", ()) for one in more), BOUNDS_MS)
    wait, use, connect = (
        max((longest for longest in found if longest is not None), default=None)
        for found in (
            [report["longest_ms"] for report in reports],
            [one.get("usage_longest_ms") for one in more],
            [one.get("connect_longest_ms") for one in more],
        )
    )
    return {
        "wait_ms": waits.percentiles(longest=wait),
        "longest_wait_ms": wait,
        "histogram": waits,
        "usage_ms": usage.percentiles(longest=use),
        "longest_usage_ms": use,
        "usage_histogram": usage,
        "connect_ms": connects.percentiles(longest=connect),
        "longest_connect_ms": connect,
        "connect_histogram": connects,
    }


def counters(reports: Reports) -> dict[str, Any]:
    """Return the sum of each of ``COUNTERS``."""
    return {name: sum(report["more"].get(name, 0) for report in reports) for name in COUNTERS}


def _merged(histograms: Iterable[Sequence[int]], bounds: tuple[float, ...]) -> Histogram:
    counts = [0] * (len(bounds) + 1)
    for histogram in histograms:
        for place, count in enumerate(histogram):
            counts[place] += count
    return Histogram(bounds_ms=bounds, counts=tuple(counts))
