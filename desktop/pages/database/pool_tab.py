"""The pool tab: capacity, waiters and waits on top, processes and holders below."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QFrame, QScrollArea, QWidget

from desktop.i18n import tr
from desktop.pages.database.capacity_cards import CapacityCard, WaitersCard
from desktop.pages.database.figures import Reading, capacity, holders_of, pools
from desktop.pages.database.holders_card import HoldersCard
from desktop.pages.database.processes_card import ProcessesCard
from desktop.pages.database.times_card import TimesCard
from desktop.widgets.layout import column, holder, row

BESIDE_FROM: Final = 1080
"""Below this width in px the two tables stand under one another."""
_TOP_HEIGHT = 244
_GAP = 12


class PoolTab(QScrollArea):
    """Everything about connection pools; selecting a process narrows capacity and holders to its pool."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName(tr("Pool"))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.capacity, self.waiters, self.waits = CapacityCard(), WaitersCard(), TimesCard()
        self.processes, self.holders = ProcessesCard(), HoldersCard()
        self._reading: Reading | None = None
        self._application: str | None = None
        self._stale = False
        top = holder(
            row((self.capacity, 26), (self.waiters, 28), (self.waits, 42), gap=_GAP, stretch_height=True),
            height=_TOP_HEIGHT,
        )
        self._low: QBoxLayout = row((self.processes, 44), (self.holders, 56), gap=_GAP, stretch_height=True)
        inside: QWidget = holder(column(top, gap=_GAP, margins=(24, _GAP, 24, 20)))
        lane = inside.layout()
        if isinstance(lane, QBoxLayout):
            lane.addLayout(self._low, 1)
        self.setWidget(inside)
        self.processes.chosen.connect(self._choose)
        self.holders.everyone.clicked.connect(self.processes.clear_choice)

    def show_reading(self, reading: Reading) -> None:
        """Show ``reading``."""
        self._reading, self._stale = reading, False
        self.waiters.show_reading(reading)
        self.processes.show_view(reading.view)
        self._show_chosen()

    def show_stale(self) -> None:
        """Mark what is shown as no longer current."""
        if not self._stale:
            self._stale = True
            self._show_chosen()
            self.waiters.show_stale()
            self.processes.show_stale()
            self.holders.show_stale()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Put the tables beside or below one another."""
        super().resizeEvent(event)
        beside = self.width() >= BESIDE_FROM
        self._low.setDirection(QBoxLayout.Direction.LeftToRight if beside else QBoxLayout.Direction.TopToBottom)

    def _choose(self, application: str | None) -> None:
        if application != self._application:
            self._application = application
            self._show_chosen()

    def _show_chosen(self) -> None:
        if self._reading is None:
            return
        view = self._reading.view
        row_of = next((process for process in pools(view) if process.application == self._application), None)
        chosen = row_of.application if row_of is not None else None
        whose = tr("{kind} {host}:{pid}", kind=row_of.kind, host=row_of.host, pid=row_of.pid) if row_of is not None else ""
        self.capacity.show_capacity(capacity(view, chosen), at=view.at, whose=chosen or "", stale=self._stale)
        self.waits.show_times(row_of or view, whose=whose)
        held = row_of.in_use if row_of is not None else sum(process.in_use for process in pools(view))
        self.holders.show_holders(holders_of(view, chosen), held=held, whose=whose, at=view.at)
