"""Who may look: lets people in, locks the window when nobody uses it, and asks again when a session has ended."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import QEvent, QObject, QPoint, QTimer
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QApplication, QDialog, QMenu, QWidget

from backend_core.errors import LecternError, SignInNeeded
from desktop.background import Background
from desktop.i18n import tr
from desktop.main_window import MainWindow
from desktop.password_dialog import PasswordDialog
from desktop.sign_in import SignInPage

if TYPE_CHECKING:
    from backend_core.access.records import SignedIn
    from backend_core.backend import Backend

_log = logging.getLogger(__name__)
TOKEN: Final = "session"  # noqa: S105 - the name it is kept under
CHECK_MS: Final = 20_000
_TICK_MS: Final = 1_000
_MINUTE_S: Final = 60.0
_INPUT: Final = frozenset(
    {QEvent.Type.KeyPress, QEvent.Type.MouseButtonPress, QEvent.Type.MouseMove, QEvent.Type.Wheel, QEvent.Type.TouchBegin}
)


def who_is_here(backend: Backend) -> tuple[Any, str]:
    """Return whom the computer vouches for or whose session goes on, or None and why somebody has to sign in; run in a worker.

    Raises:
        NotAllowed: this person is no operator and cannot become one by a password.
        DatabaseAway: nobody can tell.
    """
    try:
        return backend.access.sign_in_here(), ""
    except SignInNeeded as error:
        token = _stored(backend)
        if token:
            try:
                return backend.access.resume(token), ""
            except SignInNeeded as ended:
                return None, str(ended)
        return None, str(error)


class Gate(QObject):
    """The sign-in page over the window, and what brings it there.

    Args:
        clock: seconds that never go back.
    """

    def __init__(self, window: MainWindow, background: Background, *, clock: Any = time.monotonic) -> None:
        super().__init__(window)
        self._window, self._background, self._clock = window, background, clock
        self._backend: Any = None
        self._was: Any = None
        self._locked = False
        self._needs_password = False
        self._idle_s: float | None = None
        self._last_input = clock()
        self._hidden: list[QDialog] = []
        self.page = SignInPage()
        self.page.setParent(window)
        self.page.hide()
        self.page.submitted.connect(self._submit)
        self.page.other_wanted.connect(self._other)
        self._ticks = QTimer(self)
        self._ticks.setInterval(_TICK_MS)
        self._ticks.timeout.connect(self.tick)
        self._checks = QTimer(self)
        self._checks.setInterval(CHECK_MS)
        self._checks.timeout.connect(self.check)
        background.session_ended.connect(self._session_ended)
        window.top.person.clicked.connect(self._show_menu)
        self._add_commands()

    def admit(self, backend: Any, actor: Any, why: str) -> None:
        """Show the pages to ``actor``, or ask who is there."""
        self._backend = backend
        if actor is None:
            self.page.ask(why)
            self._window.cover(self.page)
        else:
            self._let_in(actor)

    @property
    def locked(self) -> bool:
        """Whether the window waits for the password of the person who is signed in."""
        return self._locked

    def lock(self) -> None:
        """Cover the window until the person proves who they are; without a password there is nothing to ask for."""
        if self._was is None or self._locked or self._window.covered or not self._needs_password:
            return
        self._locked = True
        self.page.ask_unlock(self._was.name)
        self._cover()

    def sign_out(self) -> None:
        """End the session, forget the person, and ask who comes next."""
        backend, actor = self._backend, self._was
        if actor is None or not self._needs_password:
            return

        def work() -> None:
            _forget(backend)
            backend.access.sign_out(actor)

        self._background.run(self, work, lambda _: None, lambda _error: None)
        self._leave(tr("You are signed out."))

    def close(self) -> None:
        """Stop watching."""
        self._ticks.stop()
        self._checks.stop()
        app = QApplication.instance()
        if app is not None:
            app.removeEventFilter(self)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        """Note that somebody is there."""
        if event.type() in _INPUT:
            self._last_input = self._clock()
        return False

    def tick(self) -> None:
        """Lock when nobody did anything for too long."""
        if self._idle_s is not None and self._clock() - self._last_input >= self._idle_s:
            self.lock()

    def check(self) -> None:
        """Ask whether the session still holds, and after how long the window locks."""
        backend, actor = self._backend, self._window.acting.signed_in
        if actor is None or (self._window.covered and not self._locked):
            return

        def work() -> tuple[bool, float]:
            backend.access.check(actor)
            return backend.access.needs_password(actor), backend.house.current().idle_lock_minutes * _MINUTE_S

        # a server that is away has its own banner
        self._background.run(self, work, self._learn, lambda _error: None, key="check")

    # -- inside

    def _learn(self, facts: tuple[bool, float]) -> None:
        self._needs_password = facts[0]
        self._idle_s = facts[1] if facts[0] else None
        for key in ("gate.lock", "gate.sign_out"):
            self._window.commands.set_enabled(key, on=self._needs_password)

    def _submit(self, name: str, password: str) -> None:
        backend, was = self._backend, self._was
        if self._locked:
            self._background.run(self, lambda: backend.access.prove(was, password), self._unlocked, self._refused, key="enter")
        else:
            self._background.run(self, lambda: _sign_in(backend, name, password), self._signed_in, self.page.show_error, key="enter")

    def _refused(self, error: LecternError) -> None:
        if isinstance(error, SignInNeeded):
            self._locked = False
            self.page.ask(str(error), name=self._was.name)
        else:
            self.page.show_error(error)

    def _unlocked(self, actor: Any) -> None:
        self._locked = False
        self._window.acting.signed_in = self._was = actor
        self._uncover()

    def _signed_in(self, signed: SignedIn) -> None:
        same = self._was is not None and self._was.operator_id == signed.actor.operator_id and self._was.role == signed.actor.role
        if same:
            self._window.acting.signed_in = self._was = signed.actor
            self._uncover()
            self._window.refresh()
            self.check()
        else:
            self._window.end()
            self._let_in(signed.actor)
        if signed.must_change:
            self.change_password()

    def change_password(self) -> None:
        """Ask for another password."""
        backend = self._backend

        def work(old: str, new: str) -> SignedIn | None:
            signed: SignedIn | None = backend.access.change_password(old, new, actor=self._window.acting.signed_in)
            if signed is not None and signed.token:
                _store(backend, signed.token)
            return signed

        def done(signed: SignedIn | None) -> None:
            if signed is not None:
                self._window.acting.signed_in = self._was = signed.actor
            self._window.notify(tr("Your password was changed."))
            self.check()

        PasswordDialog(self._window, self._background, first=not self._needs_password, work=work, done=done).open()

    def _let_in(self, actor: Any) -> None:
        self._was, self._locked = actor, False
        self._uncover()
        self._window.start(self._backend, actor)
        self._last_input = self._clock()
        app = QApplication.instance()
        if app is not None:
            app.installEventFilter(self)
        self._ticks.start()
        self._checks.start()
        self.check()
        self._ask_witnesses()

    def _ask_witnesses(self) -> None:
        """Say at once when a place that remembers the audit log contradicts it, whoever it is that looks."""
        backend, window = self._backend, self._window

        def tell(witnesses: tuple[Any, ...]) -> None:
            against = [one.name for one in witnesses if one.problems]
            if against:
                words = tr("The audit log is not what {name} remembers: it may have been altered or put back.", name=", ".join(against))
                window.banner.show_state(words, tone="bad", action=tr("Audit log"), on_action=lambda: window.navigate("audit"))

        self._background.run(self, lambda: backend.seals.witnesses(actor=backend.system()), tell, lambda _error: None, key="witnesses")

    def _session_ended(self) -> None:
        if self._was is None or (self._window.covered and not self._locked):
            return
        self._locked = False
        self.page.ask(tr("Your session has ended. What you had open is still there."), name=self._was.name)
        self._cover()

    def _other(self) -> None:
        self._leave("")

    def _leave(self, why: str) -> None:
        self._was, self._locked = None, False
        for dialog in self._hidden:
            dialog.close()
        self._hidden.clear()
        self._window.end()
        self._window.acting.signed_in = None
        self.page.ask(why)
        self._window.cover(self.page)

    def _cover(self) -> None:
        # a dialog is a window of its own and would stay readable beside the cover
        for widget in QApplication.topLevelWidgets():
            if isinstance(widget, QDialog | QMenu) and widget.isVisible():
                widget.hide()
                if isinstance(widget, QDialog):
                    self._hidden.append(widget)
        self._window.cover(self.page)

    def _uncover(self) -> None:
        self._last_input = self._clock()
        self._window.uncover()
        for dialog in self._hidden:
            dialog.show()
        self._hidden.clear()

    def _add_commands(self) -> None:
        add, group = self._window.commands.add, tr("Lectern")
        add("gate.lock", title=tr("Lock the window"), run=self.lock, group=group, shortcut="Ctrl+Shift+K", icon="lock", enabled=False)
        add("gate.password", title=tr("Change my password"), run=self.change_password, group=group, icon="key-round")
        add("gate.sign_out", title=tr("Sign out"), run=self.sign_out, group=group, icon="log-out", enabled=False)

    def _show_menu(self) -> None:
        menu = QMenu(self._window)
        actor = self._window.acting.signed_in
        words = QAction(f"{actor.name}, {actor.role}".replace("&", "&&"), menu)
        words.setEnabled(False)
        menu.addAction(words)
        if not self._needs_password:
            plain = QAction(tr("Signed in as the user of this computer"), menu)
            plain.setEnabled(False)
            menu.addAction(plain)
        menu.addSeparator()
        for key in ("gate.password", "gate.lock", "gate.sign_out"):
            menu.addAction(self._window.commands.get(key).action)
        menu.aboutToHide.connect(menu.deleteLater)
        person: QWidget = self._window.top.person
        menu.popup(person.mapToGlobal(QPoint(0, person.height() + 4)))


def _sign_in(backend: Any, name: str, password: str) -> SignedIn:
    signed: SignedIn = backend.access.sign_in(name, password)
    if signed.token:
        _store(backend, signed.token)
    return signed


def _stored(backend: Any) -> str | None:
    try:
        token: str | None = backend.credentials.get(TOKEN)
    except LecternError as error:
        _log.warning("the stored session cannot be read: %s", error.code)
        return None
    return token


def _store(backend: Any, token: str) -> None:
    try:
        backend.credentials.set(TOKEN, token)
    except LecternError as error:
        # the person is signed in all the same, and asked again at the next start
        _log.warning("the session cannot be kept: %s", error.code)


def _forget(backend: Any) -> None:
    try:
        backend.credentials.delete(TOKEN)
    except LecternError as error:
        _log.warning("the stored session cannot be removed: %s", error.code)
