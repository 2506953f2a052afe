"""Asks before a session is stopped, has it stopped, and says what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from desktop.i18n import tr
from desktop.pages.database.server_words import name_of
from desktop.widgets.dialogs import Confirm
from desktop.widgets.page import Page

if TYPE_CHECKING:
    from backend_core.monitoring.server.records import SessionRow, Stopped


class Stopping:
    """The two ways to stop a session of a page; the reason is asked for on the way, as for everything that needs one."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.dialog: Confirm | None = None

    def cancel(self, session: SessionRow | None) -> None:
        """Stop the statement of ``session``."""
        if session is not None and session.started_at is not None:
            context, pid, started = self._page.context, session.pid, session.started_at
            self._page.act(lambda: context.backend.server.cancel(pid, started, actor=context.actor), self._tell)

    def terminate(self, session: SessionRow | None) -> None:
        """Ask, and end the whole ``session``."""
        if session is None or session.started_at is None:
            return
        sentence = tr(
            "{name}, pid {pid}, loses its connection, and what its open transaction changed is undone.",
            name=name_of(session),
            pid=session.pid,
        )
        title, action = tr("Terminate this session?"), tr("Terminate")
        self.dialog = Confirm(self._page, title, sentence, action=action, on_yes=lambda: self._terminate(session), danger=True)
        self.dialog.open()

    def _terminate(self, session: SessionRow) -> None:
        context, pid, started = self._page.context, session.pid, session.started_at
        self._page.act(lambda: context.backend.server.terminate(pid, started, actor=context.actor), self._tell)

    def _tell(self, done: Stopped) -> None:
        if not done.told:
            words = tr("Session {pid} had ended already.", pid=done.pid)
        elif done.how == "cancel":
            words = tr("The statement of session {pid} was told to stop.", pid=done.pid)
        else:
            words = tr("Session {pid} was told to end.", pid=done.pid)
        self._page.context.notify(words)
