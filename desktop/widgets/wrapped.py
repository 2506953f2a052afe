"""Several lines of plain text for painted rows: words stay whole where they fit, and longer ones are broken."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QPointF, QSizeF
from PySide6.QtGui import QPainter, QTextLayout, QTextOption

from desktop.style import NORMAL, colour, font

_KEPT = 512


@lru_cache(maxsize=_KEPT)
def laid_out(text: str, width: int, *, size: int = 13, weight: int = NORMAL) -> tuple[QTextLayout, QSizeF]:
    """Return the lines of ``text`` in ``width`` px, and the room they take."""
    # Only this character breaks a line inside one layout.
    layout = QTextLayout(text.replace("\r\n", "\n").replace("\n", "\u2028"), font(size, weight))
    option = QTextOption()
    option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
    layout.setTextOption(option)
    layout.setCacheEnabled(True)
    layout.beginLayout()
    height = widest = 0.0
    while (line := layout.createLine()).isValid():
        line.setLineWidth(width)
        line.setPosition(QPointF(0, height))
        height += line.height()
        widest = max(widest, line.naturalTextWidth())
    layout.endLayout()
    return layout, QSizeF(widest, height)


def text_size(text: str, width: float, *, size: int = 13, weight: int = NORMAL) -> QSizeF:
    """Return the room ``text`` takes when it may be ``width`` px wide."""
    return laid_out(text, max(1, int(width)), size=size, weight=weight)[1]


def draw_text(painter: QPainter, at: QPointF, text: str, width: float, *, tone: str = "text", size: int = 13, weight: int = NORMAL) -> None:
    """Draw ``text`` with its top left corner ``at``."""
    painter.setPen(colour(tone))
    laid_out(text, max(1, int(width)), size=size, weight=weight)[0].draw(painter, at)
