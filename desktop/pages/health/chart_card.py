"""One chart in a card."""

from __future__ import annotations

from typing import Final

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QWidget

from desktop.i18n import tr
from desktop.pages.health.history import PLANS, ChartPlan, History
from desktop.widgets.card import Card
from desktop.widgets.time_chart import TimeChart

HEIGHT: Final = 232
_THREE_FROM: Final = 1040
_GAP: Final = 16


class ChartCard(Card):
    """Title and chart of a plan."""

    def __init__(self, plan: ChartPlan) -> None:
        super().__init__(plan.title(), icon_name=plan.icon)
        self.plan = plan
        limit = plan.limit() if plan.limit is not None else None
        self.chart = TimeChart(name=plan.title(), say=plan.say, limit=limit, top=plan.top, whole=plan.whole)
        self.setFixedHeight(HEIGHT)
        self.add((self.chart, 1))


class Charts(QWidget):
    """Every chart, three beside each other where there is room and two where there is not."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName(tr("History"))
        self.cards = {plan.key: ChartCard(plan) for plan in PLANS}
        self._columns = 0
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(_GAP)
        self._place(3)

    def show_history(self, history: History) -> None:
        """Show what was read."""
        for key, card in self.cards.items():
            card.chart.set_lines(history.lines[key], start=history.start, end=history.end, marks=history.marks)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Change how many stand beside each other."""
        super().resizeEvent(event)
        self._place(3 if self.width() >= _THREE_FROM else 2)

    def _place(self, columns: int) -> None:
        if columns == self._columns:
            return
        self._columns = columns
        for place, card in enumerate(self.cards.values()):
            self._grid.addWidget(card, place // columns, place % columns)
        for number in range(3):
            self._grid.setColumnStretch(number, 1 if number < columns else 0)
