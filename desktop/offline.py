"""What the window says while the database does not answer, and when it does again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from PySide6.QtCore import QObject, QTimer

from desktop.connection import Connection, Link
from desktop.i18n import ago, tr
from desktop.widgets.banner import Banner
from desktop.widgets.top_bar import LinkLabel, LinkState

_SECOND_MS: Final = 1_000


class OfflineNotice(QObject):
    """Keeps the mark in the top bar and the banner in step with the connection; ``back`` is called when it answers again."""

    def __init__(self, connection: Connection, banner: Banner, mark: LinkLabel, *, back: Callable[[], object], parent: QObject) -> None:
        super().__init__(parent)
        self._connection, self._banner, self._mark, self._back = connection, banner, mark, back
        self._clock = QTimer(self)
        self._clock.setInterval(_SECOND_MS)
        self._clock.timeout.connect(self._show_age)
        connection.changed.connect(self._show)

    @property
    def away(self) -> bool:
        """Whether the database does not answer now."""
        return self._clock.isActive()

    def _show(self, link: Link) -> None:
        state: LinkState = "connected" if link.state == "connected" else "offline" if link.state == "offline" else "unknown"
        was_away = self.away
        self._mark.show_link(state, ms=link.ms)
        if state == "offline":
            self._clock.start()
            self._show_age()
        elif state == "connected" and was_away:
            self._clock.stop()
            self._banner.clear()
            self._back()

    def _show_age(self) -> None:
        good = self._connection.link.good_at
        seen = tr("never reached") if good is None else tr("last answer {ago}", ago=ago(good, now=datetime.now(UTC)))
        words = tr("The database does not answer ({seen}). What you see is from then; Lectern keeps trying.", seen=seen)
        self._banner.show_state(words, tone="bad", action=tr("Try now"), on_action=self._connection.ask)
