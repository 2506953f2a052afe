"""Bringing files in: one after the other in a worker, with what became of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from PySide6.QtCore import QRectF
from PySide6.QtGui import QGuiApplication, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QSizePolicy, QWidget

from backend_core.errors import LecternError
from desktop.background import Handle, current
from desktop.i18n import number, tr
from desktop.style import MEDIUM
from desktop.widgets import paint
from desktop.widgets.button import Button
from desktop.widgets.label import ElidedLabel, IconLabel, PlainLabel
from desktop.widgets.layout import clear_layout, column, holder, row, rule
from desktop.widgets.page import Page
from desktop.widgets.progress_row import ProgressRow
from desktop.widgets.states import error_details

_MOST_SHOWN: Final = 4
_MOST_FILES: Final = 1000
_ROW: Final = 30


@dataclass(frozen=True, slots=True)
class FileResult:
    """What became of one file: the new document's id, or why there is none."""

    name: str
    document_id: int | None
    error: LecternError | None


def import_files(backend: Any, paths: Sequence[Path], *, actor: Any) -> list[FileResult]:
    """Import files one after the other; a bad one does not stop the others. Runs in a worker and reports (done, all, name)."""
    token = current()
    results: list[FileResult] = []
    for done, path in enumerate(paths):
        if token is not None:
            if token.cancelled:
                break
            token.report((done, len(paths), path.name))
        try:
            imported = backend.documents.import_file(path, actor=actor)
            results.append(FileResult(path.name, imported.document.id, None))
        except LecternError as error:
            results.append(FileResult(path.name, None, error.with_traceback(None)))
    return results


def with_contents(paths: Sequence[Path]) -> list[Path]:
    """Return files as they are, and for each folder the files directly in it; at most 1,000."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(child for child in path.iterdir() if child.is_file() and not child.name.startswith("."))
        else:
            found.append(path)
    return found[:_MOST_FILES]


class ImportPanel(QFrame):
    """Hidden until files come in: first the progress, then the files that were refused, each with its reason."""

    def __init__(self, page: Page, *, on_done: Callable[[list[FileResult]], object]) -> None:
        super().__init__()
        self.setObjectName("card")
        self.setAccessibleName(tr("Added files"))
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self._page, self._on_done = page, on_done
        self._running: Handle | None = None
        self._waiting: list[Path] = []
        self.results: list[FileResult] = []
        self.progress = ProgressRow(tr("Adding files"), icon_name="file-up")
        self.progress.cancelled.connect(self._stop)
        self.heading = PlainLabel("", "heading")
        self._rows = column(gap=0)
        close = Button("", "ghost", icon_name="x", name=tr("Close this list"), on_click=self.hide)
        self._head = holder(row(IconLabel("triangle-alert", "warn"), self.heading, None, close), height=30)
        self._list = holder(column(self._head, rule(), self._rows, gap=4))
        self.setLayout(column(self.progress, self._list, margins=(14, 4, 8, 6)))
        self.hide()

    def add(self, paths: Sequence[Path]) -> None:
        """Bring in files; while others come in these wait."""
        if self._running is not None and self._running.running:
            self._waiting += paths
            return
        context = self._page.context
        self.progress.title.setText(tr("Adding 1 file") if len(paths) == 1 else tr("Adding {n} files", n=number(len(paths))))
        self.progress.show_progress(None)
        self.progress.cancel.setEnabled(True)
        self.progress.show()
        self._list.hide()
        self.show()
        wanted = list(paths)
        self._running = context.background.run(
            self,
            lambda: import_files(context.backend, with_contents(wanted), actor=context.actor),
            self._done,
            self._failed,
            progress=self._moved,
        )

    def _moved(self, state: tuple[int, int, str]) -> None:
        done, total, name = state
        self.progress.show_progress(done / total if total > 1 else None, detail=name)

    def _done(self, results: list[FileResult]) -> None:
        self._running = None
        self.results = results
        refused = [result for result in results if result.error is not None]
        self.progress.hide()
        self._show_refused(refused, len(results))
        self._on_done(results)
        waiting, self._waiting = self._waiting, []
        if waiting:
            self.add(waiting)

    def _failed(self, error: LecternError) -> None:
        self._running = None
        self.hide()
        self._page.tell(error)

    def _stop(self) -> None:
        if self._running is not None:
            self._running.cancel()
            self._running = None
        self._waiting = []
        self.hide()
        self._page.refresh()

    def _show_refused(self, refused: Sequence[FileResult], total: int) -> None:
        clear_layout(self._rows)
        self.setVisible(bool(refused))
        self._list.setVisible(bool(refused))
        words = tr("1 of {all} files was not added") if len(refused) == 1 else tr("{n} of {all} files were not added")
        self.heading.setText(words.format(n=number(len(refused)), all=number(total)))
        for result in refused[:_MOST_SHOWN]:
            self._rows.addWidget(_refused_row(result))
        if len(refused) > _MOST_SHOWN:
            more = Button(tr("Copy the details of all {n}", n=number(len(refused))), "link", on_click=lambda: _copy(refused))
            self._rows.addLayout(row(more, None))


def _refused_row(result: FileResult) -> QWidget:
    name = ElidedLabel(result.name, weight=500)
    why = ElidedLabel(str(result.error), size=12, tone="bad")
    copy = Button("", "ghost", icon_name="copy", name=tr("Copy details of {name}", name=result.name), on_click=lambda: _copy([result]))
    return holder(row(IconLabel("file-x", "bad"), (name, 2), (why, 3), copy, gap=8), height=_ROW)


def _copy(results: Sequence[FileResult]) -> None:
    parts = [f"{result.name}\n{error_details(result.error)}" for result in results if result.error is not None]
    QGuiApplication.clipboard().setText("\n\n".join(parts))


class DropZone(QWidget):
    """A dashed band that says files may be dropped; it is highlighted while they hang over the page."""

    def __init__(self, *, limit_mib: int) -> None:
        super().__init__()
        self._hot = False
        self._note = tr("PDF, DOCX, Markdown, text · up to {n} MiB each", n=number(limit_mib))
        self.setFixedHeight(58)
        self.setAccessibleName(tr("Drop files anywhere on this page. {note}", note=self._note))

    def set_hot(self, *, on: bool) -> None:
        """Highlight it or not."""
        if on != self._hot:
            self._hot = on
            self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        paint.begin(painter)
        box = QRectF(self.rect()).adjusted(12, 5, -12, -9)
        paint.box(painter, box, 8, fill="accent_bg" if self._hot else "bg", line="accent" if self._hot else "line2", width=1.2, dashed=True)
        words = tr("Let go to add them") if self._hot else tr("Drop files anywhere on this page")
        gap, icon = 12.0, 26.0
        first, second = paint.advance(words, 13, MEDIUM), paint.advance(self._note, 12)
        both = icon + first + gap + second <= box.width() - 24
        left = box.center().x() - (icon + first + (gap + second if both else 0)) / 2
        paint.icon(painter, QRectF(left, box.center().y() - 8, 16, 16).topLeft(), "file-up", "accent")
        paint.text(painter, QRectF(left + icon, box.y(), first + 2, box.height()), words, weight=MEDIUM, elide=False)
        if both:
            rest = QRectF(left + icon + first + gap, box.y(), second + 2, box.height())
            paint.text(painter, rest, self._note, size=12, tone="muted", elide=False)
