"""What is known of an open conversation besides its messages: members, relationship, reminders, photos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop.i18n import number, tr
from desktop.pages.conversations.lines import PhotoLine
from desktop.pages.conversations.words import messages_words
from desktop.widgets.avatar import Avatar
from desktop.widgets.badge import Badge
from desktop.widgets.bars import Bar
from desktop.widgets.button import Button
from desktop.widgets.card import Card
from desktop.widgets.label import ElidedLabel, IconLabel, PlainLabel
from desktop.widgets.layout import clear_layout, column, holder, row
from desktop.widgets.page import side_by_side
from desktop.widgets.scroll import scrolling

_HUNDRED = 100


@dataclass(frozen=True, slots=True)
class MemberLine:
    """Somebody in a group, now or once."""

    name: str
    below: str
    here: bool
    contact: object = None


@dataclass(frozen=True, slots=True)
class ReminderLine:
    """Something to be said at a time.

    Attributes:
        state: words and tone.
        open: it can still be cancelled.
    """

    key: str
    text: str
    due: str
    state: tuple[str, str]
    open: bool
    value: object = None


@dataclass(frozen=True, slots=True)
class Closeness:
    """How well a contact and a persona know each other; trust and rapport 0 to 100."""

    stage: str
    trust: int
    rapport: int
    messages: int
    since: str


@dataclass(frozen=True, slots=True)
class About:
    """Everything on the tab."""

    members: tuple[MemberLine, ...]
    reminders: tuple[ReminderLine, ...]
    photos: tuple[PhotoLine, ...]
    closeness: Closeness | None


class Meter(QWidget):
    """A name, a bar of 0 to 100 and the figure."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.bar = Bar(None, name=name)
        self.figure = PlainLabel("", "smallstrong")
        self.figure.setFixedWidth(28)
        label = PlainLabel(name, "small")
        label.setFixedWidth(60)
        self.setLayout(row(label, (self.bar, 1), self.figure, gap=8))

    def show_value(self, value: int) -> None:
        """Fill the bar to ``value`` of 100."""
        self.bar.set_share(value / _HUNDRED)
        self.figure.setText(number(value))


class ClosenessBox(QWidget):
    """The stage and two meters."""

    def __init__(self) -> None:
        super().__init__()
        self.stage = Badge()
        self.below = PlainLabel("", "small", wrap=True)
        self.trust, self.rapport = Meter(tr("Trust")), Meter(tr("Rapport"))
        self.setLayout(column(row(self.stage, None), self.trust, self.rapport, self.below, gap=8))

    def show_closeness(self, closeness: Closeness | None) -> None:
        """Show it; a group has none."""
        for part in (self.trust, self.rapport):
            part.setVisible(closeness is not None)
        if closeness is None:
            self.stage.show_state(tr("Only direct conversations have one"))
            self.below.setText("")
            return
        self.stage.show_state(closeness.stage, "info")
        self.trust.show_value(closeness.trust)
        self.rapport.show_value(closeness.rapport)
        self.below.setText(tr("From {messages}{since}", messages=messages_words(closeness.messages), since=closeness.since))


class AboutTab(QWidget):
    """Cards in two columns; ``cancel_wanted`` carries a ``ReminderLine``, ``person_wanted`` a contact's id."""

    cancel_wanted = Signal(object)
    person_wanted = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.closeness = ClosenessBox()
        self.relation = Card(tr("Relationship"), icon_name="heart-handshake").add(self.closeness, None)
        self._members, self._reminders, self._photos = QVBoxLayout(), QVBoxLayout(), QVBoxLayout()
        self.people = Card(tr("Members"), icon_name="users").add(self._members, None)
        self.planned = Card(tr("Reminders"), icon_name="bell").add(self._reminders, None)
        self.pictures = Card(tr("Photos"), icon_name="image").add(self._photos, None)
        left = holder(column(self.relation, self.people, None, gap=12))
        right = holder(column(self.planned, self.pictures, None, gap=12))
        inside = column(side_by_side((left, 1), (right, 1), gap=12), None, gap=0, margins=12)
        self.setLayout(column((scrolling(inside, name=tr("About the conversation")), 1), gap=0))

    def show_about(self, about: About, *, editable: bool) -> None:
        """Show what was read."""
        self.closeness.show_closeness(about.closeness)
        self.people.setVisible(bool(about.members))
        _fill(self._members, [self._member(one) for one in about.members], "")
        _fill(self._reminders, [self._reminder(one, editable=editable) for one in about.reminders], tr("None is planned."))
        _fill(self._photos, [photo_box(one) for one in about.photos], tr("None was sent."))

    def _member(self, one: MemberLine) -> QWidget:
        name = ElidedLabel(one.name, weight=500, tone="text" if one.here else "muted")
        words = holder(column(name, ElidedLabel(one.below, size=12, tone="muted"), gap=0))
        link = Button(
            tr("Person"), "link", name=tr("Open the page of {name}", name=one.name), on_click=lambda: self.person_wanted.emit(one.contact)
        )
        return holder(row(Avatar(one.name, size=30), (words, 1), link, gap=10))

    def _reminder(self, one: ReminderLine, *, editable: bool) -> QWidget:
        head = row(Badge(*one.state), PlainLabel(one.due, "small"), None, gap=8)
        if one.open and editable:
            head.addWidget(Button(tr("Cancel"), "link", name=tr("Cancel the reminder"), on_click=lambda: self.cancel_wanted.emit(one)))
        return holder(column(head, PlainLabel(one.text, "", wrap=True), gap=4, margins=(0, 2, 0, 6)))


def photo_box(photo: PhotoLine) -> QWidget:
    """Return a photo's state, what is seen in it, and its size."""
    head = row(
        IconLabel(photo.icon, photo.tone if photo.tone not in {"none", "info"} else "muted", size=16),
        Badge(photo.words, photo.tone),
        None,
        gap=8,
    )
    parts: list[QWidget] = []
    if photo.summary:
        parts.append(PlainLabel(photo.summary, "", wrap=True))
    if photo.detail:
        parts.append(PlainLabel(photo.detail, "small", wrap=True))
    return holder(column(head, *parts, gap=4, margins=(0, 2, 0, 6)))


def _fill(lane: QVBoxLayout, widgets: Sequence[QWidget], nothing: str) -> None:
    clear_layout(lane)
    for widget in widgets:
        lane.addWidget(widget)
    if not widgets and nothing:
        lane.addWidget(PlainLabel(nothing, "muted"))
