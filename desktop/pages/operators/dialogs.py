"""The questions of the operators page: a new operator, a role, a successor, a password that is shown once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from desktop.i18n import tr
from desktop.pages.operators.details import ROLES, one_time_password, role_sentence, role_words
from desktop.widgets.dialogs import Dialog
from desktop.widgets.field import Field, Select
from desktop.widgets.label import PlainLabel
from desktop.widgets.layout import column

if TYPE_CHECKING:
    from backend_core.access.records import Operator


@dataclass(frozen=True, slots=True)
class NewOperator:
    """What was entered for a new operator."""

    name: str
    role: str
    email: str | None
    password: str


class RoleChoice(Select):
    """The three roles with a sentence on what each is for."""

    def __init__(self, *, current: str = "support") -> None:
        super().__init__([(role, role_words(role)) for role in ROLES], name=tr("Role"))
        self.sentence = PlainLabel(role_sentence(current), "small", wrap=True)
        self.choose(current)
        self.picked.connect(lambda role: self.sentence.setText(role_sentence(str(role))))

    @property
    def role(self) -> str:
        """The chosen role."""
        return str(self.current)


class AddOperatorDialog(Dialog):
    """Name, address and role of a new operator; the password is made here and shown afterwards, once."""

    def __init__(self, parent: QWidget, *, shared: bool, on_add: Callable[[NewOperator], object]) -> None:
        sentence = (
            tr("On this server the name is also the name of the database login.")
            if shared
            else tr("A password is made for the first sign-in; the person chooses another one then.")
        )
        super().__init__(parent, tr("Add operator"), sentence, icon_name="users")
        self._on_add = on_add
        self.name = Field(name=tr("Name"), hint=tr("For example Ana Silva") if not shared else tr("For example ana"))
        self.email = Field(name=tr("E-mail, if there is one"), hint="ana@example.org")
        self.role = RoleChoice()
        for caption, field in ((tr("Name"), self.name), (tr("E-mail (optional)"), self.email), (tr("Role"), self.role)):
            self.body.addLayout(column(PlainLabel(caption, "small"), field, gap=4))
        self.body.addWidget(self.role.sentence)
        self.add_button(tr("Cancel"), self.reject)
        self.go = self.add_button(tr("Add operator"), self._add, kind="primary", default=True)
        self.name.textChanged.connect(self._check)
        self._check()
        self.name.setFocus()

    def _check(self) -> None:
        self.go.setEnabled(bool(self.name.text().strip()))

    def _add(self) -> None:
        new = NewOperator(self.name.text().strip(), self.role.role, self.email.text().strip() or None, one_time_password())
        self.accept()
        self._on_add(new)


class RoleDialog(Dialog):
    """Another role for an operator; it says what follows."""

    def __init__(self, parent: QWidget, operator: Operator, *, on_role: Callable[[str], object]) -> None:
        sentence = tr("{name} is signed out everywhere and comes back with the new role.", name=operator.name)
        super().__init__(parent, tr("Change role"), sentence, icon_name="user-cog")
        self._operator, self._on_role = operator, on_role
        self.role = RoleChoice(current=operator.role)
        self.body.addWidget(self.role)
        self.body.addWidget(self.role.sentence)
        self.add_button(tr("Cancel"), self.reject)
        self.go = self.add_button(tr("Change role"), self._take, kind="primary", default=True)
        self.role.picked.connect(lambda role: self.go.setEnabled(role != operator.role))
        self.go.setEnabled(False)

    def _take(self) -> None:
        self.accept()
        self._on_role(self.role.role)


class DisableDialog(Dialog):
    """Keeps an operator out, and asks who takes over what they own."""

    def __init__(
        self, parent: QWidget, operator: Operator, *, successors: Sequence[Operator], on_disable: Callable[[int | None], object]
    ) -> None:
        sentence = tr("{name} is signed out at once and cannot come back until enabled again. Nothing is deleted.", name=operator.name)
        super().__init__(parent, tr("Disable {name}?", name=operator.name), sentence, icon_name="triangle-alert", tone="bad")
        self._on_disable = on_disable
        choices: list[tuple[object, str]] = [(None, tr("Nobody: they stay with {name}", name=operator.name))]
        choices += [(one.id, f"{one.name}, {role_words(one.role)}") for one in successors]
        self.successor = Select(choices, name=tr("Who takes over the documents"))
        self.body.addLayout(column(PlainLabel(tr("Who takes over the documents"), "small"), self.successor, gap=4))
        self.cancel = self.add_button(tr("Cancel"), self.reject, default=True)
        self.go = self.add_button(tr("Disable"), self._take, kind="danger")

    def _take(self) -> None:
        chosen = self.successor.current
        self.accept()
        self._on_disable(chosen if isinstance(chosen, int) else None)


class HandOverDialog(Dialog):
    """Gives what one operator owns to another."""

    def __init__(self, parent: QWidget, operator: Operator, *, successors: Sequence[Operator], on_choice: Callable[[int], object]) -> None:
        sentence = tr("Every document of {name} gets a new owner. This is recorded.", name=operator.name)
        super().__init__(parent, tr("Hand over documents"), sentence, icon_name="share-2")
        self._on_choice = on_choice
        self.successor = Select([(one.id, f"{one.name}, {role_words(one.role)}") for one in successors], name=tr("New owner"))
        self.body.addLayout(column(PlainLabel(tr("New owner"), "small"), self.successor, gap=4))
        self.add_button(tr("Cancel"), self.reject)
        self.go = self.add_button(tr("Hand over"), self._take, kind="primary", default=True)
        self.go.setEnabled(bool(successors))

    def _take(self) -> None:
        chosen = self.successor.current
        self.accept()
        if isinstance(chosen, int):
            self._on_choice(chosen)


def show_once(parent: QWidget, name: str, password: str) -> Dialog:
    """Open the one view of a password that was just made, and return the dialog."""
    sentence = tr("Give this password to {name}. It is not shown again and is changed at the first sign-in.", name=name)
    dialog = Dialog(parent, tr("Password for {name}", name=name), sentence, icon_name="key-round", tone="ok")
    label = PlainLabel(password, "monotext", selectable=True)
    label.setAccessibleName(tr("Password"))
    dialog.body.addWidget(label)
    dialog.add_button(tr("Copy"), lambda: QGuiApplication.clipboard().setText(password))
    dialog.add_button(tr("Done"), dialog.accept, kind="primary", default=True)
    dialog.open()
    return dialog


def show_statements(parent: QWidget, sentence: str, statements: Sequence[str]) -> Dialog:
    """Open what the administrator of the server has to run, ready to copy, and return the dialog."""
    dialog = Dialog(parent, tr("For the server's administrator"), sentence, icon_name="database", tone="warn")
    text = "\n".join(statements)
    dialog.body.addWidget(PlainLabel(text, "monotext", wrap=True, selectable=True))
    dialog.add_button(tr("Copy statements"), lambda: QGuiApplication.clipboard().setText(text))
    dialog.add_button(tr("Close"), dialog.accept, kind="primary", default=True)
    dialog.open()
    return dialog
