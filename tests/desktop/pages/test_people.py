"""The People page over a real backend: who is found, what a person's page shows and hides, and how a person is erased."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from PySide6.QtCore import QPointF

from backend_core.backend import Backend
from backend_core.conversations.records import ContactRow, IncomingMessage
from backend_core.policy import AUDITOR, SUPPORT, Actor
from desktop.pages.people.dialogs import AddDialog, EditDialog, EraseDialog
from desktop.pages.people.page import PeoplePage
from desktop.widgets.dialogs import Dialog
from tests.desktop.conftest import Desk

Wait = Callable[..., None]


@pytest.fixture
def boss(actor: Actor) -> Actor:
    """The administrator, with a reason and freshly proven."""
    return replace(actor, reason="Ticket 4711", proven_until=datetime.now(UTC) + timedelta(hours=1))


@pytest.fixture
def ana(backend: Backend, boss: Actor) -> ContactRow:
    return backend.people.add_contact("Ana Silva", phone="+351 912 345 678", email="ana@example.org", language="pt-PT", actor=boss)


@pytest.fixture
def desk(page_context: Callable[..., Desk], backend: Backend, boss: Actor) -> Desk:
    return page_context(backend, actor=boss)


def shown(desk: Desk, wait_until: Wait) -> PeoplePage:
    page = PeoplePage(desk.context)
    page.setParent(desk.window)
    desk.window.resize(1228, 846)
    page.resize(1228, 846)
    page.show()
    desk.window.show()
    wait_until(lambda: page.loaded, timeout=15)
    return page


def opened(desk: Desk, who: ContactRow, wait_until: Wait) -> PeoplePage:
    page = shown(desk, wait_until)
    page.open_target(contact_id=who.id)
    wait_until(lambda: page.stack.currentIndex() == 1, timeout=15)
    return page


def said(page: PeoplePage) -> str:
    facts = page.person.overview.reach
    return " ".join(line.text() for line in facts._lines if hasattr(line, "text"))


def test_nobody_yet_offers_to_add_somebody_who_then_has_a_page(desk: Desk, wait_until: Wait) -> None:
    page = shown(desk, wait_until)
    assert page.empty.isVisible()
    assert not page.add.isVisible(), "the empty list has the same button"
    page.ask_new()
    form = page.dialog
    assert isinstance(form, AddDialog)
    assert not form.go.isEnabled()
    form.name.setText("Ben Cole")
    form.phone.setText("+44 20 7946 0000")
    form.go.click()
    wait_until(lambda: page.stack.currentIndex() == 1, timeout=15)
    assert page.person.name.text() == "Ben Cole"
    assert page.place == "Ben Cole"


@pytest.mark.parametrize("words", ["ana", "+351912345678", "5678", "ana@ex"])
def test_a_person_is_found_by_name_number_its_end_and_address(
    desk: Desk, backend: Backend, boss: Actor, ana: ContactRow, wait_until: Wait, words: str
) -> None:
    backend.people.add_contact("Ben Cole", phone="+44 20 7946 0000", actor=boss)
    page = shown(desk, wait_until)
    wait_until(lambda: len(page.table.rows) == 2, timeout=15)
    page.search.setText(words)
    wait_until(lambda: [one.id for one in page.table.rows] == [ana.id], timeout=15)
    page.table.cell_clicked.emit(page.table.rows[0], "name", QPointF(1, 1))
    wait_until(lambda: page.person.name.text() == "Ana Silva", timeout=15)


def test_number_and_address_are_masked_until_they_are_shown_on_purpose(
    desk: Desk, backend: Backend, boss: Actor, ana: ContactRow, wait_until: Wait
) -> None:
    page = opened(desk, ana, wait_until)
    assert "912345678" not in said(page)
    assert "ana@example.org" not in said(page)
    page.reveal()
    wait_until(lambda: "+351912345678" in said(page), timeout=15)
    assert "ana@example.org" in said(page)
    found = backend.trail.tail(limit=50, actor=boss)
    assert ("contact.reveal", "Ticket 4711") in {(event.action, event.reason) for event in found}
    page.hide()
    assert "912345678" not in said(page), "whoever comes back sees it masked"


def test_leaving_the_list_for_another_person_masks_again(
    desk: Desk, backend: Backend, boss: Actor, ana: ContactRow, wait_until: Wait
) -> None:
    ben = backend.people.add_contact("Ben Cole", phone="+44 20 7946 0000", actor=boss)
    page = opened(desk, ana, wait_until)
    page.reveal()
    wait_until(lambda: "+351912345678" in said(page), timeout=15)
    page.open_person(ben.id)
    wait_until(lambda: page.person.name.text() == "Ben Cole", timeout=15)
    assert "351912345678" not in said(page)
    assert "20794" not in said(page)


def test_a_change_keeps_what_was_not_typed(desk: Desk, backend: Backend, boss: Actor, ana: ContactRow, wait_until: Wait) -> None:
    page = opened(desk, ana, wait_until)
    page.person.edit.click()
    form = page.dialog
    assert isinstance(form, EditDialog)
    assert not form.go.isEnabled()
    form.name.setText("Ana Sousa")
    assert form.changes() == {"name": "Ana Sousa"}
    form.go.click()
    wait_until(lambda: page.person.name.text() == "Ana Sousa", timeout=15)
    assert backend.people.reveal(ana.id, actor=boss).phone == "+351912345678"


def test_conversations_and_memories_are_counted_and_never_told(
    desk: Desk, backend: Backend, boss: Actor, ana: ContactRow, wait_until: Wait
) -> None:
    backend.people.save_persona("sage", name="Sage", passport={}, version=0, actor=boss)
    secret = "I collect blue marbles from Lisbon."
    received = backend.conversations.receive(IncomingMessage(text=secret, sender="+351912345678", persona="sage"), actor=boss)
    page = opened(desk, ana, wait_until)
    wait_until(lambda: len(page.person.conversations.rows) == 1, timeout=15)
    found = page.person.conversations.rows[0]
    assert found.messages == 1
    assert "marbles" not in repr(page.read)
    page.person.conversations.opened.emit(found)
    assert desk.navigated == [("conversations", {"conversation_id": received.conversation_id})]
    page.person.memories.opened.emit(found)
    assert desk.navigated[-1] == ("memory", {"contact_id": ana.id, "name": "Ana Silva", "persona": "Sage"})


def test_an_erasure_is_typed_waits_and_can_be_taken_back(
    desk: Desk, backend: Backend, boss: Actor, ana: ContactRow, wait_until: Wait
) -> None:
    page = opened(desk, ana, wait_until)
    page.person.erase.click()
    form = page.dialog
    assert isinstance(form, EraseDialog)
    form.field.setText("Ana")
    assert not form.go.isEnabled()
    form.field.setText("Ana Silva")
    form.go.click()
    wait_until(page.person.banner.isVisible, timeout=15)
    assert page.person.state.text() == "Erasure asked"
    assert not page.person.erase.isVisible()
    page.close_person()
    page.tabs.choose("erasures")
    wait_until(lambda: len(page.erasures.erasures.rows) == 1, timeout=15)
    assert not page.erasures.keep.isEnabled()
    page.erasures.erasures.selectRow(0)
    page.erasures.keep.click()
    wait_until(lambda: page.erasures.erasures.rows[0].state == "cancelled", timeout=15)
    page.open_person(ana.id)
    wait_until(lambda: page.stack.currentIndex() == 1 and not page.person.banner.isVisible(), timeout=15)
    assert page.person.erase.isVisible()


def test_who_looked_is_told_apart_from_what_else_was_done(
    desk: Desk, backend: Backend, boss: Actor, ana: ContactRow, wait_until: Wait
) -> None:
    backend.people.reveal(ana.id, actor=boss)
    page = opened(desk, ana, wait_until)
    page.person.tabs.choose("readers")
    wait_until(lambda: [one.action for one in page.person.readers.rows] == ["contact.reveal"], timeout=15)
    page.person.which.choose("all")
    page.person.which.chosen.emit("all")
    assert {one.action for one in page.person.readers.rows} == {"contact.reveal", "contact.add"}
    page.person.readers.opened.emit(page.person.readers.rows[0])
    assert desk.navigated == [("audit", {"event_id": page.person.readers.rows[0].event_id})]


def test_everything_about_a_person_goes_into_one_file(desk: Desk, ana: ContactRow, tmp_path: Path, wait_until: Wait) -> None:
    page = opened(desk, ana, wait_until)
    page.erasing.export(ana.id, tmp_path / "ana.zip")
    wait_until(lambda: desk.notified, timeout=30)
    assert desk.notified[0][1] == "ok"
    assert zipfile.is_zipfile(tmp_path / "ana.zip")


def test_a_receipt_that_was_changed_proves_nothing(desk: Desk, tmp_path: Path, wait_until: Wait) -> None:
    page = shown(desk, wait_until)
    (tmp_path / "receipt.json").write_text("{}", encoding="utf-8")
    page.erasing.check(tmp_path / "receipt.json")
    wait_until(lambda: page.erasing.dialog is not None, timeout=15)
    dialog = page.erasing.dialog
    assert isinstance(dialog, Dialog)
    assert "does not prove" in dialog.heading.text()
    dialog.close()


def test_support_neither_erases_nor_sees_who_read(
    page_context: Callable[..., Desk], backend: Backend, boss: Actor, ana: ContactRow, wait_until: Wait
) -> None:
    page = opened(page_context(backend, actor=replace(boss, role=SUPPORT)), ana, wait_until)
    assert not page.person.erase.isVisible()
    assert not page.person.export.isVisible()
    page.person.tabs.choose("readers")
    assert page.person.hidden_readers.isVisible()


def test_an_auditor_is_refused_in_words(page_context: Callable[..., Desk], backend: Backend, boss: Actor, wait_until: Wait) -> None:
    desk = page_context(backend, actor=replace(boss, role=AUDITOR))
    page = PeoplePage(desk.context)
    page.setParent(desk.window)
    page.show()
    desk.window.show()
    wait_until(page.error.isVisible, timeout=15)
    assert "auditor" in page.error.sentence.text()


def test_nothing_flashes_and_the_page_fits_the_smallest_window(desk: Desk, ana: ContactRow, flashes: list[str], wait_until: Wait) -> None:
    page = opened(desk, ana, wait_until)
    assert flashes == ["QWidget"], "only the window of the test itself"
    assert page.content.minimumSizeHint().width() <= 788
