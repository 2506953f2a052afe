"""The list of memories by day; it knows who is looking, so that what they are never given can be told from the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from PySide6.QtCore import QAbstractListModel, QEvent, QModelIndex, QPersistentModelIndex, QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from desktop.i18n import tr
from desktop.pages.memory.lines import SUPPORT, DayLine, MemoryLine
from desktop.pages.memory.painting import Look, draw_day, draw_line, height_of
from desktop.widgets import paint

_NEAR_END: Final = 12
_ROW: Final = Qt.ItemDataRole.UserRole
_Index = QModelIndex | QPersistentModelIndex
Row = DayLine | MemoryLine


class _Rows(QAbstractListModel):
    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.rows: list[Row] = []
        self.said: Callable[[MemoryLine], str] = lambda line: line.text

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self.rows)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        row = self.rows[index.row()]
        if role == _ROW:
            return row
        if role == Qt.ItemDataRole.AccessibleTextRole or role == Qt.ItemDataRole.DisplayRole:  # noqa: PLR1714 - enums of Qt do not hash alike
            return row.words if isinstance(row, DayLine) else self.said(row)
        return None

    def flags(self, index: _Index) -> Qt.ItemFlag:
        if isinstance(self.rows[index.row()], DayLine):
            return Qt.ItemFlag.ItemIsEnabled
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable

    def replace(self, rows: Sequence[Row]) -> None:
        self.beginResetModel()
        self.rows = list(rows)
        self.endResetModel()


class _Lines(QStyledItemDelegate):
    def __init__(self, view: Timeline) -> None:
        super().__init__(view)
        self._view = view

    def sizeHint(self, _option: QStyleOptionViewItem, index: _Index) -> QSize:
        return QSize(120, height_of(self._view.rows[index.row()]))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        view, row, rect = self._view, self._view.rows[index.row()], QRectF(option.rect)
        painter.save()
        painter.setClipRect(rect)
        paint.begin(painter)
        if isinstance(row, DayLine):
            draw_day(painter, rect, row)
        else:
            selected = bool(option.state & QStyle.StateFlag.State_Selected)
            hidden = tr("Hidden from {name}", name=view.viewer_name) if row.hidden_from(view.viewer) else ""
            last = index.row() == len(view.rows) - 1
            draw_line(painter, rect, row, Look(hidden, view.best.get(row.place, 0.0), last, selected, index.row() == view.hovered))
        painter.restore()


class Timeline(QListView):
    """Days and memories, newest first. ``viewer`` is the key of a place, or ``SUPPORT`` who sees everything that is open."""

    picked = Signal(object)
    """The memory that is selected now, None for none."""
    opened = Signal(object)
    """Enter, Space or a click on a memory."""
    menu_wanted = Signal(object, QPoint)
    """A memory and the global place of a right click or the menu key."""
    near_end = Signal()
    """Older memories may be wanted soon."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName(tr("Memories by day"))
        self.viewer, self.viewer_name = SUPPORT, ""
        self.hovered = -1
        self.best: dict[str, float] = {}
        self._model = _Rows(self)
        self._model.said = self._said
        self._empty: QWidget | None = None
        self.setModel(self._model)
        self.setItemDelegate(_Lines(self))
        self.setProperty("kind", "plain")
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMouseTracking(True)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._ask_menu)
        self.selectionModel().selectionChanged.connect(lambda *_: self.picked.emit(self.current()))
        self.clicked.connect(self._click)
        self.verticalScrollBar().valueChanged.connect(self._check_end)

    @property
    def rows(self) -> list[Row]:
        """What is shown; do not change it."""
        return self._model.rows

    @property
    def lines(self) -> list[MemoryLine]:
        """The memories among the rows."""
        return [row for row in self._model.rows if isinstance(row, MemoryLine)]

    def set_empty(self, widget: QWidget) -> None:
        """Show ``widget`` while there is no row."""
        self._empty = widget
        widget.setParent(self.viewport())
        self._place_empty()

    def show_rows(self, rows: Sequence[Row], *, keep: bool = False) -> None:
        """Show ``rows``; selection survives by key, and with ``keep`` the scroll place too."""
        chosen, place = self.current(), self.verticalScrollBar().value()
        self.best = {}
        for row in rows:
            if isinstance(row, MemoryLine):
                self.best[row.place] = max(row.score, self.best.get(row.place, 0.0))
        self.selectionModel().blockSignals(True)  # noqa: FBT003 - Qt's signature
        self._model.replace(rows)
        found = chosen is not None and self.select_key(chosen.key, scroll=False)
        self.selectionModel().blockSignals(False)  # noqa: FBT003 - Qt's signature
        self.verticalScrollBar().setValue(place if keep else 0)
        self._place_empty()
        if chosen is not None and not found:
            self.picked.emit(None)

    def look_as(self, viewer: str, name: str) -> None:
        """Show what ``viewer`` would be given; ``name`` stands on the pills of the rest."""
        self.viewer, self.viewer_name = viewer, name
        self.viewport().update()

    def current(self) -> MemoryLine | None:
        """Return the selected memory."""
        chosen = self.selectionModel().selectedIndexes()
        row = self._model.rows[chosen[0].row()] if chosen and chosen[0].row() < len(self._model.rows) else None
        return row if isinstance(row, MemoryLine) else None

    def select_key(self, key: str, *, scroll: bool = True) -> bool:
        """Select the memory ``key``; False when it is not in the list."""
        for number, row in enumerate(self._model.rows):
            if isinstance(row, MemoryLine) and row.key == key:
                self.setCurrentIndex(self._model.index(number))
                if scroll:
                    self.scrollTo(self._model.index(number))
                return True
        return False

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Open on Enter and Space; move with J and K as with the arrows, past the days."""
        keys = {Qt.Key.Key_J: 1, Qt.Key.Key_Down: 1, Qt.Key.Key_K: -1, Qt.Key.Key_Up: -1}
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            if (line := self.current()) is not None:
                self.opened.emit(line)
        elif event.key() in keys and not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
            self._step(keys[Qt.Key(event.key())])
        else:
            super().keyPressEvent(event)

    def viewportEvent(self, event: QEvent) -> bool:
        """Follow the mouse for the hover state."""
        if event.type() == QEvent.Type.MouseMove and isinstance(event, QMouseEvent):
            self._hover(self.indexAt(event.position().toPoint()).row())
        elif event.type() == QEvent.Type.Leave:
            self._hover(-1)
        return super().viewportEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the empty state centred."""
        super().resizeEvent(event)
        self._place_empty()

    def _said(self, line: MemoryLine) -> str:
        hidden = tr("Hidden from {name}", name=self.viewer_name) if line.hidden_from(self.viewer) else ""
        return ", ".join(part for part in (line.text, line.origin, line.time, hidden) if part)

    def _step(self, by: int) -> None:
        number = self.currentIndex().row() + by
        while 0 <= number < len(self._model.rows):
            if isinstance(self._model.rows[number], MemoryLine):
                self.setCurrentIndex(self._model.index(number))
                return
            number += by

    def _hover(self, number: int) -> None:
        if number != self.hovered:
            self.hovered = number
            self.viewport().update()

    def _click(self, index: QModelIndex) -> None:
        row = self._model.rows[index.row()]
        if isinstance(row, MemoryLine):
            self.opened.emit(row)

    def _ask_menu(self, place: QPoint) -> None:
        index = self.indexAt(place)
        row = self._model.rows[index.row()] if index.isValid() else None
        if isinstance(row, MemoryLine):
            self.setCurrentIndex(index)
            self.menu_wanted.emit(row, self.viewport().mapToGlobal(place))

    def _check_end(self) -> None:
        last = self.indexAt(QPoint(1, self.viewport().height() - 2)).row()
        if self._model.rows and (last < 0 or last >= len(self._model.rows) - _NEAR_END):
            self.near_end.emit()

    def _place_empty(self) -> None:
        if self._empty is not None:
            self._empty.setVisible(not self._model.rows)
            self._empty.setGeometry(self.viewport().rect())
