"""A card of names with counts, each with a bar to compare them by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop.i18n import number, tr
from desktop.style import MEDIUM, colour, mix
from desktop.widgets import paint
from desktop.widgets.card import Card

_LINE: Final = 24
_NUMBER: Final = 34
_LABEL_SHARE: Final = 0.78


class CountBars(Card):
    """Shows as many lines as fit; what is left over is added up in the last."""

    def __init__(self, title: str, *, empty: str = "") -> None:
        super().__init__(title)
        self.lines = _Lines(title, empty or tr("nothing"))
        self.add((self.lines, 1))

    def set_counts(self, counts: Sequence[tuple[str, int]]) -> None:
        """Show ``counts``, the most first."""
        self.lines.set_counts(counts)


class _Lines(QWidget):
    def __init__(self, name: str, empty: str) -> None:
        super().__init__()
        self._name, self._empty = name, empty
        self.counts: tuple[tuple[str, int], ...] = ()
        self.setMinimumHeight(2 * _LINE)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def set_counts(self, counts: Sequence[tuple[str, int]]) -> None:
        merged: dict[str, int] = {}
        for name, count in counts:
            merged[name] = merged.get(name, 0) + count
        new = tuple(sorted(merged.items(), key=lambda pair: -pair[1]))
        if new != self.counts:
            self.counts = new
            said = ", ".join(f"{name} {count}" for name, count in new) or self._empty
            self.setAccessibleName(f"{self._name}: {said}")
            self.setToolTip("")
            self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        paint.begin(painter)
        if not self.counts:
            paint.text(painter, QRectF(0, 0, self.width(), _LINE), self._empty, size=12, tone="muted")
            return
        fitting = max(1, self.height() // _LINE)
        shown = list(self.counts[:fitting])
        if len(self.counts) > fitting:
            rest = self.counts[fitting - 1 :]
            shown[-1] = (tr("{n} others", n=number(len(rest))), sum(count for _, count in rest))
        most = max(count for _, count in shown)
        longest = max(paint.advance(name, 12) for name, _ in shown) + 10
        label = min(longest, (self.width() - _NUMBER) * _LABEL_SHARE)
        for place, (name, count) in enumerate(shown):
            self._line(painter, QRectF(0, place * _LINE, self.width(), _LINE), label, (name, count), most)

    def _line(self, painter: QPainter, room: QRectF, label: float, pair: tuple[str, int], most: int) -> None:
        name, count = pair
        paint.text(painter, QRectF(room.x(), room.y(), label - 8, room.height()), name, size=12)
        paint.text(painter, QRectF(label, room.y(), _NUMBER - 6, room.height()), number(count), size=12, weight=MEDIUM, align=paint.RIGHT)
        bar = QRectF(label + _NUMBER, room.center().y() - 3, room.width() - label - _NUMBER, 6)
        paint.box(painter, bar, 3, fill=mix("surface", "muted", 0.14))
        paint.box(painter, QRectF(bar.x(), bar.y(), max(4.0, bar.width() * count / most), 6), 3, fill=colour("accent"))
