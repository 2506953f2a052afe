from __future__ import annotations

import math
import random

import pytest

from backend_core.db.wait_histogram import BOUNDS_MS, WaitHistogram


class Clock:
    """Seconds that only move when told."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_without_a_wait_there_is_no_percentile() -> None:
    summary = WaitHistogram().summary()
    assert (summary.count, summary.p50, summary.p95, summary.p99, summary.longest) == (0, None, None, None, None)


def test_percentiles_are_within_five_per_cent_of_the_exact_ones() -> None:
    waits = sorted(random.Random(7).lognormvariate(1.0, 1.5) for _ in range(5000))
    histogram = WaitHistogram()
    for wait in waits:
        histogram.add(wait)
    summary = histogram.summary()
    for found, share in ((summary.p50, 0.50), (summary.p95, 0.95), (summary.p99, 0.99)):
        assert found == pytest.approx(waits[math.ceil(len(waits) * share) - 1], rel=0.055)
    assert summary.longest == waits[-1]


@pytest.mark.parametrize(("wait", "bound"), [(0.0, 0.1), (0.1, 0.1), (0.11, 0.25), (30.0, 50.0), (500.0, 500.0), (9e9, math.inf)])
def test_each_wait_is_counted_in_the_bar_whose_bound_it_does_not_exceed(wait: float, bound: float) -> None:
    histogram = WaitHistogram()
    histogram.add(wait)
    assert dict(histogram.summary().bars) == {each: int(each == bound) for each in BOUNDS_MS}


def test_waits_older_than_a_quarter_of_an_hour_no_longer_count() -> None:
    clock = Clock()
    histogram = WaitHistogram(clock=clock)
    histogram.add(1000.0)
    clock.now = 14 * 60.0
    histogram.add(1.0)
    assert histogram.summary().longest == 1000.0
    clock.now = 15 * 60.0
    assert histogram.summary().count == 1
    assert histogram.summary().longest == 1.0
