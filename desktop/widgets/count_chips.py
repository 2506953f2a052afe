"""Chips of which one is on, each with how many rows it would leave; they flow onto further lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QButtonGroup, QSizePolicy, QWidget

from desktop.style import MEDIUM, colour
from desktop.widgets import paint
from desktop.widgets.chips import FlowLayout

HEIGHT: Final = 26
_PAD: Final = 11
_GAP: Final = 8


class CountChips(QWidget):
    """A choice of (key, caption); ``chosen`` carries the key the person picked."""

    chosen = Signal(str)

    def __init__(self, choices: Sequence[tuple[str, str]], *, name: str) -> None:
        super().__init__()
        self._keys = [key for key, _ in choices]
        self._group = QButtonGroup(self)
        self.setAccessibleName(name)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        lane = FlowLayout(gap=6)
        for number, (_, caption) in enumerate(choices):
            chip = CountChip(caption, name=name)
            self._group.addButton(chip, number)
            lane.addWidget(chip)
        self.setLayout(lane)
        self._group.button(0).setChecked(True)
        self._group.idClicked.connect(lambda number: self.chosen.emit(self._keys[number]))

    @property
    def current(self) -> str:
        """The key of the chip that is on."""
        return self._keys[self._group.checkedId()]

    def choose(self, key: str) -> None:
        """Switch to ``key`` without emitting ``chosen``.

        Raises:
            ValueError: no such chip.
        """
        self.chip(key).setChecked(True)

    def chip(self, key: str) -> QAbstractButton:
        """Return the chip of ``key``.

        Raises:
            ValueError: no such chip.
        """
        return self._group.button(self._keys.index(key))

    def set_counts(self, counts: Mapping[str, str]) -> None:
        """Write the counts onto the chips; a chip that is not named loses its own."""
        for key in self._keys:
            chip = self.chip(key)
            if isinstance(chip, CountChip):
                chip.set_count(counts.get(key, ""))


class CountChip(QAbstractButton):
    """One choice with its count."""

    def __init__(self, caption: str, *, name: str) -> None:
        super().__init__()
        self._caption, self._name, self.count = caption, name, ""
        self.setCheckable(True)
        self.setText(caption.replace("&", "&&"))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.set_count("")

    def set_count(self, count: str) -> None:
        """Show another count; empty for none."""
        self.count = count
        self.setAccessibleName(f"{self._name}: {self._caption} {count}".rstrip())
        self.setFixedSize(self.sizeHint())
        self.update()

    def sizeHint(self) -> QSize:
        """Return the room of caption and count."""
        words = paint.advance(self._caption, 12, MEDIUM)
        count = paint.advance(self.count, 12, MEDIUM) + _GAP if self.count else 0.0
        return QSize(round(words + count) + 2 * _PAD + 1, HEIGHT)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Press on Enter as on Space."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the chip."""
        painter = QPainter(self)
        paint.begin(painter)
        whole, on = QRectF(self.rect()), self.isChecked()
        ground = "accent_bg" if on else "hover" if self.underMouse() else "surface"
        line = "accent" if self.hasFocus() else "accent_bg" if on else "line2"
        paint.box(painter, whole, HEIGHT / 2, fill=colour(ground), line=line, width=2 if self.hasFocus() else 1)
        inside = whole.adjusted(_PAD, 0, -_PAD + 1, 0)
        paint.text(painter, inside, self._caption, size=12, tone="accent" if on else "text", weight=MEDIUM, elide=False)
        if self.count:
            tone = "accent" if on else "muted"
            paint.text(painter, inside, self.count, size=12, tone=tone, weight=MEDIUM, align=paint.RIGHT, elide=False)
