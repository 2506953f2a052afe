"""The questions of the safety page: which text may leave for which host, and the key of the service."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtWidgets import QWidget

from desktop.i18n import tr
from desktop.pages.safety.words import purpose_words
from desktop.widgets.asking import PasswordField, password_row
from desktop.widgets.dialogs import Dialog
from desktop.widgets.field import Field, Select
from desktop.widgets.label import PlainLabel
from desktop.widgets.layout import column


class AllowDialog(Dialog):
    """Purpose and host; ``on_allow`` gets both."""

    def __init__(self, parent: QWidget, purposes: Sequence[str], *, on_allow: Callable[[str, str], object]) -> None:
        sentence = tr("From then on this text is sent there. Every time is in the ledger, and you can withdraw it.")
        super().__init__(parent, tr("Let text leave this computer?"), sentence, icon_name="upload", tone="warn")
        self._on_allow = on_allow
        self.purpose = Select([(one, purpose_words(one)) for one in purposes], name=tr("What may leave"))
        self.host = Field(name=tr("To which host"), hint=tr("For example moderation.example.org"))
        for caption, field in ((tr("What may leave"), self.purpose), (tr("To which host"), self.host)):
            self.body.addLayout(column(PlainLabel(caption, "small"), field, gap=4))
        self.cancel = self.add_button(tr("Cancel"), self.reject, default=True)
        self.go = self.add_button(tr("Allow"), self._take, kind="primary")
        self.host.textChanged.connect(lambda typed: self.go.setEnabled(bool(typed.strip())))
        self.go.setEnabled(False)
        self.host.setFocus()

    def _take(self) -> None:
        purpose, host = str(self.purpose.current), self.host.text().strip()
        self.accept()
        self._on_allow(purpose, host)


class KeyDialog(Dialog):
    """The key of the moderation service; ``on_key`` gets it, or None to forget it."""

    def __init__(self, parent: QWidget, *, on_key: Callable[[str | None], object]) -> None:
        sentence = tr("It is kept in the vault of this computer and shown to nobody again.")
        super().__init__(parent, tr("Key of the moderation service"), sentence, icon_name="key-round")
        self._on_key = on_key
        self.field = PasswordField(name=tr("Key"))
        self.body.addWidget(password_row(self.field))
        self.add_button(tr("Forget the key"), lambda: self._take(None))
        self.add_button(tr("Cancel"), self.reject)
        self.go = self.add_button(tr("Keep"), lambda: self._take(self.field.text().strip()), kind="primary", default=True)
        self.field.textChanged.connect(lambda typed: self.go.setEnabled(bool(typed.strip())))
        self.go.setEnabled(False)
        self.field.setFocus()

    def _take(self, key: str | None) -> None:
        self.accept()
        self._on_key(key)
