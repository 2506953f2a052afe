"""How ready this installation is: the score, its coverage, and the eight categories beside their targets."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from PySide6.QtWidgets import QGridLayout

from desktop.i18n import number, tr
from desktop.pages.overview.live_card import LiveCard
from desktop.widgets.bars import Bar
from desktop.widgets.button import Button
from desktop.widgets.label import ElidedLabel, PlainLabel
from desktop.widgets.layout import clear_layout, column, row

if TYPE_CHECKING:
    from backend_core.monitoring.readiness.records import Category, Report

_TONES: Final = {"met": "ok", "below": "warn", "unknown": "none"}
_COLUMNS: Final = 2


class ReadinessCard(LiveCard):
    """Score and categories; what nobody measured is hatched, never a nought."""

    def __init__(self, *, on_open: Callable[[], object]) -> None:
        super().__init__(tr("Readiness"), icon_name="badge-check")
        self.score = PlainLabel("", "big")
        self.score.setFixedHeight(32)
        self.of = PlainLabel("", "muted")
        self.coverage = PlainLabel("", "small")
        self._grid = QGridLayout()
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(16)
        self._grid.setVerticalSpacing(7)
        link = Button(tr("Checks"), "link", name=tr("Open the readiness page"), on_click=on_open)
        self.add(row(self.score, self.of, None, self.coverage, gap=6), self._grid, None, row(None, link))
        self.show_words(tr("not measured yet"), unknown=True)

    def show_report(self, report: Report) -> None:
        """Show ``report``."""
        known = report.score is not None
        self.score.setVisible(known)
        self.score.setText(number(round(report.score)) if report.score is not None else "")
        self.of.setText(tr("of 100") if known else tr("no check was run yet"))
        self.coverage.setText(tr("{known} of {total} known", known=report.known, total=report.total))
        clear_layout(self._grid)
        for place, category in enumerate(report.categories):
            self._grid.addLayout(_line(category), place // _COLUMNS, place % _COLUMNS)
        self.show_words(*_verdict(report))


def _line(category: Category) -> QGridLayout:
    value = number(round(category.score)) if category.score is not None else "?"
    share = category.score / 100 if category.score is not None else None
    lane = QGridLayout()
    lane.setContentsMargins(0, 0, 0, 0)
    bar = Bar(share, name=tr("{name}, target {n}", name=category.name, n=category.target), tone=_TONES[category.status], height=4)
    lane.addLayout(column(row((ElidedLabel(category.name, size=12), 1), PlainLabel(value, "small"), gap=6), bar, gap=3), 0, 0)
    return lane


def _verdict(report: Report) -> tuple[str, str]:
    if report.gates_failed:
        count = len(report.gates_failed)
        return (tr("1 gate fails") if count == 1 else tr("{n} gates fail", n=count)), "bad"
    if report.status == "unknown":
        return tr("not all gates known"), "none"
    return (tr("gates passed"), "ok") if report.status == "ready" else (tr("not ready"), "warn")
