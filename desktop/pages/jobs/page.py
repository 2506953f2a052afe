"""The Jobs page: what waits, runs and failed, who works on it, and the way to stop it or start it again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Final

from backend_core.policy import may
from desktop.i18n import number, tr
from desktop.pages.jobs.drawer import JobDrawer
from desktop.pages.jobs.figures import JobFigures
from desktop.pages.jobs.job_table import job_table
from desktop.pages.jobs.words import STATES, trouble, worker_words
from desktop.widgets.badge import Badge
from desktop.widgets.banner import Banner
from desktop.widgets.button import Button
from desktop.widgets.card import Card
from desktop.widgets.count_chips import CountChips
from desktop.widgets.drawer import DrawerHost
from desktop.widgets.label import ElidedLabel, IconLabel, PlainLabel
from desktop.widgets.layout import column, holder, row
from desktop.widgets.live_page import LivePage
from desktop.widgets.page import PageContext, title_row
from desktop.widgets.part import Part
from desktop.widgets.retry_dialog import RetryDialog, retried_words
from desktop.widgets.states import EmptyState

if TYPE_CHECKING:
    from backend_core.jobs.alert_records import JobAlert, JobState, Retried
    from backend_core.jobs.service import AttemptRow, JobRow

FRESH_S: Final = 6.0
_NOT_AGAIN_YET: Final = frozenset({"NEW", "ACKNOWLEDGED"})
READ: Final = 500
"""Rows read at once."""


class JobsPage(LivePage):
    """Figures, chips and a list that is read every second while it is seen; a drawer for one job."""

    key: ClassVar[str] = "jobs"
    title: ClassVar[str] = "Jobs"
    icon: ClassVar[str] = "list-checks"
    group: ClassVar[str] = "Run"
    tables: ClassVar[frozenset[str]] = frozenset({"job_run", "job_alerts"})

    def __init__(self, context: PageContext) -> None:
        super().__init__(context)
        self.may_act = may(context.actor.role, "job.retry")
        self.alerts: tuple[JobAlert, ...] = ()
        self.dialog: RetryDialog | None = None
        self._wanted: int | None = None
        self._shown: tuple[str, tuple[JobRow, ...]] | None = None
        self._build()
        self._connect()
        self._parts = self._make_parts()
        add, group = context.commands.add, tr("Jobs")
        add("jobs.failed", title=tr("Show failed jobs"), run=lambda: context.navigate("jobs", state="failed"), group=group, icon="circle-x")
        add(
            "jobs.retry", title=tr("Retry all failed jobs"), run=self._retry_from_anywhere, group=group, icon="rotate-ccw",
            enabled=self.may_act,
        )  # fmt: skip

    # -- what the shell calls

    def refresh(self) -> None:
        """Read everything."""
        for part in self._parts:
            part.ask()

    def open_target(self, **target: object) -> None:
        """Show the jobs in a ``state``, or one with ``job_id``."""
        state, job_id = target.get("state"), target.get("job_id")
        if isinstance(state, str) and state in STATES:
            self.chips.choose(state)
        if isinstance(job_id, int):
            self.chips.choose("")
            self._wanted = job_id
            self._select_wanted()
        self._parts[0].ask()

    # -- what the user does

    def cancel(self) -> None:
        """Stop the chosen job."""
        job = self.drawer.job
        if job is not None:
            context = self.context
            self.drawer.cancel.setEnabled(False)
            self.act(
                lambda: context.backend.jobs.cancel(job.job_id, actor=context.actor),
                lambda _: context.notify(tr("{title} is being stopped.", title=job.title)),
            )

    def retry(self) -> None:
        """Queue the chosen job anew."""
        job = self.drawer.job
        if job is not None:
            context = self.context
            self.act(
                lambda: context.backend.jobs.retry(job.job_id, actor=context.actor),
                lambda new: context.notify(tr("Queued anew as job {id}.", id=new)),
            )

    def ask_retry(self) -> None:
        """Ask before every job that was given up, and that nobody has dealt with, is queued anew."""
        if self.alerts and self.may_act:
            alerts = self.alerts
            self.dialog = RetryDialog(self, [one.error_code for one in alerts], on_go=lambda why: self.retry_all(alerts, why))
            self.dialog.open()

    def retry_all(self, alerts: Sequence[JobAlert], reason: str) -> None:
        """Queue the jobs of ``alerts`` anew."""
        context, ids = self.context, [one.id for one in alerts]
        self.act(lambda: context.backend.job_alerts.retry(ids, actor=replace(context.actor, reason=reason)), self._retried)

    # -- building

    def _build(self) -> None:
        self.figures, self.banner, self.overall = JobFigures(), Banner(), Badge()
        self.count = PlainLabel("", "small")
        self.again = Button(tr("Retry failed"), icon_name="rotate-ccw", on_click=self.ask_retry)
        self.again.hide()
        self.chips = CountChips([("", tr("All")), *((key, look()[1].capitalize()) for key, look in STATES.items())], name=tr("State"))
        self.empty = EmptyState("list-checks", tr("No jobs yet"), detail=_about())
        self.table = job_table(self.empty)
        self.workers = ElidedLabel(size=12, tone="muted")
        sees = may(self.context.actor.role, "log.read")
        self.drawer = JobDrawer(may_act=self.may_act, sees_traces=sees)
        card = Card(flush=True)
        card.add((self.table, 1))
        card.add_footer(IconLabel("cpu", size=14), (self.workers, 1), self.count)
        head = title_row(tr(self.title), self.overall, right=(self.updated, self.stale, 6, self.again))
        lane = column(head, self.figures, self.banner, row((self.chips, 1)), (card, 1), gap=12, margins=(24, 18, 24, 16))
        self.host = DrawerHost(holder(lane), self.drawer)
        self.content.setLayout(column((self.host, 1), gap=0))

    def _connect(self) -> None:
        context, drawer = self.context, self.drawer
        self.chips.chosen.connect(lambda _key: self._parts[0].ask())
        self.table.selected.connect(self._select)
        self.table.opened.connect(self._select)
        drawer.cancel_wanted.connect(self.cancel)
        drawer.retry_wanted.connect(self.retry)
        drawer.copied.connect(lambda: context.notify(tr("Copied")))
        drawer.closed.connect(self._closed)
        drawer.document_wanted.connect(lambda: self._go("documents", document_id=drawer.job and drawer.job.document_id))
        for wanted, page in ((drawer.logs_wanted, "logs"), (drawer.audit_wanted, "audit")):
            wanted.connect(lambda page=page: self._go(page, correlation=drawer.job and drawer.job.correlation_id))

    def _make_parts(self) -> tuple[Part[Any], ...]:
        backend, context = self.context.backend, self.context

        def rows() -> tuple[str, tuple[JobRow, ...]]:
            state = self.chips.current
            return state, backend.jobs.listing(actor=context.actor, state=state, limit=READ)

        def alerts() -> tuple[JobAlert, ...]:
            found: tuple[JobAlert, ...] = backend.job_alerts.listing(actor=context.actor, open_only=True, limit=READ)
            return found

        return (
            Part(self, "jobs", rows, self._show_rows, fresh_s=FRESH_S),
            Part(self, "state", lambda: backend.job_watch.state(actor=context.actor), self._show_state, fresh_s=FRESH_S),
            Part(self, "alerts", alerts, self._show_alerts, fresh_s=FRESH_S),
        )

    # -- showing

    def _show_rows(self, answer: tuple[str, tuple[JobRow, ...]]) -> None:
        if answer[0] != self.chips.current:
            # picked meanwhile: the answer to that is on its way
            self._parts[0].ask()
            return
        state, rows = answer
        if answer != self._shown:
            self._shown = answer
            self.empty.set_words(tr("No jobs yet") if not state else tr("No job in this state"), detail=_about() if not state else "")
            self.table.set_rows(rows)
        count = number(len(rows))
        words = tr("the newest {n}", n=count) if len(rows) == READ else tr("1 job") if len(rows) == 1 else tr("{n} jobs", n=count)
        self.count.setText(words if rows else "")
        self._select_wanted()
        self._show_drawer()

    def _show_state(self, state: JobState) -> None:
        self.figures.show_state(state)
        waiting = state.waiting - state.retrying
        counts = {"waiting": waiting, "running": state.running, "retrying": state.retrying}
        self.chips.set_counts({key: number(count) for key, count in counts.items() if count})
        self.workers.setText("    ".join(worker_words(one) for one in state.workers) or tr("No worker is known"))
        words = trouble(state)
        if words:
            self.banner.show_state(words, tone="bad", action=tr("Show running"), on_action=lambda: self.open_target(state="running"))
        else:
            self.banner.clear()

    def _show_alerts(self, alerts: tuple[JobAlert, ...]) -> None:
        # one that is looked into was queued again already
        self.alerts = tuple(one for one in alerts if one.status in _NOT_AGAIN_YET)
        count = len(self.alerts)
        self.again.setVisible(self.may_act and bool(self.alerts))
        self.again.set_caption(tr("Retry {n} failed", n=number(count)))
        words = tr("1 failed job to look into") if count == 1 else tr("{n} failed jobs to look into", n=number(count))
        self.overall.show_state(words if count else tr("nothing to look into"), "bad" if count else "ok")

    def _select(self, job: JobRow | None) -> None:
        if job is not None:
            self.host.open()
            self._show_drawer()

    def _closed(self) -> None:
        self.table.clearSelection()
        self.table.setFocus()

    def _select_wanted(self) -> None:
        if self._wanted is not None and self.table.select_key(self._wanted):
            self._wanted = None

    def _show_drawer(self) -> None:
        job: JobRow | None = self.table.current()
        if job is None or self.drawer.isHidden():
            return
        fresh = self.drawer.job != job
        self.drawer.show_job(job)
        if fresh:
            self.drawer.cancel.setEnabled(True)
            self._read_attempts(job.job_id)

    def _read_attempts(self, job_id: int) -> None:
        context = self.context

        def show(attempts: tuple[AttemptRow, ...]) -> None:
            if self.drawer.job is not None and self.drawer.job.job_id == job_id:
                self.drawer.show_attempts(attempts)

        self.load(lambda: context.backend.jobs.attempts(job_id, actor=context.actor), show, key="attempts")

    def _retried(self, answers: Sequence[Retried]) -> None:
        words, tone = retried_words(answers)
        self.context.notify(words, tone=tone)

    def _retry_from_anywhere(self) -> None:
        self.context.navigate("jobs")
        self.ask_retry()

    def _go(self, page: str, **target: object) -> None:
        if all(value for value in target.values()):
            self.context.navigate(page, **target)

    def parts(self) -> Sequence[Part[Any]]:
        """Return what the page reads."""
        return self._parts

    def each_second(self) -> None:
        """Ask again for what is old."""
        self.refresh()
        # ages grow without any answer
        self.table.viewport().update()
        self.show_age()


def _about() -> str:
    return tr("Reading pages, speaking them and other work of a while shows up here.")
