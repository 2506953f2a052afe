"""A line across the page that states a condition: offline, read-only, stale."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtWidgets import QFrame, QSizePolicy

from desktop.widgets.button import Button
from desktop.widgets.label import ElidedLabel, IconLabel, restyle
from desktop.widgets.layout import row

_ICONS: Final = {"info": "info", "ok": "circle-check", "warn": "triangle-alert", "bad": "circle-alert"}
_INK: Final = {"info": "accent"}


class Banner(QFrame):
    """Hidden until ``show_state``; 40 px high."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("banner")
        self.setFixedHeight(40)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._icon = IconLabel("info")
        self.words = ElidedLabel(weight=500)
        self.action = Button("", "link", on_click=self._act)
        self._on_action: Callable[[], object] | None = None
        self.setLayout(row(self._icon, (self.words, 1), self.action, gap=10, margins=(24, 0, 24, 0)))
        self.hide()

    def show_state(self, words: str, *, tone: str = "warn", action: str = "", on_action: Callable[[], object] | None = None) -> None:
        """State ``words``; ``tone`` is info, ok, warn or bad."""
        self._on_action = on_action
        self.words.setText(words)
        self.setAccessibleName(words)
        self._icon.set_icon(_ICONS[tone], _INK.get(tone, tone))
        self.action.set_caption(action)
        self.action.setVisible(bool(action))
        if self.property("tone") != tone:
            self.setProperty("tone", tone)
            restyle(self)
        self.show()

    def clear(self) -> None:
        """The condition is over."""
        self.hide()

    def _act(self) -> None:
        if self._on_action is not None:
            self._on_action()
