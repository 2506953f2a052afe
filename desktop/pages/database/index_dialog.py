"""Asks before an index is made, dropped or rebuilt: the statement, a reason, and for a drop the name typed out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from backend_core.errors import LecternError
from desktop.i18n import tr
from desktop.widgets.code_box import CodeBox
from desktop.widgets.dialogs import Dialog
from desktop.widgets.field import Field
from desktop.widgets.label import PlainLabel

LONGEST_REASON: Final = 500
CREATE: Final = "create"
DROP: Final = "drop"
REBUILD: Final = "rebuild"


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be done: ``what`` is the statement of a new index, the name of one that is there."""

    action: str
    name: str
    what: str
    sql: str


class ChangeDialog(Dialog):
    """``on_order`` gets the order and the reason."""

    def __init__(self, parent: QWidget, order: Order, *, on_order: Callable[[Order, str], object]) -> None:
        drops = order.action == DROP
        icon, tone = ("triangle-alert", "bad") if drops else ("database", "info")
        super().__init__(parent, _title(order), _sentence(order), icon_name=icon, tone=tone)
        self._order, self._on_order = order, on_order
        code = CodeBox(name=tr("Definition") if order.action == REBUILD else tr("Statement"))
        code.show_code(order.sql)
        self.reason = Field(name=tr("Reason"), hint=tr("Why, for example a ticket"))
        self.reason.setMaxLength(LONGEST_REASON)
        self.typed = Field(name=tr("Type the name to confirm"))
        if order.sql:
            self.body.addWidget(code)
        else:
            code.setParent(self)
            code.hide()
        self.body.addWidget(PlainLabel(tr("Reason"), "strong"))
        self.body.addWidget(self.reason)
        if drops:
            self.body.addWidget(PlainLabel(tr("Type this to confirm:"), "small"))
            self.body.addWidget(PlainLabel(order.name, "monotext", wrap=True, selectable=True))
            self.body.addWidget(self.typed)
        else:
            # without a parent it would be nobody's
            self.typed.setParent(self)
            self.typed.hide()
        self.cancel = self.add_button(tr("Cancel"), self.reject, default=not drops)
        self.go = self.add_button(_action(order), self._take, kind="danger" if drops else "primary")
        for field in (self.reason, self.typed):
            field.textChanged.connect(self._check)
        self._check()
        self.reason.setFocus()

    def _check(self) -> None:
        sure = self._order.action != DROP or self.typed.text().strip() == self._order.name
        self.go.setEnabled(sure and bool(self.reason.text().strip()))

    def _take(self) -> None:
        reason = " ".join(self.reason.text().split())
        self.accept()
        self._on_order(self._order, reason)


class OwnerDialog(Dialog):
    """Says what the owner of the tables must run, where this sign-in may not."""

    def __init__(self, parent: QWidget, error: LecternError, statements: Sequence[str]) -> None:
        super().__init__(parent, error.title, str(error), icon_name="lock", tone="warn")
        self.sql = "\n".join(statements)
        code = CodeBox(name=tr("Statements"))
        code.show_code(self.sql)
        self.body.addWidget(code)
        self.body.addWidget(PlainLabel(error.next_step, "small", wrap=True))
        self.add_button(tr("Copy as SQL"), lambda: QGuiApplication.clipboard().setText(self.sql + "\n"))
        self.add_button(tr("Close"), self.accept, kind="primary", default=True)


def _title(order: Order) -> str:
    if order.action == DROP:
        return tr("Drop an index")
    return tr("Rebuild an index") if order.action == REBUILD else tr("Make an index")


def _sentence(order: Order) -> str:
    if order.action == DROP:
        return tr("A job drops {name} without holding up writers. Its statement is kept, so that it can be made again.", name=order.name)
    if order.action == REBUILD:
        return tr("A job builds {name} anew without holding up writers.", name=order.name)
    return tr("A job builds it without holding up writers. That takes a while on a large table.")


def _action(order: Order) -> str:
    return {DROP: tr("Drop"), REBUILD: tr("Rebuild")}.get(order.action, tr("Make it"))
