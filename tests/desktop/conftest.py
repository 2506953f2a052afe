"""Fixtures for everything with a window: offscreen platform, theme, background, page context, leak check, stall watchdog."""

from __future__ import annotations

import os

# Qt reads it when the first application object is made, so it comes before any Qt import.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import gc
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import shiboken6
from PySide6.QtCore import QCoreApplication, QEvent, QObject, QTimer
from PySide6.QtWidgets import QApplication, QWidget

from desktop.background import Background
from desktop.changes import Changes
from desktop.commands import Commands
from desktop.style import Theme
from desktop.widgets.page import PageContext
from tests.jitter import workers

BEAT_MS = 5


def pytest_configure(config: pytest.Config) -> None:
    """The offscreen platform says this for every window; it is harmless."""
    config.addinivalue_line("qt_log_ignore", "does not support propagateSizeHints")


@pytest.fixture(scope="session")
def qapp_cls() -> type[QApplication]:
    """Every test shares one real application."""
    return QApplication


@pytest.fixture
def theme(qapp: QApplication) -> Iterator[Theme]:
    """The look, light at first."""
    made = Theme(qapp, mode="light")
    yield made
    made.set_mode("light")
    shiboken6.delete(made)


@pytest.fixture
def background(qapp: QApplication, request: pytest.FixtureRequest) -> Iterator[Background]:
    """Workers that are gone after the test."""
    made = workers(request)
    yield made
    made.close()
    shiboken6.delete(made)
    assert qapp is not None


@pytest.fixture
def wait_until() -> Callable[..., None]:
    """Run the event loop until a condition holds; fails after ``timeout`` seconds."""

    def wait(condition: Callable[[], object], *, timeout: float = 5.0) -> None:
        deadline = time.monotonic() + timeout
        while not condition():
            assert time.monotonic() < deadline, "the condition did not come true in time"
            # Waits for events instead of spinning, so that worker threads get the interpreter.
            QCoreApplication.processEvents()
            time.sleep(0.001)

    return wait


@dataclass
class Stall:
    """The longest time the event loop could not run, in ms."""

    longest_ms: float = 0.0
    _last: float = field(default=0.0)

    def beat(self) -> None:
        """Note that the loop is alive."""
        now = time.perf_counter()
        if self._last:
            self.longest_ms = max(self.longest_ms, (now - self._last) * 1000 - BEAT_MS)
        self._last = now


@pytest.fixture
def stall(qapp: QApplication) -> Iterator[Stall]:
    """A heartbeat on the GUI thread: ``stall.longest_ms`` is the longest block so far."""
    watch = Stall()
    timer = QTimer(qapp)
    timer.setInterval(BEAT_MS)
    timer.timeout.connect(watch.beat)
    timer.start()
    yield watch
    timer.stop()
    shiboken6.delete(timer)


class _Flashes(QObject):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Show and isinstance(watched, QWidget) and watched.isWindow():
            self.seen.append(type(watched).__name__)
        return False


@pytest.fixture
def flashes(qapp: QApplication) -> Iterator[list[str]]:
    """The types of widgets shown as windows of their own from here on; building a page must add none."""
    watch = _Flashes()
    qapp.installEventFilter(watch)
    yield watch.seen
    qapp.removeEventFilter(watch)


@dataclass
class Desk:
    """A page context together with what the page asked of the shell."""

    context: PageContext
    notified: list[tuple[str, str]]
    navigated: list[tuple[str, dict[str, object]]]
    docked: list[QWidget | None]
    window: QWidget


@pytest.fixture
def page_context(theme: Theme, background: Background) -> Iterator[Callable[..., Desk]]:
    """Make a ``Desk`` for a backend: ``page_context(backend, actor=...)``."""
    made: list[Desk] = []

    def make(backend: Any = None, *, actor: Any = None) -> Desk:
        window = QWidget()
        changes = Changes(window)
        notified: list[tuple[str, str]] = []
        navigated: list[tuple[str, dict[str, object]]] = []
        docked: list[QWidget | None] = []

        def notify(words: str, *, tone: str = "ok", undo: Callable[[], object] | None = None, action: str = "") -> None:
            notified.append((words, tone))
            assert undo is None or callable(undo)
            assert isinstance(action, str)

        def navigate(key: str, **target: object) -> None:
            navigated.append((key, target))

        context = PageContext(backend, actor, background, changes, Commands(window), notify, navigate, docked.append)
        desk = Desk(context, notified, navigated, docked, window)
        made.append(desk)
        return desk

    yield make
    for desk in made:
        desk.context.changes.close()
        shiboken6.delete(desk.window)
    assert theme is not None


@pytest.fixture(autouse=True)
def _no_window_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that leaves a top-level widget behind."""
    if "qtbot" not in request.fixturenames and QApplication.instance() is None:
        yield
        return
    before = {shiboken6.getCppPointer(widget)[0] for widget in QApplication.topLevelWidgets()}
    yield
    gc.collect()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    left = [widget for widget in QApplication.topLevelWidgets() if shiboken6.getCppPointer(widget)[0] not in before]
    names = [f"{type(widget).__name__} {widget.accessibleName()}" for widget in left if shiboken6.createdByPython(widget)]
    for widget in left:
        shiboken6.delete(widget)
    assert not names, f"left behind: {names}"
