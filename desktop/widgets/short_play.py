"""Plays a clip once without a bar, for example the preview of a voice."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject, QTimer, Signal

from backend_core.errors import LecternError
from desktop.background import Background
from desktop.widgets.player import silent_here

if TYPE_CHECKING:
    from desktop.sound import Clip, Playback

TICK_MS: Final = 120


class ShortPlay(QObject):
    """Plays one clip at a time; a new one replaces it."""

    finished = Signal()
    """It ended, was stopped, or failed."""
    failed = Signal(object)
    """A ``LecternError``."""

    def __init__(self, background: Background, parent: QObject) -> None:
        super().__init__(parent)
        self._background = background
        self._playback: Playback | None = None
        self._tick = QTimer(self)
        self._tick.setInterval(TICK_MS)
        self._tick.timeout.connect(self._check)

    def open(self, make: Callable[[], Clip]) -> None:
        """Make the clip in a worker and play it."""
        self.stop()
        silent = silent_here()

        def prepare() -> Playback:
            from desktop.sound import Playback

            return Playback(make(), silent=silent)

        self._background.run(self, prepare, self._start, self._fail, key="open")

    def stop(self) -> None:
        """Stop it."""
        self._tick.stop()
        playback, self._playback = self._playback, None
        if playback is not None:
            self._background.run(self._background, playback.close, lambda _none: None)
            self.finished.emit()

    def _start(self, playback: Playback) -> None:
        self._playback = playback
        playback.play()
        self._background.run(self, playback.wake, lambda _none: None)
        self._tick.start()

    def _check(self) -> None:
        if self._playback is None or self._playback.ended or self._playback.stalled:
            self.stop()

    def _fail(self, error: LecternError) -> None:
        self.failed.emit(error)
        self.finished.emit()
