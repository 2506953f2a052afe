"""The list of profiles above the rail's card: switch to one, add, edit, test and remove them."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import QObject, QPoint, QProcess, QProcessEnvironment, QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QMenu, QSizePolicy, QWidget

from backend_core.errors import LecternError
from backend_core.homes import HOME_VARIABLE, split_home
from desktop.background import Background
from desktop.i18n import tr
from desktop.main_window import MainWindow
from desktop.profile_dialog import ProfileDialog, RemoveDialog, TrialDialog
from desktop.style import SEMIBOLD, tone_fill
from desktop.widgets import paint
from desktop.widgets.button import Button
from desktop.widgets.label import over
from desktop.widgets.layout import clear_layout, column, holder, row, rule
from desktop.widgets.overlay import Overlay

if TYPE_CHECKING:
    from backend_core.profiles.records import ProfileFacts
    from backend_core.profiles.service import Profiles
    from backend_core.profiles.trial import Trial

WIDTH: Final = 380
_ROW: Final = 52
_MARGIN: Final = 12
# A server named for this window alone must not become the server of every profile.
_OWN_VARIABLES: Final = ("LECTERN_DSN",)

Start = Callable[[Sequence[str], dict[str, str]], bool]


def start_process(command: Sequence[str], environment: dict[str, str]) -> bool:
    """Start another window, leave it to itself, and return whether that went well."""
    other = QProcess()
    other.setProgram(command[0])
    other.setArguments(list(command[1:]))
    values = QProcessEnvironment()
    for name, value in environment.items():
        values.insert(name, value)
    other.setProcessEnvironment(values)
    other.setWorkingDirectory(str(Path(__file__).parents[1]))
    other.setStandardInputFile(QProcess.nullDevice())
    other.setStandardOutputFile(QProcess.nullDevice())
    other.setStandardErrorFile(QProcess.nullDevice())
    # the type stubs promise a pair, the method of an instance answers with a truth value
    answer: object = other.startDetached()
    return bool(answer[0]) if isinstance(answer, tuple) else bool(answer)


class ProfileRow(QAbstractButton):
    """One profile: its colour, what it is called, where it leads, and what to mind."""

    def __init__(self, facts: ProfileFacts, *, here: bool) -> None:
        super().__init__()
        self._facts, self._here = facts, here
        self._below = place_of(facts)
        self.setAccessibleName(", ".join((facts.title, self._below, *(words for words, _ in self._marks()))))
        self.setFixedHeight(_ROW)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw dot, title, place and marks."""
        painter = QPainter(self)
        paint.begin(painter)
        whole = QRectF(self.rect())
        if self.underMouse() or self._here:
            paint.box(painter, whole, 8, fill="hover" if self.underMouse() else "accent_bg")
        if self.hasFocus():
            paint.box(painter, whole, 8, line="accent", width=2)
        tone = self._facts.colour
        dot = QRectF(12, _ROW / 2 - 6, 12, 12)
        if tone == "none":
            paint.box(painter, dot, 6, fill="surface", line="line2", width=2)
        else:
            paint.box(painter, dot, 6, fill=tone_fill(tone))
        right = whole.right() - 10
        for words, badge in self._marks():
            right -= paint.pill_width(words)
            paint.pill(painter, right, _ROW / 2, words, badge)
            right -= 6
        room = right - 36
        paint.text(painter, QRectF(36, 8, room, 18), self._facts.title, weight=SEMIBOLD)
        paint.text(painter, QRectF(36, 27, room, 16), self._below, size=12, tone="muted")

    def _marks(self) -> list[tuple[str, str]]:
        found = [(tr("this window"), "none")] if self._here else []
        found += [(tr("production"), "bad")] if self._facts.production else []
        return found + ([(tr("read-only"), "none")] if self._facts.read_only else [])


class ProfileMenu(QObject):
    """Opens from the card at the foot of the rail.

    Args:
        home: of this window.
        start: starts the window of another profile.
    """

    reopen_wanted = Signal()
    """This window's own profile was changed, and somebody wants that to count now."""

    def __init__(self, window: MainWindow, background: Background, home: Path, *, start: Start = start_process) -> None:
        super().__init__(window)
        self._window, self._background, self._start = window, background, start
        self._root, self._here = split_home(home)
        self._names: frozenset[str] = frozenset()
        self.panel: ProfilePanel | None = None
        self.dialog: ProfileDialog | TrialDialog | RemoveDialog | None = None
        window.profiles_wanted.connect(self.open)
        window.commands.add(
            "profiles.open", title=tr("Profiles"), run=self.open, group=tr("Lectern"), shortcut="Ctrl+Shift+P", icon="chevrons-up-down"
        )
        window.commands.add("profiles.add", title=tr("Add a profile"), run=self.add, group=tr("Lectern"), icon="plus")

    def open(self) -> None:
        """Read the profiles and show them."""
        self._background.run(self, lambda: self._profiles().listing(), self._show, self._failed, key="list")

    def switch(self, name: str) -> None:
        """Open the window of a profile, or bring it forward where it is open."""
        self._leave()
        if name == self._here:
            return

        def start(command: Sequence[str]) -> None:
            environment = {key: value for key, value in os.environ.items() if key not in _OWN_VARIABLES}
            if self._start(command, environment | {HOME_VARIABLE: str(self._root)}):
                self._window.notify(tr("The other window opens."), tone="info")
            else:
                self._window.notify(tr("The window of the profile could not be started."), tone="bad")

        self._background.run(self, lambda: self._profiles().command(name), start, self._failed)

    def add(self) -> None:
        """Ask for a new profile."""
        self._leave()

        def show(listed: Sequence[ProfileFacts]) -> None:
            self._names = frozenset(one.name for one in listed)
            self._ask(None, kept=False)

        self._background.run(self, lambda: self._profiles().listing(), show, self._failed, key="list")

    def edit(self, name: str) -> None:
        """Show the values of a profile."""
        self._leave()

        def work() -> tuple[ProfileFacts, bool]:
            profiles = self._profiles()
            facts = profiles.get(name)
            return facts, profiles.password(facts) is not None

        self._background.run(self, work, lambda found: self._ask(found[0], kept=found[1]), self._failed)

    def test(self, facts: ProfileFacts) -> None:
        """Try what a profile leads to and show what was found."""
        self._leave()
        dialog = TrialDialog(self._window, facts.title)
        self.dialog = dialog
        dialog.open()
        self._background.run(
            dialog,
            lambda: self._profiles().test(facts),
            lambda trial: dialog.findings.show_findings(trial.findings),
            lambda error: dialog.findings.show_problem(str(error)),
        )

    def remove(self, facts: ProfileFacts) -> None:
        """Ask for the name, then take the profile off the list."""
        self._leave()

        def go(erase: bool) -> None:  # noqa: FBT001  # the dialog's answer
            words = tr("{profile} was removed.", profile=facts.title)
            work = partial(self._remove, facts.name, erase=erase)
            self._background.run(self, work, lambda _: self._window.notify(words), self._failed)

        self.dialog = RemoveDialog(self._window, facts, on_yes=go)
        self.dialog.open()

    # -- inside

    def _remove(self, name: str, *, erase: bool) -> None:
        self._profiles().remove(name, erase=erase)

    def _profiles(self) -> Profiles:
        # in a worker: it brings the database libraries
        from backend_core.profiles.service import Profiles

        return Profiles(self._root)

    @property
    def _hidden(self) -> bool:
        # somebody has to sign in first; a window that could not open leaves the profiles as the way out
        return self._window.covered and not self._window.failure.isVisible()

    def _show(self, listed: Sequence[ProfileFacts]) -> None:
        if self._hidden:
            return
        if self.panel is None:
            self.panel = ProfilePanel(self._window, self)
        self.panel.show_profiles(listed, here=self._here)

    def _ask(self, facts: ProfileFacts | None, *, kept: bool) -> None:
        if self._hidden:
            return
        dialog = ProfileDialog(
            self._window,
            facts,
            kept=kept,
            taken=self._names,
            try_out=lambda values, password: self._try_out(dialog, values, password),
            save=lambda values, password: self._save(dialog, values, password),
        )
        self.dialog = dialog
        dialog.open()

    def _try_out(self, dialog: ProfileDialog, values: dict[str, Any], password: str | None) -> None:
        name = dialog.profile

        def work() -> Trial:
            from backend_core.profiles.records import ProfileFacts

            return self._profiles().test(ProfileFacts(name=name, **values), password=password)

        self._background.run(dialog, work, lambda trial: dialog.show_trial(trial.findings), dialog.show_error, key="try")

    def _save(self, dialog: ProfileDialog, values: dict[str, Any], password: str | None) -> None:
        name, new = dialog.profile, dialog.is_new

        def work() -> ProfileFacts:
            from backend_core.profiles.records import ProfileFacts

            profiles = self._profiles()
            if new:
                return profiles.add(ProfileFacts(name=name, **values), password=password)
            given = {} if password is None else {"password": password}
            return profiles.edit(name, **values, **given)

        def done(facts: ProfileFacts) -> None:
            dialog.accept()
            self._saved(facts, new=new)

        self._background.run(dialog, work, done, dialog.show_error, key="save")

    def _saved(self, facts: ProfileFacts, *, new: bool) -> None:
        notify = self._window.notify
        if new:
            notify(tr("{profile} was added.", profile=facts.title), undo=lambda: self.switch(facts.name), action=tr("Open"))
        elif facts.name == self._here:
            notify(tr("Changed. It counts when this window opens again."), undo=self.reopen_wanted.emit, action=tr("Open again now"))
        else:
            notify(tr("{profile} was changed.", profile=facts.title))

    def _failed(self, error: LecternError) -> None:
        self._window.notify(str(error), tone="bad")

    def _leave(self) -> None:
        if self.panel is not None:
            self.panel.leave()


class ProfilePanel(Overlay):
    """The list itself, above the card it opened from."""

    def __init__(self, window: MainWindow, menu: ProfileMenu) -> None:
        super().__init__(window, name=tr("Profiles"), width=WIDTH)
        self._shell, self._menu = window, menu
        self.rows: list[ProfileRow] = []
        self.more: list[Button] = []
        self._list = column(gap=2)
        self.add = Button(tr("Add a profile"), icon_name="plus", on_click=menu.add)
        self.body.addWidget(holder(column(over(tr("Profiles")), self._list, rule(), self.add, gap=8, margins=12)))

    def show_profiles(self, listed: Sequence[ProfileFacts], *, here: str) -> None:
        """List them and take the keyboard."""
        clear_layout(self._list)
        self.rows, self.more = [], []
        for facts in listed:
            self._add_row(facts, here=facts.name == here)
        self.appear(next((row for row, facts in zip(self.rows, listed, strict=True) if facts.name == here), self.rows[0]))

    def place(self) -> None:
        """Stand above the card."""
        self.panel.adjustSize()
        card = self._shell.rail.card
        foot = card.mapTo(self._shell, QPoint(0, 0)) if card.isVisible() else QPoint(_MARGIN, self.height() - _MARGIN)
        height = min(self.panel.sizeHint().height(), foot.y() - 2 * _MARGIN)
        self.panel.setGeometry(_MARGIN, foot.y() - height - 8, WIDTH, height)

    def _add_row(self, facts: ProfileFacts, *, here: bool) -> None:
        line = ProfileRow(facts, here=here)
        line.clicked.connect(lambda _checked=False: self._menu.switch(facts.name))
        more = Button("", "ghost", icon_name="ellipsis", name=tr("What can be done with {profile}", profile=facts.title))
        more.clicked.connect(lambda _checked=False: self._offer(facts, more, here=here))
        self.rows.append(line)
        self.more.append(more)
        self._list.addWidget(holder(row((line, 1), more, gap=4)))

    def _offer(self, facts: ProfileFacts, more: Button, *, here: bool) -> None:
        menu = offer_menu(self, facts, self._menu, here=here)
        menu.popup(more.mapToGlobal(QPoint(0, more.height() + 4)))


def offer_menu(parent: QWidget, facts: ProfileFacts, menu: ProfileMenu, *, here: bool) -> QMenu:
    """Return what can be done with a profile; it deletes itself when it closes."""
    offered = QMenu(parent)
    if not here:
        offered.addAction(tr("Open its window")).triggered.connect(lambda: menu.switch(facts.name))
    offered.addAction(tr("Edit…")).triggered.connect(lambda: menu.edit(facts.name))
    if facts.kind == "server":
        offered.addAction(tr("Test")).triggered.connect(lambda: menu.test(facts))
    if facts.name and not here:
        offered.addSeparator()
        offered.addAction(tr("Remove…")).triggered.connect(lambda: menu.remove(facts))
    offered.aboutToHide.connect(offered.deleteLater)
    return offered


def place_of(facts: ProfileFacts) -> str:
    """Return where a profile leads, in words."""
    return f"{facts.user}@{facts.host}/{facts.database}" if facts.kind == "server" else tr("On this computer")
