"""The Conversations page over a real backend: the list, one open for a reason, and what a reply would be given."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication

from backend_core.backend import Backend
from backend_core.policy import AUDITOR, Actor
from desktop.asking import Asking
from desktop.pages.conversations.lines import MessageLine
from desktop.pages.conversations.page import ConversationsPage
from desktop.pages.conversations.thread_card import ABOUT, MESSAGES, REPLY
from desktop.widgets.asking import ReasonDialog
from desktop.widgets.dialogs import Dialog
from tests.desktop.conftest import Desk
from tests.desktop.pages.audit_scene import Switchable
from tests.desktop.pages.people_scene import TALK, People, picture, say, with_reason

Wait = Callable[..., None]


class Shown(ConversationsPage):
    """The page, with what it asked of the shell."""

    desk: Desk


Show = Callable[..., Shown]


@pytest.fixture
def show(page_context: Callable[..., Desk], backend: Backend, actor: Actor, wait_until: Wait) -> Iterator[Show]:
    pages: list[Shown] = []

    def make(*, who: Actor | None = None, over: object = None, load: bool = True, width: int = 1228) -> Shown:
        desk = page_context(over or backend, actor=who or with_reason(actor))
        page = Shown(desk.context)
        page.desk = desk
        page.setParent(desk.window)
        desk.window.resize(1440, 900)
        page.resize(width, 846)
        desk.window.show()
        page.show()
        pages.append(page)
        if load:
            wait_until(lambda: page.loaded, timeout=15)
        return page

    yield make
    for page in pages:
        page.hide()
    QCoreApplication.processEvents()
    wait_until(lambda: not any(page.context.background.pending for page in pages), timeout=15)


@pytest.fixture
def talk(backend: Backend, actor: Actor, people: People) -> People:
    say(backend, actor, people)
    return people


def quiet(page: ConversationsPage, wait_until: Wait) -> None:
    wait_until(lambda: not page.context.background.pending, timeout=20)


def open_talk(page: Shown, conversation: object, wait_until: Wait) -> None:
    assert page.list.table.select_key(str(conversation))
    wait_until(lambda: page.opened is not None and page.opened.talk.key == str(conversation), timeout=15)
    quiet(page, wait_until)


def reply_to(page: Shown, words: str, wait_until: Wait) -> None:
    page.card.tabs.choose(REPLY)
    page.card.reply.field.setText(words)
    page.card.reply.go.click()
    quiet(page, wait_until)
    assert page.card.stack.currentWidget() is page.card.reply
    assert page.card.reply.reply is not None


def reads(backend: Backend, actor: Actor, action: str) -> int:
    return sum(row.action == action for row in backend.audit.latest(actor=actor, limit=300))


def test_the_list_tells_who_and_when_but_not_what(show: Show, talk: People, backend: Backend, actor: Actor) -> None:
    page = show()
    lines = page.list.table.rows
    assert {line.title for line in lines} == {"Nora Lindqvist", "Roommates", "Choir"}
    assert {line.key: line.messages for line in lines}[str(talk.direct.id)] == len(TALK)
    shown = [page.list.table.columns[0].text(line) for line in lines]
    assert not any("flight" in words or "0744" in words for words in shown)
    assert all("0821" not in words.replace("•••••0821", "") for words in shown), "phones are masked"
    assert reads(backend, actor, "conversation.read") == 0


def test_the_list_is_narrowed_by_kind_and_by_words(show: Show, talk: People, wait_until: Wait) -> None:
    page = show()
    page.list.kind.choose("group")
    page.list.asked.emit()
    quiet(page, wait_until)
    assert {line.title for line in page.list.table.rows} == {"Roommates", "Choir"}
    page.list.search.setText("room")
    page.list.search.returnPressed.emit()
    quiet(page, wait_until)
    assert [line.title for line in page.list.table.rows] == ["Roommates"]
    page.list.search.setText("nobody")
    page.list.search.returnPressed.emit()
    quiet(page, wait_until)
    assert page.list.empty.line.text() == "No conversation matches"


def test_opening_asks_why_once_and_stopping_leaves_it_closed(
    page_context: Callable[..., Desk], backend: Backend, actor: Actor, talk: People, wait_until: Wait
) -> None:
    desk = page_context(backend, actor=actor)
    asking = Asking(desk.window, desk.context.background, desk.context.acting, prove=lambda who, _password: who)
    page = ConversationsPage(desk.context)
    page.setParent(desk.window)
    desk.window.resize(1440, 900)
    desk.window.show()
    page.show()
    wait_until(lambda: page.loaded, timeout=15)
    page.open_target(conversation_id=talk.direct.id)
    wait_until(lambda: isinstance(asking.dialog, ReasonDialog), timeout=15)
    dialog = asking.dialog
    assert isinstance(dialog, ReasonDialog)
    dialog.reject()
    wait_until(lambda: page.stack.currentIndex() == 0, timeout=15)
    assert reads(backend, actor, "conversation.read") == 0
    page.open_target(conversation_id=talk.direct.id)
    wait_until(lambda: isinstance(asking.dialog, ReasonDialog), timeout=15)
    dialog = asking.dialog
    assert isinstance(dialog, ReasonDialog)
    dialog.field.setText("OPS-331")
    dialog.go.click()
    wait_until(lambda: page.opened is not None, timeout=15)
    assert page.card.badge.words == "Opened for OPS-331, 4 reads audited"
    page.card.tabs.choose(REPLY)
    page.card.reply.field.setText("How was the flight?")
    page.card.reply.go.click()
    wait_until(lambda: page.card.reply.reply is not None, timeout=20)
    assert asking.dialog is None, "the same reason counts"
    asking.close()
    page.hide()


def test_messages_stand_in_order_and_are_only_characters(show: Show, talk: People, wait_until: Wait) -> None:
    page = show()
    open_talk(page, talk.direct.id, wait_until)
    lines = page.card.view.lines
    assert [line.text for line in lines] == [text for _, text in TALK]
    assert [line.mine for line in lines] == [direction == "out" for direction, _ in TALK]
    assert {line.sender for line in lines} == {"Nora Lindqvist", "Sage"}
    assert page.card.tabs.tabText(1) == "What would Sage see?"
    page.card.leave.click()
    assert page.card.view.lines == []
    assert page.stack.currentIndex() == 0


def test_a_long_talk_is_read_a_page_at_a_time(show: Show, people: People, backend: Backend, actor: Actor, wait_until: Wait) -> None:
    who = with_reason(actor)
    path = _lines(backend.settings.home / "many.jsonl", 150)
    backend.conversations.import_messages(path, actor=who)
    page = show()
    open_talk(page, people.direct.id, wait_until)
    assert len(page.card.view.lines) < 150
    while page.opened is not None and page.opened.before is not None:
        page.card.view.older_wanted.emit()
        quiet(page, wait_until)
    texts = [line.text for line in page.card.view.lines]
    assert texts == [f"message {number}" for number in range(150)]


def test_a_photo_stands_where_it_arrived_with_what_is_known_of_it(
    show: Show, talk: People, backend: Backend, actor: Actor, wait_until: Wait, tmp_path: Path
) -> None:
    backend.photos.attach(
        talk.direct.container, picture(tmp_path / "a.png"), attachment_guid="g1", caption="our flag", actor=with_reason(actor)
    )
    page = show()
    open_talk(page, talk.direct.id, wait_until)
    sent = page.card.view.lines[-1]
    assert isinstance(sent, MessageLine)
    assert sent.text == "our flag"
    assert sent.photo is not None
    assert (sent.photo.status, sent.photo.words) == ("pending", "Still looking")
    page.card.tabs.choose(ABOUT)
    assert page.opened is not None
    assert [photo.status for photo in page.opened.about.photos] == ["pending"]


def test_the_reply_is_given_memories_with_reasons_from_this_conversation_only(show: Show, talk: People, wait_until: Wait) -> None:
    page = show()
    open_talk(page, talk.roommates.id, wait_until)
    reply_to(page, "When is the trip to Lisbon?", wait_until)
    reply = page.card.reply.reply
    assert reply is not None
    texts = {one.text for one in reply.memories}
    assert "Booked the Lisbon flat for the trip, 12 to 16 March" in texts
    assert not any("nervous" in text or "tell Sam" in text for text in texts), "said in private"
    assert all(one.why for one in reply.memories)
    assert reply.closeness is None, "a group has no relationship"
    assert page.card.reply.took.text().startswith("one transaction")


def test_a_boundary_says_what_it_keeps_from_the_reply(show: Show, talk: People, backend: Backend, actor: Actor, wait_until: Wait) -> None:
    backend.forgetting.add_boundary(talk.direct.container, "never", "Lisbon", actor=with_reason(actor))
    page = show()
    open_talk(page, talk.direct.id, wait_until)
    reply_to(page, "Tell me about Lisbon", wait_until)
    reply = page.card.reply.reply
    assert reply is not None
    assert not any("Lisbon" in one.text for one in reply.memories)
    (rule,) = reply.rules
    assert rule.bites
    assert rule.topic == "Lisbon"
    assert "from this reply" in rule.effect
    assert reply.closeness is not None


@pytest.mark.trace("B67")
def test_a_photo_that_is_not_ready_is_called_still_looking_and_then_shown(
    show: Show, talk: People, backend: Backend, actor: Actor, run_jobs: Callable[[], None], wait_until: Wait, tmp_path: Path
) -> None:
    backend.photos.attach(talk.direct.container, picture(tmp_path / "a.png"), attachment_guid="g1", actor=with_reason(actor))
    page = show()
    open_talk(page, talk.direct.id, wait_until)
    page.card.tabs.choose(REPLY)
    page.card.reply.field.setText("What do you think?")
    page.card.reply.go.click()
    wait_until(lambda: not page.card.reply.wait_row.isHidden(), timeout=15)
    wait_until(lambda: page.card.reply.reply is not None, timeout=20)
    reply = page.card.reply.reply
    assert reply is not None
    assert reply.photo is not None
    assert reply.photo.summary.startswith("Still looking at the photo sent")
    assert reply.looking is not None
    run_jobs()
    wait_until(lambda: page.card.reply.reply is not None and page.card.reply.reply.looking is None, timeout=20)
    quiet(page, wait_until)
    after = page.card.reply.reply
    assert after is not None
    assert after.photo is not None
    assert after.photo.status == "ready"
    assert after.photo.summary
    assert "Still looking" not in after.photo.summary


def test_a_reminder_is_cancelled_from_the_tab(show: Show, talk: People, backend: Backend, actor: Actor, wait_until: Wait) -> None:
    page = show()
    open_talk(page, talk.direct.id, wait_until)
    page.card.tabs.choose(ABOUT)
    assert page.opened is not None
    (line,) = page.opened.about.reminders
    assert line.state[0] == "Planned"
    page.card.about.cancel_wanted.emit(line)
    wait_until(lambda: page.opened is not None and page.opened.about.reminders[0].state[0] == "Cancelled", timeout=15)
    (reminder,) = backend.conversations.reminders(talk.direct.id, actor=with_reason(actor))
    assert reminder.cancelled_at is not None


def test_messages_are_imported_and_what_was_left_out_is_named_without_its_content(
    show: Show, backend: Backend, wait_until: Wait, tmp_path: Path
) -> None:
    page = show()
    assert page.start.line.text() == "No conversation yet"
    path = _lines(tmp_path / "new.jsonl", 3)
    with path.open("a", encoding="utf-8") as file:
        file.write('{"type": "message", "text": "very secret"}\n')
    page.importing.import_file(path)
    wait_until(lambda: isinstance(page.importing.dialog, Dialog), timeout=20)
    quiet(page, wait_until)
    dialog = page.importing.dialog
    assert isinstance(dialog, Dialog)
    told = " ".join(label.text() for label in dialog.findChildren(type(dialog.heading)))
    assert "1 lines were left out" in told
    assert "secret" not in told
    dialog.close()
    assert [line.messages for line in page.list.table.rows] == [3]


def test_the_way_leads_to_the_memory_of_the_same_two(show: Show, talk: People, wait_until: Wait) -> None:
    page = show()
    open_talk(page, talk.direct.id, wait_until)
    page.card.memory.click()
    assert page.desk.navigated == [("memory", {"contact_id": talk.nora, "name": "Nora Lindqvist", "persona": "Sage"})]


def test_an_auditor_does_not_see_conversations(show: Show, talk: People, actor: Actor, wait_until: Wait) -> None:
    page = show(who=replace(with_reason(actor), role=AUDITOR), load=False)
    wait_until(lambda: page._stack.currentWidget() is page.error, timeout=15)
    assert "may not" in page.error.sentence.text()


def test_offline_keeps_the_thread_and_a_failed_opening_can_be_retried(show: Show, talk: People, backend: Backend, wait_until: Wait) -> None:
    over = Switchable(backend)
    page = show(over=over)
    open_talk(page, talk.direct.id, wait_until)
    over.away = True
    page.refresh()
    quiet(page, wait_until)
    assert len(page.card.view.lines) == len(TALK)
    page.list.table.select_key(str(talk.roommates.id))
    wait_until(lambda: page.card.stack.currentWidget() is page.card.failure, timeout=15)
    assert page.card.failure.sentence.text() == "The database does not answer."
    over.away = False
    page.card.failure.retry.click()
    wait_until(lambda: page.opened is not None and page.opened.talk.key == str(talk.roommates.id), timeout=15)


def test_the_cards_go_below_the_memories_where_there_is_little_room(show: Show, talk: People, wait_until: Wait) -> None:
    page = show(width=940)
    open_talk(page, talk.direct.id, wait_until)
    reply_to(page, "Lisbon?", wait_until)
    tab = page.card.reply
    assert tab.lanes.direction() == tab.lanes.Direction.TopToBottom
    page.resize(1228, 846)
    QCoreApplication.processEvents()
    assert tab.lanes.direction() == tab.lanes.Direction.LeftToRight
    page.card.tabs.choose(MESSAGES)
    assert page.card.minimumSizeHint().width() < 640


def test_building_the_page_flashes_no_window(show: Show, flashes: list[str]) -> None:
    show()
    assert [name for name in flashes if name not in {"QWidget", "Shown"}] == []


def _lines(path: Path, count: int) -> Path:
    lines: list[dict[str, object]] = [
        {"type": "persona", "id": "sage", "name": "Sage"},
        {"type": "contact", "phone": "+442079460821", "name": "Nora Lindqvist"},
    ]
    lines += [
        {
            "type": "message", "phone": "+442079460821", "persona": "sage", "text": f"message {number}",
            "at": f"2026-10-01T{number // 60:02}:{number % 60:02}:00Z", "id": f"i{number}",
        }
        for number in range(count)
    ]  # fmt: skip
    path.write_text("\n".join(json.dumps(line) for line in lines) + "\n", encoding="utf-8")
    return path
