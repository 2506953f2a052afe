"""The calls that led to a check-out, in two monospaced columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QSizePolicy, QWidget

from desktop.i18n import tr
from desktop.style import MEDIUM, NORMAL, metrics
from desktop.widgets import paint
from desktop.widgets.layout import column, holder

Frames = Sequence[tuple[str, str]]

_LINE = 18
_PAD = 6
_SIDE = 12
_GAP = 16
_SIZE = 11
_MOST_PLACE = 0.6
_PACKAGE: Final = "backend_core/"
_OURS: Final = ("backend_core/", "desktop/")
_PLUMBING: Final = ("backend_core/db/", "backend_core/monitoring/", "desktop/background.py")
"""Our own code that every check-out passes, so it says nothing about who took the connection."""


def taken_here(frames: Frames) -> int | None:
    """Return the number of the frame that took the connection, None when no frame is ours; innermost call first."""
    for number, (place, _) in enumerate(frames):
        if place.startswith(_OURS) and not place.startswith(_PLUMBING):
            return number
    return None


class _Lines(QWidget):
    def __init__(self) -> None:
        super().__init__()
        self.frames: tuple[tuple[str, str], ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(240, 2 * _PAD + _LINE * max(1, len(self.frames)))

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        paint.begin(painter)
        marked = taken_here(self.frames)
        widest = max((paint.advance(place.removeprefix(_PACKAGE), _SIZE, mono=True) for place, _ in self.frames), default=0.0)
        room = min(widest, (self.width() - 2 * _SIDE) * _MOST_PLACE)
        for number, (place, function) in enumerate(self.frames):
            line = QRectF(0, _PAD + number * _LINE, self.width(), _LINE)
            on = number == marked
            if on:
                paint.box(painter, line.adjusted(4, 0, -4, 0), 4, fill="sel")
            tone, weight = ("text", MEDIUM) if on else ("muted", NORMAL)
            left = QRectF(_SIDE, line.y(), room, _LINE)
            right = QRectF(_SIDE + room + _GAP, line.y(), max(0.0, self.width() - 2 * _SIDE - room - _GAP), _LINE)
            paint.text(painter, left, _cut(place, room), size=_SIZE, tone=tone, weight=weight, mono=True)
            paint.text(painter, right, function.rpartition(".")[2], size=_SIZE, tone=tone, weight=weight, mono=True)


def _cut(place: str, room: float) -> str:
    # The end of a path says more than its beginning.
    return metrics(_SIZE, mono=True).elidedText(place.removeprefix(_PACKAGE), Qt.TextElideMode.ElideLeft, room)


class FrameList(QFrame):
    """A framed list that scrolls; the innermost call is on top, and the one that took the connection is marked."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("inset")
        self._lines = _Lines()
        self._scroll = QScrollArea()
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setWidgetResizable(True)
        self._scroll.setWidget(holder(column(self._lines, None)))
        self._scroll.viewport().setAutoFillBackground(False)
        self.setLayout(column(self._scroll, margins=1))
        self.setMinimumHeight(2 * _LINE + 2 * _PAD)
        self.set_frames(())

    def set_frames(self, frames: Frames) -> None:
        """Show ``frames``: (place, function) each, innermost call first."""
        if tuple(frames) == self._lines.frames and frames:
            return
        self._lines.frames = tuple(frames)
        said = self.text() or tr("nothing recorded")
        self._scroll.setAccessibleName(tr("Calls that took the connection: {calls}", calls=said))
        self._lines.updateGeometry()
        self._lines.update()

    def text(self) -> str:
        """Return the calls, one a line."""
        return "\n".join(f"{place}  {function}" for place, function in self._lines.frames)
