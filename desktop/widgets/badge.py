"""A pill with a word in it; the colour only repeats what the word says."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop.widgets import paint


class Badge(QWidget):
    """A painted pill of 20 px; ``unknown`` is hatched, for a state nobody has measured or that is stale."""

    def __init__(self, value: str = "", tone: str = "none", *, icon_name: str = "", unknown: bool = False) -> None:
        super().__init__()
        self._icon = icon_name
        self._text, self._tone, self._unknown = value, tone, unknown
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.show_state(value, tone, unknown=unknown)

    def text(self) -> str:
        """Return the word."""
        return self._text

    def show_state(self, value: str, tone: str = "none", *, unknown: bool = False, icon_name: str | None = None) -> None:
        """Show another word in another tone, with another icon if one is named; an empty word hides the badge."""
        self._text, self._tone, self._unknown = value, tone, unknown
        self._icon = self._icon if icon_name is None else icon_name
        self.setAccessibleName(value)
        self.setFixedSize(self.sizeHint())
        # Showing a widget without a parent would open a window.
        if self.parent() is not None or not value:
            self.setVisible(bool(value))
        self.update()

    def sizeHint(self) -> QSize:
        """Return the size of the pill."""
        return QSize(round(paint.pill_width(self._text, icon_name=self._icon) + 0.5), paint.PILL_HEIGHT)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw it."""
        painter = QPainter(self)
        paint.begin(painter)
        whole = QRectF(self.rect())
        if self._unknown:
            paint.hatch(painter, whole, whole.height() / 2)
            inside = whole.adjusted(6, 2, -6, -2)
            paint.box(painter, inside, inside.height() / 2, fill="surface")
            paint.text(painter, whole, self._text, size=12, tone="muted", align=paint.CENTRE, elide=False)
        else:
            paint.pill(painter, 0, whole.center().y(), self._text, self._tone, icon_name=self._icon, edge=self._tone == "none")
