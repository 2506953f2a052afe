"""The buttons only a player has: round ones, and the list of speeds."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QEnterEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QMenu

from desktop.i18n import number, tr
from desktop.style import SEMIBOLD
from desktop.widgets import paint

SPEEDS: Final = (0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0)


class RoundButton(QAbstractButton):
    """An icon button without a frame, or a filled disc."""

    def __init__(self, icon_name: str, *, name: str, size: int = 36, filled: bool = False) -> None:
        super().__init__()
        self._icon, self._filled = icon_name, filled
        self.setFixedSize(size, size)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.show_icon(icon_name, name=name)

    def show_icon(self, icon_name: str, *, name: str) -> None:
        """Show another icon with another meaning."""
        self._icon = icon_name
        self.setAccessibleName(name)
        self.setToolTip(name)
        self.update()

    def enterEvent(self, event: QEnterEvent) -> None:
        super().enterEvent(event)
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        paint.begin(painter)
        whole = QRectF(self.rect())
        usable = self.isEnabled()
        if self._filled:
            fill = ("solid_hover" if self.underMouse() else "solid") if usable else "hover"
            paint.box(painter, whole, whole.width() / 2, fill=fill)
        elif self.underMouse() and usable:
            paint.box(painter, whole, 8, fill="hover")
        ink = ("white" if self._filled else "text") if usable else "muted"
        corner = QPointF((self.width() - 20) / 2, (self.height() - 20) / 2)
        paint.icon(painter, corner, self._icon, ink, size=20)
        if self.hasFocus():
            radius = whole.width() / 2 if self._filled else 8
            paint.box(painter, whole.adjusted(1, 1, -1, -1), radius, line="text" if self._filled else "accent", width=2)


class SpeedButton(QAbstractButton):
    """A field of 74 px that opens the list of speeds."""

    picked = Signal(float)

    def __init__(self) -> None:
        super().__init__()
        self._menu = QMenu(self)
        for speed in SPEEDS:
            action = self._menu.addAction(_times(speed))
            action.setCheckable(True)
            action.setData(speed)
        self._menu.triggered.connect(lambda action: self.picked.emit(action.data()))
        self.setFixedSize(74, 32)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.clicked.connect(self._open)
        self.show_speed(1.0)

    def show_speed(self, speed: float) -> None:
        """Show the speed that is on."""
        words = _times(speed)
        self.setText(words)
        self.setAccessibleName(tr("Speed {speed}", speed=words))
        self.setToolTip(tr("Speed; the pitch stays"))
        for action in self._menu.actions():
            action.setChecked(action.data() == speed)
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        paint.begin(painter)
        whole = QRectF(self.rect())
        focused = self.hasFocus()
        fill = "hover" if self.underMouse() else "surface"
        paint.box(painter, whole, 8, fill=fill, line="accent" if focused else "line2", width=2 if focused else 1)
        paint.text(painter, whole.adjusted(11, 0, -22, 0), self.text(), weight=SEMIBOLD, elide=False)
        paint.icon(painter, QPointF(self.width() - 22, 9), "chevron-down", size=14)

    def _open(self) -> None:
        size = self._menu.sizeHint()
        self._menu.popup(self.mapToGlobal(QPoint(0, -size.height() - 4)))


def _times(speed: float) -> str:
    return tr("{n}×", n=number(speed, decimals=2).rstrip("0").rstrip(".,"))
