"""Measures from the window."""

from __future__ import annotations

from desktop.widgets.long_run import LongRun
from desktop.widgets.page import Page


class Measuring(LongRun):
    """One measurement at a time; one that is stopped keeps what it found until then."""

    def __init__(self, page: Page) -> None:
        super().__init__(page, key="measure")
        self._context = page.context

    def start(self, only: str | None = None) -> None:
        """Look at everything, or at the check ``only``."""
        backend, actor = self._context.backend, self._context.actor
        wanted = None if only is None else (only,)
        self.begin(lambda tell, stopped: backend.readiness.measure(actor=actor, only=wanted, progress=tell, cancelled=stopped))
