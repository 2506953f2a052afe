"""The tab of notices: a list of what somebody should know, one row per event, and a drawer to deal with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from PySide6.QtWidgets import QWidget

from backend_core.policy import may
from desktop.i18n import number, tr
from desktop.pages.alerts.dialogs import SilenceDialog
from desktop.pages.alerts.notice_drawer import NoticeDrawer
from desktop.pages.alerts.tables import notice_table
from desktop.widgets.card import Card
from desktop.widgets.count_chips import CountChips
from desktop.widgets.drawer import DrawerHost
from desktop.widgets.label import IconLabel, PlainLabel
from desktop.widgets.layout import column, holder, row
from desktop.widgets.states import EmptyState

if TYPE_CHECKING:
    from backend_core.notices.records import Delivery, Notice
    from desktop.widgets.page import Page

READ: Final = 500


class NoticesTab(QWidget):
    """Reads and acts for the page it stands on."""

    def __init__(self, page: Page) -> None:
        super().__init__()
        self.page, self.context = page, page.context
        self.dialog: SilenceDialog | None = None
        self._shown: tuple[Notice, ...] | None = None
        self._wanted: int | None = None
        self.chips = CountChips([("open", tr("Open")), ("live", tr("Lasting")), ("all", tr("All"))], name=tr("Which notices"))
        self.empty = EmptyState("bell", tr("Nothing to tell"))
        self.table = notice_table(self.empty)
        self.count = PlainLabel("", "small")
        self.drawer = NoticeDrawer(may_silence=may(self.context.actor.role, "notice.silence"))
        card = Card(flush=True)
        card.add((self.table, 1))
        words = tr("One notice per event: while it lasts, saying it again only counts up.")
        card.add_footer(IconLabel("info", size=14), PlainLabel(words, "small"), None, self.count)
        self.host = DrawerHost(holder(column(row((self.chips, 1)), (card, 1), gap=12, margins=(24, 12, 24, 16))), self.drawer)
        self.setLayout(column((self.host, 1), gap=0))
        self._connect()

    def read(self) -> tuple[Notice, ...]:
        """Return every notice that is kept, newest first; in a worker."""
        found: tuple[Notice, ...] = self.context.backend.notices.listing(actor=self.context.actor, limit=READ)
        return found

    def show_notices(self, found: Sequence[Notice]) -> None:
        """Show what was read."""
        kept = {
            "open": [one for one in found if one.live and one.acknowledged_at is None],
            "live": [one for one in found if one.live],
            "all": list(found),
        }
        self.chips.set_counts({key: number(len(some)) for key, some in kept.items() if some})
        rows = tuple(kept[self.chips.current])
        if rows != self._shown:
            self._shown = rows
            line = tr("Nothing to tell") if self.chips.current == "all" else tr("Nothing wants attention")
            self.empty.set_words(line, detail=tr("What the watch over pool, jobs, backups and privacy finds stands here."))
            self.table.set_rows(rows)
        self.count.setText(tr("1 notice") if len(rows) == 1 else tr("{n} notices", n=number(len(rows))) if rows else "")
        if self._wanted is not None and self.table.select_key(self._wanted):
            self._wanted = None
        self._show_drawer()

    def open_notice(self, notice_id: int) -> None:
        """Choose a notice as soon as it is read."""
        self.chips.choose("all")
        self._wanted = notice_id
        self.page.refresh()

    def acknowledge(self, note: str) -> None:
        """Say that the person looks after the chosen notice."""
        chosen = self.drawer.notice
        if chosen is not None:
            context = self.context
            self.page.act(
                lambda: context.backend.notices.acknowledge(chosen.id, note, actor=context.actor),
                lambda _notice: context.notify(tr("Acknowledged.")),
            )

    def ask_silence(self) -> None:
        """Ask how long and why."""
        if self.drawer.notice is not None:
            kind = self.drawer.notice.kind
            self.dialog = SilenceDialog(self, self.drawer.notice, on_go=lambda *answers: self.silence(kind, *answers))
            self.dialog.open()

    def silence(self, kind: str, subject: str, hours: int, reason: str) -> None:
        """Tell nobody of a kind of notice for some hours."""
        context, until = self.context, datetime.now(UTC) + timedelta(hours=hours) - timedelta(seconds=1)
        self.page.act(
            lambda: context.backend.notices.silence(kind, subject, until, actor=replace(context.actor, reason=reason)),
            lambda _silence: context.notify(tr("Silenced. The tab Silences ends it.")),
        )

    def mend(self) -> None:
        """Go where the chosen notice is mended."""
        chosen = self.drawer.notice
        if chosen is not None and chosen.page:
            self.context.navigate(chosen.page, **chosen.target)

    def _connect(self) -> None:
        self.chips.chosen.connect(lambda _key: self.page.refresh())
        self.table.selected.connect(self._select)
        self.table.opened.connect(self._select)
        self.drawer.acknowledge_wanted.connect(self.acknowledge)
        self.drawer.silence_wanted.connect(self.ask_silence)
        self.drawer.mend_wanted.connect(self.mend)
        self.drawer.closed.connect(self._closed)

    def _select(self, chosen: Notice | None) -> None:
        if chosen is not None:
            self.host.open()
            self._show_drawer()

    def _closed(self) -> None:
        self.table.clearSelection()
        self.table.setFocus()

    def _show_drawer(self) -> None:
        chosen: Notice | None = self.table.current()
        if chosen is None or self.drawer.isHidden():
            return
        fresh = self.drawer.notice != chosen
        self.drawer.show_notice(chosen, reachable=self.context.reaches(chosen.page))
        if fresh:
            context = self.context

            def show(sent: tuple[Delivery, ...]) -> None:
                if self.drawer.notice is not None and self.drawer.notice.id == chosen.id:
                    self.drawer.show_deliveries(sent)

            self.page.load(lambda: context.backend.notices.deliveries(chosen.id, actor=context.actor), show, key="deliveries")
