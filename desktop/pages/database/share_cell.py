"""A cell of a percentage and its bar, with room for what is less than a tenth of one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

from desktop.pages.database.server_words import percent
from desktop.style import MEDIUM
from desktop.widgets import paint
from desktop.widgets.table import CellState, PaintCell

_LABEL: Final = 58.0


def share_cell(get: Callable[[Any], tuple[float | None, str]]) -> PaintCell:
    """Return a cell; ``get`` gives (share 0 to 1 or None for nothing to show, tone)."""

    def draw(painter: QPainter, rect: QRectF, row: Any, _state: CellState) -> None:
        share, tone = get(row)
        label = QRectF(rect.x(), rect.y(), _LABEL - 8, rect.height())
        paint.text(painter, label, percent(share), weight=MEDIUM, size=12, align=paint.RIGHT, tone="muted" if share is None else "text")
        if share is not None:
            paint.bar(painter, QRectF(rect.x() + _LABEL, rect.center().y() - 3, rect.width() - _LABEL, 6), share, tone)

    return draw
