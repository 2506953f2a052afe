"""Cell functions for ``Column.paint``: each factory takes functions of the row and returns what draws a cell."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter

from desktop.style import MEDIUM, NORMAL, tone_text
from desktop.widgets import paint
from desktop.widgets.table import CellState, PaintCell

Words = Callable[[Any], str]


def text_cell(
    get: Words, *, tone: str = "text", weight: int = NORMAL, right: bool = False, mono: bool = False, size: int = 13
) -> PaintCell:
    """Return a cell of one line."""

    def draw(painter: QPainter, rect: QRectF, row: Any, _state: CellState) -> None:
        side = paint.RIGHT if right else paint.LEFT
        paint.text(painter, rect, get(row), tone=tone, weight=weight, align=side, mono=mono, size=12 if mono else size)

    return draw


def two_line_cell(top: Words, bottom: Words, *, mono: bool = False, icon_name: Callable[[Any], str] | None = None) -> PaintCell:
    """Return a cell of a medium line over a muted one, with an icon before them if wanted."""

    def draw(painter: QPainter, rect: QRectF, row: Any, state: CellState) -> None:
        left = rect.x()
        if icon_name is not None:
            paint.icon(painter, QPointF(left, rect.center().y() - 8), icon_name(row))
            left += 26
        room = rect.right() - left
        paint.text(painter, QRectF(left, rect.center().y() - 18, room, 18), top(row), weight=MEDIUM, mono=mono, size=12 if mono else 13)
        tone = "text" if state.selected else "muted"
        paint.text(painter, QRectF(left, rect.center().y() + 1, room, 17), bottom(row), size=12, tone=tone)

    return draw


def badge_cell(get: Callable[[Any], tuple[str, str]], *, icon_name: Callable[[Any], str] | None = None) -> PaintCell:
    """Return a cell of one pill; ``get`` gives (words, tone), empty words draw nothing."""

    def draw(painter: QPainter, rect: QRectF, row: Any, state: CellState) -> None:
        words, tone = get(row)
        if words:
            name = icon_name(row) if icon_name is not None else ""
            paint.pill(painter, rect.x(), rect.center().y(), words, tone, icon_name=name, edge=state.selected or tone == "none")

    return draw


def state_cell(get: Callable[[Any], tuple[str, str, str]]) -> PaintCell:
    """Return a cell of an icon and coloured words; ``get`` gives (icon, words, tone)."""

    def draw(painter: QPainter, rect: QRectF, row: Any, _state: CellState) -> None:
        name, words, tone = get(row)
        ink = tone_text(tone)
        paint.icon(painter, QPointF(rect.x(), rect.center().y() - 7), name, ink, size=14)
        paint.text(painter, rect.adjusted(20, 0, 0, 0), words, tone=ink, weight=NORMAL if tone == "none" else MEDIUM)

    return draw


def bar_cell(get: Callable[[Any], tuple[float | None, str, str]]) -> PaintCell:
    """Return a cell of a number and a bar; ``get`` gives (share 0-1 or None for unknown, words, tone)."""

    def draw(painter: QPainter, rect: QRectF, row: Any, _state: CellState) -> None:
        share, words, tone = get(row)
        label = min(44.0, rect.width() / 3)
        paint.text(painter, QRectF(rect.x(), rect.y(), label - 8, rect.height()), words, weight=MEDIUM, align=paint.RIGHT)
        paint.bar(painter, QRectF(rect.x() + label, rect.center().y() - 3, rect.width() - label, 6), share, tone)

    return draw


def progress_cell(get: Callable[[Any], tuple[str, str, str, float | None]]) -> PaintCell:
    """Return a cell of an icon and words over a thin bar; ``get`` gives (icon, words, tone, share or None for no bar)."""
    words = state_cell(lambda row: get(row)[:3])

    def draw(painter: QPainter, rect: QRectF, row: Any, state: CellState) -> None:
        share, tone = get(row)[3], get(row)[2]
        if share is None:
            words(painter, rect, row, state)
            return
        words(painter, rect.adjusted(0, -10, 0, -10), row, state)
        percent = QRectF(rect.x(), rect.y() - 10, rect.width(), rect.height())
        paint.text(painter, percent, f"{share:.0%}".replace("%", "\u202f%"), size=12, tone="muted", align=paint.RIGHT)
        paint.bar(painter, QRectF(rect.x(), rect.center().y() + 8, rect.width(), 4), share, tone)

    return draw
