"""Small figures: a bar, a bar of parts, and a sparkline."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter, QPainterPath, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop.i18n import tr
from desktop.style import colour, tone_fill
from desktop.widgets import paint
from desktop.widgets.label import plain_tip

_FEWEST = 2


class Bar(QWidget):
    """A bar filled to a share; None is unknown and hatched."""

    def __init__(self, share: float | None = None, *, name: str, tone: str = "info", height: int = 6) -> None:
        super().__init__()
        self._name, self._share, self._tone = name, share, tone
        self.setFixedHeight(height)
        self.setMinimumWidth(40)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.set_share(share, tone=tone)

    def set_share(self, share: float | None, *, tone: str = "info") -> None:
        """Fill to ``share`` (0 to 1)."""
        self._share, self._tone = share, tone
        said = tr("unknown") if share is None else f"{share:.0%}"
        self.setAccessibleName(f"{self._name}: {said}")
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw it."""
        painter = QPainter(self)
        paint.begin(painter)
        paint.bar(painter, QRectF(self.rect()), self._share, self._tone)


class PartsBar(QWidget):
    """A bar of coloured parts: (share, tone, words)."""

    def __init__(self, *, name: str, height: int = 6) -> None:
        super().__init__()
        self._name = name
        self._parts: Sequence[tuple[float, str, str]] = ()
        self.setFixedHeight(height)
        self.setMinimumWidth(40)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.set_parts(())

    def set_parts(self, parts: Sequence[tuple[float, str, str]]) -> None:
        """Show the parts from left to right; shares add up to at most 1."""
        self._parts = parts
        words = ", ".join(said for _, _, said in parts)
        self.setAccessibleName(f"{self._name}: {words}")
        self.setToolTip(plain_tip(words))
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw it."""
        painter = QPainter(self)
        paint.begin(painter)
        whole = QRectF(self.rect())
        outline = QPainterPath()
        outline.addRoundedRect(whole, whole.height() / 2, whole.height() / 2)
        painter.setClipPath(outline)
        painter.fillRect(whole, colour("line"))
        left = whole.x()
        for share, tone, _ in self._parts:
            width = whole.width() * share
            painter.fillRect(QRectF(left, whole.y(), max(0.0, width - 1), whole.height()), colour(tone_fill(tone)))
            left += width


class Sparkline(QWidget):
    """A tiny line without axes."""

    def __init__(self, values: Sequence[float] = (), *, name: str, tone: str = "info") -> None:
        super().__init__()
        self._name, self._tone = name, tone
        self._values: Sequence[float] = ()
        self.setMinimumSize(60, 24)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.set_values(values)

    def set_values(self, values: Sequence[float]) -> None:
        """Show ``values`` at equal distances."""
        self._values = values
        self.setAccessibleName(f"{self._name}: {values[-1]:g}" if values else f"{self._name}: {tr('no data yet')}")
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw it."""
        painter = QPainter(self)
        paint.begin(painter)
        room = QRectF(self.rect()).adjusted(1, 2, -3, -2)
        if len(self._values) < _FEWEST:
            paint.hatch(painter, QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5))
            return
        low, high = min(self._values), max(self._values)
        spread = (high - low) or 1.0
        step = room.width() / (len(self._values) - 1)
        points = [QPointF(room.x() + i * step, room.bottom() - (v - low) / spread * room.height()) for i, v in enumerate(self._values)]
        painter.setPen(QPen(colour(tone_fill(self._tone)), 1.5))
        painter.drawPolyline(QPolygonF(points))
        painter.setBrush(colour(tone_fill(self._tone)))
        painter.drawEllipse(points[-1], 2, 2)
