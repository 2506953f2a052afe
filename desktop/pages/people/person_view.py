"""One person: who it is, what is kept of them where, what went wrong, and who looked; never a word of what was said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QStackedWidget, QWidget

from desktop.i18n import number, tr
from desktop.pages.people import tables
from desktop.pages.people.overview_tab import OverviewTab
from desktop.pages.people.words import counts_words, due_words, is_look, state_words
from desktop.widgets.avatar import Avatar
from desktop.widgets.badge import Badge
from desktop.widgets.banner import Banner
from desktop.widgets.button import Button, SegmentedControl
from desktop.widgets.card import Card
from desktop.widgets.label import ElidedLabel
from desktop.widgets.layout import column, holder, row, rule
from desktop.widgets.scroll import scrolling
from desktop.widgets.states import EmptyState
from desktop.widgets.tabs import Tabs

if TYPE_CHECKING:
    from backend_core.conversations.records import Person, Revealed
    from backend_core.memory.forget_records import PersonErasure

_HEAD_HEIGHT = 44


@dataclass(frozen=True, slots=True)
class Rights:
    """What the viewer may do with a person."""

    reveal: bool
    edit: bool
    disable: bool
    export: bool
    erase: bool


class PersonView(QWidget):
    """Signals carry what the user wants; the page asks and does it."""

    back_wanted = Signal()
    reveal_wanted = Signal()
    edit_wanted = Signal()
    disable_wanted = Signal()
    export_wanted = Signal()
    erase_wanted = Signal()
    keep_wanted = Signal()
    """Take a waiting erasure back."""
    place_wanted = Signal(str, object)
    """Page key and the ``PersonContainer`` to show there."""
    event_wanted = Signal(int)
    document_wanted = Signal(int)

    def __init__(self, rights: Rights) -> None:
        super().__init__()
        self._rights = rights
        self._person: Person | None = None
        self.avatar, self.name = Avatar(size=40), ElidedLabel(size=20, weight=600)
        self.about, self.state = ElidedLabel(size=12, tone="muted"), Badge()
        self.banner = Banner()
        self.export = Button(tr("Export…"), icon_name="download", on_click=self.export_wanted.emit)
        self.erase = Button(tr("Erase…"), "danger", icon_name="eraser", on_click=self.erase_wanted.emit)
        self.edit = Button(tr("Change…"), icon_name="pencil", on_click=self.edit_wanted.emit)
        self.overview = OverviewTab(rights)
        self.tabs = Tabs(
            [
                ("overview", tr("Overview")),
                ("documents", tr("Documents")),
                ("conversations", tr("Conversations")),
                ("memories", tr("Memories")),
                ("sessions", tr("Sessions and failures")),
                ("readers", tr("Who read")),
            ],
            name=tr("Person"),
        )
        self._build()
        self._connect()

    def show_person(self, person: Person, erasure: PersonErasure | None) -> None:
        """Show a person and, where there is one, the waiting erasure."""
        contact = person.contact
        self._person = person
        self.avatar.show_name(contact.name)
        self.name.setText(contact.name)
        self.about.setText(counts_words(person))
        self.state.show_state(*state_words(contact))
        self._show_rights(waiting=erasure is not None)
        if erasure is None:
            self.banner.clear()
        else:
            words = due_words(erasure.due_at, now=datetime.now(UTC))
            self.banner.show_state(words, tone="bad", action=tr("Take back") if self._rights.erase else "", on_action=self.keep_wanted.emit)
        self.overview.show_person(person)
        self._show_lists(person)

    def show_revealed(self, revealed: Revealed | None) -> None:
        """Show number and address in full, or masked again."""
        self.overview.show_revealed(revealed)

    def _show_rights(self, *, waiting: bool) -> None:
        rights = self._rights
        for button, allowed in ((self.export, rights.export), (self.erase, rights.erase and not waiting), (self.edit, rights.edit)):
            button.setVisible(allowed)

    def _show_lists(self, person: Person) -> None:
        self.documents.set_rows(person.documents)
        self.conversations.set_rows(person.containers)
        self.memories.set_rows([one for one in person.containers if one.memories or one.forgotten])
        self.sessions.set_rows(person.sessions)
        self.failures.set_rows(person.failures)
        self._show_reads()
        self.hidden_readers.setVisible(person.reads is None)
        readable: tuple[QWidget, ...] = (self.readers_card, self.which)
        for part in readable:
            part.setVisible(person.reads is not None)
        counts: Sequence[tuple[str, int, str]] = (
            ("documents", len(person.documents), "none"),
            ("conversations", len(person.containers), "none"),
            ("sessions", len(person.failures), "bad"),
        )
        for key, count, tone in counts:
            self.tabs.set_count(key, number(count) if count else "", tone=tone)

    def _show_reads(self) -> None:
        reads = (self._person.reads if self._person is not None else None) or ()
        looked = self.which.current == "looked"
        self.readers.set_rows([one for one in reads if not looked or is_look(one)])

    def _build(self) -> None:
        back = Button(tr("All people"), "link", icon_name="chevron-left", on_click=self.back_wanted.emit)
        words = column(row((self.name, 1), gap=8), self.about, gap=2)
        head = row(self.avatar, gap=12)
        head.addLayout(words, 1)
        for part in (self.state, self.edit, self.export, self.erase):
            head.addWidget(part)
        top = holder(column(row(back, None), holder(head, height=_HEAD_HEIGHT), self.tabs, gap=6, margins=(24, 12, 24, 0)))
        self.documents, self.conversations, self.memories = tables.document_table(), tables.conversation_table(), tables.memory_table()
        self.sessions, self.failures, self.readers = tables.session_table(), tables.failure_table(), tables.reader_table()
        self.stack = QStackedWidget()
        for tab in (
            scrolling(self.overview, name=tr("Overview")),
            *(_card(one) for one in (self.documents, self.conversations, self.memories)),
        ):
            self.stack.addWidget(_within(tab))
        access = Card(tr("Access to other services"), icon_name="plug", flush=True).add(rule(), (self.sessions, 1))
        wrong = Card(tr("What went wrong"), icon_name="circle-alert", flush=True).add(rule(), (self.failures, 1))
        self.stack.addWidget(_within(holder(column((access, 1), (wrong, 1), gap=12))))
        self.readers_card = _card(self.readers)
        detail = tr("Only administrators and auditors may.")
        self.hidden_readers = EmptyState("lock", tr("Your role may not read the audit log"), detail=detail)
        self.hidden_readers.hide()
        self.which = SegmentedControl([("looked", tr("Looked")), ("all", tr("Everything that was done"))], name=tr("Which actions"))
        self.stack.addWidget(_within(holder(column(row(self.which, None), (self.readers_card, 1), (self.hidden_readers, 1), gap=12))))
        self.setLayout(column(top, self.banner, (self.stack, 1), gap=0))

    def _connect(self) -> None:
        self.tabs.currentChanged.connect(self.stack.setCurrentIndex)
        self.overview.reveal.clicked.connect(lambda _checked=False: self.reveal_wanted.emit())
        self.overview.disable.clicked.connect(lambda _checked=False: self.disable_wanted.emit())
        self.conversations.opened.connect(lambda one: self.place_wanted.emit("conversations", one))
        self.memories.opened.connect(lambda one: self.place_wanted.emit("memory", one))
        self.documents.opened.connect(lambda one: self.document_wanted.emit(one.id))
        self.which.chosen.connect(lambda _key: self._show_reads())
        self.readers.opened.connect(lambda one: self.event_wanted.emit(one.event_id))


def _card(table: QWidget) -> Card:
    return Card(flush=True).add((table, 1))


def _within(widget: QWidget) -> QWidget:
    return holder(column((widget, 1), margins=(24, 12, 24, 16)))
