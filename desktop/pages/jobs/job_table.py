"""The list of jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

from desktop.i18n import number, tr
from desktop.pages.jobs.words import age, next_try, progress_words, share, state_words, task_icon, task_words, took, tries
from desktop.widgets import paint
from desktop.widgets.cells import progress_cell, text_cell, two_line_cell
from desktop.widgets.states import EmptyState
from desktop.widgets.table import CellState, Column, Table
from desktop.widgets.yielding_table import YieldingTable

if TYPE_CHECKING:
    from backend_core.jobs.service import JobRow

ROW_HEIGHT: Final = 48


def job_table(empty: EmptyState) -> Table:
    """Return the table; its key is the id of a job."""
    room = {"error": 1020, "took": 760, "next": 620}
    return YieldingTable(_columns(), name=tr("Jobs"), row_height=ROW_HEIGHT, key=lambda row: row.job_id, empty=empty, shown_from=room)


def _columns() -> list[Column]:
    def title(row: JobRow) -> str:
        return row.title

    def about(row: JobRow) -> str:
        return " · ".join(part for part in (task_words(row.task), f"#{row.job_id}", progress_words(row)) if part)

    def attempt(row: JobRow) -> str:
        return number(tries(row)) if tries(row) else ""

    state = progress_cell(lambda row: (*state_words(row), share(row)))
    return [
        Column("job", tr("Job"), title, two_line_cell(title, about, icon_name=lambda row: task_icon(row.task))),
        Column("state", tr("State"), lambda row: state_words(row)[1], state, width=150),
        Column("error", tr("Last error"), lambda row: row.error or "", _paint_error, width=232),
        Column("attempt", tr("Attempt"), attempt, text_cell(attempt, right=True), width=76, right=True),
        Column("next", tr("Next try"), next_try, text_cell(next_try, tone="muted", right=True), width=90, right=True),
        Column("took", tr("Took"), took, text_cell(took, tone="muted", right=True), width=98, right=True),
        Column("age", tr("Queued"), age, text_cell(age, tone="muted", right=True), width=98, right=True),
    ]


def _paint_error(painter: QPainter, rect: QRectF, row: JobRow, state: CellState) -> None:
    tone = "text" if state.selected or row.state in {"failed", "retrying"} else "muted"
    paint.text(painter, rect, row.error or "", size=12, tone=tone)
