"""The event between its neighbours in the chain of its writer; a click moves to one of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QVBoxLayout, QWidget

from desktop.i18n import number, tr
from desktop.style import NORMAL, SEMIBOLD, colour
from desktop.widgets import paint
from desktop.widgets.layout import clear_layout

if TYPE_CHECKING:
    from backend_core.audit.rows import AuditRow

_HEIGHT: Final = 28
_DOT: Final = 8.0
_SHOWN_DIGITS: Final = 12


def short_hash(digits: str) -> str:
    """Return the two ends of a hash in groups of four.

    >>> short_hash("9f3a12c8" + "0" * 52 + "77e0")
    '9f3a 12c8 … 77e0'
    """
    return f"{digits[:4]} {digits[4:8]} … {digits[-4:]}" if len(digits) > _SHOWN_DIGITS else digits


class _Link(QAbstractButton):
    def __init__(self, row: AuditRow, *, here: bool, first: bool, last: bool) -> None:
        super().__init__()
        self._row, self._here, self._first, self._last = row, here, first, last
        self.setFixedHeight(_HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus if here else Qt.FocusPolicy.TabFocus)
        self.setMouseTracking(True)
        words = tr("this event") if here else row.action
        self.setAccessibleName(tr("Event {n} of this writer: {words}", n=row.wseq or 0, words=words))
        if not here:
            self.setCursor(Qt.CursorShape.PointingHandCursor)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        paint.begin(painter)
        self._paint_dot(painter)
        tone = "accent" if self._here else "text"
        lit = self._here or self.underMouse() or self.hasFocus()
        ground = QRectF(22, 1, self.width() - 22, _HEIGHT - 2)
        if lit:
            line = "accent" if self.hasFocus() else None
            paint.box(painter, ground, 7, fill="accent_bg" if self._here else "hover", line=line)
        words = tr("this event") if self._here else self._row.action
        digits = short_hash(self._row.leaf) if self._row.leaf else tr("not chained yet")
        side = paint.advance(digits, 12, mono=True)
        count = number(self._row.wseq) if self._row.wseq is not None else "–"
        left = 32 + max(34.0, paint.advance(count, 12, SEMIBOLD, mono=True) + 10)
        paint.text(painter, QRectF(32, 0, left - 32, _HEIGHT), count, size=12, tone=tone, weight=SEMIBOLD, mono=True, elide=False)
        room = self.width() - left - side - 20
        paint.text(painter, QRectF(left, 0, room, _HEIGHT), words, tone=tone, weight=SEMIBOLD if self._here else NORMAL)
        ink = "accent" if self._here else "muted"
        paint.text(painter, QRectF(self.width() - side - 12, 0, side + 4, _HEIGHT), digits, size=12, tone=ink, mono=True, elide=False)

    def _paint_dot(self, painter: QPainter) -> None:
        middle = _HEIGHT / 2
        painter.setPen(QPen(colour("line2"), 1.5))
        if not self._first:
            painter.drawLine(QPointF(_DOT, 0), QPointF(_DOT, middle))
        if not self._last:
            painter.drawLine(QPointF(_DOT, middle), QPointF(_DOT, _HEIGHT))
        sealed = self._row.position is not None
        fill = "accent" if self._here else "ok" if sealed else "surface"
        painter.setPen(QPen(colour("surface" if sealed or self._here else "muted"), 3 if sealed or self._here else 1.5))
        painter.setBrush(colour(fill))
        size = 6.0 if sealed or self._here else 4.0
        painter.drawEllipse(QPointF(_DOT, middle), size, size)


class ChainView(QWidget):
    """Up to three links below each other."""

    wanted = Signal(int)
    """The id of the neighbour that was clicked."""

    def __init__(self) -> None:
        super().__init__()
        self._lane = QVBoxLayout(self)
        self._lane.setContentsMargins(0, 0, 0, 0)
        self._lane.setSpacing(0)
        self.links: list[QAbstractButton] = []

    def show_rows(self, rows: Sequence[AuditRow], *, here: int) -> None:
        """Show ``rows`` in the order they were written; ``here`` is the id of the one in the drawer."""
        clear_layout(self._lane)
        self.links = []
        for place, row in enumerate(rows):
            link = _Link(row, here=row.id == here, first=place == 0, last=place == len(rows) - 1)
            if row.id != here:
                link.clicked.connect(lambda _checked=False, wanted=row.id: self.wanted.emit(wanted))
            self._lane.addWidget(link)
            self.links.append(link)
