"""The calendar that leads to a moment in a long list."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from desktop.style import Theme
from desktop.widgets.date_jump import DateJump, MonthGrid

OLDEST, NEWEST = datetime(2024, 11, 5, 9, 30, tzinfo=UTC), datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.fixture
def grid(qtbot: QtBot, theme: Theme) -> MonthGrid:
    """November 2026."""
    made = MonthGrid(date(2026, 11, 21), oldest=OLDEST.date(), newest=NEWEST.date())
    qtbot.addWidget(made)
    made.resize(7 * 50, made.height())
    made.show()
    assert theme is not None
    return made


def test_arrows_move_the_day_page_keys_the_month_and_never_beyond_the_events(grid: MonthGrid) -> None:
    for key, day in (
        (Qt.Key.Key_Left, date(2026, 11, 20)),
        (Qt.Key.Key_Up, date(2026, 11, 13)),
        (Qt.Key.Key_Right, date(2026, 11, 14)),
        (Qt.Key.Key_PageUp, date(2026, 10, 14)),
        (Qt.Key.Key_PageDown, date(2026, 11, 14)),
        (Qt.Key.Key_Down, date(2026, 11, 21)),
        (Qt.Key.Key_Down, date(2026, 11, 21)),
    ):
        QTest.keyClick(grid, key)
        assert grid.day == day
    grid.move_month(-60)
    assert grid.day == OLDEST.date()


def test_a_click_chooses_the_day_under_it_and_a_day_without_events_is_no_choice(grid: MonthGrid) -> None:
    chosen: list[date] = []
    grid.chosen.connect(chosen.append)

    def click(week: int, lane: int) -> None:
        QTest.mouseClick(grid, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(lane * 50 + 25, 26 + week * 36 + 18))

    click(2, 0)
    monday = grid.day
    assert chosen == [monday]
    click(3, 6)
    assert (grid.day - monday).days in {12, 13} or grid.day == monday
    grid.choose(NEWEST.date())
    click(5, 6)
    assert grid.day == NEWEST.date()


def test_going_there_gives_the_end_of_the_minute_in_local_time(qtbot: QtBot, theme: Theme) -> None:
    parent = QWidget()
    qtbot.addWidget(parent)
    went: list[datetime] = []
    dialog = DateJump(parent, oldest=OLDEST, newest=NEWEST, on_go=went.append)
    dialog.grid.choose(date(2026, 3, 1))
    dialog.time.setText("09:15")
    dialog._go()
    assert went == [datetime(2026, 3, 1, 9, 15, 59, 999_999).astimezone()]
    assert theme is not None


def test_the_short_ways_lead_to_the_first_event_and_a_week_before_the_last(qtbot: QtBot, theme: Theme) -> None:
    parent = QWidget()
    qtbot.addWidget(parent)
    dialog = DateJump(parent, oldest=OLDEST, newest=NEWEST, on_go=lambda _moment: None)
    dialog._set(OLDEST.astimezone())
    assert dialog.grid.day == OLDEST.astimezone().date()
    assert dialog.month.text().endswith("2024")
    dialog.reject()
    assert theme is not None
