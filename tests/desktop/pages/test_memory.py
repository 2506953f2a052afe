"""The Memory page over a real backend: opening for a reason, who is given what, search with why, details, states."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QImage
from pytestqt.qtbot import QtBot

from backend_core.backend import Backend
from backend_core.memory.records import NewMemory
from backend_core.policy import AUDITOR, SUPPORT, Actor
from desktop.asking import Asking
from desktop.pages.memory.dialogs import EditDialog
from desktop.pages.memory.lines import DayLine, MemoryLine, Part, merged, together
from desktop.pages.memory.page import MemoryPage
from desktop.widgets.asking import ReasonDialog
from desktop.widgets.avatar import initials
from desktop.widgets.dialogs import Dialog
from tests.desktop.conftest import Desk
from tests.desktop.pages.audit_scene import Switchable
from tests.desktop.pages.memory_scene import FAILED, OPEN, START, Show, Wait, open_nora, place_of, quiet, search
from tests.desktop.pages.people_scene import MEMORIES, REASON, People, with_reason


def audited(backend: Backend, actor: Actor, action: str) -> int:
    return sum(row.action == action for row in backend.audit.latest(actor=actor, limit=200))


def test_nothing_is_read_before_somebody_is_chosen_and_a_reason_given(
    page_context: Callable[..., Desk], backend: Backend, actor: Actor, people: People, wait_until: Wait
) -> None:
    desk = page_context(backend, actor=actor)
    asking = Asking(desk.window, desk.context.background, desk.context.acting, prove=lambda who, _password: who)
    page = MemoryPage(desk.context)
    page.setParent(desk.window)
    desk.window.resize(1440, 900)
    desk.window.show()
    page.show()
    wait_until(lambda: page.loaded, timeout=15)
    assert page.stack.currentIndex() == START
    page.open_target(contact_id=people.nora, name="Nora")
    wait_until(lambda: isinstance(asking.dialog, ReasonDialog), timeout=15)
    assert audited(backend, actor, "memory.open") == 0
    dialog = asking.dialog
    assert isinstance(dialog, ReasonDialog)
    dialog.field.setText("OPS-331")
    dialog.go.click()
    wait_until(lambda: page.stack.currentIndex() == OPEN, timeout=15)
    assert page.head.badge.words == "Opened for OPS-331, 2 reads audited"
    assert audited(backend, actor, "memory.open") == 2, "one for each container"
    # later reads go on under the same reason, nobody is asked again
    search(page, "lisbon", wait_until)
    assert len(page.card.timeline.lines) > 0
    assert asking.dialog is None
    page.close_access()
    page.open_target(contact_id=people.nora, name="Nora")
    wait_until(lambda: isinstance(asking.dialog, ReasonDialog), timeout=15)
    assert asking.dialog is not None
    asking.dialog.reject()
    wait_until(lambda: page.stack.currentIndex() == START, timeout=15)
    assert page.card.timeline.lines == []
    asking.close()
    page.hide()


def test_both_containers_stand_in_one_timeline_by_day(show_memory: Show, people: People, wait_until: Wait) -> None:
    page = show_memory()
    open_nora(page, people, wait_until)
    assert len(page.card.timeline.lines) == len(MEMORIES)
    moments = [line.at for line in page.card.timeline.lines]
    assert moments == sorted(moments, reverse=True)
    days = [row for row in page.card.timeline.rows if isinstance(row, DayLine)]
    assert len({day.words for day in days}) == len(days) > 1
    assert page.opened is not None
    tags = {place.tag for place in page.opened.places}
    assert tags == {"user_+44•••••0821_persona_sage", "group_iMessage;+;chat7316"}, "the phone is masked"
    assert page.head.types.every.text().split() == ["All", "types", "10"]


def test_as_seen_by_the_group_hides_every_private_memory_and_says_why(show_memory: Show, people: People, wait_until: Wait) -> None:
    page = show_memory()
    open_nora(page, people, wait_until)
    seen, group = page.card.seen_by, place_of(page, "group")
    assert seen.strip.isHidden(), "support sees everything that is open"
    seen.look_as(group)
    hidden = {line.text for line in page.card.timeline.lines if line.hidden_from(group)}
    assert hidden == {text for _, _, text, _, _, whose in MEMORIES if whose == "nora"}
    assert seen.count.text() == "4 of 10"
    assert seen.words.text() == "6 greyed memories belong to the private container. A reply in Roommates is never given them."
    seen.why.click()
    assert isinstance(page.dialog, Dialog)
    assert "one container" in page.dialog.sentence.text() or "container of its own" in page.dialog.sentence.text()
    page.dialog.close()
    seen.look_as(place_of(page, "direct"))
    assert "4 greyed memories were said in a group." in seen.words.text()


def test_what_another_context_sees_is_what_its_own_scope_gave_not_a_guess() -> None:
    line = MemoryLine("m", "a", "direct", frozenset({"a"}), _at(), "", "text", "factual", "", 0.5)
    leaked = replace(line, place="b", seen_in=frozenset({"b"}))
    assert merged([[line], []])[0].hidden_from("b")
    assert not merged([[line], [leaked]])[0].hidden_from("b"), "a leak would be shown as one"


def test_a_page_of_one_place_never_hides_that_another_has_more() -> None:
    newer, older = _line("n", 2), _line("o", 1)
    assert together([Part("a", (newer,), before="more"), Part("b", (older,))]) == (newer,), "older ones of a may come before it"
    assert together([Part("a", (newer,)), Part("b", (older,))]) == (newer, older)


def test_the_hidden_rows_are_painted_grey(show_memory: Show, people: People, wait_until: Wait) -> None:
    page = show_memory()
    open_nora(page, people, wait_until)
    timeline = page.card.timeline
    rect = timeline.visualRect(timeline.model().index(_row_of(page, "direct"), 0))
    assert _blue(timeline.viewport().grab(rect).toImage()) > 0, "the mark of a container is coloured"
    page.card.seen_by.look_as(place_of(page, "group"))
    assert _blue(timeline.viewport().grab(rect).toImage()) == 0
    page.card.seen_by.look_as(place_of(page, "direct"))
    assert _blue(timeline.viewport().grab(rect).toImage()) > 0


def test_a_search_shows_the_words_that_matched_and_the_sum_of_the_score(show_memory: Show, people: People, wait_until: Wait) -> None:
    page = show_memory()
    open_nora(page, people, wait_until)
    search(page, "lisbon trips", wait_until)
    lines = page.card.timeline.lines
    booked = next(line for line in lines if line.text.startswith("Booked"))
    assert [booked.text[start : start + length] for start, length in booked.hits] == ["Lisbon", "trip"]
    assert {part.term for part in booked.why if part.word is not None} == {"lisbon", "trips"}
    for line in lines:
        assert any(part.word is not None for part in line.why), "what only stands beside a match is no match"
        assert sum(part.score for part in line.why) == pytest.approx(line.score, abs=0.3)
    ranks = {place: sorted(line.rank for line in lines if line.place == place) for place in {line.place for line in lines}}
    assert all(found[0] == 1 for found in ranks.values()), "each container ranks for itself"
    assert page.card.count.text().startswith(f"{len(lines)} of 10 memories match · ranked inside each container")
    search(page, "nobody ever said this", wait_until)
    assert page.card.timeline.lines == []
    assert page.card.empty.line.text() == "No memory matches “nobody ever said this”"
    search(page, "", wait_until)
    assert len(page.card.timeline.lines) == len(MEMORIES)


def test_a_chip_keeps_one_kind(show_memory: Show, people: People, wait_until: Wait) -> None:
    page = show_memory()
    open_nora(page, people, wait_until)
    chip = next(one for one in page.head.types.chips if one.text().strip().startswith("Emotional"))
    chip.click()
    quiet(page, wait_until)
    assert {line.type for line in page.card.timeline.lines} == {"emotional"}
    page.head.types.choose("future_event")
    quiet(page, wait_until)
    assert {line.type for line in page.card.timeline.lines} == {"future_event"}
    assert any(one.isChecked() and "Future event" in one.text() for one in page.head.types.chips)


def test_the_details_show_who_is_given_it_and_editing_keeps_the_earlier_words(
    show_memory: Show, people: People, backend: Backend, wait_until: Wait
) -> None:
    page = show_memory()
    open_nora(page, people, wait_until)
    line = next(line for line in page.card.timeline.lines if line.text.startswith("Prefers"))
    page.looking.open_line(line)
    quiet(page, wait_until)
    panel = page.drawer.details
    assert panel.details is not None
    assert panel.words.text() == line.text
    panel.edit.click()
    dialog = page.dialog
    assert isinstance(dialog, EditDialog)
    assert not dialog.go.isEnabled(), "nothing was changed yet"
    dialog.field.setPlainText("Prefers the aisle seat")
    dialog.go.click()
    wait_until(lambda: panel.details is not None and panel.details.text == "Prefers the aisle seat", timeout=15)
    quiet(page, wait_until)
    assert panel.details is not None
    assert [version.text for version in panel.details.versions] == [line.text]
    assert panel.details.line.version == 2
    assert any("edited once" in shown.origin for shown in page.card.timeline.lines)


def test_two_operators_who_edit_the_same_memory_are_told(
    show_memory: Show, people: People, backend: Backend, actor: Actor, wait_until: Wait
) -> None:
    page = show_memory()
    open_nora(page, people, wait_until)
    line = next(line for line in page.card.timeline.lines if line.text.startswith("Prefers"))
    page.looking.open_line(line)
    quiet(page, wait_until)
    with backend.memory.scope(people.direct.container, actor=with_reason(actor), action="memory.edit") as memory:
        memory.update(uuid.UUID(line.key), text="Somebody was first", version=1)
    page.drawer.details.edit.click()
    assert isinstance(page.dialog, EditDialog)
    page.dialog.field.setPlainText("Too late")
    page.dialog.go.click()
    wait_until(lambda: any("meanwhile" in words for words, _ in page.desk.notified), timeout=15)


def test_a_group_can_be_opened_by_itself(show_memory: Show, people: People, wait_until: Wait) -> None:
    page = show_memory()
    page.finder.open()
    quiet(page, wait_until)
    names = [page.finder.list.item(number).text() for number in range(page.finder.list.count())]
    assert names[:2] == ["Ines Duarte", "Nora Lindqvist"]
    assert set(names[2:]) == {"Roommates", "Choir"}
    page.finder.field.setText("room")
    page.finder.field.searched.emit("room")
    quiet(page, wait_until)
    assert page.finder.list.count() == 1
    page.finder.field.returnPressed.emit()
    wait_until(lambda: page.stack.currentIndex() == OPEN, timeout=15)
    assert page.opened is not None
    assert [place.kind for place in page.opened.places] == ["group"]
    assert len(page.card.timeline.lines) == 4
    assert page.head.persona.isHidden()


def test_an_empty_database_says_so(show_memory: Show) -> None:
    page = show_memory()
    assert page.start.line.text() == "Nobody has talked to a persona yet"


def test_a_conversation_without_memories_says_so(show_memory: Show, people: People, wait_until: Wait) -> None:
    page = show_memory()
    page.open_target(contact_id=people.nora, name="Nora", persona="Echo")
    wait_until(lambda: page.stack.currentIndex() == OPEN, timeout=15)
    assert page.card.timeline.lines == []
    assert page.card.empty.line.text() == "Nothing is remembered here yet"


def test_an_auditor_may_not_open_memories(show_memory: Show, people: People, actor: Actor, wait_until: Wait) -> None:
    page = show_memory(who=replace(with_reason(actor), role=AUDITOR), load=False)
    wait_until(lambda: page._stack.currentWidget() is page.error, timeout=15)
    page.open_target(contact_id=people.nora, name="Nora")
    wait_until(lambda: page.stack.currentIndex() == FAILED, timeout=15)
    assert "may not" in page.refused.sentence.text()
    assert page.card.timeline.lines == []


def test_offline_keeps_what_was_read_and_searching_says_why_not(
    show_memory: Show, people: People, backend: Backend, wait_until: Wait
) -> None:
    over = Switchable(backend)
    page = show_memory(over=over)
    open_nora(page, people, wait_until)
    over.away = True
    page.refresh()
    quiet(page, wait_until)
    assert page.loaded
    assert len(page.card.timeline.lines) == len(MEMORIES)
    search(page, "lisbon", wait_until)
    assert len(page.card.timeline.lines) == len(MEMORIES)
    assert page.desk.notified[-1] == ("The database does not answer.", "bad")
    over.away = False
    page.looking.look()
    quiet(page, wait_until)
    assert 0 < len(page.card.timeline.lines) < len(MEMORIES)


def test_what_somebody_else_adds_is_announced_and_read_only_when_wanted(
    show_memory: Show, people: People, backend: Backend, actor: Actor, wait_until: Wait
) -> None:
    page = show_memory()
    open_nora(page, people, wait_until)
    reads = page.reads
    with backend.memory.scope(people.direct.container, actor=with_reason(actor), action="memory.add") as memory:
        memory.add("A new thing", speaker="Nora Lindqvist")
    page.refresh()
    quiet(page, wait_until)
    assert not page.card.band.isHidden()
    assert page.reads == reads, "looking whether there is more reads nothing"
    page.card.band.pressed.emit()
    quiet(page, wait_until)
    assert any(line.text == "A new thing" for line in page.card.timeline.lines)
    assert page.card.band.isHidden()


def test_text_from_a_contact_is_only_characters(
    show_memory: Show, people: People, backend: Backend, actor: Actor, wait_until: Wait
) -> None:
    nasty = '<img src="file:///etc/passwd"> <b>bold</b> &amp; \u202eright to left'
    with backend.memory.scope(people.direct.container, actor=with_reason(actor), action="memory.add") as memory:
        memory.add(nasty, speaker="<i>Nora</i>")
    page = show_memory()
    open_nora(page, people, wait_until)
    line = next(line for line in page.card.timeline.lines if "img" in line.text)
    assert line.text == nasty
    page.looking.open_line(line)
    quiet(page, wait_until)
    assert page.drawer.details.words.text() == nasty


def test_building_the_page_flashes_no_window(show_memory: Show, flashes: list[str]) -> None:
    show_memory()
    assert [name for name in flashes if name not in {"QWidget", "MemoryPage"}] == []


def test_the_page_fits_beside_its_drawer(show_memory: Show, people: People, wait_until: Wait) -> None:
    page = show_memory()
    open_nora(page, people, wait_until)
    search(page, "lisbon trip", wait_until)
    page.forgetting.ask()
    quiet(page, wait_until)
    assert not page.host.overlays
    assert page.host.content.minimumSizeHint().width() <= 788


def test_the_mark_of_a_name_is_two_letters() -> None:
    assert [initials(name) for name in ("Nora Lindqvist", "Sage", "", "ana de la cruz")] == ["NL", "Sa", "?", "AC"]


def test_the_reason_of_these_tests_is_kept(show_memory: Show, people: People, backend: Backend, actor: Actor, wait_until: Wait) -> None:
    page = show_memory()
    open_nora(page, people, wait_until)
    rows = [row for row in backend.audit.latest(actor=actor, limit=50) if row.action == "memory.open"]
    assert {row.reason for row in rows} == {REASON}
    assert all("Nora" not in row.target and "0821" not in row.target for row in rows), "the log names a container by its public id"


def _at(day: int = 1) -> dt.datetime:
    return dt.datetime(2026, 11, day, tzinfo=dt.UTC)


def _line(key: str, day: int) -> MemoryLine:
    return MemoryLine(key, key, "direct", frozenset({key}), _at(day), "", key, "factual", "", 0.5)


def _row_of(page: MemoryPage, kind: str) -> int:
    rows = page.card.timeline.rows
    return next(number for number, row in enumerate(rows) if isinstance(row, MemoryLine) and row.kind == kind)


def _blue(image: QImage) -> int:
    """Return how many pixels at the left, where the mark of the container is, have the accent's colour."""
    found = [QColor(image.pixel(x, y)) for x in range(60) for y in range(image.height())]
    return sum(one.blue() - one.red() > 60 for one in found)


def test_a_long_memory_is_read_a_page_at_a_time_and_closing_stops_what_is_being_read(
    show_memory: Show, people: People, backend: Backend, actor: Actor, wait_until: Wait
) -> None:
    begun = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    many = [NewMemory(text=f"thing {n}", speaker="Nora", said_at=begun + dt.timedelta(hours=n)) for n in range(150)]
    with backend.memory.scope(people.direct.container, actor=with_reason(actor), action="memory.add") as memory:
        memory.add_many(many)
    page = show_memory()
    open_nora(page, people, wait_until)
    timeline = page.card.timeline
    first = len(timeline.lines)
    assert first < 150
    assert page.card.count.text().startswith(f"newest {first} of 160 memories")
    while page.card.view.more:
        timeline.verticalScrollBar().setValue(timeline.verticalScrollBar().maximum())
        timeline.near_end.emit()
        quiet(page, wait_until)
    moments = [line.at for line in timeline.lines]
    assert len(moments) == 160
    assert moments == sorted(moments, reverse=True)
    page.head.search.setText("thing")
    page.looking.look()
    page.close_access()
    quiet(page, wait_until)
    assert timeline.lines == []
    assert page.opened is None


def test_the_keyboard_steps_past_the_days_opens_and_closes(show_memory: Show, people: People, qtbot: QtBot, wait_until: Wait) -> None:
    page = show_memory()
    open_nora(page, people, wait_until)
    timeline = page.card.timeline
    timeline.setFocus()
    for _ in range(3):
        qtbot.keyClick(timeline, Qt.Key.Key_J)
    assert timeline.current() == timeline.lines[2], "a day lies between"
    qtbot.keyClick(timeline, Qt.Key.Key_K)
    assert timeline.current() == timeline.lines[1]
    qtbot.keyClick(timeline, Qt.Key.Key_Return)
    assert page.drawer.isVisible()
    quiet(page, wait_until)
    qtbot.keyClick(timeline, Qt.Key.Key_Escape)
    assert page.drawer.isHidden()


def test_support_may_open_memories(show_memory: Show, people: People, actor: Actor, wait_until: Wait) -> None:
    page = show_memory(who=replace(with_reason(actor), role=SUPPORT))
    open_nora(page, people, wait_until)
    assert len(page.card.timeline.lines) == len(MEMORIES)
