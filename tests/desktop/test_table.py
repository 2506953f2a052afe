"""The table keeps place and selection over refreshes, works by keyboard, and paints fast."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from desktop.style import Theme
from desktop.style.tokens import LIGHT
from desktop.widgets.cells import text_cell
from desktop.widgets.states import EmptyState
from desktop.widgets.table import HEADER_HEIGHT, Column, Table
from tests.desktop.gallery import ROWS, columns

ROW_HEIGHT = 40


@dataclass(frozen=True)
class Line:
    number: int
    title: str


def lines(count: int) -> list[Line]:
    return [Line(number, f"Document {number}") for number in range(count)]


@pytest.fixture
def table(qtbot: QtBot, theme: Theme) -> Table:
    made = Table(
        [
            Column("title", "Title", lambda line: line.title, text_cell(lambda line: line.title), sortable=True),
            Column(
                "number", "No.", lambda line: str(line.number), text_cell(lambda line: str(line.number), right=True), width=80, right=True
            ),
        ],
        name="Documents",
        row_height=ROW_HEIGHT,
        key=lambda line: line.number,
        empty=EmptyState("file-text", "No documents yet"),
    )
    qtbot.addWidget(made)
    made.resize(600, 400)
    made.show()
    return made


def test_a_refresh_keeps_selection_and_place_and_stays_silent(table: Table) -> None:
    table.set_rows(lines(200))
    table.selectRow(50)
    table.verticalScrollBar().setValue(30 * ROW_HEIGHT)
    heard: list[object] = []
    table.selected.connect(heard.append)
    table.set_rows([replace(line, title=line.title + " changed") for line in lines(200)])
    assert table.current().title == "Document 50 changed"
    assert table.verticalScrollBar().value() == 30 * ROW_HEIGHT
    assert heard == []


def test_a_selected_row_that_vanished_is_announced(table: Table) -> None:
    table.set_rows(lines(10))
    table.selectRow(9)
    heard: list[object] = []
    table.selected.connect(heard.append)
    table.set_rows(lines(5))
    assert heard == [None]
    assert table.current() is None


def test_rows_are_opened_and_walked_by_keyboard(table: Table) -> None:
    table.set_rows(lines(5))
    opened: list[Line] = []
    table.opened.connect(opened.append)
    for key in (Qt.Key.Key_J, Qt.Key.Key_J, Qt.Key.Key_K, Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Space):
        QTest.keyClick(table, key)
    assert [line.number for line in opened] == [1, 1]


def test_a_click_tells_row_column_and_place_in_the_cell(table: Table) -> None:
    table.set_rows(lines(5))
    heard: list[tuple[Line, str, QPointF]] = []
    table.cell_clicked.connect(lambda *what: heard.append(what))
    at = QPoint(table.columnViewportPosition(1) + 30, 2 * ROW_HEIGHT + 10)
    QTest.mouseMove(table.viewport(), at)
    QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=at)
    row, column, place = heard[0]
    assert (row.number, column) == (2, "number")
    assert (round(place.x()), round(place.y())) == (18, 10)


def test_a_heading_asks_for_order_only_where_that_means_something(table: Table) -> None:
    heard: list[tuple[str, bool]] = []
    table.sort_wanted.connect(lambda *what: heard.append(what))
    header = table.horizontalHeader()
    for section in (0, 0, 1):
        header.sectionClicked.emit(section)
    assert heard == [("title", False), ("title", True)]


def test_more_rows_are_asked_for_near_the_end_and_appended(table: Table) -> None:
    table.set_rows(lines(100))
    asked: list[bool] = []
    table.near_end.connect(lambda: asked.append(True))
    table.verticalScrollBar().setValue(10 * ROW_HEIGHT)
    assert asked == []
    table.verticalScrollBar().setValue(table.verticalScrollBar().maximum())
    assert asked
    table.append_rows([Line(100, "new")])
    table.append_rows([])
    assert len(table.rows) == 101
    assert table.select_key(100)
    assert not table.select_key(999)


def test_the_empty_state_shows_only_without_rows(table: Table) -> None:
    empty = table.findChild(EmptyState)
    table.set_rows([])
    assert empty.isVisible()
    table.set_rows(lines(1))
    assert not empty.isVisible()


def test_a_screen_reader_finds_names_and_texts(table: Table) -> None:
    table.set_rows(lines(2))
    assert table.accessibleName() == "Documents"
    model = table.model()
    assert model.data(model.index(1, 0)) == "Document 1"
    assert model.headerData(1, Qt.Orientation.Horizontal) == "No."
    assert model.data(model.index(0, 0), Qt.ItemDataRole.DecorationRole) is None


def test_the_measures_are_those_of_the_drawing(table: Table) -> None:
    table.set_rows(lines(3))
    assert table.horizontalHeader().height() == HEADER_HEIGHT
    assert table.rowHeight(2) == ROW_HEIGHT


def test_the_selection_has_a_bar_so_that_colour_is_not_its_only_mark(table: Table) -> None:
    table.set_rows(lines(3))
    table.selectRow(1)
    picture = table.viewport().grab().toImage()
    middle = ROW_HEIGHT + ROW_HEIGHT // 2
    assert picture.pixelColor(1, middle).name() == LIGHT["accent"]
    assert picture.pixelColor(5, middle).name() == LIGHT["sel"]
    assert picture.pixelColor(1, ROW_HEIGHT // 2).name() == LIGHT["surface"]


def test_hostile_titles_are_drawn_as_text(qtbot: QtBot, theme: Theme) -> None:
    table = Table(columns(), name="Documents", row_height=51, key=lambda row: row.title)
    qtbot.addWidget(table)
    table.resize(900, 400)
    table.set_rows(ROWS)
    table.show()
    assert table.grab().toImage().size().width() == 900


def test_ten_thousand_rows_are_set_and_painted_without_blocking(table: Table) -> None:
    many = lines(10_000)
    began = time.process_time()
    table.set_rows(many)
    table.verticalScrollBar().setValue(table.verticalScrollBar().maximum() // 2)
    table.grab()
    # A generous bound: it catches one call per row, not a busy machine.
    assert time.process_time() - began < 0.5
