"""Fixtures that put the Documents page on the screen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from backend_core.backend import Backend
from backend_core.db.embedded import EmbeddedServer
from backend_core.policy import Actor
from desktop.pages.documents.page import DocumentsPage
from desktop.pages.overview.page import OverviewPage
from tests.desktop.conftest import Desk
from tests.desktop.pages.document_scene import Scene, Switchable, Wait
from tests.desktop.pages.memory_scene import Show, memory_shower
from tests.desktop.pages.people_scene import People, make_people
from tests.desktop.pages.pool_scene import Holding, OpenPage, database_page_opener
from tests.desktop.pages.watch_scene import ShowPage, page_shower


@pytest.fixture
def scene(
    qtbot: QtBot, page_context: Callable[..., Desk], backend: Backend, actor: Actor, wait_until: Wait
) -> Iterator[Callable[[], Scene]]:
    """Open the page once everything it shall find was made."""
    scenes: list[Scene] = []

    def show() -> Scene:
        switchable = Switchable(backend)
        desk = page_context(switchable, actor=actor)
        made = Scene(switchable, desk)

        def notify(words: str, *, tone: str = "ok", undo: Callable[[], object] | None = None, action: str = "") -> None:
            made.said.append(words)
            if undo is not None:
                made.undos.append(undo)

        def dock(widget: QWidget | None) -> None:
            desk.docked.append(widget)
            if widget is not None:
                widget.setParent(desk.window)

        desk.context.changes.attach(backend.changes)
        desk.context.notify, desk.context.dock = notify, dock
        made.page = DocumentsPage(desk.context)
        qtbot.addWidget(made.page)
        made.page.resize(1228, 846)
        made.page.show()
        wait_until(lambda: made.page.loaded)
        scenes.append(made)
        return made

    yield show
    for made in scenes:
        made.page.listening.player.retire()
        made.page.hide()
    QApplication.processEvents()
    wait_until(lambda: not any(made.page.context.background.pending for made in scenes))


@pytest.fixture
def people(backend: Backend, actor: Actor) -> People:
    """Nora, Ines, Sage and Echo, with what is remembered of them."""
    return make_people(backend, actor)


@pytest.fixture
def show_memory(page_context: Callable[..., Desk], backend: Backend, actor: Actor, wait_until: Wait) -> Iterator[Show]:
    """Return a function that shows the Memory page."""
    with memory_shower(page_context, backend, actor, wait_until) as make:
        yield make


@pytest.fixture
def show_page(page_context: Callable[..., Desk], backend: Backend, actor: Actor, wait_until: Wait) -> Iterator[ShowPage]:
    """Return a function that shows any page."""
    with page_shower(page_context, backend, actor, wait_until) as make:
        yield make


@pytest.fixture
def many(clean: EmbeddedServer, backend: Backend, make_document: Callable[..., int]) -> Callable[[int], None]:
    """Return a function that puts more documents into the list, straight into the table."""

    def fill(count: int) -> None:
        first = make_document("One page.", title="Document 0")
        query = """
            INSERT INTO documents
                (title, filename, kind, size_bytes, object_id, owner_id, status, correlation_id, page_count, characters, language)
            SELECT 'Document ' || n, 'document.txt', 'txt', 1000, object_id, owner_id, 'COMPLETED', 'x', 3, 900, 'en'
            FROM documents, generate_series(1, %s) AS n WHERE documents.id = %s
        """
        with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
            conn.execute(query, (count - 1, first))

    return fill


@pytest.fixture
def holding(backend: Backend) -> Iterator[Holding]:
    """Hold connections of the backend, and give all of them back at the end."""
    held = Holding(backend)
    yield held
    held.set(0)


@pytest.fixture
def open_database_page(page_context: Callable[..., Any], qtbot: QtBot, wait_until: Wait) -> OpenPage:
    """Show the Database page of a backend with its first figures."""
    return database_page_opener(page_context, qtbot, wait_until)


@pytest.fixture
def open_overview(page_context: Callable[..., Desk], qtbot: QtBot, wait_until: Wait) -> Callable[..., tuple[OverviewPage, Desk]]:
    """Return a function that shows the overview of a backend and waits until every card has its first answer."""

    def show(backend: Backend, actor: Actor) -> tuple[OverviewPage, Desk]:
        desk = page_context(backend, actor=actor)
        page = OverviewPage(desk.context)
        qtbot.addWidget(page)
        page.resize(1228, 846)
        page.show()
        wait_until(lambda: page.loaded and not desk.context.background.pending, timeout=15)
        return page, desk

    return show
