"""The cards of the readiness page: beside each other where there is room, below each other where there is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QWidget

from desktop.pages.readiness.categories_card import CategoriesCard
from desktop.pages.readiness.checks_card import ChecksCard
from desktop.pages.readiness.gates_card import GatesCard
from desktop.pages.readiness.score_card import ScoreCard
from desktop.pages.readiness.sign_card import SignCard

if TYPE_CHECKING:
    from backend_core.monitoring.readiness.records import Report

BESIDE_FROM: Final = 1060
"""Below this width in px the cards stand under one another."""
_TOP_HIGH: Final = 242
_SCORE_WIDE: Final = 340
_SIGN_WIDE: Final = 252
_LEFT_WIDE: Final = 400
_CHECKS_LOW: Final = 420
_FREE: Final = 16_777_215


class Board(QWidget):
    """Shows one report."""

    def __init__(self) -> None:
        super().__init__()
        self.score, self.gates, self.sign = ScoreCard(), GatesCard(), SignCard()
        self.categories, self.checks = CategoriesCard(), ChecksCard()
        self._beside: bool | None = None
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(24, 0, 24, 20)
        self._grid.setSpacing(12)
        self._arrange(beside=True)

    def show_report(self, report: Report) -> None:
        """Show ``report`` on every card."""
        for card in (self.score, self.gates, self.sign, self.categories, self.checks):
            card.show_report(report)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Place the cards beside or below one another."""
        super().resizeEvent(event)
        self._arrange(beside=self.width() >= BESIDE_FROM)

    def _arrange(self, *, beside: bool) -> None:
        if beside == self._beside:
            return
        self._beside = beside
        while self._grid.takeAt(0) is not None:
            pass
        self.score.setMinimumHeight(_TOP_HIGH)
        self.sign.setMinimumHeight(_TOP_HIGH)
        self.gates.setMinimumHeight(_TOP_HIGH)
        self.checks.setMinimumHeight(_CHECKS_LOW)
        places = _BESIDE if beside else _BELOW
        cards = (self.score, self.gates, self.sign, self.categories, self.checks)
        for card, (line, place, span) in zip(cards, places, strict=True):
            self._grid.addWidget(card, line, place, 1, span)
        self.score.setMaximumWidth(_SCORE_WIDE if beside else _FREE)
        self.sign.setMaximumWidth(_SIGN_WIDE if beside else _FREE)
        self.categories.setMinimumWidth(_LEFT_WIDE if beside else 0)
        self.categories.setMaximumWidth(_LEFT_WIDE if beside else _FREE)
        for place in range(4):
            self._grid.setColumnMinimumWidth(place, 0)
            self._grid.setColumnStretch(place, (0, 0, 1, 0)[place] if beside else (1, 1, 0, 0)[place])
        for line in range(4):
            self._grid.setRowStretch(line, 1 if line == (1 if beside else 2) else 0)
        if beside:
            self._grid.setColumnMinimumWidth(0, _SCORE_WIDE)
            self._grid.setColumnMinimumWidth(1, _LEFT_WIDE - _SCORE_WIDE - 12)
            self._grid.setColumnMinimumWidth(3, _SIGN_WIDE)


# line, column, columns: the card of categories is wider than the one above it, so the gates begin in the column between
_BESIDE: Final = ((0, 0, 1), (0, 1, 2), (0, 3, 1), (1, 0, 2), (1, 2, 2))
_BELOW: Final = ((0, 0, 1), (1, 0, 2), (0, 1, 1), (3, 0, 2), (2, 0, 2))
