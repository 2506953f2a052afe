"""The Memory page on the screen over a real backend, for its tests."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from PySide6.QtCore import QCoreApplication

from backend_core.backend import Backend
from backend_core.policy import Actor
from desktop.pages.memory.page import MemoryPage
from tests.desktop.conftest import Desk
from tests.desktop.pages.people_scene import People, with_reason

Wait = Callable[..., None]
START: Final = 0
FAILED: Final = 2
OPEN: Final = 3


class Shown(MemoryPage):
    """The page, with what it asked of the shell."""

    desk: Desk
    undos: list[Callable[[], object]]


Show = Callable[..., Shown]


@contextmanager
def memory_shower(page_context: Callable[..., Desk], backend: Backend, actor: Actor, wait_until: Wait) -> Iterator[Show]:
    """Give a function that shows the page: as ``who``, over another backend, loaded unless told otherwise."""
    pages: list[Shown] = []

    def make(*, who: Actor | None = None, over: object = None, load: bool = True, proven: bool = False) -> Shown:
        person = who or with_reason(actor)
        if proven:
            person = replace(person, proven_until=dt.datetime.now(dt.UTC) + dt.timedelta(minutes=5))
        desk = page_context(over or backend, actor=person)
        undos, told = [], desk.context.notify

        def notify(words: str, *, tone: str = "ok", undo: Callable[[], object] | None = None, action: str = "") -> None:
            told(words, tone=tone, undo=undo, action=action)
            if undo is not None:
                undos.append(undo)

        desk.context.notify = notify
        page = Shown(desk.context)
        page.desk, page.undos = desk, undos
        page.setParent(desk.window)
        desk.window.resize(1440, 900)
        page.resize(1228, 846)
        desk.window.show()
        page.show()
        pages.append(page)
        if load:
            wait_until(lambda: page.loaded, timeout=15)
        return page

    yield make
    for page in pages:
        page.hide()
    QCoreApplication.processEvents()
    wait_until(lambda: not any(page.context.background.pending for page in pages), timeout=15)


def quiet(page: MemoryPage, wait_until: Wait) -> None:
    """Wait until nothing is being read."""
    wait_until(lambda: not page.context.background.pending, timeout=15)


def open_nora(page: MemoryPage, people: People, wait_until: Wait) -> None:
    """Open Nora's talk with Sage."""
    page.open_target(contact_id=people.nora, name="Nora Lindqvist", persona="Sage")
    wait_until(lambda: page.stack.currentIndex() in {OPEN, FAILED}, timeout=15)
    assert page.stack.currentIndex() == OPEN, page.refused.sentence.text()


def search(page: MemoryPage, words: str, wait_until: Wait) -> None:
    """Type ``words`` and wait for what they find."""
    page.head.search.setText(words)
    page.head.search.returnPressed.emit()
    quiet(page, wait_until)


def place_of(page: MemoryPage, kind: str) -> str:
    """Return the key of the first open place of a kind."""
    assert page.opened is not None
    return next(place.key for place in page.opened.places if place.kind == kind)
