"""Runs the suite from the window: how far it is, a way to stop it, and the picture as it grows."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import QObject, Signal

from backend_core.errors import Cancelled, LecternError
from desktop.background import current
from desktop.i18n import duration, number, tr
from desktop.pages.privacy.trying import Step
from desktop.widgets.page import Page, tell_error

if TYPE_CHECKING:
    from backend_core.privacy.records import Run

_EARLY: Final = 8
"""In the first eighth of a run nobody can say how long the rest takes."""


class Running(QObject):
    """One run at a time."""

    began = Signal()
    progressed = Signal(object)
    """A ``Step``."""
    ended = Signal(object)
    """The ``Run``, None where there is none to show."""

    def __init__(self, page: Page) -> None:
        super().__init__(page)
        self._page = page
        self._stop = threading.Event()
        self._since = 0.0
        self.on = False

    def start(self) -> None:
        """Run the whole suite; while one run goes on, another is not begun."""
        if self.on:
            return
        self.on, self._since = True, time.monotonic()
        context, stop = self._page.context, threading.Event()
        self._stop = stop
        self.began.emit()
        context.background.run(
            self._page, lambda: _run(context.backend, context.actor, stop), self._done, self._failed, key="run", progress=self._progressed
        )

    def cancel(self) -> None:
        """Ask the run to stop; it removes what it made and ends by itself."""
        self._stop.set()

    @property
    def stopping(self) -> bool:
        """Whether the run was asked to stop."""
        return self._stop.is_set()

    def words(self, step: Step) -> str:
        """Return how far ``step`` is, and about how long the rest takes."""
        spent = time.monotonic() - self._since
        far = tr("{n} of {all} steps · {time}", n=number(step.done), all=number(step.total), time=duration(spent))
        if step.done < step.total // _EARLY or step.done >= step.total:
            return far
        left = spent * (step.total - step.done) / step.done
        return tr("{far} · about {left} left", far=far, left=duration(left))

    def _progressed(self, step: Step) -> None:
        if self.on:
            self.progressed.emit(step)

    def _done(self, run: Run) -> None:
        self.on = False
        self.ended.emit(run)

    def _failed(self, error: LecternError) -> None:
        self.on = False
        if not isinstance(error, Cancelled):
            tell_error(self._page.context.notify, error)
        self.ended.emit(None)


def _run(backend: Any, actor: Any, stop: threading.Event) -> Run:
    token = current()

    def report(done: int, total: int, words: str) -> None:
        if token is not None:
            token.report(Step(done, total, words))

    def cancelled() -> bool:
        return stop.is_set() or (token is not None and token.cancelled)

    run: Run = backend.privacy.run(actor=actor, trigger="window", progress=report, cancelled=cancelled)
    return run
