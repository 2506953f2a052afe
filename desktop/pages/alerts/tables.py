"""The three lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from desktop.i18n import ago, date_time, number, tr
from desktop.pages.alerts.words import alert_look, kind_words, lasted, notice_state, raised, severity_look, silence_left, times_words
from desktop.widgets.cells import badge_cell, state_cell, text_cell, two_line_cell
from desktop.widgets.retry_dialog import error_words
from desktop.widgets.states import EmptyState
from desktop.widgets.table import Column, Table
from desktop.widgets.yielding_table import YieldingTable

if TYPE_CHECKING:
    from backend_core.jobs.alert_records import JobAlert
    from backend_core.notices.records import Notice, Silence

ROW_HEIGHT: Final = 51


def notice_table(empty: EmptyState) -> Table:
    """Return the list of notices; its key is the id."""

    def title(one: Notice) -> str:
        return one.title

    def body(one: Notice) -> str:
        return one.body

    def said(one: Notice) -> str:
        return times_words(one.times)

    columns = [
        Column("severity", tr("Severity"), lambda one: severity_look(one)[1], state_cell(severity_look), width=110),
        Column("title", tr("Notice"), lambda one: f"{one.title}. {one.body}", two_line_cell(title, body)),
        Column("state", tr("State"), lambda one: notice_state(one)[0], badge_cell(notice_state), width=126),
        Column("times", tr("Said"), said, text_cell(said, tone="muted", right=True), width=92, right=True),
        Column("lasted", tr("Lasts"), lasted, text_cell(lasted, tone="muted", right=True), width=104, right=True),
        Column("raised", tr("Came"), raised, text_cell(raised, tone="muted", right=True), width=104, right=True),
    ]
    room = {"times": 860, "lasted": 700}
    return YieldingTable(columns, name=tr("Notices"), row_height=ROW_HEIGHT, key=lambda one: one.id, empty=empty, shown_from=room)


def alert_table(empty: EmptyState) -> Table:
    """Return the list of job alerts; its key is the id."""

    def title(one: JobAlert) -> str:
        return one.title

    def message(one: JobAlert) -> str:
        return one.safe_message

    def code(one: JobAlert) -> str:
        return error_words(one.error_code)

    def attempts(one: JobAlert) -> str:
        return number(one.attempt + 1)

    def came(one: JobAlert) -> str:
        return ago(one.created_at)

    def moved(one: JobAlert) -> str:
        return ago(one.updated_at)

    columns = [
        Column("status", tr("Status"), lambda one: alert_look(one.status)[1], state_cell(lambda one: alert_look(one.status)), width=142),
        Column("title", tr("Job"), lambda one: f"{one.title}. {one.safe_message}", two_line_cell(title, message)),
        Column("class", tr("Class"), code, text_cell(code, tone="muted"), width=140),
        Column("attempts", tr("Attempts"), attempts, text_cell(attempts, right=True), width=88, right=True),
        Column("moved", tr("Moved"), moved, text_cell(moved, tone="muted", right=True), width=104, right=True),
        Column("came", tr("Came"), came, text_cell(came, tone="muted", right=True), width=104, right=True),
    ]
    room = {"moved": 860, "attempts": 780, "class": 620}
    return YieldingTable(columns, name=tr("Job alerts"), row_height=ROW_HEIGHT, key=lambda one: one.id, empty=empty, shown_from=room)


def silence_table(empty: EmptyState) -> Table:
    """Return the list of silences; its key is the id."""

    def what(one: Silence) -> str:
        return kind_words(one.kind)

    def which(one: Silence) -> str:
        return one.subject or tr("every one of this kind")

    def why(one: Silence) -> str:
        return one.reason

    def who(one: Silence) -> str:
        return tr("{name}, {when}", name=one.created_by, when=date_time(one.created_at))

    columns = [
        Column("what", tr("Silenced"), lambda one: f"{what(one)}, {which(one)}", two_line_cell(what, which), width=250),
        Column("why", tr("Reason"), why, text_cell(why)),
        Column("who", tr("By"), who, text_cell(who, tone="muted"), width=210),
        Column("left", tr("Holds"), silence_left, text_cell(silence_left, tone="muted", right=True), width=150, right=True),
    ]
    return Table(columns, name=tr("Silences"), row_height=ROW_HEIGHT, key=lambda one: one.id, empty=empty)
