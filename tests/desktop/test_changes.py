"""Hints from any thread become one signal on the GUI thread."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from PySide6.QtCore import QObject

from desktop.changes import EVERYTHING, Changes
from desktop.widgets.page import Page
from tests.desktop.conftest import Desk


class Source:
    """A backend's changes: keeps its followers."""

    def __init__(self) -> None:
        self.followers: list[Callable[[str], None]] = []

    def follow(self, callback: Callable[[str], None]) -> Callable[[], None]:
        self.followers.append(callback)
        return lambda: self.followers.remove(callback)


class Counted(Page):
    key, title, icon, group = "counted", "Counted", "inbox", "Operate"
    tables = frozenset({"document"})

    def refresh(self) -> None:
        self.count = getattr(self, "count", 0) + 1


def test_hints_of_a_backend_thread_arrive_on_the_gui_thread_in_order(qapp: QObject, wait_until: Callable[..., None]) -> None:
    changes, source, seen = Changes(), Source(), []
    changes.table_changed.connect(lambda table: seen.append((table, threading.get_ident())))
    changes.attach(source)
    worker = threading.Thread(target=lambda: [source.followers[0](str(number)) for number in range(500)])
    worker.start()
    worker.join()
    wait_until(lambda: len(seen) == 500)
    assert seen == [(str(number), threading.get_ident()) for number in range(500)]
    changes.close()
    changes.close()
    assert source.followers == []


@pytest.mark.parametrize(("hint", "refreshes"), [("document", 1), ("job", 0), (EVERYTHING, 1)])
def test_a_visible_page_refreshes_once_for_many_hints_about_its_tables(
    page_context: Callable[..., Desk], qtbot: object, wait_until: Callable[..., None], hint: str, refreshes: int
) -> None:
    desk = page_context()
    page = Counted(desk.context)
    qtbot.addWidget(page)
    page.show()
    assert page.count == 1
    for _ in range(20):
        desk.context.changes.hint(hint)
    desk.context.changes.hint("end")
    ended: list[str] = []
    desk.context.changes.table_changed.connect(ended.append)
    wait_until(lambda: "end" in ended)
    wait_until(lambda: not page._soon.isActive())
    assert page.count == 1 + refreshes


def test_a_hidden_page_ignores_hints(page_context: Callable[..., Desk], qtbot: object, wait_until: Callable[..., None]) -> None:
    desk = page_context()
    page = Counted(desk.context)
    qtbot.addWidget(page)
    page.show()
    page.hide()
    ended: list[str] = []
    desk.context.changes.table_changed.connect(ended.append)
    desk.context.changes.hint("document")
    wait_until(lambda: ended)
    assert not page._soon.isActive()
    assert page.count == 1
