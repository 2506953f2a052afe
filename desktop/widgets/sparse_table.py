"""A table of millions of rows of which only those near the view are in memory; the rest are grey bars until they arrive."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QWidget

from desktop.style import colour
from desktop.widgets import paint
from desktop.widgets.table import CELL_PAD, CellState, Column, RowView

PAGE_ROWS: Final = 256
KEPT_PAGES: Final = 24
MOST_ROWS: Final = 60_000_000
"""Qt counts pixels in 32 bits; at 33 px a row this is as far as a scroll bar can reach."""
_SELECTION_BAR = 3
_SHARES: Final = (0.62, 0.8, 0.5, 0.72)
_Index = QModelIndex | QPersistentModelIndex


class SparseRows(QAbstractTableModel):
    """A list of ``head`` rows, always in memory, followed by a body of pages of 256 rows, of which 24 are kept."""

    def __init__(self, columns: Sequence[Column], parent: QWidget) -> None:
        super().__init__(parent)
        self.columns = columns
        self.head: list[Any] = []
        self.count = 0
        """Rows of the body."""
        self._pages: OrderedDict[int, Sequence[Any]] = OrderedDict()

    def restart(self, count: int, *, head: Sequence[Any] = (), pages: Mapping[int, Sequence[Any]] | None = None) -> None:
        """Forget everything: the body now has ``count`` rows, of which ``pages`` are there already."""
        self.beginResetModel()
        self.head, self.count = list(head), min(count, MOST_ROWS)
        self._pages = OrderedDict(pages or {})
        self.endResetModel()

    def set_head(self, rows: Sequence[Any]) -> None:
        """Show other rows above the body; more rows push the body down."""
        more = len(rows) - len(self.head)
        if more > 0:
            self.beginInsertRows(QModelIndex(), 0, more - 1)
            self.head = list(rows)
            self.endInsertRows()
        elif more < 0:
            self.beginRemoveRows(QModelIndex(), 0, -more - 1)
            self.head = list(rows)
            self.endRemoveRows()
        else:
            self.head = list(rows)

    def fill(self, page: int, rows: Sequence[Any]) -> None:
        """Keep the rows of one page; the page that was longest unused goes."""
        self._pages[page] = rows
        self._pages.move_to_end(page)
        while len(self._pages) > KEPT_PAGES:
            self._pages.popitem(last=False)

    def row(self, number: int) -> Any:
        """Return row ``number``, or None while it is not in memory."""
        if number < len(self.head):
            return self.head[number]
        page, place = divmod(number - len(self.head), PAGE_ROWS)
        rows = self._pages.get(page)
        return rows[place] if rows is not None and place < len(rows) else None

    def has_page(self, page: int) -> bool:
        """Return whether that page is in memory."""
        return page in self._pages

    def pages(self, first: int, last: int) -> list[int]:
        """Return the pages of rows ``first`` to ``last``, the one in the middle first, and note that they are in use."""
        low = max(0, first - len(self.head)) // PAGE_ROWS
        high = min(self.count - 1, last - len(self.head)) // PAGE_ROWS
        middle = (low + high) / 2
        found = sorted(range(low, high + 1), key=lambda page: abs(page - middle)) if last >= len(self.head) else []
        for page in found:
            if page in self._pages:
                self._pages.move_to_end(page)
        return found

    @property
    def kept(self) -> int:
        """How many pages are in memory."""
        return len(self._pages)

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self.head) + self.count

    def columnCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self.columns)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        row = self.row(index.row())
        return self.columns[index.column()].text(row) if row is not None else ""

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self.columns[section].title
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if self.columns[section].right else Qt.AlignmentFlag.AlignLeft
            return side | Qt.AlignmentFlag.AlignVCenter
        return None


class SparseTable(RowView):
    """Scrolls over all rows with an exact scroll bar; ``SparseLoader`` brings the rows that are looked at.

    Args:
        columns: at least one with ``width`` 0.
        name: accessible name.
        row_height: px.
        key: the identity of a row; the selection follows it.
        empty: shown while there are no rows.
    """

    selected = Signal(object)
    """The row that became current, once it is in memory."""
    opened = Signal(object)
    """Enter, Space or a click on a row."""
    looked = Signal()
    """Other rows are in view."""
    top_left = Signal(bool)
    """The view left the first row (True) or came back to it (False)."""

    def __init__(
        self, columns: Sequence[Column], *, name: str, row_height: int, key: Callable[[Any], object], empty: QWidget | None = None
    ) -> None:
        super().__init__(columns, name=name, row_height=row_height)
        self.rows = SparseRows(self.columns, self)
        self.selected_key: object = None
        self._key, self._height, self._empty = key, row_height, empty
        self._waiting_for = -1
        self._away = False
        self.setModel(self.rows)
        self.set_header()
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        if empty is not None:
            empty.setParent(self.viewport())
        self.selectionModel().selectionChanged.connect(self._chose)
        self.verticalScrollBar().valueChanged.connect(self._scrolled)
        self.clicked.connect(self._open)

    # -- what the owner calls

    def restart(
        self, count: int, *, head: Sequence[Any] = (), pages: Mapping[int, Sequence[Any]] | None = None, keep: bool = False
    ) -> None:
        """Show another list; ``keep`` leaves the scroll bar where it is, otherwise the view begins at the top."""
        place = self.verticalScrollBar().value() if keep else 0
        # The view drops the current row when the model is reset, which is not the user's doing.
        self.selectionModel().blockSignals(True)  # noqa: FBT003 - Qt's signature
        self.rows.restart(count, head=head, pages=pages)
        self.selectionModel().blockSignals(False)  # noqa: FBT003 - Qt's signature
        self.updateGeometries()
        self.verticalScrollBar().setValue(place)
        self._after_change()

    def set_head(self, rows: Sequence[Any]) -> None:
        """Show other rows above the body; the selection follows its row."""
        self.rows.set_head(rows)
        self._after_change()

    def fill(self, page: int, rows: Sequence[Any]) -> None:
        """Take the rows of one page."""
        self.rows.fill(page, rows)
        if self._waiting_for >= 0 and self.rows.row(self._waiting_for) is not None:
            number, self._waiting_for = self._waiting_for, -1
            self._announce(self.rows.row(number))
        self.viewport().update()

    def row_at(self, number: int) -> Any:
        """Return row ``number``, or None while it is not in memory."""
        return self.rows.row(number)

    def visible(self) -> tuple[int, int]:
        """Return the numbers of the first and last row in view; (0, -1) when there is none."""
        total = self.rows.rowCount()
        first = self.verticalOffset() // self._height
        last = (self.verticalOffset() + self.viewport().height() - 1) // self._height
        return (first, min(last, total - 1)) if total else (0, -1)

    @property
    def settled(self) -> bool:
        """Whether every row in view is in memory."""
        first, last = self.visible()
        return all(self.rows.row(number) is not None for number in range(first, last + 1))

    def go_to(self, number: int, *, select: bool = True) -> None:
        """Bring row ``number`` to the upper part of the view and make it current."""
        number = max(0, min(number, self.rows.rowCount() - 1))
        lead = self.viewport().height() // self._height // 4
        self.verticalScrollBar().setValue(max(0, number - lead) * self._height)
        if select and self.rows.rowCount():
            self.selectRow(number)

    def select(self, key: object) -> None:
        """Mark the row with ``key`` wherever it is, without asking for it."""
        self.selected_key = key
        self._follow_selection()
        self.viewport().update()

    def current(self) -> Any:
        """Return the current row, None when there is none or it is not in memory."""
        index = self.currentIndex()
        row = self.rows.row(index.row()) if index.isValid() else None
        return row if row is not None and self._key(row) == self.selected_key else None

    def step(self, rows: int) -> None:
        """Move the current row by ``rows``; without one, start at the top of the view."""
        index = self.currentIndex()
        number = index.row() + rows if index.isValid() and self.selected_key is not None else self.visible()[0]
        number = max(0, min(number, self.rows.rowCount() - 1))
        if self.rows.rowCount():
            self.selectRow(number)
            self.scrollTo(self.rows.index(number, 0))

    # -- Qt

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw whole rows at once: at 10 million rows the cost of a call for each cell decides about 60 frames a second."""
        painter = QPainter(self.viewport())
        paint.begin(painter)
        area, offset = event.rect(), self.verticalOffset()
        painter.fillRect(area, colour("surface"))
        cells = [(column, self.columnViewportPosition(n), self.columnWidth(n)) for n, column in enumerate(self.columns)]
        first = max(0, (area.top() + offset) // self._height)
        last = min(self.rows.rowCount() - 1, (area.bottom() + offset) // self._height)
        for number in range(first, last + 1):
            self._paint_row(painter, number, number * self._height - offset, cells)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Open on Enter and Space; J and K move as the arrows do; Home and End go to the ends."""
        key = event.key()
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self._open(self.currentIndex())
        elif key in (Qt.Key.Key_J, Qt.Key.Key_K) and not event.modifiers():
            self.step(1 if key == Qt.Key.Key_J else -1)
        elif key in (Qt.Key.Key_Home, Qt.Key.Key_End) and self.rows.rowCount():
            number = 0 if key == Qt.Key.Key_Home else self.rows.rowCount() - 1
            self.selectRow(number)
            self.scrollTo(self.rows.index(number, 0))
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Ask for what came into view and keep the empty state centred."""
        super().resizeEvent(event)
        self._place_empty()
        self.looked.emit()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Select; a press beside the rows leaves the selection alone."""
        if self.indexAt(event.position().toPoint()).isValid():
            super().mousePressEvent(event)

    # -- inside

    def _paint_row(self, painter: QPainter, number: int, top: int, cells: list[tuple[Column, int, int]]) -> None:
        row, width, height = self.rows.row(number), self.viewport().width(), self._height
        selected = row is not None and self.selected_key is not None and self._key(row) == self.selected_key
        hovered = number == self.hovered_row
        if selected or hovered:
            painter.fillRect(QRectF(0, top, width, height), colour("sel" if selected else "hover"))
        if selected:
            painter.fillRect(QRectF(0, top, _SELECTION_BAR, height - 1), colour("accent"))
        painter.fillRect(QRectF(0, top + height - 1, width, 1), colour("grid"))
        if row is None:
            self._paint_bars(painter, number, top, cells)
            return
        for column, left, room in cells:
            inside = QRectF(left + CELL_PAD, top, room - 2 * CELL_PAD, height - 1)
            pointer = self.pointer - inside.topLeft() if hovered else QPointF()
            here = hovered and 0 <= pointer.x() + CELL_PAD < room
            column.paint(painter, inside, row, CellState(selected, hovered, pointer if here else None))

    def _paint_bars(self, painter: QPainter, number: int, top: int, cells: list[tuple[Column, int, int]]) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour("line"))
        for place, (column, left, room) in enumerate(cells):
            width = (room - 2 * CELL_PAD) * _SHARES[(number + place) % len(_SHARES)]
            start = left + room - CELL_PAD - width if column.right else left + CELL_PAD
            painter.drawRoundedRect(QRectF(start, top + self._height / 2 - 5, width, 9), 4.5, 4.5)

    def _scrolled(self, value: int) -> None:
        away = value > 0
        if away != self._away:
            self._away = away
            self.top_left.emit(away)
        self.looked.emit()

    def _chose(self) -> None:
        # Not the current row: the focus makes one current that nobody chose.
        chosen = self.selectionModel().selectedRows()
        number = chosen[0].row() if chosen else -1
        row = self.rows.row(number) if chosen else None
        self._waiting_for = number if row is None else -1
        if row is not None:
            self._announce(row)
        self.viewport().update()

    def _announce(self, row: Any) -> None:
        if self._key(row) != self.selected_key:
            self.selected_key = self._key(row)
            self.selected.emit(row)

    def _open(self, index: QModelIndex) -> None:
        row = self.rows.row(index.row()) if index.isValid() else None
        if row is not None:
            self._announce(row)
            self.opened.emit(row)

    def _after_change(self) -> None:
        self._waiting_for = -1
        self._follow_selection()
        self._place_empty()
        self.viewport().update()
        self.looked.emit()

    def _follow_selection(self) -> None:
        """Make the selected row current again after rows above it came or went; a far one stays selected by its key only."""
        first, last = self.visible()
        near = range(max(0, first - PAGE_ROWS), last + PAGE_ROWS)
        number = next((n for n in near if (row := self.rows.row(n)) is not None and self._key(row) == self.selected_key), -1)
        if self.selected_key is None or number < 0 or self.currentIndex().row() == number:
            return
        self.selectionModel().blockSignals(True)  # noqa: FBT003 - Qt's signature
        # selecting a row scrolls it into view, but only the user moves the view
        place = self.verticalScrollBar().value()
        self.selectRow(number)
        self.verticalScrollBar().setValue(place)
        self.selectionModel().blockSignals(False)  # noqa: FBT003 - Qt's signature

    def _place_empty(self) -> None:
        if self._empty is not None:
            self._empty.setVisible(self.rows.rowCount() == 0)
            self._empty.setGeometry(self.viewport().rect())
