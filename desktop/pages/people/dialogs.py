"""The questions of the people page: a new person, a change, the erasure, and what a receipt says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from desktop.i18n import tr
from desktop.widgets.dialogs import ConfirmByTyping, Dialog
from desktop.widgets.field import Field
from desktop.widgets.label import PlainLabel
from desktop.widgets.layout import column

if TYPE_CHECKING:
    from backend_core.conversations.records import ContactRow


class AddDialog(Dialog):
    """Name, phone, e-mail and language of a new person; ``on_add`` gets them by the names of ``add_contact``."""

    def __init__(self, parent: QWidget, *, on_add: Callable[[Mapping[str, str | None]], object]) -> None:
        sentence = tr("A person needs a phone number before a persona can talk with them.")
        super().__init__(parent, tr("Add person"), sentence, icon_name="user-round")
        self._on_add = on_add
        self.name = Field(name=tr("Name"), hint=tr("For example Ana Silva"))
        self.phone = Field(name=tr("Phone with its country code"), hint="+351 912 345 678")
        self.email = Field(name=tr("E-mail"), hint="ana@example.org")
        self.language = Field(name=tr("Language"), hint="pt-PT")
        captions = (tr("Name"), tr("Phone with its country code"), tr("E-mail (optional)"), tr("Language (optional)"))
        for caption, field in zip(captions, (self.name, self.phone, self.email, self.language), strict=True):
            self.body.addLayout(column(PlainLabel(caption, "small"), field, gap=4))
        self.add_button(tr("Cancel"), self.reject)
        self.go = self.add_button(tr("Add person"), self._take, kind="primary", default=True)
        self.name.textChanged.connect(lambda typed: self.go.setEnabled(bool(typed.strip())))
        self.go.setEnabled(False)
        self.name.setFocus()

    def _take(self) -> None:
        fields = {"name": self.name, "phone": self.phone, "email": self.email, "language": self.language}
        given = {key: field.text().strip() or None for key, field in fields.items()}
        self.accept()
        self._on_add(given)


class EditDialog(Dialog):
    """Changes a person; number and address stay hidden, and as they are where nothing is typed."""

    def __init__(self, parent: QWidget, contact: ContactRow, *, on_change: Callable[[Mapping[str, str | None]], object]) -> None:
        sentence = tr("With another number the labels of this person's conversations change too; what was said stays where it is.")
        super().__init__(parent, tr("Change person"), sentence, icon_name="pencil")
        self._contact, self._on_change = contact, on_change
        kept = tr("{value}, stays as it is while this is empty")
        self.name = Field(name=tr("Name"), value=contact.name)
        self.phone = Field(name=tr("New phone"), hint=kept.format(value=contact.phone or tr("none")))
        self.email = Field(name=tr("New e-mail"), hint=kept.format(value=contact.email or tr("none")))
        self.language = Field(name=tr("Language"), value=contact.language or "")
        captions = (tr("Name"), tr("New phone"), tr("New e-mail"), tr("Language"))
        for caption, field in zip(captions, (self.name, self.phone, self.email, self.language), strict=True):
            self.body.addLayout(column(PlainLabel(caption, "small"), field, gap=4))
            field.textChanged.connect(lambda _typed: self._check())
        self.add_button(tr("Cancel"), self.reject)
        self.go = self.add_button(tr("Change"), self._take, kind="primary", default=True)
        self._check()
        self.name.setFocus()

    def changes(self) -> dict[str, str | None]:
        """Return what was changed, by the names of ``update_contact``."""
        found: dict[str, str | None] = {}
        if self.name.text().strip() not in {"", self._contact.name}:
            found["name"] = self.name.text().strip()
        if self.language.text().strip() != (self._contact.language or ""):
            found["language"] = self.language.text().strip() or None
        for key, field in (("phone", self.phone), ("email", self.email)):
            if field.text().strip():
                found[key] = field.text().strip()
        return found

    def _check(self) -> None:
        self.go.setEnabled(bool(self.changes()))

    def _take(self) -> None:
        changes = self.changes()
        self.accept()
        self._on_change(changes)


class EraseDialog(ConfirmByTyping):
    """Asks for the name before everything about a person is set to be erased."""

    def __init__(self, parent: QWidget, contact: ContactRow, *, days: int, on_erase: Callable[[str], object]) -> None:
        sentence = tr(
            "In {days} days everything about {name} is erased: conversations, memories, photos, documents with their audio, and access to "
            "other services. Until then you can take it back. A signed receipt is made afterwards.",
            days=days,
            name=contact.name,
        )
        typed = lambda: on_erase(" ".join(self.field.text().split()))  # noqa: E731  # read when it is pressed
        super().__init__(parent, tr("Erase {name}?", name=contact.name), sentence, expected=contact.name, action=tr("Erase"), on_yes=typed)


def show_receipt(parent: QWidget, title: str, sentence: str, lines: list[tuple[str, str]], *, ok: bool) -> Dialog:
    """Open what a receipt says, and return the dialog."""
    dialog = Dialog(parent, title, sentence, icon_name="file-badge", tone="ok" if ok else "bad")
    for name, value in lines:
        dialog.body.addLayout(column(PlainLabel(name, "small"), PlainLabel(value, wrap=True, selectable=True), gap=2))
    dialog.add_button(tr("Close"), dialog.accept, kind="primary", default=True)
    dialog.open()
    return dialog
