"""Forgetting, boundaries, receipts and files on the Memory page, over a real backend."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from backend_core.backend import Backend
from backend_core.policy import Actor
from desktop.pages.memory.drawer import BOUNDARIES, FORGET, RECEIPTS
from desktop.pages.memory.forget_panel import ForgetPanel
from desktop.pages.memory.lines import Place
from desktop.widgets.dialogs import Confirm, ConfirmByTyping, Dialog
from tests.desktop.pages.memory_scene import Show, Shown, Wait, open_nora, place_of, quiet, search
from tests.desktop.pages.people_scene import MEMORIES, People, with_reason


def panel_of(page: Shown) -> ForgetPanel:
    assert page.drawer.mode == FORGET
    return page.drawer.forget


def ask(page: Shown, words: str, wait_until: Wait) -> ForgetPanel:
    """Type what is to be forgotten and wait for the preview."""
    page.forgetting.ask()
    panel = panel_of(page)
    panel.words.setText(words)
    panel.words.returnPressed.emit()
    quiet(page, wait_until)
    return panel


def texts(page: Shown) -> set[str]:
    return {line.text for line in page.card.timeline.lines}


def direct(page: Shown) -> Place:
    place = page.place_of(place_of(page, "direct"))
    assert place is not None
    return place


def test_the_preview_names_what_goes_by_store_and_what_stays_elsewhere(show_memory: Show, people: People, wait_until: Wait) -> None:
    page = show_memory()
    open_nora(page, people, wait_until)
    panel = ask(page, "forget what I said about Lisbon", wait_until)
    preview = panel.preview
    assert preview is not None
    found = {item.store: item.count for item in preview.items}
    assert found["memories"] == 2
    assert found["postings"] > 0
    assert preview.total == 2, "postings go with what they belong to"
    assert panel.go.text().strip() == "Forget 2 items"
    assert [stay.title for stay in preview.stays] == ["Roommates: 2 memories stay"]
    assert len(texts(page)) == len(MEMORIES), "nothing has happened yet"


def test_forgetting_in_private_leaves_the_group_and_can_be_undone(show_memory: Show, people: People, wait_until: Wait) -> None:
    page = show_memory()
    open_nora(page, people, wait_until)
    panel = ask(page, "forget what I said about Lisbon", wait_until)
    panel.go.click()
    wait_until(lambda: page.desk.notified != [], timeout=15)
    quiet(page, wait_until)
    assert page.desk.notified[0] == ("2 items forgotten.", "ok")
    assert page.drawer.isHidden()
    left = texts(page)
    assert not any("Lisbon" in text for text in left if text in {said[2] for said in MEMORIES if said[5] == "nora"})
    assert "Booked the Lisbon flat for the trip, 12 to 16 March" in left, "said in the group, so not forgotten here"
    undo = page.undos[-1]
    undo()
    wait_until(lambda: len(texts(page)) == len(MEMORIES), timeout=15)


def test_a_forgotten_memory_is_shown_with_its_last_day_and_restored_from_its_details(
    show_memory: Show, people: People, wait_until: Wait
) -> None:
    page = show_memory()
    open_nora(page, people, wait_until)
    ask(page, "forget what I said about flying", wait_until).go.click()
    wait_until(lambda: page.desk.notified != [], timeout=15)
    quiet(page, wait_until)
    page.head.types.choose("forgotten")
    quiet(page, wait_until)
    (line,) = page.card.timeline.lines
    assert line.forgotten.startswith("Forgotten, purged ")
    page.looking.open_line(line)
    quiet(page, wait_until)
    assert page.drawer.details.edit.isHidden()
    page.drawer.details.restore.click()
    wait_until(lambda: isinstance(page.dialog, Confirm), timeout=15)
    dialog = page.dialog
    assert isinstance(dialog, Confirm)
    dialog.go.click()
    wait_until(lambda: ("Restored.", "ok") in page.desk.notified, timeout=15)
    page.head.types.choose("")
    quiet(page, wait_until)
    assert len(texts(page)) == len(MEMORIES)


def test_erasing_at_once_asks_for_the_name_and_leaves_a_receipt_that_verifies(
    show_memory: Show, people: People, wait_until: Wait, tmp_path: Path, backend: Backend, actor: Actor
) -> None:
    page = show_memory()
    open_nora(page, people, wait_until)
    panel = ask(page, "forget what I said about flying", wait_until)
    panel.when.choose("now")
    panel.when.chosen.emit("now")
    assert panel.go.text().strip() == "Erase 1 item…"
    panel.go.click()
    dialog = page.dialog
    assert isinstance(dialog, ConfirmByTyping)
    assert not dialog.go.isEnabled()
    dialog.field.setText("Nora Lindqvist")
    dialog.go.click()
    wait_until(lambda: page.drawer.mode == RECEIPTS and page.drawer.receipts.receipts != (), timeout=20)
    quiet(page, wait_until)
    (receipt,) = page.drawer.receipts.receipts
    assert receipt.verifies
    assert "flying" not in receipt.document
    assert "Nora" not in receipt.document
    assert not any("flying" in text for text in texts(page))
    page.forgetting.save_to(receipt, tmp_path / "receipt.json")
    wait_until((tmp_path / "receipt.json").exists, timeout=15)
    changed = (tmp_path / "receipt.json").read_text(encoding="utf-8").replace('"hard":true', '"hard":false')
    (tmp_path / "changed.json").write_text(changed, encoding="utf-8")
    for name, title in (("receipt.json", "The receipt verifies"), ("changed.json", "The receipt does not verify")):
        quiet(page, wait_until)
        page.dialog = None
        page.forgetting.check(tmp_path / name)
        wait_until(lambda: page.dialog is not None, timeout=15)
        assert isinstance(page.dialog, Dialog)
        assert page.dialog.heading.text() == title
        page.dialog.close()


def test_words_that_are_not_clear_ask_and_change_nothing(show_memory: Show, people: People, wait_until: Wait) -> None:
    page = show_memory()
    open_nora(page, people, wait_until)
    panel = ask(page, "Forget everything", wait_until)
    assert panel.preview is not None
    assert panel.preview.question.endswith(".") or panel.preview.question.endswith("?")
    assert panel.answer.isHidden()
    assert not panel.go.isEnabled()
    panel = ask(page, "the weather is nice", wait_until)
    assert "no request to forget" in panel.note_words.text()
    panel = ask(page, "never mention the wedding again", wait_until)
    assert "Set a boundary instead" in panel.note_words.text()
    assert not panel.go.isEnabled()
    assert len(texts(page)) == len(MEMORIES)


def test_german_words_are_understood_too(show_memory: Show, people: People, wait_until: Wait) -> None:
    page = show_memory()
    open_nora(page, people, wait_until)
    panel = ask(page, "Vergiss bitte, was ich über Lisbon gesagt habe", wait_until)
    assert panel.preview is not None
    assert panel.preview.total == 2


def test_one_memory_is_forgotten_from_its_details(show_memory: Show, people: People, wait_until: Wait) -> None:
    page = show_memory()
    open_nora(page, people, wait_until)
    line = next(line for line in page.card.timeline.lines if line.text.startswith("Prefers"))
    page.looking.open_line(line)
    quiet(page, wait_until)
    page.drawer.details.forget.click()
    quiet(page, wait_until)
    panel = panel_of(page)
    assert panel.form.isHidden()
    assert panel.subject.words.text() == f"“{line.text}”"
    assert panel.go.text().strip() == "Forget 1 item"
    panel.go.click()
    wait_until(lambda: line.text not in texts(page), timeout=15)


def test_the_switch_sets_a_boundary_in_this_conversation_only(
    show_memory: Show, people: People, backend: Backend, actor: Actor, wait_until: Wait
) -> None:
    page = show_memory()
    open_nora(page, people, wait_until)
    panel = ask(page, "forget what I said about flying", wait_until)
    assert not panel.quiet_box.isHidden()
    panel.quiet.setChecked(True)
    panel.go.click()
    wait_until(lambda: page.desk.notified != [], timeout=15)
    quiet(page, wait_until)
    who = with_reason(actor)
    kinds = {one.kind for one in backend.forgetting.boundaries(people.direct.container, actor=who) if one.topic == "flying"}
    assert "never" in kinds
    assert backend.forgetting.boundaries(people.roommates.container, actor=who) == ()


def test_a_search_is_what_forgetting_begins_with(show_memory: Show, people: People, wait_until: Wait) -> None:
    page = show_memory()
    open_nora(page, people, wait_until)
    search(page, "flying", wait_until)
    page.forgetting.ask()
    quiet(page, wait_until)
    panel = panel_of(page)
    assert panel.words.text() == "forget what I said about flying"
    assert panel.preview is not None
    assert panel.preview.total == 1


def test_boundaries_are_set_listed_lifted_and_set_again(show_memory: Show, people: People, wait_until: Wait) -> None:
    page = show_memory()
    open_nora(page, people, wait_until)
    page.bounds.open()
    quiet(page, wait_until)
    panel = page.drawer.boundaries
    assert page.drawer.mode == BOUNDARIES
    assert panel.lines == ()
    panel.place.choose(place_of(page, "group"))
    panel.kind.choose("never")
    panel.topic.setText("the surprise party")
    panel.add.click()
    wait_until(lambda: len(panel.lines) == 1, timeout=15)
    line = panel.lines[0]
    assert (line.kind, line.topic, line.place.kind) == ("never", "the surprise party", "group")
    page.bounds.lift(line)
    wait_until(lambda: panel.lines == (), timeout=15)
    page.undos[-1]()
    wait_until(lambda: len(panel.lines) == 1, timeout=15)
    quiet(page, wait_until)


def test_a_container_is_exported_and_cannot_be_imported_into_another(
    show_memory: Show, people: People, backend: Backend, actor: Actor, wait_until: Wait, tmp_path: Path
) -> None:
    page = show_memory(proven=True)
    open_nora(page, people, wait_until)
    place, path = direct(page), tmp_path / "memory.zip"
    page.files.export_to(place, path)
    wait_until(path.exists, timeout=15)
    wait_until(lambda: ("6 memories exported to memory.zip.", "ok") in page.desk.notified, timeout=15)
    assert zipfile.is_zipfile(path)
    group = page.place_of(place_of(page, "group"))
    assert group is not None
    page.files.import_from(group, path)
    wait_until(lambda: any(tone == "bad" for _, tone in page.desk.notified), timeout=15)
    quiet(page, wait_until)
    with backend.memory.scope(people.roommates.container, actor=with_reason(actor)) as memory:
        assert memory.count() == 4
    page.files.import_from(place, path)
    wait_until(lambda: any("imported into" in words for words, _ in page.desk.notified), timeout=15)


@pytest.mark.parametrize("text", ["<b>x</b>", "a & b", "\u202erev"])
def test_a_topic_is_shown_as_it_was_written(show_memory: Show, people: People, wait_until: Wait, text: str) -> None:
    page = show_memory()
    open_nora(page, people, wait_until)
    page.bounds.open()
    quiet(page, wait_until)
    page.drawer.boundaries.topic.setText(f"{text} wedding")
    page.drawer.boundaries.add.click()
    wait_until(lambda: len(page.drawer.boundaries.lines) == 1, timeout=15)
    assert page.drawer.boundaries.lines[0].topic == f"{text} wedding"
