"""Chips of the kinds of memory, the most frequent ones first; the rest stand in a menu."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QMenu, QWidget

from desktop.i18n import number, tr
from desktop.pages.memory.lines import Place
from desktop.pages.memory.words import type_words
from desktop.widgets.button import Button

FORGOTTEN: Final = "forgotten"
"""Not a type: what waits to be purged."""
ALL: Final = ""
_SHOWN: Final = 3


class TypeChips(QWidget):
    """``chosen`` carries a type, ``ALL`` or ``FORGOTTEN``."""

    chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.current = ALL
        self._counts: Counter[str] = Counter()
        self._forgotten = 0
        self._lane = QHBoxLayout(self)
        self._lane.setContentsMargins(0, 0, 0, 0)
        self._lane.setSpacing(8)
        self.every = self._chip(ALL)
        self.chips: list[Button] = [self._chip(ALL) for _ in range(_SHOWN)]
        self.more = Button(tr("More"), "chip", icon_name="plus", name=tr("More kinds of memory"), on_click=self._open_menu)
        for chip in (self.every, *self.chips, self.more):
            self._lane.addWidget(chip)
        for chip in (*self.chips, self.more):
            chip.hide()
        self._keys: list[str] = []

    def show_places(self, places: Sequence[Place]) -> None:
        """Count the types of everything that is open."""
        self._counts = Counter()
        for place in places:
            self._counts.update(dict(place.types))
        self._forgotten = sum(place.forgotten for place in places)
        if self.current not in (ALL, FORGOTTEN) and not self._counts[self.current]:
            self.current = ALL
        self._show(sum(place.total for place in places))

    def choose(self, key: str) -> None:
        """Choose a type as a click does."""
        self.current = key
        self._show(sum(self._counts.values()))
        self.chosen.emit(key)

    def _show(self, total: int) -> None:
        frequent = [key for key, count in self._counts.most_common() if count]
        # a single kind is all there is
        shown = frequent[:_SHOWN] if len(frequent) > 1 else []
        if self.current not in (ALL, FORGOTTEN) and self.current not in shown:
            # what is chosen in the menu must show that it is
            shown = [*shown[: _SHOWN - 1], self.current]
        self._keys = shown
        self.every.set_caption(tr("All types  {n}", n=number(total)))
        self.every.setChecked(self.current == ALL)
        for place, chip in enumerate(self.chips):
            chip.setVisible(place < len(shown))
            if place < len(shown):
                chip.set_caption(f"{type_words(shown[place])}  {number(self._counts[shown[place]])}")
                chip.setChecked(self.current == shown[place])
        rest = [key for key in frequent if key not in shown]
        on = self.current == FORGOTTEN
        self.more.set_caption(tr("Forgotten  {n}", n=number(self._forgotten)) if on else tr("More"), name=tr("More kinds of memory"))
        self.more.setChecked(on)
        self.more.setVisible(bool(rest or self._forgotten or on))

    def _chip(self, key: str) -> Button:
        chip = Button("", "chip", checkable=True)
        chip.clicked.connect(partial(self._press, chip, key))
        return chip

    def _press(self, chip: Button, key: str, _checked: bool = False) -> None:  # noqa: FBT001, FBT002 - Qt's signal
        self.choose(key if chip is self.every else self._keys[self.chips.index(chip)])

    def _open_menu(self) -> None:
        menu = QMenu(self)
        menu.aboutToHide.connect(menu.deleteLater)
        for key, count in self._counts.most_common():
            if key not in self._keys and count:
                menu.addAction(f"{type_words(key)}  {number(count)}", partial(self.choose, key))
        if self._forgotten:
            menu.addSeparator()
            menu.addAction(tr("Forgotten, not yet purged  {n}", n=number(self._forgotten)), partial(self.choose, FORGOTTEN))
        if self.current != ALL:
            menu.addAction(tr("All types"), partial(self.choose, ALL))
        self._show(sum(self._counts.values()))
        menu.popup(self.more.mapToGlobal(self.more.rect().bottomLeft()))
