"""The house settings as cards, one for each group, and the bar that saves them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QWidget

from desktop.i18n import tr
from desktop.pages.settings.draft import Draft
from desktop.pages.settings.line import SettingLine
from desktop.widgets.button import Button
from desktop.widgets.card import Card
from desktop.widgets.label import IconLabel, PlainLabel
from desktop.widgets.layout import column, holder, row, rule
from desktop.widgets.scroll import scrolling

if TYPE_CHECKING:
    from backend_core.house.declaration import HouseField, Value
    from backend_core.house.service import HouseState

TWO_COLUMNS: Final = 1080
_ICONS: Final = {
    "Documents and audio": "file-audio", "Retention": "history", "Notifications": "inbox", "Costs": "gauge", "Security": "shield-check",
    "Audit log": "list-checks", "Backup": "archive",
}  # fmt: skip


class HouseSection(QWidget):
    """The cards and the bar; it never forgets what was typed by itself.

    Args:
        fields: every setting.
        on_save: called when the user asks to save the draft.
    """

    def __init__(self, fields: Sequence[HouseField], *, on_save: Callable[[], object]) -> None:
        super().__init__()
        self.draft = Draft(fields)
        self.editable = False
        self.lines = {field.name: self._line(field) for field in fields}
        self._make_notice()
        self._cards = self._make_cards()
        self._left, self._right = column(gap=16), column(gap=16)
        # half of the room each, with what is left over below the cards
        self._right_half = holder(column(self._right, None, gap=0))
        self._wide: bool | None = None
        whole = row((holder(column(self._left, None, gap=0)), 1), (self._right_half, 1), gap=16, stretch_height=True)
        inside = holder(column(self.notice, whole, None, gap=14, margins=(24, 14, 24, 20)))
        self.area = scrolling(inside, name=tr("House settings"))
        self._make_bar(on_save)
        self.setLayout(column((self.area, 1), self.bar, gap=0))
        self._arrange(wide=True)

    def show_state(self, state: HouseState, *, refused: str, mine: bool = False) -> None:
        """Show what holds; what was typed stays.

        Args:
            refused: why this person cannot change it; empty when they can.
            mine: it is what this window saved.
        """
        self.draft.rebase(state, mine=mine)
        self.editable = not refused
        self.notice_words.setText(refused)
        self.notice.setVisible(bool(refused))
        self._show()

    def put(self, name: str, value: Value) -> None:
        """Note what the user made of a setting."""
        self.draft.put(name, value)
        self._show()

    def keep(self, name: str) -> None:
        """Stand by what was typed."""
        self.draft.keep(name)
        self._show()

    def drop(self, name: str) -> None:
        """Take what holds."""
        self.draft.drop(name)
        self._show()

    def discard(self) -> None:
        """Forget everything that was typed."""
        self.draft.discard()
        self._show()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """One column of cards where two would be too narrow."""
        super().resizeEvent(event)
        self._arrange(wide=self.width() >= TWO_COLUMNS)

    def _line(self, field: HouseField) -> SettingLine:
        line = SettingLine(field)
        line.edited.connect(self.put)
        line.kept.connect(self.keep)
        line.dropped.connect(self.drop)
        return line

    def _make_notice(self) -> None:
        self.notice_words = PlainLabel("", wrap=True)
        self.notice = holder(row(IconLabel("lock"), (self.notice_words, 1), gap=8, margins=(12, 8, 12, 8)), name="inset")
        self.notice.hide()

    def _make_cards(self) -> list[Card]:
        groups: dict[str, list[SettingLine]] = {}
        for name, line in self.lines.items():
            groups.setdefault(self.draft.fields[name].group, []).append(line)
        cards = []
        for group, lines in groups.items():
            card = Card(tr(group), icon_name=_ICONS.get(group, "sliders-horizontal"))
            card.body.setSpacing(2)
            for number, line in enumerate(lines):
                card.add(*((rule(),) if number else ()), line)
            cards.append(card)
        return cards

    def _make_bar(self, on_save: Callable[[], object]) -> None:
        self.bar_words = PlainLabel("", "strong")
        self.bar_hint = PlainLabel("", "small")
        self.discarding = Button(tr("Discard"), on_click=self.discard)
        self.saving = Button(tr("Save"), "primary", icon_name="check", on_click=on_save)
        lane = row(IconLabel("pencil", "accent"), self.bar_words, self.bar_hint, None, self.discarding, self.saving, margins=(24, 0, 24, 0))
        self.bar = holder(lane, name="player", height=56)
        self.bar.setAccessibleName(tr("Unsaved changes"))
        self.bar.hide()

    def _arrange(self, *, wide: bool) -> None:
        if wide == self._wide:
            return
        self._wide = wide
        heights = [0, 0]
        for card in self._cards:
            side = 0 if not wide or heights[0] <= heights[1] else 1
            heights[side] += card.sizeHint().height()
            (self._left, self._right)[side].addWidget(card)
        self._right_half.setVisible(wide)

    def _show(self) -> None:
        draft = self.draft
        for line in self.lines.values():
            line.show_draft(draft, editable=self.editable)
        changed, wrong, theirs = len(draft.changed), len(draft.wrong), len(draft.theirs)
        self.bar_words.setText(tr("1 change is not saved") if changed == 1 else tr("{n} changes are not saved", n=changed))
        hint = tr("Correct what is marked.") if wrong else tr("Decide between yours and theirs.") if theirs else ""
        self.bar_hint.setText(hint)
        self.saving.setEnabled(draft.ready and self.editable)
        self.bar.setVisible(bool(changed))
