"""The questions of the page: other words for a memory, and why somebody is never given it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtWidgets import QPlainTextEdit, QWidget

from desktop.i18n import tr
from desktop.pages.memory.lines import Place
from desktop.pages.memory.seen_by import why_words
from desktop.widgets.dialogs import Dialog
from desktop.widgets.label import PlainLabel

LONGEST = 4000


class EditDialog(Dialog):
    """Other words for a memory; what it said before is kept as an earlier version."""

    def __init__(self, parent: QWidget, text: str, *, on_text: Callable[[str], object]) -> None:
        sentence = tr("What it said before stays as an earlier version until it is forgotten.")
        super().__init__(parent, tr("Edit memory"), sentence, icon_name="pencil")
        self._before, self._on_text = text.strip(), on_text
        self.field = QPlainTextEdit(text)
        self.field.setAccessibleName(tr("What is remembered"))
        self.field.setTabChangesFocus(True)
        self.field.setFixedHeight(120)
        self.problem = PlainLabel("", "small", tone="bad")
        self.body.addWidget(self.field)
        self.body.addWidget(self.problem)
        self.add_button(tr("Cancel"), self.reject)
        self.go = self.add_button(tr("Save"), self._take, kind="primary", default=True)
        self.field.textChanged.connect(self._check)
        self._check()
        self.field.setFocus()

    def _check(self) -> None:
        text = self.field.toPlainText().strip()
        long = len(text) > LONGEST
        self.problem.setText(tr("That is longer than {n} characters.", n=LONGEST) if long else "")
        self.go.setEnabled(bool(text) and text != self._before and not long)

    def _take(self) -> None:
        text = self.field.toPlainText().strip()
        self.accept()
        self._on_text(text)


def show_why(parent: QWidget, viewer: Place, others: Sequence[Place]) -> Dialog:
    """Open the explanation of why ``viewer`` is never given what ``others`` hold."""
    first, *rest = why_words(viewer, others).split("\n\n")
    dialog = Dialog(parent, tr("Why {name} is never given them", name=viewer.name), first, icon_name="lock")
    for paragraph in rest:
        dialog.body.addWidget(PlainLabel(paragraph, "muted", wrap=True))
    dialog.add_button(tr("Close"), dialog.accept, kind="primary", default=True)
    dialog.open()
    return dialog
