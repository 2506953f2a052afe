"""One independent read of a page, which knows when it last answered."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Generic, TypeVar

from backend_core.errors import LecternError
from desktop.background import Handle
from desktop.widgets.page import Page

T = TypeVar("T")


class Part(Generic[T]):
    """Reads one thing in the background. Asking while a question is open asks once more after its answer.

    So a stream of hints faster than the answers never starves the page, and the last hint is never missed.

    Args:
        page: the owner; its content is shown at the first answer.
        key: names the read.
        work: runs in a worker, returns what ``show`` gets.
        show: puts the answer on the screen.
        fresh_s: seconds after which an answer counts as old even without a failure.
    """

    def __init__(self, page: Page, key: str, work: Callable[[], T], show: Callable[[T], object], *, fresh_s: float) -> None:
        self._page, self._key, self._work, self._show, self._fresh_s = page, key, work, show, fresh_s
        self._handle: Handle | None = None
        self._again = False
        self._failed = False
        self._asked = float("-inf")
        self.good_at: datetime | None = None

    def ask(self, *, older_than_s: float = 0.0) -> None:
        """Read again, unless that was asked within the last ``older_than_s`` seconds."""
        if self._handle is not None and self._handle.running:
            self._again = True
        elif time.monotonic() - self._asked >= older_than_s:
            self._asked = time.monotonic()
            self._again = False
            self._handle = self._page.context.background.run(self._page, self._work, self._answered, self._refused, key=self._key)

    def forget(self) -> None:
        """Drop the answer that is on its way: it was asked for before something the user did, and would show that undone."""
        if self._handle is not None and self._handle.running:
            self._handle.cancel()
            # the next question is not put off because of one that is never answered
            self._asked = float("-inf")

    @property
    def age_s(self) -> float | None:
        """Seconds since the last good answer, None before the first."""
        return None if self.good_at is None else (datetime.now(UTC) - self.good_at).total_seconds()

    @property
    def stale(self) -> bool:
        """Whether there is an answer that newer ones failed to replace."""
        age = self.age_s
        return age is not None and (self._failed or age > self._fresh_s)

    def _answered(self, answer: T) -> None:
        self.good_at, self._failed = datetime.now(UTC), False
        self._show(answer)
        self._page.show_content()
        self._repeat()

    def _refused(self, error: LecternError) -> None:
        self._failed = True
        self._page.fail(error)
        self._repeat()

    def _repeat(self) -> None:
        if self._again and self._page.isVisible():
            self.ask()
