"""Two painted lists of the evidence drawer: the sixteen answers of a cell, and how that cell fared in earlier runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from backend_core.privacy.contexts import OPERATIONS
from desktop.i18n import number, tr
from desktop.pages.privacy.words import world_words
from desktop.style import MEDIUM, NORMAL, SEMIBOLD, colour
from desktop.widgets import paint
from desktop.widgets.label import plain_tip

if TYPE_CHECKING:
    from backend_core.privacy.records import Cell

LINE: Final = 22
_HEAD: Final = 20
_ROWS_AT: Final = 70
_ROWS_WIDE: Final = 44


class Answers(QWidget):
    """One line per operation: whether it answered as it must, how many rows it got, and whether the two worlds looked the same."""

    def __init__(self) -> None:
        super().__init__()
        self._cells: Mapping[str, Cell] = {}
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(_HEAD + len(OPERATIONS) * LINE)

    def show_cells(self, cells: Sequence[Cell]) -> None:
        """Show the answers that are there."""
        self._cells = {cell.operation: cell for cell in cells}
        lines = (f"{tr(one.title)}: {_said(self._cells.get(one.code))}" for one in OPERATIONS)
        self.setAccessibleName(tr("Sixteen operations"))
        self.setAccessibleDescription("; ".join(lines))
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw headings and lines."""
        painter = QPainter(self)
        paint.begin(painter)
        wide = self.width()
        paint.text(painter, QRectF(0, 0, 160, 16), tr("16 OPERATIONS"), size=11, weight=SEMIBOLD, tone="muted")
        rows = QRectF(wide - _ROWS_AT - _ROWS_WIDE, 0, _ROWS_WIDE, 16)
        paint.text(painter, rows, tr("rows"), size=12, tone="muted", align=paint.RIGHT)
        paint.text(painter, QRectF(wide - 60, 0, 60, 16), tr("worlds"), size=12, tone="muted", align=paint.RIGHT)
        for number_, one in enumerate(OPERATIONS):
            self._paint_line(painter, QRectF(0, _HEAD + number_ * LINE, wide, LINE), tr(one.title), self._cells.get(one.code))

    def _paint_line(self, painter: QPainter, room: QRectF, title: str, cell: Cell | None) -> None:
        wrong = cell is not None and not cell.ok
        if wrong:
            paint.box(painter, room.adjusted(-6, 1, 6, -1), 5, fill="bad_bg")
        name, tone = ("circle-dashed", "muted") if cell is None else ("circle-x", "bad") if wrong else ("circle-check", "ok")
        paint.icon(painter, QPointF(0, room.center().y() - 7), name, tone, size=14)
        left = QRectF(24, room.y(), room.width() - _ROWS_AT - _ROWS_WIDE - 28, room.height())
        paint.text(painter, left, title, tone="muted" if cell is None else "text")
        if cell is None:
            return
        ink, weight = ("bad", MEDIUM) if wrong else ("muted", NORMAL)
        rows = QRectF(room.right() - _ROWS_AT - _ROWS_WIDE, room.y(), _ROWS_WIDE, room.height())
        paint.text(painter, rows, number(cell.rows), size=12, tone=ink, weight=weight, align=paint.RIGHT)
        worlds = QRectF(room.right() - 60, room.y(), 60, room.height())
        paint.text(painter, worlds, world_words(cell.worlds), size=12, tone=ink, weight=weight, align=paint.RIGHT)


class EarlierRuns(QWidget):
    """One mark per run, oldest first: held, did not, or nobody knows."""

    def __init__(self) -> None:
        super().__init__()
        self._marks: tuple[bool | None, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(14)

    def show_marks(self, marks: Sequence[bool | None]) -> None:
        """Show ``marks``."""
        self._marks = tuple(marks)
        held, known = sum(mark is True for mark in marks), sum(mark is not None for mark in marks)
        words = tr("held in {n} of {all} runs", n=held, all=known) if known else tr("no earlier run")
        self.setAccessibleName(tr("This cell: {words}", words=words))
        self.setToolTip(plain_tip(words))
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the marks, a notch where it did not hold."""
        painter = QPainter(self)
        paint.begin(painter)
        count = max(len(self._marks), 12)
        width = (self.width() - (count - 1) * 4) / count
        soft = colour("ok", alpha=130)
        for place, mark in enumerate(self._marks):
            rect = QRectF(place * (width + 4), 3, width, 9)
            if mark is None:
                paint.hatch(painter, rect, 3)
            elif mark:
                paint.box(painter, rect, 3, fill=soft)
            else:
                # taller, so that not only the colour tells
                paint.box(painter, rect.adjusted(0, -3, 0, 2), 3, fill="bad_fill")


def _said(cell: Cell | None) -> str:
    if cell is None:
        return tr("not tried")
    state = tr("as it must be") if cell.ok else tr("not as it must be")
    return tr("{state}, {n} rows, worlds {worlds}", state=state, n=number(cell.rows), worlds=world_words(cell.worlds))
