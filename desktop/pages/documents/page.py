"""The Documents page: find, add and open documents, and hear them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final

from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, Qt
from PySide6.QtGui import QAction, QDragEnterEvent, QDragLeaveEvent, QDropEvent, QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QMenu, QVBoxLayout

from backend_core.errors import LecternError
from desktop.i18n import number, tr
from desktop.pages.documents.details import Details
from desktop.pages.documents.dialogs import ask_files
from desktop.pages.documents.drawer import DocumentDrawer
from desktop.pages.documents.importing import DropZone, FileResult, ImportPanel
from desktop.pages.documents.list_card import list_card
from desktop.pages.documents.listening import Listening
from desktop.pages.documents.table_model import ROW_HEIGHT, DocumentLine, button_at, columns, document_line
from desktop.widgets.badge import Badge
from desktop.widgets.button import Button, SegmentedControl
from desktop.widgets.drawer import DrawerHost
from desktop.widgets.field import SearchField
from desktop.widgets.label import IconLabel, PlainLabel
from desktop.widgets.layout import column, holder, row
from desktop.widgets.page import Page, PageContext, title_row
from desktop.widgets.states import EmptyState
from desktop.widgets.table import Table

SLICE: Final = 100
LARGEST_SLICE: Final = 500
NEAR_ROWS: Final = 20
LIMIT_MIB: Final = 200
_STATUSES: Final = (("", "All"), ("COMPLETED", "Read"), ("PROCESSING", "Reading"), ("PENDING", "Waiting"), ("FAILED", "Failed"))


@dataclass(frozen=True, slots=True)
class Slice:
    """Rows of the list, ready to be painted.

    Attributes:
        cursor: where the next slice begins, None at the end.
        total: documents that match.
    """

    lines: tuple[DocumentLine, ...]
    cursor: str | None
    total: int


def read_slice(backend: Any, *, actor: Any, search: str, status: str, after: str | None, rows: int) -> Slice:
    """Read at least ``rows`` rows where there are so many, in slices of at most 500; runs in a worker."""
    lines: list[DocumentLine] = []
    while True:
        wanted = min(LARGEST_SLICE, rows - len(lines))
        found = backend.documents.listing(actor=actor, search=search, status=status or None, after=after, limit=wanted)
        lines += [document_line(document) for document in found.rows]
        after = found.next_cursor
        if after is None or len(lines) >= rows:
            return Slice(tuple(lines), after, found.total)


class DocumentsPage(Page):
    """The list with its drawer and the player."""

    key: ClassVar[str] = "documents"
    title: ClassVar[str] = "Documents"
    icon: ClassVar[str] = "file-text"
    group: ClassVar[str] = "Operate"
    tables: ClassVar[frozenset[str]] = frozenset({"documents", "document_pages", "audios", "job_run"})

    def __init__(self, context: PageContext) -> None:
        super().__init__(context)
        self._search = self._status = ""
        self._cursor: str | None = None
        self._reading_more = False
        self._total = 0
        self._wanted = 0
        self.listening = Listening(context, self)
        self.drawer = DocumentDrawer(self, self.listening, on_deleted=self._tell_deleted)
        self.drawer.setObjectName("drawer")
        self.imports = ImportPanel(self, on_done=self._imported)
        self._build()
        self._connect()
        self.setAcceptDrops(True)

    # -- what the shell calls

    def refresh(self) -> None:
        """Read the rows that are loaded again, and the drawer."""
        context, search, status = self.context, self._search, self._status
        rows = max(SLICE, len(self.table.rows))
        self._reading_more = False
        self.load(lambda: read_slice(context.backend, actor=context.actor, search=search, status=status, after=None, rows=rows), self._show)
        self.drawer.refresh()

    def open_target(self, **target: object) -> None:
        """Show ``document_id`` (and ``page``), import ``files``, or search for ``search``."""
        files, document_id, search = target.get("files"), target.get("document_id"), target.get("search")
        if isinstance(files, list):
            self.add_files(files)
        if isinstance(document_id, int):
            page_number = target.get("page")
            self.open_document(document_id, page_number=page_number if isinstance(page_number, int) else 1)
        if isinstance(search, str):
            self.search.setText(search)

    def open_document(self, document_id: int, *, page_number: int = 1) -> None:
        """Show the drawer for a document."""
        self._wanted = document_id
        self._select_wanted()
        self.host.open()
        self.drawer.show_document(document_id, page_number=page_number)

    def add_files(self, paths: Sequence[Path]) -> None:
        """Import files and folders of files."""
        if paths:
            self.imports.add(paths)

    def choose_files(self) -> None:
        """Ask which files to import."""
        ask_files(self.window(), on_files=self.add_files)

    # -- the list

    def _show(self, found: Slice) -> None:
        self._cursor, self._total = found.cursor, found.total
        filtered = bool(self._search or self._status)
        if filtered:
            self.empty.set_words(tr("No document matches"), detail=tr("Try fewer words or another state."))
        else:
            self.empty.set_words(tr("No documents yet"), detail=tr("Add a PDF, DOCX, Markdown or text file and hear it read aloud."))
        if self.empty.action is not None:
            self.empty.action.setVisible(not filtered)
        self.table.set_rows(found.lines)
        self._show_counts()
        self._select_wanted()
        self._check_end()

    def _check_end(self) -> None:
        """Read on if the end is still in sight, as it is when a refresh overtook the slice that was under way."""
        bar = self.table.verticalScrollBar()
        if bar.maximum() - bar.value() < NEAR_ROWS * ROW_HEIGHT:
            self._read_more()

    def _read_more(self) -> None:
        if self._cursor is None or self._reading_more:
            return
        self._reading_more = True
        context, search, status, after = self.context, self._search, self._status, self._cursor

        def show(found: Slice) -> None:
            # a refresh in the meantime replaced the list this slice continues
            if self._reading_more and after == self._cursor:
                self._cursor, self._total = found.cursor, found.total
                self.table.append_rows(found.lines)
                self._show_counts()
            self._reading_more = False
            self._check_end()

        def fail(_error: LecternError) -> None:
            self._reading_more = False

        context.background.run(
            self,
            lambda: read_slice(context.backend, actor=context.actor, search=search, status=status, after=after, rows=SLICE),
            show,
            fail,
            key="more",
        )

    def _show_counts(self) -> None:
        loaded = len(self.table.rows)
        self.count.show_state(number(self._total))
        words = tr("{n} of {all} documents · newest first", n=number(loaded), all=number(self._total))
        self.footer.setText(words if self._total > 1 else tr("1 document") if self._total else tr("Nothing to show"))
        working = sum(line.document.audio.working for line in self.table.rows)
        self.working.setText(tr("1 page in progress") if working == 1 else tr("{n} pages in progress", n=number(working)))
        for part in (self.busy, self.working):
            part.setVisible(working > 0)
        # a fresh start has one message and one action; the band and the filters wait for the first document
        fresh = not self._total and not self._search and not self._status
        self.drop.setVisible(not fresh)
        self.filters.setVisible(not fresh)

    def _select_wanted(self) -> None:
        """Select the row that was asked for once it is loaded."""
        if self._wanted and self.table.select_key(self._wanted):
            self._wanted = 0

    def _find(self, search: str) -> None:
        self._search = search
        self._start_over()

    def _filter(self, status: object) -> None:
        self._status = str(status)
        self._start_over()

    def _start_over(self) -> None:
        self.table.verticalScrollBar().setValue(0)
        self._cursor = None
        context, search, status = self.context, self._search, self._status
        self.load(
            lambda: read_slice(context.backend, actor=context.actor, search=search, status=status, after=None, rows=SLICE), self._show
        )

    # -- what the user does

    def _selected(self, line: DocumentLine | None) -> None:
        """Follow the selection while the drawer is open."""
        if line is not None and not self.drawer.isHidden():
            self.drawer.show_document(line.id)

    def _clicked(self, line: DocumentLine, key: str, place: QPointF) -> None:
        button = button_at(line, place) if key == "updated" else ""
        if button == "play":
            self.listening.play_document(line.id)
        elif button == "menu":
            self._menu(line, self.table.viewport().mapToGlobal(self.table.viewport().mapFromGlobal(self.cursor().pos())))
        else:
            self.open_document(line.id)

    def _menu(self, line: DocumentLine, at: QPoint) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        entries = [(tr("Open"), lambda: self.open_document(line.id), True)]
        entries.append((tr("Play"), lambda: self.listening.play_document(line.id), line.playable))
        entries.append((tr("Retry"), lambda: self._retry(line), line.document.status == "FAILED"))
        for words, run, usable in entries:
            if usable:
                action = QAction(words, menu)
                action.triggered.connect(lambda _checked=False, run=run: run())
                menu.addAction(action)
        menu.popup(at)

    def _retry(self, line: DocumentLine) -> None:
        context, document_id = self.context, line.id
        self.act(lambda: context.backend.documents.retry(document_id, actor=context.actor))

    def _imported(self, results: list[FileResult]) -> None:
        added = [result for result in results if result.document_id is not None]
        self.refresh()
        if not added:
            return
        words = tr("{name} added", name=added[0].name) if len(added) == 1 else tr("{n} documents added", n=number(len(added)))
        self.context.notify(words)
        if len(added) == 1 and added[0].document_id is not None:
            self.open_document(added[0].document_id)

    def _tell_deleted(self, details: Details) -> None:
        context, document = self.context, details.document

        def restore() -> None:
            self.act(
                lambda: context.backend.documents.restore(document.id, actor=context.actor), lambda _row: self.open_document(document.id)
            )

        context.notify(tr("“{title}” deleted", title=document.title), undo=restore)

    # -- keys and drops

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Let Space mean play or pause while something is in the player, instead of opening the row."""
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Space and self._space():
            return True
        return super().eventFilter(watched, event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc closes the drawer, Space plays or pauses, F2 renames."""
        if event.key() == Qt.Key.Key_Escape and not self.drawer.isHidden():
            self.drawer.close_drawer()
        elif event.key() == Qt.Key.Key_F2 and not self.drawer.isHidden():
            self.drawer.start_rename()
        elif event.key() != Qt.Key.Key_Space or not self._space():
            super().keyPressEvent(event)

    def _space(self) -> bool:
        if self.listening.current is not None:
            self.listening.player.toggle()
            return True
        if not self.drawer.isHidden():
            self.drawer.pages.toggle_playback()
            return True
        return False

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take local files."""
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()
            self.drop.set_hot(on=True)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        super().dragLeaveEvent(event)
        self.drop.set_hot(on=False)

    def dropEvent(self, event: QDropEvent) -> None:
        """Import what was dropped."""
        self.drop.set_hot(on=False)
        event.acceptProposedAction()
        self.add_files([Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()])

    # -- building

    def _build(self) -> None:
        self.count = Badge()
        add = Button(tr("Add documents"), "primary", icon_name="plus", on_click=self.choose_files)
        self.search = SearchField(name=tr("Search documents"), hint=tr("Search titles and file names"), key="/")
        self.chips = SegmentedControl([(key, tr(words)) for key, words in _STATUSES], name=tr("State"))
        self.empty = EmptyState("file-text", tr("No documents yet"), action=tr("Add documents"), on_action=self.choose_files)
        self.table = Table(columns(), name=tr("Documents"), row_height=ROW_HEIGHT, key=lambda line: line.id, empty=self.empty)
        self.drop = DropZone(limit_mib=LIMIT_MIB)
        self.footer, self.working = PlainLabel("", "small"), PlainLabel("", "small")
        self.busy = IconLabel("loader", "accent", size=14)
        card = list_card((self.table, 1), self.drop).add_footer(self.footer, None, self.busy, self.working)
        self.filters = holder(row((self.search, 1), self.chips, gap=10), height=32)
        head = title_row(tr("Documents"), self.count, right=(add,))
        inner = holder(column(head, self.filters, self.imports, (card, 1), gap=12, margins=(24, 18, 24, 16)))
        self.host = DrawerHost(inner, self.drawer)
        lane = QVBoxLayout(self.content)
        lane.setContentsMargins(0, 0, 0, 0)
        lane.addWidget(self.host)

    def _connect(self) -> None:
        self.table.selected.connect(self._selected)
        self.table.opened.connect(lambda line: self.open_document(line.id))
        self.table.cell_clicked.connect(self._clicked)
        self.table.menu_wanted.connect(self._menu)
        self.table.near_end.connect(self._read_more)
        self.table.installEventFilter(self)
        self.drawer.pages.view.installEventFilter(self)
        self.search.searched.connect(self._find)
        self.chips.chosen.connect(self._filter)
        self.drawer.closed.connect(self.table.setFocus)
        slash = QShortcut(QKeySequence("/"), self)
        slash.activated.connect(self.search.setFocus)
        add = self.context.commands.add
        group = tr("Documents")
        add("documents.import", title=tr("Add documents"), run=self._import_here, group=group, shortcut="Ctrl+O", icon="upload")
        add("documents.play", title=tr("Play or pause"), run=self._space, group=group, icon="play")

    def _import_here(self) -> None:
        self.context.navigate(self.key)
        self.choose_files()
