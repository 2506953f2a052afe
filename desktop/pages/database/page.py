"""The database page: server facts, tabs, and the live reading of the pool tab."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar, Final

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QFileDialog, QStackedWidget

from backend_core.errors import LecternError, StorageFailed
from desktop.background import Handle
from desktop.i18n import duration, number, tr
from desktop.pages.database.figures import Reading, exported, full_pools
from desktop.pages.database.pool_tab import PoolTab
from desktop.widgets.badge import Badge
from desktop.widgets.button import Button
from desktop.widgets.label import IconLabel, PlainLabel
from desktop.widgets.layout import column, holder
from desktop.widgets.page import Page, PageContext, title_row
from desktop.widgets.tabs import Tabs

POLL_MS: Final = 200
AGE_MS: Final = 1_000
STALE_S: Final = 2.0
"""An answer older than this while live is shown as old."""
_MINUTE = 60


class DatabasePage(Page):
    """Reads the pools five times a second while it is visible and not paused; a reading never overtakes the one before."""

    key: ClassVar[str] = "database"
    title: ClassVar[str] = "Database"
    icon: ClassVar[str] = "database"
    group: ClassVar[str] = "Run"
    tables: ClassVar[frozenset[str]] = frozenset({"process_report"})

    def __init__(self, context: PageContext) -> None:
        super().__init__(context)
        self.place = tr("Pool")
        self.reading: Reading | None = None
        self._good_at: datetime | None = None
        self._failed = False
        self._paused = False
        self._handle: Handle | None = None
        self._dialog: QFileDialog | None = None
        self.pool = PoolTab()
        self._make_head()
        self.tabs = Tabs([("pool", tr("Pool"))], name=tr("Database"))
        stack = QStackedWidget()
        stack.addWidget(self.pool)
        head = holder(column(self._head, self.tabs, gap=6, margins=(24, 18, 24, 0)))
        self.content.setLayout(column(head, (stack, 1), gap=0))
        self.pool.holders.detail.copied.connect(lambda: context.notify(tr("Copied.")))
        self._next = QTimer(self)
        self._next.setSingleShot(True)
        self._next.setInterval(POLL_MS)
        self._next.timeout.connect(self._read)
        self._clock = QTimer(self)
        self._clock.setInterval(AGE_MS)
        self._clock.timeout.connect(self._show_live)
        self._add_commands()

    @property
    def paused(self) -> bool:
        """Whether the user stopped the live reading."""
        return self._paused

    def refresh(self) -> None:
        """Read now; while paused only what was never read."""
        if not self._paused or self.reading is None:
            self._read()

    def shown(self) -> None:
        """Start the clock of the ages; the reading follows by itself."""
        self._clock.start()

    def hidden(self) -> None:
        """Read nothing while nobody looks."""
        self._clock.stop()
        self._next.stop()

    def toggle_pause(self) -> None:
        """Stop or resume the live reading."""
        self._paused = not self._paused
        if self._paused:
            self._next.stop()
        else:
            self._read()
        self.pause.set_caption(tr("Resume") if self._paused else tr("Pause"), name=_pause_name(paused=self._paused))
        self.pause.set_icon("play" if self._paused else "pause")
        self._show_live()

    def choose_export(self) -> None:
        """Ask for a file and write what is shown into it."""
        if self.reading is None:
            return
        dialog = QFileDialog(self, tr("Export the pool view"))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilter(tr("JSON files (*.json)"))
        dialog.setDefaultSuffix("json")
        dialog.selectFile(f"pool-{datetime.now(UTC).astimezone():%Y%m%d-%H%M%S}.json")
        dialog.fileSelected.connect(lambda name: self.export_to(Path(name)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def export_to(self, path: Path) -> None:
        """Write the last reading to ``path`` as JSON."""
        reading = self.reading
        if reading is not None:
            self.act(lambda: _write(path, reading), lambda _: self.context.notify(tr("Exported to {name}.", name=path.name)))

    def fail(self, error: LecternError) -> None:
        """Keep the last good figures and go on asking."""
        super().fail(error)
        self._failed = True
        self._show_live()
        self._read_later()

    def _make_head(self) -> None:
        self.server = Badge(icon_name="server")
        self.full = Badge(icon_name="triangle-alert")
        self.dot = IconLabel("activity", "ok", size=16)
        self.live = PlainLabel("", "small")
        self.stale = Badge()
        self.pause = Button(tr("Pause"), icon_name="pause", name=_pause_name(paused=False), on_click=self.toggle_pause)
        self.export = Button(tr("Export"), icon_name="download", name=tr("Export the pool view as JSON"), on_click=self.choose_export)
        right = (self.dot, self.live, self.stale, 8, self.pause, self.export)
        self._head = title_row(tr(self.title), self.server, self.full, right=right)

    def _add_commands(self) -> None:
        add, group = self.context.commands.add, tr("Database")
        add("database.pause", title=tr("Pause or resume the live pool view"), run=self.toggle_pause, group=group, icon="pause")
        add("database.export", title=tr("Export the pool view"), run=self.choose_export, group=group, icon="download")

    def _read(self) -> None:
        if self._handle is not None and self._handle.running:
            return
        backend, actor = self.context.backend, self.context.actor

        def read() -> Reading:
            view = backend.monitoring.pool(actor=actor)
            return Reading(view, backend.monitoring.samples(actor=actor), backend.settings.pool_timeout_s)

        self._handle = self.load(read, self._show, key="pool")

    def _read_later(self) -> None:
        if self.isVisible() and not self._paused:
            self._next.start()

    def _show(self, reading: Reading) -> None:
        self._read_later()
        if self._paused and self.reading is not None:
            return
        self.reading, self._good_at, self._failed = reading, datetime.now(UTC), False
        view = reading.view
        self.server.show_state(tr("PostgreSQL {version}, up {time}", version=view.server_version, time=duration(view.uptime_s)))
        full = full_pools(view)
        words = tr("1 pool above 80\u202f%") if full == 1 else tr("{n} pools above 80\u202f%", n=number(full))
        self.full.show_state(words if full else "", "warn")
        self.pool.show_reading(reading)
        self._show_live()

    def _show_live(self) -> None:
        good_at = self._good_at
        if good_at is None:
            return
        age = (datetime.now(UTC) - good_at).total_seconds()
        old = not self._paused and (self._failed or age > STALE_S)
        if old:
            self.pool.show_stale()
        live = tr("Paused at {time}", time=f"{good_at.astimezone():%H:%M:%S}") if self._paused else tr("Live, 5 times a second")
        self.live.setText("" if old else live)
        self.live.setVisible(not old)
        self.dot.setVisible(not old)
        self.dot.set_icon("pause" if self._paused else "activity", "muted" if self._paused else "ok")
        self.stale.show_state(tr("last answer {age} ago", age=_length(age)) if old else "", unknown=True)


def _pause_name(*, paused: bool) -> str:
    return tr("Resume the live reading") if paused else tr("Pause the live reading")


def _length(seconds: float) -> str:
    return tr("{n} s", n=int(seconds)) if seconds < _MINUTE else duration(seconds)


def _write(path: Path, reading: Reading) -> None:
    try:
        path.write_text(json.dumps(exported(reading.view, reading.samples), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError:
        raise StorageFailed("The file could not be written.") from None
