"""One job that was given up: why, what was done about it so far, and what to do next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop.i18n import date_time, number, tr
from desktop.pages.alerts.words import CLOSING, MOVES, alert_look
from desktop.widgets.badge import Badge
from desktop.widgets.button import Button
from desktop.widgets.drawer import Drawer
from desktop.widgets.field import Field
from desktop.widgets.key_values import Fact, KeyValues
from desktop.widgets.label import PlainLabel, over
from desktop.widgets.layout import clear_layout, column, holder, row
from desktop.widgets.retry_dialog import error_words

if TYPE_CHECKING:
    from backend_core.jobs.alert_records import AlertNote, JobAlert

WIDTH: Final = 420
LONGEST_NOTE: Final = 1000


class AlertDrawer(Drawer):
    """Shows and asks; the page acts.

    Args:
        may_act: whether the role may move alerts and start jobs again.
        sees_traces: whether the role may open the logs and the audit log.
    """

    moved = Signal(str, str)
    """The status it shall have, and the note."""
    retry_wanted = Signal()
    job_wanted = Signal()
    logs_wanted = Signal()
    audit_wanted = Signal()
    copied = Signal()

    def __init__(self, *, may_act: bool, sees_traces: bool) -> None:
        super().__init__(width=WIDTH)
        self._may_act = may_act
        self._history: tuple[AlertNote, ...] | None = None
        self.alert: JobAlert | None = None
        self.state = Badge()
        self.words = PlainLabel("", wrap=True, selectable=True)
        self.detail = PlainLabel("", "mono", wrap=True, selectable=True)
        self.facts = KeyValues(name_width=104)
        self.retry = Button(tr("Retry job"), "primary", icon_name="rotate-ccw", on_click=self.retry_wanted.emit)
        self.job = Button(tr("Show job"), icon_name="list-checks", on_click=self.job_wanted.emit)
        self.copy = Button(tr("Copy reference"), "small", icon_name="copy", on_click=self._copy)
        self.logs = Button(tr("Logs"), "small", icon_name="text-search", on_click=self.logs_wanted.emit)
        self.audit = Button(tr("Audit log"), "small", icon_name="scroll-text", on_click=self.audit_wanted.emit)
        if not sees_traces:
            self.logs.hide()
            self.audit.hide()
        self.note = Field(name=tr("Note"), hint=tr("What was found, or what came of it"))
        self.note.setMaxLength(LONGEST_NOTE)
        self.note.textChanged.connect(lambda _words: self._allow())
        self.moves = {status: self._move_button(status) for status in MOVES}
        self.hint = PlainLabel(tr("Resolving and ignoring need a note."), "small")
        self._notes = QVBoxLayout()
        self._notes.setSpacing(8)
        self._build()

    def show_alert(self, one: JobAlert) -> None:
        """Show an alert."""
        if self.alert is None or self.alert.id != one.id:
            self.note.clear()
            self.show_notes(None)
        self.alert = one
        self.show_titles(one.title, tr("job {id}, {when}", id=one.job_id, when=date_time(one.created_at)))
        _icon, word, tone = alert_look(one.status)
        self.state.show_state(word, tone)
        self.words.setText(one.safe_message)
        self.detail.setText(one.detail or "")
        self.detail_part.setVisible(bool(one.detail))
        self.facts.set_facts(
            [
                Fact(tr("Class"), error_words(one.error_code)),
                Fact(tr("Attempts"), number(one.attempt + 1)),
                Fact(tr("Moved"), f"{one.updated_at.astimezone():%Y-%m-%d %H:%M:%S}"),
                Fact(tr("Closed by"), one.resolver or tr("nobody yet")),
                Fact(tr("Correlation"), one.correlation_id, mono=True),
            ]
        )
        self.retry.setVisible(self._may_act and one.status not in CLOSING)
        self.asks.setVisible(self._may_act and bool(one.next_statuses))
        self._allow()

    def show_notes(self, notes: Sequence[AlertNote] | None) -> None:
        """Show the history, newest first; None while nobody has read it."""
        wanted = tuple(notes) if notes is not None else None
        if wanted == self._history and self._notes.count():
            return
        self._history = wanted
        clear_layout(self._notes)
        if not wanted:
            self._notes.addWidget(PlainLabel(tr("not read yet") if wanted is None else tr("Nobody has moved it."), "small"))
        for one in reversed(wanted or ()):
            self._notes.addWidget(_note(one))

    def _build(self) -> None:
        inset = holder(column(self.words, margins=(12, 10, 12, 10)), name="inset")
        self.detail_part = holder(column(over(tr("Detail, for administrators")), self.detail, gap=6))
        first, second = (
            [self.moves[status] for status in ("ACKNOWLEDGED", "INVESTIGATING")],
            [self.moves[one] for one in ("RESOLVED", "IGNORED")],
        )
        self.asks = holder(column(over(tr("Next")), self.note, row(*first, *second, None, gap=6), self.hint, gap=8))
        history = holder(column(over(tr("History")), self._notes, gap=6))
        traces = holder(row(self.copy, self.logs, self.audit, None, gap=6))
        actions = holder(row(self.retry, self.job, None))
        for part in (holder(row(self.state, None)), inset, actions, self.asks, self.facts, traces, history, self.detail_part):
            self.body.addWidget(part)
        self.body.addStretch(1)

    def _move_button(self, status: str) -> Button:
        return Button(MOVES[status](), "small", on_click=lambda: self.moved.emit(status, " ".join(self.note.text().split())))

    def _allow(self) -> None:
        if self.alert is None:
            return
        said = bool(self.note.text().strip())
        for status, button in self.moves.items():
            button.setVisible(status in self.alert.next_statuses)
            button.setEnabled(said or status not in CLOSING)

    def _copy(self) -> None:
        if self.alert is not None:
            QGuiApplication.clipboard().setText(self.alert.correlation_id)
            self.copied.emit()


def _note(one: AlertNote) -> QWidget:
    _icon, word, tone = alert_look(one.status)
    head = row(Badge(word, tone), None, PlainLabel(tr("{name}, {when}", name=one.author, when=date_time(one.at)), "small"))
    words = PlainLabel(one.text or tr("no note"), "smalltext", wrap=True, selectable=True)
    return holder(column(head, words, gap=4, margins=(12, 8, 12, 8)), name="inset")
