"""How many statements Lectern runs a minute, over an hour, a day or a week."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from desktop.i18n import number, tr
from desktop.pages.overview.live_card import LiveCard
from desktop.pages.overview.wait_card import milliseconds
from desktop.widgets.button import SegmentedControl
from desktop.widgets.chart import LineChart
from desktop.widgets.label import PlainLabel
from desktop.widgets.layout import row

if TYPE_CHECKING:
    from backend_core.monitoring.metrics import Series

SERIES: Final = ("statements.calls", "statements.p95_ms")
RANGES: Final = {"1h": 3600.0, "24h": 24 * 3600.0, "7d": 7 * 24 * 3600.0}
RESOLUTIONS: Final = {"1h": 60, "24h": 60, "7d": 3600}
_MINUTE: Final = 60


class TrafficCard(LiveCard):
    """A line of statements a minute; times at which nothing was recorded are gaps."""

    def __init__(self, *, on_range: Callable[[], object]) -> None:
        choices = [("1h", tr("1 h")), ("24h", tr("24 h")), ("7d", tr("7 d"))]
        self.range = SegmentedControl(choices, name=tr("Range"), current="1h", compact=True)
        super().__init__(tr("Statements per minute"), icon_name="activity", right=(self.range,))
        self.about = PlainLabel("", "small")
        self.chart = LineChart(name=tr("Statements per minute"), unit="", whole=True)
        self.add(row(self.about, None), (self.chart, 1))
        self.range.chosen.connect(lambda _key: on_range())
        self.show_words(tr("not recorded yet"), unknown=True)

    def span(self) -> tuple[dt.timedelta, int]:
        """Return how far back to read, and how finely in seconds."""
        key = str(self.range.current)
        return dt.timedelta(seconds=RANGES[key]), RESOLUTIONS[key]

    def show_series(self, found: tuple[Series, ...], now: dt.datetime) -> None:
        """Show what was recorded up to ``now``."""
        calls, p95 = found
        a_minute = _MINUTE / calls.resolution_s
        points = [(at.timestamp(), None if value is None else value * a_minute) for at, value in calls.points]
        self.chart.set_points(points, start=(now - self.span()[0]).timestamp(), end=now.timestamp())
        measured = [value for _, value in p95.points if value is not None]
        self.about.setText(tr("slowest p95 {ms} ms", ms=milliseconds(max(measured))) if measured else "")
        recorded = any(value is not None for _, value in points)
        self.show_words("" if recorded else tr("not recorded yet"), unknown=not recorded)
        if recorded:
            last = next(value for _, value in reversed(points) if value is not None)
            self.chart.setToolTip(tr("{n} in the last full minute", n=number(round(last))))
