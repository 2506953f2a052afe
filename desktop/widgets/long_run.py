"""Work that takes a while and can be stopped: one at a time, how far it is, and what came of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QObject, Signal

from backend_core.errors import Cancelled, LecternError
from desktop.background import current
from desktop.widgets.page import Page, tell_error


@dataclass(frozen=True, slots=True)
class Step:
    """How far it is: steps done, all steps, and the one that is being done."""

    done: int
    total: int
    words: str


Tell = Callable[[int, int, str], None]
Stopped = Callable[[], bool]


class LongRun(QObject):
    """One run at a time, for as long as its page lives.

    Args:
        page: whose work it is; failures are told there.
        key: names the work.
    """

    began = Signal()
    progressed = Signal(object)
    """A ``Step``."""
    ended = Signal(object)
    """The result, None where it was stopped or failed."""

    def __init__(self, page: Page, *, key: str) -> None:
        super().__init__(page)
        self._page, self._key = page, key
        self._stop = threading.Event()
        self.since = 0.0
        self.on = False

    def begin(self, work: Callable[[Tell, Stopped], Any]) -> None:
        """Run ``work`` in a worker; while one goes on, another is not begun."""
        if self.on:
            return
        self.on, self.since, stop = True, time.monotonic(), threading.Event()
        self._stop = stop
        self.began.emit()
        self._page.context.background.run(
            self._page, lambda: _followed(work, stop), self._done, self._failed, key=self._key, progress=self._progressed
        )

    def cancel(self) -> None:
        """Ask it to stop; it ends by itself."""
        self._stop.set()

    @property
    def stopping(self) -> bool:
        """Whether it was asked to stop."""
        return self._stop.is_set()

    def _progressed(self, step: Step) -> None:
        if self.on:
            self.progressed.emit(step)

    def _done(self, result: object) -> None:
        self.on = False
        self.ended.emit(result)

    def _failed(self, error: LecternError) -> None:
        self.on = False
        if not isinstance(error, Cancelled):
            tell_error(self._page.context.notify, error)
        self.ended.emit(None)


def _followed(work: Callable[[Tell, Stopped], Any], stop: threading.Event) -> Any:
    token = current()

    def tell(done: int, total: int, words: str) -> None:
        if token is not None:
            token.report(Step(done, total, words))

    return work(tell, lambda: stop.is_set() or (token is not None and token.cancelled))
