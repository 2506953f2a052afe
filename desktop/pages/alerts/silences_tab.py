"""The tab of silences: what nobody is told of, until when and why, and the way to end it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from backend_core.policy import may
from desktop.i18n import tr
from desktop.pages.alerts.tables import silence_table
from desktop.pages.alerts.words import kind_words
from desktop.widgets.button import Button
from desktop.widgets.card import Card
from desktop.widgets.dialogs import Confirm
from desktop.widgets.label import IconLabel, PlainLabel
from desktop.widgets.layout import column
from desktop.widgets.states import EmptyState

if TYPE_CHECKING:
    from backend_core.notices.records import Silence
    from desktop.widgets.page import Page


class SilencesTab(QWidget):
    """Reads and acts for the page it stands on."""

    def __init__(self, page: Page) -> None:
        super().__init__()
        self.page, self.context = page, page.context
        self.dialog: Confirm | None = None
        self.may_lift = may(self.context.actor.role, "notice.silence")
        detail = tr("A notice is silenced from its details; somebody who may says for how long and why.")
        self.empty = EmptyState("bell-off", tr("Nothing is silenced"), detail=detail)
        self.table = silence_table(self.empty)
        self.lift_button = Button(tr("End silence"), "small", icon_name="bell", on_click=self.ask_lift)
        self.lift_button.setEnabled(False)
        card = Card(flush=True)
        card.add((self.table, 1))
        words = tr("What is silenced stays in the list of notices. The audit log keeps who silenced it and why.")
        card.add_footer(IconLabel("info", size=14), PlainLabel(words, "small"), None, self.lift_button)
        if not self.may_lift:
            self.lift_button.hide()
        self.setLayout(column((card, 1), margins=(24, 12, 24, 16)))
        self.table.selected.connect(lambda chosen: self.lift_button.setEnabled(chosen is not None))
        self.table.opened.connect(lambda _chosen: self.ask_lift())

    def read(self) -> tuple[Silence, ...]:
        """Return the silences that hold; in a worker."""
        found: tuple[Silence, ...] = self.context.backend.notices.silences(actor=self.context.actor)
        return found

    def show_silences(self, found: Sequence[Silence]) -> None:
        """Show what was read."""
        self.table.set_rows(found)
        self.lift_button.setEnabled(self.table.current() is not None)

    def ask_lift(self) -> None:
        """Ask before the chosen silence ends."""
        chosen: Silence | None = self.table.current()
        if chosen is not None and self.may_lift:
            words = tr("From then on somebody is told of {kind} again.", kind=kind_words(chosen.kind))
            self.dialog = Confirm(self, tr("End this silence?"), words, action=tr("End silence"), on_yes=lambda: self.lift(chosen))
            self.dialog.open()

    def lift(self, chosen: Silence) -> None:
        """End a silence; the shell asks for the reason."""
        context = self.context
        self.page.act(
            lambda: context.backend.notices.lift(chosen.id, actor=context.actor),
            lambda _silence: context.notify(tr("The silence has ended.")),
        )
