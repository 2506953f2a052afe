"""Whatever work raises, every way in which the window shows an error holds a sentence and a reference, and no more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot

from backend_core.errors import DatabaseAway, LecternError, NotFound, Unexpected
from desktop.background import Background
from desktop.widgets.dialogs import error_message
from desktop.widgets.page import Page, tell_error
from desktop.widgets.states import ErrorState, error_details
from tests.backend_core.log_forms import captured
from tests.backend_core.secret_corpus import secrets
from tests.desktop.conftest import Desk

SECRET = "password=canaryHunter22 for ana@canary.example.org in /home/canaryAna"
CANARIES = ("canaryHunter", "canary.example", "canaryAna")


class Broken(Page):
    """A page whose work fails with everything the lower layer knows."""

    key, title, icon, group = "broken", "Broken", "info", "Run"

    def refresh(self) -> None:
        self.load(self.work, lambda _none: None)

    def work(self) -> None:
        raise RuntimeError(SECRET)


def words_of(widget: QWidget) -> str:
    """Return every text a widget and its parts show or tell a screen reader."""
    parts = [widget, *widget.findChildren(QWidget)]
    texts = [part.text() for part in parts if isinstance(part, QLabel)]
    return "\n".join([*texts, *(f"{part.accessibleName()} {part.toolTip()}" for part in parts)])


def clean(text: str) -> bool:
    return not any(word in text for word in (*CANARIES, "RuntimeError", "Traceback", 'File "'))


@pytest.mark.trace("A5", "A19", "A54")
@pytest.mark.logs("work raised")
def test_a_page_whose_work_talks_shows_a_sentence_and_logs_the_rest(
    qtbot: QtBot, page_context: Callable[..., Desk], wait_until: Callable[..., None]
) -> None:
    with captured() as log:
        page = Broken(page_context().context)
        qtbot.addWidget(page)
        page.show()
        wait_until(page.error.isVisible)
        wait_until(page.error.reference.text)
    reference = page.error.reference.text().split()[-1]
    page.error.copy.click()
    copied = QGuiApplication.clipboard().text()
    assert reference in copied
    assert clean(words_of(page.error))
    assert clean(copied)
    assert reference in log.getvalue()
    assert "RuntimeError" in log.getvalue()
    assert not any(canary in log.getvalue() for canary in CANARIES[:2])


@pytest.mark.trace("A19")
@pytest.mark.logs("work raised")
def test_a_failed_action_becomes_a_toast_with_a_reference_and_a_copy(
    qtbot: QtBot, page_context: Callable[..., Desk], wait_until: Callable[..., None]
) -> None:
    told: list[tuple[str, Any]] = []
    desk = page_context()
    desk.context.notify = lambda words, *, tone="ok", undo=None, action="": told.append((words, undo))
    page = Broken(desk.context)
    qtbot.addWidget(page)
    page.act(page.work)
    wait_until(lambda: told)
    words, copy = told[0]
    assert clean(words)
    assert "Reference " in words
    copy()
    assert clean(QGuiApplication.clipboard().text())


def test_an_expected_refusal_is_told_without_a_reference() -> None:
    told: list[str] = []
    tell_error(lambda words, **_how: told.append(words), NotFound("No such page."))
    assert told == ["No such page."]


@pytest.mark.trace("A19")
def test_no_secret_in_a_sentence_survives_copy_details(qtbot: QtBot) -> None:
    leaked = []
    for secret in secrets(600):
        piece = secret.survives_in(error_details(DatabaseAway(f"It said: {secret.text}", correlation_id="c7f1-92ab")))
        leaked += [(secret.kind, piece)] if piece else []
    assert leaked == []


@pytest.mark.trace("A19")
def test_error_state_and_dialog_copy_the_same_safe_lines(qtbot: QtBot) -> None:
    parent, state = QWidget(), ErrorState()
    qtbot.addWidget(parent)
    qtbot.addWidget(state)
    error = Unexpected("Something went wrong.", correlation_id="c7f1-92ab")
    error.__cause__ = RuntimeError(SECRET)
    state.show_error(error)
    state.copy_details()
    first = QGuiApplication.clipboard().text()
    dialog = error_message(parent, error)
    assert clean(words_of(dialog))
    dialog.close()
    assert clean(first)
    assert first == error_details(error)


@pytest.mark.logs("work raised")
def test_a_window_that_shows_what_was_raised_would_leak(qtbot: QtBot, background: Background, wait_until: Callable[..., None]) -> None:
    seen: list[LecternError] = []
    owner = QWidget()
    qtbot.addWidget(owner)

    def naive() -> str:
        try:
            raise RuntimeError(SECRET)
        except RuntimeError as error:
            return f"Error: {error}"

    def raising() -> None:
        raise RuntimeError(SECRET)

    background.run(owner, raising, lambda _none: None, seen.append)
    wait_until(lambda: seen)
    assert clean(str(seen[0]))
    assert not clean(naive())
