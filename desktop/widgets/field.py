"""Text fields: one line, search with an icon and a key hint, and a choice list."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QComboBox, QLineEdit

from desktop.style import icon
from desktop.widgets import paint

_TYPING_PAUSE_MS = 150


class Field(QLineEdit):
    """A line of text. ``name`` is its accessible name; ``hint`` shows while it is empty."""

    def __init__(self, *, name: str, hint: str = "", value: str = "") -> None:
        super().__init__(value)
        self.setAccessibleName(name)
        self.setPlaceholderText(hint)
        self.setFixedHeight(32)


class SearchField(Field):
    """A search line; ``searched`` fires 150 ms after the last key, and at once on Enter or Esc (which clears)."""

    searched = Signal(str)

    def __init__(self, *, name: str, hint: str, key: str = "") -> None:
        super().__init__(name=name, hint=hint)
        self._key = key
        self._announced = ""
        self.setTextMargins(24, 0, 36 if key else 0, 0)
        self.setMinimumWidth(200)
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(_TYPING_PAUSE_MS)
        self._pause.timeout.connect(self._announce)
        self.textChanged.connect(self._pause.start)
        self.returnPressed.connect(self._announce)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Clear on Esc."""
        if event.key() == Qt.Key.Key_Escape and self.text():
            self.clear()
            self._announce()
            return
        super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the field, the icon and, while it is empty, the key that leads here."""
        super().paintEvent(event)
        painter = QPainter(self)
        paint.begin(painter)
        paint.icon(painter, QPointF(10, (self.height() - 16) / 2), "search", "accent" if self.hasFocus() else "muted")
        if self._key and not self.text():
            key_cap(painter, QRectF(self.rect()).adjusted(0, 0, -8, 0), self._key)

    def _announce(self) -> None:
        self._pause.stop()
        if self.text() != self._announced:
            self._announced = self.text()
            self.searched.emit(self._announced)


class Select(QComboBox):
    """A choice list of (key, caption); ``picked`` carries the key the user chose."""

    picked = Signal(object)

    def __init__(self, choices: Sequence[tuple[object, str]] = (), *, name: str, icon_name: str = "") -> None:
        # Set first: applying the style sheet already asks for it.
        self._icon_name = icon_name
        super().__init__()
        self.setAccessibleName(name)
        self.setFixedHeight(32)
        self.set_choices(choices)
        self.activated.connect(self._announce)

    @property
    def current(self) -> object:
        """The key that is chosen, None while there are no choices."""
        return self.currentData()

    def set_choices(self, choices: Sequence[tuple[object, str]]) -> None:
        """Replace the choices and keep the chosen key where it still exists."""
        kept = self.currentData()
        self.clear()
        for key, caption in choices:
            if self._icon_name:
                self.addItem(icon(self._icon_name), caption, key)
            else:
                self.addItem(caption, key)
        self.choose(kept)

    def choose(self, key: object) -> None:
        """Switch to ``key`` without emitting ``picked``; an unknown key changes nothing."""
        for index in range(self.count()):
            if self.itemData(index) == key:
                self.setCurrentIndex(index)

    def changeEvent(self, event: QEvent) -> None:
        """Tint the icons again when the theme changed."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange and self._icon_name:
            for index in range(self.count()):
                self.setItemIcon(index, icon(self._icon_name))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the box and its arrow."""
        super().paintEvent(event)
        painter = QPainter(self)
        paint.icon(painter, QPointF(self.width() - 24, (self.height() - 14) / 2), "chevrons-up-down", size=14)

    def _announce(self, index: int) -> None:
        self.picked.emit(self.itemData(index))


def key_cap(painter: QPainter, room: QRectF, key: str) -> None:
    """Draw the cap of ``key`` at the right end of ``room``."""
    width = paint.advance(key, 11) + 12
    cap = QRectF(room.right() - width, room.center().y() - 9, width, 18)
    paint.box(painter, cap, 4, fill="surface", line="line2")
    paint.text(painter, cap, key, size=11, tone="muted", align=paint.CENTRE, elide=False)
