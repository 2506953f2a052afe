"""Who is to be erased and when, who was, and the signed receipts of everything that was erased."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from desktop.i18n import date_time, number, tr
from desktop.pages.people.words import UNTITLED, erasure_state, left_words
from desktop.widgets.button import Button
from desktop.widgets.card import Card
from desktop.widgets.cells import badge_cell, text_cell
from desktop.widgets.layout import column, rule
from desktop.widgets.states import EmptyState
from desktop.widgets.table import Column, Table

if TYPE_CHECKING:
    from backend_core.memory.forget_records import PersonErasure, Receipt

LINE_HEIGHT: Final = 40
_LEAST: Final = 200


class ErasuresTab(QWidget):
    """The page asks and does."""

    keep_wanted = Signal(object)
    """The id of the contact whose erasure is to be taken back."""
    save_wanted = Signal(object)
    """The id of a receipt."""
    check_wanted = Signal()

    def __init__(self, *, may_erase: bool) -> None:
        super().__init__()
        self._may_erase = may_erase
        self.keep = Button(tr("Take back"), "small", icon_name="undo-2", on_click=self._keep)
        self.save = Button(tr("Save…"), "small", icon_name="download", on_click=self._save)
        self.check = Button(tr("Check a file…"), "small", icon_name="file-badge", on_click=self.check_wanted.emit)
        self.erasures, self.receipts = _erasure_table(), _receipt_table()
        for table in (self.erasures, self.receipts):
            table.setMinimumHeight(_LEAST)
            table.selected.connect(lambda _row: self._enable())
        asked = Card(tr("People to be erased"), icon_name="eraser", right=(self.keep,), flush=True).add(rule(), (self.erasures, 1))
        proofs = Card(tr("Receipts"), icon_name="file-badge", right=(self.check, self.save), flush=True).add(rule(), (self.receipts, 1))
        self.setLayout(column((asked, 1), (proofs, 1), gap=12))
        if not may_erase:
            self.keep.hide()
        self._enable()

    def show_rows(self, erasures: Sequence[PersonErasure], receipts: Sequence[Receipt]) -> None:
        """Show what was asked for and what was proven."""
        self.erasures.set_rows(erasures)
        self.receipts.set_rows(receipts)
        self._enable()

    def _keep(self) -> None:
        chosen: PersonErasure | None = self.erasures.current()
        if chosen is not None:
            self.keep_wanted.emit(chosen.user_id)

    def _save(self) -> None:
        chosen: Receipt | None = self.receipts.current()
        if chosen is not None:
            self.save_wanted.emit(chosen.id)

    def _enable(self) -> None:
        chosen: PersonErasure | None = self.erasures.current()
        self.keep.setEnabled(self._may_erase and chosen is not None and chosen.state == "waiting")
        self.save.setEnabled(self.receipts.current() is not None)


def counts_of(receipt: Receipt) -> Mapping[str, Any]:
    """Return the counts a receipt names; none where it cannot be read."""
    try:
        counts = json.loads(receipt.document)["receipt"]["counts"]
    except (ValueError, KeyError, TypeError):
        return {}
    return counts if isinstance(counts, dict) else {}


def counts_words(counts: Mapping[str, Any]) -> str:
    """Return counts in a line, the largest first."""
    some = sorted(((key, value) for key, value in counts.items() if isinstance(value, int) and value), key=lambda one: -one[1])
    return ", ".join(f"{number(value)} {key.replace('_', ' ')}" for key, value in some) or UNTITLED


def _erasure_table() -> Table:
    def asked(one: PersonErasure) -> str:
        return date_time(one.asked_at)

    def state(one: PersonErasure) -> tuple[str, str]:
        return erasure_state(one.state)

    def due(one: PersonErasure) -> str:
        return left_words(one.due_at, now=datetime.now(UTC)) if one.state == "waiting" else UNTITLED

    columns = [
        Column("asked", tr("Asked"), asked, text_cell(asked), width=124),
        Column("by", tr("By"), lambda one: one.asked_by, text_cell(lambda one: one.asked_by, weight=500), width=140),
        Column("why", tr("Reason"), lambda one: one.reason, text_cell(lambda one: one.reason, tone="muted")),
        Column("state", tr("State"), lambda one: state(one)[0], badge_cell(state), width=110),
        Column("due", tr("Erased"), due, text_cell(due, tone="muted", right=True), width=120, right=True),
    ]
    detail = tr("An erasure is asked for on the page of a person, and can be taken back for 30 days.")
    empty = EmptyState("eraser", tr("Nobody is to be erased"), detail=detail)
    return Table(columns, name=tr("People to be erased"), row_height=LINE_HEIGHT, key=lambda one: one.id, empty=empty)


def _receipt_table() -> Table:
    def at(one: Receipt) -> str:
        return date_time(one.at)

    def kind(one: Receipt) -> str:
        return tr("Person") if one.kind == "person" else tr("Conversation")

    def counts(one: Receipt) -> str:
        return counts_words(counts_of(one))

    columns = [
        Column("at", tr("Erased"), at, text_cell(at), width=124),
        Column("kind", tr("Of a"), kind, text_cell(kind, weight=500), width=120),
        Column("counts", tr("What"), counts, text_cell(counts, tone="muted")),
        Column("key", tr("Signed by"), lambda one: one.key_id, text_cell(lambda one: one.key_id, mono=True), width=170),
    ]
    detail = tr("A receipt says how much was erased and when, without a name or a word, and proves it with a signature.")
    empty = EmptyState("file-badge", tr("No receipt yet"), detail=detail)
    return Table(columns, name=tr("Receipts"), row_height=LINE_HEIGHT, key=lambda one: one.id, empty=empty)
