"""Asks what an export shall hold and why; the file is chosen last."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from PySide6.QtWidgets import QWidget

from desktop.i18n import number, tr
from desktop.widgets.button import SegmentedControl
from desktop.widgets.dialogs import Dialog
from desktop.widgets.field import Field
from desktop.widgets.file_dialog import ask_file
from desktop.widgets.key_values import Fact, KeyValues
from desktop.widgets.label import PlainLabel
from desktop.widgets.layout import column, holder

FORMATS: Final = (("jsonl", "JSON Lines"), ("csv", "CSV"))
_NOTES: Final = {
    "jsonl": "One event per line with its proof. Anybody can check the file without Lectern.",
    "csv": "For spreadsheets. Cells that look like formulas are defused. A signed manifest lies beside the file.",
}
_LONGEST: Final = 500


@dataclass(frozen=True, slots=True)
class ExportOrder:
    """What was asked for."""

    format: str
    reason: str
    path: Path


class ExportDialog(Dialog):
    """Format, the filter in words, the number of rows, and a reason that is required."""

    def __init__(self, parent: QWidget, *, words: str, rows: int, reason: str = "", on_order: Callable[[ExportOrder], object]) -> None:
        sentence = tr("The export is an event of its own: who, why, which filter, how many.")
        super().__init__(parent, tr("Export events"), sentence, icon_name="download")
        self._on_order = on_order
        self.format = SegmentedControl([(key, tr(caption)) for key, caption in FORMATS], name=tr("Format"))
        self.note = PlainLabel("", "small", wrap=True)
        counted = tr("1 event") if rows == 1 else tr("{n} events", n=number(rows))
        self.facts = KeyValues([Fact(tr("Filter"), words), Fact(tr("Rows"), counted)], name_width=72)
        self.reason = Field(name=tr("Reason"), hint=tr("Why you need it, for example a ticket"), value=reason)
        self.reason.setMaxLength(_LONGEST)
        self.body.addWidget(holder(column(self.facts, margins=(12, 6, 12, 6)), name="inset"))
        self.body.addWidget(self.format)
        self.body.addWidget(self.note)
        self.body.addWidget(PlainLabel(tr("Reason"), "strong"))
        self.body.addWidget(self.reason)
        self.add_button(tr("Cancel"), self.reject)
        self.go = self.add_button(tr("Choose file …"), self._choose, kind="primary", default=True)
        self.reason.textChanged.connect(self._check)
        self.format.chosen.connect(self._describe)
        self._describe(self.format.current)
        self._check(reason)
        self.reason.setFocus()

    def order(self, path: Path) -> None:
        """Hand over what was asked for and close."""
        order = ExportOrder(str(self.format.current), " ".join(self.reason.text().split()), path)
        self.accept()
        self._on_order(order)

    def _describe(self, key: object) -> None:
        self.note.setText(tr(_NOTES[str(key)]))

    def _check(self, reason: str) -> None:
        self.go.setEnabled(bool(reason.strip()))

    def _choose(self) -> None:
        kind = str(self.format.current)
        kinds, name = {f"{dict(FORMATS)[kind]} (*.{kind})": kind}, f"audit-{datetime.now().astimezone():%Y-%m-%d}"
        ask_file(self, tr("Export events"), kinds=kinds, name=name, on_chosen=self.order)
