"""A small card with one figure: what it is, how much, and a line about it."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from desktop.widgets.card import Card
from desktop.widgets.label import ElidedLabel, IconLabel, PlainLabel
from desktop.widgets.layout import row

HEIGHT = 92
_NARROWEST = 112


class FigureTile(Card):
    """92 px high; a figure nobody has measured is a dash, never a zero."""

    def __init__(self, title: str, icon_name: str) -> None:
        super().__init__()
        self.setFixedHeight(HEIGHT)
        self.setMinimumWidth(_NARROWEST)
        self._title = title
        name = ElidedLabel(title, size=12, tone="muted")
        self.value = PlainLabel("–", "big")
        self.about = ElidedLabel(size=12, tone="muted")
        self.body.setSpacing(1)
        self.add(row(IconLabel(icon_name, size=14), (name, 1), gap=6), self.value, self.about)
        self.show_figure(None)

    def show_figure(self, value: str | None, about: str = "", *, tone: str = "") -> None:
        """Show ``value`` (None: unknown) and a line below it."""
        self.value.setText("–" if value is None else value)
        self.value.set_tone(tone)
        self.about.setText(about)
        self.setAccessibleName(f"{self._title}: {value if value is not None else '–'} {about}".strip())


def tiles(*parts: QWidget) -> QWidget:
    """Return figures side by side at equal widths."""
    whole = QWidget()
    whole.setLayout(row(*((part, 1) for part in parts), gap=12, stretch_height=True))
    return whole
