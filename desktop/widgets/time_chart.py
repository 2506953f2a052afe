"""Several lines over the same time: named axes, hatched gaps, marks, and one readout for all lines."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop.i18n import number, tr
from desktop.style import MEDIUM, SEMIBOLD, colour, tone_fill
from desktop.widgets import paint
from desktop.widgets.chart import Limit, Point, nice_ticks

_LABEL: Final = 11
_LEGEND: Final = 20
_GAP_PX: Final = 5
_DAYS_S: Final = 36 * 3600
_LINE_PX: Final = 17
_STYLES: Final = (Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine, Qt.PenStyle.DotLine)


@dataclass(frozen=True, slots=True)
class Line:
    """One series; every line of a chart has its points at the same times. A value of None: nobody measured then."""

    name: str
    tone: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened at ``moment`` (epoch seconds)."""

    moment: float
    words: str


class TimeChart(QWidget):
    """Lines from 0 upwards; the first is solid, the second dashed, the third dotted, so that colour is not all that tells them apart.

    Args:
        name: accessible name.
        say: writes a value with its unit.
        limit: a dashed line with a name.
        top: the least upper end of the axis.
        whole: values are counts.
    """

    def __init__(
        self, *, name: str, say: Callable[[float], str] = number, limit: Limit | None = None, top: float = 0.0, whole: bool = False
    ) -> None:
        super().__init__()
        self._name, self._say, self._limit, self._top, self._whole = name, say, limit, top, whole
        self._lines: tuple[Line, ...] = ()
        self._marks: tuple[Mark, ...] = ()
        self._times: list[float] = []
        self._from, self._to = 0.0, 1.0
        self._hover: int | None = None
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(180, 120)
        self.set_lines((), start=0.0, end=1.0)

    def set_lines(self, lines: Sequence[Line], *, start: float, end: float, marks: Sequence[Mark] = ()) -> None:
        """Show ``lines`` on an axis from ``start`` to ``end`` (epoch seconds)."""
        self._lines, self._marks = tuple(lines), tuple(mark for mark in marks if start <= mark.moment <= end)
        self._from, self._to = start, max(end, start + 1.0)
        self._times = [moment for moment, _ in lines[0].points] if lines else []
        if self._hover is not None and self._hover >= len(self._times):
            self._hover = None
        said = [f"{line.name} {self._summary(line)}" for line in self._lines]
        said += [mark.words for mark in self._marks]
        self.setAccessibleName(f"{self._name}: {'; '.join(said) or tr('no data yet')}")
        self.update()

    @property
    def known(self) -> bool:
        """Whether anything was measured."""
        return any(value is not None for line in self._lines for _, value in line.points)

    @property
    def readout(self) -> tuple[str, ...]:
        """The words beside the pointer, the time first; empty without a pointer."""
        if self._hover is None:
            return ()
        values = [line.points[self._hover][1] for line in self._lines]
        said = [
            f"{line.name}  {self._say(value) if value is not None else tr('not measured')}"
            for line, value in zip(self._lines, values, strict=True)
        ]
        return (_local(self._times[self._hover], "%a %d, %H:%M" if self._days else "%H:%M:%S"), *said)

    def sizeHint(self) -> QSize:
        """Return a comfortable size."""
        return QSize(340, 190)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Read out the nearest moment."""
        plot = self._plot(self._ticks())
        moment = self._from + (event.position().x() - plot.left()) / max(1.0, plot.width()) * (self._to - self._from)
        at = bisect.bisect(self._times, moment)
        near = [index for index in (at - 1, at) if 0 <= index < len(self._times)]
        self._show(min(near, key=lambda index: abs(self._times[index] - moment)) if near else None)

    def leaveEvent(self, event: QEvent) -> None:
        """Take the readout away."""
        super().leaveEvent(event)
        self._show(None)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the readout with the arrow keys; Esc takes it away."""
        if event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right) and self._times:
            last = len(self._times) - 1
            step = -1 if event.key() == Qt.Key.Key_Left else 1
            self._show(last if self._hover is None else min(last, max(0, self._hover + step)))
        elif event.key() == Qt.Key.Key_Escape and self._hover is not None:
            self._show(None)
        else:
            super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw it."""
        painter = QPainter(self)
        paint.begin(painter)
        ticks = self._ticks()
        plot = self._plot(ticks)
        self._draw_axes(painter, plot, ticks)
        if not self.known:
            paint.hatch(painter, plot.adjusted(1, 1, -1, -1))
            self._plate(painter, plot, tr("no data yet"))
        else:
            for left, right in self._gaps(plot):
                paint.hatch(painter, QRectF(left, plot.top() + 1, right - left, plot.height() - 2), 3)
            for place, line in enumerate(self._lines):
                self._draw_line(painter, plot, ticks[-1], line, _STYLES[place % len(_STYLES)], shade=place == 0)
        self._draw_limit(painter, plot, ticks[-1])
        self._draw_marks(painter, plot)
        self._draw_legend(painter, plot)
        if self.hasFocus():
            paint.box(painter, QRectF(self.rect()), 6, line="accent", width=2)
        if self._hover is not None:
            self._draw_readout(painter, plot, ticks[-1], self._hover)

    # -- geometry

    @property
    def _days(self) -> bool:
        return self._to - self._from > _DAYS_S

    def _ticks(self) -> list[float]:
        highest = max((value for line in self._lines for _, value in line.points if value is not None), default=0.0)
        if self._top and highest <= self._top:
            # a share ends at 100 %, without air above it
            return nice_ticks(self._top)
        top = max(highest * 1.08, self._limit.value * 1.08 if self._limit else 0.0, 1.0 if self._whole else 0.0)
        ticks = nice_ticks(top, count=max(2, min(4, (self.height() - _LEGEND) // 40)))
        return [float(at) for at in range(len(ticks))] if self._whole and ticks[1] < 1 else ticks

    def _plot(self, ticks: Sequence[float]) -> QRectF:
        label = max(paint.advance(self._say(value), _LABEL) for value in ticks)
        return QRectF(self.rect()).adjusted(label + 10, _LEGEND + 14, -6, -20)

    def _x(self, plot: QRectF, moment: float) -> float:
        return plot.left() + plot.width() * (moment - self._from) / (self._to - self._from)

    def _gaps(self, plot: QRectF) -> list[tuple[float, float]]:
        """Return where nobody measured anything, in px, wide enough to be seen."""
        measured = [moment for place, moment in enumerate(self._times) if any(line.points[place][1] is not None for line in self._lines)]
        step = self._times[1] - self._times[0] if len(self._times) > 1 else self._to - self._from
        edges = [self._from - step, *measured, self._to + step]
        pairs = itertools.pairwise(edges)
        found = [(self._x(plot, max(a, self._from)), self._x(plot, min(b, self._to))) for a, b in pairs if b - a > 1.5 * step]
        return [(left, right) for left, right in found if right - left >= _GAP_PX]

    # -- drawing

    def _draw_axes(self, painter: QPainter, plot: QRectF, ticks: Sequence[float]) -> None:
        for value in ticks:
            y = round(plot.bottom() - plot.height() * value / ticks[-1]) + 0.5
            painter.setPen(QPen(colour("line" if value == 0 else "grid"), 1))
            painter.drawLine(QPointF(plot.left(), y), QPointF(plot.right(), y))
            room = QRectF(0, y - 8, plot.left() - 8, 16)
            paint.text(painter, room, self._say(value), size=_LABEL, tone="muted", align=paint.RIGHT, elide=False)
        count = max(1, min(4, int(plot.width() // 100)))
        for index in range(count + 1):
            moment = self._from + (self._to - self._from) * index / count
            x = self._x(plot, moment)
            align = paint.LEFT if index == 0 else paint.RIGHT if index == count else paint.CENTRE
            left = x if index == 0 else x - 80 if index == count else x - 40
            words = _local(moment, "%a %d" if self._days else "%H:%M")
            paint.text(painter, QRectF(left, plot.bottom() + 5, 80, 14), words, size=_LABEL, tone="muted", align=align, elide=False)

    def _draw_line(self, painter: QPainter, plot: QRectF, top: float, line: Line, style: Qt.PenStyle, *, shade: bool) -> None:
        ink = tone_fill(line.tone)
        pen = QPen(colour(ink), 1.6, style, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)
        for run in self._runs(plot, top, line):
            path = QPainterPath(run[0])
            for point in run[1:]:
                path.lineTo(point)
            if shade:
                area = QPainterPath(path)
                area.lineTo(run[-1].x(), plot.bottom())
                area.lineTo(run[0].x(), plot.bottom())
                painter.fillPath(area, colour(ink, alpha=36))
            painter.setPen(pen)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            if len(run) == 1:
                # a single reading between two gaps has no length
                self._dot(painter, run[0], ink, radius=2)
            else:
                painter.drawPath(path)

    def _runs(self, plot: QRectF, top: float, line: Line) -> list[list[QPointF]]:
        runs: list[list[QPointF]] = [[]]
        for moment, value in line.points:
            if value is None:
                runs.append([])
            else:
                runs[-1].append(QPointF(self._x(plot, moment), plot.bottom() - plot.height() * min(1.0, value / top)))
        return [run for run in runs if run]

    def _draw_limit(self, painter: QPainter, plot: QRectF, top: float) -> None:
        if self._limit is not None:
            y = round(plot.bottom() - plot.height() * self._limit.value / top) + 0.5
            painter.setPen(QPen(colour("bad"), 1, Qt.PenStyle.DashLine))
            painter.drawLine(QPointF(plot.left(), y), QPointF(plot.right(), y))
            room = QRectF(plot.left() + 4, y + 2, plot.width() - 8, 14)
            paint.text(painter, room, self._limit.name, size=_LABEL, tone="bad", weight=MEDIUM)

    def _draw_marks(self, painter: QPainter, plot: QRectF) -> None:
        for mark in self._marks:
            x = round(self._x(plot, mark.moment)) + 0.5
            painter.setPen(QPen(colour("warn"), 1.2, Qt.PenStyle.DashDotLine))
            painter.drawLine(QPointF(x, plot.top() - 2), QPointF(x, plot.bottom()))
            paint.icon(painter, QPointF(x - 6, plot.top() - 13), "rotate-ccw", "warn", size=12)

    def _draw_legend(self, painter: QPainter, plot: QRectF) -> None:
        left = plot.left()
        for place, line in enumerate(self._lines):
            now = f"{line.name}  {self._now(line)}"
            painter.setPen(QPen(colour(tone_fill(line.tone)), 2, _STYLES[place % len(_STYLES)]))
            painter.drawLine(QPointF(left, _LEGEND / 2), QPointF(left + 16, _LEGEND / 2))
            wide = paint.advance(now, 12) + 1
            paint.text(painter, QRectF(left + 21, 0, min(wide, self.width() - left - 21), _LEGEND), now, size=12, tone="muted")
            left += 21 + wide + 14

    def _draw_readout(self, painter: QPainter, plot: QRectF, top: float, index: int) -> None:
        x = self._x(plot, self._times[index])
        painter.setPen(QPen(colour("faint"), 1))
        painter.drawLine(QPointF(round(x) + 0.5, plot.top()), QPointF(round(x) + 0.5, plot.bottom()))
        for line in self._lines:
            value = line.points[index][1]
            if value is not None:
                self._dot(painter, QPointF(x, plot.bottom() - plot.height() * min(1.0, value / top)), tone_fill(line.tone))
        rows = [*self.readout, *(mark.words for mark in self._marks if abs(self._x(plot, mark.moment) - x) <= _GAP_PX)]
        width = max(paint.advance(words, 12, SEMIBOLD) for words in rows) + 20
        left = x + 12 if x + 12 + width < self.width() else max(0.0, x - 12 - width)
        tag = QRectF(left, plot.top() + 2, width, _LINE_PX * len(rows) + 8)
        paint.box(painter, tag, 7, fill="raised", line="line2")
        for place, words in enumerate(rows):
            room = QRectF(left + 10, tag.y() + 4 + _LINE_PX * place, width, _LINE_PX)
            paint.text(painter, room, words, size=12, tone="text" if place else "muted", weight=SEMIBOLD if place else MEDIUM, elide=False)

    @staticmethod
    def _dot(painter: QPainter, at: QPointF, token: str, *, radius: float = 4.0) -> None:
        painter.setPen(QPen(colour("surface"), 1.5))
        painter.setBrush(colour(token))
        painter.drawEllipse(at, radius, radius)

    @staticmethod
    def _plate(painter: QPainter, room: QRectF, words: str) -> None:
        width = paint.advance(words, 12) + 20
        plate = QRectF(room.center().x() - width / 2, room.center().y() - 12, width, 24)
        paint.box(painter, plate, 7, fill="surface")
        paint.text(painter, plate, words, size=12, tone="muted", align=paint.CENTRE)

    def _now(self, line: Line) -> str:
        last = next((value for _, value in reversed(line.points) if value is not None), None)
        return self._say(last) if last is not None else "–"

    def _summary(self, line: Line) -> str:
        known = [value for _, value in line.points if value is not None]
        if not known:
            return tr("no data yet")
        return tr("now {now}, highest {top}", now=self._say(known[-1]), top=self._say(max(known)))

    def _show(self, index: int | None) -> None:
        if index != self._hover:
            self._hover = index
            self.update()


def _local(moment: float, pattern: str) -> str:
    return datetime.fromtimestamp(moment, UTC).astimezone().strftime(pattern)
