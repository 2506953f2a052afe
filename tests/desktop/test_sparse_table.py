"""A table of ten million rows of which only a few are in memory."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from backend_core.errors import DatabaseAway, LecternError
from desktop.background import Background
from desktop.style import Theme
from desktop.widgets import cells
from desktop.widgets.sparse_loader import SparseLoader
from desktop.widgets.sparse_table import KEPT_PAGES, MOST_ROWS, PAGE_ROWS, SparseTable
from desktop.widgets.table import Column

MILLIONS = 10_000_000
ROW = 33
Wait = Callable[..., None]


@dataclass
class Log:
    """Ten million rows by formula, and what was asked of them."""

    asked: list[int] = field(default_factory=list)
    away: bool = False
    gate: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        """Answer at once until a test closes the gate."""
        self.gate.set()

    def fetch(self, first: int, count: int) -> list[str]:
        """Return rows in a worker."""
        self.asked.append(first // PAGE_ROWS)
        self.gate.wait(10)
        if self.away:
            raise DatabaseAway("The database does not answer.")
        return [f"row {number}" for number in range(first, first + count)]


@pytest.fixture
def table(qtbot: QtBot, theme: Theme) -> SparseTable:
    """A table of 20 visible rows without any row yet."""
    columns = [Column("name", "Name", str, cells.text_cell(str)), Column("n", "N", len, cells.text_cell(str), width=90, right=True)]  # type: ignore[arg-type]  # shown as text
    made = SparseTable(columns, name="Rows", row_height=ROW, key=str)
    qtbot.addWidget(made)
    made.resize(400, 20 * ROW + 34)
    made.show()
    assert theme is not None
    return made


@pytest.fixture
def log(table: SparseTable, background: Background) -> Iterator[Log]:
    """The rows behind the table, which follows them."""
    made = Log()
    loader = SparseLoader(table, background)
    table.restart(MILLIONS)
    loader.start(made.fetch)
    yield made
    made.gate.set()
    loader.stop()


def shown(table: SparseTable) -> list[object]:
    first, last = table.visible()
    return [table.row_at(number) for number in range(first, last + 1)]


def press(table: SparseTable, key: Qt.Key) -> None:
    QApplication.sendEvent(table, QKeyEvent(QEvent.Type.KeyPress, key, Qt.KeyboardModifier.NoModifier))


def test_the_scroll_bar_is_exact_and_any_depth_shows_its_own_rows(table: SparseTable, log: Log, wait_until: Wait) -> None:
    wait_until(lambda: table.settled)
    assert table.model().rowCount() == MILLIONS
    bar = table.verticalScrollBar()
    assert bar.maximum() == MILLIONS * ROW - table.viewport().height()
    for number in (0, 5_000_000, 9_999_980, 255, 256):
        bar.setValue(number * ROW)
        wait_until(lambda: table.settled)
        first, last = table.visible()
        assert first <= number <= last
        assert shown(table) == [f"row {n}" for n in range(first, last + 1)]


def test_only_a_few_pages_stay_in_memory_and_the_one_in_view_is_never_the_victim(table: SparseTable, log: Log, wait_until: Wait) -> None:
    bar = table.verticalScrollBar()
    for page in range(2 * KEPT_PAGES):
        bar.setValue(page * 7 * PAGE_ROWS * ROW)
        wait_until(lambda: table.settled)
        assert table.rows.kept <= KEPT_PAGES
    assert table.rows.kept == KEPT_PAGES
    assert "row 0" not in shown(table)


def test_the_newest_place_is_asked_first_and_what_was_passed_on_the_way_is_never_asked(
    table: SparseTable, log: Log, wait_until: Wait
) -> None:
    wait_until(lambda: table.settled)
    log.gate.clear()
    bar, passed = table.verticalScrollBar(), range(1000, 9000, 250)
    for page in passed:
        bar.setValue(page * PAGE_ROWS * ROW)
    target = 20_000
    bar.setValue(target * PAGE_ROWS * ROW)
    log.gate.set()
    wait_until(lambda: table.settled)
    asked = {page for page in log.asked if page in passed}
    assert target in log.asked
    assert len(asked) <= 1, "only the request that was already under way"


def test_a_slow_request_for_rows_out_of_view_is_given_up(table: SparseTable, log: Log, wait_until: Wait) -> None:
    wait_until(lambda: table.settled)
    bar = table.verticalScrollBar()
    log.gate.clear()
    bar.setValue(4000 * PAGE_ROWS * ROW)
    wait_until(lambda: 4000 in log.asked)
    bar.setValue(8000 * PAGE_ROWS * ROW)
    # the worker of the first request still waits at the gate; a second one comes for the place in view
    wait_until(lambda: 8000 in log.asked)
    assert not log.gate.is_set()


def test_neighbours_are_fetched_when_the_view_rests(table: SparseTable, log: Log, wait_until: Wait) -> None:
    table.verticalScrollBar().setValue(500 * PAGE_ROWS * ROW + 100 * ROW)
    wait_until(lambda: all(table.rows.has_page(page) for page in (499, 500, 501)))


def test_a_failure_is_told_and_the_next_look_asks_again(table: SparseTable, log: Log, background: Background, wait_until: Wait) -> None:
    loader = SparseLoader(table, background)
    errors: list[LecternError] = []
    loader.failed.connect(errors.append)
    log.away = True
    table.restart(1000)
    loader.start(log.fetch)
    wait_until(lambda: errors)
    assert isinstance(errors[0], DatabaseAway)
    log.away = False
    table.looked.emit()
    wait_until(lambda: table.settled)
    loader.stop()


def test_the_selection_follows_its_row_when_rows_come_above(table: SparseTable, log: Log, wait_until: Wait) -> None:
    chosen: list[object] = []
    table.selected.connect(chosen.append)
    wait_until(lambda: table.settled)
    table.selectRow(3)
    assert chosen == ["row 3"]
    table.set_head(["new 1"])
    assert table.currentIndex().row() == 4
    table.set_head(["new 3", "new 2", "new 1"])
    assert table.currentIndex().row() == 6
    assert table.current() == "row 3"
    assert chosen == ["row 3"], "the user chose nothing else"
    assert [table.row_at(n) for n in range(4)] == ["new 3", "new 2", "new 1", "row 0"]


def test_a_row_that_is_not_there_yet_is_told_when_it_arrives(table: SparseTable, log: Log, wait_until: Wait) -> None:
    chosen: list[object] = []
    table.selected.connect(chosen.append)
    press(table, Qt.Key.Key_End)
    assert chosen == []
    wait_until(lambda: chosen == [f"row {MILLIONS - 1}"])
    press(table, Qt.Key.Key_Home)
    wait_until(lambda: chosen[-1] == "row 0")


def test_keys_move_and_open(table: SparseTable, log: Log, wait_until: Wait) -> None:
    opened: list[object] = []
    table.opened.connect(opened.append)
    wait_until(lambda: table.settled)
    for key in (Qt.Key.Key_J, Qt.Key.Key_J, Qt.Key.Key_K, Qt.Key.Key_Return):
        press(table, key)
    assert opened == ["row 0"]
    press(table, Qt.Key.Key_PageDown)
    assert table.currentIndex().row() >= 18
    press(table, Qt.Key.Key_Space)
    wait_until(lambda: len(opened) == 2)
    QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(40, 5))
    assert len(opened) == 3


def test_leaving_the_top_and_coming_back_is_told_once_each(table: SparseTable, log: Log) -> None:
    told: list[bool] = []
    table.top_left.connect(told.append)
    bar = table.verticalScrollBar()
    for value in (10, 500, 0, 0, 33):
        bar.setValue(value)
    assert told == [True, False, True]


def test_a_missing_row_is_a_grey_bar_and_a_present_one_text(table: SparseTable, log: Log, wait_until: Wait) -> None:
    wait_until(lambda: table.settled)
    with_rows = table.viewport().grab().toImage()
    table.restart(MILLIONS)
    log.gate.clear()
    without = table.viewport().grab().toImage()
    assert with_rows != without
    assert table.model().data(table.model().index(0, 0)) == ""


def test_a_list_beyond_what_a_scroll_bar_can_reach_is_cut_there(table: SparseTable) -> None:
    table.restart(10 * MOST_ROWS)
    assert table.model().rowCount() == MOST_ROWS
    assert 0 < table.verticalScrollBar().maximum() < 2**31
