"""Who may look: signing in, the lock, the end of a session, and the questions an action may be stopped by."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import psycopg
import pytest
import shiboken6
from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication, QLineEdit
from pytestqt.qtbot import QtBot

from backend_core.backend import Backend
from backend_core.db.embedded import EmbeddedServer
from backend_core.policy import Actor
from desktop.background import Background
from desktop.gate import Gate, who_is_here
from desktop.main_window import MainWindow
from desktop.pages.operators.page import OperatorsPage
from desktop.style import Theme
from desktop.style.window_state import WindowState
from desktop.widgets.asking import ProofDialog, ReasonDialog
from desktop.widgets.dialogs import Dialog
from tests.postgres import StartServer

Wait = Callable[..., None]
PASSWORD, OTHER = "a long enough secret", "another long secret"


class Clock:
    """Seconds that pass when they are told to."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Idle:
    """No background worker: nothing here needs one, and each would take seconds to end."""

    def ensure(self) -> bool:
        return False

    def close(self) -> None:
        """There is nothing to end."""


@dataclass
class Desk:
    """A window with its gate, and a clock for the idle time."""

    window: MainWindow
    gate: Gate
    clock: Clock
    backend: Backend
    wait: Wait

    def admit(self) -> None:
        self.gate.admit(self.backend, *who_is_here(self.backend))
        self.quiet()

    def quiet(self) -> None:
        self.wait(lambda: not self.window._background.pending, timeout=20)

    def sign_in(self, name: str, password: str) -> None:
        self.gate.page.name.setText(name)
        self.gate.page.password.setText(password)
        self.gate.page.go.click()
        self.wait(lambda: not self.gate.page._busy or not self.window.covered, timeout=20)
        self.quiet()

    @property
    def asks(self) -> bool:
        return self.window.covered and self.gate.page.isVisible()


@pytest.fixture
def desk(theme: Theme, background: Background, backend: Backend, wait_until: Wait, qtbot: QtBot) -> Iterator[Desk]:
    backend.worker = Idle()
    window = MainWindow(theme=theme, background=background, state=WindowState(page="operators"))
    clock = Clock()
    gate = Gate(window, background, clock=clock)
    window.resize(1200, 800)
    window.show()
    yield Desk(window, gate, clock, backend, wait_until)
    gate.close()
    window.release()
    wait_until(lambda: not background.pending, timeout=20)
    window.hide()
    shiboken6.delete(window)


@pytest.fixture
def boss(backend: Backend, actor: Actor) -> Actor:
    """The user of this computer, who from now on has a password, and Ana, who supports."""
    admin = replace(actor, reason="Set-up.")
    backend.access.add("Ana Silva", role="support", password=PASSWORD, actor=admin)
    signed = backend.access.change_password("", OTHER, actor=admin)
    assert signed is not None
    return signed.actor


def test_the_user_of_this_computer_comes_in_without_a_question_and_cannot_lock(desk: Desk) -> None:
    desk.admit()
    assert not desk.window.covered
    desk.gate.lock()
    assert not desk.gate.locked
    assert not desk.window.commands.get("gate.lock").enabled


def test_a_log_that_a_witness_contradicts_is_said_at_the_start(desk: Desk, backend: Backend, clean: EmbeddedServer) -> None:
    backend.access.sign_in_here()
    assert backend.seals.seal() > 0
    with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
        conn.execute("SET session_replication_role = replica")
        for table in ("audit_seal", "audit_position", "audit_event"):
            conn.execute(f"DELETE FROM {table}")
    desk.admit()
    desk.wait(lambda: "audit log is not what" in desk.window.banner.words.text(), timeout=20)


def test_with_a_password_the_window_asks_and_lets_nobody_else_in(desk: Desk, boss: Actor) -> None:
    desk.admit()
    assert desk.asks
    desk.sign_in("Ana Silva", "wrong wrong wrong")
    assert desk.asks
    assert desk.gate.page.problem.text().startswith("Name or password is wrong.")
    desk.sign_in("nobody at all", "wrong wrong wrong")
    assert desk.gate.page.problem.text().startswith("Name or password is wrong.")
    desk.sign_in("Ana Silva", PASSWORD)
    assert not desk.asks
    assert desk.window.acting.signed_in.name == "Ana Silva"
    assert desk.window.page is not None
    assert desk.window.page.key == "overview", "support has no page of operators"
    desk.window.navigate("operators")
    assert desk.window.page.key == "overview"
    assert not desk.window.commands.get("go.operators").enabled


def test_a_session_goes_on_at_the_next_start_until_it_is_revoked(desk: Desk, boss: Actor, backend: Backend) -> None:
    desk.admit()
    desk.sign_in("Ana Silva", PASSWORD)
    kept, why = who_is_here(backend)
    assert (kept.name, why) == ("Ana Silva", "")
    backend.access.revoke_session(kept.session, actor=boss)
    assert who_is_here(backend)[0] is None


def test_the_lock_covers_everything_and_keeps_what_was_open(desk: Desk, boss: Actor, wait_until: Wait) -> None:
    desk.admit()
    desk.sign_in(boss.name, OTHER)
    page = desk.window.page
    assert isinstance(page, OperatorsPage)
    page.search.setText("half a sen")
    page.ask_new()
    assert page.dialog is not None
    page.dialog.name.setText("Ben")  # type: ignore[union-attr]  # it is the dialog for a new operator
    desk.clock.now += 9 * 60
    desk.gate.tick()
    assert not desk.gate.locked
    desk.clock.now += 61
    desk.gate.tick()
    assert desk.gate.locked
    assert desk.asks
    assert not page.isVisible()
    assert not page.dialog.isVisible()
    desk.window.commands.run("app.palette")
    assert desk.window.palette_overlay is None or not desk.window.palette_overlay.isVisible()
    desk.sign_in(boss.name, "wrong wrong wrong")
    assert desk.asks
    desk.sign_in(boss.name, OTHER)
    assert not desk.gate.locked
    assert desk.window.page is page
    assert page.search.text() == "half a sen"
    assert page.dialog.isVisible()
    assert page.dialog.name.text() == "Ben"  # type: ignore[union-attr]  # see above
    page.dialog.close()


def test_input_keeps_the_window_open(desk: Desk, boss: Actor) -> None:
    desk.admit()
    desk.sign_in(boss.name, OTHER)
    desk.clock.now += 9 * 60
    QApplication.sendEvent(desk.window, QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_Shift, Qt.KeyboardModifier.NoModifier))
    desk.clock.now += 2 * 60
    desk.gate.tick()
    assert not desk.gate.locked


def test_a_revoked_session_is_noticed_and_nothing_typed_is_lost(desk: Desk, boss: Actor, backend: Backend, wait_until: Wait) -> None:
    desk.admit()
    desk.sign_in(boss.name, OTHER)
    page = desk.window.page
    assert isinstance(page, OperatorsPage)
    page.search.setText("half a sen")
    other = backend.access.sign_in(boss.name, OTHER).actor
    backend.access.revoke_session(desk.window.acting.signed_in.session, actor=other)
    desk.gate.check()
    wait_until(lambda: desk.asks, timeout=20)
    assert desk.gate.page.name.text() == boss.name
    desk.sign_in(boss.name, OTHER)
    assert desk.window.page is page
    assert page.search.text() == "half a sen"


def test_somebody_else_gets_fresh_pages(desk: Desk, boss: Actor) -> None:
    desk.admit()
    desk.sign_in(boss.name, OTHER)
    page = desk.window.page
    desk.gate.lock()
    desk.gate.page.other.click()
    assert not desk.gate.page.name.isReadOnly()
    desk.sign_in("Ana Silva", PASSWORD)
    assert not desk.asks
    assert page is None or not shiboken6.isValid(page) or page is not desk.window.page
    assert desk.window.acting.signed_in.role == "support"


def test_signing_out_ends_the_session_and_forgets_it(desk: Desk, boss: Actor, backend: Backend) -> None:
    desk.admit()
    desk.sign_in("Ana Silva", PASSWORD)
    desk.gate.sign_out()
    desk.quiet()
    assert desk.asks
    assert who_is_here(backend)[0] is None
    assert backend.access.sessions(actor=boss, operator_id=boss.operator_id) != ()


def test_files_handed_over_while_nobody_is_in_wait_for_somebody(desk: Desk, boss: Actor, backend: Backend, tmp_path: Any) -> None:
    desk.admit()
    path = tmp_path / "Waiting.txt"
    path.write_text("A page.")
    desk.window.open_files([path])
    desk.quiet()
    assert backend.documents.listing(actor=boss).total == 0
    desk.sign_in("Ana Silva", PASSWORD)
    desk.wait(lambda: backend.documents.listing(actor=boss).total == 1, timeout=20)


def shown_dialog(window: MainWindow, kind: type[Dialog]) -> Any:
    return next((one for one in window.findChildren(kind) if one.isVisible()), None)


def test_an_action_that_needs_reason_and_password_goes_on_with_both(desk: Desk, boss: Actor, backend: Backend, wait_until: Wait) -> None:
    desk.admit()
    desk.sign_in(boss.name, OTHER)
    desk.window.acting.signed_in = replace(desk.window.acting.signed_in, proven_until=None)
    page = desk.window.page
    assert isinstance(page, OperatorsPage)
    wait_until(lambda: page.loaded and len(page.lines) == 2, timeout=20)
    ana = next(line.operator for line in page.lines if line.operator.name == "Ana Silva")
    page._do(lambda access, actor: access.set_role(ana.id, "auditor", actor=actor))
    wait_until(lambda: shown_dialog(desk.window, ReasonDialog), timeout=20)
    why = shown_dialog(desk.window, ReasonDialog)
    assert not why.go.isEnabled()
    why.field.setText("OPS-318")
    why.go.click()
    wait_until(lambda: shown_dialog(desk.window, ProofDialog), timeout=20)
    proof = shown_dialog(desk.window, ProofDialog)
    assert proof.field.echoMode() == QLineEdit.EchoMode.Password
    proof.field.setText("wrong wrong wrong")
    proof.go.click()
    wait_until(proof.problem.isVisible, timeout=20)
    proof.field.setText(OTHER)
    proof.go.click()
    wait_until(lambda: next(one.role for one in backend.access.listing(actor=boss) if one.id == ana.id) == "auditor", timeout=20)
    row = next(row for row in backend.audit.latest(actor=boss) if row.action == "operator.role")
    assert (row.reason, row.actor) == ("OPS-318", boss.name)
    desk.quiet()
    # the proof holds for a while, the reason was for this once
    page._do(lambda access, actor: access.set_role(ana.id, "support", actor=actor))
    wait_until(lambda: shown_dialog(desk.window, ReasonDialog), timeout=20)
    shown_dialog(desk.window, ReasonDialog).reject()
    desk.quiet()
    assert next(one.role for one in backend.access.listing(actor=boss) if one.id == ana.id) == "auditor"


def test_cancelling_the_question_changes_nothing_and_says_nothing(desk: Desk, boss: Actor, backend: Backend, wait_until: Wait) -> None:
    desk.admit()
    desk.sign_in(boss.name, OTHER)
    page = desk.window.page
    assert isinstance(page, OperatorsPage)
    wait_until(lambda: page.loaded and len(page.lines) == 2, timeout=20)
    page._do(lambda access, actor: access.disable(page.lines[0].id, actor=actor))
    wait_until(lambda: shown_dialog(desk.window, ReasonDialog), timeout=20)
    shown_dialog(desk.window, ReasonDialog).reject()
    desk.quiet()
    assert not any(one.disabled for one in backend.access.listing(actor=boss))
    assert desk.window.toasts.shown == []


@pytest.mark.logs("error connecting", "embedded server does not start", "terminating connection", "discarding")
def test_a_server_that_is_away_keeps_what_was_typed_and_signs_in_when_it_is_back(
    theme: Theme, background: Background, start_server: StartServer, tmp_path: Any, wait_until: Wait, qtbot: QtBot
) -> None:
    from backend_core.backend import open_backend
    from backend_core.db import embedded
    from backend_core.settings import load_settings

    home = tmp_path / "home"
    server: EmbeddedServer = start_server(home)
    with open_backend(load_settings(home=home, pool_timeout_s=1.0), application="desktop") as backend:
        admin = replace(backend.actor(), reason="Set-up.")
        backend.access.add("Ana Silva", role="support", password=PASSWORD, actor=admin)
        backend.access.change_password("", OTHER, actor=admin)
        backend.worker = Idle()
        window = MainWindow(theme=theme, background=background, state=WindowState())
        gate = Gate(window, background)
        window.show()
        gate.admit(backend, *who_is_here(backend))
        embedded.stop(home, force=True)
        gate.page.name.setText("Ana Silva")
        gate.page.password.setText(PASSWORD)
        gate.page.go.click()
        wait_until(lambda: "What you typed is kept" in gate.page.problem.text(), timeout=30)
        assert (gate.page.name.text(), gate.page.password.text()) == ("Ana Silva", PASSWORD)
        assert window.covered
        start_server(home)
        wait_until(lambda: not window.covered, timeout=40)
        assert window.acting.signed_in.name == "Ana Silva"
        gate.close()
        window.release()
        wait_until(lambda: not background.pending, timeout=30)
        window.hide()
        shiboken6.delete(window)
        assert isinstance(gate, QObject)
    assert server.pid
