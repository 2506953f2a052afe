"""The bell: a dot for what is new to the person, a popup that leads to where it is mended, and one message of the system per event."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import shiboken6
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget

from backend_core.backend import Backend
from backend_core.policy import Actor
from desktop.acting import Acting
from desktop.background import Background
from desktop.changes import Changes
from desktop.first_frame import FirstFrame
from desktop.main_window import MainWindow
from desktop.notices import NoticeWatch
from desktop.style import Theme
from desktop.widgets.notice_popup import SHOWN
from desktop.widgets.page import Page
from desktop.widgets.top_bar import TopBar
from tests.desktop.pages.document_scene import HOSTILE, Switchable
from tests.desktop.pages.watch_scene import PROGRAM, raise_notice

Wait = Callable[..., None]
REACHED = ("database", "alerts")


@dataclass
class Watched:
    """A window with a bell, and what the bell did."""

    window: QWidget
    bar: TopBar
    watch: NoticeWatch
    backend: Switchable
    told: list[str]
    went: list[tuple[str, dict[str, object]]]


@pytest.fixture
def watched(qtbot: Any, theme: object, background: Background, backend: Backend, actor: Actor, wait_until: Wait) -> Iterator[Watched]:
    """A signed-in person, and nothing new yet."""
    window = QWidget()
    qtbot.addWidget(window)
    window.resize(1000, 650)
    bar = TopBar()
    bar.setParent(window)
    bar.setGeometry(0, 0, 1000, 54)
    changes = Changes(window)
    changes.attach(backend.changes)
    went: list[tuple[str, dict[str, object]]] = []
    told: list[str] = []
    watch = NoticeWatch(window, bar.bell, background, changes, lambda key, **target: went.append((key, target)), REACHED.__contains__)
    watch.told.connect(lambda one: told.append(one.subject))
    window.show()
    window.activateWindow()
    assert QTest.qWaitForWindowActive(window)
    switchable = Switchable(backend)
    watch.start(switchable, Acting(actor))
    wait_until(lambda: not background.pending)
    yield Watched(window, bar, watch, switchable, told, went)
    watch.stop()
    changes.close()
    wait_until(lambda: not background.pending)
    assert theme is not None


def away(watched: Watched) -> QWidget:
    """Let another window be the active one."""
    other = QWidget()
    other.show()
    other.activateWindow()
    assert QTest.qWaitForWindowActive(other)
    assert not watched.window.isActiveWindow()
    return other


def test_the_dot_comes_with_a_notice_and_goes_when_the_person_has_looked(watched: Watched, backend: Backend, wait_until: Wait) -> None:
    bell = watched.bar.bell
    assert (bell.unread, bell.accessibleName()) == (0, "Notices")
    plain = bell.grab().toImage()
    raise_notice(backend)
    wait_until(lambda: bell.unread == 1)
    assert bell.accessibleName() == "Notices, 1 new"
    assert bell.grab().toImage() != plain
    bell.click()
    wait_until(lambda: watched.watch.popup is not None and watched.watch.popup.lines)
    wait_until(lambda: bell.unread == 0)
    watched.watch.look()
    wait_until(lambda: not watched.watch._background.pending)
    assert (bell.unread, bell.accessibleName()) == (0, "Notices"), "it stays read"


def test_the_popup_shows_the_newest_inside_the_window_and_leads_to_where_they_are_mended(
    watched: Watched, backend: Backend, wait_until: Wait
) -> None:
    for number in range(SHOWN + 2):
        raise_notice(backend, subject=f"pool {number}", title=f"Pool {number} {HOSTILE}")
    watched.bar.bell.click()
    popup = watched.watch.popup
    assert popup is not None
    wait_until(lambda: len(popup.lines) == SHOWN)
    assert popup.lines[0].notice.title == f"Pool {SHOWN + 1} {HOSTILE}"
    assert watched.window.rect().contains(popup.panel.geometry())
    assert popup.panel.height() >= SHOWN * popup.lines[0].height()
    assert popup.lines[0].hasFocus()
    QTest.keyClick(popup.lines[0], Qt.Key.Key_Down)
    QTest.keyClick(popup.lines[1], Qt.Key.Key_Return)
    assert watched.went == [("database", {"tab": "pool"})]
    assert not popup.isVisible()
    watched.bar.bell.click()
    popup.all.click()
    assert watched.went[1] == ("alerts", {})
    notice = raise_notice(backend, subject="for others", page="backup")
    watched.bar.bell.click()
    wait_until(lambda: popup.lines[0].notice.id == notice)
    popup.lines[0].click()
    assert watched.went[2] == ("alerts", {"notice_id": notice}), "a page that the role may not open"
    watched.bar.bell.click()
    QTest.keyClick(popup, Qt.Key.Key_Escape)
    assert not popup.isVisible()


def test_one_event_is_one_message_and_only_while_nobody_looks_at_the_window(
    watched: Watched, backend: Backend, background: Background, wait_until: Wait
) -> None:
    raise_notice(backend, subject="seen by the bell")
    wait_until(lambda: watched.bar.bell.unread == 1)
    other = away(watched)
    for _ in range(3):
        raise_notice(backend, subject="said three times")
    raise_notice(backend, subject="another")
    wait_until(lambda: sorted(watched.told) == ["another", "said three times"])
    backend.notices.resolve("pool_full", "another", actor=PROGRAM)
    watched.watch.look()
    wait_until(lambda: not background.pending)
    assert sorted(watched.told) == ["another", "said three times"]
    other.close()
    other.deleteLater()


def test_the_house_may_keep_notices_out_of_the_window(
    watched: Watched, backend: Backend, actor: Actor, background: Background, wait_until: Wait
) -> None:
    backend.house.update({"notify_in_app": False}, version=backend.house.read(actor).version, actor=actor)
    other = away(watched)
    raise_notice(backend)
    watched.watch.look()
    wait_until(lambda: not background.pending)
    assert (watched.bar.bell.unread, watched.told) == (0, [])
    other.close()
    other.deleteLater()


def test_a_database_that_is_away_changes_nothing_and_the_popup_says_so(
    watched: Watched, backend: Backend, background: Background, wait_until: Wait
) -> None:
    raise_notice(backend)
    wait_until(lambda: watched.bar.bell.unread == 1)
    watched.backend.away = True
    watched.watch.look()
    wait_until(lambda: not background.pending)
    assert watched.bar.bell.unread == 1
    watched.bar.bell.click()
    wait_until(lambda: not background.pending)
    assert watched.watch.popup is not None
    assert watched.watch.popup.lines == []
    assert watched.bar.bell.unread == 1, "nobody has looked at anything"


def test_who_signs_out_leaves_no_notice_behind(watched: Watched, backend: Backend, wait_until: Wait) -> None:
    raise_notice(backend)
    watched.bar.bell.click()
    popup = watched.watch.popup
    assert popup is not None
    wait_until(lambda: popup.lines)
    watched.watch.stop()
    assert not popup.isVisible()
    assert popup.lines == []
    watched.bar.bell.click()
    assert not popup.isVisible()


class WithoutWorker:
    """A backend whose window starts no process."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self.worker = SimpleNamespace(ensure=lambda: False)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)


class Plain(Page):
    """A page that shows nothing."""

    key, title, icon, group = "plain", "Plain", "info", "Operate"


def test_the_window_follows_the_notices_of_whoever_is_signed_in(
    theme: Theme, background: Background, backend: Backend, actor: Actor, tmp_path: Path, wait_until: Wait
) -> None:
    frame = FirstFrame(tmp_path / "config")
    window = MainWindow(theme=theme, background=background, state=frame.state, pages=(Plain,))
    frame.adopt(window, remember=window.remembered)
    frame.show()
    raise_notice(backend)
    window.start(WithoutWorker(backend), actor)
    wait_until(lambda: window.top.bell.unread == 1)
    window.end()
    assert window.top.bell.unread == 0
    window.release()
    wait_until(lambda: not background.pending)
    shiboken6.delete(frame)
