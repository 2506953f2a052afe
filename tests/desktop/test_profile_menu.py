"""The profiles of the rail's card: which there are, another window, adding, changing, testing and removing them."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import shiboken6
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget

from backend_core.profiles.records import ProfileFacts
from backend_core.profiles.service import Profiles
from desktop.background import Background
from desktop.first_frame import FirstFrame
from desktop.main_window import MainWindow
from desktop.profile_dialog import ProfileDialog, RemoveDialog, TrialDialog
from desktop.profile_menu import ProfileMenu, offer_menu, start_process
from desktop.single_instance import SingleInstance
from desktop.style import Theme
from tests.desktop.test_main_window import ACTOR, Backend, Database, Documents, Overview
from tests.polling import eventually

Wait = Callable[..., None]
EU = ProfileFacts(
    name="eu", title="Production EU", colour="bad", kind="server", host="127.0.0.1", port=1, database="lectern", user="mara",
    sslmode="prefer", sslrootcert="", production=True,
)  # fmt: skip
COPY = ProfileFacts(name="copy", title="Copy", colour="info", kind="server", host="db.example", database="x", user="y", read_only=True)
PLAY = ProfileFacts(name="play", title="Playground")


class Starts:
    """Notes what would be started instead of starting it."""

    def __init__(self) -> None:
        self.commands: list[tuple[list[str], dict[str, str]]] = []
        self.works = True

    def __call__(self, command: Sequence[str], environment: dict[str, str]) -> bool:
        self.commands.append((list(command), environment))
        return self.works


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "root"


@pytest.fixture
def profiles(root: Path) -> Profiles:
    made = Profiles(root)
    made.add(EU, password="kept-secret")
    made.add(COPY)
    made.add(PLAY)
    return made


@pytest.fixture
def window(theme: Theme, background: Background, tmp_path: Path) -> Iterator[MainWindow]:
    frame = FirstFrame(tmp_path / "config")
    made = MainWindow(theme=theme, background=background, state=frame.state, pages=(Overview, Documents, Database))
    frame.adopt(made, remember=made.remembered)
    frame.resize(1440, 900)
    frame.show()
    yield made
    made.release()
    shiboken6.delete(frame)


@pytest.fixture
def starts() -> Starts:
    return Starts()


@pytest.fixture
def menu(window: MainWindow, background: Background, root: Path, profiles: Profiles, starts: Starts) -> ProfileMenu:
    window.start(Backend(), ACTOR)
    return ProfileMenu(window, background, root, start=starts)


@pytest.fixture
def panel(menu: ProfileMenu, window: MainWindow, wait_until: Wait) -> Any:
    """The list, opened from the card."""
    window.rail.card.click()
    wait_until(lambda: menu.panel is not None and menu.panel.isVisible())
    return menu.panel


def asked(menu: ProfileMenu, wait_until: Wait) -> ProfileDialog:
    wait_until(lambda: isinstance(menu.dialog, ProfileDialog) and menu.dialog.isVisible())
    assert isinstance(menu.dialog, ProfileDialog)
    return menu.dialog


def told(window: MainWindow) -> list[str]:
    return [toast.accessibleName() for toast in window.toasts.shown if shiboken6.isValid(toast)]


def test_the_card_lists_every_profile_with_what_to_mind(panel: Any) -> None:
    assert [row.accessibleName() for row in panel.rows] == [
        "This computer, On this computer, this window",
        "Copy, y@db.example/x, read-only",
        "Playground, On this computer",
        "Production EU, mara@127.0.0.1/lectern, production",
    ]
    assert all(button.accessibleName() for button in panel.more)
    assert panel.rows[0].hasFocus()
    QTest.keyClick(panel.rows[0], Qt.Key.Key_Escape)
    assert not panel.isVisible()


def test_a_click_starts_the_window_of_the_profile_below_the_same_root_and_without_this_windows_server(
    panel: Any, menu: ProfileMenu, starts: Starts, root: Path, window: MainWindow, wait_until: Wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LECTERN_DSN", "postgresql://another-server/x")
    QTest.mouseClick(panel.rows[3], Qt.MouseButton.LeftButton)
    wait_until(lambda: starts.commands)
    command, environment = starts.commands[0]
    assert command[-2:] == ["--profile", "eu"]
    assert environment["LECTERN_HOME"] == str(root)
    assert "LECTERN_DSN" not in environment
    assert not panel.isVisible()
    assert told(window) == ["The other window opens."]


def test_the_row_of_this_window_starts_nothing(panel: Any, starts: Starts, wait_until: Wait, background: Background) -> None:
    QTest.mouseClick(panel.rows[0], Qt.MouseButton.LeftButton)
    wait_until(lambda: background.pending == 0)
    assert starts.commands == []


def test_a_window_that_cannot_be_started_is_said(menu: ProfileMenu, starts: Starts, window: MainWindow, wait_until: Wait) -> None:
    starts.works = False
    menu.switch("eu")
    wait_until(lambda: told(window) == ["The window of the profile could not be started."])
    menu.switch("gone")
    wait_until(lambda: "There is no profile gone." in told(window))


@pytest.mark.skipif(sys.platform == "win32", reason="no signals to a window there")
def test_another_profile_gets_a_process_of_its_own_and_a_second_time_it_comes_forward(
    window: MainWindow, background: Background, root: Path, profiles: Profiles, wait_until: Wait
) -> None:
    menu = ProfileMenu(window, background, root, start=start_process)
    lock = profiles.home("eu") / "config" / "desktop.lock"
    menu.switch("eu")
    pid = 0

    def runs() -> bool:
        nonlocal pid
        pid = int(lock.read_text(encoding="utf-8").splitlines()[0]) if lock.exists() and lock.stat().st_size else 0
        return bool(pid) and (profiles.home("eu") / "logs").exists()

    wait_until(runs, timeout=40)
    assert pid != os.getpid()
    os.kill(pid, signal.SIGTERM)
    eventually(lambda: not lock.exists(), within_s=30)
    # now this test is the window of that profile
    here = SingleInstance(profiles.home("eu"))
    assert here.claim()
    here.listen()
    handed: list[list[Path]] = []
    here.files_received.connect(handed.append)
    menu.switch("eu")
    wait_until(lambda: handed == [[]], timeout=40)
    here.close()


def test_a_new_profile_is_named_by_its_title_and_its_password_is_only_in_the_vault(
    menu: ProfileMenu, profiles: Profiles, window: MainWindow, wait_until: Wait, starts: Starts
) -> None:
    menu.add()
    dialog = asked(menu, wait_until)
    assert not dialog.go.isEnabled()
    dialog.name.setText("Play ground?  EU")
    dialog.colour.choose("warn")
    dialog.production.setChecked(True)
    for line, text in ((dialog.form.host, "db.eu.example"), (dialog.form.database, "lectern"), (dialog.form.user, "ana")):
        line.setText(text)
    dialog.form.password.setText("canary-secret")
    dialog.go.click()
    wait_until(lambda: any("was added" in words for words in told(window)), timeout=20)
    made = profiles.get("play-ground-eu")
    assert (made.title, made.colour, made.kind, made.host, made.sslmode) == (
        "Play ground? EU", "warn", "server", "db.eu.example", "verify-full",
    )  # fmt: skip
    assert made.production
    assert profiles.password(made) == "canary-secret"
    assert not any(b"canary-secret" in path.read_bytes() for path in profiles.home("play-ground-eu").rglob("*") if path.is_file())
    undo = window.toasts.shown[-1].undo
    assert undo is not None
    undo.click()
    wait_until(lambda: starts.commands and starts.commands[0][0][-1] == "play-ground-eu")


def test_a_second_profile_of_the_same_title_gets_another_folder(menu: ProfileMenu, profiles: Profiles, wait_until: Wait) -> None:
    menu.add()
    dialog = asked(menu, wait_until)
    dialog.kind.choose("embedded")
    dialog.kind.chosen.emit("embedded")
    assert not dialog.form.isVisible()
    dialog.name.setText("Play")
    dialog.go.click()
    wait_until(lambda: len(profiles.listing()) == 5, timeout=20)
    assert profiles.get("play-2").kind == "embedded"
    assert profiles.get("play") == PLAY


def test_a_refused_change_says_why_keeps_what_was_typed_and_can_be_mended(menu: ProfileMenu, profiles: Profiles, wait_until: Wait) -> None:
    menu.edit("eu")
    dialog = asked(menu, wait_until)
    assert dialog.form.password.text() == ""
    assert dialog.form.password.placeholderText() == "Kept; type to replace it"
    dialog.name.setText("Production Europe")
    dialog.form.host.setText("db.example.org")
    dialog.go.click()
    wait_until(dialog.problem.isVisible, timeout=20)
    assert "must be verify-full" in dialog.problem.text()
    assert (dialog.name.text(), dialog.form.host.text()) == ("Production Europe", "db.example.org")
    assert profiles.get("eu") == EU
    dialog.form.sslmode.choose("verify-full")
    dialog.go.click()
    wait_until(lambda: profiles.get("eu").host == "db.example.org", timeout=20)
    # it leads elsewhere: the password for the old server must never be sent there
    assert profiles.password(profiles.get("eu")) is None


def test_a_change_of_the_title_keeps_the_password(menu: ProfileMenu, profiles: Profiles, wait_until: Wait) -> None:
    menu.edit("eu")
    dialog = asked(menu, wait_until)
    dialog.name.setText("Production Europe")
    dialog.go.click()
    wait_until(lambda: profiles.get("eu").title == "Production Europe", timeout=20)
    assert profiles.password(profiles.get("eu")) == "kept-secret"
    assert profiles.get("eu").production


def test_a_change_of_this_windows_own_profile_offers_to_open_it_again(
    menu: ProfileMenu, profiles: Profiles, window: MainWindow, wait_until: Wait
) -> None:
    again: list[bool] = []
    menu.reopen_wanted.connect(lambda: again.append(True))
    menu.edit("")
    dialog = asked(menu, wait_until)
    dialog.colour.choose("ok")
    dialog.go.click()
    wait_until(lambda: profiles.get("").colour == "ok", timeout=20)
    wait_until(lambda: window.toasts.shown)
    undo = window.toasts.shown[-1].undo
    assert undo is not None
    undo.click()
    assert again == [True]


def test_the_test_of_a_profile_answers_in_plain_words(menu: ProfileMenu, wait_until: Wait) -> None:
    menu.test(EU)
    dialog = menu.dialog
    assert isinstance(dialog, TrialDialog)
    assert dialog.findings.sentences == ("Asking the server…",)
    wait_until(lambda: dialog.findings.sentences == ("Nothing answers at this address and port.",), timeout=20)
    dialog.accept()


def test_a_profile_leaves_the_list_once_its_title_was_typed(
    menu: ProfileMenu, profiles: Profiles, window: MainWindow, wait_until: Wait
) -> None:
    menu.remove(EU)
    dialog = menu.dialog
    assert isinstance(dialog, RemoveDialog)
    assert dialog.erase.isHidden()
    dialog.field.setText("Production")
    assert not dialog.go.isEnabled()
    dialog.field.setText("Production EU")
    dialog.go.click()
    wait_until(lambda: "eu" not in [one.name for one in profiles.listing()], timeout=20)
    wait_until(lambda: "Production EU was removed." in told(window))
    assert profiles.home("eu").exists()


def test_a_local_profile_is_erased_only_on_request(menu: ProfileMenu, profiles: Profiles, wait_until: Wait) -> None:
    menu.remove(PLAY)
    dialog = menu.dialog
    assert isinstance(dialog, RemoveDialog)
    assert not dialog.erase.isChecked()
    dialog.erase.setChecked(True)
    dialog.field.setText("Playground")
    dialog.go.click()
    wait_until(lambda: not profiles.home("play").exists(), timeout=20)


def test_this_window_and_this_computers_own_data_cannot_be_removed(menu: ProfileMenu, window: MainWindow) -> None:
    def offered(facts: ProfileFacts, *, here: bool) -> list[str]:
        made = offer_menu(window, facts, menu, here=here)
        words = [action.text() for action in made.actions() if action.text()]
        made.deleteLater()
        return words

    assert offered(ProfileFacts(name="", title="This computer"), here=True) == ["Edit…"]
    assert offered(ProfileFacts(name="", title="This computer"), here=False) == ["Open its window", "Edit…"]
    assert offered(EU, here=True) == ["Edit…", "Test"]
    assert offered(EU, here=False) == ["Open its window", "Edit…", "Test", "Remove…"]


def test_nobody_sees_the_profiles_before_signing_in(
    panel: Any, menu: ProfileMenu, window: MainWindow, background: Background, wait_until: Wait
) -> None:
    gate = QWidget()
    window.cover(gate)
    assert not panel.isVisible()
    menu.open()
    menu.edit("eu")
    wait_until(lambda: background.pending == 0)
    assert not panel.isVisible()
    assert menu.dialog is None
    window.uncover()
    menu.open()
    wait_until(panel.isVisible)
    panel.leave()


def test_a_window_that_could_not_open_offers_the_profiles_as_a_way_out(menu: ProfileMenu, window: MainWindow, wait_until: Wait) -> None:
    from backend_core.errors import DatabaseAway

    window.show_failure(DatabaseAway("The server does not answer."))
    window.failure.other.click()
    wait_until(lambda: menu.panel is not None and menu.panel.isVisible())
    assert menu.panel is not None
    menu.panel.leave()


@pytest.mark.parametrize("colour", ["none", "info", "ok", "warn", "bad"])
def test_production_is_a_frame_and_a_word_in_every_colour(window: MainWindow, colour: str, wait_until: Wait) -> None:
    backend = Backend()
    backend.profile.production, backend.profile.colour = True, colour
    window.start(backend, ACTOR)
    wait_until(lambda: window.page is not None and window.page.loaded)
    assert window.top.mark.text() == "Production"
    assert window.top.mark.isVisible()
    edge = window.grab().toImage()
    sides = {edge.pixelColor(place).name() for place in (edge.rect().topLeft(), edge.rect().bottomRight(), edge.rect().bottomLeft())}
    assert len(sides) == 1
    plain = Backend()
    window.end()
    window.start(plain, ACTOR)
    assert not window.top.mark.isVisible()
    corner = window.grab().toImage()
    assert corner.pixelColor(corner.rect().bottomRight()).name() not in sides
