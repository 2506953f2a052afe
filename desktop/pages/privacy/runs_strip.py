"""The runs of the last thirty days as bars: how long each took and how it ended; one of them can be chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from desktop.i18n import date_time, duration, number, tr
from desktop.pages.privacy.words import outcome_words, trigger_words
from desktop.style import MEDIUM, colour
from desktop.widgets import paint
from desktop.widgets.chart import nice_ticks
from desktop.widgets.label import plain_tip

MOST: Final = 60
HEIGHT: Final = 82
_AXIS: Final = 44
_ABOVE: Final = 14
_BELOW: Final = 20
_LABEL_ROOM: Final = 84
_NARROW_BAR: Final = 3.0
_WIDEST_BAR: Final = 24.0


@dataclass(frozen=True, slots=True)
class RunBar:
    """One run: ``outcome`` is pass, fail, refused or stopped, empty while it goes on; ``seconds`` is None where nobody knows."""

    id: int
    at: datetime
    seconds: float | None
    outcome: str
    leaks: int
    trigger: str


class RunsStrip(QWidget):
    """Bars from the oldest to the newest run; ``chosen`` carries the id of the run."""

    chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.bars: tuple[RunBar, ...] = ()
        self.current: int | None = None
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(HEIGHT)
        self.setAccessibleName(tr("Runs of the last 30 days"))

    def show_bars(self, bars: Sequence[RunBar], *, current: int | None) -> None:
        """Show the newest of ``bars`` (oldest first) and mark the run that the page shows."""
        self.bars, self.current = tuple(bars)[-MOST:], current
        chosen = self._bar_of(current)
        self.setAccessibleDescription(bar_words(chosen) if chosen else "")
        self.update()

    def sizeHint(self) -> QSize:
        """Return room for two months of daily runs."""
        return QSize(420, HEIGHT)

    def minimumSizeHint(self) -> QSize:
        """Return room for thin bars."""
        return QSize(260, HEIGHT)

    def room(self, place: int) -> QRectF:
        """Return where the bar of that place may stand, over the whole height."""
        left, step = _AXIS, self._step()
        return QRectF(left + place * step, _ABOVE, step, self.height() - _ABOVE - _BELOW)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the run under the mouse."""
        bar = self._under(event.position())
        if bar is not None and event.button() == Qt.MouseButton.LeftButton:
            self.chosen.emit(bar.id)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Point at bars."""
        over = self._under(event.position()) is not None
        self.setCursor(Qt.CursorShape.PointingHandCursor if over else Qt.CursorShape.ArrowCursor)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Go to the run before or after with the arrows."""
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        if step is None or not self.bars:
            super().keyPressEvent(event)
            return
        ids = [bar.id for bar in self.bars]
        at = ids.index(self.current) if self.current in ids else len(ids) - 1
        self.chosen.emit(ids[min(max(0, at + step), len(ids) - 1)])

    def event(self, event: QEvent) -> bool:
        """Say in a tool tip what a bar stands for."""
        if event.type() == QEvent.Type.ToolTip:
            bar = self._under(QPointF(event.pos()))  # type: ignore[attr-defined]  # a QHelpEvent, which the stub of event() does not say
            QToolTip.showText(event.globalPos(), plain_tip(bar_words(bar)) if bar else "", self)  # type: ignore[attr-defined]  # as above
            return True
        return super().event(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw axis, bars and days."""
        painter = QPainter(self)
        paint.begin(painter)
        if not self.bars:
            self._paint_nothing(painter)
            return
        ticks = nice_ticks(max((bar.seconds or 0.0 for bar in self.bars), default=1.0) or 1.0, count=2)
        self._paint_axis(painter, ticks)
        for place, bar in enumerate(self.bars):
            self._paint_bar(painter, place, bar, ticks[-1])
        self._paint_days(painter)
        if self.hasFocus():
            paint.box(painter, QRectF(self.rect()), 8, line="accent", width=2)

    def _paint_nothing(self, painter: QPainter) -> None:
        room = QRectF(self.rect()).adjusted(0.5, 4.5, -0.5, -4.5)
        paint.hatch(painter, room, 8)
        paint.box(painter, QRectF(room.center().x() - 70, room.center().y() - 12, 140, 24), 6, fill="surface")
        paint.text(painter, room, tr("No run has ended"), tone="muted", align=paint.CENTRE)

    def _paint_axis(self, painter: QPainter, ticks: Sequence[float]) -> None:
        floor, height = self.height() - _BELOW, self.height() - _ABOVE - _BELOW
        small = ticks[-1] < 10  # noqa: PLR2004  # below ten seconds a tenth may matter
        for tick in ticks:
            y = floor - height * tick / ticks[-1]
            painter.setPen(QPen(colour("grid" if tick else "line"), 1))
            painter.drawLine(QPointF(_AXIS, y), QPointF(self.width() - 2, y))
            decimals = 1 if small and tick != int(tick) else 0
            words = tr("{n} s", n=number(tick, decimals=decimals))
            paint.text(painter, QRectF(0, y - 8, _AXIS - 8, 16), words, size=11, tone="muted", align=paint.RIGHT)

    def _paint_bar(self, painter: QPainter, place: int, bar: RunBar, top: float) -> None:
        room = self.room(place)
        known = bar.seconds is not None and bar.outcome in {"pass", "fail", ""}
        height = max(3.0, room.height() * (bar.seconds or 0.0) / top) if known else room.height()
        gap = 1.5 if room.width() > 2 * _NARROW_BAR else 0.5
        rect = QRectF(room.x() + gap, room.bottom() - height, room.width() - 2 * gap, height)
        if bar.outcome == "fail":
            paint.box(painter, rect, 2, fill="bad_fill")
            paint.icon(painter, QPointF(rect.center().x() - 6, rect.top() - 14), "x", "bad", size=12)
        elif bar.outcome == "pass":
            paint.box(painter, rect, 2, fill=colour("ok", alpha=120))
        elif bar.outcome == "":
            paint.box(painter, rect, 2, fill="accent_bg", line="accent", width=1.2)
        else:
            paint.hatch(painter, rect, 2)
        if bar.id == self.current:
            paint.box(painter, QRectF(room.x() + 0.5, self.height() - _BELOW + 2, room.width() - 1, 3), 1.5, fill="accent")

    def _paint_days(self, painter: QPainter) -> None:
        line, free = self.height() - _BELOW + 5, float(_AXIS)
        for place, bar in enumerate(self.bars):
            at, day = self.room(place).x(), date_time(bar.at).split(" ")
            words = bar.at.astimezone().strftime("%H:%M") if len(self.bars) < 2 else " ".join(day)  # noqa: PLR2004  # one run has no span
            if at >= free and at + _LABEL_ROOM <= self.width() + _LABEL_ROOM / 3:
                paint.text(painter, QRectF(at, line, _LABEL_ROOM, 16), words, size=11, tone="muted", weight=MEDIUM)
                free = at + 1.6 * _LABEL_ROOM

    def _step(self) -> float:
        room = self.width() - _AXIS - 2
        return min(_WIDEST_BAR, room / max(1, len(self.bars)))

    def _under(self, at: QPointF) -> RunBar | None:
        place = int((at.x() - _AXIS) // self._step()) if at.x() >= _AXIS else -1
        return self.bars[place] if 0 <= place < len(self.bars) else None

    def _bar_of(self, run: int | None) -> RunBar | None:
        return next((bar for bar in self.bars if bar.id == run), None)


def bar_words(bar: RunBar) -> str:
    """Return one run in a line."""
    took = tr("duration not known") if bar.seconds is None else duration(bar.seconds)
    state = outcome_words(bar.outcome, leaks=bar.leaks)
    return tr(
        "Run {n}, {when}, {how}: {state}, {took}",
        n=number(bar.id),
        when=date_time(bar.at),
        how=trigger_words(bar.trigger),
        state=state,
        took=took,
    )
