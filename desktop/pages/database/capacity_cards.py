"""The first two cards of the pool tab: capacity and waiters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from desktop.i18n import number, tr
from desktop.pages.database.figures import FULL_PART, Capacity, Reading, slowest
from desktop.style import SEMIBOLD, colour
from desktop.widgets import paint
from desktop.widgets.badge import Badge
from desktop.widgets.card import Card
from desktop.widgets.chart import StepChart
from desktop.widgets.gauge import Gauge
from desktop.widgets.label import ElidedLabel, PlainLabel
from desktop.widgets.layout import column, row

if TYPE_CHECKING:
    import datetime as dt

    from backend_core.monitoring.records import PoolSample

WINDOW_S: Final = 900.0
SHORTEST_S: Final = 60.0
_CAPACITY_WIDTH = 268
_MINUTE: Final = 60


class FactStrip(QWidget):
    """Numbers side by side, each over its name."""

    def __init__(self, *, name: str) -> None:
        super().__init__()
        self._name = name
        self.facts: tuple[tuple[str, str, str], ...] = ()
        self.setFixedHeight(36)

    def set_facts(self, facts: Sequence[tuple[str, str, str]]) -> None:
        """Show ``facts``: (value, name, tone token)."""
        if tuple(facts) != self.facts:
            self.facts = tuple(facts)
            self.setAccessibleName(self._name + ": " + ", ".join(f"{name} {value}" for value, name, _ in facts))
            self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw them."""
        painter = QPainter(self)
        paint.begin(painter)
        width = self.width() / max(1, len(self.facts))
        for index, (value, name, tone) in enumerate(self.facts):
            left = index * width
            if index:
                painter.setPen(QPen(colour("line"), 1))
                painter.drawLine(QPointF(round(left) + 0.5, 4), QPointF(round(left) + 0.5, self.height() - 4))
            size = 13 if paint.advance(value, 13, SEMIBOLD) < width - 6 else 12
            paint.text(painter, QRectF(left, 0, width, 18), value, size=size, tone=tone, weight=SEMIBOLD, align=paint.CENTRE)
            paint.text(painter, QRectF(left, 18, width, 16), name, size=11, tone="muted", align=paint.CENTRE)


class CapacityCard(Card):
    """How many connections are in use, of one pool or of all."""

    def __init__(self) -> None:
        badge = Badge()
        super().__init__(tr("Capacity"), icon_name="gauge", right=(badge,))
        self.badge = badge
        self.gauge = Gauge(name=tr("Connections"))
        self.facts = FactStrip(name=tr("Capacity"))
        self.facts.setToolTip(tr("Connections, added up pool by pool: lasting and further ones in use, open but idle, callers waiting"))
        self.body.setSpacing(4)
        self.add((self.gauge, 1), self.facts)
        self.badge.show_state(tr("not measured yet"), unknown=True)

        self.setMinimumWidth(_CAPACITY_WIDTH)
        self._full_since: dict[str, dt.datetime] = {}

    def show_capacity(self, found: Capacity, *, at: dt.datetime, whose: str = "", stale: bool) -> None:
        """Show ``found`` as it was ``at`` that moment, of the pool ``whose`` (empty for all); ``stale`` hatches the gauge."""
        self.gauge.set_values(found.in_use, base=found.base, overflow=found.overflow, stale=stale)
        self.facts.set_facts(
            (
                (tr("{n} of {all}", n=number(found.base_used), all=number(found.base)), tr("base"), "text"),
                (
                    tr("{n} of {all}", n=number(found.overflow_used), all=number(found.overflow)),
                    tr("overflow"),
                    "warn" if found.overflow_used and found.share >= FULL_PART else "text",
                ),
                (number(found.idle), tr("idle"), "text"),
                (number(found.waiting), tr("waiting"), "warn" if found.waiting else "text"),
            )
        )
        if stale:
            self.badge.show_state(tr("not current"), unknown=True)
            return
        if found.share < FULL_PART:
            self._full_since.pop(whose, None)
        minutes = int((at - self._full_since.setdefault(whose, at)).total_seconds() // _MINUTE) if found.share >= FULL_PART else 0
        if found.total and found.in_use >= found.total:
            self.badge.show_state(tr("exhausted"), "bad")
        elif found.share >= FULL_PART:
            words = tr("above 80\u202f% for {n} min", n=number(minutes)) if minutes else tr("above 80\u202f%")
            self.badge.show_state(words, "warn")
        else:
            self.badge.show_state(tr("healthy"), "ok")


class WaitersCard(Card):
    """Who waits for a connection now, and how many did in the last 15 minutes."""

    def __init__(self) -> None:
        super().__init__(tr("Waiters"), icon_name="hourglass", right=(PlainLabel(tr("last 15 min"), "small"),))
        self.value = PlainLabel("", "big")
        self.value.setFixedHeight(36)
        self.words = PlainLabel(tr("not measured yet"), "smallstrong")
        self.detail = ElidedLabel(size=12, tone="muted")
        self.chart = StepChart(name=tr("Waiting callers of this program"), tone="warn")
        self.chart.setToolTip(tr("Line: callers of this program that wait for a connection, once a second"))
        head = row(self.value, gap=8)
        head.addLayout(column(self.words, self.detail, gap=0), 1)
        self.body.setSpacing(4)
        self.add(head, (self.chart, 1))
        self._end = 0.0

    def show_reading(self, reading: Reading) -> None:
        """Show ``reading``."""
        view = reading.view
        self.value.setText(number(view.waiting))
        self.value.set_tone("warn" if view.waiting else "")
        self.words.setText(tr("waiting now, all pools"))
        timeouts = tr("1 timeout") if view.timeouts == 1 else tr("{n} timeouts", n=number(view.timeouts))
        limit = tr("limit {n} s", n=number(reading.timeout_s))
        self.detail.setText(" · ".join(part for part in (slowest(view), timeouts, limit) if part))
        self.detail.set_tone("warn" if view.timeouts else "muted")
        self._show_line(reading.samples)

    def show_stale(self) -> None:
        """Say that the number is not of now."""
        self.words.setText(tr("waiting at the last answer"))

    def _show_line(self, samples: Sequence[PoolSample]) -> None:
        if not samples or samples[-1].at.timestamp() == self._end:
            return
        self._end = end = samples[-1].at.timestamp()
        start = max(end - WINDOW_S, min(samples[0].at.timestamp(), end - SHORTEST_S))
        self.chart.set_tone("warn" if any(sample.waiting for sample in samples) else "info")
        self.chart.set_points([(sample.at.timestamp(), float(sample.waiting)) for sample in samples], start=start, end=end)
