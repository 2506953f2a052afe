"""The People page: find somebody by name, phone or e-mail, and see everything that is kept about them."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

from PySide6.QtWidgets import QStackedWidget

from backend_core.policy import may
from desktop.i18n import number, tr
from desktop.pages.people.dialogs import AddDialog, EditDialog, EraseDialog
from desktop.pages.people.erasing import Erasing
from desktop.pages.people.erasures_tab import ErasuresTab
from desktop.pages.people.person_view import PersonView, Rights
from desktop.pages.people.tables import contact_table
from desktop.pages.people.words import GRACE
from desktop.widgets.badge import Badge
from desktop.widgets.button import Button
from desktop.widgets.card import Card
from desktop.widgets.dialogs import Confirm, Dialog
from desktop.widgets.field import SearchField
from desktop.widgets.layout import column, holder
from desktop.widgets.page import Page, PageContext, title_row
from desktop.widgets.scroll import scrolling
from desktop.widgets.states import EmptyState
from desktop.widgets.tabs import Tabs

if TYPE_CHECKING:
    from backend_core.conversations.records import ContactRow, Person, PersonContainer
    from backend_core.memory.forget_records import PersonErasure

MOST: Final = 200


@dataclass(frozen=True, slots=True)
class Read:
    """One reading: the list, or the person who is open."""

    contacts: tuple[ContactRow, ...]
    person: Person | None
    erasure: PersonErasure | None


class PeoplePage(Page):
    """A list, and one person at a time in its place."""

    key: ClassVar[str] = "people"
    title: ClassVar[str] = "People"
    icon: ClassVar[str] = "contact"
    group: ClassVar[str] = "People"
    action: ClassVar[str] = "contact.list"
    tables: ClassVar[frozenset[str]] = frozenset(
        {"contacts", "memberships", "messages", "memories", "documents", "oauth_tokens", "photos", "person_erasures", "erasure_receipts"}
    )

    def __init__(self, context: PageContext) -> None:
        super().__init__(context)
        self.open_id: uuid.UUID | None = None
        self.read: Read | None = None
        self.dialog: Dialog | None = None
        role = context.actor.role
        keys = ("reveal", "edit", "disable", "export", "erase")
        self.erasing = Erasing(self)
        self.rights = Rights(**{key: may(role, f"contact.{key}") for key in keys})
        self._build(may_add=may(role, "contact.add"))
        self._connect()
        group = tr("People")
        context.commands.add("people.find", title=tr("Find a person"), run=self.start_search, group=group, icon="search")
        context.commands.add("people.add", title=tr("Add person"), run=self.ask_new, group=group, icon="plus", enabled=self.add.isEnabled())

    # -- what the shell calls

    def refresh(self) -> None:
        """Read the list, the erasures, or the person who is open."""
        if self.open_id is None and self.tabs.current == "erasures":
            self.load(self.erasing.read, lambda found: self.erasures.show_rows(*found))
            return
        backend, actor, query, who = self.context.backend, self.context.actor, self.search.text(), self.open_id
        self.load(lambda: _read(backend, actor, query, who), self._show)

    def open_target(self, **target: object) -> None:
        """Show the person ``contact_id``, or search for ``query``."""
        if target.get("contact_id") is not None:
            self.open_person(uuid.UUID(str(target["contact_id"])))
        if isinstance(target.get("query"), str):
            self.close_person()
            self.search.setText(str(target["query"]))
            self.refresh()

    def hidden(self) -> None:
        """Mask what was shown in full."""
        self.person.show_revealed(None)

    # -- what the user does

    def start_search(self) -> None:
        """Go to the search field."""
        self.context.navigate(self.key)
        self.close_person()
        self.search.setFocus()

    def open_person(self, who: object) -> None:
        """Show one person."""
        if isinstance(who, uuid.UUID):
            self.open_id = who
            self.person.tabs.choose("overview")
            self.refresh()

    def close_person(self) -> None:
        """Go back to the list."""
        self.open_id = None
        self.person.show_revealed(None)
        self.stack.setCurrentIndex(0)
        self._name_place("")
        self.refresh()

    def reveal(self) -> None:
        """Show number and address in full, once a reason was given; or mask them again."""
        person, context = self._person(), self.context
        if person is None or self.person.overview.shows_all:
            self.person.show_revealed(None)
            return
        self.act(lambda: context.backend.people.reveal(person.contact.id, actor=context.actor), self.person.show_revealed)

    def ask_new(self) -> None:
        """Ask for a new person."""
        if self.add.isEnabled():
            self._ask(AddDialog(self, on_add=self.add_person))

    def add_person(self, given: Mapping[str, str | None]) -> None:
        """Add a person and open the page about them."""
        context, facts = self.context, dict(given)
        name = str(facts.pop("name"))
        self.act(lambda: context.backend.people.add_contact(name, **facts, actor=context.actor), lambda added: self.open_person(added.id))

    def change(self, changes: Mapping[str, str | None]) -> None:
        """Change the person who is open."""
        self._with_person(
            lambda people, actor, one: people.update_contact(one.id, changes, version=one.version, actor=actor), tr("Changed.")
        )

    def turn(self) -> None:
        """Shut the person out after a question, or let them in again."""
        person = self._person()
        if person is None:
            return
        if person.contact.disabled:
            self._with_person(lambda people, actor, one: people.enable(one.id, actor=actor), tr("Messages are taken in again."))
            return
        words = tr("No message of {name} is taken in until enabled again. What there is stays.", name=person.contact.name)
        go = lambda: self._with_person(lambda people, actor, one: people.disable(one.id, actor=actor), tr("Disabled."))  # noqa: E731  # a slot of one line
        title = tr("Disable {name}?", name=person.contact.name)
        self._ask(Confirm(self, title, words, action=tr("Disable"), on_yes=go, danger=True))

    def ask_erase(self) -> None:
        """Ask for the name before everything about the person is set to be erased."""
        person = self._person()
        if person is not None:
            contact = person.contact
            self._ask(EraseDialog(self, contact, days=GRACE.days, on_erase=lambda typed: self.erasing.erase(contact, typed)))

    # -- building

    def _build(self, *, may_add: bool) -> None:
        self.count = Badge()
        self.add = Button(tr("Add person"), "primary", icon_name="plus", on_click=self.ask_new)
        self.add.setEnabled(may_add)
        self.search = SearchField(name=tr("Find a person"), hint=tr("Name, phone number or its last four digits, e-mail"), key="/")
        self.empty = EmptyState("contact", tr("Nobody yet"), action=tr("Add person") if may_add else "", on_action=self.ask_new)
        self.table = contact_table(self.empty)
        self.person = PersonView(self.rights)
        card = Card(flush=True).add((self.table, 1))
        head = title_row(tr(self.title), self.count, right=(self.add,))
        self.stack = QStackedWidget()
        self.tabs = Tabs([("people", tr("People")), ("erasures", tr("Erasures and receipts"))], name=tr("People"))
        self.erasures = ErasuresTab(may_erase=self.rights.erase)
        self.lists = QStackedWidget()
        self.lists.addWidget(holder(column(self.search, (card, 1), gap=12, margins=(24, 12, 24, 16))))
        self.lists.addWidget(scrolling(holder(column((self.erasures, 1), margins=(24, 12, 24, 16))), name=tr("Erasures and receipts")))
        top = holder(column(head, self.tabs, gap=6, margins=(24, 18, 24, 0)))
        self.stack.addWidget(holder(column(top, (self.lists, 1), gap=0)))
        self.stack.addWidget(self.person)
        self.content.setLayout(column((self.stack, 1), gap=0))

    def _connect(self) -> None:
        self.search.searched.connect(lambda _words: self.refresh())
        self.table.cell_clicked.connect(lambda one, _column, _at: self.open_person(one.id))
        self.table.opened.connect(lambda one: self.open_person(one.id))
        self.tabs.chosen.connect(self._switch)
        self.erasures.keep_wanted.connect(self.erasing.keep)
        self.erasures.save_wanted.connect(self.erasing.choose_receipt_file)
        self.erasures.check_wanted.connect(self.erasing.choose_check)
        view = self.person
        view.back_wanted.connect(self.close_person)
        view.reveal_wanted.connect(self.reveal)
        view.edit_wanted.connect(self._ask_edit)
        view.disable_wanted.connect(self.turn)
        view.export_wanted.connect(self._choose_export)
        view.erase_wanted.connect(self.ask_erase)
        view.keep_wanted.connect(lambda: self.erasing.keep(self.open_id) if self.open_id is not None else None)
        view.place_wanted.connect(self._go_to_place)
        view.event_wanted.connect(lambda event: self.context.navigate("audit", event_id=event))
        view.document_wanted.connect(lambda document: self.context.navigate("documents", document_id=document))

    def _ask(self, dialog: Dialog) -> None:
        self.dialog = dialog
        dialog.open()

    def _ask_edit(self) -> None:
        person = self._person()
        if person is not None:
            self._ask(EditDialog(self, person.contact, on_change=self.change))

    def _choose_export(self) -> None:
        person = self._person()
        if person is not None:
            self.erasing.choose_export(person.contact)

    def _switch(self, tab: str) -> None:
        self.lists.setCurrentIndex(1 if tab == "erasures" else 0)
        self.refresh()

    def _person(self) -> Person | None:
        person = self.read.person if self.read is not None else None
        return person if person is not None and person.contact.id == self.open_id else None

    def _with_person(self, work: Callable[[Any, Any, ContactRow], object], words: str) -> None:
        person, context = self._person(), self.context
        if person is not None:
            self.act(lambda: work(context.backend.people, context.actor, person.contact), lambda _done: context.notify(words))

    def _go_to_place(self, page: str, one: PersonContainer) -> None:
        person = self._person()
        if page == "conversations":
            self.context.navigate(page, conversation_id=one.conversation)
        elif one.kind == "group":
            self.context.navigate(page, container=one.container, name=one.title)
        elif person is not None:
            self.context.navigate(page, contact_id=person.contact.id, name=person.contact.name, persona=one.persona or one.title)

    # -- showing

    def _show(self, read: Read) -> None:
        self.read = read
        if read.person is not None:
            self.person.show_person(read.person, read.erasure)
            self.stack.setCurrentIndex(1)
            self._name_place(read.person.contact.name)
            return
        found = bool(self.search.text().strip())
        full = tr("{n} or more", n=number(MOST)) if len(read.contacts) == MOST else number(len(read.contacts))
        self.count.show_state(full if read.contacts else "", "none")
        if found:
            self.empty.set_words(tr("Nobody matches"), detail=tr("Search for words of a name, a whole number or its last four digits."))
        else:
            self.empty.set_words(tr("Nobody yet"), detail=tr("People appear with their first message, or you add them."))
        if self.empty.action is not None:
            self.empty.action.setVisible(not found)
        # the empty list has the same button in its middle
        self.add.setVisible(found or bool(read.contacts))
        self.table.set_rows(read.contacts)

    def _name_place(self, name: str) -> None:
        if name != self.place:
            self.place = name
            self.place_changed.emit()


def _read(backend: Any, actor: Any, query: str, who: uuid.UUID | None) -> Read:
    if who is None:
        return Read(backend.people.contacts(query, actor=actor, limit=MOST), None, None)
    person: Person = backend.people.contact(who, actor=actor)
    if person.contact.deletion_requested_at is None:
        return Read((), person, None)
    asked = backend.forgetting.person_erasures(user_id=who, actor=actor)
    return Read((), person, next((one for one in asked if one.state == "waiting"), None))
