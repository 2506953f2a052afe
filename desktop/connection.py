"""Watches whether the database answers, and keeps a background worker alive while it does."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from PySide6.QtCore import QObject, QTimer, Signal

from backend_core.errors import LecternError
from desktop.background import Background, Handle

BEAT_MS: Final = 5_000
RETRY_MS: Final = (1_000, 2_000, 5_000, 10_000)
"""How long to wait before the next question while there is no answer; the last one is kept."""
SLOW_S: Final = 3.0
"""Without an answer for this long nobody knows: neither connected nor offline."""


class Watched(Protocol):
    """The part of a backend that is watched."""

    worker: Any

    def heal(self) -> bool:
        """Return whether the database answers, after trying to bring it back."""
        ...  # pragma: no cover - a declaration


@dataclass(frozen=True, slots=True)
class Link:
    """What is known about the database.

    Attributes:
        state: ``unknown``, ``connected`` or ``offline``.
        ms: the last round trip, None before the first.
        good_at: when it last answered, None before.
    """

    state: str = "unknown"
    ms: float | None = None
    good_at: datetime | None = None


class Connection(QObject):
    """Asks every 5 s, in growing steps while there is no answer; ``changed`` carries a ``Link``."""

    changed = Signal(object)

    def __init__(self, background: Background, *, parent: QObject) -> None:
        super().__init__(parent)
        self._background = background
        self._backend: Watched | None = None
        self._asked_at = 0.0
        self._handle: Handle | None = None
        self._failures = 0
        self.link = Link()
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.ask)

    def start(self, backend: Watched) -> None:
        """Watch ``backend`` from now on."""
        self._backend = backend
        self._timer.start(BEAT_MS)
        self.ask()

    def stop(self) -> None:
        """Watch nothing."""
        self._timer.stop()
        self._backend = None
        if self._handle is not None:
            self._handle.cancel()

    @property
    def wait_ms(self) -> int:
        """How long until the next question."""
        return RETRY_MS[min(self._failures, len(RETRY_MS)) - 1] if self._failures else BEAT_MS

    def ask(self) -> None:
        """Ask now, unless the last question is still open."""
        backend = self._backend
        if backend is None:
            return
        if self._handle is not None and self._handle.running:
            if time.monotonic() - self._asked_at > SLOW_S:
                self._set(Link("unknown", None, self.link.good_at))
            return
        self._asked_at = time.monotonic()
        self._handle = self._background.run(self, lambda: _round_trip(backend), self._answered, self._failed)

    def _answered(self, ms: float | None) -> None:
        if ms is None:
            self._set(Link("offline", None, self.link.good_at))
        else:
            self._set(Link("connected", ms, datetime.now(UTC)))

    def _failed(self, _error: LecternError) -> None:
        self._answered(None)

    def _set(self, link: Link) -> None:
        self.link = link
        self._failures = self._failures + 1 if link.state == "offline" else 0
        self._timer.setInterval(self.wait_ms)
        self.changed.emit(link)


def _round_trip(backend: Watched) -> float | None:
    started = time.perf_counter()
    if not backend.heal():
        return None
    ms = (time.perf_counter() - started) * 1000
    backend.worker.ensure()
    return ms
