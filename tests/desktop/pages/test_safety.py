"""The Safety review page over a real backend: findings without their text, one text with a reason, verdicts, and what may leave."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from backend_core.backend import Backend
from backend_core.conversations.records import IncomingMessage
from backend_core.policy import AUDITOR, SUPPORT, Actor
from desktop.pages.safety.dialogs import AllowDialog, KeyDialog
from desktop.pages.safety.page import SafetyPage
from desktop.widgets.dialogs import Confirm
from tests.desktop.conftest import Desk

Wait = Callable[..., None]
Show = Callable[[], SafetyPage]
WORDS = "I want to kill myself tonight, I cannot go on."


@pytest.fixture
def boss(actor: Actor) -> Actor:
    """The administrator, with a reason and freshly proven."""
    return replace(actor, reason="Ticket 4711", proven_until=datetime.now(UTC) + timedelta(hours=1))


@pytest.fixture
def desk(page_context: Callable[..., Desk], backend: Backend, boss: Actor) -> Desk:
    return page_context(backend, actor=boss)


@pytest.fixture
def show(desk: Desk, wait_until: Wait) -> Show:
    return lambda: shown(desk, wait_until)


@pytest.fixture
def found(backend: Backend, boss: Actor) -> None:
    """A message that moderation found something in."""
    backend.people.save_persona("sage", name="Sage", passport={}, version=0, actor=boss)
    backend.conversations.receive(IncomingMessage(text=WORDS, sender="+351912345678", persona="sage"), actor=boss)


def shown(desk: Desk, wait_until: Wait) -> SafetyPage:
    page = SafetyPage(desk.context)
    page.setParent(desk.window)
    desk.window.resize(1228, 846)
    page.resize(1228, 846)
    page.show()
    desk.window.show()
    wait_until(lambda: page.loaded, timeout=15)
    return page


def test_nothing_found_says_that_nothing_waits_and_who_judges(show: Show) -> None:
    page = show()
    assert page.badge.text() == "Nothing waits"
    assert page.table.rows == []
    assert "Local rules judge" in page.judge.text()
    assert not page.banner.isVisible()


@pytest.mark.usefixtures("found")
def test_a_finding_is_listed_without_its_text_which_opens_with_a_reason(
    show: Show, backend: Backend, boss: Actor, wait_until: Wait
) -> None:
    page = show()
    wait_until(lambda: len(page.table.rows) >= 1, timeout=15)
    assert "tonight" not in repr(page.table.rows)
    page.table.selectRow(0)
    assert page.drawer.isVisible()
    assert page.drawer.shut.isVisible()
    assert not page.drawer.box.isVisible()
    page.drawer.open.click()
    wait_until(page.drawer.box.isVisible, timeout=15)
    assert page.drawer.text.text() == WORDS
    assert "912345" not in page.drawer.said.text()
    reasons = {event.reason for event in backend.trail.tail(limit=50, actor=boss) if event.action == "safety.review"}
    assert reasons == {"Ticket 4711"}
    page.hide()
    assert page.texts == {}
    assert page.drawer.isHidden(), "whoever comes back gives a reason again"


@pytest.mark.usefixtures("found")
def test_a_verdict_takes_the_finding_off_the_queue(show: Show, desk: Desk, wait_until: Wait) -> None:
    page = show()
    wait_until(lambda: len(page.table.rows) >= 1, timeout=15)
    before = len(page.table.rows)
    page.table.selectRow(0)
    chosen = page.table.current().id
    page.drawer.choice.choose("wrong")
    page.drawer.note.setText("quoting a song")
    page.drawer.keep.click()
    wait_until(lambda: len(page.table.rows) == before - 1, timeout=15)
    assert desk.notified[0] == ("Verdict saved.", "ok")
    page.which.choose("all")
    page.which.chosen.emit("all")
    wait_until(lambda: len(page.table.rows) == before, timeout=15)
    page.open_target(event_id=chosen)
    assert page.table.current().verdict == "wrong"
    assert not page.drawer.asks.isVisible()
    assert page.drawer.past.text().startswith("Wrong, said")


def test_text_may_leave_only_after_consent_and_no_longer_after_it_was_withdrawn(show: Show, backend: Backend, wait_until: Wait) -> None:
    page = show()
    page.tabs.choose("egress")
    wait_until(lambda: page.place == "What leaves", timeout=15)
    assert page.egress.consents.rows == []
    assert not page.egress.key.isEnabled()
    page.egress.allow.click()
    form = page.dialog
    assert isinstance(form, AllowDialog)
    assert not form.go.isEnabled()
    form.host.setText("moderation.example.org")
    form.go.click()
    wait_until(lambda: len(page.egress.consents.rows) == 1, timeout=15)
    assert backend.egress.hosts("moderation") == ("moderation.example.org",)
    page.egress.consents.selectRow(0)
    page.egress.withdraw.click()
    question = page.dialog
    assert isinstance(question, Confirm)
    question.go.click()
    wait_until(lambda: page.egress.consents.rows == [], timeout=15)
    assert backend.egress.hosts("moderation") == ()


def test_a_judge_without_a_key_is_said_on_top(show: Show, desk: Desk, backend: Backend, boss: Actor, wait_until: Wait) -> None:
    backend.egress.allow("moderation", "moderation.example.org", actor=boss)
    page = show()
    wait_until(page.banner.isVisible, timeout=15)
    assert "key is not kept" in page.banner.words.text()
    page.tabs.choose("egress")
    wait_until(page.egress.key.isEnabled, timeout=15)
    page.egress.key.click()
    form = page.dialog
    assert isinstance(form, KeyDialog)
    form.field.setText("sk-made-up-for-a-test")
    form.go.click()
    wait_until(lambda: ("The key is kept.", "ok") in desk.notified, timeout=15)
    page.tabs.choose("queue")
    wait_until(lambda: not page.banner.isVisible(), timeout=15)
    assert backend.safety.status(actor=boss).key


def test_each_role_has_its_own_tabs(page_context: Callable[..., Desk], backend: Backend, boss: Actor, wait_until: Wait) -> None:
    auditor = shown(page_context(backend, actor=replace(boss, role=AUDITOR)), wait_until)
    assert [auditor.tabs.tabText(n) for n in range(auditor.tabs.count())] == ["What leaves"]
    assert not auditor.egress.allow.isVisible()
    support = shown(page_context(backend, actor=replace(boss, role=SUPPORT)), wait_until)
    assert [support.tabs.tabText(n) for n in range(support.tabs.count())] == ["Review queue"]


def test_nothing_flashes_and_the_page_fits_the_smallest_window(show: Show, flashes: list[str]) -> None:
    page = show()
    assert flashes == ["QWidget"], "only the window of the test itself"
    assert page.content.minimumSizeHint().width() <= 788
