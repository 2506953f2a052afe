"""One job: its state, every attempt, what it can be traced by, and what may be done with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop.i18n import date_time, number, tr
from desktop.pages.jobs.words import AGAIN, OPEN, next_try, progress_words, share, state_words, task_words, took, tries
from desktop.widgets.badge import Badge
from desktop.widgets.bars import Bar
from desktop.widgets.button import Button
from desktop.widgets.drawer import Drawer
from desktop.widgets.key_values import Fact, KeyValues
from desktop.widgets.label import PlainLabel, over
from desktop.widgets.layout import clear_layout, column, holder, row
from desktop.widgets.retry_dialog import error_words

if TYPE_CHECKING:
    from backend_core.jobs.service import AttemptRow, JobRow

WIDTH: Final = 400


class JobDrawer(Drawer):
    """The page reads and acts; this shows and asks.

    Args:
        may_act: whether the role may cancel and retry.
        sees_traces: whether the role may open the logs and the audit log.
    """

    cancel_wanted = Signal()
    retry_wanted = Signal()
    document_wanted = Signal()
    logs_wanted = Signal()
    audit_wanted = Signal()
    copied = Signal()

    def __init__(self, *, may_act: bool, sees_traces: bool) -> None:
        super().__init__(width=WIDTH)
        self._may_act = may_act
        self._shown: tuple[AttemptRow, ...] | None = None
        self.job: JobRow | None = None
        self.state = Badge()
        self.bar = Bar(name=tr("Progress"))
        self.progress = PlainLabel("", "small")
        self.sentence = PlainLabel("", wrap=True, selectable=True)
        self.facts = KeyValues(name_width=104)
        self.cancel = Button(tr("Cancel job"), icon_name="ban", on_click=self.cancel_wanted.emit)
        self.retry = Button(tr("Retry"), "primary", icon_name="rotate-ccw", on_click=self.retry_wanted.emit)
        self.document = Button(tr("Open document"), icon_name="file-text", on_click=self.document_wanted.emit)
        self.copy = Button(tr("Copy reference"), "small", icon_name="copy", on_click=self._copy)
        self.logs = Button(tr("Logs"), "small", icon_name="text-search", on_click=self.logs_wanted.emit)
        self.audit = Button(tr("Audit log"), "small", icon_name="scroll-text", on_click=self.audit_wanted.emit)
        if not sees_traces:
            self.logs.hide()
            self.audit.hide()
        self._attempts = QVBoxLayout()
        self._attempts.setSpacing(8)
        self._build()

    def show_job(self, job: JobRow) -> None:
        """Show a job."""
        if self.job is None or self.job.job_id != job.job_id:
            self.show_attempts(None)
        self.job = job
        self.show_titles(job.title, tr("{task}, job {id}", task=task_words(job.task), id=job.job_id))
        _icon, word, tone = state_words(job)
        self.state.show_state(word, tone)
        part = share(job)
        self.bar.setVisible(part is not None)
        self.bar.set_share(part)
        self.progress.setText(progress_words(job))
        self.progress.setVisible(bool(self.progress.text()))
        self.sentence.setText(job.error or "")
        self.sentence_part.setVisible(bool(job.error))
        self._show_facts(job)
        self.cancel.setVisible(self._may_act and job.state in OPEN)
        self.retry.setVisible(self._may_act and job.state in AGAIN)
        self.document.setVisible(job.document_id is not None)
        self.buttons.setVisible(any(not one.isHidden() for one in (self.cancel, self.retry, self.document)))

    def show_attempts(self, attempts: Sequence[AttemptRow] | None) -> None:
        """Show the attempts that failed, None while nobody has read them."""
        wanted = tuple(attempts) if attempts is not None else None
        if wanted == self._shown and self._attempts.count():
            return
        self._shown = wanted
        clear_layout(self._attempts)
        if not wanted:
            self._attempts.addWidget(PlainLabel(tr("not read yet") if wanted is None else tr("None has failed."), "small"))
        for one in wanted or ():
            self._attempts.addWidget(_attempt(one))

    def _show_facts(self, job: JobRow) -> None:
        def when(moment: object) -> str:
            return f"{moment:%Y-%m-%d %H:%M:%S}" if moment is not None else tr("not yet")

        self.facts.set_facts(
            [
                Fact(tr("Attempts"), number(tries(job))),
                Fact(tr("Queued"), when(job.created_at.astimezone())),
                Fact(tr("Started"), when(job.started_at and job.started_at.astimezone())),
                Fact(tr("Ended"), when(job.finished_at and job.finished_at.astimezone())),
                Fact(tr("Took"), took(job) or tr("not yet")),
                Fact(tr("Next try"), next_try(job) or tr("none")),
                Fact(tr("Correlation"), job.correlation_id, mono=True),
            ]
        )

    def _build(self) -> None:
        self.sentence_part = holder(column(self.sentence, margins=(12, 10, 12, 10)), name="inset")
        self.buttons = holder(row(self.retry, self.cancel, self.document, None))
        attempts = holder(column(over(tr("Failed attempts")), self._attempts, gap=6))
        traces = holder(row(self.copy, self.logs, self.audit, None, gap=6))
        head = holder(column(row(self.state, self.progress, None), self.bar, gap=8))
        for part in (head, self.sentence_part, self.buttons, self.facts, traces, attempts):
            self.body.addWidget(part)
        self.body.addStretch(1)

    def _copy(self) -> None:
        if self.job is not None:
            QGuiApplication.clipboard().setText(self.job.correlation_id)
            self.copied.emit()


def _attempt(one: AttemptRow) -> QWidget:
    head = tr("Attempt {n}, {when}", n=one.attempt + 1, when=date_time(one.at))
    again = tr("next try {when}", when=f"{one.retry_at.astimezone():%H:%M:%S}") if one.retry_at is not None else tr("given up")
    title = row(PlainLabel(head, "smallstrong"), None, PlainLabel(again, "small"))
    words = PlainLabel(one.sentence, "smalltext", wrap=True, selectable=True)
    code = PlainLabel(error_words(one.error_code), "small")
    return holder(column(title, words, code, gap=2, margins=(12, 8, 12, 8)), name="inset")
