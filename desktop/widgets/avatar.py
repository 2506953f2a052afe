"""Marks of who somebody is: a round one for a person, a square one for a persona, with initials instead of pictures."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from desktop.style import SEMIBOLD
from desktop.widgets import paint

PERSON: Final = "person"
PERSONA: Final = "persona"
GROUP: Final = "group"
_LOOKS: Final = {PERSON: ("accent_bg", "accent"), PERSONA: ("ok_bg", "ok"), GROUP: ("hover", "muted")}
_CORNER: Final = 8


def initials(name: str) -> str:
    """Return the first letters of the first and the last word: “Nora Lindqvist” gives NL, “Sage” gives Sa.

    >>> initials("Nora Maria Lindqvist"), initials("Sage"), initials(" ")
    ('NL', 'Sa', '?')
    """
    words = name.split()
    if not words:
        return "?"
    if len(words) == 1:
        return words[0][:2].capitalize()
    return (words[0][0] + words[-1][0]).upper()


def draw(painter: QPainter, rect: QRectF, name: str, kind: str) -> None:
    """Draw the mark of ``name`` into the square ``rect``; ``kind`` is PERSON, PERSONA or GROUP."""
    ground, ink = _LOOKS.get(kind, _LOOKS[PERSON])
    radius = rect.height() / 2 if kind == PERSON else _CORNER
    paint.box(painter, rect, radius, fill=ground)
    if kind == GROUP:
        paint.icon(painter, QPointF(rect.center().x() - 8, rect.center().y() - 8), "users", ink)
    else:
        paint.text(painter, rect, initials(name), size=11, tone=ink, weight=SEMIBOLD, align=paint.CENTRE, elide=False)


class Avatar(QWidget):
    """A mark of fixed size; it repeats the name beside it, so it has no accessible name of its own."""

    def __init__(self, name: str = "", kind: str = PERSON, *, size: int = 32) -> None:
        super().__init__()
        self._name, self._kind = name, kind
        self.setFixedSize(size, size)

    def show_name(self, name: str, kind: str = PERSON) -> None:
        """Show the mark of somebody else."""
        self._name, self._kind = name, kind
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw it."""
        painter = QPainter(self)
        paint.begin(painter)
        draw(painter, QRectF(self.rect()), self._name, self._kind)
