"""The Health & SLOs page: what works, what was promised and kept, and how it went."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

from backend_core.policy import may
from desktop.i18n import tr
from desktop.pages.health.chart_card import Charts
from desktop.pages.health.checks_card import ChecksCard
from desktop.pages.health.history import RANGES, History, Range, read_history
from desktop.pages.health.objectives_card import ObjectivesCard
from desktop.widgets.badge import Badge
from desktop.widgets.button import Button, SegmentedControl
from desktop.widgets.file_dialog import ask_file
from desktop.widgets.health_words import verdict
from desktop.widgets.layout import column, holder
from desktop.widgets.live_page import LivePage
from desktop.widgets.page import PageContext, side_by_side, title_row
from desktop.widgets.part import Part
from desktop.widgets.scroll import scrolling

if TYPE_CHECKING:
    from backend_core.monitoring.records import HealthView
    from backend_core.monitoring.slo import Objective

CHECKS_EVERY_S: Final = 5.0
FRESH_S: Final = 15.0
_TOP_HEIGHT: Final = 436
_FORMATS: Final = {".csv": "csv", ".json": "json", ".prom": "prometheus", ".txt": "prometheus"}


class HealthPage(LivePage):
    """Checks beside objectives, charts below; each read on its own, so that a slow one holds up no other."""

    key: ClassVar[str] = "health"
    title: ClassVar[str] = "Health & SLOs"
    icon: ClassVar[str] = "heart-pulse"
    group: ClassVar[str] = "Run"
    tables: ClassVar[frozenset[str]] = frozenset({"job_run", "backups"})

    def __init__(self, context: PageContext) -> None:
        super().__init__(context)
        self.checks, self.objectives, self.charts = ChecksCard(reaches=context.reaches), ObjectivesCard(), Charts()
        self.history: History | None = None
        self._wanted = ""
        self.may_export = may(context.actor.role, "metrics.export")
        self._build()
        self._parts = self._make_parts()
        self.checks.go.connect(lambda page, target: context.navigate(page, **target))
        self.range.chosen.connect(lambda _key: self._parts["history"].ask())
        context.commands.add(
            "health.export", title=tr("Export metrics"), run=self.ask_export, group=tr(self.title), icon="download", enabled=self.may_export
        )

    # -- what the shell calls

    def refresh(self) -> None:
        """Read what is older than its period."""
        self._parts["checks"].ask(older_than_s=CHECKS_EVERY_S)
        self._parts["objectives"].ask(older_than_s=CHECKS_EVERY_S)
        self._parts["history"].ask(older_than_s=self._range.every_s)

    def open_target(self, **target: object) -> None:
        """Show a ``range`` (1h, 24h, 7d) or the objective of that ``slo`` key."""
        if target.get("range") in [one.key for one in RANGES]:
            self.range.choose(target["range"])
            self._parts["history"].ask()
        if isinstance(target.get("slo"), str):
            self._wanted = str(target["slo"])
            self._select_wanted()

    # -- what the user does

    def ask_export(self) -> None:
        """Ask where to, and write what was recorded."""
        kinds = {tr("Comma-separated values (*.csv)"): "csv", tr("JSON (*.json)"): "json", tr("Prometheus text (*.prom)"): "prom"}
        name = f"lectern-metrics-{datetime.now(UTC):%Y-%m-%d}"
        ask_file(self, tr("Export metrics"), kinds=kinds, name=name, on_chosen=self.export_to)

    def export_to(self, path: Path) -> None:
        """Write what was recorded to ``path``; its ending says how."""
        context, form = self.context, _FORMATS.get(path.suffix.lower(), "csv")
        self.act(
            lambda: context.backend.metrics.export(path, format=form, actor=context.actor),
            lambda _: context.notify(tr("Exported to {name}.", name=path.name)),
        )

    # -- building

    def _build(self) -> None:
        self.overall = Badge()
        words = {"1h": tr("1 h"), "24h": tr("24 h"), "7d": tr("7 d")}
        self.range = SegmentedControl([(one.key, words[one.key]) for one in RANGES], name=tr("Range"))
        self.export = Button(tr("Export"), icon_name="download", on_click=self.ask_export)
        if not self.may_export:
            self.export.hide()
        top = holder(side_by_side((self.checks, 1), (self.objectives, 2)))
        top.setFixedHeight(_TOP_HEIGHT)
        cards = holder(column(top, self.charts, None, gap=16, margins=(24, 14, 24, 20)))
        head = title_row(tr(self.title), self.overall, right=(self.updated, self.stale, 4, self.range, self.export))
        scroll = scrolling(cards, name=tr("Cards"))
        self.content.setLayout(column(holder(column(head, margins=(24, 18, 24, 0))), (scroll, 1), gap=0))

    def _make_parts(self) -> dict[str, Part[Any]]:
        backend, context = self.context.backend, self.context

        def read() -> History:
            return read_history(backend, context.actor, self._range, now=datetime.now(UTC))

        return {
            "checks": Part(self, "checks", lambda: backend.monitoring.health(actor=context.actor), self._show_checks, fresh_s=FRESH_S),
            "objectives": Part(
                self, "objectives", lambda: backend.slos.objectives(actor=context.actor), self._show_objectives, fresh_s=FRESH_S
            ),
            "history": Part(self, "history", read, self._show_history, fresh_s=RANGES[-1].every_s + FRESH_S),
        }

    # -- showing

    @property
    def _range(self) -> Range:
        return next(one for one in RANGES if one.key == self.range.current)

    def _show_checks(self, view: HealthView) -> None:
        self.checks.show_view(view)
        words, tone = verdict(view)
        self.overall.show_state(words, tone, unknown=tone == "none")

    def _show_objectives(self, found: tuple[Objective, ...]) -> None:
        self.objectives.show_objectives(found)
        self._select_wanted()

    def _select_wanted(self) -> None:
        if self._wanted and self.objectives.table.select_key(self._wanted):
            self._wanted = ""

    def _show_history(self, history: History) -> None:
        if history.range_key != self._range.key:
            # picked meanwhile: the answer to that is on its way
            self._parts["history"].ask()
            return
        self.history = history
        self.charts.show_history(history)

    def parts(self) -> Sequence[Part[Any]]:
        """Return what the page reads."""
        return tuple(self._parts.values())

    def each_second(self) -> None:
        """Ask again for what is old."""
        self.refresh()
        self.checks.show_ages()
        self.show_age()
