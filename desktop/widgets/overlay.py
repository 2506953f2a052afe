"""A panel over the dimmed window that leaves on Esc or a click beside it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

_DIM = QColor(8, 12, 20, 90)
_TOP = 72


class Overlay(QWidget):
    """Covers ``window``; subclasses fill ``body``. Being a child, it needs no window manager and takes no extra window."""

    left = Signal()

    def __init__(self, window: QWidget, *, name: str, width: int) -> None:
        super().__init__(window)
        self.setAccessibleName(name)
        self._window = window
        self._before: QWidget | None = None
        self.panel = QFrame(self)
        self.panel.setObjectName("popup")
        self.panel.setFixedWidth(width)
        self.body = QVBoxLayout(self.panel)
        self.body.setContentsMargins(1, 1, 1, 1)
        self.body.setSpacing(0)
        window.installEventFilter(self)
        self.hide()

    def appear(self, focus: QWidget) -> None:
        """Show the panel and give ``focus`` the keyboard."""
        self._before = self._window.focusWidget()
        self.setGeometry(self._window.rect())
        self.show()
        self.raise_()
        self.place()
        focus.setFocus(Qt.FocusReason.PopupFocusReason)

    def leave(self) -> None:
        """Hide and give the keyboard back."""
        if self.isHidden():
            return
        self.hide()
        if self._before is not None:
            self._before.setFocus()
        self._before = None
        self.left.emit()

    def place(self) -> None:
        """Put the panel where it belongs: centred, below the top bar, inside the window."""
        self.panel.adjustSize()
        height = min(self.panel.sizeHint().height(), self.height() - 2 * _TOP)
        self.panel.setGeometry((self.width() - self.panel.width()) // 2, _TOP, self.panel.width(), max(height, 60))

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        """Follow the window's size."""
        if event.type() == QEvent.Type.Resize and not self.isHidden():
            self.setGeometry(self._window.rect())
            self.place()
        return False

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Leave on Esc."""
        if event.key() == Qt.Key.Key_Escape:
            self.leave()
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Leave on a click beside the panel."""
        if not self.panel.geometry().contains(event.position().toPoint()):
            self.leave()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Dim what lies below."""
        QPainter(self).fillRect(self.rect(), _DIM)
