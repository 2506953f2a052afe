"""How the score went from measurement to measurement, with the target, and gaps where there was none."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop.i18n import date_time, tr
from desktop.pages.readiness import words
from desktop.style import colour
from desktop.widgets import paint

TrendPoint = tuple[datetime, float | None, float]
MOST: Final = 60
_AXIS: Final = 30
_TWENTY: Final = 20
_FULL: Final = 100
_DOT: Final = 3.0


class TrendLine(QWidget):
    """One dot per measurement at equal distances; ``pointed`` carries the one under the mouse or chosen with the arrows."""

    pointed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.points: tuple[TrendPoint, ...] = ()
        self.at: int | None = None
        self._target = _FULL
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(160, 44)
        self.setAccessibleName(tr("Score over time"))

    def show_points(self, points: Sequence[TrendPoint], *, target: int) -> None:
        """Show the newest of ``points``, oldest first."""
        self.points, self._target = tuple(points)[-MOST:], target
        self.at = None
        self.setAccessibleDescription(point_words(self.points[-1]) if self.points else tr("never measured"))
        self.update()

    def sizeHint(self) -> QSize:
        """Return room for the scale."""
        return QSize(320, 44)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Read out the nearest point."""
        if self.points:
            nearest = min(range(len(self.points)), key=lambda number: abs(self._x(number) - event.position().x()))
            self._point(nearest)

    def leaveEvent(self, event: QEvent) -> None:
        """Drop the readout."""
        super().leaveEvent(event)
        self._point(None)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Go from point to point with the arrows."""
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        if step is None or not self.points:
            super().keyPressEvent(event)
            return
        start = len(self.points) if self.at is None else self.at
        self._point(min(max(0, start + step), len(self.points) - 1))

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the target, the line and its dots."""
        painter = QPainter(self)
        paint.begin(painter)
        if not any(score is not None for _, score, _ in self.points):
            self._paint_nothing(painter)
            return
        low = self._low()
        self._paint_scale(painter, low)
        self._paint_line(painter, low)
        if self.hasFocus():
            paint.box(painter, QRectF(self.rect()), 6, line="accent", width=2)

    def _paint_nothing(self, painter: QPainter) -> None:
        room = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        paint.hatch(painter, room, 6)
        said = tr("No score yet")
        width = paint.advance(said, 12) + 24
        paint.box(painter, QRectF(room.center().x() - width / 2, room.center().y() - 11, width, 22), 6, fill="surface")
        paint.text(painter, room, said, size=12, tone="muted", align=paint.CENTRE)

    def _paint_scale(self, painter: QPainter, low: float) -> None:
        # of the scale the target is what matters; the full score stands so near it that both words would not fit
        for score, named in ((low, True), (float(self._target), True), (float(_FULL), False)):
            y, target = self._y(score, low), score == self._target
            painter.setPen(QPen(colour("muted"), 1, Qt.PenStyle.DashLine) if target else QPen(colour("grid"), 1))
            painter.drawLine(QPointF(_AXIS, y), QPointF(self.width(), y))
            if named:
                paint.text(painter, QRectF(0, y - 8, _AXIS - 8, 16), words.points(score), size=11, tone="muted", align=paint.RIGHT)

    def _paint_line(self, painter: QPainter, low: float) -> None:
        path, open_line = QPainterPath(), False
        for number, (_, score, _) in enumerate(self.points):
            if score is None:
                open_line = False
                continue
            place = QPointF(self._x(number), self._y(score, low))
            path.lineTo(place) if open_line else path.moveTo(place)
            open_line = True
        painter.setPen(QPen(colour("accent"), 1.6))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(path)
        for number, (_, score, _) in enumerate(self.points):
            self._paint_dot(painter, number, score, low)

    def _paint_dot(self, painter: QPainter, number: int, score: float | None, low: float) -> None:
        x = self._x(number)
        if score is None:
            paint.hatch(painter, QRectF(x - 4, 4, 8, self.height() - 8), 3)
            return
        more = 1.5 if number == self.at else 0.0
        painter.setPen(QPen(colour("surface"), 1.5))
        painter.setBrush(colour("accent"))
        painter.drawEllipse(QPointF(x, self._y(score, low)), _DOT + more, _DOT + more)

    def _low(self) -> float:
        lowest = min(score for _, score, _ in self.points if score is not None)
        return float(max(0, int((min(lowest, self._target) - 1) // _TWENTY) * _TWENTY))

    def _x(self, number: int) -> float:
        room = self.width() - _AXIS - 12
        # one measurement stands at the right end, where the newest always is
        share = number / (len(self.points) - 1) if len(self.points) > 1 else 1.0
        return _AXIS + 6 + room * share

    def _y(self, score: float, low: float) -> float:
        room = self.height() - 16
        return round(8 + room * (1 - (min(score, float(_FULL)) - low) / (_FULL - low))) + 0.5

    def _point(self, number: int | None) -> None:
        if number != self.at:
            self.at = number
            self.pointed.emit(None if number is None else self.points[number])
            if number is not None:
                self.setAccessibleDescription(point_words(self.points[number]))
            self.update()


def point_words(point: TrendPoint) -> str:
    """Return one measurement in a line."""
    at, score, coverage = point
    figure = tr("no score") if score is None else words.points(score)
    return tr("{when}: {score}, {share}\u202f% known", when=date_time(at), score=figure, share=int(coverage * _FULL))
