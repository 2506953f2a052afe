"""A switch: on or off, a painted track with a knob."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QSizePolicy

from desktop.style import colour
from desktop.widgets import paint

_TRACK: Final = QSize(36, 20)


class Switch(QAbstractButton):
    """On or off; ``name`` is what a screen reader says."""

    def __init__(self, *, name: str) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFixedSize(_TRACK + QSize(6, 6))

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw track and knob; the focus ring goes around both."""
        painter = QPainter(self)
        paint.begin(painter)
        track = QRectF(3, 3, _TRACK.width(), _TRACK.height())
        on, able = self.isChecked(), self.isEnabled()
        fill = ("solid" if able else "faint") if on else "surface"
        paint.box(painter, track, track.height() / 2, fill=fill, line=fill if on else "line2")
        knob = track.height() - 6
        left = track.right() - knob - 3 if on else track.left() + 3
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour("white" if on else "muted" if able else "faint"))
        painter.drawEllipse(QRectF(left, track.top() + 3, knob, knob))
        if self.hasFocus():
            paint.box(painter, QRectF(self.rect()).adjusted(1, 1, -1, -1), self.height() / 2 - 1, line="accent", width=2)

    def hitButton(self, _place: object) -> bool:
        """The whole widget can be clicked."""
        return True
