"""The Logs page: filter, drawer, copy, way to the audit log, more on scrolling, and what it says when something is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from backend_core.errors import DatabaseAway, LecternError
from backend_core.monitoring.logbook import Logbook, LogFilter, LogPage
from backend_core.policy import ADMIN, Actor
from desktop.pages.logs.page import COUNT, LogsPage
from tests.desktop.conftest import Desk

Wait = Callable[..., None]
ANA = Actor(operator_id=1, name="Ana", role=ADMIN, workstation="ws")


class Switchable(Logbook):
    """A logbook that can be made to fail."""

    broken: LecternError | None = None

    def search(self, wanted: LogFilter, **how: Any) -> LogPage:
        if self.broken is not None:
            raise self.broken
        return super().search(wanted, **how)


def write(folder: Path, count: int, *, process: str = "worker", start: int = 0, **facts: object) -> None:
    with (folder / f"{process}.log").open("a", encoding="utf-8") as file:
        for n in range(start, start + count):
            line = {"event": f"step {n}", "level": "info", "logger": "x", "timestamp": f"2026-11-21T09:{n // 60:02d}:{n % 60:02d}Z"}
            file.write(json.dumps(line | {"correlation_id": f"c-{n}"} | facts) + "\n")


class Shown:
    def __init__(self, page: LogsPage, book: Switchable, desk: Desk, wait: Wait) -> None:
        self.page, self.book, self.desk, self._wait = page, book, desk, wait

    def events(self) -> list[str]:
        return [entry.event for entry in self.page.table.rows]

    def wait_for(self, *events: str) -> None:
        self._wait(lambda: self.events() == list(events))


@pytest.fixture
def show(qtbot: QtBot, page_context: Callable[..., Desk], tmp_path: Path, wait_until: Wait) -> Iterator[Callable[[], Shown]]:
    pages: list[LogsPage] = []

    def open_page() -> Shown:
        book = Switchable(tmp_path)
        desk = page_context(SimpleNamespace(logbook=book), actor=ANA)
        page = LogsPage(desk.context)
        qtbot.addWidget(page)
        page.resize(1228, 600)
        page.show()
        wait_until(lambda: not desk.context.background.pending)
        pages.append(page)
        return Shown(page, book, desk, wait_until)

    yield open_page
    for page in pages:
        page.hide()


def test_the_newest_line_is_first_and_new_ones_come_by_themselves(show: Callable[[], Shown], tmp_path: Path) -> None:
    write(tmp_path, 2)
    shown = show()
    assert shown.events() == ["step 1", "step 0"]
    write(tmp_path, 1, start=2, process="desktop")
    shown.page.refresh()
    shown.wait_for("step 2", "step 1", "step 0")
    assert [shown.page.process.itemData(n) for n in range(shown.page.process.count())] == ["", "desktop", "worker"]


def test_words_level_and_process_narrow_the_list(show: Callable[[], Shown], tmp_path: Path) -> None:
    write(tmp_path, 2)
    write(tmp_path, 1, start=2, process="desktop", level="error")
    shown = show()
    shown.page.search.setText("STEP 1")
    shown.wait_for("step 1")
    shown.page.search.clear()
    shown.page.level.choose("ERROR")
    shown.page.refresh()
    shown.wait_for("step 2")
    shown.page.clear()
    shown.wait_for("step 2", "step 1", "step 0")


@pytest.mark.trace("B62")
def test_one_action_is_found_by_its_id_and_its_audit_events_are_one_click_away(show: Callable[[], Shown], tmp_path: Path) -> None:
    write(tmp_path, 3)
    shown = show()
    shown.page.open_target(correlation="c-1")
    shown.wait_for("step 1")
    assert "c-1" in shown.page.chip.text()
    shown.page.table.opened.emit(shown.page.table.rows[0])
    assert shown.page.drawer.isVisible()
    shown.page.drawer.audit.click()
    assert shown.desk.navigated == [("audit", {"correlation": "c-1"})]
    shown.page.chip.click()
    shown.wait_for("step 2", "step 1", "step 0")


@pytest.mark.trace("A19")
def test_copy_details_holds_the_line_and_no_secret(show: Callable[[], Shown], tmp_path: Path) -> None:
    stack = [
        {
            "exc_type": "ValueError",
            "exc_value": "password=hunter2hunter2",
            "frames": [{"name": "run", "filename": "a/b/c/d.py", "lineno": 3}],
        }
    ]
    write(tmp_path, 1, note="for ana@example.org", exception=stack)
    shown = show()
    shown.page.table.opened.emit(shown.page.table.rows[0])
    assert "hunter2" not in shown.page.drawer.stack.text()
    shown.page.drawer.copy.click()
    copied = QGuiApplication.clipboard().text()
    assert "step 0" in copied
    assert "c/d.py:3" in copied
    assert "hunter2" not in copied
    assert "ana@" not in copied


def test_scrolling_down_brings_older_lines_and_a_refresh_keeps_them(show: Callable[[], Shown], tmp_path: Path, wait_until: Wait) -> None:
    write(tmp_path, COUNT + 50)
    shown = show()
    assert len(shown.events()) == COUNT
    bar = shown.page.table.verticalScrollBar()
    bar.setValue(bar.maximum())
    wait_until(lambda: len(shown.events()) == COUNT + 50)
    write(tmp_path, 1, start=COUNT + 50)
    shown.page.refresh()
    wait_until(lambda: len(shown.events()) == COUNT + 51)
    assert shown.events() == [f"step {n}" for n in range(COUNT + 50, -1, -1)]


def test_empty_unmatched_failed_and_stale_each_say_what_they_are(show: Callable[[], Shown], tmp_path: Path, wait_until: Wait) -> None:
    shown = show()
    assert shown.page.empty.line.text() == "Nothing logged yet"
    write(tmp_path, 1)
    shown.page.search.setText("nowhere")
    wait_until(lambda: shown.page.empty.line.text() == "No line matches")
    assert shown.page.empty.action is not None
    shown.page.empty.action.click()
    shown.wait_for("step 0")
    shown.book.broken = DatabaseAway("The connection to the database was lost.")
    shown.page.refresh()
    wait_until(lambda: not shown.page.problem.isHidden())
    assert shown.events() == ["step 0"]
    shown.book.broken = None
    shown.page.refresh()
    wait_until(shown.page.problem.isHidden)


def test_escape_closes_the_drawer_first_and_then_the_filter(show: Callable[[], Shown], tmp_path: Path, qtbot: QtBot) -> None:
    write(tmp_path, 2)
    shown = show()
    shown.page.find_related("c-1")
    shown.wait_for("step 1")
    shown.page.table.opened.emit(shown.page.table.rows[0])
    qtbot.keyClick(shown.page, Qt.Key.Key_Escape)
    assert shown.page.drawer.isHidden()
    qtbot.keyClick(shown.page, Qt.Key.Key_Escape)
    shown.wait_for("step 1", "step 0")


def test_building_the_page_flashes_no_window(show: Callable[[], Shown], flashes: list[str]) -> None:
    show()
    assert flashes == ["LogsPage"]
