"""The first question of a new home: on this computer, or on a server?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import QStackedWidget, QWidget

from backend_core.access.here import os_user
from backend_core.errors import LecternError
from backend_core.homes import split_home
from desktop.background import Background
from desktop.i18n import tr
from desktop.widgets.badge import Badge
from desktop.widgets.button import Button
from desktop.widgets.label import IconLabel, IconTile, PlainLabel
from desktop.widgets.layout import Item, column, holder, row
from desktop.widgets.scroll import scrolling
from desktop.widgets.server_form import ServerForm

if TYPE_CHECKING:
    from backend_core.profiles.trial import Trial

_CARD: Final = 372
_FORM: Final = 560
_GAP: Final = 16


class FirstRunPage(QWidget):
    """Fills the window until somebody chose; ``decided`` fires when the home knows where its data is."""

    decided = Signal()

    def __init__(self, background: Background, home: Path) -> None:
        super().__init__()
        self.setObjectName("shell")
        self.setAccessibleName(tr("Welcome"))
        self._background, self._home = background, home
        self.here = Button(tr("Use this computer"), "primary", icon_name="laptop", on_click=self.decided.emit)
        self.elsewhere = Button(tr("Connect to a server"), icon_name="server", on_click=self._show_form)
        self.form = ServerForm()
        self.back = Button(tr("Back"), icon_name="chevron-left", on_click=self._show_choice)
        self.test = Button(tr("Test"), icon_name="plug", on_click=self._test)
        self.save = Button(tr("Save and open"), "primary", icon_name="check", on_click=self._save)
        self._stack = QStackedWidget()
        self._stack.addWidget(_middle(self._choice()))
        self._stack.addWidget(scrolling(_middle(self._server())))
        self.setLayout(column((self._stack, 1)))
        self.form.changed.connect(self._check)
        self.form.submitted.connect(self._save)
        self._check()

    def hideEvent(self, event: QHideEvent) -> None:
        """Forget the password as soon as nobody sees the page."""
        super().hideEvent(event)
        self.form.password.clear()

    def _choice(self) -> QWidget:
        cards = row(self._here_card(), self._server_card(), gap=_GAP, stretch_height=True)
        words = PlainLabel(tr("Where shall documents and everything else be kept? Further places can be added later."), "muted")
        return holder(column(_logo(), 4, PlainLabel(tr("Welcome to Lectern"), "title"), words, 12, cards, gap=6))

    def _here_card(self) -> QWidget:
        facts = (
            tr("{user}, the user of this computer, becomes the first administrator.", user=os_user()),
            tr("No password is asked for until one is set; it can be set at any time."),
        )
        words = tr("Database and files are kept in your own folder. No account, no network, nothing to set up.")
        return _card("laptop", tr("This computer"), words, facts, self.here, Badge(tr("recommended"), "ok"))

    def _server_card(self) -> QWidget:
        facts = (
            tr("The login decides whether you are support, administrator or auditor."),
            tr("Its password is kept by the system's keyring where there is one, never in a settings file."),
        )
        words = tr("A PostgreSQL that a team shares. Its administrator gives you a login.")
        return _card("server", tr("Server"), words, facts, self.elsewhere)

    def _server(self) -> QWidget:
        heading = PlainLabel(tr("Connect to a server"), "title")
        words = PlainLabel(
            tr("Ask the server's administrator for these. Nothing is saved before the server let you in."), "muted", wrap=True
        )
        inside = holder(
            column(self.form, row(self.back, None, self.test, self.save), gap=_GAP, margins=20),
            name="card",
        )
        whole = holder(column(_logo(), 4, heading, words, 12, inside, gap=6))
        whole.setFixedWidth(_FORM)
        return whole

    def _show_form(self) -> None:
        self._stack.setCurrentIndex(1)
        self.form.host.setFocus()

    def _show_choice(self) -> None:
        self._stack.setCurrentIndex(0)

    def _check(self) -> None:
        for button in (self.test, self.save):
            button.setEnabled(self.form.complete)

    def _test(self) -> None:
        self._try(save=False)

    def _save(self) -> None:
        if self.form.complete:
            self._try(save=True)

    def _try(self, *, save: bool) -> None:
        for button in (self.test, self.save):
            button.setEnabled(False)
        self.form.findings.show_running()
        home, values, password = self._home, self.form.values(), self.form.secret()
        self._background.run(
            self,
            lambda: try_and_keep(home, values, password, keep=save),
            lambda trial: self._tried(trial, saved=save and trial.ok),
            self._failed,
            key="try",
        )

    def _tried(self, trial: Trial, *, saved: bool) -> None:
        self.form.findings.show_findings(trial.findings)
        self._check()
        if saved:
            self.decided.emit()

    def _failed(self, error: LecternError) -> None:
        self.form.findings.show_problem(str(error))
        self._check()


def try_and_keep(home: Path, values: dict[str, Any], password: str | None, *, keep: bool) -> Trial:
    """Try a server; where it lets this login in and ``keep`` is set, make it the place of ``home``. Run it in a worker.

    Raises:
        InvalidInput: a value that may not stand; the sentence names it.
        SecretsLocked: the password cannot be kept.
    """
    # in a worker: the driver is large, and the network slow
    from backend_core.profiles.records import ProfileFacts
    from backend_core.profiles.service import Profiles

    root, name = split_home(home)
    profiles = Profiles(root)
    title = str(values["host"])[:60]
    trial = profiles.test(ProfileFacts(name=name, title=title, **values), password=password)
    if keep and trial.ok:
        profiles.edit(name, password=password, title=title, **values)
    return trial


def _logo() -> QWidget:
    return holder(row(IconTile("book-audio", "info", size=48), None))


def _card(icon_name: str, title: str, words: str, facts: tuple[str, ...], button: Button, *marks: Item) -> QWidget:
    lines = []
    for fact in facts:
        line = row(gap=8)
        line.addWidget(IconLabel("check", "ok"), 0, Qt.AlignmentFlag.AlignTop)
        line.addWidget(PlainLabel(fact, "smalltext", wrap=True), 1)
        lines.append(holder(line))
    head = row(IconTile(icon_name, "info"), PlainLabel(title, "heading"), None, *marks, gap=12)
    card = holder(column(head, PlainLabel(words, "muted", wrap=True), *lines, None, 4, button, gap=12, margins=20), name="card")
    card.setFixedWidth(_CARD)
    return card


def _middle(inner: QWidget) -> QWidget:
    lane = row(None, inner, None)
    return holder(column(None, lane, None, None, margins=24))
