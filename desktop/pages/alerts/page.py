"""The Alerts page: notices, jobs that were given up, what is kept quiet, and the ways out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Final

from PySide6.QtWidgets import QStackedWidget

from backend_core.policy import may
from desktop.i18n import number, tr
from desktop.pages.alerts.jobs_tab import JobAlertsTab
from desktop.pages.alerts.notices_tab import NoticesTab
from desktop.pages.alerts.silences_tab import SilencesTab
from desktop.pages.alerts.ways_tab import WaysTab
from desktop.widgets.badge import Badge
from desktop.widgets.layout import column, holder
from desktop.widgets.live_page import LivePage
from desktop.widgets.page import PageContext, title_row
from desktop.widgets.part import Part
from desktop.widgets.tabs import Tabs

HINTED_EVERY_S: Final = 3.0
"""Changes are hinted at; this is for the hint that is lost."""
FRESH_S: Final = 15.0


class AlertsPage(LivePage):
    """A tab each; all but the ways out are read whichever is shown, for their counts."""

    key: ClassVar[str] = "alerts"
    title: ClassVar[str] = "Alerts"
    icon: ClassVar[str] = "bell"
    group: ClassVar[str] = "Run"
    tables: ClassVar[frozenset[str]] = frozenset({"notices", "notice_silences", "job_alerts", "job_run"})

    def __init__(self, context: PageContext) -> None:
        super().__init__(context)
        self.notices, self.jobs, self.silences = NoticesTab(self), JobAlertsTab(self), SilencesTab(self)
        self.ways = WaysTab(self) if may(context.actor.role, "notice.test") else None
        self._build()
        self._parts = self._make_parts()
        if self.ways is not None:
            self._ways_part = Part(self, "ways", self.ways.read, self.ways.show_channels, fresh_s=FRESH_S)
        self.tabs.chosen.connect(self._switch)
        group = tr(self.title)
        for key, title in (
            ("notices", tr("Show notices")),
            ("jobs", tr("Show jobs that were given up")),
            ("silences", tr("Show what is silenced")),
        ):
            context.commands.add(f"alerts.{key}", title=title, run=self._goer(key), group=group, icon="bell")

    # -- what the shell calls

    def refresh(self) -> None:
        """Read everything."""
        for part in self._parts:
            part.ask()
        if self.ways is not None and self.tabs.current == "ways":
            self._ways_part.ask()

    def open_target(self, **target: object) -> None:
        """Show the ``tab``, the notice ``notice_id`` or the job alert ``alert_id``."""
        tab, notice_id, alert_id = target.get("tab"), target.get("notice_id"), target.get("alert_id")
        if isinstance(tab, str) and tab in self._tabs:
            self.tabs.choose(tab)
        if isinstance(notice_id, int):
            self.tabs.choose("notices")
            self.notices.open_notice(notice_id)
        if isinstance(alert_id, int):
            self.tabs.choose("jobs")
            self.jobs.open_alert(alert_id)

    # -- building

    def _build(self) -> None:
        self.overall = Badge()
        captions = {"notices": tr("Notices"), "jobs": tr("Job alerts"), "silences": tr("Silences"), "ways": tr("Ways out")}
        tabs = {"notices": self.notices, "jobs": self.jobs, "silences": self.silences, "ways": self.ways}
        self._tabs = {key: tab for key, tab in tabs.items() if tab is not None}
        self.tabs = Tabs([(key, captions[key]) for key in self._tabs], name=tr(self.title))
        self.stack = QStackedWidget()
        for tab in self._tabs.values():
            self.stack.addWidget(tab)
        head = title_row(tr(self.title), self.overall, right=(self.updated, self.stale))
        top = holder(column(head, self.tabs, gap=6, margins=(24, 18, 24, 0)))
        self.content.setLayout(column(top, (self.stack, 1), gap=0))

    def _make_parts(self) -> tuple[Part[Any], ...]:
        jobs = self.jobs
        return (
            Part(self, "notices", self.notices.read, self._show_notices, fresh_s=FRESH_S),
            Part(self, "alerts", lambda: jobs.read(jobs.chips.current), self._show_jobs, fresh_s=FRESH_S),
            Part(self, "silences", self.silences.read, self._show_silences, fresh_s=FRESH_S),
        )

    def _goer(self, tab: str) -> Any:
        return lambda: self.context.navigate(self.key, tab=tab)

    # -- showing

    def _show_notices(self, found: tuple[Any, ...]) -> None:
        self.notices.show_notices(found)
        waiting = [one for one in found if one.live and one.acknowledged_at is None and one.quiet_until is None]
        bad = any(one.severity == "bad" for one in waiting)
        count = len(waiting)
        self.tabs.set_count("notices", number(count) if count else "", tone="bad" if bad else "warn")
        words = tr("1 wants attention") if count == 1 else tr("{n} want attention", n=number(count))
        self.overall.show_state(words if count else tr("nothing wants attention"), "bad" if bad else "warn" if count else "ok")

    def _show_jobs(self, answer: tuple[str, tuple[Any, ...], Any]) -> None:
        self.jobs.show_alerts(answer)
        count = answer[2].open
        self.tabs.set_count("jobs", number(count) if count else "", tone="bad" if answer[2].new else "warn")

    def _show_silences(self, found: tuple[Any, ...]) -> None:
        self.silences.show_silences(found)
        self.tabs.set_count("silences", number(len(found)) if found else "")

    def _switch(self, tab: str) -> None:
        self.stack.setCurrentWidget(self._tabs[tab])
        self.place = {"jobs": tr("Job alerts"), "silences": tr("Silences"), "ways": tr("Ways out")}.get(tab, "")
        self.place_changed.emit()
        self.refresh()

    def parts(self) -> Sequence[Part[Any]]:
        """Return what the page reads."""
        return self._parts

    def each_second(self) -> None:
        """Ask again for what is old."""
        for part in self._parts:
            part.ask(older_than_s=HINTED_EVERY_S)
        self.notices.table.viewport().update()
        self.show_age()
