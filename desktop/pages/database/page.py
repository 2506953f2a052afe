"""The database page: server facts in its head, and tabs that each read for themselves while they are seen."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar, Final

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QFileDialog, QStackedWidget

from backend_core.policy import may
from desktop.i18n import duration, number, tr
from desktop.pages.database.activity_tab import ActivityTab
from desktop.pages.database.figures import Reading, full_pools
from desktop.pages.database.indexes_tab import IndexesTab
from desktop.pages.database.locks_tab import LocksTab
from desktop.pages.database.migrations_tab import MigrationsTab
from desktop.pages.database.pool_live import POLL_MS, PoolLive
from desktop.pages.database.pool_tab import PoolTab
from desktop.pages.database.statements_tab import StatementsTab
from desktop.pages.database.tab import Tab
from desktop.pages.database.tables_tab import TablesTab
from desktop.widgets.badge import Badge
from desktop.widgets.button import Button
from desktop.widgets.file_dialog import ask_file
from desktop.widgets.label import IconLabel, PlainLabel
from desktop.widgets.layout import column, holder
from desktop.widgets.page import Page, PageContext, title_row
from desktop.widgets.tabs import Tabs

__all__ = ["POLL_MS", "TABS", "DatabasePage"]

AGE_MS: Final = 1_000
_MINUTE = 60

TABS: Final[tuple[type[Tab], ...]] = (PoolLive, ActivityTab, LocksTab, IndexesTab, TablesTab, StatementsTab, MigrationsTab)
"""In the order of the bar; those a role may not read are left out."""


class DatabasePage(Page):
    """Shows one tab; a tab is made when it is first chosen and reads nothing while another is shown."""

    key: ClassVar[str] = "database"
    title: ClassVar[str] = "Database"
    icon: ClassVar[str] = "database"
    group: ClassVar[str] = "Run"
    # live tabs read by themselves; a job that changes an index is worth a look at once
    tables: ClassVar[frozenset[str]] = frozenset({"index_changes"})

    def __init__(self, context: PageContext) -> None:
        super().__init__(context)
        role = context.actor.role if context.actor is not None else ""
        self._classes = {tab.key: tab for tab in TABS if not tab.action or may(role, tab.action)}
        self._made: dict[str, Tab] = {}
        self._paused = False
        self._dialog: QFileDialog | None = None
        self._make_head()
        self.tabs = Tabs([(key, tr(tab.caption)) for key, tab in self._classes.items()], name=tr("Database"))
        self._tab_stack = QStackedWidget()
        head = holder(column(self._head, self.tabs, gap=6, margins=(24, 18, 24, 0)))
        self.content.setLayout(column(head, (self._tab_stack, 1), gap=0))
        self._clock = QTimer(self)
        self._clock.setInterval(AGE_MS)
        self._clock.timeout.connect(self._show_live)
        self.tabs.chosen.connect(self._choose)
        self._pools = PoolLive(self)
        self._adopt(self._pools)
        if "activity" in self._classes:
            self._pools.offer_sessions()
        self._choose(self.tabs.current)
        self._add_commands()

    @property
    def paused(self) -> bool:
        """Whether the user stopped the live reading."""
        return self._paused

    @property
    def tab(self) -> Tab:
        """The tab that is shown."""
        return self.part(self.tabs.current)

    @property
    def pool(self) -> PoolTab:
        """The figures of the pool tab."""
        return self._pools.view

    @property
    def reading(self) -> Reading | None:
        """The last answer about the pools."""
        found: Reading | None = self._pools.reading
        return found

    def part(self, key: str) -> Tab:
        """Return the tab ``key``, made now if it was never shown.

        Raises:
            KeyError: there is none, or not for this role.
        """
        if key not in self._made:
            self._adopt(self._classes[key](self))
        return self._made[key]

    def open_target(self, **target: object) -> None:
        """Show ``tab``, and there what else was asked for."""
        key = target.pop("tab", None)
        if isinstance(key, str) and key in self._classes:
            self.tabs.choose(key)
            self.tab.open_target(**target)

    def refresh(self) -> None:
        """Read now; while paused only what was never read."""
        self.tab.refresh()

    def shown(self) -> None:
        """Start the clock of the ages; the reading follows by itself."""
        self._clock.start()
        self.tab.shown()

    def hidden(self) -> None:
        """Read nothing while nobody looks."""
        self._clock.stop()
        self.tab.hidden()

    def toggle_pause(self) -> None:
        """Stop or resume the live reading."""
        self._paused = not self._paused
        for tab in self._made.values():
            tab.pause(paused=self._paused)
        self.pause.set_caption(tr("Resume") if self._paused else tr("Pause"), name=_pause_name(paused=self._paused))
        self.pause.set_icon("play" if self._paused else "pause")
        self._show_live()

    def choose_export(self) -> None:
        """Ask for a file and write what is shown into it."""
        tab = self.tab
        if tab.reading is None or not tab.export_title:
            return
        kinds = {tr("JSON files (*.json)"): "json"} | ({tr("CSV files (*.csv)"): "csv"} if tab.export_csv else {})
        name = f"{tab.export_name}-{datetime.now(UTC).astimezone():%Y%m%d-%H%M%S}"
        ask_file(self, tr(tab.export_title), kinds=kinds, name=name, on_chosen=self.export_to)

    def export_to(self, path: Path) -> None:
        """Write the last reading of the shown tab to ``path``: CSV where the tab writes it and the name ends so, else JSON."""
        tab, reading = self.tab, self.tab.reading
        if reading is not None:
            self.act(lambda: tab.write_export(path, reading), lambda _: self.context.notify(tr("Exported to {name}.", name=path.name)))

    def _make_head(self) -> None:
        self.server = Badge(icon_name="server")
        self.full = Badge(icon_name="triangle-alert")
        self.dot = IconLabel("activity", "ok", size=16)
        self.live = PlainLabel("", "small")
        self.stale = Badge()
        self.pause = Button(tr("Pause"), icon_name="pause", name=_pause_name(paused=False), on_click=self.toggle_pause)
        self.export = Button(tr("Export"), icon_name="download", name=tr("Export what this tab shows as JSON"), on_click=self.choose_export)
        right = (self.dot, self.live, self.stale, 8, self.pause, self.export)
        self._head = title_row(tr(self.title), self.server, self.full, right=right)

    def _add_commands(self) -> None:
        add, group = self.context.commands.add, tr("Database")
        add("database.pause", title=tr("Pause or resume the live database view"), run=self.toggle_pause, group=group, icon="pause")
        add("database.export", title=tr("Export the database view"), run=self.choose_export, group=group, icon="download")

    def _adopt(self, tab: Tab) -> None:
        tab.pause(paused=self._paused)
        tab.changed.connect(self._tab_changed)
        tab.counted.connect(self._count)
        self._made[tab.key] = tab
        self._tab_stack.addWidget(tab)

    def _choose(self, key: str) -> None:
        for other in self._made.values():
            other.hidden()
        tab = self.part(key)
        self._tab_stack.setCurrentWidget(tab)
        self.place = tr(tab.caption)
        self.place_changed.emit()
        self.export.setVisible(bool(tab.export_title))
        self._show_live()
        if self.isVisible():
            tab.shown()

    def _count(self, key: str, words: str, tone: str) -> None:
        if key in self._classes:
            self.tabs.set_count(key, words, tone=tone)

    def _tab_changed(self) -> None:
        known = self.tab.server()
        if known is not None:
            self.server.show_state(tr("PostgreSQL {version}, up {time}", version=known[0], time=duration(known[1])))
        reading = self.reading
        if reading is not None:
            view = reading.view
            full = full_pools(view)
            words = tr("1 pool above 80\u202f%") if full == 1 else tr("{n} pools above 80\u202f%", n=number(full))
            self.full.show_state(words if full else "", "warn")
        self._show_live()

    def _show_live(self) -> None:
        tab = self.tab
        age, good_at = tab.age_s(), tab.good_at
        known, old = age is not None, tab.old
        if old:
            tab.show_stale()
        words = tr("Paused at {time}", time=f"{good_at.astimezone():%H:%M:%S}") if self._paused and good_at else tr(tab.live)
        self.live.setText(words if known and not old else "")
        self.live.setVisible(known and not old)
        self.dot.setVisible(known and not old)
        self.dot.set_icon("pause" if self._paused else "activity", "muted" if self._paused else "ok")
        self.stale.show_state(tr("last answer {age} ago", age=_length(age)) if old and age is not None else "", unknown=True)


def _pause_name(*, paused: bool) -> str:
    return tr("Resume the live reading") if paused else tr("Pause the live reading")


def _length(seconds: float) -> str:
    return tr("{n} s", n=int(seconds)) if seconds < _MINUTE else duration(seconds)
