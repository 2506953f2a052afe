"""Saved views: a filter under a name, in a menu; and the question for the name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QMenu, QWidget

from desktop.i18n import tr
from desktop.widgets.button import Button
from desktop.widgets.dialogs import Dialog
from desktop.widgets.field import Field
from desktop.widgets.key_values import Fact, KeyValues
from desktop.widgets.label import PlainLabel
from desktop.widgets.layout import column, holder

if TYPE_CHECKING:
    from backend_core.audit.rows import SavedView

LONGEST_NAME: Final = 80


class ViewsChip(Button):
    """Names the view that is shown, and opens the menu of all."""

    chosen = Signal(object)
    """A ``SavedView``."""
    deleted = Signal(object)
    """A ``SavedView``."""

    def __init__(self) -> None:
        super().__init__(tr("Saved views"), "chip", icon_name="bookmark", checkable=True)
        self.views: tuple[SavedView, ...] = ()
        self._query = ""
        self.clicked.connect(self._open)
        self.hide()

    def show_views(self, views: Sequence[SavedView]) -> None:
        """Offer ``views``; without one the chip is hidden."""
        self.views = tuple(views)
        self.setVisible(bool(self.views))
        self.show_query(self._query)

    def show_query(self, query: str) -> None:
        """Light up with the name of the view whose filter is shown."""
        self._query = query
        here = next((view for view in self.views if view.query == query), None)
        self.set_caption(here.name if here is not None else tr("Saved views"))
        self.setChecked(here is not None)

    def make_menu(self) -> QMenu:
        """Return the menu of all views."""
        menu = QMenu(self)
        for view in self.views:
            menu.addAction(view.name.replace("&", "&&")).triggered.connect(partial(self._take, view))
        here = next((view for view in self.views if view.query == self._query), None)
        if here is not None:
            menu.addSeparator()
            menu.addAction(tr("Delete “{name}”", name=here.name).replace("&", "&&")).triggered.connect(partial(self._drop, here))
        return menu

    def _open(self) -> None:
        self.show_query(self._query)
        menu = self.make_menu()
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(self.mapToGlobal(self.rect().bottomLeft()))

    def _take(self, view: SavedView, _checked: bool = False) -> None:  # noqa: FBT001, FBT002 - Qt's signature
        self.chosen.emit(view)

    def _drop(self, view: SavedView, _checked: bool = False) -> None:  # noqa: FBT001, FBT002 - Qt's signature
        self.deleted.emit(view)


class SaveViewDialog(Dialog):
    """Asks for the name of a view; a name that exists is replaced, and the dialog says so."""

    def __init__(self, parent: QWidget, *, words: str, taken: Sequence[str], on_name: Callable[[str], object]) -> None:
        super().__init__(parent, tr("Save view"), tr("Keep this filter under a name. Only you see your views."), icon_name="bookmark")
        self._taken, self._on_name = set(taken), on_name
        self.field = Field(name=tr("Name of the view"), hint=tr("Boundary changes"))
        self.field.setMaxLength(LONGEST_NAME)
        self.note = PlainLabel("", "small")
        facts = KeyValues([Fact(tr("Filter"), words)], name_width=72)
        self.body.addWidget(holder(column(facts, margins=(12, 4, 12, 4)), name="inset"))
        self.body.addWidget(self.field)
        self.body.addWidget(self.note)
        self.add_button(tr("Cancel"), self.reject)
        self.go = self.add_button(tr("Save"), self._save, kind="primary", default=True)
        self.field.textChanged.connect(self._check)
        self._check("")
        self.field.setFocus()

    def _check(self, typed: str) -> None:
        name = " ".join(typed.split())
        self.go.setEnabled(bool(name))
        self.note.setText(tr("Replaces the view of this name.") if name in self._taken else "")

    def _save(self) -> None:
        name = " ".join(self.field.text().split())
        self.accept()
        self._on_name(name)
