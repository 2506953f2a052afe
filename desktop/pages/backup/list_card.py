"""The backups there are, newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import QPoint, QRectF, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QMenu

from desktop.i18n import tr
from desktop.pages.backup.words import contents, made, size, state
from desktop.widgets import paint
from desktop.widgets.button import Button
from desktop.widgets.card import Card
from desktop.widgets.cells import text_cell, two_line_cell
from desktop.widgets.label import ElidedLabel, IconLabel
from desktop.widgets.states import EmptyState
from desktop.widgets.table import CellState, Column, Table

if TYPE_CHECKING:
    from collections.abc import Callable

    from backend_core.backup.records import BackupRow, BackupView

_ROW_HEIGHT: Final = 52
_SIZE_WIDTH: Final = 92
_STATE_WIDTH: Final = 136
_LEAST_ROWS: Final = 4


class ListCard(Card):
    """A row per backup; ``verify_wanted`` and ``restore_wanted`` carry the row."""

    verify_wanted = Signal(object)
    restore_wanted = Signal(object)

    def __init__(self, *, on_first: Callable[[], object], on_folder: Callable[[], object]) -> None:
        self.verify = Button(tr("Verify"), "small", icon_name="shield-check", on_click=self._verify)
        self.restore = Button(tr("Restore…"), "small", icon_name="rotate-ccw", on_click=self._restore)
        super().__init__(tr("Backups"), icon_name="archive", right=(self.verify, self.restore), flush=True)
        detail = tr("A backup is one encrypted file with everything: documents, audio, settings and the audit log.")
        self.empty = EmptyState(
            "archive", tr("No backup yet"), detail=detail, action=tr("Back up now"), action_icon="archive", on_action=on_first
        )
        self.table = Table(_columns(), name=tr("Backups"), row_height=_ROW_HEIGHT, key=_key, empty=self.empty)
        self.table.setMinimumHeight(_LEAST_ROWS * _ROW_HEIGHT)
        self.table.selected.connect(lambda _row: self._enable())
        self.table.opened.connect(lambda _row: self._verify())
        self.table.menu_wanted.connect(self._show_menu)
        self.folder = ElidedLabel(size=12, tone="muted")
        self.show_folder = Button(tr("Show folder"), "link", on_click=on_folder)
        self.add((self.table, 1))
        self.add_footer(IconLabel("folder-open", size=14), (self.folder, 1), self.show_folder)
        self._busy = False
        self._enable()

    def show_view(self, view: BackupView) -> None:
        """Show the rows of ``view``."""
        self.table.set_rows(view.rows)
        self.folder.setText(str(view.folder))
        self._enable()

    def set_busy(self, *, busy: bool) -> None:
        """Offer no work while some is under way."""
        self._busy = busy
        if self.empty.action is not None:
            self.empty.action.setEnabled(not busy)
        self._enable()

    def _enable(self) -> None:
        row: BackupRow | None = self.table.current()
        there = row is not None and row.present
        self.verify.setEnabled(there and not self._busy)
        self.restore.setEnabled(there)

    def _verify(self) -> None:
        if self.verify.isEnabled():
            self.verify_wanted.emit(self.table.current())

    def _restore(self) -> None:
        if self.restore.isEnabled():
            self.restore_wanted.emit(self.table.current())

    def _show_menu(self, _row: object, place: QPoint) -> None:
        menu = QMenu(self)
        for words, work, button in ((tr("Verify"), self._verify, self.verify), (tr("Restore…"), self._restore, self.restore)):
            action = menu.addAction(words, work)
            action.setEnabled(button.isEnabled())
        menu.popup(place)


def _key(row: BackupRow) -> object:
    return (row.id, row.file_name)


def _columns() -> list[Column]:
    return [
        Column("made", tr("Backup"), made, two_line_cell(made, contents, icon_name=_icon)),
        Column("size", tr("Size"), size, text_cell(size, right=True), width=_SIZE_WIDTH, right=True),
        Column("state", tr("State"), lambda row: state(row)[0], _draw_state, width=_STATE_WIDTH),
    ]


def _icon(row: BackupRow) -> str:
    return "circle-x" if row.error is not None else "archive"


def _draw_state(painter: QPainter, rect: QRectF, row: Any, cell: CellState) -> None:
    words, tone = state(row)
    if tone != "unknown":
        paint.pill(painter, rect.x(), rect.center().y(), words, tone, edge=cell.selected or tone == "none")
        return
    whole = QRectF(rect.x(), rect.center().y() - paint.PILL_HEIGHT / 2, paint.pill_width(words), paint.PILL_HEIGHT)
    paint.hatch(painter, whole, whole.height() / 2)
    inside = whole.adjusted(6, 2, -6, -2)
    paint.box(painter, inside, inside.height() / 2, fill="surface")
    paint.text(painter, whole, words, size=12, tone="muted", align=paint.CENTRE, elide=False)
