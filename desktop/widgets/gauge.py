"""The arc that shows a pool: a base band, an overflow band, and how much of both is in use."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop.i18n import number, tr
from desktop.style import MEDIUM, SEMIBOLD, colour, mix
from desktop.widgets import paint

_THICK = 18.0
_RIM = 3.0
_WARN_SHARE = 0.8
_HALF_TURN = 180.0
_SIXTEENTH = 16
_SIDE, _ABOVE, _BELOW = 16, 12, 22


class Gauge(QWidget):
    """How many of ``base`` + ``overflow`` are in use; before the first ``set_values`` it is hatched as unknown."""

    def __init__(self, *, name: str) -> None:
        super().__init__()
        self._name = name
        self._used: int | None = None
        self._base, self._overflow = 1, 0
        self._stale = False
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(200, 132)
        self.set_unknown()

    def set_values(self, used: int, *, base: int, overflow: int, stale: bool = False) -> None:
        """Show ``used`` of ``base`` (at least 1) plus ``overflow``; ``stale`` adds the hatch."""
        self._used, self._base, self._overflow, self._stale = used, max(1, base), max(0, overflow), stale
        self.setAccessibleName(tr("{name}: {used} in use of {base} + {overflow}", name=self._name, used=used, base=base, overflow=overflow))
        self.update()

    def set_unknown(self) -> None:
        """Show that nobody has measured."""
        self._used = None
        self.setAccessibleName(tr("{name}: not measured yet", name=self._name))
        self.update()

    def sizeHint(self) -> QSize:
        """Return a comfortable size."""
        return QSize(260, 150)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw bands, value, threshold and numbers."""
        painter = QPainter(self)
        paint.begin(painter)
        outer = min((self.width() - 2 * _SIDE) / 2, self.height() - _ABOVE - _BELOW)
        centre = QPointF(self.width() / 2, _ABOVE + outer + (self.height() - _ABOVE - _BELOW - outer) / 2)
        if self._used is None or self._stale:
            self._draw_unknown(painter, centre, outer)
        if self._used is not None:
            self._draw_bands(painter, centre, outer)
            self._draw_scale(painter, centre, outer)
        self._draw_value(painter, centre, outer)

    @property
    def _total(self) -> int:
        return self._base + self._overflow

    def _draw_unknown(self, painter: QPainter, centre: QPointF, outer: float) -> None:
        painter.save()
        ring = QPen(colour("line2"), _THICK, Qt.PenStyle.CustomDashLine, Qt.PenCapStyle.FlatCap)
        ring.setDashPattern([0.08, 0.25])
        painter.setPen(ring)
        self._arc(painter, centre, outer - _THICK / 2 - _RIM - 2, 0.0, 1.0)
        painter.setPen(QPen(colour("faint"), 1, Qt.PenStyle.DashLine))
        self._arc(painter, centre, outer, 0.0, 1.0)
        self._arc(painter, centre, outer - _THICK - _RIM - 4, 0.0, 1.0)
        painter.restore()

    def _draw_bands(self, painter: QPainter, centre: QPointF, outer: float) -> None:
        total, used = self._total, min(self._used or 0, self._total)
        edge = self._base / total
        radius = outer - _THICK / 2 - _RIM - 2
        gap = 0.004 if self._overflow else 0.0
        bands = (
            (0.0, edge - gap, "line", None),
            (edge + gap, 1.0, None, mix("surface", "warn_fill", 0.2)),
            (0.0, min(edge - gap, used / total), "accent", None),
            (edge + gap, used / total, "warn_fill", None),
        )
        for start, end, token, mixed in bands:
            if end > start:
                shade = mixed if mixed is not None else colour(token or "line")
                painter.setPen(QPen(shade, _THICK, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap))
                self._arc(painter, centre, radius, start, end)
        for start, end, token in ((0.0, edge - gap, "accent"), (edge + gap, 1.0, "warn_fill")):
            if end > start:
                painter.setPen(QPen(colour(token), 1.5))
                self._arc(painter, centre, outer - 1, start, end)

    def _draw_scale(self, painter: QPainter, centre: QPointF, outer: float) -> None:
        radius = outer - _THICK - _RIM - 2
        for share, value in ((0.0, 0), (1.0, self._total)):
            x = centre.x() + (-1 if share == 0 else 1) * (radius + _THICK / 2)
            paint.text(painter, QRectF(x - 24, centre.y() + 4, 48, 16), number(value), size=11, tone="muted", align=paint.CENTRE)
        if self._overflow:
            self._label(painter, centre, outer + 12, self._base / self._total, number(self._base), "muted")
        painter.setPen(QPen(colour("text"), 2))
        start, end = (self._point(centre, r, _WARN_SHARE) for r in (radius - 2, outer + 3))
        painter.drawLine(start, end)
        self._label(painter, centre, outer + 20, _WARN_SHARE, "80\u202f%", "text")

    def _draw_value(self, painter: QPainter, centre: QPointF, outer: float) -> None:
        shown = "–" if self._used is None else number(self._used)
        middle = QRectF(centre.x() - outer, centre.y() - 62, 2 * outer, 32)
        paint.text(painter, middle, shown, size=26, weight=SEMIBOLD, align=paint.CENTRE)
        caption = (
            tr("not measured yet")
            if self._used is None
            else tr("in use of {base} + {overflow}", base=self._base, overflow=self._overflow)
            if self._overflow
            else tr("in use of {base}", base=self._base)
        )
        paint.text(painter, middle.translated(0, 27), caption, size=12, tone="muted", align=paint.CENTRE)

    def _label(self, painter: QPainter, centre: QPointF, radius: float, share: float, words: str, tone: str) -> None:
        at = self._point(centre, radius, share)
        paint.text(
            painter, QRectF(at.x() - 24, at.y() - 8, 48, 16), words, size=11, tone=tone, weight=MEDIUM, align=paint.CENTRE, elide=False
        )

    @staticmethod
    def _point(centre: QPointF, radius: float, share: float) -> QPointF:
        angle = math.pi * (1 - share)
        return QPointF(centre.x() + radius * math.cos(angle), centre.y() - radius * math.sin(angle))

    @staticmethod
    def _arc(painter: QPainter, centre: QPointF, radius: float, start: float, end: float) -> None:
        square = QRectF(centre.x() - radius, centre.y() - radius, 2 * radius, 2 * radius)
        first = _HALF_TURN * (1 - start)
        painter.drawArc(square, round(first * _SIXTEENTH), round(-_HALF_TURN * (end - start) * _SIXTEENTH))
