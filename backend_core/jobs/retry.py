"""When a failed job runs again: 60, 120, 240 seconds, each moved by up to a fifth either way."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from backend_core.errors import Conflict, LecternError


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Exponential waiting with jitter, so that jobs that failed together do not come back together.

    Attributes:
        base_s: seconds before the first retry, doubled for each further one.
        jitter: part by which each wait is moved at random, either way; 0.2 spreads 60 s over 48 to 72 s.
        limit: retries before giving up.
    """

    base_s: float = 60.0
    jitter: float = 0.2
    limit: int = 3
    # spreading load needs no cryptographic randomness
    random: random.Random = field(default_factory=random.Random)  # see above

    def wait_s(self, attempt: int) -> float:
        """Return the seconds to wait after failed attempt number ``attempt`` (0 is the first).

        >>> [Backoff(jitter=0).wait_s(n) for n in range(3)]
        [60.0, 120.0, 240.0]
        """
        plain: float = self.base_s * 2**attempt
        return plain * self.random.uniform(1 - self.jitter, 1 + self.jitter)

    def again(self, error: BaseException, *, attempt: int) -> bool:
        """Return whether attempt number ``attempt``, which ended in ``error``, is followed by another."""
        # an error outside the tree is a fault of the program; it may still pass, so it gets its retries
        # and whoever holds what this work needs, a frozen worker say, lets go of it some time
        retriable = error.retriable or isinstance(error, Conflict) if isinstance(error, LecternError) else True
        return retriable and attempt < self.limit


class RetryLater(Exception):  # a signal to the queue, never shown
    """Tells the queue to run the job again after ``wait_s`` seconds."""

    def __init__(self, wait_s: float) -> None:
        super().__init__("retry later")
        self.wait_s = wait_s
