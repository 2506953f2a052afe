"""How long callers wait for a connection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from desktop.i18n import number, tr
from desktop.pages.overview.live_card import LiveCard
from desktop.widgets.chart import Limit, LineChart
from desktop.widgets.label import PlainLabel
from desktop.widgets.layout import row

if TYPE_CHECKING:
    from backend_core.monitoring.records import PoolSample, PoolView

LIMIT_MS: Final = 50.0
WINDOW_S: Final = 900.0
SHORTEST_S: Final = 60.0
"""A chart of less time would look busier than it is."""


class WaitCard(LiveCard):
    """The 95th percentile of all pools as a number, and of this program's own pool as a line."""

    def __init__(self) -> None:
        super().__init__(tr("Checkout wait p95"), icon_name="timer")
        self.value = PlainLabel("", "big")
        self.value.setFixedHeight(32)
        self.unit = PlainLabel("", "muted")
        self.about = PlainLabel("", "small")
        self.chart = LineChart(
            name=tr("Checkout wait p95 of this program"), unit=tr("ms"), limit=Limit(LIMIT_MS, tr("limit {n} ms", n=number(LIMIT_MS)))
        )
        self.chart.setToolTip(tr("Line: this program's own pool, one sample a second, in milliseconds"))
        self.add(row(self.value, self.unit, None, self.about, gap=6), (self.chart, 1))
        self._end = 0.0
        self.show_words(tr("not measured yet"), unknown=True)

    def show_view(self, view: PoolView, samples: Sequence[PoolSample]) -> None:
        """Show ``view``'s percentile and the ``samples`` of the last 15 minutes."""
        p95 = view.wait_ms.p95
        self.value.setVisible(p95 is not None)
        self.unit.setText(tr("ms") if p95 is not None else tr("no checkouts yet"))
        if p95 is not None:
            self.value.setText(milliseconds(p95))
            over = p95 > LIMIT_MS
            self.show_words(tr("over the limit") if over else tr("within the limit"), "bad" if over else "ok")
        else:
            self.show_words("")
        total = view.histogram.total
        self.about.setText(tr("{n} checkouts in 15 min", n=number(total)) if total else "")
        self._show_line(samples)

    def _show_line(self, samples: Sequence[PoolSample]) -> None:
        if not samples or samples[-1].at.timestamp() == self._end:
            return
        self._end = end = samples[-1].at.timestamp()
        first = samples[0].at.timestamp()
        start = max(end - WINDOW_S, min(first, end - SHORTEST_S))
        self.chart.set_points([(sample.at.timestamp(), sample.wait_p95_ms) for sample in samples], start=start, end=end)


def milliseconds(value: float) -> str:
    """Return ``value`` with as many decimals as still say something.

    >>> milliseconds(0.137), milliseconds(8.42), milliseconds(43.9)
    ('0.14', '8.4', '44')
    """
    decimals = 2 if value < 1 else 1 if value < 10 else 0  # noqa: PLR2004 - two digits that count
    return number(value, decimals=decimals)
