"""The Alerts page over a real database: one row per event, what a person does about it, and that it is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from backend_core.backend import Backend
from backend_core.policy import Actor
from desktop.pages.alerts.dialogs import SilenceDialog
from desktop.pages.alerts.page import AlertsPage
from desktop.pages.alerts.ways_tab import SecretDialog
from desktop.widgets.dialogs import Confirm
from desktop.widgets.retry_dialog import RetryDialog
from tests.desktop.pages.document_scene import HOSTILE, Wait
from tests.desktop.pages.watch_scene import PROGRAM, Failing, ShowPage, audited, dialog, raise_notice, settled


@pytest.fixture
def failed(backend: Backend, actor: Actor, run_jobs: Callable[[], None]) -> Failing:
    """Two jobs that were given up, with their alerts."""
    task = Failing(backend)
    backend.handlers[task.name] = task
    for number in (1, 2):
        task.queue(actor, document_id=number)
    run_jobs()
    return task


def test_with_nothing_to_tell_every_tab_says_so(show_page: ShowPage, flashes: list[str], wait_until: Wait) -> None:
    shown = show_page(AlertsPage)
    page = shown.page
    assert page.overall.text() == "nothing wants attention"
    assert page.notices.empty.line.text() == "Nothing wants attention"
    page.tabs.choose("jobs")
    wait_until(page.jobs.empty.isVisible)
    assert not page.jobs.again.isVisible()
    page.tabs.choose("silences")
    wait_until(page.silences.empty.isVisible)
    assert flashes == ["QWidget"], "only the window of this test"


def test_one_event_is_one_row_that_is_acknowledged_and_leads_to_where_it_is_mended(
    show_page: ShowPage, backend: Backend, wait_until: Wait
) -> None:
    notice = raise_notice(backend)
    raise_notice(backend)
    shown = show_page(AlertsPage)
    page, tab = shown.page, shown.page.notices
    assert [(row.id, row.times) for row in tab.table.rows] == [(notice, 2)]
    tab.table.setFocus()
    QTest.keyClick(tab.table, Qt.Key.Key_J)
    assert tab.drawer.isVisible()
    assert tab.drawer.title.text() == f"A pool is full {HOSTILE}"
    tab.drawer.mend.click()
    assert shown.gone_to == [("database", {"tab": "pool"})]
    QTest.keyClicks(tab.drawer.note, "I look after it")
    QTest.keyClick(tab.drawer.note, Qt.Key.Key_Return)
    wait_until(lambda: not tab.table.rows and page.overall.text() == "nothing wants attention")
    assert [target for target, _ in audited(backend, "notice.acknowledge")] == [f"notice:{notice}"]
    tab.chips.chip("all").click()
    wait_until(lambda: [row.note for row in tab.table.rows] == ["I look after it"])


def test_what_is_over_leaves_the_list_without_anybody_touching_it(show_page: ShowPage, backend: Backend, wait_until: Wait) -> None:
    raise_notice(backend)
    shown = show_page(AlertsPage)
    assert shown.page.overall.text() == "1 wants attention"
    backend.notices.resolve("pool_full", "lectern-worker", actor=PROGRAM)
    wait_until(lambda: not shown.page.notices.table.rows)


def test_a_silence_needs_a_reason_and_can_be_ended(show_page: ShowPage, backend: Backend, wait_until: Wait) -> None:
    raise_notice(backend)
    shown = show_page(AlertsPage)
    page = shown.page
    page.notices.table.selectRow(0)
    page.notices.drawer.silence.click()
    asked = dialog(shown, SilenceDialog)
    assert not asked.go.isEnabled()
    QTest.keyClicks(asked.reason, "Load test, TICKET-7")
    asked.hours.choose(4)
    asked.go.click()
    wait_until(lambda: page.overall.text() == "nothing wants attention")
    assert audited(backend, "notice.silence")[0][1] == "Load test, TICKET-7"
    page.tabs.choose("silences")
    wait_until(lambda: [row.subject for row in page.silences.table.rows] == ["lectern-worker"])
    page.silences.table.selectRow(0)
    # the shell asks for the reason; here the person has given one already
    shown.desk.context.acting.signed_in = _with_reason(shown.desk.context.actor)
    page.silences.lift_button.click()
    dialog(shown, Confirm).go.click()
    wait_until(lambda: not page.silences.table.rows and page.overall.text() == "1 wants attention")
    assert [reason for _, reason in audited(backend, "notice.silence")] == ["Load test, TICKET-7", "It is over"]


def test_a_failed_job_is_moved_to_resolved_with_its_history(
    show_page: ShowPage, failed: Failing, backend: Backend, actor: Actor, wait_until: Wait
) -> None:
    shown = show_page(AlertsPage)
    tab = shown.page.jobs
    alert = backend.job_alerts.listing(actor=actor)[0]
    shown.page.open_target(alert_id=alert.id)
    wait_until(lambda: tab.drawer.isVisible() and tab.drawer.alert is not None)
    assert tab.drawer.words.text() == f"The file is broken. {HOSTILE}"
    for status, note in (("ACKNOWLEDGED", ""), ("INVESTIGATING", "The scanner was changed"), ("RESOLVED", "Scanned again")):
        assert tab.drawer.moves["IGNORED"].isVisible()
        assert not tab.drawer.moves["RESOLVED"].isEnabled(), "closing needs a note"
        tab.drawer.note.setText(note)
        tab.drawer.moves[status].click()
        wait_until(lambda status=status: tab.drawer.alert.status == status and not tab.drawer.note.text())
    settled(shown, wait_until)
    assert [(one.status, one.text) for one in tab.drawer._history or ()][-2:] == [
        ("INVESTIGATING", "The scanner was changed"),
        ("RESOLVED", "Scanned again"),
    ]
    assert not tab.drawer.asks.isVisible()
    assert alert.id not in [row.id for row in tab.table.rows]
    assert [target for target, _ in audited(backend, "job_alert.update")] == [f"job_alert:{alert.id}"] * 3


def test_somebody_elses_move_is_told_and_not_overwritten(
    show_page: ShowPage, failed: Failing, backend: Backend, actor: Actor, wait_until: Wait
) -> None:
    alert = backend.job_alerts.listing(actor=actor)[0]
    shown = show_page(AlertsPage)
    shown.page.open_target(alert_id=alert.id)
    tab = shown.page.jobs
    wait_until(lambda: tab.drawer.alert is not None)
    backend.job_alerts.move(alert.id, "ACKNOWLEDGED", "Mine", version=alert.version, actor=actor)
    # allowed as such, but the person has not seen what was done meanwhile
    tab.move_alert("INVESTIGATING", "")
    wait_until(lambda: shown.desk.notified)
    assert shown.desk.notified[0] == ("Somebody moved this alert meanwhile.", "bad")
    wait_until(lambda: tab.drawer.alert.status == "ACKNOWLEDGED")


def test_the_listed_alerts_are_retried_with_their_count_and_a_reason(
    show_page: ShowPage, failed: Failing, backend: Backend, wait_until: Wait, run_jobs: Callable[[], None]
) -> None:
    shown = show_page(AlertsPage)
    page = shown.page
    page.tabs.choose("jobs")
    wait_until(page.jobs.again.isVisible)
    page.jobs.again.click()
    asked = dialog(shown, RetryDialog)
    assert asked.heading.text() == "Retry 2 failed jobs?"
    QTest.keyClicks(asked.field, "The scanner works again")
    asked.go.click()
    wait_until(lambda: "2 jobs are queued anew." in shown.said)
    assert [reason for _, reason in audited(backend, "job.retry")] == ["The scanner works again"] * 2
    failed.mended = True
    run_jobs()
    settled(shown, wait_until)
    assert not page.jobs.table.rows, "a job that ends well closes its alert"


def test_support_may_look_after_alerts_and_an_auditor_may_only_look(
    show_page: ShowPage, failed: Failing, backend: Backend, wait_until: Wait
) -> None:
    raise_notice(backend)
    for role, acts in (("support", True), ("auditor", False)):
        page = show_page(AlertsPage, role=role).page
        page.notices.table.selectRow(0)
        assert not page.notices.drawer.silence.isVisible()
        assert page.notices.drawer.acknowledge.isVisible()
        assert not page.silences.lift_button.isVisible()
        page.tabs.choose("jobs")
        wait_until(lambda page=page: page.jobs.table.rows)
        page.jobs.table.selectRow(0)
        assert page.jobs.drawer.asks.isVisible() is acts
        assert page.jobs.again.isVisible() is acts
        assert not page.jobs.drawer.detail.isVisible()


def test_without_the_database_the_last_good_notices_stay_and_say_their_age(show_page: ShowPage, backend: Backend, wait_until: Wait) -> None:
    raise_notice(backend)
    shown = show_page(AlertsPage)
    shown.backend.away = True
    settled(shown, wait_until)
    assert shown.page.stale.text().startswith("last answer ")
    assert len(shown.page.notices.table.rows) == 1


def test_a_way_out_says_what_is_missing_and_takes_its_secret(show_page: ShowPage, backend: Backend, actor: Actor, wait_until: Wait) -> None:
    backend.house.update({"webhook_url": "https://hooks.example.org/lectern"}, version=backend.house.read(actor).version, actor=actor)
    shown = show_page(AlertsPage)
    shown.desk.context.acting.signed_in = _with_reason(actor)
    shown.page.open_target(tab="ways")
    mail, webhook = shown.page.ways.cards["email"], shown.page.ways.cards["webhook"]
    wait_until(lambda: webhook.sentence.text() == "No key is kept for the webhook on this computer.")
    assert (mail.state.text(), webhook.state.text()) == ("off", "needs attention")
    assert not webhook.test.isEnabled()
    webhook.secret.click()
    asked = dialog(shown, SecretDialog)
    QTest.keyClicks(asked.field, "a key of the webhook")
    asked.go.click()
    wait_until(lambda: webhook.sentence.text().startswith("Nobody consented"))
    shown.page.ways.set_secret("webhook", "")
    wait_until(lambda: webhook.sentence.text().startswith("No key"))
    assert show_page(AlertsPage, role="support").page.ways is None


def _with_reason(actor: Actor) -> Actor:
    return replace(actor, reason="It is over")
