"""The team's server is stopped and started again while somebody works: nothing typed is lost, and one state says so.

Each promise has a control: the same check on a page or an export that does what seems natural, and finds the loss.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import shiboken6
from psycopg import sql
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from backend_core.backend import Backend, open_backend
from backend_core.db import embedded, migrate
from backend_core.db.roles import OWNER
from backend_core.errors import DatabaseAway, LecternError, Unavailable
from backend_core.policy import Actor
from backend_core.settings import Settings
from backend_core.worker import run_once
from desktop.background import Background
from desktop.gate import Gate, who_is_here
from desktop.main_window import MainWindow
from desktop.page_list import PAGES
from desktop.pages.documents.page import DocumentsPage
from desktop.pages.settings.controls import TextControl
from desktop.pages.settings.page import SettingsPage
from desktop.sign_in import SignInPage
from desktop.style import Theme
from desktop.style.window_state import WindowState
from tests.backend_core.access.conftest import MEMBERS, Team, trusted
from tests.desktop.conftest import background, qapp_cls, theme, wait_until  # noqa: F401  # fixtures
from tests.postgres import StartServer

Wait = Callable[..., None]
LOST = (
    "error connecting", "reconnection attempt", "terminating connection", "discarding", "consuming input", "lost", "server closed",
    "does not answer",
)  # fmt: skip
pytestmark = [pytest.mark.qt_log_ignore("propagateSizeHints"), pytest.mark.logs(*LOST)]
TEXT = "The board approved the programme in March. A second sentence follows it."


class Forgetful(SettingsPage):
    """The control: a page whose form is done once Save was pressed."""

    def save(self) -> None:
        super().save()
        if self.house is not None:
            self.house.discard()


@dataclass
class Away:
    """A window on a server that can be stopped."""

    server_home: Path
    start_server: StartServer
    settings: Settings
    backend: Backend
    background: Background
    wait: Wait
    window: MainWindow
    actor: Actor

    def stop(self) -> None:
        """Stop the server under everybody's feet, and let the window notice."""
        embedded.stop(self.server_home, force=True)
        self.window.connection.ask()
        self.wait(lambda: self.window.offline.away, timeout=40)

    def start(self) -> None:
        """Start it again; the window finds it by itself."""
        self.start_server(self.server_home)
        self.wait(lambda: self.window.connection.link.state == "connected", timeout=60)
        self.wait(lambda: not self.window.banner.isVisible())

    def quiet(self) -> None:
        self.wait(lambda: not self.background.pending, timeout=60)

    def show(self, key: str) -> Any:
        """Show a page with its content."""
        self.window.navigate(key)
        self.wait(lambda: self.window.page is not None and self.window.page.loaded, timeout=30)
        return self.window.page

    @property
    def toasts(self) -> list[Any]:
        return [toast for toast in self.window.toasts.shown if shiboken6.isValid(toast)]


@pytest.fixture
def team(start_server: StartServer, tmp_path: Path) -> Team:
    """A server of this test alone, with a login for an administrator and one for the worker."""
    server = start_server(tmp_path / "server")
    migrate.upgrade(server.dsn(OWNER))
    with psycopg.connect(server.admin_dsn, autocommit=True) as conn:
        for login in ("adm", "wrk"):
            conn.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(login), sql.Literal(f"pass-{login}")))
            conn.execute(sql.SQL("GRANT {} TO {}").format(sql.SQL(MEMBERS[login]), sql.Identifier(login)))
    return Team(server, tmp_path)


@pytest.fixture
def make(
    team: Team,
    start_server: StartServer,
    theme: Theme,  # noqa: F811  # the fixture
    background: Background,  # noqa: F811  # the fixture
    wait_until: Wait,  # noqa: F811  # the fixture
    tmp_path: Path,
    qtbot: QtBot,
) -> Iterator[Callable[..., Away]]:
    """Open a window as the administrator; pages may be replaced by their controls."""
    stack = ExitStack()
    windows: list[tuple[MainWindow, Gate]] = []
    settings = team.settings("adm").model_copy(update={"pool_timeout_s": 1.0})

    def open_window(**instead: Any) -> Away:
        backend = stack.enter_context(open_backend(settings, application="desktop"))
        pages = tuple(instead.get(page.key, page) for page in PAGES)
        window = MainWindow(theme=theme, background=background, state=WindowState(), pages=pages)
        gate = Gate(window, background)
        window.resize(1440, 900)
        window.show()
        windows.append((window, gate))
        gate.admit(backend, *who_is_here(backend))
        actor = trusted(backend.access.sign_in_here())
        return Away(tmp_path / "server", start_server, settings, backend, background, wait_until, window, actor)

    yield open_window
    for window, gate in windows:
        gate.close()
        window.release()
    wait_until(lambda: not background.pending, timeout=60)
    for window, _ in windows:
        window.hide()
        shiboken6.delete(window)
    stack.close()


@pytest.fixture
def document(team: Team, tmp_path: Path) -> int:
    """A spoken document on the server."""
    path = tmp_path / "report.txt"
    path.write_text(TEXT, encoding="utf-8")
    with team.open("adm") as backend, team.open("wrk", application="worker") as worker:
        actor = trusted(backend.access.sign_in_here())
        made = backend.documents.import_file(path, actor=actor, title="Report").document
        run_once(worker, team.settings("wrk"))
        backend.audios.generate(made.id, actor=actor)
        run_once(worker, team.settings("wrk"))
        return made.id


# -- editing


@pytest.mark.parametrize(("page", "kept"), [(SettingsPage, True), (Forgetful, False)], ids=["page", "control"])
def test_a_form_keeps_what_was_typed_and_saves_it_when_the_server_is_back(
    make: Callable[..., Away],
    page: type[SettingsPage],
    kept: bool,
) -> None:
    away = make(settings=page)
    form = away.show("settings")
    away.wait(lambda: form.house is not None)
    line = form.house.lines["retention_months"].control
    assert isinstance(line, TextControl)
    before = line.line.text()
    line.line.selectAll()
    QTest.keyClicks(line.line, "17")
    away.stop()
    form.save()
    away.wait(lambda: any("Retry" in toast.undo.text() for toast in away.toasts if toast.undo is not None), timeout=40)
    away.quiet()
    assert (line.line.text() == "17") is kept
    if kept:
        away.start()
        form.save()
        away.wait(lambda: away.backend.house.read(away.actor).values.retention_months == 17, timeout=30)
    else:
        assert line.line.text() == before
        away.start()
    away.quiet()


def test_a_title_that_is_being_typed_stays_in_its_field_until_the_server_took_it(make: Callable[..., Away], document: int) -> None:
    away = make()
    page: DocumentsPage = away.show("documents")
    page.open_document(document)
    away.wait(lambda: page.drawer.details is not None, timeout=20)
    page.drawer.start_rename()
    page.drawer.field.setText("Report of the board")
    away.stop()
    QTest.keyClick(page.drawer.field, Qt.Key.Key_Return)
    away.wait(page.drawer.conflict.isVisible, timeout=40)
    assert page.drawer.field.isVisible()
    assert page.drawer.field.text() == "Report of the board"
    away.start()
    away.quiet()
    assert page.drawer.field.text() == "Report of the board"
    QTest.keyClick(page.drawer.field, Qt.Key.Key_Return)
    away.wait(lambda: away.backend.documents.get(document, actor=away.actor).title == "Report of the board", timeout=30)
    away.quiet()


# -- export


def naive_export(backend: Any, document_id: int, path: Path, actor: Actor) -> None:
    """The control: what a first attempt looks like, the file before the question."""
    with path.open("wb") as target:
        audio = next(iter(backend.audios.listing(document_id, actor=actor)))
        target.write(io.BytesIO(str(audio.id).encode()).read())


def test_an_export_that_fails_leaves_the_earlier_file_and_goes_on_by_one_click(
    make: Callable[..., Away], document: int, tmp_path: Path
) -> None:
    away = make()
    folder = tmp_path / "exports"
    folder.mkdir()
    path = folder / "report.mp3"
    page: DocumentsPage = away.show("documents")
    page.open_document(document)
    tab = page.drawer.audio
    away.wait(lambda: page.drawer.details is not None and page.drawer.details.audios, timeout=20)
    tab.export_to(path, format="mp3")
    away.wait(path.exists, timeout=40)
    away.quiet()
    earlier = path.read_bytes()
    away.stop()
    tab.export_to(path, format="mp3")
    away.wait(lambda: any("Retry" in toast.undo.text() for toast in away.toasts if toast.undo is not None), timeout=40)
    assert path.read_bytes() == earlier
    assert [found.name for found in folder.iterdir()] == ["report.mp3"]
    retry = next(toast.undo for toast in away.toasts if toast.undo is not None)
    naive = folder / "naive.mp3"
    naive.write_bytes(earlier)
    with pytest.raises(Unavailable):
        naive_export(away.backend, document, naive, away.actor)
    assert naive.read_bytes() == b""
    path.unlink()
    away.start()
    if shiboken6.isValid(retry):
        retry.click()
    else:
        tab.export_to(path, format="mp3")
    away.wait(lambda: path.exists() and path.read_bytes() == earlier, timeout=60)
    away.quiet()


# -- signing in


class Careless(SignInPage):
    """The control: a page that begins anew after every failure."""

    def show_error(self, error: LecternError) -> None:
        super().show_error(error)
        self.ask(name="")


@pytest.mark.parametrize(("page", "kept"), [(SignInPage, True), (Careless, False)], ids=["page", "control"])
def test_name_and_password_stay_typed_while_the_server_is_away(
    qtbot: QtBot,
    theme: Theme,  # noqa: F811  # the fixture
    page: type[SignInPage],
    kept: bool,
) -> None:
    made = page()
    qtbot.addWidget(made)
    made.show()
    tries: list[tuple[str, str]] = []
    made.submitted.connect(lambda name, password: tries.append((name, password)))
    made.name.setText("Ana Silva")
    made.password.setText("a long enough secret")
    made.go.click()
    made.show_error(DatabaseAway("The database does not answer."))
    assert ((made.name.text(), made.password.text()) == ("Ana Silva", "a long enough secret")) is kept
    if kept:
        assert "What you typed is kept" in made.problem.text()
        qtbot.waitUntil(lambda: len(tries) == 2, timeout=10_000)
        assert tries[0] == tries[1]


# -- one clear state


@pytest.mark.trace("B94")
def test_while_the_server_is_away_every_page_stays_usable_and_one_banner_says_so(make: Callable[..., Away], document: int) -> None:
    away = make()
    for key in away.window.page_keys:
        away.show(key)
    shown = away.show("overview")
    away.stop()
    assert "last answer" in away.window.banner.words.text()
    assert away.window.banner.action.text().strip() == "Try now"
    assert away.window.top.link.accessibleName() == "Database: Offline"
    assert shown.loaded
    for key in away.window.page_keys:
        away.window.navigate(key)
        page = away.window.page
        assert page is not None
        away.wait(lambda page=page: page.loaded or page.error.isVisible(), timeout=40)
        assert away.window.banner.isVisible()
        words = " ".join(label.text() for label in page.findChildren(QLabel) if label.isVisible())
        assert not [word for word in ("Traceback", "psycopg", "postgresql://", "pass-adm", "OperationalError") if word in words]
    away.start()
    for key in away.window.page_keys:
        away.show(key)
    away.quiet()
