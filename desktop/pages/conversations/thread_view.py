"""The messages of one conversation, oldest above; text from outside is drawn as characters only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QPoint, QPointF, QRectF, QSize, QSizeF, Qt, Signal
from PySide6.QtGui import QPainter, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from desktop.i18n import tr
from desktop.pages.conversations.lines import DayLine, MessageLine, Row
from desktop.style import MEDIUM, SEMIBOLD, colour, mix, tone_text
from desktop.widgets import avatar, paint
from desktop.widgets.wrapped import draw_text, text_size

_SIDE: Final = 20
_FACE: Final = 30
_GAP: Final = 10
_PAD: Final = 12
_WIDEST: Final = 560
_DAY: Final = 38
_HEAD: Final = 22
_PHOTO: Final = 42
_ROW: Final = Qt.ItemDataRole.UserRole
_NEAR: Final = 4
_Index = QModelIndex | QPersistentModelIndex


class _Rows(QAbstractListModel):
    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.rows: list[Row] = []

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self.rows)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        row = self.rows[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return row.words if isinstance(row, DayLine) else _said(row)
        return row if role == _ROW else None

    def replace(self, rows: Sequence[Row]) -> None:
        self.beginResetModel()
        self.rows = list(rows)
        self.endResetModel()


class _Bubbles(QStyledItemDelegate):
    def __init__(self, view: ThreadView) -> None:
        super().__init__(view)
        self._view = view

    def sizeHint(self, _option: QStyleOptionViewItem, index: _Index) -> QSize:
        row = self._view.rows[index.row()]
        width = self._view.viewport().width()
        if isinstance(row, DayLine):
            return QSize(width, _DAY)
        return QSize(width, round(_height(row, width)))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        row, rect = self._view.rows[index.row()], QRectF(option.rect)
        painter.save()
        painter.setClipRect(rect)
        paint.begin(painter)
        if isinstance(row, DayLine):
            _draw_day(painter, rect, row)
        else:
            _draw_message(painter, rect, row, marked=row.key == self._view.marked)
        painter.restore()


class ThreadView(QListView):
    """``older_wanted`` fires when the first messages come near."""

    older_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName(tr("Messages"))
        self.marked = ""
        self._at_end = True
        self._model = _Rows(self)
        self._empty: QWidget | None = None
        self.setModel(self._model)
        self.setItemDelegate(_Bubbles(self))
        self.setProperty("kind", "plain")
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.verticalScrollBar().valueChanged.connect(self._check_start)

    @property
    def rows(self) -> list[Row]:
        """What is shown; do not change it."""
        return self._model.rows

    @property
    def lines(self) -> list[MessageLine]:
        """The messages among the rows."""
        return [row for row in self._model.rows if isinstance(row, MessageLine)]

    def set_empty(self, widget: QWidget) -> None:
        """Show ``widget`` while there is no message."""
        self._empty = widget
        widget.setParent(self.viewport())
        self._place_empty()

    def show_rows(self, rows: Sequence[Row], *, keep: bool = False) -> None:
        """Show ``rows`` from the newest; with ``keep``, older ones were added above and the place stays."""
        bar = self.verticalScrollBar()
        below = bar.maximum() - bar.value()
        self._model.replace(rows)
        self.doItemsLayout()
        self._at_end = not keep
        bar.setValue(bar.maximum() - below if keep else bar.maximum())
        self._place_empty()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Wrap the text again and keep the empty state centred."""
        at_end = self._at_end
        super().resizeEvent(event)
        self.doItemsLayout()
        if at_end:
            self.verticalScrollBar().setValue(self.verticalScrollBar().maximum())
        self._place_empty()

    def _check_start(self) -> None:
        bar = self.verticalScrollBar()
        self._at_end = bar.value() >= bar.maximum() - 1
        first = self.indexAt(QPoint(4, 2)).row()
        if self._model.rows and 0 <= first <= _NEAR:
            self.older_wanted.emit()

    def _place_empty(self) -> None:
        if self._empty is not None:
            self._empty.setVisible(not self._model.rows)
            self._empty.setGeometry(self.viewport().rect())


def _said(line: MessageLine) -> str:
    photo = f", {line.photo.words} {line.photo.summary}" if line.photo is not None else ""
    return f"{line.sender}, {line.time}: {line.text}{photo}"


def _room(width: float) -> float:
    return max(80.0, min(_WIDEST, width - 2 * _SIDE - _FACE - _GAP - 60) - 2 * _PAD)


def _text_size(line: MessageLine, width: float) -> QSizeF:
    return text_size(line.text or " ", _room(width))


def _height(line: MessageLine, width: float) -> float:
    words = _text_size(line, width).height()
    return (_HEAD if line.first else 0) + words + 2 * 8 + 6 + (_PHOTO + 8 if line.photo is not None else 0) + (4 if line.first else 0)


def _draw_day(painter: QPainter, rect: QRectF, line: DayLine) -> None:
    width = paint.advance(line.words, 12, SEMIBOLD) + 28
    middle = rect.center().y()
    painter.fillRect(QRectF(rect.x() + _SIDE, middle, rect.width() - 2 * _SIDE, 1), colour("grid"))
    chip = QRectF(rect.center().x() - width / 2, middle - 11, width, 22)
    painter.fillRect(chip, colour("surface"))
    paint.text(painter, chip, line.words, size=12, tone="muted", weight=SEMIBOLD, align=paint.CENTRE)


def _draw_message(painter: QPainter, rect: QRectF, line: MessageLine, *, marked: bool) -> None:
    size = _text_size(line, rect.width())
    photo = line.photo
    inner = max(size.width() + 1, paint.advance(line.time, 11) + 2, 220.0 if photo is not None else 0.0)
    width = min(inner, _room(rect.width())) + 2 * _PAD
    left = rect.right() - _SIDE - _FACE - _GAP - width if line.mine else rect.x() + _SIDE + _FACE + _GAP
    top = rect.y() + (4 if line.first else 0)
    if line.first:
        _draw_head(painter, rect, line, left, width, top)
        top += _HEAD
    box = QRectF(left, top, width, size.height() + 16 + (_PHOTO + 8 if photo is not None else 0))
    edge = "accent" if marked else mix("accent_bg", "accent", 0.2) if line.mine else "line"
    paint.box(painter, box, 10, fill="accent_bg" if line.mine else "bg", line=edge, width=2 if marked else 1)
    if photo is not None:
        _draw_photo(painter, QRectF(box.x() + 8, box.y() + 8, box.width() - 16, _PHOTO), line)
    draw_text(painter, QPointF(box.x() + _PAD, box.bottom() - 8 - size.height()), line.text or " ", _room(rect.width()))


def _draw_head(painter: QPainter, rect: QRectF, line: MessageLine, left: float, width: float, top: float) -> None:
    face = QRectF(rect.right() - _SIDE - _FACE if line.mine else rect.x() + _SIDE, top + _HEAD, _FACE, _FACE)
    avatar.draw(painter, face, line.sender, avatar.PERSONA if line.mine else avatar.PERSON)
    name = paint.advance(line.sender, 12, SEMIBOLD) + 1
    after = f"{line.time}  {line.below}".strip()
    tail = paint.advance(after, 12) + 1
    start = left + width - name - tail - 8 if line.mine else left
    start = max(rect.x() + _SIDE, start)
    paint.text(painter, QRectF(start, top, name, _HEAD - 4), line.sender, size=12, weight=SEMIBOLD, elide=False)
    paint.text(painter, QRectF(start + name + 8, top, tail, _HEAD - 4), after, size=12, tone="muted", elide=False)


def _draw_photo(painter: QPainter, room: QRectF, line: MessageLine) -> None:
    photo = line.photo
    if photo is None:
        return
    paint.box(painter, room, 7, fill="surface", line="line")
    ink = tone_text(photo.tone)
    paint.icon(painter, QPointF(room.x() + 10, room.center().y() - 9), photo.icon, ink, size=18)
    words = QRectF(room.x() + 38, room.y() + 3, room.width() - 46, 18)
    paint.text(painter, words, photo.words, size=12, tone=ink, weight=MEDIUM)
    paint.text(painter, words.translated(0, 17), photo.summary or photo.detail, size=12, tone="muted")
