"""Brings the rows a sparse table looks at: one request at a time, the newest first, those nobody looks at any more dropped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from PySide6.QtCore import QObject, QTimer, Signal

from backend_core.errors import LecternError
from desktop.background import Background, Handle
from desktop.widgets.sparse_table import PAGE_ROWS, SparseTable

Fetch = Callable[[int, int], Sequence[Any]]
"""Called in a worker with the first row of the body and how many; returns them ready to be painted."""

_PREFETCH_MS: Final = 60
_PACE_MS: Final = 70
_SLOW_MS: Final = 250


class SparseLoader(QObject):
    """The way from ``fetch`` to the table. While the view moves only what is visible is fetched; at rest its neighbours too."""

    failed = Signal(object)
    """A ``LecternError``; the next look or ``retry`` asks again."""

    def __init__(self, table: SparseTable, background: Background) -> None:
        super().__init__(table)
        self._table, self._background = table, background
        self._fetch: Fetch | None = None
        self._running: Handle | None = None
        self._page = -1
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(_PREFETCH_MS)
        self._rest.timeout.connect(self._prefetch)
        # A view in motion asks now and then only: each answer costs the window a part of its next frames.
        self._pace = QTimer(self)
        self._pace.setSingleShot(True)
        self._pace.setInterval(_PACE_MS)
        self._pace.timeout.connect(self.look)
        self._slow = QTimer(self)
        self._slow.setSingleShot(True)
        self._slow.setInterval(_SLOW_MS)
        self._slow.timeout.connect(self._drop_stale)
        table.looked.connect(self.look)

    def start(self, fetch: Fetch) -> None:
        """From now on take rows from ``fetch``; what is under way belongs to another list and is dropped."""
        self._fetch = fetch
        self._stop()
        self._pace.stop()
        self.look()

    def stop(self) -> None:
        """Ask for nothing any more."""
        self._fetch = None
        self._rest.stop()
        self._pace.stop()
        self._stop()

    def look(self) -> None:
        """Ask for the first page in view that is missing."""
        if self._running is None and self._fetch is not None and not self._pace.isActive():
            missing = self._missing()
            if missing:
                self._ask(missing[0])
        self._rest.start()

    @property
    def busy(self) -> bool:
        """Whether a request is under way."""
        return self._running is not None

    def _missing(self, *, around: int = 0) -> list[int]:
        rows = self._table.rows
        first, last = self._table.visible()
        wanted = rows.pages(max(0, first - around), last + around) if last >= 0 else []
        return [page for page in wanted if not rows.has_page(page)]

    def _ask(self, page: int) -> None:
        fetch = self._fetch
        if fetch is None:
            return
        first = page * PAGE_ROWS
        count = min(PAGE_ROWS, self._table.rows.count - first)
        self._page = page
        self._slow.start()
        self._pace.start()
        self._running = self._background.run(self, lambda: fetch(first, count), lambda rows: self._take(page, rows), self._fail, key="page")

    def _take(self, page: int, rows: Sequence[Any]) -> None:
        self._running = None
        self._slow.stop()
        self._table.fill(page, rows)
        first, last = self._table.visible()
        if page in self._table.rows.pages(first, last):
            # the view stands still: the page beside it need not wait
            self._pace.stop()
        self.look()

    def _fail(self, error: LecternError) -> None:
        self._running = None
        self._slow.stop()
        self.failed.emit(error)

    def _stop(self) -> None:
        self._slow.stop()
        if self._running is not None:
            self._running.cancel()
            self._running = None

    def _prefetch(self) -> None:
        if self._running is None and self._fetch is not None:
            missing = self._missing() or self._missing(around=PAGE_ROWS)
            if missing:
                self._ask(missing[0])

    def _drop_stale(self) -> None:
        """Give up a slow request for rows that have left the view."""
        if self._running is not None and self._page not in self._missing():
            self._stop()
            self._pace.stop()
            self.look()
