"""The pill beside a title while what somebody said is open: why, and that every read is on record."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop.i18n import number, tr
from desktop.style import MEDIUM
from desktop.widgets import paint
from desktop.widgets.label import plain_tip

_HEIGHT = 28
_LONGEST_REASON = 22


class AccessBadge(QWidget):
    """28 px; it says less where the window is narrow, and its tool tip holds the whole reason."""

    def __init__(self) -> None:
        super().__init__()
        self.words = ""
        self._shorter: tuple[str, ...] = ("",)
        self.setFixedHeight(_HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.hide()

    def show_access(self, reason: str, reads: int) -> None:
        """Say why it is open and how many reads that took so far."""
        self.words = opened_words(reason, reads)
        few = tr("1 read audited") if reads == 1 else tr("{n} reads audited", n=number(reads))
        self._shorter = (self.words, few, tr("{n} reads", n=number(reads)))
        self.setAccessibleName(self.words)
        self.setToolTip(plain_tip(tr("Opened because: {reason}. The audit log holds {n} reads.", reason=reason, n=number(reads))))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """Return the room of icon and words."""
        return QSize(round(paint.advance(self.words, 12, MEDIUM)) + 44, _HEIGHT)

    def minimumSizeHint(self) -> QSize:
        """Return room for icon and a few letters."""
        return QSize(100, _HEIGHT)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw it."""
        painter = QPainter(self)
        paint.begin(painter)
        paint.box(painter, QRectF(self.rect()), 7, fill="warn_bg")
        paint.icon(painter, QPointF(10, 7), "scroll-text", "warn", size=14)
        room = QRectF(self.rect()).adjusted(31, 0, -8, 0)
        fitting = (words for words in self._shorter if paint.advance(words, 12, MEDIUM) <= room.width() + 1)
        paint.text(painter, room, next(fitting, self._shorter[-1]), size=12, tone="warn", weight=MEDIUM)


def opened_words(reason: str, reads: int) -> str:
    """Return what the pill says; a long reason is cut."""
    short = reason if len(reason) <= _LONGEST_REASON else reason[: _LONGEST_REASON - 1].rstrip() + "…"
    if reads == 1:
        return tr("Opened for {reason}, 1 read audited", reason=short)
    return tr("Opened for {reason}, {n} reads audited", reason=short, n=number(reads))
