"""A histogram whose percentiles stand on it as flags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop.i18n import number, short_number, tr
from desktop.style import MEDIUM, SEMIBOLD, colour, tone_fill
from desktop.widgets import paint
from desktop.widgets.chart import nice_ticks

_FLAG_HEIGHT = 20.0
_SMALL = 10
_SECOND_MS = 1000


class Histogram(QWidget):
    """Counts per bucket.

    Args:
        name: accessible name.
        unit: of the bounds and flags.
        warn: buckets that start at or above this bound are drawn as a warning.
        bad: and these as bad.
    """

    def __init__(self, *, name: str, unit: str = "ms", warn: float | None = None, bad: float | None = None) -> None:
        super().__init__()
        self._name, self._unit, self._warn, self._bad = name, unit, warn, bad
        self._bounds: list[float] = []
        self._counts: list[int] = []
        self._flags: dict[str, float] = {}
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(240, 120)
        self.set_buckets([], [], {})

    def set_buckets(self, bounds: Sequence[float], counts: Sequence[int], flags: Mapping[str, float]) -> None:
        """Show ``counts`` by rising upper ``bounds`` (one more count than bounds is the overflow) and ``flags`` such as p95."""
        self._bounds, self._counts, self._flags = list(bounds), list(counts), dict(flags)
        said = ", ".join(f"{label} {self._value(value)}" for label, value in flags.items())
        self.setAccessibleName(f"{self._name}: {said or tr('no data yet')}")
        self.update()

    def sizeHint(self) -> QSize:
        """Return a comfortable size."""
        return QSize(420, 180)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw grid, bars, bounds and flags."""
        painter = QPainter(self)
        paint.begin(painter)
        if not any(self._counts):
            whole = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
            paint.hatch(painter, whole, 8)
            words = tr("No data yet")
            width = paint.advance(words, 12) + 20
            plate = QRectF(whole.center().x() - width / 2, whole.center().y() - 12, width, 24)
            paint.box(painter, plate, 7, fill="surface")
            paint.text(painter, plate, words, size=12, tone="muted", align=paint.CENTRE)
            return
        ticks = nice_ticks(float(max(self._counts)), count=2)
        label = max(paint.advance(short_number(tick), 11) for tick in ticks)
        plot = QRectF(self.rect()).adjusted(label + 10, _FLAG_HEIGHT + 6, -2, -20)
        self._draw_grid(painter, plot, ticks)
        self._draw_bars(painter, plot, ticks[-1])
        self._draw_flags(painter, plot)

    def _draw_grid(self, painter: QPainter, plot: QRectF, ticks: list[float]) -> None:
        for tick in ticks:
            y = round(plot.bottom() - plot.height() * tick / ticks[-1]) + 0.5
            painter.setPen(QPen(colour("line" if tick == 0 else "grid"), 1))
            painter.drawLine(QPointF(plot.left(), y), QPointF(plot.right(), y))
            room = QRectF(0, y - 8, plot.left() - 8, 16)
            paint.text(painter, room, short_number(tick), size=11, tone="muted", align=paint.RIGHT, elide=False)

    def _draw_bars(self, painter: QPainter, plot: QRectF, top: float) -> None:
        pitch = plot.width() / len(self._counts)
        every = 1 if pitch >= 30 else 2 if pitch >= 16 else 4  # noqa: PLR2004 - room a bound needs
        for index, count in enumerate(self._counts):
            left = plot.left() + index * pitch
            start = self._bounds[index - 1] if index else 0.0
            height = max(2.0, plot.height() * count / top) if count else 0.0
            bar = QRectF(left + 1.5, plot.bottom() - height, pitch - 3, height)
            paint.box(painter, bar, min(3.0, height / 2), fill=colour(tone_fill(self._tone(start)), alpha=210))
            if index < len(self._bounds) and index % every == 0:
                room = QRectF(left + pitch - 30, plot.bottom() + 4, 60, 14)
                if room.right() <= self.width() + 24:
                    shown = _bound(self._bounds[index], self._unit)
                    paint.text(painter, room, shown, size=11, tone="muted", align=paint.CENTRE, elide=False)

    def _draw_flags(self, painter: QPainter, plot: QRectF) -> None:
        taken = -1e9
        ordered = sorted(self._flags.items(), key=lambda flag: flag[1])
        widths = [paint.advance(f"{name}  {self._value(value)}", 11, SEMIBOLD) + 14 for name, value in ordered]
        for index, (name, value) in enumerate(ordered):
            x, width = self._x(plot, value), widths[index]
            rest = sum(widths[index + 1 :]) + 4 * (len(widths) - index - 1)
            left = min(max(x - width / 2, taken + 4, plot.left()), self.width() - 1 - width - rest)
            painter.setPen(QPen(colour("text"), 1, Qt.PenStyle.DashLine))
            painter.drawLine(QPointF(round(x) + 0.5, _FLAG_HEIGHT), QPointF(round(x) + 0.5, plot.bottom()))
            flag = QRectF(left, 0, width, _FLAG_HEIGHT)
            paint.box(painter, flag, 5, fill="raised", line="line2")
            used = paint.advance(name + " ", 11, MEDIUM)
            paint.text(painter, flag.adjusted(7, 0, 0, 0), name, size=11, tone="muted", weight=MEDIUM, elide=False)
            paint.text(painter, flag.adjusted(7 + used, 0, 0, 0), self._value(value), size=11, weight=SEMIBOLD, elide=False)
            taken = left + width

    def _x(self, plot: QRectF, value: float) -> float:
        pitch = plot.width() / len(self._counts)
        low = 0.0
        for index, bound in enumerate(self._bounds):
            if value <= bound:
                return plot.left() + pitch * (index + (value - low) / (bound - low))
            low = bound
        return plot.right() - pitch / 2

    def _tone(self, start: float) -> str:
        if self._bad is not None and start >= self._bad:
            return "bad"
        return "warn" if self._warn is not None and start >= self._warn else "info"

    def _value(self, value: float) -> str:
        return f"{number(value, decimals=1 if value < _SMALL * _SMALL else 0)} {self._unit}"


def _bound(value: float, unit: str) -> str:
    """Return a bound as the axis shows it: seconds where milliseconds would be too long to read."""
    if unit == tr("ms") and value >= _SECOND_MS:
        return tr("{n} s", n=f"{value / _SECOND_MS:g}")
    return f"{value:g}"
