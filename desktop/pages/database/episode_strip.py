"""The last 24 hours as a line with the times in which sessions were kept waiting."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from desktop.i18n import number, tr
from desktop.pages.database.server_words import span
from desktop.style import MEDIUM, colour
from desktop.widgets import paint

if TYPE_CHECKING:
    from backend_core.monitoring.server.records import Episode

HOURS: Final = 24
HEIGHT: Final = 84
_TOP: Final = 20.0
_FLOOR: Final = 64.0
_TICK_HOURS: Final = 4
_THIN: Final = 3.0
_NEAR: Final = 6.0


class EpisodeStrip(QWidget):
    """A bar per episode: as wide as it lasted, as high as sessions waited; ``chosen`` carries the one that was clicked."""

    chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.episodes: tuple[Episode, ...] = ()
        self.current = -1
        self._end = dt.datetime.now(dt.UTC)
        self.setFixedHeight(HEIGHT)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName(tr("Episodes of waiting, last 24 hours"))

    def set_episodes(self, episodes: Sequence[Episode], *, end: dt.datetime) -> None:
        """Show the episodes of the 24 hours before ``end``, oldest first."""
        since = end - dt.timedelta(hours=HOURS)
        self._end = end
        self.episodes = tuple(sorted((one for one in episodes if (one.ended_at or end) >= since), key=lambda one: one.began_at))
        self.current = min(self.current, len(self.episodes) - 1)
        self.setAccessibleName(tr("Episodes of waiting, last 24 hours: {n}", n=number(len(self.episodes))))
        self.update()

    def words(self, one: Episode) -> str:
        """Return what the read-out says about an episode."""
        began, length = f"{one.began_at.astimezone():%H:%M:%S}", span(one.seconds)
        going = tr("goes on") if one.ended_at is None else tr("over")
        facts = {"time": began, "span": length, "pid": one.root_pid, "n": number(one.most_blocked), "state": going}
        return tr("{time} · {span}, {state} · pid {pid} kept {n} waiting", **facts)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Read out the episode under the mouse."""
        self._point(self._at(event.position().x()))

    def leaveEvent(self, _event: QEvent) -> None:
        """Read out nothing."""
        self._point(-1)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the episode under the mouse."""
        found = self._at(event.position().x())
        if found >= 0:
            self._point(found)
            self.chosen.emit(self.episodes[found])

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move with the arrows, choose with Enter or Space."""
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        if step is not None and self.episodes:
            self._point(min(max(0, self.current + step), len(self.episodes) - 1))
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and self.current >= 0:
            self.chosen.emit(self.episodes[self.current])
        else:
            super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw axis, bars and read-out."""
        painter = QPainter(self)
        paint.begin(painter)
        self._draw_axis(painter)
        most = max((one.most_blocked for one in self.episodes), default=1)
        for place, one in enumerate(self.episodes):
            room = self._room(one, most)
            on = place == self.current
            paint.box(painter, room, 1.5, fill="bad_fill" if one.ended_at is None or on else "warn_fill")
        if self.hasFocus():
            paint.box(painter, QRectF(self.rect()).adjusted(1, 1, -1, -1), 6, line="accent", width=2)
        if 0 <= self.current < len(self.episodes):
            words = self.words(self.episodes[self.current])
            paint.text(painter, QRectF(0, 0, self.width(), _TOP - 4), words, size=12, weight=MEDIUM)
        else:
            count = len(self.episodes)
            words = tr("1 episode in 24 h") if count == 1 else tr("{n} episodes in 24 h", n=number(count)) if count else tr("none in 24 h")
            paint.text(painter, QRectF(0, 0, self.width(), _TOP - 4), words, size=12, tone="muted")

    def _draw_axis(self, painter: QPainter) -> None:
        painter.setPen(QPen(colour("line2"), 1))
        painter.drawLine(QPointF(0, _FLOOR + 0.5), QPointF(self.width(), _FLOOR + 0.5))
        local = self._end.astimezone()
        first = local.replace(minute=0, second=0, microsecond=0)
        for back in range(HOURS + 1):
            moment = first - dt.timedelta(hours=back)
            left = self._place(moment)
            if moment.hour % _TICK_HOURS == 0 and left > 0:
                painter.setPen(QPen(colour("line2"), 1))
                painter.drawLine(QPointF(round(left) + 0.5, _FLOOR), QPointF(round(left) + 0.5, _FLOOR + 4))
                label = QRectF(left - 24, _FLOOR + 4, 48, 15)
                if label.left() >= 0 and label.right() <= self.width() - 30:
                    paint.text(painter, label, f"{moment:%H:%M}", size=11, tone="muted", align=paint.CENTRE)
        paint.text(painter, QRectF(self.width() - 40, _FLOOR + 4, 40, 15), tr("now"), size=11, tone="muted", align=paint.RIGHT)

    def _place(self, moment: dt.datetime) -> float:
        back = (self._end - moment).total_seconds() / (HOURS * 3600)
        return self.width() * (1 - back)

    def _room(self, one: Episode, most: int) -> QRectF:
        left, right = max(0.0, self._place(one.began_at)), self._place(one.ended_at or self._end)
        width = max(_THIN, right - left)
        height = max(8.0, (_FLOOR - _TOP) * one.most_blocked / most)
        return QRectF(min(left, self.width() - width), _FLOOR - height, width, height)

    def _at(self, x: float) -> int:
        rooms = [self._room(one, 1) for one in self.episodes]
        near = [(abs(room.center().x() - x), place) for place, room in enumerate(rooms) if room.left() - _NEAR <= x <= room.right() + _NEAR]
        return min(near)[1] if near else -1

    def _point(self, place: int) -> None:
        if place != self.current:
            self.current = place
            self.update()
