"""One registry feeds shortcuts, palette and help."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from desktop.commands import Commands, fuzzy_score
from desktop.style import Theme
from desktop.widgets.field import Field
from desktop.widgets.label import PlainLabel
from desktop.widgets.palette import CommandPalette, ShortcutHelp


@pytest.fixture
def window(qtbot: QtBot, theme: Theme) -> QWidget:
    made = QWidget()
    made.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    made.resize(1000, 700)
    qtbot.addWidget(made)
    made.show()
    made.activateWindow()
    assert QTest.qWaitForWindowActive(made)
    return made


@pytest.fixture
def ran() -> list[str]:
    return []


@pytest.fixture
def commands(window: QWidget, ran: list[str]) -> Commands:
    made = Commands(window)
    made.add(
        "documents.import", title="Add documents", run=lambda: ran.append("import"), group="Documents", shortcut="Ctrl+O", icon="upload"
    )
    made.add("go.database", title="Database", run=lambda: ran.append("database"), group="Go to", shortcut="Alt+3")
    made.add("help", title="R & D", run=lambda: ran.append("help"), group="Lectern", shortcut="?")
    return made


def test_a_shortcut_runs_its_command(window: QWidget, commands: Commands, ran: list[str]) -> None:
    window.setFocus()
    QTest.keyClick(window, Qt.Key.Key_O, Qt.KeyboardModifier.ControlModifier)
    assert ran == ["import"]
    commands.set_enabled("documents.import", on=False)
    QTest.keyClick(window, Qt.Key.Key_O, Qt.KeyboardModifier.ControlModifier)
    commands.run("documents.import")
    assert ran == ["import"]


def test_a_single_key_types_while_a_field_has_the_keyboard(window: QWidget, commands: Commands, ran: list[str]) -> None:
    field = Field(name="Title")
    QVBoxLayout(window).addWidget(field)
    field.setFocus()
    QTest.keyClicks(field, "?")
    assert (field.text(), ran) == ("?", [])
    window.setFocus()
    QTest.keyClick(window, Qt.Key.Key_Question)
    assert ran == ["help"]


def test_two_commands_cannot_share_a_shortcut(commands: Commands) -> None:
    with pytest.raises(ValueError, match=r"documents\.import"):
        commands.add("other", title="Other", run=lambda: None, group="x", shortcut="Ctrl+O")


def test_finding_is_fuzzy_ranked_and_leaves_disabled_commands_out(commands: Commands) -> None:
    assert [command.id for command in commands.find("adoc")] == ["documents.import"]
    assert [command.id for command in commands.find("")] == ["documents.import", "go.database", "help"]
    assert commands.find("xyz") == []
    commands.set_enabled("documents.import", on=False)
    assert commands.find("adoc") == []
    assert fuzzy_score("d", "Database") > fuzzy_score("d", "Add documents") > 0


def test_the_palette_filters_moves_and_runs_by_keyboard_alone(window: QWidget, commands: Commands, ran: list[str]) -> None:
    palette = CommandPalette(window, commands)
    palette.open()
    assert palette.list.count() == 3
    QTest.keyClicks(palette.field, "d")
    first = palette.list.currentItem().text()
    QTest.keyClick(palette.field, Qt.Key.Key_Down)
    assert palette.list.currentItem().text() != first
    QTest.keyClick(palette.field, Qt.Key.Key_Up)
    QTest.keyClick(palette.field, Qt.Key.Key_Return)
    assert ran == ["database"]
    assert palette.isHidden()


def test_the_palette_says_when_nothing_matches_and_leaves_on_escape(window: QWidget, commands: Commands, ran: list[str]) -> None:
    palette = CommandPalette(window, commands)
    window.setFocus()
    palette.open()
    QTest.keyClicks(palette.field, "qqq")
    assert not palette.nothing.isHidden()
    QTest.keyClick(palette.field, Qt.Key.Key_Escape)
    assert palette.isHidden()
    assert window.hasFocus()
    assert ran == []


def test_the_help_lists_every_shortcut_and_shows_an_ampersand(window: QWidget, commands: Commands) -> None:
    page = ShortcutHelp(window, commands)
    page.open()
    words = {label.text() for label in page.findChildren(PlainLabel)}
    assert {"Ctrl+O", "Alt+3", "?", "Add documents", "R & D"} <= words
