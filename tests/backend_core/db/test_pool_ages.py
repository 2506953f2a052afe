"""A pool whose clock is put forward: connections grow old, and those that nobody gives back become leaks."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

import pytest

from backend_core.db.conninfo import complete
from backend_core.db.embedded import EmbeddedServer
from backend_core.db.pool import Pool, purpose
from backend_core.db.roles import APP
from tests.polling import eventually


class ShiftedClock:
    """The clock of the machine, put forward as often as told."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead_s


@pytest.fixture
def clock() -> ShiftedClock:
    return ShiftedClock()


@pytest.fixture
def aging(server: EmbeddedServer, clock: ShiftedClock) -> Iterator[Pool]:
    """A pool of three connections with the usual lifetime, whose clock can be put forward."""
    conninfo = complete(server.dsn(APP), application="lectern-agetest")
    pool = Pool(conninfo, base=3, overflow=0, timeout_s=20, recycle_s=3600, clock=clock)
    eventually(lambda: pool.snapshot().idle == 3)
    yield pool
    pool.close()


def lent_pids(pool: Pool) -> set[int]:
    """Return the server processes behind every connection the pool lends."""
    with contextlib.ExitStack() as stack:
        return {stack.enter_context(pool.connection()).info.backend_pid for _ in range(pool.capacity)}


@pytest.mark.trace("B8")
def test_an_hour_later_every_connection_is_another_one_and_is_counted_as_recycled(aging: Pool, clock: ShiftedClock) -> None:
    first = lent_pids(aging)
    clock.ahead_s = 3300.0
    assert lent_pids(aging) == first
    assert aging.snapshot().recycled == 0
    clock.ahead_s = 3602.0
    assert not lent_pids(aging) & first
    snapshot = aging.snapshot()
    assert (snapshot.recycled, snapshot.lost, snapshot.invalidated) == (3, 0, 0)


@pytest.mark.trace("B13")
def test_a_connection_kept_for_over_a_minute_is_a_leak_with_the_calls_that_took_it(aging: Pool, clock: ShiftedClock) -> None:
    with purpose("Forgotten"), aging.connection():
        clock.ahead_s = 59.0
        assert aging.snapshot().leaks == 0
        clock.ahead_s = 61.0
        now = aging.snapshot()
        assert (now.leaks, now.leaked) == (1, 1)
        assert now.holders[0].label == "Forgotten"
        assert "test_a_connection_kept_for_over_a_minute" in "".join(now.holders[0].frames)
    after = aging.snapshot()
    assert (after.leaks, after.leaked) == (0, 1)
    assert after.usage.bars[-1][1] == 1, "it lies above the last bound"
    assert after.usage.longest is not None
    assert after.usage.longest >= 61_000
