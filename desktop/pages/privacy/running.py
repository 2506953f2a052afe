"""Runs the suite from the window."""

from __future__ import annotations

import time
from typing import Final

from desktop.i18n import duration, number, tr
from desktop.widgets.long_run import LongRun, Step
from desktop.widgets.page import Page

_EARLY: Final = 8
"""In the first eighth of a run nobody can say how long the rest takes."""


class Running(LongRun):
    """One run at a time; one that is stopped removes what it made and ends by itself."""

    def __init__(self, page: Page) -> None:
        super().__init__(page, key="run")
        self._context = page.context

    def start(self) -> None:
        """Run the whole suite."""
        backend, actor = self._context.backend, self._context.actor
        self.begin(lambda tell, stopped: backend.privacy.run(actor=actor, trigger="window", progress=tell, cancelled=stopped))

    def words(self, step: Step) -> str:
        """Return how far ``step`` is, and about how long the rest takes."""
        spent = time.monotonic() - self.since
        far = tr("{n} of {all} steps · {time}", n=number(step.done), all=number(step.total), time=duration(spent))
        if step.done < step.total // _EARLY or step.done >= step.total:
            return far
        left = spent * (step.total - step.done) / step.done
        return tr("{far} · about {left} left", far=far, left=duration(left))
