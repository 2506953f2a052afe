"""Measures from the window: how far it is, a way to stop it, and what came of it."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from backend_core.errors import Cancelled, LecternError
from desktop.background import current
from desktop.widgets.page import Page, tell_error

if TYPE_CHECKING:
    from backend_core.monitoring.readiness.records import Report


@dataclass(frozen=True, slots=True)
class Step:
    """How far a measurement is: checks done, all checks, and the one being looked at."""

    done: int
    total: int
    words: str


class Measuring(QObject):
    """One measurement at a time."""

    began = Signal()
    progressed = Signal(object)
    """A ``Step``."""
    ended = Signal(object)
    """The ``Report``, None where it was stopped or failed."""

    def __init__(self, page: Page) -> None:
        super().__init__(page)
        self._page = page
        self._stop = threading.Event()
        self.on = False

    def start(self, only: str | None = None) -> None:
        """Look at everything, or at the check ``only``; while one measurement goes on, another is not begun."""
        if self.on:
            return
        self.on, stop = True, threading.Event()
        self._stop, context = stop, self._page.context
        self.began.emit()
        context.background.run(
            self._page,
            lambda: _measure(context.backend, context.actor, stop, only),
            self._done,
            self._failed,
            key="measure",
            progress=self._progressed,
        )

    def cancel(self) -> None:
        """Ask it to stop after the check it is at; what was found until then is kept."""
        self._stop.set()

    @property
    def stopping(self) -> bool:
        """Whether it was asked to stop."""
        return self._stop.is_set()

    def _progressed(self, step: Step) -> None:
        if self.on:
            self.progressed.emit(step)

    def _done(self, report: Report) -> None:
        self.on = False
        self.ended.emit(report)

    def _failed(self, error: LecternError) -> None:
        self.on = False
        if not isinstance(error, Cancelled):
            tell_error(self._page.context.notify, error)
        self.ended.emit(None)


def _measure(backend: Any, actor: Any, stop: threading.Event, only: str | None) -> Report:
    token = current()

    def report(done: int, total: int, words: str) -> None:
        if token is not None:
            token.report(Step(done, total, words))

    def cancelled() -> bool:
        return stop.is_set() or (token is not None and token.cancelled)

    wanted = None if only is None else (only,)
    found: Report = backend.readiness.measure(actor=actor, only=wanted, progress=report, cancelled=cancelled)
    return found
