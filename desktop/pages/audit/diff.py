"""Before and after beside each other as plain text: removed lines red with a minus, added ones green with a plus."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final, Literal

from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop.i18n import number, tr
from desktop.style import colour
from desktop.widgets import paint

Sign = Literal[" ", "-", "+"]
DiffLine = tuple[Sign, str]

_LINE: Final = 21
_EDGE: Final = 8
_LEFT: Final = 30
_MOST_LINES: Final = 200
_TONES: Final = {"-": "bad", "+": "ok"}
_MINUS: Final = "−"


def diff_lines(before: Mapping[str, object] | None, after: Mapping[str, object] | None) -> list[DiffLine]:
    """Return the lines of both sides, key by key; what stayed the same comes last.

    >>> diff_lines({"months": 6, "days": 14}, {"months": 12, "days": 14})
    [('-', '"months": 6'), ('+', '"months": 12'), (' ', '"days": 14')]
    """
    old, new = before or {}, after or {}
    found: list[DiffLine] = []
    same: list[DiffLine] = []
    for key in [*old, *(key for key in new if key not in old)]:
        gone = _pretty(key, old[key]) if key in old else []
        come = _pretty(key, new[key]) if key in new else []
        if gone == come:
            same += [(" ", line) for line in gone]
        else:
            found += [("-", line) for line in gone] + [("+", line) for line in come]
    return found + same


def _pretty(key: str, value: object) -> list[str]:
    words = json.dumps({key: value}, ensure_ascii=False, indent=2, default=str)
    # without the braces around, and one level less deep
    lines = [line[2:] for line in words.split("\n")[1:-1]]
    return ["".join(letter if letter.isprintable() else f"\\u{ord(letter):04x}" for letter in line) for line in lines]


class DiffView(QWidget):
    """The lines on a pale ground; long ones go on in the next line."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[DiffLine] = []
        self._shown: list[DiffLine] = []
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_lines(self, lines: list[DiffLine]) -> None:
        """Show ``lines``; at most 200."""
        self.lines = lines
        self.setAccessibleName(tr("Before and after"))
        self.setAccessibleDescription("\n".join(f"{sign} {words}" for sign, words in lines))
        self._wrap()

    def sizeHint(self) -> QSize:
        """Return the room of all lines."""
        return QSize(200, len(self._shown) * _LINE + 2 * _EDGE)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Break the lines again."""
        super().resizeEvent(event)
        self._wrap()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw ground, signs and words."""
        painter = QPainter(self)
        paint.begin(painter)
        whole = QRectF(self.rect())
        paint.box(painter, whole, 8, fill="bg", line="line")
        for place, (sign, words) in enumerate(self._shown):
            top = _EDGE + place * _LINE
            tone = _TONES.get(sign, "muted")
            if sign in _TONES:
                painter.fillRect(QRectF(1, top, whole.width() - 2, _LINE), colour(f"{tone}_bg"))
                shown = _MINUS if sign == "-" else "+"
                paint.text(painter, QRectF(12, top, 14, _LINE), shown, size=12, tone=tone, mono=True, elide=False)
            paint.text(painter, QRectF(_LEFT, top, whole.width() - _LEFT - 8, _LINE), words, size=12, tone=tone, mono=True, elide=False)

    def _wrap(self) -> None:
        room = max(8, int((self.width() - _LEFT - 8) // paint.advance("0", 12, mono=True)))
        shown: list[DiffLine] = []
        for sign, words in self.lines[:_MOST_LINES]:
            shown += [(sign, words[start : start + room]) for start in range(0, max(1, len(words)), room)]
        if len(self.lines) > _MOST_LINES:
            shown.append((" ", tr("… {n} more lines", n=number(len(self.lines) - _MOST_LINES))))
        if shown != self._shown:
            self._shown = shown
            self.setFixedHeight(self.sizeHint().height())
            self.updateGeometry()
        self.update()
