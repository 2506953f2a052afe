"""Receipts of what was erased: what each says, and whether it is genuine."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop.i18n import tr
from desktop.pages.memory.forget_panel import Receipt
from desktop.pages.memory.words import moment_words
from desktop.widgets.badge import Badge
from desktop.widgets.button import Button
from desktop.widgets.key_values import Fact, KeyValues
from desktop.widgets.label import PlainLabel
from desktop.widgets.layout import clear_layout, column, holder, row


class ReceiptPanel(QWidget):
    """``save_wanted`` carries a ``Receipt``; ``check_wanted`` asks for a file to check."""

    save_wanted = Signal(object)
    check_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.receipts: tuple[Receipt, ...] = ()
        self._lane = QVBoxLayout()
        self._lane.setSpacing(10)
        about = PlainLabel(tr("A receipt proves that something was erased and says nothing of what it was."), "small", wrap=True)
        self.check = Button(tr("Check a receipt file…"), icon_name="file-check", on_click=self.check_wanted.emit)
        self.setLayout(column(about, self._lane, row(self.check, None), None, gap=14))

    def show_receipts(self, receipts: Sequence[Receipt]) -> None:
        """Show them, newest first."""
        self.receipts = tuple(receipts)
        clear_layout(self._lane)
        for one in receipts:
            self._lane.addWidget(self._card(one))
        if not receipts:
            self._lane.addWidget(PlainLabel(tr("Nothing was erased for good yet."), "muted"))

    def _card(self, one: Receipt) -> QWidget:
        badge = (
            Badge(tr("not checked"), unknown=True)
            if one.verifies is None
            else Badge(tr("verifies") if one.verifies else tr("does not verify"), "ok" if one.verifies else "bad")
        )
        save = Button(
            tr("Save…"),
            "link",
            name=tr("Save the receipt of {moment}", moment=moment_words(one.at)),
            on_click=lambda: self.save_wanted.emit(one),
        )
        facts = KeyValues(
            [
                Fact(tr("Container"), one.container, mono=True),
                Fact(tr("Items"), one.items),
                Fact(tr("Key"), one.key_id, mono=True),
                Fact(tr("Asked by"), one.asked_by),
            ],
            name_width=74,
        )
        head = row(PlainLabel(moment_words(one.at), "strong"), None, badge)
        return holder(column(head, facts, row(None, save), gap=4, margins=(12, 9, 12, 9)), name="inset")
