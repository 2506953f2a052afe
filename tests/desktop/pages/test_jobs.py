"""The Jobs page over a real queue: what it counts, how a job is stopped, started again alone and together, and what is kept of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from backend_core.backend import Backend
from backend_core.policy import Actor
from desktop.pages.jobs.page import JobsPage
from desktop.widgets.retry_dialog import RetryDialog
from tests.desktop.pages.document_scene import HOSTILE, Wait
from tests.desktop.pages.watch_scene import Failing, ShowPage, audited, dialog, settled


@pytest.fixture
def failing(backend: Backend) -> Failing:
    """A kind of work whose jobs fail for good."""
    task = Failing(backend)
    backend.handlers[task.name] = task
    return task


@pytest.fixture
def failed(failing: Failing, actor: Actor, run_jobs: Callable[[], None]) -> tuple[int, ...]:
    """Three jobs that were given up."""
    ids = tuple(failing.queue(actor, document_id=number) for number in (1, 2, 3))
    run_jobs()
    return ids


def test_an_empty_queue_shows_no_invented_figure(show_page: ShowPage, flashes: list[str]) -> None:
    page = show_page(JobsPage).page
    assert page.empty.isVisible()
    assert page.empty.line.text() == "No jobs yet"
    figures = page.figures
    assert [tile.value.text() for tile in (figures.waiting, figures.running, figures.oldest, figures.lag)] == ["0", "0", "none", "–"]
    assert figures.workers.value.text() == "0"
    assert not page.again.isVisible()
    assert page.overall.text() == "nothing to look into"
    assert flashes == ["QWidget"], "only the window of this test"


def test_before_the_first_answer_every_figure_is_unknown(show_page: ShowPage, wait_until: Wait) -> None:
    shown = show_page(JobsPage, away=True)
    wait_until(shown.page.error.isVisible)
    assert {tile.value.text() for tile in shown.page.figures.findChildren(QWidget) if hasattr(tile, "show_figure")} == {"–"}


def test_a_failed_job_tells_why_and_leads_to_its_traces(
    show_page: ShowPage, failed: tuple[int, ...], wait_until: Wait, backend: Backend, actor: Actor
) -> None:
    shown = show_page(JobsPage)
    page = shown.page
    assert (page.figures.failed.value.text(), page.figures.failed.about.text()) == ("3", "unreadable file 3")
    assert page.overall.text() == "3 failed jobs to look into"
    page.open_target(job_id=failed[0])
    wait_until(
        lambda: page.drawer.isVisible() and "Attempt 1, " in "".join(label.text() for label in page.drawer.findChildren(type(page.count)))
    )
    assert page.drawer.sentence.text() == f"The file is broken. {HOSTILE}"
    page.drawer.copy.click()
    reference = backend.jobs.get(failed[0], actor=actor).correlation_id
    assert QApplication.clipboard().text() == reference
    for button in (page.drawer.logs, page.drawer.audit, page.drawer.document):
        button.click()
    assert shown.gone_to == [("logs", {"correlation": reference}), ("audit", {"correlation": reference}), ("documents", {"document_id": 1})]


def test_chips_leave_the_jobs_of_one_state(
    show_page: ShowPage, failed: tuple[int, ...], failing: Failing, actor: Actor, wait_until: Wait
) -> None:
    waiting = failing.queue(actor, document_id=9)
    shown = show_page(JobsPage)
    page = shown.page
    assert [row.job_id for row in page.table.rows] == [waiting, *reversed(failed)]
    for state, ids in (("failed", [*reversed(failed)]), ("waiting", [waiting]), ("running", [])):
        page.chips.chip(state).click()
        wait_until(lambda ids=ids: [row.job_id for row in page.table.rows] == ids)
    assert page.empty.line.text() == "No job in this state"


def test_a_waiting_job_is_cancelled_by_keyboard_and_the_log_keeps_it(
    show_page: ShowPage, failing: Failing, actor: Actor, wait_until: Wait, backend: Backend
) -> None:
    job = failing.queue(actor, document_id=9)
    shown = show_page(JobsPage)
    page = shown.page
    page.table.setFocus()
    QTest.keyClick(page.table, Qt.Key.Key_J)
    QTest.keyClick(page.table, Qt.Key.Key_Return)
    assert page.drawer.isVisible()
    page.drawer.cancel.setFocus()
    QTest.keyClick(page.drawer.cancel, Qt.Key.Key_Space)
    wait_until(lambda: page.table.rows[0].state == "cancelled")
    assert audited(backend, "job.cancel")[0][0].endswith(str(job))
    QTest.keyClick(page.drawer, Qt.Key.Key_Escape)
    assert not page.drawer.isVisible()


def test_all_failed_jobs_are_retried_with_their_count_and_a_reason(
    show_page: ShowPage, failed: tuple[int, ...], failing: Failing, wait_until: Wait, backend: Backend, run_jobs: Callable[[], None]
) -> None:
    shown = show_page(JobsPage)
    page = shown.page
    assert page.again.text().strip() == "Retry 3 failed"
    page.again.click()
    asked = dialog(shown, RetryDialog)
    assert (asked.heading.text(), asked.go.isEnabled()) == ("Retry 3 failed jobs?", False)
    QTest.keyClicks(asked.field, "The disk was replaced")
    asked.go.click()
    wait_until(lambda: "3 jobs are queued anew." in shown.said)
    assert [reason for _, reason in audited(backend, "job.retry")] == ["The disk was replaced"] * 3
    wait_until(lambda: not page.again.isVisible())
    failing.mended = True
    run_jobs()
    settled(shown, wait_until)
    assert sorted(row.state for row in page.table.rows) == ["done"] * 3 + ["failed"] * 3
    assert page.overall.text() == "nothing to look into"


def test_an_auditor_sees_jobs_and_may_change_nothing(show_page: ShowPage, failed: tuple[int, ...], wait_until: Wait) -> None:
    page = show_page(JobsPage, role="auditor").page
    page.open_target(job_id=failed[0])
    wait_until(page.drawer.isVisible)
    assert not page.again.isVisible()
    assert not any(button.isVisible() for button in (page.drawer.retry, page.drawer.cancel))
    assert page.drawer.logs.isVisible()
    helper = show_page(JobsPage, role="support").page
    helper.open_target(job_id=failed[0])
    wait_until(helper.drawer.isVisible)
    assert helper.drawer.retry.isVisible()
    assert not helper.drawer.logs.isVisible()


@pytest.mark.parametrize("last", ["jobs", "job_watch", "job_alerts"])
def test_without_the_database_the_last_good_rows_stay_and_say_their_age(
    show_page: ShowPage, failed: tuple[int, ...], wait_until: Wait, last: str
) -> None:
    shown = show_page(JobsPage)
    shown.backend.away = True
    settled(shown, wait_until)
    assert shown.page.stale.text().startswith("last answer ")
    assert len(shown.page.table.rows) == len(failed)
    assert shown.page.figures.failed.value.text() == "3"
    shown.backend.away, shown.backend.last = False, last
    settled(shown, wait_until)
    assert not shown.page.stale.isVisible(), "whichever answer came last"


def test_at_a_small_window_nothing_is_pushed_out(show_page: ShowPage, failed: tuple[int, ...], wait_until: Wait) -> None:
    page = show_page(JobsPage, size=(936, 596)).page
    page.open_target(job_id=failed[0])
    wait_until(page.drawer.isVisible)
    assert page.minimumSizeHint().width() <= 936
    assert page.host.content.minimumSizeHint().width() <= 788
    assert page.table.isColumnHidden([column.key for column in page.table.columns].index("error"))
