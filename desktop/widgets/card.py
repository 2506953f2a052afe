"""The white box with a title that every page is made of."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QSizePolicy, QVBoxLayout, QWidget

from desktop.style import colour
from desktop.widgets import paint
from desktop.widgets.label import IconLabel, PlainLabel
from desktop.widgets.layout import Item, holder, row, rule

_HEADER = 24


_CORNER = 10


class _Corner(QWidget):
    """Cuts one corner of a flush card, whose content would otherwise cover the curve."""

    def __init__(self, card: QFrame) -> None:
        super().__init__(card)
        self._card = card
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFixedSize(_CORNER, _CORNER)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        paint.begin(painter)
        painter.translate(-self.x(), -self.y())
        whole, outside = QRectF(self._card.rect()), QPainterPath()
        outside.addRect(whole)
        outside.addRoundedRect(whole, _CORNER, _CORNER)
        painter.fillPath(outside, colour("bg"))
        paint.box(painter, whole, _CORNER, line="line")


class Card(QFrame):
    """A box of 10 px radius. Its header is always 24 px, so titles of neighbours share a line.

    Args:
        title: plain words; empty for no header.
        icon_name: shown before the title.
        right: widgets at the right end of the header.
        flush: the body touches the border (tables).
    """

    def __init__(self, title: str = "", *, icon_name: str = "", right: tuple[QWidget, ...] = (), flush: bool = False) -> None:
        super().__init__()
        self.setObjectName("card")
        self.setAccessibleName(title)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        self.title = PlainLabel(title, "heading")
        self.body = QVBoxLayout()
        """Where the content goes."""
        self.body.setContentsMargins(0, 0, 0, 0)
        self.body.setSpacing(8)
        whole = QVBoxLayout(self)
        whole.setSpacing(0 if flush else 8)
        whole.setContentsMargins(*((1, 1, 1, 1) if flush else (16, 12, 16, 14)))
        if title:
            lead: tuple[Item, ...] = (IconLabel(icon_name),) if icon_name else ()
            # One px more above than below: the border of a flush card counts, so titles of neighbours stay on one line.
            margins = (15, 11, 15, 10) if flush else 0
            lane = row(*lead, self.title, None, *right, margins=margins)
            whole.addWidget(holder(lane, height=_HEADER + (21 if flush else 0)))
        if flush:
            self.body.setSpacing(0)
        whole.addLayout(self.body, 1)
        if not title:
            # without a header nobody else owns the label
            self.title.setParent(self)
            self.title.hide()
        self._corners = tuple(_Corner(self) for _ in range(4)) if flush else ()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the corners of a flush card cut."""
        super().resizeEvent(event)
        right, bottom = self.width() - _CORNER, self.height() - _CORNER
        for corner, (x, y) in zip(self._corners, ((0, 0), (right, 0), (0, bottom), (right, bottom)), strict=False):
            corner.move(x, y)
            corner.raise_()

    def add(self, *items: Item) -> Card:
        """Append widgets, layouts, gaps in px or elastic gaps (None) and return the card."""
        for item in items:
            if item is None:
                self.body.addStretch(1)
            elif isinstance(item, int):
                self.body.addSpacing(item)
            elif isinstance(item, tuple):
                self.body.addWidget(item[0], item[1])
            elif isinstance(item, QWidget):
                self.body.addWidget(item)
            else:
                self.body.addLayout(item)
        return self

    def add_footer(self, *items: Item) -> Card:
        """Append a line and a row of 38 px below it."""
        self.body.addWidget(rule())
        self.body.addWidget(holder(row(*items, margins=(15, 0, 15, 0)), height=38))
        return self
