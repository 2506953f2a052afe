"""What somebody should look into now, and the way there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout

from desktop.i18n import ago, number, tr
from desktop.pages.overview.live_card import LiveCard
from desktop.widgets.button import Button
from desktop.widgets.label import ElidedLabel, IconTile, PlainLabel, plain_tip
from desktop.widgets.layout import clear_layout, column, holder, row
from desktop.widgets.states import EmptyState

if TYPE_CHECKING:
    from backend_core.notices.records import Notice

SHOWN: Final = 4
READ: Final = 50
_ICONS: Final = {"bad": "octagon-alert", "warn": "triangle-alert", "info": "info"}
_TONES: Final = {"bad": "bad", "warn": "warn", "info": "info"}


class AlertsCard(LiveCard):
    """The newest open notices, worst first; ``opened`` carries the one whose page is wanted, None for all of them."""

    opened = Signal(object)

    def __init__(self) -> None:
        link = Button(tr("View all"), "link", name=tr("View all alerts"), on_click=lambda: self.opened.emit(None))
        super().__init__(tr("Alerts"), icon_name="bell", right=(link,))
        self.titles: tuple[str, ...] = ()
        self._list = QVBoxLayout()
        self._list.setContentsMargins(0, 0, 0, 0)
        self._list.setSpacing(10)
        self.empty = EmptyState("bell", tr("Nothing to look into"), detail=tr("What goes wrong shows up here until it is over."))
        unread = holder(row(None, PlainLabel(tr("Not read yet"), "muted"), None))
        self._filled = holder(column(self._list, None))
        self._stack = QStackedWidget()
        for part in (unread, self._filled, self.empty):
            self._stack.addWidget(part)
        self.add((self._stack, 1))

    def show_notices(self, notices: Sequence[Notice]) -> None:
        """Show the open ``notices``, newest first as the list gives them."""
        order = list(_ICONS)
        ranked = sorted(notices, key=lambda one: order.index(one.severity))[:SHOWN]
        clear_layout(self._list)
        for one in ranked:
            self._list.addLayout(self._line(one))
        self.titles = tuple(one.title for one in ranked)
        self._stack.setCurrentWidget(self._filled if ranked else self.empty)
        worst = _TONES[ranked[0].severity] if ranked else "none"
        self.show_words(tr("{n} open", n=number(len(notices))) if ranked else "", worst)

    def _line(self, one: Notice) -> QVBoxLayout:
        tile = IconTile(_ICONS[one.severity], tone=_TONES[one.severity], size=28)
        title = ElidedLabel(one.title, size=13, weight=500)
        body = ElidedLabel(one.body, size=12, tone="muted")
        body.setToolTip(plain_tip(one.body))
        link = Button(tr("Open"), "link", name=tr("Open {title}", title=one.title), on_click=lambda: self.opened.emit(one))
        when = PlainLabel(ago(one.raised_at), "small")
        return column(row(tile, (holder(column(title, body, gap=2)), 1), when, link, gap=10))
