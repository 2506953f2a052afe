"""How long callers waited, kept connections, and opened them: one histogram each, of one pool or of all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from PySide6.QtWidgets import QSizePolicy, QStackedWidget

from desktop.i18n import number, tr
from desktop.widgets.button import SegmentedControl
from desktop.widgets.card import Card
from desktop.widgets.histogram import Histogram
from desktop.widgets.label import ElidedLabel, plain_tip
from desktop.widgets.layout import row

if TYPE_CHECKING:
    from backend_core.monitoring.records import Histogram as Counts
    from backend_core.monitoring.records import Percentiles, PoolView, ProcessRow

WARN_MS: Final = 25.0
BAD_MS: Final = 100.0
SECOND_MS: Final = 1_000.0
LEAK_MS: Final = 60_000.0


@dataclass(frozen=True, slots=True)
class Times:
    """One kind of times, ready to be drawn; ``words`` says what was counted."""

    counts: Counts
    percentiles: Percentiles
    words: str


def waits(source: PoolView | ProcessRow) -> Times:
    """Return how long callers waited for a connection."""
    total = source.histogram.total
    words = tr("{n} checkouts in 15 min by wait, upper bound of bucket in ms", n=number(total))
    return Times(source.histogram, source.wait_ms, words if total else tr("no checkouts in the last 15 minutes"))


def uses(source: PoolView | ProcessRow) -> Times:
    """Return how long connections were kept, and how many too long."""
    total = source.usage_histogram.total
    words = tr("{n} given back in 15 min", n=number(total)) if total else tr("none given back in the last 15 minutes")
    leaks = tr("{n} kept over 60 s now, {all} since the start", n=number(source.leaks), all=number(source.leaked))
    return Times(source.usage_histogram, source.usage_ms, " · ".join((words, leaks)))


def connects(source: PoolView | ProcessRow) -> Times:
    """Return how long opening took, and why connections were replaced."""
    total = source.connect_histogram.total
    words = tr("{n} opened in 15 min", n=number(total)) if total else tr("none opened in the last 15 minutes")
    replaced = tr("since the start {old} recycled, {bad} invalidated", old=number(source.recycled), bad=number(source.invalidated))
    return Times(source.connect_histogram, source.connect_ms, " · ".join((words, replaced)))


KINDS: Final = {"wait": waits, "use": uses, "connect": connects}


class TimesCard(Card):
    """Three histograms, one at a time."""

    def __init__(self) -> None:
        choices = [("wait", tr("Wait")), ("use", tr("Use")), ("connect", tr("Connect"))]
        kinds = SegmentedControl(choices, name=tr("Which times"), compact=True)
        super().__init__(tr("Checkout wait"), icon_name="chart-column", right=(kinds,))
        self.kinds = kinds
        unit = tr("ms")
        self._titles = {"wait": tr("Checkout wait"), "use": tr("Time in use"), "connect": tr("Time to connect")}
        limits = {"wait": (WARN_MS, BAD_MS), "use": (SECOND_MS, LEAK_MS), "connect": (BAD_MS, None)}
        self.histograms = {
            kind: Histogram(name=name, unit=unit, warn=limits[kind][0], bad=limits[kind][1]) for kind, name in self._titles.items()
        }
        self._stack = QStackedWidget()
        for histogram in self.histograms.values():
            self._stack.addWidget(histogram)
        self.caption = ElidedLabel(size=11, tone="muted")
        self.caption.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.body.setSpacing(2)
        self.add((self._stack, 1), row(None, self.caption, None))
        self._source: PoolView | ProcessRow | None = None
        self._shown: Times | None = None
        self.kinds.chosen.connect(lambda _key: self._show())

    @property
    def kind(self) -> str:
        """Which times are shown: wait, use or connect."""
        return str(self.kinds.current)

    @property
    def histogram(self) -> Histogram:
        """The histogram that is shown."""
        return self.histograms[self.kind]

    def show_times(self, source: PoolView | ProcessRow, *, whose: str = "") -> None:
        """Show the times of one pool, or of all; ``whose`` names the one."""
        self._source = source
        self.setToolTip(plain_tip(whose or tr("All pools, last 15 minutes")))
        self._show()

    def _show(self) -> None:
        self.title.setText(self._titles[self.kind])
        self._stack.setCurrentWidget(self.histogram)
        if self._source is None:
            return
        found = KINDS[self.kind](self._source)
        if found == self._shown:
            return
        self._shown = found
        shares = found.percentiles
        flags = {name: value for name, value in (("p50", shares.p50), ("p95", shares.p95), ("p99", shares.p99)) if value is not None}
        self.histogram.set_buckets(found.counts.bounds_ms, found.counts.counts, flags)
        self.caption.setText(found.words)
