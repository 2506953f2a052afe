"""The documents that came in last."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QRectF, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QStackedWidget

from desktop.i18n import ago, byte_size, duration, number, tr
from desktop.pages.overview.live_card import LiveCard
from desktop.widgets.button import Button
from desktop.widgets.cells import progress_cell, two_line_cell
from desktop.widgets.label import PlainLabel
from desktop.widgets.layout import holder, row
from desktop.widgets.states import EmptyState
from desktop.widgets.table import CellState, Column, PaintCell, Table

if TYPE_CHECKING:
    from backend_core.documents.records import AudioSummary, DocumentPage, DocumentRow

SHOWN: Final = 5
_ROW_HEIGHT = 60
_INSET = 4.0
_AUDIO_WIDTH = 192


class DocumentsCard(LiveCard):
    """The last five documents, or an invitation to add the first; ``chosen`` carries the id of a clicked one."""

    chosen = Signal(object)

    def __init__(self, *, on_all: Callable[[], object], on_add: Callable[[], object]) -> None:
        link = Button(tr("View all"), "link", name=tr("View all documents"), on_click=on_all)
        super().__init__(tr("Recent documents"), icon_name="file-text", right=(link,), flush=True)
        self.all = link
        self.table = Table(_columns(), name=tr("Recent documents"), row_height=_ROW_HEIGHT, key=lambda document: document.id)
        self.table.horizontalHeader().hide()
        self.table.setMinimumHeight(2 * _ROW_HEIGHT)
        self.table.opened.connect(self._choose)
        self.table.cell_clicked.connect(lambda document, _key, _place: self._choose(document))
        self.empty = EmptyState(
            "file-text",
            tr("No documents yet"),
            detail=tr("Choose PDF, DOCX, Markdown or text files, or drop them on this window."),
            action=tr("Add documents"),
            on_action=on_add,
        )
        self._unread = holder(row(None, PlainLabel(tr("Not read yet"), "muted"), None))
        self._stack = QStackedWidget()
        for part in (self._unread, self.table, self.empty):
            self._stack.addWidget(part)
        self.all.hide()
        self.add((self._stack, 1), 8)

    def show_page(self, page: DocumentPage) -> None:
        """Show the first slice of the list."""
        self.table.set_rows(page.rows[:SHOWN])
        self._stack.setCurrentWidget(self.table if page.rows else self.empty)
        self.all.setVisible(bool(page.rows))
        self.all.set_caption(tr("View all {n}", n=number(page.total)), name=tr("View all documents"))

    def _choose(self, document: DocumentRow) -> None:
        self.table.clearSelection()
        self.chosen.emit(document.id)


def _columns() -> list[Column]:
    return [
        Column(
            "title",
            tr("Title"),
            lambda document: document.title,
            _inset(two_line_cell(lambda document: document.title, about, icon_name=lambda _document: "file-text"), left=_INSET),
        ),
        Column("audio", tr("Audio"), lambda document: state(document)[1], _inset(progress_cell(state), right=_INSET), width=_AUDIO_WIDTH),
    ]


def _inset(cell: PaintCell, *, left: float = 0.0, right: float = 0.0) -> PaintCell:
    """Return ``cell`` a little narrower, so that it lines up with the header of the card."""

    def draw(painter: QPainter, rect: QRectF, document: DocumentRow, look: CellState) -> None:
        cell(painter, rect.adjusted(left, 0, -right, 0), document, look)

    return draw


def about(document: DocumentRow) -> str:
    """Return kind, size and age in one line."""
    pages = "" if not document.page_count else tr("1 page") if document.page_count == 1 else tr("{n} pages", n=number(document.page_count))
    parts = (document.kind.upper(), pages, byte_size(document.size_bytes), ago(document.created_at))
    return " · ".join(part for part in parts if part)


def state(document: DocumentRow) -> tuple[str, str, str, float | None]:
    """Return icon, words, tone, and the share of pages that have audio while some are being made."""
    if document.status == "FAILED":
        return "circle-alert", tr("Could not be read"), "bad", None
    if document.status != "COMPLETED":
        return "loader", tr("Reading pages"), "info", None
    return _audio_state(document.audio, document.page_count)


def _audio_state(audio: AudioSummary, pages: int) -> tuple[str, str, str, float | None]:
    if audio.working:
        share = audio.pages_ready / pages if pages else None
        return "audio-lines", tr("{n} of {all}", n=number(audio.pages_ready), all=number(pages)), "info", share
    if audio.failed:
        words = tr("1 page failed") if audio.failed == 1 else tr("{n} pages failed", n=number(audio.failed))
        return "circle-alert", words, "bad", None
    if not audio.ready:
        return "circle-dashed", tr("No audio yet"), "none", None
    if audio.pages_ready < pages:
        return "headphones", tr("{n} of {all} pages", n=number(audio.pages_ready), all=number(pages)), "none", None
    return "circle-check", tr("Ready · {length}", length=duration(audio.seconds)), "ok", None
