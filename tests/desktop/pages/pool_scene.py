"""The Database page over a real backend, and connections that are held while it looks."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from pytestqt.qtbot import QtBot
from sqlalchemy import text

from backend_core.backend import Backend
from backend_core.monitoring.records import PoolView
from backend_core.policy import Actor
from desktop.pages.database.page import DatabasePage

LABEL = "Count <b>sheep</b> & lambs"

Wait = Callable[..., None]
OpenPage = Callable[..., tuple[DatabasePage, Any]]


class Holding:
    """Holds connections of a backend, each in an open transaction."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._open: list[contextlib.ExitStack] = []

    def set(self, count: int, *, label: str = LABEL) -> None:
        """Take or give back connections until ``count`` are held."""
        while len(self._open) > count:
            self._open.pop().close()
        while len(self._open) < count:
            stack = contextlib.ExitStack()
            stack.enter_context(self._backend.database.begin(label)).execute(text("SELECT 1"))
            self._open.append(stack)


def database_page_opener(page_context: Callable[..., Any], qtbot: QtBot, wait_until: Wait) -> OpenPage:
    """Return a function that shows the page of a backend and waits for its first figures."""

    def show(backend: Backend, actor: Actor) -> tuple[DatabasePage, Any]:
        desk = page_context(backend, actor=actor)
        page = DatabasePage(desk.context)
        qtbot.addWidget(page)
        page.resize(1228, 846)
        page.show()
        wait_until(lambda: page.loaded)
        return page, desk

    return show


def view_of(page: DatabasePage) -> PoolView:
    assert page.reading is not None
    return page.reading.view
