"""Cells of the table of indexes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

from desktop.i18n import tr
from desktop.pages.database import index_lines as lines
from desktop.widgets import cells, paint
from desktop.widgets.table import Column

if TYPE_CHECKING:
    from desktop.pages.database.index_lines import Line
    from desktop.widgets.table import CellState


def columns() -> tuple[Column, ...]:
    """Return the columns of the table of indexes."""
    used = cells.text_cell(lines.used_words, tone="muted", right=True)
    size = cells.text_cell(lines.size_words, right=True)
    name = cells.two_line_cell(_name, _below, mono=True)
    return (
        Column("table", tr("Table"), _table_words, draw_table, width=124, sortable=True),
        Column("index", tr("Index"), lambda line: f"{line.name} {line.below}", name, sortable=True),
        Column("scans", tr("Scans"), lines.scans_words, draw_scans, width=88, right=True, sortable=True),
        Column("used", tr("Last used"), lines.used_words, used, width=84, right=True, sortable=True),
        Column("size", tr("Size"), lines.size_words, size, width=88, right=True, sortable=True),
        Column("verdict", tr("Verdict"), _verdict_words, draw_verdict, sortable=True),
    )


def draw_table(painter: QPainter, rect: QRectF, line: Line, _state: CellState) -> None:
    """Draw the table, and below it that somebody holds it."""
    if not line.locked:
        paint.text(painter, rect, line.table)
        return
    middle = rect.center().y()
    paint.text(painter, QRectF(rect.x(), middle - 18, rect.width(), 18), line.table)
    paint.text(painter, QRectF(rect.x(), middle + 1, rect.width(), 17), tr("locked"), size=12, tone="warn")


def draw_scans(painter: QPainter, rect: QRectF, line: Line, _state: CellState) -> None:
    """Draw how often it was used; never is said quietly."""
    paint.text(painter, rect, lines.scans_words(line), tone="text" if line.scans else "muted", align=paint.RIGHT)


def draw_verdict(painter: QPainter, rect: QRectF, line: Line, state: CellState) -> None:
    """Draw the verdict over its reason."""
    middle = rect.center().y()
    verdict_pill(painter, rect.x(), middle - 10, line, selected=state.selected)
    tone = "text" if state.selected else "muted"
    paint.text(painter, QRectF(rect.x() + 1, middle + 2, rect.width(), 16), line.reason, size=12, tone=tone)


def verdict_pill(painter: QPainter, left: float, middle: float, line: Line, *, selected: bool = False) -> float:
    """Draw the pill of a verdict and return its width; one that says that nobody knows is hatched."""
    said, tone, icon = lines.verdict_words(line.verdict), lines.VERDICTS[line.verdict][1], lines.verdict_icon(line)
    if line.verdict in lines.HATCHED:
        return paint.unknown_pill(painter, left, middle, said, icon_name=icon, ground="sel" if selected else "surface")
    return paint.pill(painter, left, middle, said, tone, icon_name=icon, edge=selected)


def _name(line: Line) -> str:
    return line.name


def _below(line: Line) -> str:
    return line.below


def _table_words(line: Line) -> str:
    return tr("{table}, locked", table=line.table) if line.locked else line.table


def _verdict_words(line: Line) -> str:
    return f"{lines.verdict_words(line.verdict)}: {line.reason}"
