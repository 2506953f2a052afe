"""Runs an export that was ordered: proof of who asks, progress, cancel, and where the file lies."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject

from backend_core.errors import Cancelled, LecternError
from desktop.background import current
from desktop.i18n import number, tr
from desktop.pages.audit.export_dialog import ExportOrder
from desktop.pages.audit.work_panel import Outcome, WorkPanel
from desktop.widgets.page import Page

if TYPE_CHECKING:
    from backend_core.audit.export import ExportResult
    from backend_core.audit.query import AuditFilter


class Exporting(QObject):
    """Owns the panel of the export."""

    def __init__(self, page: Page) -> None:
        super().__init__(page)
        self._page = page
        self._stop = threading.Event()
        self.panel = WorkPanel(tr("Export"))
        self.panel.cancelled.connect(self._cancel)

    def start(self, order: ExportOrder, *, wanted: AuditFilter) -> None:
        """Write the events of ``wanted`` to the file of ``order``; while one export runs, another is not begun."""
        if self.panel.running:
            return
        context, stop = self._page.context, threading.Event()
        self._stop = stop
        self.panel.start(tr("Exporting to {name}", name=order.path.name), tr("Starting"))

        def work() -> ExportResult:
            # Read inside: a second attempt carries the proof that the first one lacked.
            return _export(context.backend, order, wanted, replace(context.actor, reason=order.reason), stop)

        context.background.run(self._page, work, self._show, self._fail, key="export", progress=self._progress)

    def _progress(self, value: tuple[int, int]) -> None:
        done, total = value
        if self.panel.running:
            words = tr("{done} of {all} events", done=number(done), all=number(total))
            self.panel.show_progress(done / total if total else None, words)

    def _show(self, found: ExportResult) -> None:
        rows = tr("1 event") if found.rows == 1 else tr("{n} events", n=number(found.rows))
        notes = [tr("Written to {path}", path=found.path), tr("Its proofs and its signed manifest lie beside it.")]
        notes.append(tr("SHA-256 {digest}", digest=found.sha256))
        self.panel.finish(Outcome("ok", tr("{rows} exported", rows=rows), notes=notes))
        self._page.refresh()

    def _fail(self, error: LecternError) -> None:
        if isinstance(error, Cancelled):
            self.panel.finish(Outcome("info", tr("Stopped. No file was kept.")))
        else:
            self.panel.finish(Outcome("warn", tr("The export was not made"), notes=[f"{error} {error.next_step}"]))

    def _cancel(self) -> None:
        self._stop.set()


def _export(backend: Any, order: ExportOrder, wanted: AuditFilter, actor: Any, stop: threading.Event) -> ExportResult:
    token = current()

    def report(done: int, total: int) -> None:
        # the handle of the first attempt does not reach a second one, this does
        if stop.is_set():
            message = "Stopped on request."
            raise Cancelled(message)
        if token is not None:
            token.raise_if_cancelled()
            token.report((done, total))

    found: ExportResult = backend.trail_export.export(wanted, order.path, format=order.format, actor=actor, progress=report)
    return found
