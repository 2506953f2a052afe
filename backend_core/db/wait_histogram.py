"""Times of the last quarter of an hour in bounded memory: counts per minute over narrow logarithmic steps."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

BOUNDS_MS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, math.inf)
"""Upper bound of each bar of the chart of waits and connects, in milliseconds."""

USAGE_BOUNDS_MS = (0.25, 1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 1_000.0, 10_000.0, 60_000.0, math.inf)
"""The same for the time a connection is kept; what lies above the last but one is a leak."""

WINDOW_MINUTES = 15
_LEAST_MS = 0.01
_STEP = math.log(1.1)
_STEPS = 190  # 1.1 ** 190 times the least is over ten minutes


@dataclass(frozen=True, slots=True)
class WaitSummary:
    """Times in milliseconds; percentiles are exact to 5 per cent and None without any sample.

    Attributes:
        bars: (upper bound in ms, count) for each bound of the histogram.
    """

    count: int
    p50: float | None
    p95: float | None
    p99: float | None
    longest: float | None
    bars: tuple[tuple[float, int], ...]


class _Minute:
    def __init__(self, number: int, bars: int) -> None:
        self.number = number
        self.steps = [0] * _STEPS
        self.bars = [0] * bars
        self.longest = 0.0


class WaitHistogram:
    """Thread-safe; ``clock`` gives seconds and is replaced in tests; ``bounds`` are in milliseconds and end in infinity."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic, bounds: tuple[float, ...] = BOUNDS_MS) -> None:
        self._clock = clock
        self._bounds = bounds
        self._lock = threading.Lock()
        self._minutes: list[_Minute] = []
        self._summary: WaitSummary | None = None

    def add(self, milliseconds: float) -> None:
        """Count one sample."""
        step = 0 if milliseconds <= _LEAST_MS else min(_STEPS - 1, int(math.log(milliseconds / _LEAST_MS) / _STEP) + 1)
        bar = next(index for index, bound in enumerate(self._bounds) if milliseconds <= bound)
        with self._lock:
            minute = self._current()
            self._summary = None
            minute.steps[step] += 1
            minute.bars[bar] += 1
            minute.longest = max(minute.longest, milliseconds)

    def _current(self) -> _Minute:
        number = int(self._clock() // 60)
        if not self._minutes or self._minutes[-1].number != number:
            self._minutes.append(_Minute(number, len(self._bounds)))
            self._summary = None
        while self._minutes[0].number <= number - WINDOW_MINUTES:
            del self._minutes[0]
        return self._minutes[-1]

    def summary(self) -> WaitSummary:
        """Return counts and percentiles of the last 15 minutes; costs nothing while no sample is added."""
        with self._lock:
            self._current()
            if self._summary is None:
                self._summary = self._summed()
            return self._summary

    def _summed(self) -> WaitSummary:
        steps = [sum(column) for column in zip(*(minute.steps for minute in self._minutes), strict=True)]
        bars = [sum(column) for column in zip(*(minute.bars for minute in self._minutes), strict=True)]
        longest = max(minute.longest for minute in self._minutes)
        count = sum(bars)
        p50, p95, p99 = (_percentile(steps, count, share) for share in (0.50, 0.95, 0.99))
        pairs = tuple(zip(self._bounds, bars, strict=True))
        return WaitSummary(count=count, p50=p50, p95=p95, p99=p99, longest=longest if count else None, bars=pairs)


def _percentile(steps: list[int], count: int, share: float) -> float | None:
    if not count:
        return None
    left = math.ceil(count * share)
    for step, found in enumerate(steps):
        left -= found
        if left <= 0:
            # The middle of the step, in the logarithm.
            return float(f"{_LEAST_MS * math.exp((step - 0.5) * _STEP):.3g}")
    raise ValueError("count is larger than the sum of its steps")
