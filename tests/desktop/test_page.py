"""A page loads in a worker: skeleton first, then content, and errors that say what to do."""

from __future__ import annotations

from collections.abc import Callable

from pytestqt.qtbot import QtBot

from backend_core.errors import NotFound
from desktop.widgets.page import Page
from tests.desktop.conftest import Desk


class Sample(Page):
    key, title, icon, group = "sample", "Sample", "inbox", "Operate"
    broken = False

    def refresh(self) -> None:
        def work() -> int:
            if self.broken:
                raise NotFound("Gone.")
            return 7

        self.load(work, lambda value: setattr(self, "value", value))


def test_a_page_shows_skeleton_then_content_and_keeps_it_when_a_later_refresh_fails(
    page_context: Callable[..., Desk], qtbot: QtBot, wait_until: Callable[..., None]
) -> None:
    desk = page_context()
    page = Sample(desk.context)
    qtbot.addWidget(page)
    page.show()
    assert not page.loaded
    wait_until(lambda: page.loaded)
    page.broken = True
    page.refresh()
    wait_until(lambda: desk.context.background.pending == 0)
    assert page.loaded
    page.hide()


def test_a_page_that_never_loaded_shows_the_error_and_recovers_by_retry(
    page_context: Callable[..., Desk], qtbot: QtBot, wait_until: Callable[..., None]
) -> None:
    desk = page_context()
    page = Sample(desk.context)
    page.broken = True
    qtbot.addWidget(page)
    page.show()
    wait_until(page.error.isVisible)
    assert page.error.sentence.text() == "Gone."
    page.broken = False
    page.error.retry.click()
    wait_until(lambda: page.loaded)
    page.act(lambda: (_ for _ in ()).throw(NotFound("Not any more.")))
    wait_until(lambda: desk.notified)
    assert desk.notified == [("Not any more.", "bad")]
