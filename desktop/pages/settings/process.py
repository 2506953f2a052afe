"""The settings of this process: what they are and where each came from; they are changed outside the window."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from PySide6.QtWidgets import QWidget

from desktop.i18n import tr
from desktop.widgets.card import Card
from desktop.widgets.cells import badge_cell, text_cell
from desktop.widgets.label import ElidedLabel, PlainLabel
from desktop.widgets.layout import column, holder, row
from desktop.widgets.table import Column, Table

if TYPE_CHECKING:
    from backend_core.settings import SettingFact

_ROW_HEIGHT: Final = 36


class ProcessSection(QWidget):
    """A table of facts."""

    def __init__(self) -> None:
        super().__init__()
        about = PlainLabel(
            tr("They hold for this window and count from its next start. An argument wins over the environment, that over the file.")
        )
        about.setProperty("role", "muted")
        about.setWordWrap(True)
        self.file = ElidedLabel(size=12, tone="muted", mono=True)
        self.table = Table(_columns(), name=tr("Process settings"), row_height=_ROW_HEIGHT, key=lambda fact: fact.name)
        card = Card(flush=True)
        card.add(self.table)
        head = holder(column(about, row(PlainLabel(tr("File:"), "small"), (self.file, 1), gap=4), gap=2))
        self.setLayout(column(head, (card, 1), gap=12, margins=(24, 14, 24, 20)))

    def show_facts(self, facts: Sequence[SettingFact], *, file: str) -> None:
        """Show ``facts`` and the path of the file that may set them."""
        self.table.set_rows(facts)
        self.file.setText(file)


def _columns() -> tuple[Column, ...]:
    sources = {
        "argument": (tr("argument"), "info"), "environment": (tr("environment"), "info"), "profile": (tr("profile"), "info"),
        "file": (tr("file"), "info"), "default": (tr("default"), "none"),
    }  # fmt: skip
    return (
        Column("name", tr("Setting"), lambda fact: fact.name, text_cell(lambda fact: fact.name, mono=True), 190),
        Column("value", tr("Value"), lambda fact: fact.value, text_cell(lambda fact: fact.value or "–", mono=True), 220),
        Column("source", tr("From"), lambda fact: fact.source, badge_cell(lambda fact: sources[fact.source]), 124),
        Column("what", tr("What it is for"), lambda fact: fact.description, text_cell(lambda fact: fact.description, tone="muted")),
    )
