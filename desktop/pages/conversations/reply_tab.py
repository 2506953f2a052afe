"""What a reply would be made from: type a message, see what the persona would be given, and why each part of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from backend_core.errors import LecternError
from desktop.i18n import number, tr
from desktop.pages.conversations.lines import PhotoLine
from desktop.pages.conversations.thread_parts import Closeness, ClosenessBox, photo_box
from desktop.widgets.badge import Badge
from desktop.widgets.bars import Bar
from desktop.widgets.button import Button
from desktop.widgets.card import Card
from desktop.widgets.field import Field
from desktop.widgets.label import ElidedLabel, IconLabel, PlainLabel
from desktop.widgets.layout import clear_layout, column, holder, row, rule
from desktop.widgets.progress_row import ProgressRow
from desktop.widgets.scroll import scrolling
from desktop.widgets.states import EmptyState, ErrorState, Skeleton

_POLL_MS = 1000
_SIDE = 260
_NARROW = 680
_ANY = 16_777_215


@dataclass(frozen=True, slots=True)
class Given:
    """One memory a reply would be given.

    Attributes:
        why: in words.
        share: of the best score, 0 to 1; None where it was not scored.
    """

    text: str
    type: str
    why: str
    said: str
    share: float | None


@dataclass(frozen=True, slots=True)
class Rule:
    """A boundary in force and what it does to this reply."""

    icon: str
    topic: str
    effect: str
    bites: bool


@dataclass(frozen=True, slots=True)
class Reply:
    """Everything a reply would be given.

    Attributes:
        looking: id of a photo that is still being looked at, None where none is.
        facts: other things it is given, each a name and a value.
    """

    memories: tuple[Given, ...]
    photo: PhotoLine | None
    looking: object
    closeness: Closeness | None
    rules: tuple[Rule, ...]
    ms: float
    persona: str = ""


class ReplyTab(QWidget):
    """``wanted`` carries the message; ``photo_wanted`` asks how far a photo has come."""

    wanted = Signal(str)
    photo_wanted = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.reply: Reply | None = None
        self._asked = ""
        self.looking: PlainLabel | None = None
        self.field = Field(name=tr("A message to the persona"), hint=tr("Type a message as the contact would"))
        self.go = Button(tr("Show"), icon_name="eye", on_click=self.ask)
        self.field.returnPressed.connect(self.ask)
        self.field.textChanged.connect(lambda words: self.go.setEnabled(bool(words.strip())))
        self.go.setEnabled(False)
        self.note = PlainLabel(tr("Nothing is sent and nothing is remembered. The look is in the audit log."), "small", wrap=True)
        self._poll = QTimer(self)
        self._poll.setInterval(_POLL_MS)
        self._poll.timeout.connect(self._look)
        self._build()

    def start(self, persona: str) -> None:
        """Forget the last answer; another conversation was opened."""
        self._poll.stop()
        self.wait_row.hide()
        self.reply = None
        name = persona or tr("the persona")
        self.empty.set_words(tr("What would {name} see?", name=name), detail=_what_it_shows())
        self.field.setPlaceholderText(tr("Type a message as it would reach {name}", name=name))
        self.field.clear()
        self.stack.setCurrentWidget(self.empty)

    def stop(self) -> None:
        """Ask for nothing while nobody looks."""
        self._poll.stop()

    def ask(self) -> None:
        """Ask what a reply to the typed message would be given."""
        words = self.field.text().strip()
        if words:
            self._asked = words
            self._poll.stop()
            if self.reply is None:
                self.stack.setCurrentWidget(self.waiting)
            self.wanted.emit(words)

    def again(self) -> None:
        """Ask the same once more, for the photo is ready now."""
        if self._asked:
            self._poll.stop()
            self.wanted.emit(self._asked)

    def show_wait(self, value: tuple[float, float]) -> None:
        """Show for how long the reply has waited for a photo, and how long it may."""
        waited, most = value
        detail = tr("{n} of {most} s", n=number(waited), most=number(most))
        self.wait_row.show_progress(waited / most if most else None, detail=detail, state=tr("Still looking"))
        self.wait_row.show()

    def show_reply(self, reply: Reply) -> None:
        """Show what a reply would be given."""
        self.reply = reply
        self.wait_row.hide()
        self.stack.setCurrentWidget(self.answer)
        count = len(reply.memories)
        self.count.show_state(tr("1 memory") if count == 1 else tr("{n} memories", n=number(count)), "info")
        self.took.setText(tr("one transaction, {ms} ms", ms=number(reply.ms, decimals=1)))
        _fill(
            self._memories,
            _ruled([_given(one) for one in reply.memories]),
            tr("None fits this message: the reply would be made without a memory."),
        )
        _fill(self._rules, [_rule(one) for one in reply.rules], tr("None is in force here."))
        clear_layout(self._photo)
        self.looking = None
        self._photo.addWidget(photo_box(reply.photo) if reply.photo else PlainLabel(tr("None was sent lately."), "muted"))
        if reply.looking is not None:
            self.looking = PlainLabel(tr("Looks again by itself."), "small")
            self._photo.addWidget(self.looking)
            self._poll.start()
        self.closeness.show_closeness(reply.closeness)

    def show_looking(self, seconds: float) -> None:
        """Say for how long the photo has been looked at; the answer follows by itself."""
        if self.looking is not None and self._poll.isActive():
            self.looking.setText(tr("{n} s so far; looks again by itself.", n=number(seconds)))

    def show_failure(self, error: LecternError) -> None:
        """Say why nothing can be shown."""
        self._poll.stop()
        self.wait_row.hide()
        self.failure.show_error(error)
        self.stack.setCurrentWidget(self.failure)

    def _build(self) -> None:
        self.empty = EmptyState("eye", tr("What would the persona see?"), detail=_what_it_shows())
        self.waiting, self.failure = Skeleton(lines=5), ErrorState(on_retry=self.ask)
        self.count, self.took = Badge(), PlainLabel("", "small")
        self._memories, self._rules, self._photo = QVBoxLayout(), QVBoxLayout(), QVBoxLayout()
        self._memories.setSpacing(0)
        self.closeness = ClosenessBox()
        left = Card(tr("Memories it would be given"), icon_name="brain", right=(self.count,)).add(self._memories, None)
        cards = (
            Card(tr("Photo"), icon_name="image").add(self._photo),
            Card(tr("Relationship"), icon_name="heart-handshake").add(self.closeness),
            Card(tr("Boundaries in force"), icon_name="bell-off").add(self._rules),
        )
        self.right = holder(column(*cards, row(self.took, None), None, gap=12))
        self.lanes = row((left, 1), self.right, gap=12, stretch_height=True)
        inside = column(self.lanes, gap=0)
        self.answer = scrolling(inside, name=tr("What a reply would be given"))
        self.stack = QStackedWidget()
        for part in (self.empty, self.waiting, self.failure, self.answer):
            self.stack.addWidget(part)
        self.wait_row = ProgressRow(tr("A reply waits for the photo"), icon_name="image", cancellable=False)
        self.wait_row.hide()
        top = column(row((self.field, 1), self.go, gap=8), self.note, self.wait_row, gap=6)
        self.setLayout(column(top, (self.stack, 1), gap=12, margins=12))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Put the cards beside the memories, or below them where there is little room."""
        super().resizeEvent(event)
        beside = self.width() >= _NARROW
        self.lanes.setDirection(QBoxLayout.Direction.LeftToRight if beside else QBoxLayout.Direction.TopToBottom)
        self.right.setMinimumWidth(_SIDE if beside else 0)
        self.right.setMaximumWidth(_SIDE if beside else _ANY)

    def _look(self) -> None:
        if self.reply is not None and self.reply.looking is not None and self.isVisible():
            self.photo_wanted.emit(self.reply.looking)


def _given(one: Given) -> QWidget:
    words = PlainLabel(one.text, "strong", wrap=True)
    bar = Bar(one.share, name=tr("How well it fits"), height=5)
    bar.setFixedWidth(72)
    why = PlainLabel(one.why, "small", wrap=True)
    below = row(Badge(one.type), ElidedLabel(one.said, size=12, tone="muted"), gap=8)
    reason = row(bar, gap=10)
    reason.addWidget(why, 1)
    return holder(column(words, below, reason, gap=5, margins=(0, 9, 0, 10)), name="clear")


def _rule(one: Rule) -> QWidget:
    topic = ElidedLabel(one.topic, weight=500)
    effect = PlainLabel(one.effect, "small", tone="warn" if one.bites else "", wrap=True)
    lane = row(IconLabel(one.icon, "warn" if one.bites else "muted"), gap=10, stretch_height=True)
    lane.addLayout(column(topic, effect, gap=2), 1)
    return holder(lane)


def _ruled(widgets: Sequence[QWidget]) -> list[QWidget]:
    """Return the widgets with a line between each two."""
    return [part for widget in widgets for part in (rule(), widget)][1:]


def _fill(lane: QVBoxLayout, widgets: Sequence[QWidget], nothing: str) -> None:
    clear_layout(lane)
    for widget in widgets:
        lane.addWidget(widget)
    if not widgets:
        lane.addWidget(PlainLabel(nothing, "muted", wrap=True))


def _what_it_shows() -> str:
    return tr("Type a message to see the memories, the photo, the relationship and the boundaries a reply would be made from.")
