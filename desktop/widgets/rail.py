"""The navigation rail: groups of pages, a profile card at its foot, icons only in narrow windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QButtonGroup, QFrame, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from desktop.i18n import tr
from desktop.style import MEDIUM, SEMIBOLD
from desktop.widgets import paint
from desktop.widgets.button import Button
from desktop.widgets.label import IconLabel, PlainLabel, over, plain_tip
from desktop.widgets.layout import holder, row

WIDE = 212
NARROW = 60
TOP_HEIGHT = 54
_ITEM = 32
_CARD = 52


@dataclass(frozen=True, slots=True)
class RailEntry:
    """One page in the rail."""

    key: str
    title: str
    icon: str
    group: str


class NavButton(QPushButton):
    """One entry: icon at 10, words at 36, and a pale ground while its page is shown."""

    def __init__(self, entry: RailEntry, *, shortcut: str) -> None:
        super().__init__()
        self._entry = entry
        self.setCheckable(True)
        self.setAccessibleName(entry.title)
        self.setToolTip(f"{entry.title}  {shortcut}")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(_ITEM)

    def sizeHint(self) -> QSize:
        """Return the size of a collapsed entry; the rail decides the width."""
        return QSize(36, _ITEM)

    def minimumSizeHint(self) -> QSize:
        """Return the same."""
        return self.sizeHint()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the entry."""
        painter = QPainter(self)
        paint.begin(painter)
        whole, on, over_it = QRectF(self.rect()), self.isChecked(), self.underMouse()
        if on or over_it:
            paint.box(painter, whole.adjusted(0, 1, 0, -1), 7, fill="accent_bg" if on else "hover")
        if self.hasFocus():
            paint.box(painter, whole.adjusted(0, 1, 0, -1), 7, line="accent", width=2)
        paint.icon(painter, QPointF(10, (_ITEM - 16) / 2), self._entry.icon, "accent" if on else "muted")
        if self.width() > NARROW:
            tone = "accent" if on else "text" if over_it else "muted"
            paint.text(painter, whole.adjusted(36, 0, -8, 0), self._entry.title, tone=tone, weight=SEMIBOLD if on else MEDIUM)


class ProfileCard(QAbstractButton):
    """Which database this window works on, with its colour as a bar and its kind as an icon and in words; a click opens the others."""

    def __init__(self) -> None:
        super().__init__()
        self._name, self._below, self._token, self._icon = tr("Starting"), "", "faint", "laptop"
        self.setFixedHeight(_CARD)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_profile(self, name: str, below: str, *, token: str, icon_name: str) -> None:
        """Name the profile; ``token`` is its colour."""
        self._name, self._below, self._token, self._icon = name, below, token, icon_name
        self.setAccessibleName(f"{name}, {below}")
        self.setToolTip(plain_tip(f"{name}\n{below}"))
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the card, or only its icon in a narrow rail."""
        painter = QPainter(self)
        paint.begin(painter)
        whole = QRectF(self.rect())
        if self.width() <= NARROW:
            paint.icon(painter, QPointF((self.width() - 16) / 2, 18), self._icon, "muted")
            paint.box(painter, QRectF(self.width() / 2 - 10, 40, 20, 3), 1.5, fill=self._token)
            return
        paint.box(painter, whole, 10, fill="hover" if self.underMouse() else "surface", line="accent" if self.hasFocus() else "line")
        paint.box(painter, QRectF(10, 12, 4, _CARD - 24), 2, fill=self._token)
        top = 9 if self._below else (_CARD - 18) / 2
        paint.text(painter, QRectF(24, top, whole.width() - 56, 18), self._name, weight=SEMIBOLD)
        paint.text(painter, QRectF(24, 27, whole.width() - 56, 16), self._below, size=12, tone="muted")
        paint.icon(painter, QPointF(whole.right() - 28, 18), "chevrons-up-down")


class Rail(QFrame):
    """The rail; ``chosen`` carries the key of the page."""

    chosen = Signal(str)
    fold_wanted = Signal()

    def __init__(self, entries: Sequence[RailEntry]) -> None:
        super().__init__()
        self.setObjectName("rail")
        self.setAccessibleName(tr("Pages"))
        self._keys = [entry.key for entry in entries]
        self._group = QButtonGroup(self)
        self._members: dict[QWidget, list[str]] = {}
        self._bare: set[QWidget] = set()
        self._word = PlainLabel("Lectern", "heading")
        self._word.setStyleSheet("font-size: 15px; font-weight: 700;")
        self._fold = Button("", "ghost", icon_name="panel-left", name=tr("Fold the rail"), on_click=self.fold_wanted.emit)
        self.card = ProfileCard()
        lane = QVBoxLayout(self)
        lane.setContentsMargins(12, 0, 12, 12)
        lane.setSpacing(0)
        self._head = row(IconLabel("book-audio", "accent", size=22), self._word, None, self._fold, gap=9, margins=(7, 0, 0, 0))
        lane.addWidget(holder(self._head, height=TOP_HEIGHT))
        self._add_entries(lane, entries)
        if all(entry.group for entry in entries):
            lane.addStretch(1)
        else:
            lane.addSpacing(12)
        lane.addWidget(self.card)
        self._group.idClicked.connect(self._announce)
        self.set_folded(folded=False)

    def set_current(self, key: str) -> None:
        """Mark the page that is shown."""
        if key in self._keys:
            self._group.button(self._keys.index(key)).setChecked(True)

    def show_only(self, keys: Sequence[str]) -> None:
        """Leave out every other page, and the headings that then stand over nothing."""
        for number, key in enumerate(self._keys):
            self._group.button(number).setVisible(key in keys)
        self._bare = {heading for heading, members in self._members.items() if not set(members) & set(keys)}
        self.set_folded(folded=self.width() == NARROW)

    def set_folded(self, *, folded: bool) -> None:
        """Show icons only, or icons and words."""
        self.setFixedWidth(NARROW if folded else WIDE)
        for part in (self._word, self._fold, *self._members):
            part.setVisible(not folded and part not in self._bare)

    def _add_entries(self, lane: QVBoxLayout, entries: Sequence[RailEntry]) -> None:
        number = 0
        for group, members in groupby(entries, key=lambda entry: entry.group):
            entries_here = list(members)
            if not group:
                # what is for the program itself stands at the end, above the profile
                lane.addStretch(1)
            else:
                # the gap belongs to the heading, so that a group that is left out leaves none
                heading = over(group)
                heading.setContentsMargins(10, 14 if number else 0, 0, 0)
                heading.setFixedHeight(34 if number else 20)
                self._members[heading] = [entry.key for entry in entries_here]
                lane.addWidget(heading)
            for entry in entries_here:
                button = NavButton(entry, shortcut=f"Alt+{number + 1}")
                self._group.addButton(button, number)
                lane.addWidget(button)
                number += 1

    def _announce(self, number: int) -> None:
        self.chosen.emit(self._keys[number])
