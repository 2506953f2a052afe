"""Which containers are open: their tags, with the phone masked, and how much each holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QHelpEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from desktop.i18n import number, tr
from desktop.pages.memory.lines import Place
from desktop.pages.memory.words import memories
from desktop.style import colour
from desktop.widgets import paint
from desktop.widgets.choice import HEIGHT
from desktop.widgets.label import plain_tip

_LINES: Final = 2
_ICON: Final = 31
_COUNT: Final = 110


class PlacesBox(QWidget):
    """46 px: two tags below each other; where there are more, the second line says how many."""

    def __init__(self) -> None:
        super().__init__()
        self._places: Sequence[Place] = ()
        self.setFixedHeight(HEIGHT)
        self.setMinimumWidth(160)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)

    def show_places(self, places: Sequence[Place]) -> None:
        """Show the containers that are open."""
        self._places = tuple(places)
        self.setAccessibleName(self._told())
        self.update()

    def sizeHint(self) -> QSize:
        """Return a comfortable width."""
        return QSize(360, HEIGHT)

    def event(self, event: QEvent) -> bool:
        """Tell every tag whole where the pointer rests."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), plain_tip(self._told()), self)
            return True
        return super().event(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the lines."""
        painter = QPainter(self)
        paint.begin(painter)
        whole = QRectF(self.rect())
        if not self._places:
            return
        paint.box(painter, whole, 8, fill="surface", line="line2")
        lines = self._lines()
        if len(lines) == _LINES:
            painter.fillRect(QRectF(1, whole.center().y(), whole.width() - 2, 1), colour("grid"))
        height = whole.height() / max(1, len(lines))
        for order, (icon, words, count, mono) in enumerate(lines):
            top = order * height
            paint.icon(painter, QPointF(10, top + height / 2 - 7), icon, "accent", size=14)
            room = QRectF(_ICON, top, whole.width() - _ICON - _COUNT - 8, height)
            paint.text(painter, room, words, size=12, mono=mono)
            paint.text(painter, QRectF(whole.width() - _COUNT - 12, top, _COUNT, height), count, size=12, tone="muted", align=paint.RIGHT)

    def _lines(self) -> list[tuple[str, str, str, bool]]:
        shown = [(one.icon, one.tag, memories(one.total), True) for one in self._places]
        if len(shown) <= _LINES:
            return shown
        rest = self._places[1:]
        words = tr("{n} groups", n=number(len(rest))) if all(one.kind != "direct" for one in rest) else tr("{n} more", n=number(len(rest)))
        return [shown[0], ("users", words, memories(sum(one.total for one in rest)), False)]

    def _told(self) -> str:
        return "\n".join(f"{one.tag}: {memories(one.total)}" for one in self._places)
