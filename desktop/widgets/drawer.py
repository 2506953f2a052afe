"""A panel on the right for the details of what is selected; in narrow windows it lies over the list."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from desktop.i18n import tr
from desktop.widgets.button import Button
from desktop.widgets.label import ElidedLabel
from desktop.widgets.layout import holder, row
from desktop.widgets.scroll import scrolling

OVERLAY_BELOW = 1216
_GRIP = 6
_NARROWEST = 280
_MAIN_LEFT = 240


class Drawer(QFrame):
    """Title, subtitle, close button, and a body; Esc closes it."""

    closed = Signal()

    def __init__(self, *, width: int = 440, scroll: bool = True) -> None:
        super().__init__()
        self.setObjectName("drawer")
        self.preferred_width = width
        self.title = ElidedLabel(size=20, weight=600)
        self.subtitle = ElidedLabel(size=12, tone="muted")
        self.tools = row(gap=2)
        """Where ghost buttons of the header go."""
        self.body = QVBoxLayout()
        """Where the content goes."""
        self.body.setContentsMargins(20, 0, 20, 20)
        self.body.setSpacing(12)
        close = Button("", "ghost", icon_name="x", name=tr("Close details"), on_click=self.close_drawer)
        lane = QVBoxLayout(self)
        lane.setContentsMargins(0, 16, 0, 0)
        lane.setSpacing(0)
        head = row((self.title, 1), self.tools, close, gap=4, margins=(20, 0, 12, 0))
        lane.addLayout(head)
        lane.addLayout(row((self.subtitle, 1), margins=(20, 0, 20, 10)))
        lane.addWidget(scrolling(self.body) if scroll else holder(self.body), 1)

    def show_titles(self, title: str, subtitle: str = "") -> None:
        """Name what the drawer shows."""
        self.setAccessibleName(title)
        self.title.setText(title)
        self.subtitle.setText(subtitle)

    def close_drawer(self) -> None:
        """Hide and emit ``closed``."""
        if not self.isHidden():
            self.hide()
            self.closed.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Close on Esc."""
        if event.key() == Qt.Key.Key_Escape:
            self.close_drawer()
        else:
            super().keyPressEvent(event)


class DrawerHost(QWidget):
    """A page's content with its drawer: beside it from 1216 px of window width, over it below."""

    def __init__(self, content: QWidget, drawer: Drawer) -> None:
        super().__init__()
        self.content, self.drawer = content, drawer
        self._width = drawer.preferred_width
        self._grip = _Grip(self._drag)
        for part in (content, drawer, self._grip):
            part.setParent(self)
        drawer.hide()
        self._grip.hide()
        drawer.closed.connect(self._arrange)

    def open(self) -> None:
        """Show the drawer."""
        self.drawer.show()
        self._arrange()
        self.drawer.raise_()
        self._grip.raise_()

    @property
    def overlays(self) -> bool:
        """Whether the drawer lies over the content: in a narrow window, or where the content needs the room."""
        tight = self.width() - min(self._width, self.drawer.preferred_width) < self.content.minimumSizeHint().width()
        return tight or self.window().width() < OVERLAY_BELOW

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Share the room out again."""
        super().resizeEvent(event)
        self._arrange()

    def minimumSizeHint(self) -> QSize:
        """Return what the content needs; the drawer never widens the window."""
        return self.content.minimumSizeHint()

    def _arrange(self) -> None:
        shown = not self.drawer.isHidden()
        width = min(self._width, max(_NARROWEST, self.width() - (0 if self.overlays else _MAIN_LEFT)))
        beside = shown and not self.overlays
        self.content.setGeometry(0, 0, self.width() - (width if beside else 0), self.height())
        self.drawer.setGeometry(self.width() - width, 0, width, self.height())
        self._grip.setGeometry(self.width() - width - _GRIP // 2, 0, _GRIP, self.height())
        self._grip.setVisible(shown)

    def _drag(self, place: QPoint) -> None:
        self._width = min(max(_NARROWEST, self.width() - self.mapFromGlobal(place).x()), self.width() - _MAIN_LEFT)
        self._arrange()


class _Grip(QWidget):
    def __init__(self, moved: Callable[[QPoint], object]) -> None:
        super().__init__()
        self._moved = moved
        self.setCursor(Qt.CursorShape.SplitHCursor)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._moved(event.globalPosition().toPoint())
