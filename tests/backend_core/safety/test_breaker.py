"""A service that fails five times within a minute is left alone for a minute, then tried once."""

from __future__ import annotations

import threading

import pytest

from backend_core.errors import NotFound, Unavailable
from backend_core.safety.breaker import FAILURES, OPEN_S, WINDOW_S, Breaker


class Away:
    """A service, a clock, and how often it was asked."""

    def __init__(self) -> None:
        self.now, self.asked, self.well = 0.0, 0, False
        self.breaker = Breaker("thing", clock=lambda: self.now)

    def work(self) -> str:
        self.asked += 1
        if not self.well:
            raise Unavailable("Away.")
        return "fine"

    def ask(self) -> str:
        try:
            return self.breaker.call(self.work)
        except Unavailable:
            return "away"

    def fail(self, times: int, *, every_s: float = 1.0) -> None:
        for _ in range(times):
            self.ask()
            self.now += every_s


LEFT_ALONE = pytest.mark.logs("service left alone")


@LEFT_ALONE
def test_after_five_failures_nobody_asks_for_a_minute() -> None:
    it = Away()
    it.fail(FAILURES - 1)
    assert it.breaker.state == "closed"
    it.fail(1)
    assert (it.breaker.state, it.asked) == ("open", FAILURES)
    assert {it.ask() for _ in range(50)} == {"away"}
    assert it.asked == FAILURES
    it.now += OPEN_S - 1.5
    it.ask()
    assert it.asked == FAILURES


@LEFT_ALONE
def test_one_call_finds_out_and_a_good_answer_closes_it() -> None:
    it = Away()
    it.fail(FAILURES)
    it.now += OPEN_S
    it.well = True
    assert it.ask() == "fine"
    assert it.breaker.state == "closed"
    it.well = False
    it.fail(FAILURES - 1)
    assert it.breaker.state == "closed"


@LEFT_ALONE
def test_a_failed_probe_leaves_it_alone_for_another_minute() -> None:
    it = Away()
    it.fail(FAILURES)
    it.now += OPEN_S
    assert it.ask() == "away"
    assert (it.asked, it.breaker.state) == (FAILURES + 1, "open")
    it.now += OPEN_S - 1
    it.ask()
    assert it.asked == FAILURES + 1


def test_failures_that_lie_further_apart_do_not_add_up() -> None:
    it = Away()
    it.fail(3 * FAILURES, every_s=WINDOW_S / (FAILURES - 1) + 0.1)
    assert (it.breaker.state, it.asked) == ("closed", 3 * FAILURES)


@LEFT_ALONE
def test_of_many_threads_one_probes() -> None:
    it = Away()
    it.fail(FAILURES)
    it.now += OPEN_S
    entered, leave = threading.Event(), threading.Event()

    def slow() -> str:
        it.asked += 1
        entered.set()
        leave.wait(10)
        return "fine"

    prober = threading.Thread(target=lambda: it.breaker.call(slow))
    prober.start()
    assert entered.wait(10)
    assert it.breaker.state == "probing"
    assert {it.ask() for _ in range(20)} == {"away"}
    leave.set()
    prober.join(10)
    assert (it.asked, it.breaker.state) == (FAILURES + 1, "closed")


@LEFT_ALONE
def test_a_mistake_of_ours_does_not_keep_the_probe() -> None:
    it = Away()
    it.fail(FAILURES)
    it.now += OPEN_S
    with pytest.raises(ZeroDivisionError):
        it.breaker.call(lambda: 1 // 0)
    it.well = True
    assert it.ask() == "fine"


def test_every_failure_of_the_tree_counts_and_is_handed_on() -> None:
    it = Away()

    def missing() -> str:
        raise NotFound("Gone.")

    with pytest.raises(NotFound):
        it.breaker.call(missing)
