"""Topics a persona keeps quiet about in one conversation: the list, a new one, and the way to lift one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop.i18n import tr
from desktop.pages.memory.lines import Place
from desktop.pages.memory.words import boundary_words, day_short
from desktop.widgets.button import Button
from desktop.widgets.field import Field, Select
from desktop.widgets.label import ElidedLabel, IconLabel, PlainLabel, over
from desktop.widgets.layout import clear_layout, column, holder, row


@dataclass(frozen=True, slots=True)
class BoundaryLine:
    """One boundary.

    Attributes:
        key: its id.
        place: the container it belongs to.
    """

    key: str
    place: Place
    kind: str
    topic: str
    set_by: str
    at: datetime
    value: object = None


class BoundaryPanel(QWidget):
    """``add_wanted`` carries place, kind and topic; ``lift_wanted`` a ``BoundaryLine``."""

    add_wanted = Signal(str, str, str)
    lift_wanted = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.lines: tuple[BoundaryLine, ...] = ()
        self._lane = QVBoxLayout()
        self._lane.setSpacing(8)
        self.place = Select(name=tr("Conversation"))
        self.kind = Select(
            [("hide", tr("Do not bring it up")), ("never", tr("Never mention it, not even when asked"))],
            name=tr("What to keep quiet about"),
        )
        self.topic = Field(name=tr("Topic"), hint=tr("For example the wedding"))
        self.add = Button(tr("Add boundary"), icon_name="plus", on_click=self._add)
        self.topic.textChanged.connect(self._check)
        self.topic.returnPressed.connect(self._add)
        self.form = holder(column(over(tr("New boundary")), self.place, self.kind, self.topic, row(None, self.add), gap=8))
        about = PlainLabel(tr("A boundary holds in the one conversation it was set in, and nowhere else."), "small", wrap=True)
        self.setLayout(column(about, self._lane, self.form, None, gap=14))
        self._check()

    def show_lines(self, lines: Sequence[BoundaryLine], places: Sequence[Place], *, editable: bool) -> None:
        """Show what is in force; ``editable`` where the viewer may change it."""
        self.lines = tuple(lines)
        clear_layout(self._lane)
        for line in lines:
            self._lane.addWidget(self._line(line, editable=editable))
        if not lines:
            self._lane.addWidget(PlainLabel(tr("None is in force."), "muted"))
        self.place.set_choices([(place.key, place.caption) for place in places])
        self.form.setVisible(editable and bool(places))

    def _line(self, line: BoundaryLine, *, editable: bool) -> QWidget:
        words, icon = boundary_words(line.kind)
        topic = ElidedLabel(line.topic, weight=500)
        below = ElidedLabel(f"{words} · {line.place.said} · {line.set_by}, {day_short(line.at)}", size=12, tone="muted")
        lift = Button(
            tr("Lift"), "small", name=tr("Lift the boundary {topic}", topic=line.topic), on_click=lambda: self.lift_wanted.emit(line)
        )
        lift.setEnabled(editable)
        lane = row(IconLabel(icon), gap=12, margins=(12, 8, 12, 8))
        lane.addLayout(column(topic, below, gap=2), 1)
        lane.addWidget(lift)
        return holder(lane, name="inset")

    def _check(self) -> None:
        self.add.setEnabled(bool(self.topic.text().strip()))

    def _add(self) -> None:
        topic = self.topic.text().strip()
        if topic and self.place.current is not None:
            self.add_wanted.emit(str(self.place.current), str(self.kind.current), topic)
            self.topic.clear()
