"""The main surface: who looks, the timeline below, and at its foot how much there is and what the bars mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QRectF, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QWidget

from backend_core.errors import LecternError
from desktop.i18n import number, tr
from desktop.pages.memory.lines import Place, View, with_days
from desktop.pages.memory.painting import shade_of
from desktop.pages.memory.seen_by import SeenBy
from desktop.pages.memory.timeline import Timeline
from desktop.pages.memory.words import memories
from desktop.style import colour
from desktop.widgets import paint
from desktop.widgets.button import Button
from desktop.widgets.card import Card
from desktop.widgets.label import ElidedLabel, IconLabel, PlainLabel
from desktop.widgets.layout import clear_layout, holder, row, rule
from desktop.widgets.states import EmptyState, ErrorState, Skeleton

_FOOT: Final = 38
_MOST_TERMS: Final = 5


class _Dot(QWidget):
    """7 px in a shade of the accent, the key of a part of a bar."""

    def __init__(self, shade: int) -> None:
        super().__init__()
        self._shade = shade
        self.setFixedSize(7, 7)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        paint.begin(painter)
        paint.box(painter, QRectF(self.rect()), 3.5, fill=colour("accent", alpha=self._shade))


class ChangedBand(QWidget):
    """Says that what is shown is no longer all there is; reading again is up to the operator, for it is audited."""

    pressed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(34)
        again = Button(tr("Read again"), "link", on_click=self.pressed.emit)
        words = PlainLabel(tr("Something was remembered or forgotten since you opened this."), "smalltext")
        self.setLayout(row(IconLabel("refresh-cw", "accent", size=14), words, None, again, gap=8, margins=(21, 0, 16, 0)))
        self.hide()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the pale ground."""
        QPainter(self).fillRect(self.rect(), colour("accent_bg"))


class MemoryCard(Card):
    """``view`` is what is shown now."""

    def __init__(self) -> None:
        super().__init__(flush=True)
        self.view = View()
        self.seen_by = SeenBy()
        self.band = ChangedBand()
        self.timeline = Timeline()
        self.empty = EmptyState("brain", tr("Nothing is remembered here yet"))
        self.timeline.set_empty(self.empty)
        self.waiting, self.failure = Skeleton(lines=8), ErrorState()
        self.stack = QStackedWidget()
        for part in (self.timeline, self.waiting, self.failure):
            self.stack.addWidget(part)
        self.count = ElidedLabel(size=12, tone="muted")
        self._legend = QHBoxLayout()
        self._legend.setSpacing(6)
        foot = row((self.count, 1), holder(self._legend), gap=8, margins=(16, 0, 14, 0))
        self.add(self.seen_by, self.band, (self.stack, 1), rule(), holder(foot, height=_FOOT))
        self.seen_by.looked.connect(self._look)

    def show_places(self, places: Sequence[Place]) -> None:
        """Offer the places as viewers."""
        self.seen_by.show_places(places)
        self._look(self.seen_by.viewer)

    def show_view(self, view: View, *, keep: bool = False) -> None:
        """Show lines; ``keep`` leaves the scroll place."""
        self.view = view
        self.band.hide()
        self.stack.setCurrentWidget(self.timeline)
        self.empty.set_words(_empty_words(view))
        self.timeline.show_rows(with_days(view.lines, searched=bool(view.query)), keep=keep)
        self.seen_by.show_lines(view.lines, searched=bool(view.query))
        self.count.setText(_count_words(view))
        self._show_legend(view.terms if view.query else ())

    def show_waiting(self) -> None:
        """Show grey bars while something is read."""
        self.stack.setCurrentWidget(self.waiting)

    def show_failure(self, error: LecternError) -> None:
        """Say why nothing can be shown."""
        self.failure.show_error(error)
        self.stack.setCurrentWidget(self.failure)

    def _look(self, viewer: str) -> None:
        place = self.seen_by.place_of(viewer)
        self.timeline.look_as(viewer, place.short if place is not None else "")
        self.seen_by.show_lines(self.view.lines, searched=bool(self.view.query))

    def _show_legend(self, terms: Sequence[str]) -> None:
        clear_layout(self._legend)
        for order, term in enumerate(terms[:_MOST_TERMS]):
            self._add_key(term, shade_of(order))
        if terms:
            self._add_key(tr("what else speaks for it"), shade_of(None))

    def _add_key(self, words: str, shade: int) -> None:
        self._legend.addWidget(_Dot(shade))
        self._legend.addWidget(PlainLabel(words, "small"))
        self._legend.addSpacing(4)


def _empty_words(view: View) -> str:
    return tr("No memory matches “{query}”", query=view.query) if view.query else tr("Nothing is remembered here yet")


def _count_words(view: View) -> str:
    took = tr(" · {ms} ms", ms=number(view.ms, decimals=1)) if view.ms is not None else ""
    if view.query:
        of = tr("{n} of {all} match", n=number(len(view.lines)), all=memories(view.total))
        return tr("{of} · ranked inside each container{took}", of=of, took=took)
    if view.more or len(view.lines) < view.total:
        return tr("newest {n} of {all}{took}", n=number(len(view.lines)), all=memories(view.total), took=took)
    return f"{memories(view.total)}{took}"
