"""Messages from a file: chosen, taken in with a bar that can be cancelled, and what was left out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog

from backend_core.errors import Cancelled, LecternError
from desktop.background import Handle, current
from desktop.i18n import number, tr
from desktop.widgets.card import Card
from desktop.widgets.dialogs import Dialog
from desktop.widgets.file_dialog import ask_source
from desktop.widgets.label import PlainLabel
from desktop.widgets.progress_row import ProgressRow

if TYPE_CHECKING:
    from backend_core.conversations.records import Imported
    from desktop.pages.conversations.page import ConversationsPage


class Importing(QObject):
    """``panel`` is there while a file is being taken in."""

    def __init__(self, page: ConversationsPage) -> None:
        super().__init__(page)
        self._page = page
        self._handle: Handle | None = None
        self.dialog: QFileDialog | Dialog | None = None
        self.row = ProgressRow(tr("Importing messages"), icon_name="upload")
        self.row.cancelled.connect(self._stop)
        self.panel = Card()
        self.panel.add(self.row)
        self.panel.hide()

    def ask(self) -> None:
        """Ask for a file of messages."""
        filters = [tr("Messages, one JSON object on each line (*.jsonl *.json *.ndjson)")]
        self.dialog = ask_source(self._page, tr("Import messages"), filters=filters, on_chosen=self.import_file)

    def import_file(self, path: Path) -> None:
        """Take in every message of ``path``."""
        page = self._page
        self.row.title.setText(tr("Importing {name}", name=path.name))
        self.row.cancel.setEnabled(True)
        self.row.show_progress(None)
        self.panel.show()

        def work() -> Imported:
            token, context = current(), page.context

            def progress(done: int, every: int, *, what: str = "") -> None:  # noqa: ARG001 - the bar says what it is in its own words
                if token is not None:
                    token.raise_if_cancelled()
                    token.report((done, every))

            found: Imported = context.backend.conversations.import_messages(path, actor=context.actor, progress=progress)
            return found

        self._handle = page.context.background.run(page, work, self._done, self._failed, progress=self._show)

    def _show(self, value: tuple[int, int]) -> None:
        done, every = value
        self.row.show_progress(done / every if every else None, detail=tr("{share} %", share=number(100 * done / every)) if every else "")

    def _done(self, imported: Imported) -> None:
        self.panel.hide()
        page = self._page
        new = tr("{n} messages in {c} conversations imported.", n=number(imported.messages), c=number(imported.conversations))
        if imported.refused:
            self._tell(imported, new)
        else:
            page.context.notify(new)
        page.refresh()

    def _failed(self, error: LecternError) -> None:
        self.panel.hide()
        self._page.tell(error)

    def _tell(self, imported: Imported, new: str) -> None:
        title = tr("{n} lines were left out", n=number(imported.refused))
        dialog = Dialog(self._page, title, new, icon_name="triangle-alert", tone="warn")
        lines = [tr("Line {n}: {why}", n=number(problem.line), why=problem.sentence) for problem in imported.problems]
        dialog.body.addWidget(PlainLabel("\n".join(lines), "small", wrap=True, selectable=True))
        dialog.add_button(tr("Close"), dialog.accept, kind="primary", default=True)
        self.dialog = dialog
        dialog.open()

    def _stop(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
        self._failed(Cancelled("Stopped on request."))
