"""The score: a ring with one segment per check, so that the ring is the coverage, and how many checks are of which status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PySide6.QtWidgets import QWidget

from desktop.i18n import number, tr
from desktop.pages.readiness import words
from desktop.pages.readiness.trend_line import TrendLine, TrendPoint, point_words
from desktop.widgets.card import Card
from desktop.widgets.label import ElidedLabel, IconLabel, PlainLabel
from desktop.widgets.layout import column, holder, row
from desktop.widgets.ring import SegmentRing

if TYPE_CHECKING:
    from backend_core.monitoring.readiness.records import Report

_SHOWN: Final = ("pass", "warn", "fail", "unknown", "stale")
_COUNT_WIDTH: Final = 150


class ScoreCard(Card):
    """The ring beside the counts, and below them how the score went."""

    def __init__(self) -> None:
        self.target = PlainLabel("", "small")
        super().__init__(tr("Score"), icon_name="badge-check", right=(self.target,))
        self.setMinimumWidth(300)
        self.ring = SegmentRing(name=tr("Score"))
        self.headline = ElidedLabel(weight=600)
        self.change = ElidedLabel(size=12, tone="muted")
        self.trend = TrendLine()
        self.trend.pointed.connect(self._point)
        self._moved = ""
        self._counts: dict[str, PlainLabel] = {}
        lines = column(*(self._line(status) for status in _SHOWN), gap=2)
        lane = row(self.ring, gap=18)
        lane.addLayout(column(None, self.headline, self.change, 6, lines, None, gap=1), 1)
        self.add(lane, (self.trend, 1))

    def show_report(self, report: Report) -> None:
        """Show the score with its coverage."""
        found = words.counts(report.checks)
        self.target.setText(tr("target {n}", n=report.target))
        known = tr("{n} of {all} known", n=number(report.known), all=number(report.total))
        figure = words.points(report.score)
        self.headline.setText(tr("{score} on {known}", score=figure, known=known) if report.score is not None else known)
        self._moved = words.change_words(report.trend)
        self.change.setText(self._moved)
        self.trend.show_points(report.trend, target=report.target)
        for status, label in self._counts.items():
            label.setText(number(found[status]))
        tones = [words.TONES.get(status) for status in _SHOWN for _ in range(found[status])]
        said = ", ".join(f"{words.name_of(status)} {found[status]}" for status in _SHOWN)
        below = tr("of 100") if report.score is not None else tr("no score")
        self.ring.show_tones(tones, figure=figure, below=below, words=f"{self.headline.text()}; {said}")

    def _point(self, point: TrendPoint | None) -> None:
        self.change.setText(self._moved if point is None else point_words(point))

    def _line(self, status: str) -> QWidget:
        self._counts[status] = PlainLabel("0", "heading")
        icon = IconLabel(words.ICONS[status], words.TONES.get(status, "muted"), size=14)
        line = holder(row(icon, PlainLabel(words.name_of(status), "smalltext"), None, self._counts[status], gap=8), height=18)
        line.setMaximumWidth(_COUNT_WIDTH)
        return line
