"""Chips that state a filter and can be taken away, and the lane that lets them flow onto further lines."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QLayout, QLayoutItem, QSizePolicy, QWidget

from desktop.i18n import tr
from desktop.style import MEDIUM, colour, mix
from desktop.widgets import paint

HEIGHT = 28
_PAD = 12
_CROSS = 14
_GAP = 6
_WIDEST = 320


class FilterChip(QAbstractButton):
    """One part of a filter in words; a click on the words edits it, one on the cross (or Delete) takes it away."""

    removed = Signal()

    def __init__(self, words: str) -> None:
        super().__init__()
        self.setText(words.replace("&", "&&"))
        self._words = words
        self.setAccessibleName(words)
        self.setAccessibleDescription(tr("Delete removes this filter"))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)
        self.setFixedSize(self.sizeHint())

    def sizeHint(self) -> QSize:
        """Return the size of words and cross; long words are cut."""
        words = round(paint.advance(self._words, 12, MEDIUM)) + 2
        return QSize(min(words + 2 * _PAD + _GAP + _CROSS - 2, _WIDEST), HEIGHT)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Take the chip away when the cross was clicked."""
        if self._on_cross(event.position()):
            self.setDown(False)
            self.removed.emit()
        else:
            super().mouseReleaseEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Light the cross up."""
        super().mouseMoveEvent(event)
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Take the chip away on Delete and Backspace."""
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.removed.emit()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the pill, the words and the cross."""
        painter = QPainter(self)
        paint.begin(painter)
        whole = QRectF(self.rect())
        line = colour("accent") if self.hasFocus() else mix("accent_bg", "accent", 0.35 if self.underMouse() else 0.0)
        paint.box(painter, whole, HEIGHT / 2, fill="accent_bg", line=line, width=2 if self.hasFocus() else 1)
        words = whole.adjusted(_PAD, 0, -(_PAD + _CROSS + _GAP - 4), 0)
        paint.text(painter, words, self._words, size=12, tone="accent", weight=MEDIUM)
        over = self.underMouse() and self._on_cross(QPointF(self.mapFromGlobal(self.cursor().pos())))
        at = QPointF(whole.right() - _PAD - _CROSS + 2, whole.center().y() - _CROSS / 2)
        paint.icon(painter, at, "x", "text" if over else "accent", size=_CROSS)

    def _on_cross(self, place: QPointF) -> bool:
        return self.width() - _PAD - _CROSS - _GAP / 2 <= place.x() <= self.width() and 0 <= place.y() <= self.height()


class FlowLayout(QLayout):
    """Places widgets side by side and goes on in the next line where the width ends; it never widens a window."""

    def __init__(self, *, gap: int = 8) -> None:
        super().__init__()
        self._items: list[QLayoutItem] = []
        self._gap = gap
        self.setContentsMargins(0, 0, 0, 0)

    def addItem(self, item: QLayoutItem) -> None:
        """Append an item."""
        self._items.append(item)

    def count(self) -> int:
        """Return how many items there are."""
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:
        """Return an item, None past the end."""
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:
        """Remove and return an item, None past the end."""
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def insert(self, index: int, widget: QWidget) -> None:
        """Put ``widget`` before the item ``index``."""
        self.addWidget(widget)
        self._items.insert(index, self._items.pop())
        self.invalidate()

    def expandingDirections(self) -> Qt.Orientation:
        """Return that it takes only what it needs."""
        return Qt.Orientation(0)

    def hasHeightForWidth(self) -> bool:
        """Return that the height follows from the width."""
        return True

    def heightForWidth(self, width: int) -> int:
        """Return the height of all lines at ``width``."""
        return self._place(QRect(0, 0, width, 0), move=False)

    def setGeometry(self, rect: QRect) -> None:
        """Place the items."""
        super().setGeometry(rect)
        self._place(rect, move=True)

    def sizeHint(self) -> QSize:
        """Return the room of one line."""
        sizes = [item.sizeHint() for item in self._items if not item.isEmpty()]
        width = sum(size.width() for size in sizes) + self._gap * max(0, len(sizes) - 1)
        return QSize(width, max((size.height() for size in sizes), default=0))

    def minimumSize(self) -> QSize:
        """Return the room of the widest item."""
        sizes = [item.minimumSize() for item in self._items if not item.isEmpty()]
        return QSize(max((size.width() for size in sizes), default=0), max((size.height() for size in sizes), default=0))

    def _place(self, rect: QRect, *, move: bool) -> int:
        left, top, height = rect.x(), rect.y(), 0
        for item in self._items:
            if item.isEmpty():
                continue
            size = item.sizeHint()
            if left > rect.x() and left + size.width() > rect.x() + rect.width():
                left, top, height = rect.x(), top + height + self._gap, 0
            if move:
                item.setGeometry(QRect(QPoint(left, top), size))
            left += size.width() + self._gap
            height = max(height, size.height())
        return top + height - rect.y()
