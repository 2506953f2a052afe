"""The access review: who may do what, since when, and when it was last used, now or as of a day."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import TYPE_CHECKING

from PySide6.QtCore import QDate, Signal
from PySide6.QtWidgets import QDateEdit, QWidget

from desktop.i18n import date_time, number, tr
from desktop.pages.operators.details import role_words, used_words
from desktop.widgets import cells
from desktop.widgets.button import Button
from desktop.widgets.card import Card
from desktop.widgets.field import SearchField
from desktop.widgets.label import PlainLabel
from desktop.widgets.layout import column, row
from desktop.widgets.states import EmptyState
from desktop.widgets.table import Column, Table

if TYPE_CHECKING:
    from backend_core.access.records import ReviewRow

ROW_HEIGHT = 33


class ReviewTab(QWidget):
    """A table of rights; the page fetches the rows."""

    day_changed = Signal()
    """Another day is wanted; see ``as_of``."""
    export_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.rows: tuple[ReviewRow, ...] = ()
        self.search = SearchField(name=tr("Search the review"), hint=tr("Name, role or action"))
        self.search.searched.connect(lambda _words: self._show())
        self.day = QDateEdit(QDate.currentDate())
        self.day.setAccessibleName(tr("As of"))
        self.day.setCalendarPopup(True)
        self.day.setMaximumDate(QDate.currentDate())
        self.day.setFixedHeight(32)
        self.day.setDisplayFormat("d MMM yyyy")
        self.day.setMinimumWidth(120)
        self.day.dateChanged.connect(lambda _day: self.day_changed.emit())
        self.count = PlainLabel("", "small")
        self.table = Table(
            _columns(),
            name=tr("Access review"),
            row_height=ROW_HEIGHT,
            key=lambda one: (one.operator_id, one.action),
            empty=EmptyState("search", tr("Nobody may do that"), detail=tr("Search for a name, a role or an action such as audit.")),
        )
        card = Card(flush=True)
        card.body.addWidget(self.table)
        export = Button(tr("Export CSV"), icon_name="download", on_click=self.export_wanted.emit)
        self.setLayout(
            column(
                row((self.search, 1), PlainLabel(tr("As of the end of"), "small"), self.day, export, gap=8), (card, 1), self.count, gap=12
            )
        )

    @property
    def as_of(self) -> datetime | None:
        """The end of the chosen day in UTC, None for now."""
        chosen = self.day.date()
        if chosen >= QDate.currentDate():
            return None
        day = datetime(chosen.year(), chosen.month(), chosen.day(), tzinfo=UTC).date()
        return datetime.combine(day, time.max).astimezone(UTC)

    def show_rows(self, rows: tuple[ReviewRow, ...]) -> None:
        """Show the rights."""
        self.rows = rows
        self._show()

    def _show(self) -> None:
        words = self.search.text().casefold().split()
        found = [one for one in self.rows if all(word in f"{one.name} {one.role} {one.action}".casefold() for word in words)]
        self.table.set_rows(found)
        people = len({one.operator_id for one in found})
        self.count.setText(tr("{n} rights of {people} operators", n=number(len(found)), people=number(people)))


def _columns() -> list[Column]:
    def whose(one: ReviewRow) -> str:
        return tr("own") if one.own_only else tr("any")

    def person(one: ReviewRow) -> str:
        return tr("{name} (disabled)", name=one.name) if one.disabled else str(one.name)

    return [
        Column("name", tr("Operator"), person, cells.text_cell(person, weight=500)),
        Column("role", tr("Role"), lambda one: role_words(one.role), cells.text_cell(lambda one: role_words(one.role)), width=112),
        Column("action", tr("May do"), lambda one: one.action, cells.text_cell(lambda one: one.action, mono=True), width=190),
        Column("whose", tr("Whose"), whose, cells.text_cell(whose, tone="muted"), width=72),
        Column("since", tr("Since"), lambda one: date_time(one.since), cells.text_cell(lambda one: date_time(one.since)), width=150),
        Column("used", tr("Last used"), used_words, cells.text_cell(used_words, tone="muted"), width=150),
    ]
