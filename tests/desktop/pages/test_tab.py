"""A tab of the Database page reads again what was asked for while it was reading."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import ClassVar

import pytest

from desktop.pages.database.tab import Tab
from desktop.widgets.page import Page
from tests.desktop.conftest import Desk
from tests.desktop.pages.document_scene import Wait


class Plain(Page):
    """What a tab needs around it."""

    key: ClassVar[str] = "plain"
    title: ClassVar[str] = "Plain"


class Choice(Tab):
    """Shows what was chosen when it was read; the first reading waits until ``go``."""

    key: ClassVar[str] = "choice"
    caption: ClassVar[str] = "Choice"
    every_ms: ClassVar[int] = 0

    def __init__(self, page: Page) -> None:
        super().__init__(page)
        self.chosen, self.seen = "first", list[str]()
        self.reads, self.go = threading.Event(), threading.Event()

    def read(self) -> str:
        """Return the choice."""
        chosen = self.chosen
        self.reads.set()
        assert self.go.wait(10)
        return chosen

    def show_reading(self, reading: str) -> None:
        """Note it."""
        self.seen.append(reading)


@pytest.fixture
def desk(page_context: Callable[..., Desk]) -> Desk:
    """What is around a page."""
    return page_context()


@pytest.fixture
def tab(desk: Desk, wait_until: Wait) -> Choice:
    """A tab in the middle of its first reading."""
    page = Plain(desk.context)
    page.setParent(desk.window)
    made = Choice(page)
    made.setParent(page)
    made.shown()
    wait_until(made.reads.is_set)
    return made


def test_what_is_chosen_while_it_reads_is_read_next(desk: Desk, tab: Choice, wait_until: Wait) -> None:
    tab.chosen = "second"
    for _ in range(3):
        tab.refresh()
    tab.go.set()
    wait_until(lambda: not desk.context.background.pending)
    assert tab.seen == ["first", "second"], "once more, however often it was asked for"


def test_a_tab_nobody_sees_any_more_does_not_read_again(desk: Desk, tab: Choice, wait_until: Wait) -> None:
    tab.refresh()
    tab.hidden()
    tab.go.set()
    wait_until(lambda: not desk.context.background.pending)
    assert tab.seen == ["first"]
