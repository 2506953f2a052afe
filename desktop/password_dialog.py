"""The question for another password: the old one, the new one, and the new one once more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtWidgets import QWidget

from backend_core.errors import LecternError
from desktop.background import Background
from desktop.i18n import tr
from desktop.widgets.asking import PasswordField, password_row
from desktop.widgets.dialogs import Dialog
from desktop.widgets.label import PlainLabel
from desktop.widgets.layout import column


class PasswordDialog(Dialog):
    """Stays open, with everything that was typed, until the change is made.

    Args:
        first: the person has no password yet, so there is no old one to ask for.
        work: ``work(old, new)`` runs in a worker.
        done: gets what it returned.
    """

    def __init__(
        self,
        parent: QWidget,
        background: Background,
        *,
        first: bool,
        work: Callable[[str, str], Any],
        done: Callable[[Any], object],
    ) -> None:
        sentence = (
            tr("From then on this password is asked for at every start; being the user of this computer is no longer enough.")
            if first
            else tr("Your other sessions end.")
        )
        super().__init__(parent, tr("Set a password") if first else tr("Change your password"), sentence, icon_name="key-round")
        self._background, self._work, self._done, self._first = background, work, done, first
        self.old, self.new = PasswordField(name=tr("Current password")), PasswordField(name=tr("New password"))
        self.again = PasswordField(name=tr("New password, once more"))
        self.problem = PlainLabel("", "small", tone="bad", wrap=True)
        self.problem.hide()
        for field in (self.new, self.again) if first else (self.old, self.new, self.again):
            self.body.addLayout(column(PlainLabel(field.accessibleName(), "small"), password_row(field), gap=4))
        self.body.addWidget(PlainLabel(tr("At least 10 characters; a few words that nobody would guess are best."), "small", wrap=True))
        self.body.addWidget(self.problem)
        self.add_button(tr("Cancel"), self.reject)
        self.go = self.add_button(tr("Set password") if first else tr("Change password"), self._take, kind="primary", default=True)
        for field in (self.old, self.new, self.again):
            field.textChanged.connect(self._check)
        self._check()

    def _check(self) -> None:
        self.go.setEnabled(bool(self.new.text() and self.again.text() and (self._first or self.old.text())))

    def _take(self) -> None:
        if self.new.text() != self.again.text():
            self._show(tr("The two new passwords differ."))
            return
        old, new = self.old.text(), self.new.text()
        self.go.setEnabled(False)
        self._background.run(self, lambda: self._work(old, new), self._changed, self._failed)

    def _changed(self, result: Any) -> None:
        self.accept()
        self._done(result)

    def _failed(self, error: LecternError) -> None:
        self._show(str(error))
        self._check()

    def _show(self, words: str) -> None:
        self.problem.setText(words)
        self.problem.show()
