"""The loudness of a piece of audio as bars; a click, a drag or the arrow keys choose a place in it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop.i18n import clock, tr
from desktop.style import colour, mix
from desktop.widgets import paint

HEIGHT = 44
_PITCH = 4
_BAR = 2.4
_QUIETEST = 3.0
_TALLEST = 30.0
_FULL = 255
_CONTRAST = 1.6
_STEP_S = 5.0
_DOTS_APART = 6.0
_KEYS = {Qt.Key.Key_Left: -_STEP_S, Qt.Key.Key_Right: _STEP_S, Qt.Key.Key_PageUp: -6 * _STEP_S, Qt.Key.Key_PageDown: 6 * _STEP_S}


class Waveform(QWidget):
    """Bars of 4 px pitch; heard ones are coloured, dots below mark where sentences begin."""

    seek_wanted = Signal(float)
    """Seconds from the start."""

    def __init__(self, *, name: str) -> None:
        super().__init__()
        self._name = name
        self._peaks: Sequence[int] = ()
        self._dots: Sequence[float] = ()
        self._seconds = self._position = 0.0
        self._hover = -1.0
        self.setFixedHeight(HEIGHT)
        self.setMinimumWidth(80)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAccessibleName(name)

    def set_audio(self, peaks: Sequence[int], *, seconds: float, sentences: Sequence[float] = ()) -> None:
        """Show other audio: ``peaks`` of 0 to 255 in equal steps over ``seconds``, ``sentences`` as their starts in seconds."""
        self._peaks, self._seconds, self._dots = tuple(peaks), seconds, tuple(sentences)
        self._position = 0.0
        self._say()
        self.update()

    def set_position(self, seconds: float) -> None:
        """Mark what is heard now; repaints only when the mark moves by a pixel."""
        before = self._at(self._position)
        second_passed = int(seconds) != int(self._position)
        self._position = seconds
        if abs(self._at(seconds) - before) >= 1:
            self.update()
        if second_passed:
            self._say()

    def sizeHint(self) -> QSize:
        return QSize(400, HEIGHT)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move by 5 s with the arrows, by 30 s with the page keys."""
        if not self._seconds:
            super().keyPressEvent(event)
        elif event.key() in _KEYS:
            self._ask(self._position + _KEYS[Qt.Key(event.key())])
        elif event.key() in (Qt.Key.Key_Home, Qt.Key.Key_End):
            self._ask(0.0 if event.key() == Qt.Key.Key_Home else self._seconds)
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._ask(self._time_at(event.position().x()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hover = event.position().x()
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._ask(self._time_at(self._hover))
        elif self._seconds:
            self.setToolTip(clock(self._time_at(self._hover)))
        self.update()

    def leaveEvent(self, event: object) -> None:
        del event
        self._hover = -1.0
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        paint.begin(painter)
        middle = self.height() / 2 - 2
        if not self._peaks or not self._seconds:
            paint.box(painter, QRectF(0, middle - 1.5, self.width(), 3), 1.5, fill="line")
            return
        here = self._at(self._position)
        self._draw_bars(painter, middle, here)
        for dot in self._spread_dots():
            paint.box(painter, QRectF(dot - 1.5, self.height() - 4.5, 3, 3), 1.5, fill="accent" if dot <= here else "faint")
        painter.setPen(QPen(colour("accent"), 2))
        painter.drawLine(QPointF(here, 2), QPointF(here, self.height() - 8))
        painter.setPen(QPen(colour("surface"), 2))
        painter.setBrush(colour("accent"))
        painter.drawEllipse(QPointF(here, middle), 6, 6)
        if self.hasFocus():
            paint.box(painter, QRectF(self.rect()), 6, line="accent", width=2)

    def _draw_bars(self, painter: QPainter, middle: float, here: float) -> None:
        bars = max(1, int(self.width() // _PITCH))
        loudest = max(*self._peaks, 1) if len(self._peaks) > 1 else _FULL
        ahead = mix("line2", "faint", 0.45)
        for bar in range(bars):
            low = int(bar * len(self._peaks) / bars)
            high = max(low + 1, int((bar + 1) * len(self._peaks) / bars))
            height = _QUIETEST + (_TALLEST - _QUIETEST) * (max(self._peaks[low:high]) / loudest) ** _CONTRAST
            left = bar * _PITCH
            hue = colour("accent") if left <= here else mix("line2", "accent", 0.5) if left <= self._hover else ahead
            paint.box(painter, QRectF(left, middle - height / 2, _BAR, height), _BAR / 2, fill=hue)

    def _spread_dots(self) -> list[float]:
        """Return the places of the sentence dots, leaving out those too close to tell apart."""
        places: list[float] = []
        for start in self._dots:
            place = self._at(start)
            if not places or place - places[-1] >= _DOTS_APART:
                places.append(place)
        return places

    def _at(self, seconds: float) -> float:
        return self.width() * min(1.0, max(0.0, seconds / self._seconds)) if self._seconds else 0.0

    def _time_at(self, x: float) -> float:
        return self._seconds * min(1.0, max(0.0, x / max(1, self.width())))

    def _ask(self, seconds: float) -> None:
        if self._seconds:
            self.seek_wanted.emit(min(self._seconds, max(0.0, seconds)))

    def _say(self) -> None:
        self.setAccessibleDescription(tr("{now} of {all}", now=clock(self._position), all=clock(self._seconds)))
