"""Each rule in plain words: how much was tried, and whether it held."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter

from desktop.i18n import number, tr
from desktop.pages.privacy.words import case_words, probe_words
from desktop.style import MEDIUM
from desktop.widgets import paint
from desktop.widgets.card import Card
from desktop.widgets.label import PlainLabel
from desktop.widgets.layout import rule
from desktop.widgets.states import EmptyState
from desktop.widgets.table import CellState, Column, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from backend_core.privacy.records import CaseResult

ROW_HEIGHT: Final = 45
_INDENT: Final = 28


class CaseList(Card):
    """Failed cases come first; ``table.selected`` carries the chosen one."""

    def __init__(self) -> None:
        self.count = PlainLabel("", "small")
        super().__init__(tr("In plain words"), icon_name="list-checks", right=(self.count,), flush=True)
        self.empty = EmptyState("list-checks", tr("No case has run yet"))
        column = Column("case", tr("Case"), _said, _paint_case)
        self.table = Table([column], name=tr("Cases in plain words"), row_height=ROW_HEIGHT, key=lambda case: case.id, empty=self.empty)
        self.table.horizontalHeader().hide()
        self.table.setMinimumHeight(4 * ROW_HEIGHT)
        self.add(rule(), (self.table, 1))

    def show_cases(self, cases: Sequence[CaseResult]) -> None:
        """Show the cases of one run."""
        self.table.set_rows(sorted(cases, key=lambda case: case.ok))
        held = sum(case.ok for case in cases)
        self.count.setText(tr("{n} of {all} hold", n=number(held), all=number(len(cases))) if cases else "")


def _said(case: CaseResult) -> str:
    return f"{case.title}: {case_words(case)[0]}, {probe_words(case.probes)}"


def _paint_case(painter: QPainter, rect: QRectF, case: Any, state: CellState) -> None:
    words, tone = case_words(case)
    width = paint.advance(words, 12, MEDIUM)
    paint.icon(painter, QPointF(rect.x() + 3, rect.center().y() - 8), "circle-check" if case.ok else "circle-x", tone)
    room = rect.adjusted(_INDENT, 0, 0, 0)
    paint.text(painter, QRectF(room.x(), rect.center().y() - 18, room.width(), 18), case.title, weight=MEDIUM)
    below = QRectF(room.x(), rect.center().y(), room.width() - width - 12, 17)
    # muted on the selection's ground would be too faint
    paint.text(painter, below, probe_words(case.probes), size=12, tone="text" if state.selected else "muted")
    at = QRectF(room.right() - width - 2, rect.center().y(), width + 2, 17)
    paint.text(painter, at, words, size=12, tone=tone, weight=MEDIUM, align=paint.RIGHT, elide=False)
