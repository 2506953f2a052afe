"""Turns the database's change hints, which arrive in a backend thread, into one Qt signal on the GUI thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from PySide6.QtCore import QObject, Qt, Signal, Slot

EVERYTHING: Final = "*"
"""The hint that hints may have been missed."""


class Follows(Protocol):
    """The part of ``backend.changes`` the window needs."""

    def follow(self, callback: Callable[[str], None], /) -> Callable[[], None]:
        """Call ``callback(table)`` after commits until the returned function is called."""
        ...  # pragma: no cover - a declaration


class Changes(QObject):
    """Says which table changed; a hint may be lost, so pages also refresh every 15 s."""

    table_changed = Signal(str)
    _hinted = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._stop: Callable[[], None] | None = None
        self._hinted.connect(self._pass_on, Qt.ConnectionType.QueuedConnection)

    def attach(self, source: Follows) -> None:
        """Follow ``source`` instead of the one before. It may call ``hint`` from any thread."""
        self.close()
        self._stop = source.follow(self.hint)

    def hint(self, table: str) -> None:
        """Announce ``table``; safe in any thread."""
        self._hinted.emit(table)

    def close(self) -> None:
        """Stop following."""
        if self._stop is not None:
            stop, self._stop = self._stop, None
            stop()

    @Slot(str)
    def _pass_on(self, table: str) -> None:
        self.table_changed.emit(table)
