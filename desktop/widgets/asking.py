"""Two questions an action may need answered before it goes on: why, and who are you."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QCheckBox, QLineEdit, QWidget

from desktop.i18n import tr
from desktop.widgets.button import Button
from desktop.widgets.dialogs import Dialog
from desktop.widgets.field import Field
from desktop.widgets.label import PlainLabel
from desktop.widgets.layout import column, row

LONGEST_REASON: Final = 500


class ReasonDialog(Dialog):
    """Asks why; ``on_reason`` gets the words and whether to use them for a while."""

    def __init__(
        self, parent: QWidget, sentence: str, *, on_reason: Callable[[str, bool], object], on_cancel: Callable[[], object]
    ) -> None:
        super().__init__(parent, tr("Why do you do this?"), sentence, icon_name="pencil")
        self._on_reason = on_reason
        self.field = Field(name=tr("Reason"), hint=tr("For example a ticket number"))
        self.field.setMaxLength(LONGEST_REASON)
        self.keep = QCheckBox(tr("Use it for the next 15 minutes"))
        self.body.addWidget(self.field)
        self.body.addWidget(PlainLabel(tr("The audit log keeps it."), "small"))
        self.body.addWidget(self.keep)
        self.add_button(tr("Cancel"), self.reject)
        self.go = self.add_button(tr("Continue"), self._take, kind="primary", default=True)
        self.field.textChanged.connect(self._check)
        self.rejected.connect(on_cancel)
        self._check()
        self.field.setFocus()

    def _check(self) -> None:
        self.go.setEnabled(bool(self.field.text().strip()))

    def _take(self) -> None:
        words, keep = self.field.text().strip(), self.keep.isChecked()
        self.accept()
        self._on_reason(words, keep)


class PasswordField(Field):
    """A hidden line of text; ``caps`` says when capital letters are locked, as far as the keys tell."""

    def __init__(self, *, name: str) -> None:
        super().__init__(name=name)
        self.setEchoMode(QLineEdit.EchoMode.Password)
        # the system's dictionaries and predictions must not learn it
        self.setInputMethodHints(Qt.InputMethodHint.ImhSensitiveData | Qt.InputMethodHint.ImhNoPredictiveText)
        self.caps = PlainLabel("", "small")
        self.caps.hide()

    def toggle(self) -> bool:
        """Show or hide what was typed; return whether it shows."""
        shows = self.echoMode() == QLineEdit.EchoMode.Password
        self.setEchoMode(QLineEdit.EchoMode.Normal if shows else QLineEdit.EchoMode.Password)
        return shows

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Notice a capital letter that was typed without Shift."""
        typed = event.text()
        if typed.isalpha():
            locked = typed.isupper() != bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self.caps.setText(tr("Caps Lock seems to be on.") if locked else "")
            self.caps.setVisible(locked)
        super().keyPressEvent(event)


def password_row(field: PasswordField) -> QWidget:
    """Return the field with its eye and its hint on capital letters."""
    eye = Button("", "ghost", icon_name="eye", name=tr("Show the password"))

    def turn() -> None:
        shows = field.toggle()
        eye.set_icon("eye-off" if shows else "eye")
        eye.setAccessibleName(tr("Hide the password") if shows else tr("Show the password"))

    eye.clicked.connect(turn)
    # the keyboard goes from the password to what comes next
    eye.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    whole = QWidget()
    whole.setLayout(column(row((field, 1), eye, gap=4), field.caps, gap=4))
    return whole


class ProofDialog(Dialog):
    """Asks for the password once more; it stays open while the answer is wrong."""

    def __init__(
        self, parent: QWidget, sentence: str, *, name: str, on_password: Callable[[str], object], on_cancel: Callable[[], object]
    ) -> None:
        super().__init__(parent, tr("Confirm that it is you"), sentence, icon_name="key-round")
        self._on_password = on_password
        self.field = PasswordField(name=tr("Password of {name}", name=name))
        self.problem = PlainLabel("", "small", tone="bad", wrap=True)
        self.problem.hide()
        self.body.addWidget(PlainLabel(tr("Password of {name}", name=name), "small"))
        self.body.addWidget(password_row(self.field))
        self.body.addWidget(self.problem)
        self.add_button(tr("Cancel"), self.reject)
        self.go = self.add_button(tr("Continue"), self._take, kind="primary", default=True)
        self.field.textChanged.connect(self._check)
        self.rejected.connect(on_cancel)
        self._check()
        self.field.setFocus()

    def show_problem(self, sentence: str) -> None:
        """Say what was wrong and let the person try again."""
        self.problem.setText(sentence)
        self.problem.show()
        self.field.setEnabled(True)
        self.field.selectAll()
        self.field.setFocus()
        self._check()

    def _check(self) -> None:
        self.go.setEnabled(bool(self.field.text()) and self.field.isEnabled())

    def _take(self) -> None:
        self.field.setEnabled(False)
        self._check()
        self._on_password(self.field.text())
