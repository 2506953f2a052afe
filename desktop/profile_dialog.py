"""The dialogs of profiles: add or edit one, see what a test found, take one off the list."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection
from typing import Any, Final

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QButtonGroup, QCheckBox, QWidget

from backend_core.errors import LecternError
from desktop.i18n import tr
from desktop.style import tone_fill
from desktop.widgets import paint
from desktop.widgets.button import SegmentedControl
from desktop.widgets.dialogs import ConfirmByTyping, Dialog
from desktop.widgets.field import Field
from desktop.widgets.label import PlainLabel, plain_tip
from desktop.widgets.layout import column, holder, row
from desktop.widgets.server_form import Findings, ServerForm

WIDTH: Final = 580
TITLE_LENGTH: Final = 60
NAME_LENGTH: Final = 40
EMBEDDED: Final = "embedded"
SERVER: Final = "server"
_DOT: Final = 28


def colour_names() -> dict[str, str]:
    """Return the tones a profile may have, with their names."""
    return {"none": tr("No colour"), "info": tr("Blue"), "ok": tr("Green"), "warn": tr("Orange"), "bad": tr("Red")}


class ColourDots(QWidget):
    """One dot for each tone; the one that is chosen has a ring, and its name stands beside them."""

    picked = Signal(str)

    def __init__(self, *, current: str = "none") -> None:
        super().__init__()
        self.setAccessibleName(tr("Colour"))
        self._group = QButtonGroup(self)
        self._names = colour_names()
        self._word = PlainLabel("", "small")
        dots = [_Dot(tone, name) for tone, name in self._names.items()]
        for number, dot in enumerate(dots):
            self._group.addButton(dot, number)
        self.setLayout(row(*dots, 6, self._word, None, gap=2))
        self._group.idToggled.connect(self._note)
        self.choose(current)

    @property
    def current(self) -> str:
        """The tone that is chosen."""
        return list(self._names)[self._group.checkedId()]

    def choose(self, tone: str) -> None:
        """Choose a tone; an unknown one counts as none."""
        known = list(self._names)
        self._group.button(known.index(tone) if tone in known else 0).setChecked(True)

    def _note(self, number: int, on: bool) -> None:  # noqa: FBT001  # Qt's signal
        if on:
            tone = list(self._names)[number]
            self._word.setText(self._names[tone])
            self.picked.emit(tone)


class _Dot(QAbstractButton):
    def __init__(self, tone: str, name: str) -> None:
        super().__init__()
        self._tone = tone
        self.setCheckable(True)
        self.setFixedSize(_DOT, _DOT)
        self.setAccessibleName(name)
        self.setToolTip(plain_tip(name))

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        paint.begin(painter)
        inner = QRectF(self.rect()).adjusted(6, 6, -6, -6)
        if self._tone == "none":
            paint.box(painter, inner, 8, fill="surface", line="line2", width=2)
        else:
            paint.box(painter, inner, 8, fill=tone_fill(self._tone))
        if self.isChecked():
            paint.box(painter, QRectF(self.rect()).adjusted(1, 1, -1, -1), 13, line="text", width=2)
        elif self.hasFocus():
            paint.box(painter, QRectF(self.rect()).adjusted(1, 1, -1, -1), 13, line="accent", width=2)


class ProfileDialog(Dialog):
    """A new profile or the values of one; it stays open while it is saved, so that nothing typed is lost.

    Args:
        facts: the profile to change, None for a new one.
        kept: whether a password of it is kept.
        taken: names that other profiles have.
        try_out: called with the values and the password; answer by ``show_trial`` or ``show_error``.
        save: the same; answer by ``accept`` or ``show_error``.
    """

    def __init__(
        self,
        parent: QWidget,
        facts: Any = None,
        *,
        kept: bool = False,
        taken: Collection[str] = (),
        try_out: Callable[[dict[str, Any], str | None], object],
        save: Callable[[dict[str, Any], str | None], object],
    ) -> None:
        sentence = tr("Each profile has its own data, its own window and its own colour.")
        super().__init__(parent, tr("Edit profile") if facts else tr("Add a profile"), sentence, icon_name="database")
        self.setFixedWidth(WIDTH)
        self._facts, self._taken, self._try_out, self._save = facts, frozenset(taken), try_out, save
        self.name = Field(name=tr("Title"), hint=tr("For example Production EU"), value=facts.title if facts else "")
        self.name.setMaxLength(TITLE_LENGTH)
        self.colour = ColourDots(current=facts.colour if facts else "info")
        self.kind = SegmentedControl([(SERVER, tr("Server")), (EMBEDDED, tr("This computer"))], name=tr("Kind"))
        self.form = ServerForm()
        self.read_only = _switch(tr("Read-only"), tr("Nothing can be changed through it."), on=bool(facts and facts.read_only))
        self.production = _switch(
            tr("Production"), tr("A coloured frame, and every change asks for a reason."), on=bool(facts and facts.production)
        )
        self.problem = PlainLabel("", "small", tone="bad", wrap=True)
        self.problem.hide()
        self._fill(kept=kept)
        self._add_parts()

    def values(self) -> dict[str, Any]:
        """Return what was entered, by the names of a profile, the password not among it."""
        server = self.kind.current == SERVER
        return {
            "title": " ".join(self.name.text().split()),
            "colour": self.colour.current,
            "read_only": self.read_only.isChecked(),
            "production": self.production.isChecked(),
            **(self.form.values() if server else {"kind": EMBEDDED}),
        }

    @property
    def is_new(self) -> bool:
        """Whether there is no such profile yet."""
        return self._facts is None

    @property
    def profile(self) -> str:
        """The name of the profile, made from its title while it is new."""
        return str(self._facts.name) if self._facts is not None else name_for(self.name.text(), taken=self._taken)

    def show_trial(self, findings: Any) -> None:
        """Show what a test found."""
        self.form.findings.show_findings(findings)
        self._set_busy(busy=False)
        self._fit()

    def show_error(self, error: LecternError) -> None:
        """Say why it could not be saved or tried; everything typed stays."""
        self.form.findings.clear()
        self.problem.setText(f"{error}")
        self.problem.show()
        self._set_busy(busy=False)
        self._fit()

    def _fill(self, *, kept: bool) -> None:
        if self._facts is not None:
            self.kind.choose(self._facts.kind)
            self.kind.setParent(self)
            self.kind.hide()
            if self._facts.kind == SERVER:
                self.form.fill(self._facts, kept=kept)

    def _add_parts(self) -> None:
        name = holder(column(PlainLabel(tr("Title"), "small"), self.name, gap=4))
        colour = holder(column(PlainLabel(tr("Colour"), "small"), self.colour, gap=4))
        self.body.addLayout(row((name, 1), colour, gap=16, stretch_height=True))
        if self._facts is None:
            self.body.addWidget(self.kind)
        self.body.addWidget(self.form)
        self.body.addLayout(row((_told(self.read_only), 1), (_told(self.production), 1), gap=16, stretch_height=True))
        self.body.addWidget(self.problem)
        self.test = self.add_button(tr("Test"), self._ask_trial)
        self.add_button(tr("Cancel"), self.reject)
        self.go = self.add_button(tr("Save") if self._facts else tr("Add profile"), self._ask_save, kind="primary", default=True)
        self.kind.chosen.connect(self._kind_changed)
        for signal in (self.name.textChanged, self.form.changed):
            signal.connect(self._check)
        self._kind_changed()
        self.name.setFocus()

    def _kind_changed(self) -> None:
        server = self.kind.current == SERVER
        self.form.setHidden(not server)
        self.test.setHidden(not server)
        self._check()
        self._fit()

    def _fit(self) -> None:
        """Take as little height as what is shown needs; the width is fixed."""
        layout = self.layout()
        if layout is not None:
            layout.activate()
            self.resize(self.width(), layout.totalHeightForWidth(self.width()))

    def _check(self) -> None:
        complete = self.kind.current == EMBEDDED or self.form.complete
        self.problem.hide()
        self.test.setEnabled(complete)
        self.go.setEnabled(complete and bool(self.name.text().strip()))

    def _ask_trial(self) -> None:
        self._set_busy(busy=True)
        self.form.findings.show_running()
        self._try_out(self.values(), self.form.secret())

    def _ask_save(self) -> None:
        self._set_busy(busy=True)
        self._save(self.values(), self.form.secret())

    def _set_busy(self, *, busy: bool) -> None:
        for button in (self.test, self.go):
            button.setEnabled(not busy)


class TrialDialog(Dialog):
    """What the test of a kept profile found."""

    def __init__(self, parent: QWidget, title: str) -> None:
        super().__init__(parent, tr("Test of {profile}", profile=title), tr("This changes nothing on the server."), icon_name="plug")
        self.findings = Findings()
        self.body.addWidget(self.findings)
        self.add_button(tr("Close"), self.accept, kind="primary", default=True)
        self.findings.show_running()


class RemoveDialog(ConfirmByTyping):
    """Takes a profile off the list; ``on_yes`` gets whether its data goes too."""

    def __init__(self, parent: QWidget, facts: Any, *, on_yes: Callable[[bool], object]) -> None:
        embedded = facts.kind == EMBEDDED
        sentence = (
            tr("Its documents, audio and database stay on the disk unless you choose to delete them.")
            if embedded
            else tr("Nothing changes on the server. Its kept password is forgotten.")
        )
        self.erase = QCheckBox(tr("Delete its database and files too, for good"))
        super().__init__(
            parent,
            tr("Remove {profile}?", profile=facts.title),
            sentence,
            expected=facts.title,
            action=tr("Remove"),
            on_yes=lambda: on_yes(self.erase.isChecked()),
        )
        self.body.addWidget(self.erase)
        if not embedded:
            self.erase.hide()


def name_for(title: str, *, taken: Collection[str] = ()) -> str:
    """Return a folder name for a title that no other profile has.

    >>> name_for("Production EU")
    'production-eu'
    >>> name_for("München", taken={"munchen"})
    'munchen-2'
    >>> name_for("東京")
    'profile'
    """
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    base = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[: NAME_LENGTH - 4] or "profile"
    name, number = base, 1
    while name in taken:
        number += 1
        name = f"{base}-{number}"
    return name


def _told(box: QCheckBox) -> QWidget:
    return holder(column(box, PlainLabel(box.accessibleDescription(), "small", wrap=True), None, gap=2))


def _switch(caption: str, words: str, *, on: bool) -> QCheckBox:
    box = QCheckBox(caption)
    box.setAccessibleDescription(words)
    box.setChecked(on)
    box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    return box
