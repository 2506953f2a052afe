"""The tab of job alerts: jobs that were given up, from new to resolved or ignored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from PySide6.QtWidgets import QWidget

from backend_core.policy import may
from desktop.i18n import number, tr
from desktop.pages.alerts.alert_drawer import AlertDrawer
from desktop.pages.alerts.tables import alert_table
from desktop.pages.alerts.words import STATUSES
from desktop.widgets.button import Button
from desktop.widgets.card import Card
from desktop.widgets.count_chips import CountChips
from desktop.widgets.drawer import DrawerHost
from desktop.widgets.label import IconLabel, PlainLabel
from desktop.widgets.layout import column, holder, row
from desktop.widgets.retry_dialog import RetryDialog, retried_words
from desktop.widgets.states import EmptyState

if TYPE_CHECKING:
    from backend_core.jobs.alert_records import AlertCounts, AlertNote, JobAlert, Retried
    from desktop.widgets.page import Page

READ: Final = 500
OPEN: Final = "open"
_NOT_AGAIN_YET: Final = frozenset({"NEW", "ACKNOWLEDGED"})


class JobAlertsTab(QWidget):
    """Reads and acts for the page it stands on."""

    def __init__(self, page: Page) -> None:
        super().__init__()
        self.page, self.context = page, page.context
        self.may_act = may(self.context.actor.role, "job_alert.update")
        self.dialog: RetryDialog | None = None
        self._shown: tuple[JobAlert, ...] | None = None
        self._wanted: int | None = None
        choices = [(OPEN, tr("Open")), *((status, look[1]()) for status, look in STATUSES.items())]
        self.chips = CountChips(choices, name=tr("Status"))
        self.again = Button(tr("Retry"), icon_name="rotate-ccw", on_click=self.ask_retry)
        self.again.hide()
        self.empty = EmptyState("list-checks", tr("No job was given up"))
        self.table = alert_table(self.empty)
        self.count = PlainLabel("", "small")
        sees = may(self.context.actor.role, "log.read")
        self.drawer = AlertDrawer(may_act=self.may_act, sees_traces=sees)
        card = Card(flush=True)
        card.add((self.table, 1))
        words = tr("A job that is retried and ends well closes its alert by itself.")
        card.add_footer(IconLabel("info", size=14), PlainLabel(words, "small"), None, self.count)
        lane = column(row((self.chips, 1), self.again), (card, 1), gap=12, margins=(24, 12, 24, 16))
        self.host = DrawerHost(holder(lane), self.drawer)
        self.setLayout(column((self.host, 1), gap=0))
        self._connect()

    def read(self, chosen: str) -> tuple[str, tuple[JobAlert, ...], AlertCounts]:
        """Return the alerts of a chip and how many there are of each; in a worker."""
        alerts, actor = self.context.backend.job_alerts, self.context.actor
        status = None if chosen == OPEN else chosen
        return chosen, alerts.listing(actor=actor, status=status, open_only=chosen == OPEN, limit=READ), alerts.counts(actor=actor)

    def show_alerts(self, answer: tuple[str, tuple[JobAlert, ...], AlertCounts]) -> None:
        """Show what was read."""
        chosen, found, counts = answer
        by_key = {OPEN: counts.open, **{status: getattr(counts, status.lower()) for status in STATUSES}}
        self.chips.set_counts({key: number(count) for key, count in by_key.items() if count})
        if chosen != self.chips.current:
            # picked meanwhile: the answer to that is on its way
            self.page.refresh()
            return
        if found != self._shown:
            self._shown = found
            words = tr("No job was given up") if chosen == OPEN else tr("No alert in this status")
            self.empty.set_words(words, detail=tr("A job that fails for good stands here until somebody has dealt with it."))
            self.table.set_rows(found)
        ready = len(self.retryable)
        self.again.setVisible(self.may_act and bool(ready))
        self.again.set_caption(tr("Retry {n} listed", n=number(ready)))
        self.count.setText(tr("1 alert") if len(found) == 1 else tr("{n} alerts", n=number(len(found))) if found else "")
        if self._wanted is not None and self.table.select_key(self._wanted):
            self._wanted = None
        self._show_drawer()

    @property
    def retryable(self) -> list[JobAlert]:
        """Those of the list whose job was not queued again yet."""
        return [one for one in self._shown or () if one.status in _NOT_AGAIN_YET]

    def open_alert(self, alert_id: int) -> None:
        """Choose an alert as soon as it is read."""
        self.chips.choose(OPEN)
        self._wanted = alert_id
        self.page.refresh()

    def move_alert(self, status: str, note: str) -> None:
        """Give the chosen alert its next status."""
        chosen = self.drawer.alert
        if chosen is None:
            return
        context = self.context

        def done(moved: JobAlert) -> None:
            context.notify(tr("{title}: {status}.", title=moved.title, status=STATUSES[moved.status][1]().lower()))
            self.drawer.note.clear()
            self.drawer.show_alert(moved)
            self._read_notes(moved)

        self.page.act(lambda: context.backend.job_alerts.move(chosen.id, status, note, version=chosen.version, actor=context.actor), done)

    def retry(self) -> None:
        """Queue the job of the chosen alert anew."""
        if self.drawer.alert is not None:
            self._ask([self.drawer.alert])

    def ask_retry(self) -> None:
        """Ask before the jobs of every listed alert are queued anew."""
        if self.retryable:
            self._ask(self.retryable)

    def retry_all(self, alerts: Sequence[JobAlert], reason: str) -> None:
        """Queue the jobs of ``alerts`` anew."""
        context, ids = self.context, [one.id for one in alerts]
        self.page.act(lambda: context.backend.job_alerts.retry(ids, actor=replace(context.actor, reason=reason)), self._retried)

    def _ask(self, alerts: Sequence[JobAlert]) -> None:
        self.dialog = RetryDialog(self, [one.error_code for one in alerts], on_go=lambda why: self.retry_all(alerts, why))
        self.dialog.open()

    def _retried(self, answers: Sequence[Retried]) -> None:
        words, tone = retried_words(answers)
        self.context.notify(words, tone=tone)

    def _connect(self) -> None:
        drawer, context = self.drawer, self.context
        self.chips.chosen.connect(lambda _key: self.page.refresh())
        self.table.selected.connect(self._select)
        self.table.opened.connect(self._select)
        drawer.moved.connect(self.move_alert)
        drawer.retry_wanted.connect(self.retry)
        drawer.copied.connect(lambda: context.notify(tr("Copied")))
        drawer.closed.connect(self._closed)
        drawer.job_wanted.connect(lambda: self._go("jobs", "job_id"))
        drawer.logs_wanted.connect(lambda: self._go("logs", "correlation"))
        drawer.audit_wanted.connect(lambda: self._go("audit", "correlation"))

    def _go(self, page: str, what: str) -> None:
        one = self.drawer.alert
        if one is not None:
            self.context.navigate(page, **{what: one.job_id if what == "job_id" else one.correlation_id})

    def _select(self, chosen: JobAlert | None) -> None:
        if chosen is not None:
            self.host.open()
            self._show_drawer()

    def _closed(self) -> None:
        self.table.clearSelection()
        self.table.setFocus()

    def _show_drawer(self) -> None:
        chosen: JobAlert | None = self.table.current()
        if chosen is None or self.drawer.isHidden():
            return
        fresh = self.drawer.alert != chosen
        self.drawer.show_alert(chosen)
        if fresh:
            self._read_notes(chosen)

    def _read_notes(self, chosen: JobAlert) -> None:
        context = self.context

        def show(notes: tuple[AlertNote, ...]) -> None:
            if self.drawer.alert is not None and self.drawer.alert.id == chosen.id:
                self.drawer.show_notes(notes)

        self.page.load(lambda: context.backend.job_alerts.notes(chosen.id, actor=context.actor), show, key="notes")
