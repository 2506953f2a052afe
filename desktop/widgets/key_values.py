"""A list of facts: a muted word and its value on each line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QWidget

from desktop.widgets.badge import Badge
from desktop.widgets.label import ElidedLabel, PlainLabel
from desktop.widgets.layout import clear_layout


@dataclass(frozen=True, slots=True)
class Fact:
    """One line; with a ``tone`` the value is a badge, with ``mono`` it is set in the mono face."""

    name: str
    value: str
    tone: str = ""
    mono: bool = False
    unknown: bool = False


class KeyValues(QWidget):
    """Facts below each other, 24 px each; long values end in an ellipsis and show whole in the tool tip."""

    def __init__(self, facts: Sequence[Fact] = (), *, name_width: int = 96) -> None:
        super().__init__()
        self._facts: tuple[Fact, ...] = ()
        self._lines: list[QWidget] = []
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setVerticalSpacing(0)
        self._grid.setHorizontalSpacing(8)
        self._grid.setColumnMinimumWidth(0, name_width)
        self._grid.setColumnStretch(1, 1)
        self.set_facts(facts)

    def set_facts(self, facts: Sequence[Fact]) -> None:
        """Show ``facts``; lines of the same shape are only rewritten, so nothing flickers."""
        new, old = tuple(facts), self._facts
        self._facts = new
        if [(f.name, f.tone, f.mono, f.unknown) for f in new] == [(f.name, f.tone, f.mono, f.unknown) for f in old]:
            for line, fact in zip(self._lines, new, strict=True):
                if isinstance(line, Badge):
                    line.show_state(fact.value, fact.tone or "none", unknown=fact.unknown)
                elif isinstance(line, ElidedLabel):
                    line.setText(fact.value)
            return
        clear_layout(self._grid)
        self._lines = [self._add(number, fact) for number, fact in enumerate(new)]

    def _add(self, number: int, fact: Fact) -> QWidget:
        name = PlainLabel(fact.name, "small")
        name.setFixedHeight(24)
        line: QWidget
        if fact.tone or fact.unknown:
            line = Badge(fact.value, fact.tone or "none", unknown=fact.unknown)
        else:
            line = ElidedLabel(fact.value, mono=fact.mono, size=12 if fact.mono else 13)
        line.setAccessibleDescription(fact.name)
        self._grid.addWidget(name, number, 0)
        align = Qt.AlignmentFlag.AlignVCenter | (Qt.AlignmentFlag.AlignLeft if isinstance(line, Badge) else Qt.AlignmentFlag(0))
        self._grid.addWidget(line, number, 1, align)
        return line
