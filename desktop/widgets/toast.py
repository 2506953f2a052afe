"""Short messages at the lower edge: something is done, and perhaps can be undone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import shiboken6
from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QMouseEvent
from PySide6.QtWidgets import QFrame, QWidget

from desktop.i18n import tr
from desktop.widgets.button import Button
from desktop.widgets.label import IconLabel, PlainLabel
from desktop.widgets.layout import row

SHOWN_MS: Final = 4_000
UNDO_MS: Final = 10_000
_MOST = 3
_MARGIN = 16
_ICONS: Final = {"ok": "circle-check", "info": "info", "warn": "triangle-alert", "bad": "circle-alert", "none": "info"}
_INK: Final = {"info": "accent", "none": "muted"}


class Toast(QFrame):
    """One message; it leaves after 4 s, or after 10 s when it can be undone, and waits while the mouse is on it."""

    def __init__(self, words: str, *, tone: str = "ok", undo: Callable[[], object] | None = None, action: str = "") -> None:
        super().__init__()
        self.setObjectName("toast")
        self.setAccessibleName(words)
        self.setMouseTracking(True)
        self._undo = undo
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(UNDO_MS if undo else SHOWN_MS)
        self._timer.timeout.connect(self.leave)
        label = PlainLabel(words, wrap=len(words) > 60)  # noqa: PLR2004 - about one line of a toast
        label.setMaximumWidth(460)
        close = Button("", "ghost", icon_name="x", name=tr("Dismiss"), on_click=self.leave)
        self.undo = Button(action or tr("Undo"), "link", icon_name="" if action else "undo-2", on_click=self._take_back) if undo else None
        more = (self.undo,) if self.undo else ()
        self.setLayout(row(IconLabel(_ICONS[tone], _INK.get(tone, tone)), label, 8, *more, close, margins=(12, 6, 6, 6)))
        self._timer.start()

    def leave(self) -> None:
        """Disappear."""
        self._timer.stop()
        self.hide()
        self.deleteLater()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Wait while the mouse is here; a mouse that merely rests where a message appears does not keep it."""
        super().mouseMoveEvent(event)
        self._timer.stop()

    def leaveEvent(self, event: QEvent) -> None:
        """Go on counting."""
        super().leaveEvent(event)
        self._timer.start()

    def _take_back(self) -> None:
        undo, self._undo = self._undo, None
        self.leave()
        if undo is not None:
            undo()


class ToastStack(QObject):
    """The toasts of one window, newest at the bottom; an old one makes room for a fourth.

    Args:
        window: whose lower edge they stand on.
        kept_clear: returns the pixels above that edge which they must not cover, such as a player's height.
    """

    def __init__(self, window: QWidget, *, kept_clear: Callable[[], int] = lambda: 0) -> None:
        super().__init__(window)
        self._window = window
        self._kept_clear = kept_clear
        self._shown: list[Toast] = []
        window.installEventFilter(self)

    @property
    def shown(self) -> list[Toast]:
        """What is on the screen, oldest first."""
        return list(self._shown)

    def show_toast(self, words: str, *, tone: str = "ok", undo: Callable[[], object] | None = None, action: str = "") -> Toast:
        """Show a message and return it."""
        toast = Toast(words, tone=tone, undo=undo, action=action)
        toast.setParent(self._window)
        toast.destroyed.connect(self._arrange)
        self._shown.append(toast)
        toast.show()
        for old in [shown for shown in self._shown if _alive(shown)][:-_MOST]:
            old.leave()
        self._arrange()
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(toast, words))
        return toast

    def clear(self) -> None:
        """Take every toast away, what it offers to undo included."""
        for toast in self.shown:
            toast.leave()

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        """Follow the window's size."""
        if event.type() == QEvent.Type.Resize:
            self._arrange()
        return False

    def _arrange(self) -> None:
        self._shown = [toast for toast in self._shown if _alive(toast)]
        bottom = self._window.height() - self._kept_clear() - _MARGIN
        for toast in reversed(self._shown):
            toast.adjustSize()
            bottom -= toast.height()
            toast.move((self._window.width() - toast.width()) // 2, bottom)
            toast.raise_()
            bottom -= 8


def _alive(toast: Toast) -> bool:
    return shiboken6.isValid(toast) and not toast.isHidden()
