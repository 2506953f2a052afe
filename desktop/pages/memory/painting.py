"""How a day and a memory of the timeline are drawn; what the viewer is never given is hatched, greyed and says so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter, QPen

from desktop.i18n import number, tr
from desktop.pages.memory.lines import DayLine, MemoryLine, Why
from desktop.pages.memory.words import type_tone, type_words
from desktop.style import MEDIUM, NORMAL, SEMIBOLD, colour, tone_background, tone_text
from desktop.widgets import paint

DAY_HEIGHT: Final = 27
LINE_HEIGHT: Final = 57
WHY_HEIGHT: Final = 77
_GUTTER: Final = 28
_TEXT: Final = 58
_RIGHT: Final = 16
_TIME: Final = 46
_HATCH: Final = 9
_BAR: Final = 92
_SHADES: Final = (255, 165, 110, 190, 135)
_OTHER: Final = 70


@dataclass(frozen=True, slots=True)
class Look:
    """How a line is shown now.

    Attributes:
        hidden: words of the pill that says who is never given it, empty when the viewer is.
        best: the highest score of the same place; bars are as long as their share of it.
        last: no line below it on the thread.
    """

    hidden: str = ""
    best: float = 0.0
    last: bool = False
    selected: bool = False
    hovered: bool = False


def height_of(line: DayLine | MemoryLine) -> int:
    """Return the height of a row in px."""
    if isinstance(line, DayLine):
        return DAY_HEIGHT
    return WHY_HEIGHT if line.why or line.rank else LINE_HEIGHT


def draw_day(painter: QPainter, rect: QRectF, line: DayLine) -> None:
    """Draw the heading of a day."""
    painter.fillRect(rect, colour("bg"))
    _thread(painter, rect.top(), rect.bottom() + 1)
    painter.setPen(QPen(colour("line2"), 1))
    painter.setBrush(colour("surface"))
    painter.drawEllipse(QPointF(_GUTTER + 0.5, rect.center().y()), 3.5, 3.5)
    paint.text(painter, rect.adjusted(_TEXT, 0, -_RIGHT, 0), line.words, size=12, weight=SEMIBOLD)
    paint.text(painter, rect.adjusted(0, 0, -_RIGHT, 0), line.count, size=12, tone="muted", align=paint.RIGHT)


def draw_line(painter: QPainter, rect: QRectF, line: MemoryLine, look: Look) -> None:
    """Draw one memory."""
    ground = "sel" if look.selected else "hover" if look.hovered else "surface"
    painter.fillRect(rect, colour(ground))
    if look.hidden:
        _hatch(painter, rect)
    _thread(painter, rect.top(), rect.top() + 20 if look.last else rect.bottom() + 1)
    _mark(painter, QRectF(_GUTTER - 11, rect.y() + 9, 23, 23), line, dim=bool(look.hidden))
    if look.selected:
        painter.fillRect(QRectF(rect.x(), rect.y(), 3, rect.height()), colour("accent"))
    _first(painter, QRectF(_TEXT, rect.y() + 8, rect.width() - _TEXT - _RIGHT, 21), line, look)
    _second(painter, QRectF(_TEXT, rect.y() + 31, rect.width() - _TEXT - _RIGHT, 19), line, look)
    if line.rank:
        _third(painter, QRectF(_TEXT, rect.y() + 53, rect.width() - _TEXT - _RIGHT, 16), line, look)
    painter.fillRect(QRectF(_TEXT, rect.bottom() - 1, rect.width() - _TEXT - _RIGHT, 1), colour("grid"))


def _thread(painter: QPainter, top: float, bottom: float) -> None:
    painter.setPen(QPen(colour("line2"), 1))
    painter.drawLine(QPointF(_GUTTER + 0.5, top), QPointF(_GUTTER + 0.5, bottom))


def _hatch(painter: QPainter, rect: QRectF) -> None:
    painter.save()
    painter.setClipRect(rect)
    painter.setPen(QPen(colour("line2", alpha=120), 1))
    start = rect.left() - rect.height()
    while start < rect.right():
        painter.drawLine(QPointF(start, rect.bottom()), QPointF(start + rect.height(), rect.top()))
        start += _HATCH
    painter.restore()


def _mark(painter: QPainter, rect: QRectF, line: MemoryLine, *, dim: bool) -> None:
    paint.box(painter, rect, rect.height() / 2, fill="bg" if dim else "accent_bg", line="line2" if dim else "accent")
    icon = "eraser" if line.forgotten else "lock" if line.kind == "direct" else "users"
    paint.icon(painter, QPointF(rect.x() + 5, rect.y() + 5), icon, "muted" if dim else "accent", size=13)


def _first(painter: QPainter, room: QRectF, line: MemoryLine, look: Look) -> None:
    paint.text(painter, room, line.time, size=12, tone="muted", align=paint.RIGHT)
    right = room.right() - _TIME
    if look.hidden:
        right -= _pill(painter, right, room, look.hidden, "eye-off") + 10
    elif line.forgotten:
        right -= _pill(painter, right, room, line.forgotten, "eraser") + 10
    muted = bool(look.hidden or line.forgotten)
    _words(painter, QRectF(room.x(), room.y(), right - room.x(), room.height()), line, muted=muted)


def _pill(painter: QPainter, right: float, room: QRectF, words: str, icon: str) -> float:
    width = paint.advance(words, 12, MEDIUM) + 36
    box = QRectF(right - width, room.y(), width, 21)
    paint.box(painter, box, box.height() / 2, fill="surface", line="line2")
    paint.icon(painter, QPointF(box.x() + 9, box.y() + 4), icon, "muted", size=13)
    paint.text(painter, box.adjusted(27, 0, 0, 0), words, size=12, tone="muted", weight=MEDIUM, elide=False)
    return width


def _words(painter: QPainter, room: QRectF, line: MemoryLine, *, muted: bool) -> None:
    """Draw the text with what matched on a pale ground; the part that no longer fits ends in an ellipsis."""
    left, ink = room.x(), "muted" if muted else "text"
    for part, hit in _parts(line):
        weight = SEMIBOLD if hit else MEDIUM
        width = paint.advance(part, 13, weight)
        free = room.right() - left
        if free <= paint.advance("…", 13, weight):
            return
        box = QRectF(left, room.y(), min(width + 1, free), room.height())
        if hit:
            paint.box(painter, box.adjusted(-1.5, 1, 0.5, -1), 4, fill="hover" if muted else "accent_bg")
        paint.text(painter, box, part, tone="accent" if hit and not muted else ink, weight=weight)
        left += width
        if width > free:
            return


def _parts(line: MemoryLine) -> Iterator[tuple[str, bool]]:
    at = 0
    for start, length in line.hits:
        if start > at:
            yield line.text[at:start], False
        yield line.text[start : start + length], True
        at = start + length
    if at < len(line.text):
        yield line.text[at:], False


def _second(painter: QPainter, room: QRectF, line: MemoryLine, look: Look) -> None:
    tone = "none" if look.hidden or line.forgotten else type_tone(line.type)
    words = type_words(line.type)
    width = paint.advance(words, 11, MEDIUM) + 16
    pill = QRectF(room.x(), room.y() + 0.5, width, 18)
    ground = "bg" if tone == "none" else tone_background(tone)
    paint.box(painter, pill, 9, fill=ground, line="line" if tone == "none" or look.selected else None)
    paint.text(painter, pill, words, size=11, tone=tone_text(tone), weight=MEDIUM, align=paint.CENTRE, elide=False)
    left = pill.right() + 8
    facts = _facts(line)
    reserved = sum(17 + paint.advance(value, 12) + 14 for _, value in facts)
    origin = min(paint.advance(line.origin, 12) + 1, max(0.0, room.right() - left - reserved))
    paint.text(painter, QRectF(left, room.y(), origin, room.height()), line.origin, size=12, tone="muted")
    left += origin + 14
    for icon, value in facts:
        paint.icon(painter, QPointF(left, room.y() + 3), icon, "warn" if icon == "git-merge-conflict" else "muted", size=13)
        width = paint.advance(value, 12)
        paint.text(painter, QRectF(left + 17, room.y(), width + 1, room.height()), value, size=12, tone="muted", elide=False)
        left += 17 + width + 14


def _facts(line: MemoryLine) -> list[tuple[str, str]]:
    facts = [("gauge", number(line.salience, decimals=2))]
    if line.until:
        facts.append(("clock", tr("until {day}", day=line.until)))
    if line.conflict:
        facts.append(("git-merge-conflict", tr("contradicted")))
    return facts


def _third(painter: QPainter, room: QRectF, line: MemoryLine, look: Look) -> None:
    """Draw the rank, a bar of the parts of the score, and the sum in words."""
    ink = "muted" if look.hidden else "accent"
    paint.text(painter, QRectF(room.x(), room.y(), 30, room.height()), f"#{line.rank}", size=11, tone=ink, weight=SEMIBOLD, elide=False)
    bar = QRectF(room.x() + 26, room.y() + 5.5, _BAR, 5)
    paint.box(painter, bar, 2.5, fill="line")
    left, best = bar.x(), max(look.best, line.score, 0.001)
    for part, shade in shades(line):
        width = _BAR * part.score / best
        painter.fillRect(
            QRectF(left, bar.y(), max(0.0, width - 1), bar.height()), colour("faint" if look.hidden else "accent", alpha=shade)
        )
        left += width
    rest = QRectF(bar.right() + 10, room.y(), room.right() - bar.right() - 10, room.height())
    paint.text(painter, rest, sum_words(line), size=11, tone="muted", mono=True, weight=NORMAL)


def shades(line: MemoryLine) -> Iterator[tuple[Why, int]]:
    """Return what spoke for a memory, each with how opaque its part of the bar is: words strongest, other reasons palest."""
    for part in line.why:
        if part.score > 0:
            yield part, shade_of(part.word)


def sum_words(line: MemoryLine) -> str:
    """Return the score as a sum: “lisbon 3.9 + trip 2.4 + neighbour 0.4 = 6.7”."""
    parts = ""
    for part in line.why:
        sign = " + " if part.score >= 0 else " − "
        value = f"{part.term} {number(abs(part.score), decimals=1)}"
        parts += f"{sign}{value}" if parts else value if part.score >= 0 else f"−{value}"
    return f"{parts} = {number(line.score, decimals=1)}" if parts else number(line.score, decimals=1)


def shade_of(word: int | None) -> int:
    """Return how opaque the part of a bar for a word of the query is, None for what else speaks for a memory."""
    return _OTHER if word is None else _SHADES[word % len(_SHADES)]
