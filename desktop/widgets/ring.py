"""A ring of segments, one for each thing that was looked at, with a figure in its middle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop.style import SEMIBOLD, colour, tone_fill
from desktop.widgets import paint

SIZE: Final = 132
_THICK: Final = 11.0
_BAD_MORE: Final = 4.0
_RIM: Final = 2.5
_GAP_DEGREES: Final = 2.8
_SIXTEENTH: Final = 16
_TOP: Final = 90.0
_WHOLE: Final = 360.0


class SegmentRing(QWidget):
    """One segment per tone given; None is a hollow segment: nobody knows.

    Bad ones stand out from the ring, so that they are seen without colour.
    """

    def __init__(self, *, name: str) -> None:
        super().__init__()
        self._name = name
        self._tones: tuple[str | None, ...] = ()
        self._figure, self._below = "–", ""
        self.setFixedSize(SIZE, SIZE)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(name)

    def show_tones(self, tones: Sequence[str | None], *, figure: str, below: str, words: str) -> None:
        """Show a segment per tone, clockwise from the top; ``words`` is what a screen reader says of all of it."""
        self._tones, self._figure, self._below = tuple(tones), figure, below
        self.setAccessibleName(f"{self._name}: {words}")
        self.update()

    def sizeHint(self) -> QSize:
        """Return its one size."""
        return QSize(SIZE, SIZE)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the segments and the figure."""
        painter = QPainter(self)
        paint.begin(painter)
        middle, radius = QPointF(self.width() / 2, self.height() / 2), SIZE / 2 - _THICK / 2 - _BAD_MORE
        tones = self._tones or (None,)
        step = _WHOLE / len(tones)
        gap = min(_GAP_DEGREES, step / 3) if len(tones) > 1 else 0.0
        for place, tone in enumerate(tones):
            first = _TOP - place * step - gap / 2
            self._draw_segment(painter, middle, radius, first, -(step - gap), tone)
        room = QRectF(middle.x() - radius, middle.y() - 26, 2 * radius, 32)
        paint.text(painter, room, self._figure, size=26, weight=SEMIBOLD, align=paint.CENTRE)
        paint.text(painter, QRectF(room.x(), room.bottom(), room.width(), 16), self._below, size=12, tone="muted", align=paint.CENTRE)

    @staticmethod
    def _draw_segment(painter: QPainter, middle: QPointF, radius: float, first: float, span: float, tone: str | None) -> None:
        if tone is None:
            painter.setPen(QPen(colour("muted"), 1, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap))
            for away in (-_THICK / 2 + _RIM / 2, _THICK / 2 - _RIM / 2):
                _arc(painter, middle, radius + away, first, span)
            return
        more = _BAD_MORE if tone == "bad" else 0.0
        painter.setPen(QPen(colour(tone_fill(tone)), _THICK + more, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap))
        _arc(painter, middle, radius + more / 2, first, span)


def _arc(painter: QPainter, middle: QPointF, radius: float, first: float, span: float) -> None:
    square = QRectF(middle.x() - radius, middle.y() - radius, 2 * radius, 2 * radius)
    painter.drawArc(square, round(first * _SIXTEENTH), round(span * _SIXTEENTH))
