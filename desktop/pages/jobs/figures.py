"""The figures above the list of jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PySide6.QtWidgets import QWidget

from desktop.i18n import duration, number, tr
from desktop.pages.jobs.words import classes, heartbeat
from desktop.widgets.figure_tile import FigureTile, tiles
from desktop.widgets.layout import column

if TYPE_CHECKING:
    from backend_core.jobs.alert_records import JobState

OLD_S: Final = 300.0
"""A job that waits longer than this wants somebody to look."""
LAG_S: Final = 60.0


class JobFigures(QWidget):
    """Six tiles; each says what it would take to be well."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting = FigureTile(tr("Waiting"), "clock")
        self.running = FigureTile(tr("Running"), "loader-circle")
        self.oldest = FigureTile(tr("Oldest"), "hourglass")
        self.lag = FigureTile(tr("Lag, p95"), "timer")
        self.failed = FigureTile(tr("Failed, 24 h"), "circle-x")
        self.workers = FigureTile(tr("Workers"), "cpu")
        self.setLayout(column(tiles(self.waiting, self.running, self.oldest, self.lag, self.failed, self.workers)))

    def show_state(self, state: JobState) -> None:
        """Show what was counted."""
        retrying, stalled = state.retrying, len(state.stalled) + len(state.overdue)
        self.waiting.show_figure(number(state.waiting), tr("{n} to be retried", n=number(retrying)) if retrying else "")
        words = tr("{n} stalled", n=number(stalled)) if stalled else tr("none stalled")
        self.running.show_figure(number(state.running), words, tone="bad" if stalled else "")
        oldest = state.oldest_waiting_s
        late = oldest is not None and oldest > OLD_S
        self.oldest.show_figure(
            duration(oldest) if oldest is not None else tr("none"), tr("over 5 min") if late else "", tone="warn" if late else ""
        )
        self._show_lag(state.lag_p50_s, state.lag_p95_s)
        self.failed.show_figure(number(state.failed_24h), classes(state), tone="bad" if state.failed_24h else "")
        self._show_workers(state)

    def _show_workers(self, state: JobState) -> None:
        silent = sum(1 for one in state.workers if one.stalled)
        ages = [one.heartbeat_age_s for one in state.workers]
        about = tr("{n} silent", n=number(silent)) if silent else heartbeat(max(ages)) if ages else tr("none lives")
        self.workers.show_figure(number(state.workers_alive), about, tone="bad" if silent or not state.workers_alive else "")

    def _show_lag(self, half: float | None, most: float | None) -> None:
        if most is None:
            self.lag.show_figure(None, tr("none started"))
            return
        about = tr("p50 {time}", time=duration(half)) if half is not None else ""
        self.lag.show_figure(duration(most), about, tone="warn" if most > LAG_S else "")
