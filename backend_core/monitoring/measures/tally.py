"""Counting what happened as events: good, bad, and how long each took, in steps."""

from __future__ import annotations

import bisect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from backend_core.monitoring.link import MonitorLink
from backend_core.monitoring.records import BOUNDS_MS, Histogram

STEPS: Final = len(BOUNDS_MS) + 1
# elementwise, in order; rows of one statement are sorted, so that two processes cannot deadlock
_COUNT: Final = """
INSERT INTO slo_events (objective, minute, good, bad, bars)
SELECT objective, date_trunc('minute', clock_timestamp()), good, bad, bars::bigint[]
FROM unnest(%(objectives)s::text[], %(good)s::bigint[], %(bad)s::bigint[], %(bars)s::text[]) AS given (objective, good, bad, bars)
ORDER BY objective
ON CONFLICT (objective, minute) DO UPDATE SET
    good = slo_events.good + EXCLUDED.good, bad = slo_events.bad + EXCLUDED.bad,
    bars = ARRAY(SELECT a + b FROM unnest(slo_events.bars, EXCLUDED.bars) WITH ORDINALITY AS both_bars (a, b, n) ORDER BY n)
"""


def empty_bars() -> list[int]:
    """Return one zero per step."""
    return [0] * STEPS


@dataclass(slots=True)
class Tally:
    """Events of one objective since the last time they were written down."""

    good: int = 0
    bad: int = 0
    bars: list[int] = field(default_factory=empty_bars)

    def add(self, milliseconds: float, *, good: bool) -> None:
        """Count one event that took time."""
        self.good += good
        self.bad += not good
        self.bars[step_of(milliseconds)] += 1

    def merge(self, other: Tally) -> None:
        """Add what was counted elsewhere."""
        self.good += other.good
        self.bad += other.bad
        self.bars = [a + b for a, b in zip(self.bars, other.bars, strict=True)]


def step_of(milliseconds: float) -> int:
    """Return the step of a duration; what lies on a bound belongs below it.

    >>> step_of(0.1), step_of(0.11), step_of(10_000)
    (0, 1, 12)
    """
    return bisect.bisect_left(BOUNDS_MS, milliseconds)


def histogram(bars: Sequence[int]) -> Histogram:
    """Return the counts as a histogram, which gives percentiles."""
    return Histogram(bounds_ms=BOUNDS_MS, counts=tuple(bars))


def percentile_within(bars: Sequence[int], part: float) -> float | None:
    """Return a percentile in milliseconds; the last bound stands for all that is longer, ``None`` for no event.

    >>> percentile_within([0] * 12 + [3], 0.95), percentile_within([0] * 13, 0.95)
    (500.0, None)
    """
    found = histogram(bars).percentile(part)
    return None if found is None else min(found, BOUNDS_MS[-1])


def array(values: Sequence[float | None]) -> str:
    """Return numbers as the server writes an array of them.

    >>> array([1, None, 2.5])
    '{1,NULL,2.5}'
    """
    return "{" + ",".join("NULL" if value is None else repr(value) for value in values) + "}"


def parameters(tallies: Mapping[str, Tally]) -> dict[str, Any]:
    """Return the parameters by which events are written down."""
    found = sorted(tallies.items())
    return {
        "objectives": [name for name, _ in found],
        "good": [tally.good for _, tally in found],
        "bad": [tally.bad for _, tally in found],
        "bars": [array(tally.bars) for _, tally in found],
    }


def write_down(link: MonitorLink, tallies: Mapping[str, Tally]) -> None:
    """Add events to the minute that the server is in.

    Raises:
        LecternError: the server does not answer; nothing was written.
    """
    if tallies:
        link.rows(_COUNT, parameters(tallies))
