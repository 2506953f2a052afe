"""What every tab of the database page is: a part that reads for itself while it is seen, and keeps its last good figures."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, Final

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from backend_core.errors import LecternError
from desktop.background import Handle
from desktop.i18n import tr
from desktop.widgets.page import Page
from desktop.widgets.states import ErrorState, Skeleton

SECOND_MS: Final = 1_000
STALE_S: Final = 2.0
"""Added to the period of a tab: an answer older than this while live is shown as old."""


class Tab(QWidget):
    """Base of every tab. Subclasses set the class attributes, fill ``content``, and write ``read`` and ``show_reading``.

    ``read`` runs in a worker and touches no widget; one reading never overtakes another. Live tabs read again ``every_ms`` after
    each answer, while they are seen and the page is not paused.
    """

    key: ClassVar[str]
    caption: ClassVar[str]
    action: ClassVar[str] = ""
    """What a role must be allowed to do for the tab to be there; empty for everybody."""
    every_ms: ClassVar[int] = SECOND_MS
    """Pause between two readings; 0 for a tab that reads only when shown, after a change, and when asked."""
    live: ClassVar[str] = "Live, once a second"
    """What the page says beside the title while the tab is live."""
    export_title: ClassVar[str] = ""
    """Title of the file dialog; empty for a tab that exports nothing."""
    export_name: ClassVar[str] = ""
    export_csv: ClassVar[bool] = False
    """Whether ``write_export`` writes CSV to a path that ends so; JSON it always writes."""

    changed = Signal()
    """The state that the head of the page shows is another: fresh, old, failed."""
    counted = Signal(str, str, str)
    """Key of a tab, what to show beside its name, and the tone."""

    def __init__(self, page: Page) -> None:
        super().__init__()
        self.page, self.context = page, page.context
        self.setObjectName(f"{self.key}Tab")
        self.setAccessibleName(tr(self.caption))
        self.content = QWidget()
        """Shown after the first good answer."""
        self.error = ErrorState(on_retry=self.refresh)
        self.reading: Any = None
        self.good_at: datetime | None = None
        self.failed = False
        self.paused = False
        self._seen = False
        self._handle: Handle | None = None
        self._again = False
        self._next = QTimer(self)
        self._next.setSingleShot(True)
        self._next.setInterval(self.every_ms)
        self._next.timeout.connect(self._read)
        self._stack = QStackedWidget()
        for part in (Skeleton(), self.content, self.error):
            self._stack.addWidget(part)
        lane = QVBoxLayout(self)
        lane.setContentsMargins(0, 0, 0, 0)
        lane.addWidget(self._stack)

    # -- what a tab writes

    def read(self) -> Any:
        """Return what the tab shows; in a worker.

        Raises:
            LecternError: it could not be read.
        """
        raise NotImplementedError

    def show_reading(self, reading: Any) -> None:
        """Show ``reading``."""
        raise NotImplementedError

    def show_stale(self) -> None:
        """Mark what is shown as no longer current; called every second while it is."""

    def server(self) -> tuple[str, float] | None:
        """Return version and uptime of the server in seconds, where the reading tells."""
        return None

    def open_target(self, **target: object) -> None:
        """Show what ``navigate("database", tab=key, ...)`` asked for."""

    def write_export(self, path: Path, reading: Any) -> None:
        """Write ``reading`` to ``path``; in a worker.

        Raises:
            StorageFailed: the file could not be written.
        """

    # -- what the page calls

    def refresh(self) -> None:
        """Read now, or once more after the reading on its way; while paused only what was never read."""
        if not self.paused or self.reading is None:
            self._again = self._handle is not None and self._handle.running
            self._read()

    def shown(self) -> None:
        """The tab is seen from now on."""
        self._seen = True
        self.refresh()

    def hidden(self) -> None:
        """Nobody looks: read nothing more."""
        self._seen = self._again = False
        self._next.stop()

    def pause(self, *, paused: bool) -> None:
        """Stop or resume the live reading."""
        self.paused = paused
        if paused:
            self._next.stop()
        elif self._seen:
            self._read()

    def age_s(self) -> float | None:
        """Return the seconds since the last good answer, None before it."""
        return None if self.good_at is None else (datetime.now(UTC) - self.good_at).total_seconds()

    @property
    def old(self) -> bool:
        """Whether what is shown should be newer than it is."""
        age = self.age_s()
        if age is None or self.paused:
            return False
        return self.failed or (self.every_ms > 0 and age > self.every_ms / SECOND_MS + STALE_S)

    # -- reading

    def _read(self) -> None:
        if self._handle is None or not self._handle.running:
            self._handle = self.context.background.run(self, self.read, self._succeed, self._fail, key=self.key)

    def _succeed(self, reading: Any) -> None:
        self._read_later()
        if self.paused and self.reading is not None:
            return
        self.reading, self.good_at, self.failed = reading, datetime.now(UTC), False
        self.show_reading(reading)
        self._stack.setCurrentWidget(self.content)
        self.page.show_content()
        self.changed.emit()

    def _fail(self, error: LecternError) -> None:
        self.failed = True
        if self.reading is None:
            self.error.show_error(error)
            self._stack.setCurrentWidget(self.error)
        self.page.fail(error)
        self.changed.emit()
        self._read_later()

    def _read_later(self) -> None:
        if self._again:
            # what was chosen or done meanwhile is not in the answer that came
            self._again = False
            self._read()
        elif self._seen and not self.paused and self.every_ms:
            self._next.start()
