"""A strip of small pages with the state of their audio, around the page that is read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop.i18n import tr
from desktop.pages.documents.details import PageLine
from desktop.style import MEDIUM, NORMAL, SEMIBOLD
from desktop.widgets import paint

HEIGHT: Final = 102
_WIDTH = 61
_PITCH = 66.6
_SHEET = 58
_TOP = 7
_PAPER = (30, 40)
_LINES = (20, 16, 20, 20, 12, 18)
_NOTCH = 120
_LOOKS: Final[dict[str, tuple[str, str]]] = {
    "ready": ("check", "ok"),
    "working": ("loader", "accent"),
    "outdated": ("history", "warn"),
    "failed": ("x", "bad"),
    "none": ("", "muted"),
}


class PageStrip(QWidget):
    """As many pages as fit; the arrow keys, the wheel and a click choose one."""

    chosen = Signal(int)
    """A page number."""
    retry_wanted = Signal(int)
    """The page whose audio failed and whose Retry was clicked."""

    def __init__(self) -> None:
        super().__init__()
        self._pages: Sequence[PageLine] = ()
        self._current = self._playing = self._first = 0
        self.setFixedHeight(HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(tr("Pages"))

    def show_pages(self, pages: Sequence[PageLine], *, current: int, playing: int) -> None:
        """Show pages in order; ``current`` is read, ``playing`` is heard (0: none)."""
        moved = current != self._current or len(pages) != len(self._pages)
        self._pages, self._current, self._playing = pages, current, playing
        if moved:
            self._first = max(0, min(current - 1 - self._fits() // 2 + 1, len(pages) - self._fits()))
            line = pages[current - 1] if 0 < current <= len(pages) else None
            self.setAccessibleDescription(tr("Page {n} of {all}, {state}", n=current, all=len(pages), state=line.label if line else ""))
        self.update()

    @property
    def visible_pages(self) -> tuple[int, int]:
        """The first and last page number in sight."""
        return min(self._first + 1, len(self._pages)), min(self._first + self._fits(), len(self._pages))

    def sizeHint(self) -> QSize:
        return QSize(400, HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return QSize(_WIDTH, HEIGHT)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Home: -len(self._pages), Qt.Key.Key_End: len(self._pages)}
        if event.key() in steps and self._pages:
            self._choose(self._current + steps[Qt.Key(event.key())])
        else:
            super().keyPressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        turned = event.angleDelta().y() or event.angleDelta().x()
        self._choose(self._current - round(turned / _NOTCH))
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        number = self._first + int(event.position().x() // _PITCH) + 1
        if event.button() != Qt.MouseButton.LeftButton or not 1 <= number <= len(self._pages):
            return
        if self._pages[number - 1].state == "failed" and event.position().y() > _TOP + _SHEET + 18:
            self.retry_wanted.emit(number)
        else:
            self._choose(number)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        paint.begin(painter)
        for place, line in enumerate(self._pages[self._first : self._first + self._fits()]):
            self._draw(painter, QRectF(place * _PITCH + 0.5, _TOP, _WIDTH, _SHEET), line)
        if self.hasFocus():
            paint.box(painter, QRectF(self.rect()), 6, line="accent", width=2)

    def _draw(self, painter: QPainter, box: QRectF, line: PageLine) -> None:
        current, failed = line.number == self._current, line.state == "failed"
        fill = "accent_bg" if current else "bad_bg" if failed else "bg"
        paint.box(painter, box, 7, fill=fill, line="accent" if current else "bad" if failed else "line", width=2 if current else 1)
        _draw_paper(painter, box, line)
        if line.state == "working":
            paint.bar(painter, QRectF(box.x() + 8, box.bottom() - 7, box.width() - 16, 3), line.share, track="line2")
        self._draw_sign(painter, box, line)
        number = QRectF(box.x(), box.bottom() + 3, box.width(), 16)
        paint.text(painter, number, str(line.number), size=12, weight=SEMIBOLD, tone="accent" if current else "text", align=paint.CENTRE)
        self._draw_label(painter, QRectF(box.x() - 3, box.bottom() + 19, box.width() + 6, 15), line)

    def _draw_sign(self, painter: QPainter, box: QRectF, line: PageLine) -> None:
        icon, tone = _LOOKS[line.state]
        playing = line.number == self._playing
        if not icon and not playing:
            return
        ring = QRectF(box.right() - 16, box.y() - 6, 20, 20)
        paint.box(painter, ring, 10, fill="surface")
        inside = ring.adjusted(2, 2, -2, -2)
        fill = "solid" if playing else "bad_solid" if tone == "bad" else f"{tone}_bg"
        paint.box(painter, inside, 8, fill=fill)
        ink = "white" if playing or tone == "bad" else tone
        paint.icon(painter, QPointF(inside.x() + 3, inside.y() + 3), "volume-2" if playing else icon, ink, size=10)

    @staticmethod
    def _draw_label(painter: QPainter, room: QRectF, line: PageLine) -> None:
        tone = {"failed": "bad", "outdated": "warn", "working": "accent"}.get(line.state, "muted")
        weight = NORMAL if line.state in {"ready", "none"} else MEDIUM
        left = 0.0
        if line.state == "failed":
            left = 13
            start = room.center().x() - (paint.advance(line.label, 11, SEMIBOLD) + left) / 2
            paint.icon(painter, QPointF(start, room.y() + 2), "rotate-ccw", "bad", size=11)
        paint.text(painter, room.adjusted(left, 0, 0, 0), line.label, size=11, tone=tone, weight=weight, align=paint.CENTRE)

    def _choose(self, number: int) -> None:
        number = min(max(1, number), len(self._pages))
        if number and number != self._current:
            self.chosen.emit(number)

    def _fits(self) -> int:
        return max(1, int((self.width() + _PITCH - _WIDTH) // _PITCH))


def _draw_paper(painter: QPainter, box: QRectF, line: PageLine) -> None:
    width, height = _PAPER
    paper = QRectF(box.center().x() - width / 2, box.y() + 8, width, height)
    paint.box(painter, paper, 2, fill="surface", line="line2")
    if not line.characters:
        return
    for index, length in enumerate(_LINES):
        shift = (line.number * 5 + index * 3) % 5 if index else 0
        bar = QRectF(paper.x() + 5, paper.y() + 5 + index * 5.5, length - shift, 2)
        paint.box(painter, bar, 0, fill="line2" if index else "faint")
