"""Workers: the latest request wins, nothing reaches a dead owner, nothing is lost, and closing waits for all."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable

import pytest
import shiboken6
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication, QWidget

from backend_core.errors import Cancelled, LecternError, NotFound, Unexpected
from backend_core.logs import correlation_id
from desktop.background import Background, current

Wait = Callable[..., None]
RAPID = 10_000


def test_of_ten_thousand_rapid_requests_the_last_one_wins_and_no_stale_one_arrives(background: Background, wait_until: Wait) -> None:
    owner, seen = QObject(), []
    threads_before = threading.active_count()
    for number in range(RAPID):
        background.run(owner, lambda number=number: number, seen.append, key="list")
        if number % 500 == 0:
            QApplication.processEvents()
    wait_until(lambda: background.pending == 0)
    assert seen[-1] == RAPID - 1
    assert seen == sorted(seen)
    assert threading.active_count() - threads_before <= 5


def test_requests_without_a_key_all_arrive(background: Background, wait_until: Wait) -> None:
    owner, seen = QObject(), []
    for number in range(2_000):
        background.run(owner, lambda number=number: number, seen.append)
    wait_until(lambda: len(seen) == 2_000)
    assert sorted(seen) == list(range(2_000))


def test_a_dead_owner_gets_nothing(background: Background, wait_until: Wait) -> None:
    owner, seen, go = QWidget(), [], threading.Event()
    background.run(owner, go.wait, seen.append)
    shiboken6.delete(owner)
    go.set()
    wait_until(lambda: background.pending == 0)
    assert seen == []


def test_the_owner_is_not_kept_alive_and_dies_on_the_gui_thread(background: Background, wait_until: Wait) -> None:
    died_in: list[int] = []

    class Page(QWidget):
        def load(self) -> None:
            background.run(self, self.work, self.show_result)

        def work(self) -> int:
            return 1

        def show_result(self, _value: int) -> None:
            """Nothing to show."""

    page = Page()
    page.destroyed.connect(lambda: died_in.append(threading.get_ident()))
    gone = weakref.ref(page)
    page.load()
    del page
    wait_until(lambda: background.pending == 0)
    wait_until(lambda: gone() is None)
    assert died_in == [threading.get_ident()]


def test_an_expected_failure_arrives_as_it_is(background: Background, wait_until: Wait) -> None:
    owner, errors = QObject(), []

    def work() -> None:
        raise NotFound("There is no such document.")

    background.run(owner, work, lambda _value: None, errors.append)
    wait_until(lambda: errors)
    assert str(errors[0]) == "There is no such document."
    assert errors[0].correlation_id
    assert errors[0].__traceback__ is None


@pytest.mark.logs("work raised")
def test_an_unexpected_failure_arrives_as_one_safe_sentence(background: Background, wait_until: Wait) -> None:
    owner, errors = QObject(), []

    def work() -> None:
        raise RuntimeError("password=hunter2")

    background.run(owner, work, lambda _value: None, errors.append)
    wait_until(lambda: errors)
    assert isinstance(errors[0], Unexpected)
    assert "hunter2" not in str(errors[0])


@pytest.mark.logs("a callback raised")
def test_an_exception_in_a_callback_becomes_failed(background: Background, wait_until: Wait) -> None:
    owner, errors = QObject(), []

    def broken(_value: int) -> None:
        raise ValueError("in a slot")

    background.run(owner, lambda: 1, broken, errors.append)
    wait_until(lambda: errors)
    assert isinstance(errors[0], LecternError)


@pytest.mark.logs("a callback raised")
def test_an_exception_that_nobody_takes_is_announced(background: Background, wait_until: Wait) -> None:
    owner, crashes = QObject(), []
    background.crashed.connect(crashes.append)

    def broken(_value: object) -> None:
        raise ValueError("in a slot")

    background.run(owner, lambda: 1, broken)
    background.run(owner, lambda: 1, broken, broken)
    wait_until(lambda: len(crashes) == 2)


def test_a_cancelled_job_stops_at_once_and_stays_silent(background: Background, wait_until: Wait) -> None:
    owner, seen, started, released = QObject(), [], threading.Event(), threading.Event()

    def work() -> None:
        token = current()
        assert token is not None
        with token.on_cancel(released.set):
            started.set()
            assert released.wait(5), "the hook was not called"
            token.raise_if_cancelled()

    handle = background.run(owner, work, seen.append, seen.append)
    assert started.wait(5)
    assert handle.running
    began = time.perf_counter()
    handle.cancel()
    assert time.perf_counter() - began < 0.05
    wait_until(lambda: background.pending == 0)
    assert not handle.running
    assert seen == []


def test_the_cancel_hook_never_runs_on_the_gui_thread_or_after_its_block(background: Background, wait_until: Wait) -> None:
    owner, where, done = QObject(), [], threading.Event()

    def work() -> None:
        token = current()
        assert token is not None
        with token.on_cancel(lambda: where.append("late")):
            pass
        done.set()
        while not token.cancelled:
            time.sleep(0.001)

    handle = background.run(owner, work, lambda _value: None)
    assert done.wait(5)
    handle.cancel()
    wait_until(lambda: background.pending == 0)
    assert where == []


def test_a_newer_request_cancels_the_older_one(background: Background, wait_until: Wait) -> None:
    owner, seen, stopped = QObject(), [], threading.Event()
    running = threading.Event()

    def slow() -> str:
        token = current()
        assert token is not None
        running.set()
        while not token.cancelled:
            time.sleep(0.001)
        stopped.set()
        raise Cancelled("Stopped on request.")

    background.run(owner, slow, seen.append, seen.append, key="list")
    assert running.wait(5)
    background.run(owner, lambda: "new", seen.append, key="list")
    wait_until(lambda: seen and stopped.is_set())
    assert seen == ["new"]


def test_progress_arrives_in_order_and_merged(background: Background, wait_until: Wait) -> None:
    owner, steps, done = QObject(), [], []

    def work() -> str:
        token = current()
        assert token is not None
        for number in range(1_000):
            token.report(number)
        return "end"

    background.run(owner, work, done.append, progress=steps.append)
    wait_until(lambda: done)
    assert steps == sorted(steps)
    assert len(steps) <= 1_000


def test_one_correlation_id_follows_the_click_into_the_worker_and_its_error(background: Background, wait_until: Wait) -> None:
    owner, inside, errors = QObject(), [], []

    def work() -> None:
        inside.extend((correlation_id(), correlation_id()))
        raise NotFound("There is no such page.")

    background.run(owner, work, lambda _value: None, errors.append)
    wait_until(lambda: errors)
    assert inside == [errors[0].correlation_id] * 2


def test_closing_cancels_what_runs_and_drops_what_waits(qapp: QApplication) -> None:
    background, owner, seen = Background(), QObject(), []
    started = threading.Barrier(5)

    def sleeper() -> None:
        token = current()
        assert token is not None
        stop = threading.Event()
        with token.on_cancel(stop.set):
            started.wait(5)
            assert stop.wait(30)

    for _ in range(4):
        background.run(owner, sleeper, seen.append, seen.append)
    for _ in range(500):
        background.run(owner, lambda: 1, seen.append)
    started.wait(5)
    began = time.perf_counter()
    background.close()
    background.close()
    assert time.perf_counter() - began < 2
    QApplication.processEvents()
    assert seen == []
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("lectern")]
    shiboken6.delete(background)
