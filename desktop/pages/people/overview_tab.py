"""How a person is reached, and how much is kept of them where."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop.i18n import date_time, number, tr
from desktop.pages.people.words import UNTITLED, heard_words, kind_words, place_words
from desktop.style import MEDIUM
from desktop.widgets import paint
from desktop.widgets.button import Button
from desktop.widgets.card import Card
from desktop.widgets.key_values import Fact, KeyValues
from desktop.widgets.label import PlainLabel
from desktop.widgets.layout import column
from desktop.widgets.page import side_by_side

if TYPE_CHECKING:
    from backend_core.conversations.records import Person, PersonContainer, Revealed

_LINE = 34
_MOST = 8


class MayReveal(Protocol):
    """Which buttons there are."""

    @property
    def reveal(self) -> bool:
        """Number and address may be shown in full."""
        ...

    @property
    def disable(self) -> bool:
        """The person may be shut out."""
        ...


class OverviewTab(QWidget):
    """Contact facts beside the share of each container; the page reacts to the two buttons."""

    def __init__(self, rights: MayReveal) -> None:
        super().__init__()
        self._person: Person | None = None
        self._revealed: Revealed | None = None
        self.reach, self.facts = KeyValues(name_width=96), KeyValues(name_width=96)
        self.reveal = Button(tr("Show in full"), "link", icon_name="eye")
        self.disable = Button(tr("Disable"), "link", icon_name="ban")
        self.note = PlainLabel(tr("Showing them asks why, and the audit log keeps who looked."), "small", wrap=True)
        if not rights.reveal:
            self.reveal.hide()
        if not rights.disable:
            self.disable.hide()
        contact = Card(tr("How to reach"), icon_name="contact", right=(self.reveal,)).add(self.reach, self.note, None)
        about = Card(tr("About"), icon_name="user-round", right=(self.disable,)).add(self.facts, None)
        self.shares = ShareList()
        self.total = PlainLabel("", "small")
        kept = Card(tr("What is remembered where"), icon_name="brain", right=(self.total,)).add(self.shares, None)
        self.setLayout(column(side_by_side(contact, about, gap=12), kept, None, gap=12))

    def show_person(self, person: Person) -> None:
        """Show a person."""
        if self._person is None or self._person.contact.id != person.contact.id:
            self._revealed = None
        self._person = person
        contact = person.contact
        self.facts.set_facts(
            [
                Fact(tr("Language"), contact.language or UNTITLED),
                Fact(tr("Known since"), date_time(contact.created_at)),
                Fact(tr("Last heard"), heard_words(contact, now=datetime.now(UTC))),
                Fact(tr("Wrote"), tr("{n} messages", n=number(contact.messages))),
            ]
        )
        self.disable.set_caption(tr("Enable") if contact.disabled else tr("Disable"))
        self.shares.show_containers(person.containers)
        self.total.setText(tr("counts only, never what was said"))
        self._show_reach()

    def show_revealed(self, revealed: Revealed | None) -> None:
        """Show number and address in full; None masks them again."""
        self._revealed = revealed
        self._show_reach()

    @property
    def shows_all(self) -> bool:
        """Whether number and address are shown in full."""
        return self._revealed is not None

    def _show_reach(self) -> None:
        if self._person is None:
            return
        contact, full = self._person.contact, self._revealed
        phone, email = (contact.phone, contact.email) if full is None else (full.phone, full.email)
        self.reach.set_facts([Fact(tr("Phone"), phone or UNTITLED, mono=True), Fact(tr("E-mail"), email or UNTITLED, mono=True)])
        self.reveal.set_caption(tr("Show in full") if full is None else tr("Hide"))
        self.reveal.set_icon("eye" if full is None else "eye-off")


class ShareList(QWidget):
    """One bar per container, the fullest first."""

    def __init__(self) -> None:
        super().__init__()
        self._containers: Sequence[PersonContainer] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.show_containers(())

    def show_containers(self, containers: Sequence[PersonContainer]) -> None:
        """Show how much each container holds."""
        self._containers = sorted(containers, key=lambda one: one.memories, reverse=True)[:_MOST]
        said = "; ".join(f"{place_words(one)}, {kind_words(one)}: {number(one.memories)}" for one in self._containers)
        self.setAccessibleName(tr("Memories by conversation"))
        self.setAccessibleDescription(said)
        self.setFixedHeight(max(1, len(self._containers)) * _LINE)
        self.update()

    def sizeHint(self) -> QSize:
        """Return the room of all lines."""
        return QSize(320, self.height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw names, bars and numbers."""
        painter = QPainter(self)
        paint.begin(painter)
        if not self._containers:
            paint.text(painter, QRectF(self.rect()), tr("No conversation yet"), tone="muted")
            return
        most = max(one.memories for one in self._containers) or 1
        name = min(340.0, self.width() * 0.45)
        for place, one in enumerate(self._containers):
            line = QRectF(0, place * _LINE, self.width(), _LINE)
            left = QRectF(line.x(), line.y(), name - 142, _LINE)
            paint.text(painter, left, place_words(one), weight=MEDIUM)
            paint.text(painter, QRectF(name - 138, line.y(), 130, _LINE), kind_words(one), size=12, tone="muted")
            room = QRectF(name, line.center().y() - 3, self.width() - name - 64, 6)
            paint.bar(painter, room, one.memories / most, "info" if one.kind != "group" else "ok")
            paint.text(painter, QRectF(line.right() - 56, line.y(), 56, _LINE), number(one.memories), align=paint.RIGHT, weight=MEDIUM)
