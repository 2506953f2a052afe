"""The first question: asked once, answered by one click or by a server that lets this login in."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import shiboken6
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from PySide6.QtWidgets import QApplication

from backend_core.access.here import os_user
from backend_core.credentials.vault import Vault
from backend_core.db import embedded
from backend_core.profiles.service import Profiles
from desktop.app import Options
from desktop.first_frame import FirstFrame
from desktop.first_run import FirstRunPage
from desktop.session import Session
from tests.backend_core.access.conftest import Team, staffed, team  # noqa: F401  # fixtures
from tests.postgres import StartServer

Wait = Callable[..., None]
Begin = Callable[..., Session]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "home"
    yield folder
    embedded.erase(folder)


@pytest.fixture
def begin(qapp: QApplication, home: Path) -> Iterator[Begin]:
    """Start a window on ``home``, as the command line does; it is stopped after the test."""
    made: list[tuple[Session, FirstFrame]] = []

    def start(*files: Path) -> Session:
        frame = FirstFrame(home / "config")
        session = Session(qapp, frame, Options(home=home, files=files))
        frame.show()
        session.begin()
        made.append((session, frame))
        return session

    yield start
    for session, frame in made:
        session.stop()
        shiboken6.delete(frame)
        shiboken6.delete(session)


@pytest.fixture
def asked(begin: Begin, wait_until: Wait) -> tuple[Session, FirstRunPage]:
    """A new home, with the question on the screen."""
    session = begin()
    wait_until(lambda: session.window.findChild(FirstRunPage) is not None)
    page = session.window.findChild(FirstRunPage)
    assert isinstance(page, FirstRunPage)
    assert page.isVisible()
    return session, page


def said(page: FirstRunPage) -> str:
    from PySide6.QtWidgets import QLabel

    return " ".join(label.text() for label in page.findChildren(QLabel))


def fill(page: FirstRunPage, team: Team, *, password: str) -> None:  # noqa: F811  # the fixture
    given = conninfo_to_dict(team.server.admin_dsn)
    page.elsewhere.click()
    page.form.host.setText(str(given["host"]))
    page.form.port.setText(str(given["port"]))
    page.form.database.setText(str(given["dbname"]))
    page.form.user.setText("adm")
    page.form.sslmode.choose("prefer")
    page.form.password.setText(password)


def test_one_click_leads_from_nothing_to_the_pages_as_the_first_administrator(
    asked: tuple[Session, FirstRunPage], home: Path, wait_until: Wait
) -> None:
    session, page = asked
    assert f"{os_user()}, the user of this computer, becomes the first administrator" in said(page)
    assert not (home / "database").exists()
    page.here.click()
    wait_until(lambda: session.window.page is not None and session.window.page.loaded, timeout=60)
    actor = session.window.acting.signed_in
    assert (actor.name, actor.role) == (os_user(), "admin")
    assert not page.isVisible()
    assert session.window.commands.get("go.documents").enabled


def test_the_question_is_asked_once(begin: Begin, home: Path, wait_until: Wait) -> None:
    # what a home that was used before holds; what it leads to does not matter here
    (home / "config").mkdir(parents=True)
    facts = {"title": "Team", "kind": "server", "host": "127.0.0.1", "port": 1, "database": "x", "user": "x", "sslmode": "prefer"}
    (home / "config" / "profile.json").write_text(json.dumps(facts), encoding="utf-8")
    (home / "config" / "profile.json").chmod(0o600)
    session = begin()
    wait_until(session.window.failure.isVisible, timeout=20)
    assert session.window.findChild(FirstRunPage) is None


@pytest.mark.parametrize("way", ["files", "environment"])
def test_whoever_says_what_to_do_is_not_asked(
    begin: Begin, home: Path, way: str, monkeypatch: pytest.MonkeyPatch, wait_until: Wait, tmp_path: Path
) -> None:
    if way == "environment":
        monkeypatch.setenv("LECTERN_DSN", "postgresql://nobody@127.0.0.1:1/none?connect_timeout=2")
        session = begin()
        wait_until(session.window.failure.isVisible, timeout=20)
    else:
        session = begin(tmp_path / "a.txt")
        wait_until(lambda: session.window.page is not None, timeout=60)
    assert session.window.findChild(FirstRunPage) is None


@pytest.mark.trace("A4")
def test_a_server_is_tried_kept_without_its_password_and_opened(
    staffed: Team,  # noqa: F811  # the fixture
    asked: tuple[Session, FirstRunPage],
    home: Path,
    wait_until: Wait,
) -> None:
    session, page = asked
    fill(page, staffed, password="pass-adm")
    page.test.click()
    wait_until(lambda: "The login works as administrator." in page.form.findings.sentences, timeout=20)
    assert not (home / "config" / "profile.json").exists()
    page.save.click()
    wait_until(lambda: session.window.page is not None and session.window.page.loaded, timeout=30)
    assert session.window.acting.signed_in.role == "admin"
    stored = (home / "config" / "profile.json").read_text(encoding="utf-8")
    assert json.loads(stored)["user"] == "adm"
    assert "pass-adm" not in stored
    assert Vault(home).get("server-password") == "pass-adm"
    assert page.form.password.text() == ""


def test_a_server_that_refuses_is_not_kept_and_what_was_typed_stays(
    staffed: Team,  # noqa: F811  # the fixture
    asked: tuple[Session, FirstRunPage],
    home: Path,
    wait_until: Wait,
) -> None:
    session, page = asked
    fill(page, staffed, password="wrong")
    page.save.click()
    assert not page.save.isEnabled()
    wait_until(lambda: page.form.findings.sentences == ("The login or its password is wrong.",), timeout=20)
    assert (page.form.user.text(), page.form.password.text()) == ("adm", "wrong")
    assert not (home / "config" / "profile.json").exists()
    assert page.isVisible()
    page.form.password.setText("pass-adm")
    assert page.form.findings.sentences == ()
    page.save.click()
    wait_until(lambda: session.window.page is not None, timeout=30)


def test_off_this_computer_nothing_less_than_a_proven_name_is_accepted(asked: tuple[Session, FirstRunPage], wait_until: Wait) -> None:
    _, page = asked
    page.elsewhere.click()
    for line, text in ((page.form.host, "db.example.org"), (page.form.database, "lectern"), (page.form.user, "ana")):
        line.setText(text)
    page.form.sslmode.choose("prefer")
    page.test.click()
    wait_until(lambda: "must be verify-full" in " ".join(page.form.findings.sentences), timeout=20)
    page.form.port.setText("70000")
    page.test.click()
    wait_until(lambda: "from 1 to 65535" in " ".join(page.form.findings.sentences), timeout=20)


def test_the_server_form_goes_back_and_keeps_what_was_typed(asked: tuple[Session, FirstRunPage]) -> None:
    _, page = asked
    page.elsewhere.click()
    assert not page.save.isEnabled()
    page.form.host.setText("db.example.org")
    page.back.click()
    assert page.here.isVisible()
    page.elsewhere.click()
    assert page.form.host.text() == "db.example.org"


def test_a_window_opens_again_with_what_was_changed_about_its_profile(
    asked: tuple[Session, FirstRunPage], home: Path, wait_until: Wait
) -> None:
    session, page = asked
    page.here.click()
    wait_until(lambda: session.window.page is not None and session.window.page.loaded, timeout=60)
    assert session.window.top.crumbs.accessibleName().startswith("You are here: This computer")
    Profiles(home).edit("", title="Reading room", production=True)
    session.profiles.reopen_wanted.emit()
    wait_until(lambda: session.window.top.crumbs.accessibleName().startswith("You are here: Reading room"), timeout=30)
    wait_until(lambda: session.window.page is not None and session.window.page.loaded, timeout=30)
    assert session.window.top.mark.text() == "Production"
    assert session.window.acting.signed_in.reason_required


def test_tables_of_an_older_version_on_a_server_fill_the_window_and_name_what_its_owner_does(
    start_server: StartServer, tmp_path: Path, begin: Begin, home: Path, wait_until: Wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = start_server(tmp_path / "server")
    with psycopg.connect(server.admin_dsn, autocommit=True) as conn:
        conn.execute("CREATE ROLE adm LOGIN PASSWORD 'pass-adm' IN ROLE lectern_administrator")
    monkeypatch.setenv("LECTERN_DSN", make_conninfo(server.admin_dsn, user="adm", password="pass-adm", passfile=None))
    session = begin()
    wait_until(session.window.failure.isVisible, timeout=30)
    failure = session.window.failure
    assert failure.heading.text() == "The database is of an older version"
    assert "lecternctl migrate" in f"{failure.sentence.text()} {failure.advice.text()}"
    assert failure.retry.isVisible()
    assert failure.other.isVisible()
