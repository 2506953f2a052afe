"""The findings that wait for a person: category, score against its limit, what happened, where and when; never the text."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter, QPen

from desktop.i18n import ago, number, tr
from desktop.pages.safety.words import action_words, category_words, direction_words, score_words, verdict_words, where_words
from desktop.style import MEDIUM, colour
from desktop.widgets import paint
from desktop.widgets.cells import badge_cell, text_cell, two_line_cell
from desktop.widgets.states import EmptyState
from desktop.widgets.table import CellState, Column, Table

if TYPE_CHECKING:
    from backend_core.safety.queue import QueueRow

ROW_HEIGHT: Final = 51
_LABEL: Final = 94
_ICONS: Final = {"group": "users", "direct": "user-round"}


def queue_empty() -> EmptyState:
    """Return what stands in place of findings."""
    return EmptyState("flag", tr("Nothing waits for review"))


def queue_table(empty: EmptyState) -> Table:
    """Return the table; its key is the id of a finding."""
    return Table(_columns(), name=tr("Findings"), row_height=ROW_HEIGHT, key=lambda row: row.id, empty=empty)


def _columns() -> list[Column]:
    def what(row: QueueRow) -> str:
        return category_words(row.category)

    def who(row: QueueRow) -> str:
        return direction_words(row.direction)

    def found(row: QueueRow) -> str:
        return ago(row.at, now=datetime.now(UTC))

    def action(row: QueueRow) -> tuple[str, str]:
        return action_words(row.action)

    def verdict(row: QueueRow) -> tuple[str, str]:
        return verdict_words(row.verdict)

    def tag(row: QueueRow) -> str:
        return str(row.tag)

    where = two_line_cell(where_words, tag, icon_name=lambda row: _ICONS.get(row.kind, "user-round"))
    return [
        Column("what", tr("Category"), lambda row: f"{what(row)}, {who(row)}", two_line_cell(what, who), width=160),
        Column("score", tr("Score and limit"), score_words, _paint_score, width=184),
        Column("action", tr("What happened"), lambda row: action(row)[0], badge_cell(action), width=144),
        Column("where", tr("Where"), where_words, where),
        Column("verdict", tr("Verdict"), lambda row: verdict(row)[0], badge_cell(verdict), width=84),
        Column("at", tr("Found"), found, text_cell(found, tone="muted", right=True), width=96, right=True),
    ]


def _paint_score(painter: QPainter, rect: QRectF, row: Any, _state: CellState) -> None:
    track = QRectF(rect.x() + _LABEL, rect.center().y() - 3, rect.width() - _LABEL, 6)
    words = QRectF(rect.x(), rect.y(), _LABEL - 10, rect.height())
    if row.score is None or row.limit is None:
        paint.text(painter, words, tr("not judged"), tone="muted", size=12)
        paint.bar(painter, track, None)
        return
    score = number(row.score, decimals=2)
    paint.text(painter, words, score, weight=MEDIUM)
    beside = words.adjusted(paint.advance(score, 13, MEDIUM) + 5, 0, 0, 0)
    paint.text(painter, beside, tr("of {limit}", limit=number(row.limit, decimals=2)), tone="muted", size=12)
    paint.bar(painter, track, row.score, "bad" if row.score > row.limit else "info")
    at = track.x() + track.width() * min(1.0, row.limit)
    painter.setPen(QPen(colour("text"), 1.5))
    painter.drawLine(QPointF(at, track.top() - 4), QPointF(at, track.bottom() + 4))
