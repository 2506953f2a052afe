"""The controls of a setting: a switch, a number with its unit, a line of text. Each keeps what was typed, wrong or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from desktop.i18n import tr
from desktop.style import colour
from desktop.widgets import paint
from desktop.widgets.button import Button
from desktop.widgets.field import Field
from desktop.widgets.label import PlainLabel
from desktop.widgets.layout import row
from desktop.widgets.switch import Switch

if TYPE_CHECKING:
    from backend_core.house.declaration import HouseField, Value

_FIELD_WIDTHS: Final = {"whole": 132, "amount": 132, "time": 132, "text": 208}


class Control(QWidget):
    """Shows one value; ``edited`` carries what the user made of it."""

    edited = Signal(object)

    def show_value(self, value: Value) -> None:
        """Show ``value`` without emitting ``edited``."""
        raise NotImplementedError


class SwitchControl(Control):
    """A switch with the word for where it stands."""

    def __init__(self, field: HouseField) -> None:
        super().__init__()
        self.word = PlainLabel("", "small")
        self.switch = Switch(name=field.title)
        self.switch.toggled.connect(self._name)
        self.switch.clicked.connect(lambda on: self.edited.emit(on))  # noqa: PLW0108 - without it Qt leaves out the value
        self.setFocusProxy(self.switch)
        self.setLayout(row(None, self.word, self.switch, gap=6))
        self._name(on=False)

    def show_value(self, value: Value) -> None:
        """Show where it stands."""
        self.switch.setChecked(bool(value))

    def _name(self, on: bool) -> None:  # noqa: FBT001 - Qt's signal
        self.word.setText(tr("on") if on else tr("off"))


class UnitField(Field):
    """A line of text with a unit at its right end."""

    def __init__(self, unit: str, *, name: str, hint: str) -> None:
        super().__init__(name=name, hint=hint)
        self._unit = unit
        if unit:
            self.setTextMargins(0, 0, round(paint.advance(unit, 12)) + 6, 0)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the field and the unit."""
        super().paintEvent(event)
        if self._unit:
            painter = QPainter(self)
            paint.begin(painter)
            room = QRectF(self.rect()).adjusted(0, 0, -12, 0)
            paint.text(painter, room, self._unit, size=12, tone="muted", align=paint.RIGHT, elide=False)


class TextControl(Control):
    """A line of text with its unit; whole numbers go up and down by the arrow keys and two buttons."""

    def __init__(self, field: HouseField) -> None:
        super().__init__()
        self._field = field
        self.line = UnitField(field.unit, name=field.title, hint="00:00" if field.kind == "time" else "")
        self.line.setFixedWidth(_FIELD_WIDTHS[field.kind])
        # one more than may be typed, so that too long a text is seen as such
        self.line.setMaxLength((field.longest or 30) + 1)
        self.line.textEdited.connect(self.edited.emit)
        self.setFocusProxy(self.line)
        steps: tuple[QWidget, ...] = ()
        if field.kind == "whole":
            self.less = Button("", "ghost", icon_name="minus", name=tr("{title}: less", title=field.title), on_click=lambda: self.step(-1))
            self.more = Button("", "ghost", icon_name="plus", name=tr("{title}: more", title=field.title), on_click=lambda: self.step(1))
            steps = (self.less, self.more)
        self.setLayout(row(None, *steps[:1], self.line, *steps[1:], gap=2))

    def show_value(self, value: Value) -> None:
        """Show ``value`` and keep the cursor where the text stays the same."""
        if self.line.text() != str(value):
            self.line.setText(str(value))

    def step(self, by: int) -> None:
        """Go up or down within the bounds; from something that is no number, to what is delivered."""
        least, most = self._field.least, self._field.most
        if least is None or most is None:
            return
        value = self._field.parsed(self.line.text())
        number = value + by if isinstance(value, int) else self._field.default
        self.line.setText(str(min(most, max(least, int(number)))))
        self.edited.emit(self.line.text())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Step by the arrow keys."""
        steps = {Qt.Key.Key_Up: 1, Qt.Key.Key_Down: -1}
        by = steps.get(Qt.Key(event.key()))
        if by is None or self._field.kind != "whole":
            super().keyPressEvent(event)
            return
        self.step(by)


def control_for(field: HouseField) -> Control:
    """Return the control that fits a setting."""
    return SwitchControl(field) if field.kind == "switch" else TextControl(field)


class Dot(QWidget):
    """A small mark before what was changed and is not saved; keeps its room while there is nothing to mark."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedSize(8, 18)
        self.on = False

    def show_on(self, *, on: bool) -> None:
        """Show or hide the mark."""
        self.on = on
        self.setAccessibleName(tr("changed, not saved") if on else "")
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw it."""
        if not self.on:
            return
        painter = QPainter(self)
        paint.begin(painter)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour("accent"))
        painter.drawEllipse(QPointF(3, 9), 3, 3)
