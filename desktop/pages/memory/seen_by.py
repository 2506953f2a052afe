"""The switch that shows what a reply elsewhere would be given, and the line that says what it never is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QWidget

from desktop.i18n import number, tr
from desktop.pages.memory.lines import DIRECT, SUPPORT, MemoryLine, Place, visible_to
from desktop.style import SEMIBOLD, colour
from desktop.widgets.button import Button, SegmentedControl
from desktop.widgets.field import Select
from desktop.widgets.label import ElidedLabel, IconLabel, PlainLabel
from desktop.widgets.layout import clear_layout, column, holder, row, rule

_MOST_SEGMENTS: Final = 2
_LONGEST: Final = 22


class _Strip(QWidget):
    """34 px on a pale ground."""

    def paintEvent(self, _event: QPaintEvent) -> None:
        QPainter(self).fillRect(self.rect(), colour("accent_bg"))


class SeenBy(QWidget):
    """50 px for the switch, and 34 px for the sentence while something is hidden. ``looked`` carries the key of the viewer."""

    looked = Signal(str)
    why_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._places: tuple[Place, ...] = ()
        self.viewer = SUPPORT
        self.choice: SegmentedControl | Select | None = None
        self._lane = QHBoxLayout()
        self._lane.setContentsMargins(0, 0, 0, 0)
        self.count = PlainLabel("", "smallstrong")
        self.of = PlainLabel("", "small")
        head = row(
            IconLabel("eye", "accent"),
            PlainLabel(tr("As seen by"), "heading"),
            self._lane,
            None,
            self.count,
            self.of,
            gap=8,
            margins=(16, 0, 16, 0),
        )
        self.words = ElidedLabel(size=12, weight=SEMIBOLD - 100, tone="accent")
        self.why = Button(tr("Why?"), "link", on_click=self.why_wanted.emit)
        self.strip = _Strip()
        self.strip.setFixedHeight(34)
        self.strip.setLayout(row(IconLabel("eye-off", "accent", size=14), (self.words, 1), self.why, gap=8, margins=(21, 0, 16, 0)))
        self.strip.hide()
        self.setLayout(column(holder(head, height=50), rule(), self.strip, gap=0))

    def show_places(self, places: Sequence[Place]) -> None:
        """Offer the viewers; the one chosen stays where it still exists."""
        if tuple(places) == self._places:
            return
        self._places = tuple(places)
        if self.viewer not in {place.key for place in places}:
            self.viewer = SUPPORT
        clear_layout(self._lane)
        choices: list[tuple[object, str]] = [(SUPPORT, tr("Support: all")), *((place.key, _short(place.caption)) for place in places)]
        if len(places) <= _MOST_SEGMENTS:
            icons: dict[object, str] = {SUPPORT: "user-round", **{place.key: place.icon for place in places}}
            self.choice = SegmentedControl(choices, name=tr("As seen by"), current=self.viewer, icons=icons)
            self.choice.chosen.connect(self._choose)
        else:
            self.choice = Select(choices, name=tr("As seen by"), icon_name="eye")
            self.choice.setMinimumWidth(220)
            self.choice.choose(self.viewer)
            self.choice.picked.connect(self._choose)
        self._lane.addWidget(self.choice)

    def look_as(self, viewer: str) -> None:
        """Look as the place ``viewer``."""
        if self.choice is not None:
            self.choice.choose(viewer)
            self._choose(viewer)

    def show_lines(self, lines: Sequence[MemoryLine], *, searched: bool) -> None:
        """Count what the viewer would be given of ``lines``."""
        seen, hidden = visible_to(lines, self.viewer), [line for line in lines if line.hidden_from(self.viewer)]
        self.count.setText(tr("{n} of {all}", n=number(seen), all=number(len(lines))) if lines else "")
        self.of.setText((tr("matches visible") if searched else tr("memories visible")) if lines else "")
        self.strip.setVisible(bool(hidden))
        viewer = self.place_of(self.viewer)
        if hidden and viewer is not None:
            self.words.setText(_sentence(len(hidden), {line.kind for line in hidden}, viewer))

    def place_of(self, key: str) -> Place | None:
        """Return the place ``key``, None for the operator."""
        return next((place for place in self._places if place.key == key), None)

    def _choose(self, key: object) -> None:
        self.viewer = str(key)
        self.looked.emit(self.viewer)


def _sentence(count: int, kinds: set[str], viewer: Place) -> str:
    reply = (
        tr("A reply in {name} is never given them.", name=viewer.name)
        if count > 1
        else tr("A reply in {name} is never given it.", name=viewer.name)
    )
    if kinds == {DIRECT}:
        what = (
            tr("1 greyed memory belongs to a private container.")
            if count == 1
            else tr("{n} greyed memories belong to the private container.", n=number(count))
        )
    elif len(kinds) == 1:
        what = (
            tr("1 greyed memory was said in a group.") if count == 1 else tr("{n} greyed memories were said in a group.", n=number(count))
        )
    else:
        what = tr("{n} greyed memories belong to other containers.", n=number(count))
    return f"{what} {reply}"


def why_words(viewer: Place, others: Sequence[Place]) -> str:
    """Return why ``viewer`` is never given what the others hold, in plain words."""
    names = ", ".join(place.said for place in others)
    first = tr(
        "Every conversation has a container of its own. A reply in {name} is made from the container of {name} alone.", name=viewer.said
    )
    second = tr("What was said elsewhere ({names}) lies in other containers.", names=names)
    third = tr(
        "The database itself keeps them apart: a transaction opens one container and no query of it returns a row of another, "
        "whatever it asks. The greyed memories are shown to you because you opened their containers too, each with a line in the audit log."
    )
    return f"{first}\n\n{second}\n\n{third}"


def _short(words: str) -> str:
    return words if len(words) <= _LONGEST else words[: _LONGEST - 1].rstrip() + "…"
