"""Cells of the lists of the readiness page; what nobody knows is a texture and a dashed edge, never a colour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter, QPen

from desktop.i18n import number, tr
from desktop.pages.readiness import words
from desktop.style import MEDIUM, NORMAL, SEMIBOLD, colour, tone_fill, tone_text
from desktop.widgets import paint

if TYPE_CHECKING:
    from backend_core.monitoring.readiness.records import Category, CheckResult
    from desktop.widgets.table import CellState

_GATE_HIGH: Final = 16
BAR_HIGH: Final = 8
_MARK: Final = 4
_SCORE_ROOM: Final = 44


def status_pill(painter: QPainter, left: float, middle: float, status: str, *, edge: bool = False) -> float:
    """Draw the status of a check and return the width it took."""
    said = words.name_of(status)
    tone = words.TONES.get(status)
    if tone is not None:
        return paint.pill(painter, left, middle, said, tone, icon_name=words.ICONS[status], edge=edge)
    return paint.unknown_pill(painter, left, middle, said, icon_name=words.ICONS[status], ground="sel" if edge else "surface")


def draw_status(painter: QPainter, rect: QRectF, check: CheckResult, state: CellState) -> None:
    """Draw the status of a row."""
    status_pill(painter, rect.x(), rect.center().y(), check.status, edge=state.selected)


def draw_name(painter: QPainter, rect: QRectF, check: CheckResult, state: CellState) -> None:
    """Draw the title over the id, with the mark of a gate."""
    middle, tone = rect.center().y(), "text" if state.selected else "muted"
    paint.text(painter, QRectF(rect.x(), middle - 19, rect.width(), 18), check.title, weight=MEDIUM)
    mark = tr("gate")
    taken = paint.advance(mark, 11, MEDIUM) + 20 if check.gate else 0.0
    room = QRectF(rect.x(), middle + 1, rect.width() - taken, 16)
    paint.text(painter, room, check.id, size=12, tone=tone)
    if check.gate:
        left = room.x() + min(room.width(), paint.advance(check.id, 12)) + 8
        cap = QRectF(left, middle + 1, taken - 8, _GATE_HIGH)
        paint.box(painter, cap, 4, line="accent" if state.selected else "line2")
        paint.text(painter, cap, mark, size=11, tone=tone, weight=MEDIUM, align=paint.CENTRE, elide=False)


def draw_value(painter: QPainter, rect: QRectF, check: CheckResult, state: CellState) -> None:
    """Draw what was found over what it must be."""
    tone = {"fail": "bad", "warn": "warn", "pass": "text"}.get(check.status, "muted")
    weight = MEDIUM if check.status in {"fail", "warn"} else NORMAL
    middle, below = rect.center().y(), "text" if state.selected else "muted"
    paint.text(painter, QRectF(rect.x(), middle - 19, rect.width(), 18), words.value_words(check), tone=tone, weight=weight)
    paint.text(painter, QRectF(rect.x(), middle + 1, rect.width(), 16), check.threshold, size=12, tone=below)


def draw_link(painter: QPainter, rect: QRectF, check: CheckResult, _state: CellState) -> None:
    """Draw where the check leads."""
    said = words.link_words(check)
    if said:
        width = min(paint.advance(said, 12, MEDIUM), rect.width() - 16)
        paint.text(painter, QRectF(rect.x(), rect.y(), width + 1, rect.height()), said, size=12, tone="accent", weight=MEDIUM)
        paint.icon(painter, QPointF(rect.x() + width + 4, rect.center().y() - 6), "arrow-up-right", "accent", size=12)


def draw_category(painter: QPainter, rect: QRectF, one: Category, _state: CellState) -> None:
    """Draw a category: its name, how much of it is known, how it stands, and now beside before and target."""
    # as far from the edge as the title of the card
    rect = rect.adjusted(3, 0, -4, 0)
    note, top = words.category_note(one), rect.center().y() - 18
    right = rect.right() - _SCORE_ROOM
    paint.icon(painter, QPointF(rect.x(), top + 1), words.category_icon(one.key), "muted")
    width = paint.advance(one.name, 13, MEDIUM)
    said = paint.advance(note.words, 12, MEDIUM)
    paint.text(painter, QRectF(rect.x() + 24, top, right - rect.x() - 24 - said, 18), one.name, weight=MEDIUM)
    known = QRectF(rect.x() + 24 + width + 10, top, max(0.0, right - said - 16 - rect.x() - 34 - width), 18)
    paint.text(painter, known, tr("{n} of {all} known", n=number(one.known), all=number(one.total)), size=12, tone="muted")
    paint.text(painter, QRectF(right - said - 1, top, said + 1, 18), note.words, size=12, tone=_ink(note.tone), weight=MEDIUM, elide=False)
    draw_bar(painter, QRectF(rect.x(), round(rect.center().y()) + 6, right - rect.x(), BAR_HIGH), one, note.tone)
    figure = words.points(one.score) if one.score is not None else "?"
    tone = "text" if one.score is not None else "muted"
    paint.text(painter, QRectF(right, rect.y(), _SCORE_ROOM, rect.height()), figure, tone=tone, weight=SEMIBOLD, align=paint.RIGHT)


def draw_bar(painter: QPainter, rect: QRectF, one: Category, tone: str) -> None:
    """Draw the score now as a bar, what it was before as a notch, and the target as a flag."""

    def place(score: float) -> float:
        return round(rect.x() + rect.width() * score / 100) + 0.5

    if one.score is None:
        paint.hatch(painter, rect, rect.height() / 2)
    else:
        paint.box(painter, rect, rect.height() / 2, fill="line")
        if one.score > 0:
            filled = QRectF(rect.x(), rect.y(), max(rect.height(), rect.width() * min(one.score, 100.0) / 100), rect.height())
            paint.box(painter, filled, rect.height() / 2, fill=tone_fill("info" if tone in {"ok", ""} else tone))
    if one.before:
        # inside the bar a notch in the colour of the ground, outside a dark line
        inside = one.score is not None and one.score > one.before
        _line(painter, place(one.before), rect, 0, "surface", 3)
        _line(painter, place(one.before), rect, 0, "surface" if inside else "text", 1.4)
    _line(painter, place(one.target), rect, _MARK, "surface", 4)
    _line(painter, place(one.target), rect, _MARK, "text", 2)


def _line(painter: QPainter, x: float, rect: QRectF, beyond: float, token: str, width: float) -> None:
    painter.setPen(QPen(colour(token), width))
    painter.drawLine(QPointF(x, rect.top() - beyond), QPointF(x, rect.bottom() + beyond))


def _ink(tone: str) -> str:
    return tone_text(tone) if tone else "muted"
