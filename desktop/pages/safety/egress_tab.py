"""Which text may leave for which host, and what did."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QStackedWidget, QWidget

from desktop.i18n import ago, byte_size, date_time, number, tr
from desktop.pages.safety.words import purpose_words
from desktop.widgets.button import Button, SegmentedControl
from desktop.widgets.card import Card
from desktop.widgets.cells import text_cell
from desktop.widgets.label import PlainLabel
from desktop.widgets.layout import column, rule
from desktop.widgets.states import EmptyState
from desktop.widgets.table import Column, Table

if TYPE_CHECKING:
    from backend_core.safety.egress import Consent, LedgerRow, LedgerSum

ROW_HEIGHT: Final = 40
_LEAST_ROWS: Final = 3


class EgressTab(QWidget):
    """The page asks and does; ``editable`` where the person may allow and withdraw."""

    allow_wanted = Signal()
    withdraw_wanted = Signal(object)
    """A ``Consent``."""
    key_wanted = Signal()

    def __init__(self, *, editable: bool) -> None:
        super().__init__()
        self._editable = editable
        self.allow = Button(tr("Allow…"), "small", icon_name="plus", on_click=self.allow_wanted.emit)
        self.withdraw = Button(tr("Withdraw"), "small", icon_name="ban", on_click=self._withdraw)
        self.key = Button(tr("Key…"), "small", icon_name="key-round", on_click=self.key_wanted.emit)
        self.consents = Table(
            _consent_columns(), name=tr("Consents"), row_height=ROW_HEIGHT, key=lambda one: (one.purpose, one.host, one.given_at),
            empty=EmptyState("lock", tr("No text may leave"), detail=tr("Everything is done on this computer and in this database.")),
        )  # fmt: skip
        self.consents.setMinimumHeight((_LEAST_ROWS + 1) * ROW_HEIGHT + 34)
        self.consents.selected.connect(lambda _row: self._enable())
        self.choice = SegmentedControl([("sums", tr("By host, 30 days")), ("each", tr("Each time"))], name=tr("What left"))
        self.choice.chosen.connect(lambda key: self.lists.setCurrentIndex(0 if key == "sums" else 1))
        self.sums = _ledger_table(_sum_columns(), tr("What left, by host"))
        self.each = _ledger_table(_row_columns(), tr("What left, each time"))
        self._build()
        self._enable()

    def show_egress(self, consents: Sequence[Consent], sums: Sequence[LedgerSum], rows: Sequence[LedgerRow]) -> None:
        """Show what is allowed and what left."""
        self.consents.set_rows(consents)
        self.sums.set_rows(sums)
        self.each.set_rows(rows)
        size = sum(one.bytes for one in sums)
        self.total.setText(tr("{size} in 30 days", size=byte_size(size)) if sums else "")
        self._enable()

    def _build(self) -> None:
        self.lists = QStackedWidget()
        self.lists.addWidget(self.sums)
        self.lists.addWidget(self.each)
        self.lists.setMinimumHeight((_LEAST_ROWS + 1) * ROW_HEIGHT + 34)
        self.total = PlainLabel("", "small")
        right = (self.key, self.withdraw, self.allow)
        for button in right if not self._editable else ():
            button.hide()
        allowed = Card(tr("Text that may leave"), icon_name="lock", right=right, flush=True).add(rule(), (self.consents, 1))
        left = Card(tr("What left"), icon_name="upload", right=(self.total, self.choice), flush=True).add(rule(), (self.lists, 1))
        self.setLayout(column((allowed, 2), (left, 3), gap=12))

    def _withdraw(self) -> None:
        chosen = self.consents.current()
        if chosen is not None:
            self.withdraw_wanted.emit(chosen)

    def _enable(self) -> None:
        self.withdraw.setEnabled(self.consents.current() is not None)
        self.key.setEnabled(any(one.purpose == "moderation" for one in self.consents.rows))


def _ledger_table(columns: Sequence[Column], name: str) -> Table:
    detail = tr("A line is written before the first byte goes, and stays whatever becomes of it.")
    return Table(columns, name=name, row_height=ROW_HEIGHT, empty=EmptyState("upload", tr("Nothing has left"), detail=detail))


def _consent_columns() -> list[Column]:
    def what(one: Consent) -> str:
        return purpose_words(one.purpose)

    def given(one: Consent) -> str:
        return tr("{name}, {when}", name=one.given_by, when=date_time(one.given_at))

    return [
        Column("what", tr("What"), what, text_cell(what, weight=500)),
        Column("host", tr("To"), lambda one: one.host, text_cell(lambda one: one.host, mono=True), width=220),
        Column("given", tr("Allowed by"), given, text_cell(given, tone="muted"), width=230),
    ]


def _sum_columns() -> list[Column]:
    def what(one: LedgerSum) -> str:
        return purpose_words(one.purpose)

    def last(one: LedgerSum) -> str:
        return ago(one.last_at, now=datetime.now(UTC))

    return [
        Column("what", tr("What"), what, text_cell(what, weight=500)),
        Column("host", tr("To"), lambda one: one.host, text_cell(lambda one: one.host, mono=True), width=220),
        Column(
            "times",
            tr("Times"),
            lambda one: number(one.requests),
            text_cell(lambda one: number(one.requests), right=True),
            width=90,
            right=True,
        ),
        Column(
            "size",
            tr("Size"),
            lambda one: byte_size(one.bytes),
            text_cell(lambda one: byte_size(one.bytes), right=True),
            width=100,
            right=True,
        ),
        Column("last", tr("Last"), last, text_cell(last, tone="muted", right=True), width=110, right=True),
    ]


def _row_columns() -> list[Column]:
    def what(one: LedgerRow) -> str:
        return purpose_words(one.purpose)

    def at(one: LedgerRow) -> str:
        return date_time(one.at)

    return [
        Column("at", tr("When"), at, text_cell(at), width=140),
        Column("what", tr("What"), what, text_cell(what, weight=500)),
        Column("host", tr("To"), lambda one: one.host, text_cell(lambda one: one.host, mono=True), width=220),
        Column("actor", tr("For"), lambda one: one.actor, text_cell(lambda one: one.actor, tone="muted"), width=130),
        Column(
            "size",
            tr("Size"),
            lambda one: byte_size(one.bytes),
            text_cell(lambda one: byte_size(one.bytes), right=True),
            width=100,
            right=True,
        ),
    ]
