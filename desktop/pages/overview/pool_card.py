"""How many connections are in use, over every process."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from desktop.i18n import number, tr
from desktop.pages.overview.live_card import LiveCard
from desktop.widgets.button import Button
from desktop.widgets.gauge import Gauge
from desktop.widgets.label import PlainLabel
from desktop.widgets.layout import row, rule

if TYPE_CHECKING:
    from backend_core.monitoring.records import PoolView

FULL_PART: Final = 0.8


class PoolCard(LiveCard):
    """A gauge with what waits and how many processes there are below it."""

    def __init__(self, *, on_open: Callable[[], object]) -> None:
        super().__init__(tr("Connection pool"), icon_name="database")
        self.gauge = Gauge(name=tr("Connections"))
        self.gauge.setToolTip(tr("Connections in use, over the pools of every process"))
        self.waiting = PlainLabel("", "smalltext")
        self.processes = PlainLabel("", "small")
        link = Button(tr("Pool"), "link", name=tr("Open the pool page"), on_click=on_open)
        self.add((self.gauge, 1), rule(), row(self.waiting, self.processes, None, link, gap=4))
        self._view: PoolView | None = None
        self.show_words(tr("not measured yet"), unknown=True)

    def show_view(self, view: PoolView) -> None:
        """Show ``view``."""
        self._view = view
        self._draw()
        self.waiting.setText(tr("{n} waiting", n=number(view.waiting)))
        self.waiting.set_tone("warn" if view.waiting else "")
        count = len({(process.host, process.pid) for process in view.processes})
        self.processes.setText(tr("· 1 process") if count == 1 else tr("· {n} processes", n=number(count)))
        self.show_words(*_verdict(view))

    def show_age(self, words: str) -> None:
        """Mark the figures as old; the gauge is hatched then."""
        changed = bool(words) != self.stale
        super().show_age(words)
        if changed:
            self._draw()

    def _draw(self) -> None:
        view = self._view
        if view is not None:
            self.gauge.set_values(view.in_use, base=view.base, overflow=view.overflow_limit, stale=self.stale)


def _verdict(view: PoolView) -> tuple[str, str]:
    if view.capacity and view.in_use >= view.capacity:
        return tr("exhausted"), "bad"
    if view.waiting:
        return tr("callers wait"), "warn"
    if view.capacity and view.in_use >= FULL_PART * view.capacity:
        return tr("above 80\u202f%"), "warn"
    return tr("healthy"), "ok"
