"""Every check with its value, threshold, age and where to look further; worst first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QMouseEvent

from desktop.i18n import number, tr
from desktop.pages.readiness import painting, words
from desktop.widgets import cells
from desktop.widgets.card import Card
from desktop.widgets.chips import FilterChip
from desktop.widgets.count_chips import CountChips
from desktop.widgets.label import PlainLabel
from desktop.widgets.layout import holder, row
from desktop.widgets.states import EmptyState
from desktop.widgets.table import Column, Table

if TYPE_CHECKING:
    from backend_core.monitoring.readiness.records import CheckResult, Report

ROW_HIGH: Final = 42
LINK: Final = "evidence"
_ALL: Final = "all"


class ChecksCard(Card):
    """``selected`` carries the check to explain or None, ``linked`` the one whose page is wanted, ``category_left`` that all are wanted."""

    selected = Signal(object)
    linked = Signal(object)
    category_left = Signal()

    def __init__(self) -> None:
        choices = ((_ALL, tr("All")), *((status, words.name_of(status)) for status in words.ORDER))
        self.chips = CountChips(choices, name=tr("Status"))
        self._only_lane = row(gap=0)
        super().__init__(tr("Checks"), icon_name="list-checks", right=(holder(self._only_lane), self.chips), flush=True)
        header = self.title.parentWidget()
        lane = header.layout() if header is not None else None
        if lane is not None:
            # the chips are higher than a title
            lane.setContentsMargins(15, 8, 15, 7)
        self.category = ""
        self._report: Report | None = None
        self.empty = EmptyState("list-checks", tr("No check is declared"))
        self.table = _CheckTable(_columns(), name=tr("Checks"), row_height=ROW_HIGH, key=lambda check: check.id, empty=self.empty)
        self.shown_count = PlainLabel("", "small")
        self.only: FilterChip | None = None
        self.add((self.table, 1))
        self.add_footer(self.shown_count, None, PlainLabel(tr("Unknown and stale never count as pass"), "small"))
        self.chips.chosen.connect(lambda _key: self._show_rows())
        self.table.selected.connect(self.selected)
        self.table.opened.connect(self.selected)
        self.table.cell_clicked.connect(self._click)

    def show_report(self, report: Report) -> None:
        """Show the checks of ``report`` as the filter has it."""
        self._report = report
        if self.category and self.only is None:
            # chosen before anything could be read
            self._show_chip()
        self._show_rows()

    def show_category(self, key: str) -> None:
        """Narrow to one category; empty for all."""
        self.category = key
        self._show_chip()
        self._show_rows()

    def show_status(self, status: str) -> None:
        """Narrow to one status; ``all`` for every one."""
        self.chips.choose(status)
        self._show_rows()

    def _show_rows(self) -> None:
        if self._report is None:
            return
        inside = [check for check in self._report.checks if self.category in {"", check.category}]
        found = words.counts(inside)
        self.chips.set_counts({_ALL: number(len(inside)), **{status: number(count) for status, count in found.items()}})
        wanted = self.chips.current
        rows = words.worst_first(check for check in inside if wanted in {_ALL, check.status})
        self.table.set_rows(rows)
        if self._report.checks:
            self.empty.set_words(tr("No check of this kind"), detail=tr("Choose another status or category."))
        total = number(len(self._report.checks))
        self.shown_count.setText(tr("{n} of {all} shown, worst first", n=number(len(rows)), all=total))

    def _show_chip(self) -> None:
        if self.only is not None:
            self.only.hide()
            self.only.deleteLater()
            self.only = None
        name = next((one.name for one in self._report.categories if one.key == self.category), "") if self._report is not None else ""
        if name:
            self.only = FilterChip(name)
            self.only.removed.connect(self.category_left)
            self.only.clicked.connect(self.category_left)
            self._only_lane.addWidget(self.only)

    def _click(self, check: CheckResult, key: str, _place: QPointF) -> None:
        if key == LINK and words.link_words(check):
            self.linked.emit(check)


class _CheckTable(Table):
    """Points a hand at links."""

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        index = self.indexAt(event.position().toPoint())
        link = index.isValid() and self.columns[index.column()].key == LINK and bool(words.link_words(self.row_at(index.row())))
        self.viewport().setCursor(Qt.CursorShape.PointingHandCursor if link else Qt.CursorShape.ArrowCursor)


def _columns() -> tuple[Column, ...]:
    return (
        Column("status", tr("Status"), lambda check: words.name_of(check.status), painting.draw_status, width=112),
        Column("check", tr("Check"), lambda check: f"{check.title}, {check.id}", painting.draw_name),
        Column("value", tr("Found, and what it must be"), _found, painting.draw_value, width=226),
        Column("age", tr("Age"), _age, cells.text_cell(_age, tone="muted", right=True), width=62, right=True),
        Column(LINK, tr("Evidence"), words.link_words, painting.draw_link, width=106),
    )


def _found(check: CheckResult) -> str:
    return tr("{value}; must be {threshold}", value=words.value_words(check), threshold=check.threshold)


def _age(check: CheckResult) -> str:
    return words.short_age(check.age_s)
