"""Since when the counters of the indexes mean anything: the words, and a line of time with the moments at which they fell."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop.i18n import date_time, tr
from desktop.pages.database.index_lines import span_words
from desktop.style import MEDIUM, SEMIBOLD, colour
from desktop.widgets import paint

if TYPE_CHECKING:
    from backend_core.monitoring.indexes.records import Evidence

HEIGHT: Final = 46
_TIME_WIDE: Final = 246
_WORDS_NARROWEST: Final = 280
_LABEL: Final = 110


class EvidenceStrip(QWidget):
    """Hatched where the evidence is too thin, or too old to be called current."""

    def __init__(self) -> None:
        super().__init__()
        self._evidence: Evidence | None = None
        self._now: datetime | None = None
        self.stale = False
        self.setFixedHeight(HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMinimumWidth(_WORDS_NARROWEST)

    def show_evidence(self, evidence: Evidence, *, now: datetime, stale: bool = False) -> None:
        """Show ``evidence`` as it was at ``now``."""
        self._evidence, self._now, self.stale = evidence, now, stale
        self.setAccessibleName(f"{self.heading}. {evidence.sentence}")
        self.update()

    @property
    def heading(self) -> str:
        """The first line."""
        if self._evidence is None or self._evidence.since is None:
            return tr("No evidence yet")
        when = date_time(self._evidence.since)
        if not self._evidence.enough:
            return tr("Not enough evidence: since {when}, {span}", when=when, span=span_words(self._evidence))
        return tr("Evidence since {when}, {span}", when=when, span=span_words(self._evidence))

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the words and, where there is room, the line of time."""
        painter = QPainter(self)
        paint.begin(painter)
        whole = QRectF(self.rect())
        paint.box(painter, whole, 10, fill="surface", line="line")
        if self._evidence is None:
            return
        enough = self._evidence.enough
        paint.icon(painter, QPointF(14, 14), "info" if enough else "circle-question-mark", "accent" if enough else "muted", size=18)
        timed = self.width() >= _WORDS_NARROWEST + _TIME_WIDE and self._evidence.since is not None
        room = whole.adjusted(44, 0, -(_TIME_WIDE + 30) if timed else -16, 0)
        paint.text(painter, QRectF(room.x(), 6, room.width(), 18), self.heading, weight=SEMIBOLD)
        paint.text(painter, QRectF(room.x(), 23, room.width(), 17), self._evidence.sentence, size=12, tone="muted")
        if timed:
            self._paint_time(painter, QRectF(whole.right() - _TIME_WIDE - 16, 0, _TIME_WIDE, HEIGHT), self._evidence)

    def _paint_time(self, painter: QPainter, room: QRectF, evidence: Evidence) -> None:
        now, since = self._now, evidence.since
        if now is None or since is None:
            return
        start = min([since, *(fall.at for fall in evidence.falls)])
        span = max(1.0, (now - start).total_seconds())
        left = room.x() + room.width() * (since - start).total_seconds() / span
        bar = QRectF(room.x(), 15, room.width(), 6)
        paint.box(painter, bar, 3, fill=colour("accent", alpha=70))
        newest = QRectF(min(left, bar.right() - 8), bar.y(), max(8.0, bar.right() - left), bar.height())
        if evidence.enough and not self.stale:
            paint.box(painter, newest, 3, fill="accent")
        else:
            paint.box(painter, newest, 3, fill="surface")
            paint.hatch(painter, newest, 3)
        self._paint_falls(painter, bar, evidence, start, span)

    @staticmethod
    def _paint_falls(painter: QPainter, bar: QRectF, evidence: Evidence, start: datetime, span: float) -> None:
        ends = [(bar.x(), date_time(start), paint.LEFT), (bar.right(), tr("now"), paint.RIGHT)]
        for number, fall in enumerate(evidence.falls):
            x = bar.x() + bar.width() * (fall.at - start).total_seconds() / span
            painter.setPen(QPen(colour("bad"), 2))
            painter.drawLine(QPointF(x, bar.y() - 4), QPointF(x, bar.bottom() + 4))
            if number == 0:
                words = tr("{cause} {when}", cause=fall_words(fall.cause), when=date_time(fall.at))
                near_left, near_right = x - bar.x() < _LABEL, bar.right() - x < _LABEL / 2
                align = paint.LEFT if near_left else paint.RIGHT if near_right else paint.CENTRE
                at = x if near_left else x - _LABEL if near_right else x - _LABEL / 2
                paint.text(painter, QRectF(at, 25, _LABEL, 15), words, size=11, tone="bad", weight=MEDIUM, align=align)
                ends = [] if near_left and near_right else ends[1:] if near_left else ends[:1] if near_right else ends
        for at, words, align in ends:
            left = at if align == paint.LEFT else at - _LABEL
            paint.text(painter, QRectF(left, 25, _LABEL, 15), words, size=11, tone="muted", weight=MEDIUM, align=align)


def fall_words(cause: str) -> str:
    """Return why the counters fell."""
    names = {"crash": tr("crash"), "restart": tr("restart"), "reset": tr("reset")}
    return names.get(cause, tr("counters fell"))
