"""One setting on the page: what it is, its control, what is wrong with it, and what somebody else made of it meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QWidget

from desktop.i18n import number, tr
from desktop.pages.settings.controls import Dot, control_for
from desktop.widgets.button import Button
from desktop.widgets.label import IconLabel, PlainLabel
from desktop.widgets.layout import column, holder, row

if TYPE_CHECKING:
    from backend_core.house.declaration import HouseField, Value
    from desktop.pages.settings.draft import Draft


_INDENT: Final = 12
"""The room of the dot before a title."""


class SettingLine(QFrame):
    """Shows its part of a draft; ``edited`` carries (name, value), the other signals the name."""

    edited = Signal(str, object)
    kept = Signal(str)
    dropped = Signal(str)

    def __init__(self, field: HouseField) -> None:
        super().__init__()
        self.setObjectName("clear")
        self.setAccessibleName(field.title)
        self.field = field
        self.dot = Dot()
        self.control = control_for(field)
        self.control.edited.connect(lambda value: self.edited.emit(field.name, value))
        self.back = Button(
            "", "ghost", icon_name="rotate-ccw", name=tr("Back to {value}", value=words(field, field.default)), on_click=self._back
        )
        self.problem = PlainLabel("", "smalltext", tone="bad", wrap=True)
        self.problem.setIndent(_INDENT)
        self.problem.hide()
        self._make_conflict()
        keep_room = self.back.sizePolicy()
        keep_room.setRetainSizeWhenHidden(True)
        self.back.setSizePolicy(keep_room)
        lane = QHBoxLayout()
        lane.setSpacing(12)
        # no alignment for the words: it would cost them the height their lines need
        lane.addWidget(self._words(), 1)
        lane.addLayout(row(self.back, self.control, gap=6))
        self.setLayout(column(lane, self.problem, self.conflict, gap=4, margins=(0, 6, 0, 6)))

    def show_draft(self, draft: Draft, *, editable: bool) -> None:
        """Show what holds or was typed, and what stands in the way of saving it."""
        name = self.field.name
        self.control.show_value(draft.shown(name))
        self.control.setEnabled(editable)
        self.dot.show_on(on=name in draft.changed)
        self.back.setVisible(editable and draft.meaning(name) != self.field.default)
        problem = draft.problem(name)
        self.problem.setText(problem)
        self.problem.setVisible(bool(problem))
        theirs = draft.theirs.get(name)
        if theirs is not None:
            who = theirs or tr("Somebody")
            value = words(self.field, draft.holds(name))
            said = tr("{who} changed this to {value} while you were editing.", who=who, value=value)
            self.conflict_words.setText(said)
        self.conflict.setVisible(theirs is not None)

    def _words(self) -> QWidget:
        field = self.field
        later = PlainLabel(tr("not used by this version yet"), "tiny")
        head = row(self.dot, PlainLabel(field.title, "strong"), *(() if field.in_use else (4, later)), None, gap=4)
        about = PlainLabel(f"{field.description} {said}." if (said := bounds(field)) else field.description, "small", wrap=True)
        about.setIndent(_INDENT)
        return holder(column(None, head, about, None, gap=1))

    def _make_conflict(self) -> None:
        self.conflict_words = PlainLabel("", "smalltext", wrap=True)
        name = self.field.name
        self.mine = Button(tr("Keep mine"), "small", on_click=lambda: self.kept.emit(name))
        self.take = Button(tr("Take theirs"), "small", on_click=lambda: self.dropped.emit(name))
        lane = row(IconLabel("users", "warn"), (self.conflict_words, 1), self.mine, self.take, gap=8, margins=(10, 6, 8, 6))
        self.conflict = holder(lane, name="inset")
        self.conflict.hide()

    def _back(self) -> None:
        self.edited.emit(self.field.name, self.field.default)


def words(field: HouseField, value: Value) -> str:
    """Return a value with its unit, as people say it."""
    if isinstance(value, bool):
        return tr("on") if value else tr("off")
    if field.zero and value == 0:
        return field.zero
    shown = number(value) if isinstance(value, int) else value or tr("nothing")
    return f"{shown} {field.unit}".strip()


def bounds(field: HouseField) -> str:
    """Return what a number may be, as one word to the eye: 1 to 120."""
    if field.least is None or field.most is None:
        return ""
    said = tr("{least} to {most}", least=number(field.least), most=number(field.most))
    said = f"{said}, {tr('0: {meaning}', meaning=field.zero)}" if field.zero else said
    return said.replace(" ", "\u00a0")
