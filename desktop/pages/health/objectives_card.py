"""The objectives: what was promised, what was reached, what is left of the budget and how fast it goes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

from desktop.i18n import tr
from desktop.pages.health.words import (
    burn_words,
    counted_words,
    objective_state,
    share_words,
    target_words,
    value_words,
)
from desktop.style import MEDIUM
from desktop.widgets import paint
from desktop.widgets.badge import Badge
from desktop.widgets.card import Card
from desktop.widgets.cells import text_cell, two_line_cell
from desktop.widgets.label import PlainLabel
from desktop.widgets.states import EmptyState
from desktop.widgets.table import CellState, Column
from desktop.widgets.yielding_table import YieldingTable

if TYPE_CHECKING:
    from backend_core.monitoring.slo import Objective

ROW_HEIGHT: Final = 52
_PERCENT: Final = 46


class ObjectivesCard(Card):
    """A table of all objectives; the footer tells the whole reason of the chosen one."""

    def __init__(self) -> None:
        self.state = Badge()
        super().__init__(tr("Objectives"), icon_name="gauge", right=(self.state,), flush=True)
        empty = EmptyState("gauge", tr("No objectives yet"))
        self.table = YieldingTable(
            _columns(), name=tr("Objectives"), row_height=ROW_HEIGHT, key=lambda one: one.key, empty=empty, shown_from={"burn": 680}
        )
        self.reason = PlainLabel("", "small", wrap=True)
        self.add((self.table, 1))
        self.add_footer((self.reason, 1))
        self.table.selected.connect(self._explain)
        self._explain(None)

    def show_objectives(self, objectives: Sequence[Objective]) -> None:
        """Show them, in their own order."""
        self.table.set_rows(objectives)
        self._explain(self.table.current())
        missed = sum(1 for one in objectives if one.status == "bad")
        risky = sum(1 for one in objectives if one.status == "warn")
        unknown = sum(1 for one in objectives if one.status == "unknown")
        if missed or risky:
            words = tr("{n} missed", n=missed) if missed else tr("{n} at risk", n=risky)
            self.state.show_state(words, "bad" if missed else "warn")
        elif unknown == len(objectives):
            self.state.show_state(tr("nothing known yet"), unknown=True)
        else:
            self.state.show_state(tr("{n} met", n=len(objectives) - unknown), "ok")

    def _explain(self, one: Objective | None) -> None:
        words = tr("Burn: how many times faster than planned the budget goes, in the short and in the long window.")
        self.reason.setText(one.reason or words if one is not None else words)


def _columns() -> list[Column]:
    def about(one: Objective) -> str:
        return one.reason or counted_words(one)

    def state(one: Objective) -> str:
        return objective_state(one)[0]

    def burn(one: Objective) -> str:
        return tr("{short} / {long}", short=burn_words(one.burn_short), long=burn_words(one.burn_long))

    return [
        Column("title", tr("Objective"), lambda one: f"{one.title}, {about(one)}", two_line_cell(lambda one: one.title, about)),
        Column("value", tr("Reached, target"), lambda one: f"{value_words(one)}, {target_words(one)}", _paint_value, width=150),
        Column("budget", tr("Budget left"), _budget_words, _paint_budget, width=142),
        Column("burn", tr("Burn 1 h / 6 h"), burn, text_cell(burn), width=122),
        Column("state", tr("State"), state, _paint_state, width=96),
    ]


def _budget_words(one: Objective) -> str:
    return tr("unknown") if one.budget_left is None else share_words(max(0.0, one.budget_left), decimals=0)


def _paint_value(painter: QPainter, rect: QRectF, one: Any, _state: CellState) -> None:
    middle = rect.center().y()
    tone = "muted" if one.value is None else "text"
    paint.text(painter, QRectF(rect.x(), middle - 18, rect.width(), 18), value_words(one), tone=tone, weight=MEDIUM)
    paint.text(painter, QRectF(rect.x(), middle + 1, rect.width(), 17), target_words(one), tone="muted", size=12)


def _paint_budget(painter: QPainter, rect: QRectF, one: Any, _state: CellState) -> None:
    left = one.budget_left
    tone = objective_state(one)[1]
    words = QRectF(rect.x(), rect.y(), _PERCENT, rect.height())
    if left is not None:
        paint.text(painter, words, _budget_words(one), weight=MEDIUM, size=12, align=paint.RIGHT, elide=False)
    bar = QRectF(words.right() + 8, rect.center().y() - 3, rect.right() - words.right() - 8, 6)
    share = None if left is None else min(1.0, max(0.0, left))
    paint.bar(painter, bar if left is not None else bar.adjusted(-_PERCENT - 8, -2, 0, 2), share, "ok" if tone == "none" else tone)


def _paint_state(painter: QPainter, rect: QRectF, one: Any, state: CellState) -> None:
    words, tone = objective_state(one)
    if tone != "none":
        paint.pill(painter, rect.x(), rect.center().y(), words, tone, edge=state.selected)
        return
    width = paint.pill_width(words)
    pill = QRectF(rect.x(), rect.center().y() - paint.PILL_HEIGHT / 2, width, paint.PILL_HEIGHT)
    paint.hatch(painter, pill, pill.height() / 2)
    paint.box(painter, pill.adjusted(6, 2, -6, -2), pill.height() / 2 - 2, fill="surface")
    paint.text(painter, pill, words, size=12, tone="muted", align=paint.CENTRE, elide=False)
