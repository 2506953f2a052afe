"""The pool tab as a tab of the page: reads every pool five times a second."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Final

from desktop.i18n import tr
from desktop.pages.database import exporting
from desktop.pages.database.figures import Reading, exported, process_table
from desktop.pages.database.pool_tab import PoolTab
from desktop.pages.database.tab import Tab
from desktop.widgets.layout import column
from desktop.widgets.page import Page

POLL_MS: Final = 200


class PoolLive(Tab):
    """Every connection pool of the profile."""

    key: ClassVar[str] = "pool"
    caption: ClassVar[str] = "Pool"
    every_ms: ClassVar[int] = POLL_MS
    live: ClassVar[str] = "Live, 5 times a second"
    export_title: ClassVar[str] = "Export the pool view"
    export_name: ClassVar[str] = "pool"
    export_csv: ClassVar[bool] = True

    def __init__(self, page: Page) -> None:
        super().__init__(page)
        self.view = PoolTab()
        self.content.setLayout(column((self.view, 1)))
        self.view.holders.detail.copied.connect(lambda: self.context.notify(tr("Copied.")))

    def offer_sessions(self) -> None:
        """Lead from a holder to its session on the tab that shows all of them."""
        detail = self.view.holders.detail
        detail.session_wanted.connect(lambda pid: self.context.navigate("database", tab="activity", pid=pid))
        detail.session.setVisible(True)

    def read(self) -> Reading:
        """Return all pools, and the last 15 minutes of this program's own."""
        backend, actor = self.context.backend, self.context.actor
        view = backend.monitoring.pool(actor=actor)
        return Reading(view, backend.monitoring.samples(actor=actor), backend.settings.pool_timeout_s)

    def show_reading(self, reading: Reading) -> None:
        """Show ``reading``."""
        self.view.show_reading(reading)

    def show_stale(self) -> None:
        """Mark what is shown as no longer current."""
        self.view.show_stale()

    def server(self) -> tuple[str, float] | None:
        """Return version and uptime."""
        return None if self.reading is None else (self.reading.view.server_version, self.reading.view.uptime_s)

    def write_export(self, path: Path, reading: Reading) -> None:
        """Write ``reading`` as JSON, or its processes as CSV.

        Raises:
            StorageFailed: the file could not be written.
        """
        exporting.write(path, exported(reading.view, reading.samples), process_table(reading.view))
