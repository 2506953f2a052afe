"""Tabs in one line, each with an optional count."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QTabBar

from desktop.style import MEDIUM, SEMIBOLD, colour, tone_background, tone_text
from desktop.widgets import paint

_GAP = 24
_HEIGHT = 38


class Tabs(QTabBar):
    """A painted tab bar of 38 px; ``chosen`` carries the key of the tab."""

    chosen = Signal(str)

    def __init__(self, tabs: Sequence[tuple[str, str]], *, name: str) -> None:
        super().__init__()
        self._keys = [key for key, _ in tabs]
        self._counts: dict[int, tuple[str, str]] = {}
        self.setAccessibleName(name)
        self.setDrawBase(False)
        self.setExpanding(False)
        self.setUsesScrollButtons(False)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setFixedHeight(_HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        for _, caption in tabs:
            self.addTab(caption.replace("&", "&&"))
        self.currentChanged.connect(self._announce)

    @property
    def current(self) -> str:
        """The key of the tab that is on."""
        return self._keys[self.currentIndex()]

    def choose(self, key: str) -> None:
        """Switch to ``key``; emits ``chosen`` if that is a change.

        Raises:
            ValueError: no such tab.
        """
        self.setCurrentIndex(self._keys.index(key))

    def set_count(self, key: str, count: str, *, tone: str = "none") -> None:
        """Show ``count`` beside a tab; empty removes it.

        Raises:
            ValueError: no such tab.
        """
        index = self._keys.index(key)
        if self._counts.get(index) != (count, tone):
            self._counts[index] = (count, tone)
            # Changing the text is how a tab bar is told to measure again.
            self.setTabText(index, self.tabText(index))
            self.updateGeometry()
            self.update()

    def tabSizeHint(self, index: int) -> QSize:
        """Return the room of one tab with its count and the gap after it."""
        return QSize(round(self._label_width(index) + self._count_width(index)) + _GAP, _HEIGHT)

    def minimumTabSizeHint(self, index: int) -> QSize:
        """Return the same: tabs do not shrink."""
        return self.tabSizeHint(index)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw words, counts, the line, and the mark below the current tab."""
        painter = QPainter(self)
        paint.begin(painter)
        painter.setPen(QPen(colour("line"), 1))
        painter.drawLine(QPointF(0, _HEIGHT - 0.5), QPointF(self.width(), _HEIGHT - 0.5))
        for index in range(self.count()):
            room = QRectF(self.tabRect(index))
            on = index == self.currentIndex()
            weight = SEMIBOLD if on else MEDIUM
            words = self.tabText(index).replace("&&", "&")
            paint.text(painter, room.adjusted(2, 0, 0, -4), words, tone="accent" if on else "muted", weight=weight, elide=False)
            count, tone = self._counts.get(index, ("", "none"))
            if count:
                width = self._count_width(index) - 7
                tag = QRectF(room.x() + self._label_width(index) + 5, _HEIGHT / 2 - 11, width, 18)
                paint.box(painter, tag, 9, fill=tone_background(tone))
                paint.text(painter, tag, count, size=11, weight=SEMIBOLD, tone=tone_text(tone), align=paint.CENTRE, elide=False)
            if on:
                mark = QRectF(room.x(), _HEIGHT - 2.5, room.width() - _GAP + 4, 2.5)
                paint.box(painter, mark, 1.2, fill="accent")
                if self.hasFocus():
                    paint.box(painter, room.adjusted(-2, 4, -_GAP + 8, -7), 6, line="accent", width=2)

    def _label_width(self, index: int) -> float:
        return paint.advance(self.tabText(index).replace("&&", "&"), 13, SEMIBOLD) + 2

    def _count_width(self, index: int) -> float:
        count = self._counts.get(index, ("", ""))[0]
        return max(20.0, paint.advance(count, 11, SEMIBOLD) + 12) + 7 if count else 0.0

    def _announce(self, index: int) -> None:
        self.chosen.emit(self._keys[index])
