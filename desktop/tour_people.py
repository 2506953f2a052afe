"""The part of the tour about people: bring in conversations, open one for a reason, ask what a reply would see, preview forgetting."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, cast

from PySide6.QtWidgets import QApplication

from desktop.i18n import number, tr
from desktop.main_window import MainWindow
from desktop.pages.conversations.page import ConversationsPage
from desktop.pages.memory.page import MemoryPage
from desktop.style.resources import resource
from desktop.tour import Step, Wait, Walk
from desktop.widgets.asking import ReasonDialog

IMPORT_S: Final = 60.0
SAMPLE: Final = "conversations.jsonl"
WHO: Final = "Nora Lindqvist"
REASON: Final = "OPS-331"
QUESTION: Final = "Is everything booked for the trip to Lisbon?"
SEARCH: Final = "lisbon trip"


def people_story() -> Iterator[Step]:
    """Return the steps, in their order."""
    yield Step("conversations-import", _import)
    yield Step("conversations", _open)
    yield Step("reply", _reply)
    yield Step("memory", _memory)
    yield Step("memory-as-group", _as_group)
    yield Step("memory-forget", _forget)


def _question() -> ReasonDialog | None:
    found = (one for one in QApplication.topLevelWidgets() if isinstance(one, ReasonDialog) and one.isVisible())
    return next(found, None)


def _give_reason() -> Walk:
    """Answer the question why, where it is asked."""
    yield Wait(lambda: _question() is not None, "the question why")
    dialog = _question()
    if dialog is not None:
        dialog.field.setText(REASON)
        dialog.keep.setChecked(True)
        dialog.go.click()
    return None


def _conversations(window: MainWindow) -> ConversationsPage:
    window.navigate("conversations")
    return cast(ConversationsPage, window.page)


def _import(window: MainWindow) -> Walk:
    page = _conversations(window)
    yield Wait(lambda: page.loaded, "the list of conversations")
    page.importing.import_file(resource(f"samples/{SAMPLE}"))
    yield Wait(lambda: page.importing.panel.isHidden() and len(page.list.table.rows) > 0, "the conversations", IMPORT_S)
    messages = sum(line.messages for line in page.list.table.rows)
    return tr("{n} conversations with {m} messages", n=len(page.list.table.rows), m=number(messages))


def _open(window: MainWindow) -> Walk:
    page = _conversations(window)
    wanted = next(line for line in page.list.table.rows if line.title == WHO)
    page.list.table.select_key(wanted.key)
    yield from _give_reason()
    yield Wait(lambda: page.opened is not None, "the messages")
    return tr("{n} messages of {name}", n=len(page.card.view.lines), name=WHO)


def _reply(window: MainWindow) -> Walk:
    page = _conversations(window)
    page.card.tabs.choose("reply")
    tab = page.card.reply
    tab.field.setText(QUESTION)
    tab.ask()
    yield Wait(lambda: tab.reply is not None, "what a reply would be given")
    return tr("{n} memories with their reasons", n=len(tab.reply.memories) if tab.reply is not None else 0)


def _memory(window: MainWindow) -> Walk:
    _conversations(window).open_memory()
    page = cast(MemoryPage, window.page)
    yield Wait(lambda: page.opened is not None, "the memory, for the reason given before")
    page.head.search.setText(SEARCH)
    page.looking.look()
    yield Wait(lambda: page.card.view.query == SEARCH, "the search")
    return tr("{n} memories match in {k} containers", n=len(page.card.view.lines), k=len(page.opened.places) if page.opened else 0)


def _as_group(window: MainWindow) -> Walk:
    page = cast(MemoryPage, window.page)
    place = next(one for one in page.opened.places if one.kind == "group") if page.opened is not None else None
    if place is None:
        return "no group"
    page.card.seen_by.look_as(place.key)
    yield Wait(lambda: not page.card.seen_by.strip.isHidden(), "what the group is never given")
    return page.card.seen_by.words.text()


def _forget(window: MainWindow) -> Walk:
    page = cast(MemoryPage, window.page)
    places = page.opened.places if page.opened is not None else ()
    page.card.seen_by.look_as(next(one.key for one in places if one.kind == "direct"))
    page.forgetting.ask()
    panel = page.drawer.forget
    yield Wait(lambda: panel.preview is not None, "the preview of forgetting")
    return tr("{n} items would go, nothing was erased", n=panel.preview.total if panel.preview is not None else 0)
