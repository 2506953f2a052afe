"""The Settings page: every field knows its bounds, what is typed survives, and a colleague's change is never overwritten unseen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from backend_core.backend import Backend
from backend_core.credentials.vault import Vault
from backend_core.errors import DatabaseAway
from backend_core.house.declaration import FIELDS, HouseField, HouseSettings, Value
from backend_core.house.service import HouseState
from backend_core.policy import AUDITOR, SUPPORT, Actor
from desktop.pages.settings.controls import SwitchControl, TextControl
from desktop.pages.settings.draft import Draft
from desktop.pages.settings.house import TWO_COLUMNS, HouseSection
from desktop.pages.settings.page import SettingsPage
from desktop.style import Theme
from tests.desktop.conftest import Desk

FREE = ("crisis_line", "mail_user")

Wait = Callable[..., None]
WHOLE = [field for field in FIELDS.values() if field.kind == "whole"]


def state(version: int = 1, *, by: str = "Ana", **values: Any) -> HouseState:
    from datetime import UTC, datetime

    return HouseState(values=HouseSettings(**values), version=version, changed_at=datetime.now(UTC), changed_by=by)


@pytest.fixture
def section(qtbot: QtBot, theme: Theme) -> HouseSection:
    made = HouseSection(tuple(FIELDS.values()), on_save=lambda: None)
    qtbot.addWidget(made)
    made.resize(1200, 800)
    made.show_state(state(), refused="")
    made.show()
    return made


@pytest.fixture
def page(backend: Backend, actor: Actor, page_context: Callable[..., Desk], qtbot: QtBot, wait_until: Wait) -> Iterator[SettingsPage]:
    desk = page_context(backend, actor=actor)
    made = SettingsPage(desk.context)
    qtbot.addWidget(made)
    made.resize(1228, 800)
    made.show()
    wait_until(lambda: made.loaded and made.house is not None)
    yield made
    made.hide()


def house(page: SettingsPage) -> HouseSection:
    assert page.house is not None
    return page.house


def type_into(section: HouseSection, name: str, text: str) -> None:
    control = section.lines[name].control
    assert isinstance(control, TextControl)
    control.line.selectAll()
    QTest.keyClick(control.line, Qt.Key.Key_Delete)
    # not QTest.keyClicks: it knows Latin letters only
    for letter in text:
        QApplication.sendEvent(control.line, QKeyEvent(QEvent.Type.KeyPress, 0, Qt.KeyboardModifier.NoModifier, letter))


# -- bounds


@pytest.mark.trace("A55")
@pytest.mark.parametrize("field", [field for field in FIELDS.values() if field.least is not None], ids=lambda field: field.name)
def test_a_number_may_be_its_least_and_its_most_and_nothing_further(section: HouseSection, field: HouseField) -> None:
    line = section.lines[field.name]
    assert field.least is not None
    assert field.most is not None
    for text, fine in ((field.least, True), (field.most, True), (field.least - 1, False), (field.most + 1, False)):
        type_into(section, field.name, str(text))
        assert bool(section.draft.problem(field.name)) is not fine
        assert line.problem.isVisibleTo(section) is not fine
        assert line.problem.text() == ("" if fine else field.refusal)
        assert section.saving.isEnabled() is (fine and bool(section.draft.changed))


@pytest.mark.trace("A55")
@pytest.mark.parametrize(
    "field", [field for field in FIELDS.values() if field.kind != "switch" and field.name not in FREE], ids=lambda field: field.name
)
def test_what_is_no_value_stays_as_it_was_typed_and_cannot_be_saved(section: HouseSection, field: HouseField) -> None:
    for text in ("abc def", "NaN", "-1", "1e3", "9" * 25, "٣", "３", "1.234", "24:00"):
        if field.kind == "text" and "@" not in text and text.isascii() and " " not in text:
            continue  # a plain name is no address of another computer, yet one of this one
        type_into(section, field.name, text)
        line = section.lines[field.name].control
        assert isinstance(line, TextControl)
        assert line.line.text() == text
        assert section.draft.problem(field.name) == field.refusal
        assert not section.saving.isEnabled()
    section.discard()
    assert section.draft.changed == ()
    assert section.lines[field.name].control.line.text() == str(field.default)  # type: ignore[attr-defined]  # a text control


@pytest.mark.parametrize("name", FREE)
def test_words_for_people_may_be_any_line_that_is_not_too_long(section: HouseSection, name: str) -> None:
    type_into(section, name, "Samaritans, call 116 123")
    assert section.draft.problem(name) == ""
    type_into(section, name, "9" * (FIELDS[name].longest + 1))
    assert section.draft.problem(name) == FIELDS[name].refusal
    assert not section.saving.isEnabled()


def test_each_setting_has_a_control_of_its_kind_a_name_and_its_words(section: HouseSection) -> None:
    for name, field in FIELDS.items():
        line = section.lines[name]
        assert isinstance(line.control, SwitchControl if field.kind == "switch" else TextControl)
        assert line.accessibleName() == field.title
        shown = line.control.switch if isinstance(line.control, SwitchControl) else line.control.line  # type: ignore[attr-defined]  # of this kind
        assert shown.accessibleName() == field.title


@pytest.mark.parametrize("field", WHOLE, ids=lambda field: field.name)
def test_steps_end_at_the_bounds(section: HouseSection, field: HouseField) -> None:
    control = section.lines[field.name].control
    assert isinstance(control, TextControl)
    control.line.setText(str(field.most))
    control.more.click()
    assert control.line.text() == str(field.most)
    control.line.setText(str(field.least))
    QTest.keyClick(control.line, Qt.Key.Key_Down)
    assert control.line.text() == str(field.least)
    QTest.keyClick(control.line, Qt.Key.Key_Up)
    assert control.line.text() == str((field.least or 0) + 1)
    control.line.setText("abc")
    control.less.click()
    assert control.line.text() == str(field.default)


# -- what is typed


def test_a_changed_setting_is_marked_counted_and_taken_back(section: HouseSection) -> None:
    assert not section.bar.isVisibleTo(section)
    type_into(section, "retention_months", "9")
    section.lines["auto_delete"].control.switch.click()  # type: ignore[attr-defined]  # a switch
    assert section.bar_words.text() == "2 changes are not saved"
    assert [name for name, line in section.lines.items() if line.dot.on] == ["retention_months", "auto_delete"]
    section.lines["auto_delete"].control.switch.click()  # type: ignore[attr-defined]  # of this kind
    assert section.bar_words.text() == "1 change is not saved"
    assert section.draft.changes == {"retention_months": 9}
    section.lines["retention_months"].back.click()
    assert not section.bar.isVisibleTo(section)


def test_a_setting_goes_back_to_what_is_delivered(section: HouseSection) -> None:
    section.show_state(state(2, retention_months=24), refused="")
    section.lines["retention_months"].back.click()
    assert section.draft.changes == {"retention_months": 6}


def test_a_refresh_keeps_what_was_typed_the_cursor_and_shows_what_others_changed_elsewhere(section: HouseSection) -> None:
    type_into(section, "retention_months", "24x")
    line = section.lines["retention_months"].control.line  # type: ignore[attr-defined]  # a text control
    line.setCursorPosition(1)
    section.show_state(state(2, warning_days=7), refused="")
    assert (line.text(), line.cursorPosition()) == ("24x", 1)
    assert section.lines["warning_days"].control.line.text() == "7"  # type: ignore[attr-defined]  # of this kind
    assert section.draft.theirs == {}


# -- who was faster


def test_a_colleague_who_changed_the_same_setting_is_named_and_one_decides(section: HouseSection) -> None:
    type_into(section, "retention_months", "9")
    type_into(section, "warning_days", "3")
    section.show_state(state(2, by="Ana", retention_months=12, warning_days=14), refused="")
    line = section.lines["retention_months"]
    assert line.conflict_words.text() == "Ana changed this to 12 months while you were editing."
    assert line.conflict.isVisibleTo(section)
    assert not section.saving.isEnabled()
    line.mine.click()
    section.lines["warning_days"].take.click()
    assert not line.conflict.isVisibleTo(section)
    assert section.draft.changes == {"retention_months": 9}
    assert (section.saving.isEnabled(), section.draft.version) == (True, 2)


def test_a_colleague_who_had_the_same_idea_leaves_nothing_to_decide(section: HouseSection) -> None:
    type_into(section, "retention_months", "12")
    section.show_state(state(2, retention_months=12), refused="")
    assert (section.draft.changed, section.draft.theirs) == ((), {})


def test_what_is_typed_while_saving_is_no_conflict_with_oneself() -> None:
    draft = Draft(tuple(FIELDS.values()))
    draft.rebase(state())
    draft.put("retention_months", "9")
    draft.put("retention_months", "10")
    draft.rebase(state(2, retention_months=9), mine=True)
    assert (draft.theirs, draft.changes) == ({}, {"retention_months": 10})


@pytest.mark.trace("A79")
def test_saving_changes_the_database_with_the_version_that_was_read(
    page: SettingsPage, backend: Backend, actor: Actor, wait_until: Wait
) -> None:
    type_into(house(page), "retention_months", "9")
    house(page).saving.click()
    wait_until(lambda: house(page).draft.version == 1)
    assert backend.house.read(actor).values.retention_months == 9
    assert not house(page).bar.isVisibleTo(page)
    assert page.changed.text().startswith("Changed just now by ")


def test_saving_over_a_change_that_was_not_seen_is_refused_and_becomes_a_question(
    page: SettingsPage, backend: Backend, actor: Actor, wait_until: Wait
) -> None:
    type_into(house(page), "retention_months", "9")
    backend.house.update({"retention_months": 12}, version=0, actor=replace(actor, name="Ana"))
    house(page).saving.click()
    wait_until(lambda: house(page).draft.theirs)
    assert backend.house.read(actor).values.retention_months == 12
    assert house(page).lines["retention_months"].conflict_words.text().startswith("Ana changed this to 12 months")
    house(page).lines["retention_months"].mine.click()
    house(page).saving.click()
    wait_until(lambda: backend.house.read(actor).values.retention_months == 9)


class Unplugged:
    """A backend whose house settings can be taken away."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self.away = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)

    @property
    def house(self) -> Any:
        if self.away:
            raise DatabaseAway("The database server does not answer.")
        return self._backend.house


def test_a_lost_server_costs_nothing_that_was_typed(
    backend: Backend, actor: Actor, page_context: Callable[..., Desk], qtbot: QtBot, wait_until: Wait
) -> None:
    unplugged = Unplugged(backend)
    desk = page_context(unplugged, actor=actor)
    page = SettingsPage(desk.context)
    qtbot.addWidget(page)
    page.show()
    wait_until(lambda: page.house is not None)
    type_into(house(page), "retention_months", "9")
    unplugged.away = True
    house(page).saving.click()
    wait_until(lambda: desk.notified)
    assert desk.notified[0] == ("The database server does not answer.", "bad")
    page.refresh()
    QApplication.processEvents()
    assert page.loaded
    assert house(page).draft.changes == {"retention_months": 9}
    unplugged.away = False
    house(page).saving.click()
    wait_until(lambda: house(page).draft.version == 1)
    assert backend.house.read(actor).values.retention_months == 9
    page.hide()


# -- who may


@pytest.mark.parametrize("role", [SUPPORT, AUDITOR])
def test_who_may_not_change_them_reads_them_with_the_reason(
    backend: Backend, actor: Actor, page_context: Callable[..., Desk], qtbot: QtBot, wait_until: Wait, role: str
) -> None:
    page = SettingsPage(page_context(backend, actor=replace(actor, role=role)).context)
    qtbot.addWidget(page)
    page.show()
    wait_until(lambda: page.house is not None)
    assert house(page).notice_words.text() == f"Only administrators change these settings; your role is {role}."
    assert house(page).notice.isVisibleTo(page)
    assert not any(line.control.isEnabled() for line in house(page).lines.values())
    assert not any(line.back.isVisibleTo(page) for line in house(page).lines.values())
    page.hide()


# -- the rest of the page


def test_the_page_says_how_secrets_are_kept_and_where_each_process_setting_comes_from(page: SettingsPage, backend: Backend) -> None:
    assert page.computer.sentence.text() == backend.credentials.sentence
    assert page.computer.kind.text() == "file permissions only"
    facts = {fact.name: fact for fact in page.process.table.rows}
    assert facts["pool_size"].source == "argument"
    assert facts["retry_limit"].source == "default"
    assert set(facts) == set(type(backend.settings).model_fields)
    assert page.process.file.text() == str(backend.settings.home / "config" / "lectern.toml")


@pytest.mark.parametrize(("environ", "words"), [({"LECTERN_PASSPHRASE": "x"}, "sealed file"), ({}, "file permissions only")])
def test_each_way_of_keeping_secrets_has_its_word(page: SettingsPage, tmp_path: Path, environ: dict[str, str], words: str) -> None:
    from desktop.pages.settings.computer import Here

    vault = Vault(tmp_path, find=lambda: None, environ=environ)
    page.computer.show_here(Here(kind=vault.kind, sentence=vault.sentence, folders=()))
    assert page.computer.kind.text() == words
    assert page.computer.advice.isVisibleTo(page.computer) is (words == "file permissions only")


def test_the_look_is_chosen_here_and_follows_when_it_is_changed_elsewhere(page: SettingsPage, theme: Theme) -> None:
    page.tabs.choose("computer")
    page.computer.look.chosen.emit("dark")
    assert theme.mode == "dark"
    theme.set_mode("system")
    page.computer.show_look()
    assert page.computer.look.current == "system"


def test_tabs_lead_to_their_sections_and_name_the_place(page: SettingsPage) -> None:
    for key, place in (("computer", "This computer"), ("process", "Process"), ("house", "House")):
        page.tabs.choose(key)
        assert page.place == place


def test_the_cards_stand_in_one_column_where_two_would_be_too_narrow(section: HouseSection) -> None:
    def lefts() -> set[int]:
        QApplication.processEvents()
        return {card.mapTo(section, card.rect().topLeft()).x() for card in section._cards}

    assert len(lefts()) == 2
    section.resize(TWO_COLUMNS - 1, 600)
    assert len(lefts()) == 1
    section.resize(TWO_COLUMNS, 600)
    assert len(lefts()) == 2


def test_building_the_page_opens_no_window_and_shows_no_text_as_markup(
    page: SettingsPage, section: HouseSection, flashes: list[str]
) -> None:
    type_into(section, "retention_months", "9")
    section.show_state(state(2, by="<b>Ana</b><img src=x>", retention_months=12), refused="")
    assert section.lines["retention_months"].conflict_words.text().startswith("<b>Ana</b><img src=x> changed this")
    again = HouseSection(tuple(FIELDS.values()), on_save=lambda: None)
    again.deleteLater()
    assert flashes == []


def test_values_are_said_with_their_unit() -> None:
    from desktop.pages.settings.line import words

    said: list[tuple[str, Value, str]] = [
        ("retention_months", 12, "12 months"), ("auto_delete", False, "off"), ("uploads_per_hour", 0, "no limit"),
        ("admin_email", "", "nothing"),
        ("monthly_budget", "20.00", "20.00 USD"),
    ]  # fmt: skip
    assert [words(FIELDS[name], value) for name, value, _ in said] == [shown for *_, shown in said]
