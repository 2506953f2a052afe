"""The Audit log page over a real backend: the list, its filter, its live tail, and the way to a date."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from backend_core.audit.query import AuditFilter
from backend_core.backend import Backend
from backend_core.db.embedded import EmbeddedServer
from backend_core.errors import Cancelled
from backend_core.policy import Actor
from desktop.widgets.date_jump import DateJump
from tests.desktop.conftest import Desk
from tests.desktop.pages.audit_scene import Scene, Wait, add_events, place_all, record, scene_maker

HOSTILE = '<img src="file:///etc/hostname"> & <b>bold</b> \u202ertl'
Show = Callable[..., Scene]


@pytest.fixture
def show(qtbot: QtBot, page_context: Callable[..., Desk], backend: Backend, actor: Actor, wait_until: Wait) -> Iterator[Show]:
    """Open the page once everything it shall find was recorded."""
    with scene_maker(qtbot, page_context, backend, actor, wait_until) as make:
        yield make


def test_the_list_begins_with_the_newest_event_and_counts_them_all(
    show: Show, backend: Backend, actor: Actor, clean: EmbeddedServer
) -> None:
    add_events(clean.admin_dsn, 3000)
    record(backend, actor, "document.import", "document.delete")
    scene = show()
    assert scene.actions[:3] == ["document.delete", "document.import", "audio.play"]
    assert [line.position is None for line in scene.lines[:3]] == [True, True, False]
    assert scene.page.list.foot.count.text().replace(",", "") == f"{scene.page.list.table.rows.rowCount()} events"
    scene.page.list.table.go_to(2990)
    scene.settle()
    assert scene.lines[-1].position == 1


def test_text_and_chips_are_two_views_of_one_filter(show: Show, backend: Backend, actor: Actor, clean: EmbeddedServer) -> None:
    add_events(clean.admin_dsn, 600)
    record(backend, actor, "document.import", "settings.update")
    scene = show()
    bar = scene.page.filters
    scene.ask("action:document.*,settings.update since:7d")
    assert [chip.accessibleName() for chip in bar.chips] == ["Last 7 days", "Action: document, settings.update"]
    assert scene.actions == ["settings.update", "document.import"]
    assert scene.page.list.foot.count.text().startswith("2 of ")
    bar.chips[0].removed.emit()
    scene.settle()
    assert bar.field.text() == "action:document.*,settings.update"
    bar.add("outcome", "refused")
    scene.settle()
    assert bar.field.text() == "action:document.*,settings.update outcome:refused"
    assert scene.page.list.empty.line.text() == "No event matches"
    QTest.keyClick(bar.field, Qt.Key.Key_Escape)
    scene.settle()
    assert bar.field.text() == "action:document.*,settings.update"
    assert scene.actions == ["settings.update", "document.import"]


def test_typing_asks_after_a_pause_and_enter_at_once(show: Show, backend: Backend, actor: Actor) -> None:
    record(backend, actor, "document.import", "settings.update")
    scene = show()
    QTest.keyClicks(scene.page.filters.field, "action:settings.*")
    QTest.keyClick(scene.page.filters.field, Qt.Key.Key_Return)
    scene.wait(lambda: scene.actions == ["settings.update"])
    QTest.keyClicks(scene.page.filters.field, " since:1h")
    scene.wait(lambda: len(scene.page.filters.chips) == 2)


@pytest.mark.parametrize("text", ["colour:red", "since:yesterdayish", "outcome:perhaps", "just words"])
def test_a_mistake_is_explained_under_the_field_and_the_list_stays(show: Show, text: str) -> None:
    scene = show()
    before = scene.actions
    scene.page.filters.type_text(text)
    assert scene.page.filters.problem.isVisible()
    assert scene.page.filters.problem.text().endswith(".")
    assert scene.actions == before
    assert scene.said == []
    QTest.keyClick(scene.page.filters.field, Qt.Key.Key_Escape)
    assert not scene.page.filters.problem.isVisible()


def test_a_new_event_appears_by_itself_and_is_sealed_in_place(show: Show, backend: Backend, actor: Actor, clean: EmbeddedServer) -> None:
    scene = show()
    record(backend, actor, "document.import")
    scene.refresh()
    assert scene.actions[0] == "document.import"
    assert scene.lines[0].position is None
    assert "sealing" in scene.page.list.foot.seal.text()
    place_all(clean.admin_dsn)
    scene.refresh()
    assert scene.lines[0].position is not None
    assert scene.page.list.foot.seal.text() == "· every event is sealed"


def test_scrolling_pauses_the_tail_and_the_band_leads_back(show: Show, backend: Backend, actor: Actor, clean: EmbeddedServer) -> None:
    add_events(clean.admin_dsn, 600)
    scene = show()
    events = scene.page.list
    events.table.verticalScrollBar().setValue(100 * 33)
    scene.settle()
    seen = [line.id for line in scene.lines]
    assert events.foot.state.text() == "Live tail paused, you scrolled"
    record(backend, actor, "document.import", "document.rename")
    scene.refresh()
    assert events.band.isVisible()
    assert [line.id for line in scene.lines[:10]] == seen[1:11], "the band took the place of one row; the others stand where they stood"
    assert events.band.words.text() == "2 newer events, 2 still sealing"
    QTest.mouseClick(events.band, Qt.MouseButton.LeftButton)
    scene.wait(lambda: scene.actions[:2] == ["document.rename", "document.import"])
    assert events.live
    assert not events.band.isVisible()


def test_pause_holds_the_list_still_until_resume(show: Show, backend: Backend, actor: Actor) -> None:
    scene = show()
    scene.page.list.foot.button.click()
    before = scene.actions
    record(backend, actor, "document.import")
    scene.refresh()
    assert scene.actions == before
    assert scene.page.list.foot.state.text() == "Live tail paused"
    scene.page.list.foot.button.click()
    scene.wait(lambda: scene.actions[0] == "document.import")


def test_a_filtered_list_follows_the_tail_too(show: Show, backend: Backend, actor: Actor) -> None:
    record(backend, actor, "settings.update", "document.import")
    scene = show()
    scene.ask("action:settings.*")
    record(backend, actor, "settings.update", "document.import", "settings.update")
    scene.refresh()
    assert scene.actions == ["settings.update"] * 3
    assert scene.page.list.foot.count.text().startswith("3 of ")


def test_more_news_than_the_head_holds_brings_the_list_anew(show: Show, clean: EmbeddedServer, backend: Backend, actor: Actor) -> None:
    scene = show()
    record(backend, actor, *["job.retry"] * 700)
    record(backend, actor, "document.import")
    scene.page.refresh()
    scene.wait(lambda: scene.actions[0] == "document.import" and scene.page.list.table.rows.rowCount() > 700)


def test_a_date_leads_to_its_event(show: Show, clean: EmbeddedServer) -> None:
    add_events(clean.admin_dsn, 5000, seconds=3600)
    scene = show()
    scene.page.jump()
    dialog = scene.dialog()
    assert isinstance(dialog, DateJump)
    wanted = datetime.now(UTC) - timedelta(days=60)
    dialog.grid.choose(wanted.astimezone().date())
    dialog.time.setText("12:00")
    dialog._go()
    scene.wait(lambda: scene.page.list.scrolled)
    scene.settle()
    noon = datetime.combine(wanted.astimezone().date(), datetime.min.time().replace(hour=12, minute=1)).astimezone()
    chosen = scene.page.list.table.current()
    assert noon - timedelta(hours=1, minutes=1) <= chosen.at <= noon


def test_a_time_that_is_none_is_refused_in_the_dialog(show: Show) -> None:
    scene = show()
    scene.page.jump()
    dialog = scene.dialog()
    dialog.time.setText("25:61")
    dialog._go()
    assert dialog.problem.isVisible()
    dialog.reject()


class SlowPlan:
    """A trail that counts matches only when the test lets it."""

    def __init__(self, backend: Backend) -> None:
        self._trail = backend.trail
        self.gate, self.ended = threading.Event(), threading.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._trail, name)

    def plan(self, wanted: AuditFilter, *, actor: Actor, on_cancel: Any) -> Any:
        """Wait for the gate, or for a cancellation."""
        stopped = threading.Event()
        with on_cancel(stopped.set):
            while not self.gate.is_set() and not stopped.is_set():
                self.gate.wait(0.01)
        self.ended.set()
        if stopped.is_set():
            raise Cancelled("Stopped on request.")
        return self._trail.plan(wanted, actor=actor)


def test_a_long_search_shows_its_first_rows_at_once_and_the_count_later(
    show: Show, backend: Backend, wait_until: Wait, clean: EmbeddedServer
) -> None:
    add_events(clean.admin_dsn, 900, action="audio.play")
    slow = SlowPlan(backend)
    scene = show(trail=slow)
    scene.page.filters.type_text("action:audio.*")
    wait_until(lambda: scene.page.list.table.rows.rowCount() == 256)
    assert scene.page.list.foot.count.text() == "Counting what matches …"
    slow.gate.set()
    scene.settle()
    assert scene.page.list.table.rows.rowCount() == 900


def test_a_search_can_be_stopped_and_the_list_before_it_is_back(
    show: Show, backend: Backend, wait_until: Wait, clean: EmbeddedServer
) -> None:
    add_events(clean.admin_dsn, 900, action="audio.play")
    slow = SlowPlan(backend)
    scene = show(trail=slow)
    rows = scene.page.list.table.rows.rowCount()
    scene.page.filters.type_text("action:audio.*")
    wait_until(lambda: scene.page.list.band.isVisible() and scene.page.list.band.action.text() == "Cancel")
    scene.page.list.band.action.click()
    wait_until(slow.ended.is_set)
    assert scene.page.filters.field.text() == ""
    assert scene.page.list.table.rows.rowCount() == rows
    scene.refresh()
