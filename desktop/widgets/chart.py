"""Line and step charts over time with axis labels, a named limit and a readout under the mouse."""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QKeyEvent, QLinearGradient, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop.i18n import number, short_number, tr
from desktop.style import MEDIUM, SEMIBOLD, colour, tone_fill
from desktop.widgets import paint

_STEPS = (1, 2, 2.5, 5, 10)
_LABEL = 11
_FEW = 10
_DOT_ROOM = 16

Point = tuple[float, float | None]
"""Epoch seconds and a value; None breaks the line: nobody measured then."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A dashed line at ``value`` with its ``name``."""

    value: float
    name: str


def nice_ticks(top: float, *, count: int = 4) -> list[float]:
    """Return round values from 0 up to at least ``top`` in at most ``count`` + 1 steps.

    >>> nice_ticks(37)
    [0.0, 10.0, 20.0, 30.0, 40.0]
    """
    rough = max(top, 1e-9) / count
    magnitude = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * magnitude for factor in _STEPS if factor * magnitude >= rough - 1e-12)
    return [step * index for index in range(math.ceil(top / step - 1e-9) + 1)] if top > 0 else [0.0, step]


class LineChart(QWidget):
    """One series over time.

    Args:
        name: accessible name.
        unit: written after the highest label.
        tone: colour of the line.
        step: draw steps (counts) instead of slopes.
        limit: a dashed line with a name.
        whole: values are counts, so no label has decimals.
        readout: words for the point under the mouse, given (time, value); by default value and time.
    """

    def __init__(
        self,
        *,
        name: str,
        unit: str = "",
        tone: str = "info",
        step: bool = False,
        limit: Limit | None = None,
        whole: bool = False,
        readout: Callable[[float, float], tuple[str, str]] | None = None,
    ) -> None:
        super().__init__()
        self._name, self._unit, self._tone, self._step, self._limit, self._whole = name, unit, tone, step, limit, whole
        self._readout = readout or self._plain_readout
        self._points: list[Point] = []
        self._from, self._to = 0.0, 1.0
        self._hover: int | None = None
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(160, 96)
        self.set_points([])

    def set_points(self, points: Sequence[Point], *, start: float | None = None, end: float | None = None) -> None:
        """Show ``points`` in order of time, on an axis from ``start`` to ``end`` (by default the first and last point)."""
        self._points = list(points)
        self._from = start if start is not None else (points[0][0] if points else 0.0)
        self._to = max(end if end is not None else (points[-1][0] if points else 1.0), self._from + 1.0)
        known = [value for _, value in points if value is not None]
        summary = tr("now {now}, highest {top}", now=self._say(known[-1]), top=self._say(max(known))) if known else tr("no data yet")
        self.setAccessibleName(f"{self._name}: {summary}")
        self._hover = None if self._hover is None or self._hover >= len(points) else self._hover
        self.update()

    def set_tone(self, tone: str) -> None:
        """Change the colour of the line."""
        self._tone = tone
        self.update()

    def sizeHint(self) -> QSize:
        """Return a comfortable size."""
        return QSize(320, 160)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Read out the nearest point."""
        plot = self._plot()
        moment = self._from + (event.position().x() - plot.left()) / max(1.0, plot.width()) * (self._to - self._from)
        at = bisect.bisect([time for time, _ in self._points], moment)
        nearest = [index for index in (at - 1, at) if 0 <= index < len(self._points)]
        self._show(min(nearest, key=lambda index: abs(self._points[index][0] - moment)) if nearest else None)

    def leaveEvent(self, event: QEvent) -> None:
        """Drop the readout."""
        super().leaveEvent(event)
        self._show(None)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the readout with the arrow keys."""
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        if step is None or not self._points:
            super().keyPressEvent(event)
        else:
            start = len(self._points) if self._hover is None else self._hover
            self._show(min(max(0, start + step), len(self._points) - 1))

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw grid, labels, series, limit and readout."""
        painter = QPainter(self)
        paint.begin(painter)
        if not any(value is not None for _, value in self._points):
            whole = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
            paint.hatch(painter, whole, 8)
            self._note(painter, whole, tr("No data yet"))
            return
        plot, ticks = self._plot(), self._ticks()
        self._draw_grid(painter, plot, ticks)
        self._draw_series(painter, plot, ticks[-1])
        if self._limit is not None:
            self._draw_limit(painter, plot, ticks[-1], self._limit)
        if self.hasFocus():
            paint.box(painter, QRectF(self.rect()), 6, line="accent", width=2)
        if self._hover is not None:
            self._draw_readout(painter, plot, ticks[-1], self._hover)

    def _ticks(self) -> list[float]:
        top = max((value for _, value in self._points if value is not None), default=0.0)
        top = max(top, self._limit.value if self._limit else 0.0) * 1.05
        ticks = nice_ticks(max(top, 1.0 if self._whole else 0.0), count=max(2, min(4, self.height() // 40)))
        if self._whole and ticks[1] < 1:
            ticks = [float(index) for index in range(math.ceil(ticks[-1]) + 1)]
        return ticks

    def _tick_label(self, value: float, *, last: bool) -> str:
        shown = short_number(value) if value >= _FEW or value == int(value) else f"{value:g}"
        return f"{shown} {self._unit}" if last and self._unit else shown

    def _plot(self) -> QRectF:
        ticks = self._ticks()
        label = max(paint.advance(self._tick_label(value, last=value == ticks[-1]), _LABEL) for value in ticks)
        return QRectF(self.rect()).adjusted(label + 10, 8, -6, -20)

    def _x(self, plot: QRectF, moment: float) -> float:
        return plot.left() + plot.width() * (moment - self._from) / (self._to - self._from)

    def _draw_grid(self, painter: QPainter, plot: QRectF, ticks: list[float]) -> None:
        for value in ticks:
            y = round(plot.bottom() - plot.height() * value / ticks[-1]) + 0.5
            painter.setPen(QPen(colour("line" if value == 0 else "grid"), 1))
            painter.drawLine(QPointF(plot.left(), y), QPointF(plot.right(), y))
            room = QRectF(0, y - 8, plot.left() - 8, 16)
            paint.text(
                painter, room, self._tick_label(value, last=value == ticks[-1]), size=_LABEL, tone="muted", align=paint.RIGHT, elide=False
            )
        count = max(1, min(4, int(plot.width() // 110)))
        pattern = "%H:%M" if self._to - self._from >= 180 else "%H:%M:%S"  # noqa: PLR2004 - below three minutes seconds matter
        for index in range(count + 1):
            moment = self._from + (self._to - self._from) * index / count
            x = self._x(plot, moment)
            align = paint.LEFT if index == 0 else paint.RIGHT if index == count else paint.CENTRE
            left = x if index == 0 else x - 80 if index == count else x - 40
            room = QRectF(left, plot.bottom() + 5, 80, 14)
            paint.text(painter, room, _local(moment, pattern), size=_LABEL, tone="muted", align=align, elide=False)

    def _runs(self, plot: QRectF, top: float) -> list[list[QPointF]]:
        runs: list[list[QPointF]] = [[]]
        for moment, value in self._points:
            if value is None:
                runs.append([])
                continue
            point = QPointF(self._x(plot, moment), plot.bottom() - plot.height() * value / top)
            if self._step and runs[-1]:
                runs[-1].append(QPointF(point.x(), runs[-1][-1].y()))
            runs[-1].append(point)
        return [run for run in runs if run]

    def _draw_series(self, painter: QPainter, plot: QRectF, top: float) -> None:
        ink = tone_fill(self._tone)
        shade = QLinearGradient(plot.topLeft(), plot.bottomLeft())
        shade.setColorAt(0, colour(ink, alpha=64))
        shade.setColorAt(1, colour(ink, alpha=0))
        for run in self._runs(plot, top):
            line = QPainterPath(run[0])
            for point in run[1:]:
                line.lineTo(point)
            area = QPainterPath(line)
            area.lineTo(run[-1].x(), plot.bottom())
            area.lineTo(run[0].x(), plot.bottom())
            painter.fillPath(area, shade)
            join = Qt.PenJoinStyle.MiterJoin if self._step else Qt.PenJoinStyle.RoundJoin
            painter.setPen(QPen(colour(ink), 1.6, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, join))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawPath(line)
        if self._points[-1][1] is not None and self._hover is None:
            self._dot(painter, self._runs(plot, top)[-1][-1], ink)

    def _draw_limit(self, painter: QPainter, plot: QRectF, top: float, limit: Limit) -> None:
        y = round(plot.bottom() - plot.height() * limit.value / top) + 0.5
        painter.setPen(QPen(colour("bad"), 1, Qt.PenStyle.DashLine))
        painter.drawLine(QPointF(plot.left(), y), QPointF(plot.right(), y))
        room = QRectF(plot.left() + 2, y + 2, plot.width() - 4, 15)
        last = self._points[-1][1]
        # The name moves to the left end where it would hide the newest point.
        hides = last is not None and abs(plot.bottom() - plot.height() * last / top - room.center().y()) < _DOT_ROOM
        align = paint.LEFT if hides else paint.RIGHT
        paint.text(painter, room, limit.name, size=_LABEL, tone="bad", weight=MEDIUM, align=align)

    def _draw_readout(self, painter: QPainter, plot: QRectF, top: float, index: int) -> None:
        moment, value = self._points[index]
        x = self._x(plot, moment)
        painter.setPen(QPen(colour("faint"), 1))
        painter.drawLine(QPointF(round(x) + 0.5, plot.top()), QPointF(round(x) + 0.5, plot.bottom()))
        head, below = (tr("not measured"), _local(moment, "%H:%M:%S")) if value is None else self._readout(moment, value)
        if value is not None:
            self._dot(painter, QPointF(x, plot.bottom() - plot.height() * value / top), tone_fill(self._tone))
        width = max(paint.advance(head, 12, SEMIBOLD), paint.advance(below, _LABEL)) + 20
        left = x + 12 if x + 12 + width < self.width() else x - 12 - width
        tag = QRectF(left, plot.top() + 2, width, 40)
        paint.box(painter, tag, 7, fill="raised", line="line2")
        paint.text(painter, QRectF(left + 10, tag.y() + 4, width, 16), head, size=12, weight=SEMIBOLD, elide=False)
        paint.text(painter, QRectF(left + 10, tag.y() + 20, width, 15), below, size=_LABEL, tone="muted", elide=False)

    def _dot(self, painter: QPainter, at: QPointF, token: str) -> None:
        painter.setPen(QPen(colour("surface"), 2))
        painter.setBrush(colour(token))
        painter.drawEllipse(at, 4.5, 4.5)

    def _show(self, index: int | None) -> None:
        if index != self._hover:
            self._hover = index
            self.update()

    def _say(self, value: float) -> str:
        shown = number(value, decimals=0 if self._whole or value >= _FEW * _FEW else 1)
        return f"{shown} {self._unit}".strip()

    def _plain_readout(self, moment: float, value: float) -> tuple[str, str]:
        return self._say(value), _local(moment, "%H:%M:%S")

    @staticmethod
    def _note(painter: QPainter, room: QRectF, words: str) -> None:
        width = paint.advance(words, 12) + 20
        plate = QRectF(room.center().x() - width / 2, room.center().y() - 12, width, 24)
        paint.box(painter, plate, 7, fill="surface")
        paint.text(painter, plate, words, size=12, tone="muted", align=paint.CENTRE)


class StepChart(LineChart):
    """A count over time, drawn in steps."""

    def __init__(self, *, name: str, unit: str = "", tone: str = "info", limit: Limit | None = None) -> None:
        super().__init__(name=name, unit=unit, tone=tone, step=True, limit=limit, whole=True)


def _local(moment: float, pattern: str) -> str:
    return datetime.fromtimestamp(moment, UTC).astimezone().strftime(pattern)
