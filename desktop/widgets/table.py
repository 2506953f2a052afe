"""A table of uniform rows: one delegate paints every cell through its column's own function."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from PySide6.QtCore import (
    QAbstractTableModel,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPoint,
    QPointF,
    QRectF,
    Qt,
    Signal,
)
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QTableView, QWidget

from desktop.style import colour
from desktop.widgets import paint

HEADER_HEIGHT: Final = 34
CELL_PAD: Final = 12
_SELECTION_BAR = 3
_NEAR_END_ROWS = 30
_Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True, slots=True)
class CellState:
    """How the row of a cell is shown; ``pointer`` is the mouse in the cell, None elsewhere."""

    selected: bool
    hovered: bool
    pointer: QPointF | None


PaintCell = Callable[[QPainter, QRectF, Any, CellState], None]


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        key: stable name.
        title: heading.
        text: what a screen reader says and Ctrl+C copies for a row.
        paint: draws a cell inside its padding; see ``cells.py``.
        width: px, 0 takes the spare room.
        right: heading and numbers stand right.
        sortable: a click on the heading asks for another order.
    """

    key: str
    title: str
    text: Callable[[Any], str]
    paint: PaintCell
    width: int = 0
    right: bool = False
    sortable: bool = False


class _Rows(QAbstractTableModel):
    def __init__(self, columns: Sequence[Column], parent: QObject) -> None:
        super().__init__(parent)
        self.columns = columns
        self.rows: list[Any] = []

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self.columns)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        return self.columns[index.column()].text(self.rows[index.row()])

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self.columns[section].title
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if self.columns[section].right else Qt.AlignmentFlag.AlignLeft
            return side | Qt.AlignmentFlag.AlignVCenter
        return None


class _Delegate(QStyledItemDelegate):
    def __init__(self, table: RowView) -> None:
        super().__init__(table)
        self._table = table

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        table = self._table
        rect = QRectF(option.rect)
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        hovered = index.row() == table.hovered_row
        painter.save()
        painter.fillRect(rect, colour("sel" if selected else "hover" if hovered else "surface"))
        painter.fillRect(QRectF(rect.x(), rect.bottom() - 1, rect.width(), 1), colour("grid"))
        if selected and index.column() == 0:
            painter.fillRect(QRectF(rect.x(), rect.y(), _SELECTION_BAR, rect.height() - 1), colour("accent"))
        painter.setClipRect(rect)
        paint.begin(painter)
        inside = rect.adjusted(CELL_PAD, 0, -CELL_PAD, -1)
        pointer = table.pointer if hovered and rect.contains(table.pointer) else None
        local = pointer - inside.topLeft() if pointer is not None else None
        table.columns[index.column()].paint(painter, inside, table.row_at(index.row()), CellState(selected, hovered, local))
        painter.restore()


class RowView(QTableView):
    """What every table of uniform rows shares: look, columns, hover and the painting of cells.

    Args:
        columns: at least one with ``width`` 0.
        name: accessible name.
        row_height: px.
    """

    def __init__(self, columns: Sequence[Column], *, name: str, row_height: int) -> None:
        super().__init__()
        self.columns = tuple(columns)
        self.hovered_row = -1
        self.pointer = QPointF(-1, -1)
        self.setItemDelegate(_Delegate(self))
        self.setAccessibleName(name)
        self._set_look(row_height)

    def row_at(self, number: int) -> Any:
        """Return the row of that number."""
        raise NotImplementedError

    def viewportEvent(self, event: QEvent) -> bool:
        """Follow the mouse for the hover state."""
        if event.type() == QEvent.Type.MouseMove and isinstance(event, QMouseEvent):
            self._hover(self.rowAt(int(event.position().y())), event.position())
        elif event.type() == QEvent.Type.Leave:
            self._hover(-1, QPointF(-1, -1))
        return super().viewportEvent(event)

    def set_header(self) -> None:
        """Give the heading its widths; call it after the model is set."""
        header = self.horizontalHeader()
        header.setFixedHeight(HEADER_HEIGHT)
        header.setMinimumSectionSize(20)
        header.setHighlightSections(False)
        header.setSectionsClickable(any(column.sortable for column in self.columns))
        for number, column in enumerate(self.columns):
            header.setSectionResizeMode(number, QHeaderView.ResizeMode.Fixed if column.width else QHeaderView.ResizeMode.Stretch)
            if column.width:
                self.setColumnWidth(number, column.width)

    def _set_look(self, row_height: int) -> None:
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setMouseTracking(True)
        self.setTabKeyNavigation(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        rows = self.verticalHeader()
        rows.hide()
        rows.setMinimumSectionSize(10)
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        rows.setDefaultSectionSize(row_height)
        self.verticalScrollBar().setSingleStep(row_height)

    def _hover(self, number: int, pointer: QPointF) -> None:
        changed = number != self.hovered_row or (number >= 0 and pointer != self.pointer)
        before, self.hovered_row, self.pointer = self.hovered_row, number, pointer
        for row in {before, number} if changed else ():
            if row >= 0:
                self.viewport().update(0, self.rowViewportPosition(row), self.viewport().width(), self.rowHeight(row))


class Table(RowView):
    """A list of rows of any type.

    Args:
        columns: at least one with ``width`` 0.
        name: accessible name.
        row_height: px.
        key: the identity of a row, so that a refresh keeps selection and place.
        empty: shown while there are no rows.
    """

    selected = Signal(object)
    """The selected row, None when there is none."""
    opened = Signal(object)
    """Enter, Space or a double click on a row."""
    cell_clicked = Signal(object, str, QPointF)
    """row, column key, place inside the cell's padding."""
    menu_wanted = Signal(object, QPoint)
    """row and global place of a right click or the menu key."""
    sort_wanted = Signal(str, bool)
    """column key, descending."""
    near_end = Signal()
    """Fewer than 30 rows lie below; load more."""

    def __init__(
        self,
        columns: Sequence[Column],
        *,
        name: str,
        row_height: int = 44,
        key: Callable[[Any], object] = lambda row: row,
        empty: QWidget | None = None,
    ) -> None:
        super().__init__(columns, name=name, row_height=row_height)
        self._key = key
        self._rows = _Rows(self.columns, self)
        self._empty = empty
        self._quiet = False
        self.setModel(self._rows)
        self.set_header()
        self.horizontalHeader().sectionClicked.connect(self._ask_order)
        if empty is not None:
            empty.setParent(self.viewport())
        self.selectionModel().selectionChanged.connect(self._announce)
        self.doubleClicked.connect(self._open)
        self.clicked.connect(self._click)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._ask_menu)
        self.verticalScrollBar().valueChanged.connect(self._check_end)

    def set_rows(self, rows: Iterable[Any]) -> None:
        """Show ``rows`` instead; selection, current row and scroll place survive by key."""
        kept = [self._key(row) for row in self.selected_rows()]
        place = self.verticalScrollBar().value()
        self._quiet = True
        self._rows.beginResetModel()
        self._rows.rows = list(rows)
        self._rows.endResetModel()
        self._select_keys(kept)
        self._quiet = False
        # The scroll bar learns of the new rows only here; before, it would clip the place.
        self.updateGeometries()
        self.verticalScrollBar().setValue(place)
        self._place_empty()
        if kept and [self._key(row) for row in self.selected_rows()] != kept:
            self._announce()

    def append_rows(self, rows: Sequence[Any]) -> None:
        """Add ``rows`` at the end."""
        if rows:
            first = len(self._rows.rows)
            self._rows.beginInsertRows(QModelIndex(), first, first + len(rows) - 1)
            self._rows.rows.extend(rows)
            self._rows.endInsertRows()
        self._place_empty()

    @property
    def rows(self) -> Sequence[Any]:
        """What is loaded; do not change it."""
        return self._rows.rows

    def row_at(self, number: int) -> Any:
        """Return the row of that number."""
        return self._rows.rows[number]

    def current(self) -> Any:
        """Return the selected row, or None."""
        chosen = self.selected_rows()
        return chosen[0] if chosen else None

    def selected_rows(self) -> list[Any]:
        """Return the selected rows from top to bottom."""
        numbers = sorted(index.row() for index in self.selectionModel().selectedRows())
        return [self._rows.rows[number] for number in numbers]

    def select_key(self, key: object) -> bool:
        """Select the row with ``key`` and scroll to it; False when it is not loaded."""
        for number, row in enumerate(self._rows.rows):
            if self._key(row) == key:
                self.selectRow(number)
                self.scrollTo(self._rows.index(number, 0))
                return True
        return False

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Open on Enter and Space; move with J and K as with the arrows."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and self.currentIndex().isValid():
            self._open(self.currentIndex())
        elif event.key() in (Qt.Key.Key_J, Qt.Key.Key_K) and not event.modifiers():
            step = 1 if event.key() == Qt.Key.Key_J else -1
            target = min(max(0, self.currentIndex().row() + step), len(self._rows.rows) - 1)
            if target >= 0:
                self.selectRow(target)
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the empty state centred."""
        super().resizeEvent(event)
        self._place_empty()

    def _ask_order(self, number: int) -> None:
        if not self.columns[number].sortable:
            return
        header = self.horizontalHeader()
        descending = header.sortIndicatorSection() == number and header.sortIndicatorOrder() == Qt.SortOrder.AscendingOrder
        header.setSortIndicatorShown(True)
        header.setSortIndicator(number, Qt.SortOrder.DescendingOrder if descending else Qt.SortOrder.AscendingOrder)
        self.sort_wanted.emit(self.columns[number].key, descending)

    def _select_keys(self, keys: Sequence[object]) -> None:
        wanted = set(keys)
        for number, row in enumerate(self._rows.rows if wanted else ()):
            if self._key(row) in wanted:
                self.selectRow(number)

    def _announce(self) -> None:
        if not self._quiet:
            self.selected.emit(self.current())

    def _open(self, index: QModelIndex) -> None:
        self.opened.emit(self._rows.rows[index.row()])

    def _click(self, index: QModelIndex) -> None:
        corner = QPointF(self.visualRect(index).topLeft()) + QPointF(CELL_PAD, 0)
        self.cell_clicked.emit(self._rows.rows[index.row()], self.columns[index.column()].key, self.pointer - corner)

    def _ask_menu(self, place: QPoint) -> None:
        index = self.indexAt(place)
        if index.isValid():
            self.menu_wanted.emit(self._rows.rows[index.row()], self.viewport().mapToGlobal(place))

    def _check_end(self) -> None:
        last = self.rowAt(self.viewport().height() - 1)
        if self._rows.rows and (last < 0 or last >= len(self._rows.rows) - _NEAR_END_ROWS):
            self.near_end.emit()

    def _place_empty(self) -> None:
        if self._empty is not None:
            self._empty.setVisible(not self._rows.rows)
            self._empty.setGeometry(self.viewport().rect())
