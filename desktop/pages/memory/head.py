"""The upper part of the page: title, why it is open, whose memory it is, and what to look for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from PySide6.QtWidgets import QWidget

from desktop.i18n import tr
from desktop.pages.memory.lines import DIRECT
from desktop.pages.memory.places_box import PlacesBox
from desktop.pages.memory.reading import Opened, Subject
from desktop.pages.memory.type_chips import TypeChips
from desktop.pages.memory.words import memories
from desktop.widgets.access_badge import AccessBadge
from desktop.widgets.button import Button
from desktop.widgets.choice import ChoiceButton
from desktop.widgets.field import SearchField
from desktop.widgets.label import IconLabel
from desktop.widgets.layout import column, holder, row
from desktop.widgets.page import title_row


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the buttons of the head do."""

    find: Callable[[], object]
    persona: Callable[[], object]
    forget: Callable[[], object]
    export: Callable[[], object]
    more: Callable[[], object]
    close: Callable[[], object]


class Head(QWidget):
    """Three rows; the last one is there only while something is open."""

    def __init__(self, title: str, wishes: Wishes) -> None:
        super().__init__()
        self.badge = AccessBadge()
        self.forget = Button(tr("Forget…"), icon_name="eraser", on_click=wishes.forget)
        self.export = Button(tr("Export"), icon_name="download", name=tr("Export a container"), on_click=wishes.export)
        self.leave = Button(tr("Close access"), icon_name="log-out", on_click=wishes.close)
        self.more = Button("", "ghost", icon_name="ellipsis", name=tr("More for this memory"), on_click=wishes.more)
        self.person = ChoiceButton(tr("Choose a person or group"), name=tr("Whose memory"), on_click=wishes.find)
        self.times = IconLabel("x", size=13)
        self.persona = ChoiceButton(tr("Choose a persona"), name=tr("With which persona"), on_click=wishes.persona)
        self.places = PlacesBox()
        self.search = SearchField(name=tr("Search these memories"), hint=tr("Search these memories"), key="/")
        self.types = TypeChips()
        self.filters = holder(row((self.search, 1), self.types, gap=8))
        first = title_row(title, self.badge, right=(self.forget, self.export, self.leave, self.more))
        self._who = row(self.person, self.times, self.persona, (self.places, 1), gap=10)
        self.setLayout(column(first, self._who, self.filters, gap=12))
        self.show_open(None)

    def show_subject(self, subject: Subject | None) -> None:
        """Name whose memory it is, None for nobody."""
        one = subject if subject is not None else Subject()
        self.person.show_option(one.person or one.group)
        self.persona.show_option(one.persona)
        self.persona.setEnabled(len(one.personas) > 1)
        for part in (self.times, self.persona):
            part.setHidden(one.persona is None)

    def show_open(self, opened: Opened | None, *, reads: int = 0) -> None:
        """Show what is open, None while nothing is."""
        on = opened is not None
        for part in (self.forget, self.export, self.leave, self.more, self.filters, self.badge):
            part.setHidden(not on)
        if opened is None:
            self.show_subject(None)
            self.places.show_places(())
            return
        self.show_subject(opened.subject)
        direct = next((place for place in opened.places if place.kind == DIRECT), None)
        if direct is not None and opened.subject.persona is not None:
            self.persona.show_option(replace(opened.subject.persona, below=memories(direct.total)))
        self.badge.show_access(opened.reason, reads)
        self.places.show_places(opened.places)
        self.types.show_places(opened.places)
