"""Chips that state a filter, and the lane they flow in."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from desktop.style import Theme
from desktop.widgets.chips import HEIGHT, FilterChip, FlowLayout


def test_the_cross_and_the_delete_key_remove_and_the_words_edit(qtbot: QtBot, theme: Theme) -> None:
    chip = FilterChip("Actor: ana & <b>ben</b>")
    qtbot.addWidget(chip)
    chip.show()
    told: list[str] = []
    chip.removed.connect(lambda: told.append("removed"))
    chip.clicked.connect(lambda: told.append("clicked"))
    none = Qt.KeyboardModifier.NoModifier
    QTest.mouseClick(chip, Qt.MouseButton.LeftButton, none, QPoint(20, HEIGHT // 2))
    QTest.mouseClick(chip, Qt.MouseButton.LeftButton, none, QPoint(chip.width() - 14, HEIGHT // 2))
    QTest.keyClick(chip, Qt.Key.Key_Delete)
    QTest.keyClick(chip, Qt.Key.Key_Space)
    assert told == ["clicked", "removed", "removed", "clicked"]
    assert chip.accessibleName() == "Actor: ana & <b>ben</b>"
    assert theme is not None


def test_chips_that_do_not_fit_go_into_the_next_line_and_never_widen_the_window(qtbot: QtBot, theme: Theme) -> None:
    lane, flow = QWidget(), FlowLayout(gap=8)
    lane.setLayout(flow)
    qtbot.addWidget(lane)
    chips = [FilterChip(f"Part number {number}") for number in range(8)]
    for chip in chips:
        flow.addWidget(chip)
    first = FilterChip("First")
    flow.insert(0, first)
    widest = max(chip.width() for chip in chips)
    assert flow.minimumSize().width() == widest
    lane.resize(2 * widest + 20, 400)
    lane.show()
    rows = {chip.y() for chip in [first, *chips]}
    assert first.pos() == QPoint(0, 0)
    assert len(rows) >= 4
    assert all(chip.geometry().right() <= lane.width() for chip in chips)
    assert flow.heightForWidth(lane.width()) == len(rows) * HEIGHT + (len(rows) - 1) * 8
    assert flow.heightForWidth(5000) == HEIGHT
    assert theme is not None


def test_a_very_long_chip_is_cut(qtbot: QtBot, theme: Theme) -> None:
    chip = FilterChip("Target: " + "x" * 400)
    qtbot.addWidget(chip)
    assert chip.width() <= 320
    assert theme is not None
