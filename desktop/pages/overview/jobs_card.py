"""What is being worked on, with its progress and the way to stop it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout

from desktop.i18n import duration, number, tr
from desktop.pages.overview.live_card import LiveCard
from desktop.widgets.label import PlainLabel
from desktop.widgets.layout import column, holder, row
from desktop.widgets.progress_row import ProgressRow
from desktop.widgets.states import EmptyState

if TYPE_CHECKING:
    from backend_core.jobs.service import JobRow

SHOWN: Final = 6
READ: Final = 100
"""Jobs read at once; more are counted as this many and a plus."""
_ORDER: Final = ("running", "retrying", "waiting")
_BADGE_WIDTH = 68
_READ_PAGES = "documents.extract"


class JobsCard(LiveCard):
    """The first jobs of the queue, running ones on top; ``cancelled`` carries the id of the job to stop."""

    cancelled = Signal(object)

    def __init__(self) -> None:
        super().__init__(tr("Running jobs"), icon_name="list-checks")
        self.rows: dict[int, ProgressRow] = {}
        self._stopping: set[int] = set()
        self._list = QVBoxLayout()
        self._list.setContentsMargins(0, 0, 0, 0)
        self._list.setSpacing(4)
        self.more = PlainLabel("", "small")
        self.empty = EmptyState("list-checks", tr("Nothing is running"), detail=tr("Reading and speaking show up here while they last."))
        filled = holder(column(self._list, self.more, None, gap=6))
        unread = holder(row(None, PlainLabel(tr("Not read yet"), "muted"), None))
        self._stack = QStackedWidget()
        for part in (unread, filled, self.empty):
            self._stack.addWidget(part)
        self._filled = filled
        self.add((self._stack, 1))

    def show_jobs(self, jobs: Sequence[JobRow]) -> None:
        """Show the open ``jobs``, newest first as the queue lists them."""
        ranked = sorted(jobs, key=lambda job: (_ORDER.index(job.state) if job.state in _ORDER else len(_ORDER), job.job_id))
        shown = ranked[:SHOWN]
        self._stopping &= {job.job_id for job in jobs}
        if list(self.rows) != [job.job_id for job in shown]:
            self._place([(job.job_id, job.title, job.task) for job in shown])
        for job in shown:
            self._fill(self.rows[job.job_id], job)
        rest = len(jobs) - len(shown)
        self.more.setText(tr("and 1 more") if rest == 1 else tr("and {n} more", n=_counted(rest, full=len(jobs) >= READ)))
        self.more.setVisible(rest > 0)
        self._stack.setCurrentWidget(self._filled if shown else self.empty)
        self.show_words(tr("{n} open", n=_counted(len(jobs), full=len(jobs) >= READ)) if jobs else "", "info")

    def mark(self, job_id: int, *, stopping: bool) -> None:
        """Show that a job was asked to stop, or that this failed."""
        (self._stopping.add if stopping else self._stopping.discard)(job_id)
        if job_id in self.rows:
            self.rows[job_id].cancel.setEnabled(not stopping)

    def _place(self, wanted: Sequence[tuple[int, str, str]]) -> None:
        kept = {job_id for job_id, _, _ in wanted}
        for job_id in [job_id for job_id in self.rows if job_id not in kept]:
            gone = self.rows.pop(job_id)
            self._list.removeWidget(gone)
            gone.hide()
            gone.deleteLater()
        known, self.rows = self.rows, {}
        for place, (job_id, title, task) in enumerate(wanted):
            line = known.get(job_id) or self._line(job_id, title, task)
            self.rows[job_id] = line
            if self._list.indexOf(line) != place:
                self._list.insertWidget(place, line)

    def _line(self, job_id: int, title: str, task: str) -> ProgressRow:
        line = ProgressRow(title, icon_name="scan-text" if task == _READ_PAGES else "file-audio")
        line.cancelled.connect(self._canceller(job_id))
        return line

    def _canceller(self, job_id: int) -> Callable[[], None]:
        return lambda: self.cancelled.emit(job_id)

    def _fill(self, line: ProgressRow, job: JobRow) -> None:
        words, tone = (tr("stopping"), "warn") if job.job_id in self._stopping else _STATES[job.state]()
        share = 0.0 if job.state == "waiting" else min(1.0, job.done / job.total) if job.total else None
        line.show_progress(share, detail=detail(job), state=words, tone=tone)
        # One width for every state, so that the bars of all jobs end at the same place.
        line.badge.setFixedWidth(max(_BADGE_WIDTH, line.badge.width()))


_STATES: Final[dict[str, Callable[[], tuple[str, str]]]] = {
    "running": lambda: (tr("running"), "info"),
    "retrying": lambda: (tr("retrying"), "warn"),
    "waiting": lambda: (tr("waiting"), "none"),
    "done": lambda: (tr("done"), "ok"),
    "failed": lambda: (tr("failed"), "bad"),
    "cancelled": lambda: (tr("cancelled"), "none"),
}


def detail(job: JobRow) -> str:
    """Return how far a job is, what it says about itself, or when it runs again."""
    if job.state == "retrying" and job.next_try_at is not None:
        left = (job.next_try_at - datetime.now(UTC)).total_seconds()
        return tr("attempt {n} in {time}", n=job.attempt + 1, time=duration(left)) if left > 0 else tr("attempt {n} now", n=job.attempt + 1)
    if job.state == "waiting":
        return tr("in the queue")
    count = tr("{done} of {total}", done=number(job.done), total=number(job.total)) if job.total else ""
    return " · ".join(part for part in (count, job.note) if part)


def _counted(count: int, *, full: bool) -> str:
    return f"{number(count)}+" if full else number(count)
