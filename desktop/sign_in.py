"""The page that asks who somebody is: at the start, after a session ended, and over a window that was left alone."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QWidget

from backend_core.errors import LecternError, Unavailable
from desktop.i18n import duration, tr
from desktop.widgets.asking import PasswordField, password_row
from desktop.widgets.button import Button
from desktop.widgets.field import Field
from desktop.widgets.label import IconTile, PlainLabel
from desktop.widgets.layout import column, holder, row

WIDTH: Final = 360
RETRY_S: Final = (1, 2, 5, 10)
_SECOND_MS: Final = 1_000


class SignInPage(QWidget):
    """Name and password; what was typed stays while the server is away, and the attempt is repeated by itself."""

    submitted = Signal(str, str)
    """name, password"""
    other_wanted = Signal()
    """Somebody else than the person who locked the window wants to sign in."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("shell")
        self.setAccessibleName(tr("Sign in"))
        self.heading, self.sentence = PlainLabel(tr("Sign in"), "title"), PlainLabel("", "muted", wrap=True)
        self.name, self.password = Field(name=tr("Name or e-mail")), PasswordField(name=tr("Password"))
        self.problem = PlainLabel("", "small", tone="bad", wrap=True)
        self.go = Button(tr("Sign in"), "primary", icon_name="log-in", on_click=self._submit)
        self.other = Button(tr("Sign in as somebody else"), "link", on_click=self.other_wanted.emit)
        self._attempts = 0
        self._left = 0
        self._away = False
        self._busy = False
        self._clock = QTimer(self)
        self._clock.setInterval(_SECOND_MS)
        self._clock.timeout.connect(self._tick)
        self._build()
        for field in (self.name, self.password):
            field.textChanged.connect(self._check)
            field.returnPressed.connect(self._submit)
        self.ask()

    def ask(self, sentence: str = "", *, name: str = "") -> None:
        """Ask for name and password from the beginning; ``name`` is filled in already."""
        self._reset(tr("Sign in"), sentence or tr("Lectern keeps a record of who did what, so it has to know who you are."))
        self.name.setReadOnly(False)
        self.name.setText(name)
        self.go.set_caption(tr("Sign in"))
        self.other.hide()
        (self.password if name else self.name).setFocus()

    def ask_unlock(self, name: str) -> None:
        """Ask the person who is signed in for the password."""
        self._reset(tr("Locked"), tr("Nobody used this window for a while. Nothing was lost."))
        self.name.setText(name)
        self.name.setReadOnly(True)
        self.go.set_caption(tr("Unlock"))
        self.other.show()
        self.password.setFocus()

    def show_error(self, error: LecternError) -> None:
        """Say what was wrong; a server that is away is asked again by itself, waits after wrong passwords count down."""
        self._busy = False
        wait_s = float(getattr(error, "wait_s", 0.0))
        self._away = isinstance(error, Unavailable)
        if self._away:
            self._left = RETRY_S[min(self._attempts, len(RETRY_S) - 1)]
            self._attempts += 1
        else:
            self._left = round(wait_s + 0.499)
            self._attempts = 0
            self.password.selectAll()
            self.password.setFocus()
        self._sentence = str(error)
        self._show_problem()
        if self._left:
            self._clock.start()
        self._check()

    def hideEvent(self, event: QHideEvent) -> None:
        """Forget the password as soon as nobody sees the page."""
        super().hideEvent(event)
        self._clock.stop()
        self.password.clear()

    def showEvent(self, event: QShowEvent) -> None:
        """Put the caret where typing begins."""
        super().showEvent(event)
        (self.password if self.name.text() else self.name).setFocus()

    def _build(self) -> None:
        form = column(
            PlainLabel(tr("Name or e-mail"), "small"),
            self.name,
            4,
            PlainLabel(tr("Password"), "small"),
            password_row(self.password),
            self.problem,
            6,
            self.go,
            row(None, self.other, None),
            gap=6,
        )
        inner = holder(column(row(IconTile("book-audio", "info", size=48), None), self.heading, self.sentence, 6, form, gap=8))
        inner.setFixedWidth(WIDTH)
        middle = row(None, inner, None)
        middle.setAlignment(inner, Qt.AlignmentFlag.AlignVCenter)
        self.setLayout(column(None, middle, None, None, gap=0))

    def _reset(self, heading: str, sentence: str) -> None:
        self.heading.setText(heading)
        self.sentence.setText(sentence)
        self.password.clear()
        self.problem.setText("")
        self.problem.hide()
        self._clock.stop()
        self._left, self._attempts, self._away, self._busy = 0, 0, False, False
        self._check()

    def _check(self) -> None:
        ready = bool(self.name.text().strip() and self.password.text()) and not self._busy
        self.go.setEnabled(ready and (self._away or not self._left))

    def _submit(self) -> None:
        if self.go.isEnabled():
            self._clock.stop()
            self._busy, self._left = True, 0
            self._check()
            self.submitted.emit(self.name.text().strip(), self.password.text())

    def _tick(self) -> None:
        self._left = max(0, self._left - 1)
        self._show_problem()
        if not self._left:
            self._clock.stop()
            self._check()
            if self._away:
                self._submit()

    def _show_problem(self) -> None:
        if self._away:
            words = tr("{sentence} What you typed is kept; next attempt in {time}.", sentence=self._sentence, time=duration(self._left))
        elif self._left:
            words = tr("{sentence} The next attempt is possible in {time}.", sentence=self._sentence, time=duration(self._left))
        else:
            words = self._sentence
        self.problem.setText(words)
        self.problem.show()
