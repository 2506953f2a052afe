"""A page that is read part by part, looks at the clock while it is visible, and says how old its last good answers are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from PySide6.QtCore import QTimer

from backend_core.errors import LecternError
from desktop.i18n import ago, duration, tr
from desktop.widgets.badge import Badge
from desktop.widgets.label import PlainLabel
from desktop.widgets.page import Page, PageContext
from desktop.widgets.part import Part

TICK_MS: Final = 1_000


class LivePage(Page):
    """Subclasses say which parts there are and what happens each second, and put ``updated`` and ``stale`` into their head."""

    def __init__(self, context: PageContext) -> None:
        super().__init__(context)
        self.updated, self.stale = PlainLabel("", "small"), Badge()
        self._tick = QTimer(self)
        self._tick.setInterval(TICK_MS)
        self._tick.timeout.connect(self.each_second)

    def parts(self) -> Sequence[Part[Any]]:
        """Return what the page reads; the first part says when it was updated."""
        raise NotImplementedError

    def each_second(self) -> None:
        """Ask again for what is old; called while the page is visible."""
        raise NotImplementedError

    def shown(self) -> None:
        """Start the clock."""
        self._tick.start()

    def hidden(self) -> None:
        """Stop the clock."""
        self._tick.stop()

    def acted(self) -> None:
        """Read again; what was asked before it was done is not shown any more."""
        for part in self.parts():
            part.forget()
        super().acted()

    def show_content(self) -> None:
        """Show the content, and how old it is now: every answer comes here after it was shown, in whatever order they come."""
        super().show_content()
        self.show_age()

    def fail(self, error: LecternError) -> None:
        """Keep the last good answers and say how old they are."""
        super().fail(error)
        self.show_age()

    def show_age(self) -> None:
        """Say when the page was updated, or how old its oldest answer is once newer ones fail."""
        parts = self.parts()
        oldest = max((part.age_s or 0.0 for part in parts if part.stale), default=0.0)
        good_at = parts[0].good_at
        self.updated.setVisible(not oldest)
        self.updated.setText(tr("Updated {ago}", ago=ago(good_at)) if good_at is not None else "")
        self.stale.show_state(tr("last answer {age} ago", age=duration(oldest)) if oldest else "", unknown=True)
