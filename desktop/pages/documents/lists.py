"""The Audio and Activity tabs: what was spoken, and what was done or is being done."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QAction, QPainter
from PySide6.QtWidgets import QMenu, QWidget

from backend_core.errors import LecternError, Unavailable
from desktop.background import Handle, current
from desktop.i18n import number, tr
from desktop.pages.documents.details import OPEN_STATES, AudioLine, Details, JobLine
from desktop.pages.documents.dialogs import FORMATS, ask_export, file_stem
from desktop.pages.documents.generate_panel import cancel_jobs
from desktop.pages.documents.list_card import list_card
from desktop.pages.documents.listening import Listening
from desktop.style import MEDIUM, SEMIBOLD, tone_text
from desktop.widgets import paint
from desktop.widgets.button import Button
from desktop.widgets.label import PlainLabel
from desktop.widgets.layout import column, row
from desktop.widgets.page import Page
from desktop.widgets.progress_row import ProgressRow
from desktop.widgets.states import EmptyState
from desktop.widgets.table import CellState, Column, Table

_ROW = 48
_SIGN = 24


class AudioTab(QWidget):
    """Every spoken version of every page."""

    def __init__(self, page: Page, listening: Listening) -> None:
        super().__init__()
        self._page, self._listening = page, listening
        self._details: Details | None = None
        self._export: Handle | None = None
        self._again: Callable[[], object] | None = None
        self.table = Table(
            [
                Column("page", tr("Page"), lambda line: str(line.audio.page), _draw_number, width=58, right=True),
                Column("state", tr("Audio"), lambda line: f"{line.words}, {line.below}", _draw_audio),
                Column("act", "", lambda _line: tr("Press the menu key for what can be done"), _draw_audio_act, width=52),
            ],
            name=tr("Audio of the document"),
            row_height=_ROW,
            key=lambda line: line.id,
            empty=EmptyState("audio-lines", tr("No audio yet"), detail=tr("Choose a voice on the Pages tab and press Generate.")),
        )
        self.table.opened.connect(self._open)
        self.table.cell_clicked.connect(self._click)
        self.table.menu_wanted.connect(self._menu)
        _on_delete(self.table, self.delete)
        self.export = Button(tr("Export"), icon_name="download", on_click=lambda: self.ask_export(self.export))
        self.retry = Button(tr("Retry failed"), icon_name="rotate-ccw", on_click=self._retry_failed)
        self.total = PlainLabel("", "small")
        self.progress = ProgressRow(tr("Exporting"), icon_name="download")
        self.progress.cancelled.connect(self._stop_export)
        self.progress.hide()
        card = list_card(self.table)
        foot = row(self.total, None, self.retry, self.export)
        self.setLayout(column((card, 1), self.progress, foot, gap=10, margins=(0, 12, 0, 0)))

    def show_details(self, details: Details) -> None:
        """Show the audio of a document."""
        self._details = details
        self.table.set_rows(details.audios)
        ready = sum(line.audio.status == "COMPLETED" for line in details.audios)
        failed = sum(line.audio.status == "FAILED" for line in details.audios)
        self.total.setText(tr("{n} ready", n=number(ready)) if details.audios else "")
        self.export.setEnabled(ready > 0)
        self.retry.setVisible(failed > 0)

    def delete(self, line: AudioLine) -> None:
        """Delete an audio; the toast can bring it back."""
        context, audio_id = self._page.context, line.id
        words = tr("Audio of page {n} deleted", n=line.audio.page)

        def restore() -> None:
            self._page.act(lambda: context.backend.audios.restore(audio_id, actor=context.actor))

        def done(_none: None) -> None:
            self._listening.forget(audio_id=audio_id)
            context.notify(words, undo=restore)

        self._page.act(lambda: context.backend.audios.delete(audio_id, actor=context.actor), done)

    def export_to(self, path: Path, *, format: str, voice: str | None = None, page: int | None = None) -> None:  # noqa: A002 - the backend's word
        """Write finished audio to a file, with progress and cancel."""
        details, context = self._details, self._page.context
        if details is None:
            return
        document_id = details.document.id

        def work() -> Path:
            token = current()

            def progress(done: int, total: int) -> None:
                if token is not None:
                    token.raise_if_cancelled()
                    token.report((done, total))

            made: Path = context.backend.exports.export(
                document_id, actor=context.actor, format=format, to=path, voice=voice, page=page, progress=progress
            )
            return made

        self._again = partial(self.export_to, path, format=format, voice=voice, page=page)
        self.progress.show_progress(None)
        self.progress.cancel.setEnabled(True)
        self.progress.show()
        self._export = context.background.run(self, work, self._exported, self._export_failed, key="export", progress=self._export_moved)

    def ask_export(self, button: QWidget) -> None:
        """Show the list of formats below a button, after the voices if there are several, then ask where to write the file."""
        lines = [line for line in self._details.audios if line.audio.status == "COMPLETED"] if self._details is not None else []
        voices = {line.audio.voice: line.voice for line in lines}
        corner = button.mapToGlobal(QPoint(0, button.height() + 4))
        if len(voices) <= 1:
            self._export_menu(voice=None, page=None).popup(corner)
            return
        menu = _menu(self)
        for voice_id, label in voices.items():
            inner = self._export_menu(voice=voice_id, page=None)
            inner.setTitle(label.replace("&", "&&"))
            menu.addMenu(inner)
        menu.popup(corner)

    def _export_menu(self, *, voice: str | None, page: int | None) -> QMenu:
        menu = _menu(self)
        for key, (name, what) in FORMATS.items():
            _add(menu, tr("{name}: {what}", name=name, what=tr(what)), partial(self._ask_path, key, voice=voice, page=page))
        return menu

    def _ask_path(self, format: str, *, voice: str | None, page: int | None) -> None:  # noqa: A002 - the backend's word
        if self._details is not None:
            stem = file_stem(self._details.document.title) + (f" page {page}" if page is not None else "")
            done = partial(self.export_to, format=format, voice=voice, page=page)
            ask_export(self.window(), name=stem, format=format, on_path=done)

    def _export_moved(self, state: tuple[int, int]) -> None:
        done, total = state
        detail = tr("{n} of {all} pages", n=number(done), all=number(total))
        self.progress.show_progress(done / total if total else None, detail=detail)

    def _exported(self, path: Path) -> None:
        self.progress.hide()
        self._page.context.notify(tr("Exported to {name}", name=path.name))

    def _export_failed(self, error: LecternError) -> None:
        self.progress.hide()
        away = isinstance(error, Unavailable)
        self._page.context.notify(str(error), tone="bad", undo=self._again if away else None, action=tr("Retry") if away else "")

    def _stop_export(self) -> None:
        if self._export is not None:
            self._export.cancel()
        self.progress.hide()
        self._page.context.notify(tr("Export stopped; nothing was written."), tone="info")

    def _retry_failed(self) -> None:
        details, context = self._details, self._page.context
        failed = [line.id for line in details.audios if line.audio.status == "FAILED"] if details is not None else []
        self._page.act(lambda: [context.backend.audios.requeue(audio_id, actor=context.actor) for audio_id in failed])

    def _open(self, line: AudioLine) -> None:
        if line.audio.status == "COMPLETED":
            self._listening.play(line.id)
        elif line.audio.status == "FAILED":
            self._retry_one(line)

    def _click(self, line: AudioLine, key: str, _place: QPointF) -> None:
        if key == "act":
            self._open(line)

    def _retry_one(self, line: AudioLine) -> None:
        context, audio_id = self._page.context, line.id
        self._page.act(lambda: context.backend.audios.requeue(audio_id, actor=context.actor))

    def _menu(self, line: AudioLine, at: QPoint) -> None:
        menu = _menu(self)
        if line.audio.status == "COMPLETED":
            _add(menu, tr("Play"), lambda: self._open(line))
            exports = self._export_menu(voice=line.audio.voice, page=line.audio.page)
            exports.setTitle(tr("Export this page"))
            menu.addMenu(exports)
        if line.audio.status == "FAILED":
            _add(menu, tr("Retry"), lambda: self._retry_one(line))
        _add(menu, tr("Delete"), lambda: self.delete(line))
        menu.popup(at)


class ActivityTab(QWidget):
    """The jobs of the document, newest first."""

    def __init__(self, page: Page) -> None:
        super().__init__()
        self._page = page
        self._details: Details | None = None
        self.table = Table(
            [
                Column("state", tr("Job"), lambda line: f"{line.job.title}, {line.words}, {line.below}", _draw_job),
                Column("act", "", lambda _line: tr("Press the menu key for what can be done"), _draw_job_act, width=52),
            ],
            name=tr("Jobs of the document"),
            row_height=_ROW,
            key=lambda line: line.id,
            empty=EmptyState("activity", tr("Nothing has happened yet")),
        )
        self.table.opened.connect(self._act)
        self.table.cell_clicked.connect(self._click)
        self.table.menu_wanted.connect(self._menu)
        self.cancel = Button(tr("Cancel all"), icon_name="x", on_click=self._cancel_all)
        self.open = PlainLabel("", "small")
        card = list_card(self.table)
        self.setLayout(column((card, 1), row(self.open, None, self.cancel), gap=10, margins=(0, 12, 0, 0)))

    def show_details(self, details: Details) -> None:
        """Show the jobs of a document."""
        self._details = details
        self.table.set_rows(details.jobs)
        waiting = len(details.open_jobs)
        self.open.setText(tr("{n} waiting or running", n=number(waiting)) if waiting else "")
        self.cancel.setVisible(waiting > 0)

    def _act(self, line: JobLine) -> None:
        context, job_id = self._page.context, line.id
        if line.job.state in OPEN_STATES:
            self._page.act(lambda: context.backend.jobs.cancel(job_id, actor=context.actor))
        elif _can_retry(line):
            self._page.act(lambda: context.backend.jobs.retry(job_id, actor=context.actor))

    def _click(self, line: JobLine, key: str, _place: QPointF) -> None:
        if key == "act":
            self._act(line)

    def _menu(self, line: JobLine, at: QPoint) -> None:
        words = tr("Cancel") if line.job.state in OPEN_STATES else tr("Retry") if _can_retry(line) else ""
        if words:
            menu = _menu(self)
            _add(menu, words, lambda: self._act(line))
            menu.popup(at)

    def _cancel_all(self) -> None:
        details, context = self._details, self._page.context
        if details is not None:
            jobs = details.open_jobs
            self._page.act(lambda: cancel_jobs(context.backend, jobs, actor=context.actor))


def _menu(owner: QWidget) -> QMenu:
    menu = QMenu(owner)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    return menu


def _add(menu: QMenu, words: str, run: Callable[[], object]) -> None:
    action = QAction(words.replace("&", "&&"), menu)
    action.triggered.connect(lambda _checked=False: run())
    menu.addAction(action)


def _on_delete(table: Table, run: Callable[[Any], object]) -> None:
    action = QAction(tr("Delete"), table)
    action.setShortcut(Qt.Key.Key_Delete)
    action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
    action.triggered.connect(lambda _checked=False: run(table.current()) if table.current() is not None else None)
    table.addAction(action)


def _draw_number(painter: QPainter, rect: QRectF, line: Any, _state: CellState) -> None:
    paint.text(painter, rect, str(line.audio.page), weight=SEMIBOLD, align=paint.RIGHT)


def _draw_audio(painter: QPainter, rect: QRectF, line: Any, state: CellState) -> None:
    _draw_lines(painter, rect, line, state, title=line.words, tone=tone_text(line.tone) if line.tone != "none" else "text")


def _draw_job(painter: QPainter, rect: QRectF, line: Any, state: CellState) -> None:
    below = f"{line.words} · {line.below}" if line.below else line.words
    _draw_lines(painter, rect, line, state, title=line.job.title, tone="text", below=below)
    if line.share is not None:
        paint.bar(painter, QRectF(rect.x() + _SIGN, rect.bottom() - 5, rect.width() - _SIGN, 3), line.share)


def _draw_lines(painter: QPainter, rect: QRectF, line: Any, state: CellState, *, title: str, tone: str, below: str = "") -> None:
    middle, left = rect.center().y(), rect.x() + _SIGN
    paint.icon(painter, QPointF(rect.x(), middle - 8), line.icon, tone_text(line.tone), size=16)
    room = rect.right() - left
    paint.text(painter, QRectF(left, middle - 18, room, 18), title, weight=MEDIUM, tone=tone)
    paint.text(painter, QRectF(left, middle + 1, room, 16), below or line.below, size=12, tone="text" if state.selected else "muted")


def _draw_audio_act(painter: QPainter, rect: QRectF, line: Any, state: CellState) -> None:
    _draw_act(painter, rect, {"COMPLETED": "play", "FAILED": "rotate-ccw"}.get(line.audio.status, ""), state)


def _can_retry(line: JobLine) -> bool:
    # speech that was cancelled left no audio to make again; it is generated anew
    return line.job.state == "failed" or (line.job.state == "cancelled" and line.job.audio_id is None)


def _draw_job_act(painter: QPainter, rect: QRectF, line: Any, state: CellState) -> None:
    icon = "x" if line.job.state in OPEN_STATES else "rotate-ccw" if _can_retry(line) else ""
    _draw_act(painter, rect, icon, state)


def _draw_act(painter: QPainter, rect: QRectF, icon: str, state: CellState) -> None:
    if icon:
        box = QRectF(rect.x(), rect.center().y() - 14, 28, 28)
        over = state.pointer is not None
        paint.box(painter, box, 7, fill="hover" if over else "surface", line="line2")
        paint.icon(painter, QPointF(box.x() + 7, box.y() + 7), icon, "text", size=14)
