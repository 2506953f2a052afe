"""Labels that show text from anywhere as plain text, never as markup."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from desktop.style import metrics, tone_background, tone_text
from desktop.widgets import paint

Role = Literal[
    "", "title", "big", "heading", "strong", "muted", "small", "smalltext", "smallstrong", "tiny", "over", "mono", "monotext", "key"
]


_LARGE_TILE = 40


class PlainLabel(QLabel):
    """A label whose text is always plain: markup, links and image tags in it are only characters.

    Args:
        value: the text.
        role: size and weight, see ``theme.qss``.
        tone: colour (``none info ok warn bad``), empty for the role's own.
        wrap: break lines; the height then follows the width.
        selectable: let the mouse and keyboard copy it.
    """

    def __init__(self, value: str = "", role: Role = "", *, tone: str = "", wrap: bool = False, selectable: bool = False) -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setText(value)
        if role:
            self.setProperty("role", role)
        if tone:
            self.setProperty("tone", tone)
        self.setWordWrap(wrap)
        if selectable:
            self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)

    def setTextFormat(self, value: Qt.TextFormat) -> None:
        """Accept only plain text.

        Raises:
            ValueError: another format was asked for.
        """
        if value != Qt.TextFormat.PlainText:
            message = "a PlainLabel shows plain text only"
            raise ValueError(message)
        super().setTextFormat(value)

    def set_tone(self, tone: str) -> None:
        """Change the colour."""
        if self.property("tone") != tone:
            self.setProperty("tone", tone)
            self.style().polish(self)


class ElidedLabel(QWidget):
    """One plain line that ends in an ellipsis where there is no room; the whole text is its tool tip."""

    def __init__(self, value: str = "", *, size: int = 13, weight: int = 400, tone: str = "text", mono: bool = False) -> None:
        super().__init__()
        self._look = (size, weight, tone, mono)
        self._text = ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setText(value)

    def text(self) -> str:
        """Return the whole text."""
        return self._text

    def setText(self, value: str) -> None:
        """Show ``value``."""
        self._text = value
        self.setAccessibleName(value)
        self._update_tip()
        self.updateGeometry()
        self.update()

    def set_tone(self, tone: str) -> None:
        """Change the colour token."""
        size, weight, _, mono = self._look
        self._look = (size, weight, tone, mono)
        self.update()

    def sizeHint(self) -> QSize:
        """Return the room the whole text would take."""
        size, weight, _, mono = self._look
        wanted = metrics(size, weight, mono=mono)
        return QSize(round(wanted.horizontalAdvance(self._text)) + 2, round(wanted.height()) + 2)

    def minimumSizeHint(self) -> QSize:
        """Return room for a few letters."""
        return QSize(min(24, self.sizeHint().width()), self.sizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Show the tool tip only while text is cut."""
        super().resizeEvent(event)
        self._update_tip()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the line."""
        size, weight, tone, mono = self._look
        painter = QPainter(self)
        paint.text(painter, QRectF(self.rect()), self._text, size=size, weight=weight, tone=tone, mono=mono)

    def _update_tip(self) -> None:
        cut = self.sizeHint().width() - 2 > self.width()
        # A tool tip guesses its format; a leading character that cannot start markup keeps it plain.
        self.setToolTip(plain_tip(self._text) if cut else "")


class IconLabel(QWidget):
    """An icon of fixed size that follows the theme; it is decoration, so it has no name of its own."""

    def __init__(self, name: str, tone: str = "muted", *, size: int = 16) -> None:
        super().__init__()
        self._name, self._tone, self._size = name, tone, size
        self.setFixedSize(size, size)

    def set_icon(self, name: str, tone: str = "muted") -> None:
        """Show another icon."""
        self._name, self._tone = name, tone
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw it in the theme's colour."""
        painter = QPainter(self)
        paint.icon(painter, QPointF(0, 0), self._name, self._tone, size=self._size)


class IconTile(QWidget):
    """An icon in a pale square of 32 px, the mark of a list entry."""

    def __init__(self, name: str, tone: str = "none", *, size: int = 32) -> None:
        super().__init__()
        self._name, self._tone = name, tone
        self.setFixedSize(size, size)

    def set_icon(self, name: str, tone: str = "none") -> None:
        """Show another icon."""
        self._name, self._tone = name, tone
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the square and the icon."""
        painter = QPainter(self)
        paint.begin(painter)
        paint.box(painter, QRectF(self.rect()), 8, fill=tone_background(self._tone))
        size = 22 if self.width() >= _LARGE_TILE else 16
        edge = (self.width() - size) / 2
        paint.icon(painter, QPointF(edge, edge), self._name, tone_text(self._tone), size=size)


def over(value: str) -> PlainLabel:
    """Return a small upper-case heading of 16 px height."""
    label = PlainLabel(value.upper(), "over")
    label.setFixedHeight(16)
    return label


def plain_tip(value: str) -> str:
    """Return ``value`` in a form no tool tip takes for markup."""
    return value.replace("<", "‹").replace(">", "›")


def restyle(widget: QWidget) -> None:
    """Apply the style sheet again after a property it selects on has changed."""
    widget.style().unpolish(widget)
    widget.style().polish(widget)
    widget.update()
