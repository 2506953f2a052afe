"""Who holds a connection right now, the longest first, with the details of one below."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

from desktop.i18n import number, tr
from desktop.pages.database.figures import APART, TOO_LONG_HELD_S, held_for, held_tone, holder_key
from desktop.pages.database.holder_detail import HolderDetail, waits_on
from desktop.style import NORMAL, SEMIBOLD
from desktop.widgets import paint
from desktop.widgets.badge import Badge
from desktop.widgets.button import Button
from desktop.widgets.card import Card
from desktop.widgets.cells import text_cell, two_line_cell
from desktop.widgets.label import PlainLabel
from desktop.widgets.layout import rule
from desktop.widgets.states import EmptyState
from desktop.widgets.table import CellState, Column, Table

if TYPE_CHECKING:
    from backend_core.monitoring.records import HolderRow

FOLLOWED_S: Final = 1.0
"""The details follow the longest holder only from this time on; shorter ones come and go too fast to read."""
_ROW_HEIGHT = 46


class HoldersCard(Card):
    """A row per held connection; the details follow the longest one until the user selects another."""

    def __init__(self) -> None:
        badge, about, everyone = Badge(), PlainLabel("", "small"), Button(tr("All pools"), "link", name=tr("Show the holders of all pools"))
        super().__init__(tr("Holders"), icon_name="hand", right=(badge, about, everyone), flush=True)
        self.badge, self.about, self.everyone = badge, about, everyone
        self.everyone.hide()
        self.detail = HolderDetail()
        self.empty = EmptyState("circle-check", tr("Nobody holds a connection"))
        self.table = Table(_columns(), name=tr("Holders"), row_height=_ROW_HEIGHT, key=holder_key, empty=self.empty)
        self.table.setMinimumHeight(3 * _ROW_HEIGHT)
        self.table.selected.connect(self._select)
        self._at = dt.datetime.now(dt.UTC)
        self._by_user = self._following = False
        self.add((self.table, 1), rule(), self.detail)

    def show_holders(self, holders: Sequence[HolderRow], *, held: int, whose: str, at: dt.datetime) -> None:
        """Show ``holders``, the longest first, out of ``held``, of the pool ``whose`` (empty for all)."""
        self._at = at
        self.table.set_rows(holders)
        too_long = sum(1 for found in holders if found.held_s >= TOO_LONG_HELD_S)
        self.badge.show_state(tr("{n} over {s} s", n=number(too_long), s=number(TOO_LONG_HELD_S)) if too_long else "", "bad")
        names = {"n": number(len(holders)), "all": number(held), "whose": whose or tr("all pools")}
        # a process reports its longest holders only; one may come or go between the two readings
        cut = bool(holders) and held > len(holders) + APART
        self.about.setText(tr("longest {n} of {all} held, {whose}", **names) if cut else tr("{n} held, {whose}", **names))
        self.everyone.setVisible(bool(whose))
        self._show_detail(holders)

    def show_stale(self) -> None:
        """Say that nobody knows whether this still holds."""
        self.badge.show_state(tr("not current"), unknown=True)

    def _show_detail(self, holders: Sequence[HolderRow]) -> None:
        longest = holders[0] if holders and holders[0].held_s >= FOLLOWED_S else None
        shown = self.detail.shown
        current = next((found for found in holders if shown is not None and holder_key(found) == holder_key(shown)), None)
        if self._by_user and current is None:
            self._by_user = False
        wanted = current if self._by_user else longest or current
        if wanted is not None:
            self._mark(wanted)
            self.detail.show_holder(wanted, at=self._at)
        elif shown is not None:
            self.detail.show_ended()

    def _mark(self, wanted: HolderRow) -> None:
        chosen = self.table.current()
        if chosen is None or holder_key(chosen) != holder_key(wanted):
            self._following = True
            self.table.select_key(holder_key(wanted))
            self._following = False

    def _select(self, found: HolderRow | None) -> None:
        if self._following:
            return
        self._by_user = found is not None
        if found is not None:
            self.detail.show_holder(found, at=self._at)


def _columns() -> list[Column]:
    return [
        Column("held", tr("Held for"), lambda h: held_for(h.held_s), _draw_held, width=86, right=True),
        Column("by", tr("Held by"), lambda h: f"{h.label}, {h.thread}", two_line_cell(lambda h: h.label, lambda h: h.thread)),
        Column("pid", tr("Server pid"), _pid, text_cell(_pid, tone="muted", mono=True), width=86),
        Column("state", tr("State"), lambda h: h.state or tr("not seen"), _draw_state, width=142),
        Column("waits", tr("Waits on"), _waits, text_cell(_waits, tone="muted"), width=136),
    ]


def _pid(found: HolderRow) -> str:
    return str(found.server_pid) if found.server_pid else "–"


def _waits(found: HolderRow) -> str:
    return waits_on(found) if found.state is not None else tr("not seen")


def _draw_held(painter: QPainter, rect: QRectF, found: HolderRow, _state: CellState) -> None:
    tone = held_tone(found.held_s)
    weight = NORMAL if tone == "text" else SEMIBOLD
    paint.text(painter, rect, held_for(found.held_s), tone=tone, weight=weight, align=paint.RIGHT)


def _draw_state(painter: QPainter, rect: QRectF, found: HolderRow, state: CellState) -> None:
    if found.state is None:
        words = tr("not seen")
        room = QRectF(rect.x(), rect.center().y() - paint.PILL_HEIGHT / 2, paint.pill_width(words), paint.PILL_HEIGHT)
        paint.hatch(painter, room, paint.PILL_HEIGHT / 2)
        paint.box(painter, room.adjusted(6, 2, -6, -2), paint.PILL_HEIGHT / 2 - 2, fill="sel" if state.selected else "surface")
        paint.text(painter, room, words, size=12, tone="text" if state.selected else "muted", align=paint.CENTRE, elide=False)
        return
    tone = state_tone(found)
    paint.pill(painter, rect.x(), rect.center().y(), found.state, tone, edge=state.selected or tone == "none")


def state_tone(found: HolderRow) -> str:
    """Return how alarming the session's state is, given how long the connection is held."""
    if found.state is not None and found.state.startswith("idle in transaction"):
        held = held_tone(found.held_s)
        return "none" if held == "text" else held
    return "info" if found.state == "active" else "none"
