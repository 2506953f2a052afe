"""The indexes that are used most, and how many are worth a look."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from PySide6.QtWidgets import QVBoxLayout

from desktop.i18n import number, short_number, tr
from desktop.pages.overview.live_card import LiveCard
from desktop.widgets.bars import Bar
from desktop.widgets.button import Button
from desktop.widgets.label import ElidedLabel, PlainLabel
from desktop.widgets.layout import clear_layout, column, holder, row

if TYPE_CHECKING:
    from backend_core.monitoring.indexes.records import IndexRow, IndexView

SHOWN: Final = 5


class IndexCard(LiveCard):
    """Bars of the five busiest indexes that are only there to be fast, within the evidence or since the counters began."""

    def __init__(self, *, on_open: Callable[[], object]) -> None:
        super().__init__(tr("Index usage"), icon_name="list-tree")
        self.about = PlainLabel("", "small")
        self.lines: tuple[str, ...] = ()
        self._list = QVBoxLayout()
        self._list.setContentsMargins(0, 0, 0, 0)
        self._list.setSpacing(9)
        link = Button(tr("Indexes"), "link", name=tr("Open the indexes"), on_click=on_open)
        self.add(holder(column(self._list, None)), None, row(self.about, None, link, gap=4))
        self.show_words(tr("not read yet"), unknown=True)

    def show_view(self, view: IndexView) -> None:
        """Show ``view``."""
        windowed = view.evidence.since is not None
        # the others are there to enforce something, used or not
        free = [one for one in view.rows if not one.enforces]
        busiest = sorted(free, key=lambda one: -_scans(one, windowed=windowed))[:SHOWN]
        most = max((_scans(one, windowed=windowed) for one in busiest), default=0)
        clear_layout(self._list)
        for one in busiest:
            self._list.addLayout(_line(one, most, windowed=windowed))
        self.lines = tuple(one.name for one in busiest)
        hours = round(view.evidence.hours)
        span = tr("scans within {n} h", n=number(hours)) if windowed and hours else tr("scans since the start")
        self.about.setText(span)
        advised = sum(bool(one.sql) for one in view.rows) + sum(bool(one.sql) for one in view.missing)
        self.show_words(tr("1 to look at") if advised == 1 else tr("{n} to look at", n=number(advised)) if advised else "", "warn")


def _scans(one: IndexRow, *, windowed: bool) -> int:
    return one.window_scans or 0 if windowed else one.scans


def _line(one: IndexRow, most: int, *, windowed: bool) -> QVBoxLayout:
    scans = _scans(one, windowed=windowed)
    name = ElidedLabel(one.name, size=12, mono=True)
    bar = Bar(scans / most if most else 0.0, name=one.name, height=5)
    return column(row((name, 1), PlainLabel(short_number(scans), "small"), gap=8), bar, gap=4)
