"""The top-level window: painted as a grey outline of itself at once, filled with the real content right after."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from PySide6.QtCore import QRectF, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QColor, QGuiApplication, QPainter, QPaintEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop.style.tokens import DARK, LIGHT
from desktop.style.window_state import WindowState, clamp, load_state, save_state

LEAST: Final = (960, 600)
_RAIL, _TOP, _PAGE_EDGE = 212, 54, 24
_CARDS: Final = 3
_MIDDLE: Final = 128


class FirstFrame(QWidget):
    """Shows something before anything else is imported; needs neither fonts, style sheet nor icons."""

    painted = Signal()
    closed = Signal()

    def __init__(self, config: Path) -> None:
        super().__init__()
        self._config = config
        self._painted = False
        self._remember: Callable[[], WindowState] | None = None
        self.state = load_state(config)
        self.setWindowTitle("Lectern")
        self.setMinimumSize(*LEAST)
        self.setGeometry(clamp(self.state.rect, [screen.availableGeometry() for screen in QGuiApplication.screens()], least=LEAST))

    def present(self) -> None:
        """Show the window as it was left."""
        if self.state.maximised:
            self.showMaximized()
        else:
            self.show()

    def adopt(self, content: QWidget, *, remember: Callable[[], WindowState]) -> None:
        """Show ``content`` instead of the outline; ``remember`` tells what to keep when the window closes."""
        self._remember = remember
        lane = QVBoxLayout(self)
        lane.setContentsMargins(0, 0, 0, 0)
        lane.addWidget(content)
        content.setFocus()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the outline and tell once that it is on the screen."""
        if self._remember is None:
            self._draw_outline()
        if not self._painted:
            self._painted = True
            QTimer.singleShot(0, self.painted.emit)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Remember the window and say that it closed."""
        if self._remember is not None:
            save_state(self._config, self._remember())
        super().closeEvent(event)
        self.closed.emit()

    def _draw_outline(self) -> None:
        # Asked of the palette, because touching the Qt namespace costs more than the rest of this frame.
        system = QGuiApplication.palette().window().color().lightness() < _MIDDLE
        tokens = DARK if self.state.theme == "dark" or (self.state.theme == "system" and system) else LIGHT
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), QColor(tokens["bg"]))
        surface, line = QColor(tokens["surface"]), QColor(tokens["line"])
        painter.fillRect(0, 0, self.width(), _TOP, surface)
        painter.fillRect(0, 0, _RAIL, self.height(), surface)
        painter.fillRect(_RAIL, _TOP - 1, self.width() - _RAIL, 1, line)
        painter.fillRect(_RAIL - 1, 0, 1, self.height(), line)
        painter.setPen(line)
        painter.setBrush(surface)
        left, room = _RAIL + _PAGE_EDGE, self.width() - _RAIL - 2 * _PAGE_EDGE
        width = (room - 16 * (_CARDS - 1)) / _CARDS
        for number in range(_CARDS):
            painter.drawRoundedRect(QRectF(left + number * (width + 16) + 0.5, 122.5, width - 1, 199), 10, 10)
        painter.drawRoundedRect(QRectF(left + 0.5, 338.5, room - 1, max(60.0, self.height() - 363)), 10, 10)
