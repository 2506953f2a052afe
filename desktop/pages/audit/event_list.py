"""The list of events with its live tail: what is read, when, and what happens to the rows on the screen meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QTimer, Signal

from backend_core.errors import LecternError
from desktop.background import Handle
from desktop.i18n import number, tr
from desktop.pages.audit.lines import AuditLine, columns, line_id
from desktop.pages.audit.listing import HEAD_ROWS, Listing, News, Place, read_first, read_listing, read_news, read_page, read_place
from desktop.pages.audit.tail_bar import Band, TailBar, news_words
from desktop.pages.audit.words import ROW_HEIGHT
from desktop.widgets.card import Card
from desktop.widgets.layout import rule
from desktop.widgets.page import Page
from desktop.widgets.sparse_loader import SparseLoader
from desktop.widgets.sparse_table import SparseTable
from desktop.widgets.states import EmptyState

if TYPE_CHECKING:
    from backend_core.audit.query import AuditFilter
    from backend_core.audit.rows import AuditRow

_SLOW_MS: Final = 400
_SEALING_MS: Final = 1000


class EventList(Card):
    """Table, band and foot. ``ask`` shows another filter; ``refresh`` brings what is new."""

    listed = Signal(object)
    """A ``Listing`` is on the screen."""
    refused = Signal(object)
    """The list that was asked for could not be read; carries the ``LecternError``."""
    given_up = Signal()
    """The user stopped a search; the list before it stays."""

    def __init__(self, page: Page) -> None:
        super().__init__(flush=True)
        self._page = page
        self.listing: Listing | None = None
        self._first: Handle | None = None
        self._asking: Handle | None = None
        self._ahead: AuditFilter | None = None
        self.paused = self.scrolled = False
        self._asked: AuditFilter | None = None
        self._search: Handle | None = None
        self._news: News | None = None
        self._aim: AuditRow | None = None
        self.news_count = 0
        """How many answers about new events were shown."""
        self._build()
        self._slow = self._timer(_SLOW_MS, self._show_search)
        self._again = self._timer(_SEALING_MS, self.refresh)
        self.table.top_left.connect(self._scroll)
        self.band.pressed.connect(self._press)
        self.foot.toggled.connect(self.toggle)

    # -- what the page calls

    def ask(self, wanted: AuditFilter) -> None:
        """Read the list of ``wanted`` and show it from its newest event."""
        context = self._page.context
        self._asked = wanted
        self._slow.start()
        if self._first is not None:
            self._first.cancel()
        if not wanted.empty and self.listing is not None and self.listing.wanted != wanted:
            first: Callable[[], Sequence[AuditLine]] = lambda: read_first(context.backend, actor=context.actor, wanted=wanted)  # noqa: E731 - given its type
            self._first = context.background.run(self._page, first, self._show_first, lambda _error: None, key="first")
        self._search = context.background.run(
            self._page,
            lambda: read_listing(context.backend, actor=context.actor, wanted=wanted),
            self._show,
            self._refuse,
            key="list",
        )

    def refresh(self) -> None:
        """Read what is new, or the whole list where that is not on the screen yet."""
        listing, context = self.listing, self._page.context
        if listing is None or (self._asked is not None and self._asked != listing.wanted):
            if self._asked is not None and not self.searching:
                self.ask(self._asked)
            return
        if self._asking is not None and self._asking.running:
            # Hints come faster than answers on a busy log: cancelling for each would never let one arrive.
            self._again.start()
            return
        rows = self.table.rows
        near = (rows.row(len(rows.head) + n) for n in range(min(rows.count, len(listing.first))))
        first = [line for line in near if line is not None]
        self._asking = self._page.load(
            lambda: read_news(context.backend, actor=context.actor, listing=listing, first=first), self._take_news, key="news"
        )

    def toggle(self) -> None:
        """Pause the live tail, or go to the newest events and follow them."""
        if self.live:
            self.paused = True
            self._show_tail()
        else:
            self.show_newest()

    def show_newest(self) -> None:
        """Go to the newest events and follow them."""
        self.paused = False
        self.table.verticalScrollBar().setValue(0)
        self._show_tail()
        if self._news is not None and self.listing is not None and self._news.overflow:
            self.ask(self.listing.wanted)
        elif self._news is not None:
            self._apply(self._news)
        self.refresh()

    def go_to_time(self, at: datetime) -> None:
        """Go to the last event at or before ``at``."""
        listing, context = self.listing, self._page.context
        if listing is not None and listing.count:
            grown = max(0, self._news.summary.total - listing.top) if self._news is not None else 0
            self._page.load(
                lambda: read_place(context.backend, actor=context.actor, listing=listing, at=at, grown=grown), self._go, key="place"
            )

    def go_to_event(self, row: AuditRow) -> None:
        """Make the row of an event current; one that is not in the list is left alone."""
        listing = self.listing
        if listing is None:
            self._aim = row
        elif listing.plan is None and row.position is not None and row.position <= listing.top:
            self.table.select(row.id)
            self.table.go_to(len(self.table.rows.head) + listing.top - row.position)
        elif self._number_of(row.id) >= 0:
            self.table.go_to(self._number_of(row.id))
        else:
            self.table.select(row.id)

    def stop(self) -> None:
        """Ask for nothing any more until the next ``refresh``."""
        self._again.stop()
        self._slow.stop()

    @property
    def live(self) -> bool:
        """Whether new events appear by themselves."""
        return not self.paused and not self.scrolled

    @property
    def searching(self) -> bool:
        """Whether another list is being read."""
        return self._search is not None and self._search.running

    @property
    def matching(self) -> int:
        """How many events are in the list, new ones included."""
        newer = len(self._news.head) if self._news is not None else len(self.table.rows.head)
        return self.table.rows.count + newer

    def known_names(self) -> tuple[str, ...]:
        """Return the actors in memory, for the menus."""
        rows = self.table.rows
        near = (rows.row(n) for n in range(min(rows.rowCount(), HEAD_ROWS)))
        return tuple(sorted({line.actor for line in near if line is not None}))

    # -- answers

    def _go(self, place: Place) -> None:
        self.table.fill(place.page, place.lines)
        self.table.go_to(len(self.table.rows.head) + place.row)

    def _show_first(self, lines: Sequence[AuditLine]) -> None:
        """Show the newest matches while they are still being counted."""
        if lines and self.searching:
            self._ahead = self._asked
            self.loader.stop()
            self.table.restart(len(lines), pages={0: lines})
            self.foot.count.setText(tr("Counting what matches …"))

    def _show(self, listing: Listing) -> None:
        shown = self._ahead or (self.listing.wanted if self.listing is not None else None)
        self._search, self._news = None, None
        self._slow.stop()
        if self._first is not None:
            self._first.cancel()
        self.listing = listing
        self._name_empty()
        # A list read anew because much happened keeps the view; another filter begins at its top, where the tail is live.
        self._fill(listing, keep=shown == listing.wanted and self.scrolled)
        self._page.show_content()
        self._show_tail()
        self._show_counts(listing)
        self.listed.emit(listing)
        if self._aim is not None:
            aim, self._aim = self._aim, None
            self.go_to_event(aim)

    def _fill(self, listing: Listing, *, keep: bool = False) -> None:
        context, self._ahead = self._page.context, None
        pages = {0: listing.first} if listing.count else {}
        self.table.restart(listing.count, head=listing.head, pages=pages, keep=keep)
        self.loader.start(lambda first, count: read_page(context.backend, actor=context.actor, listing=listing, first=first, count=count))

    def _restore(self) -> None:
        """Show the last good list instead of the first rows of one that never came."""
        self._search = None
        self._slow.stop()
        if self._first is not None:
            self._first.cancel()
        if self._ahead is not None and self.listing is not None:
            self._fill(self.listing)
            self._show_counts(self.listing)
        self._show_band()

    def _refuse(self, error: LecternError) -> None:
        self._restore()
        self.refused.emit(error)

    def _take_news(self, news: News) -> None:
        listing = self.listing
        if listing is None or self._ahead is not None:
            return
        self._news = news
        self.news_count += 1
        if news.first is not None and self.table.rows.has_page(0):
            self.table.fill(0, news.first)
        if not self.live:
            self._seal_shown(news)
        elif news.overflow:
            self.ask(listing.wanted)
        else:
            self._apply(news)
        self._show_counts(listing)
        self._show_band()
        if self.isVisible() and news.summary.unsealed:
            self._again.start()

    def _apply(self, news: News) -> None:
        if list(news.head) != self.table.rows.head:
            self.table.set_head(news.head)
        self._show_band()

    def _seal_shown(self, news: News) -> None:
        """Let the rows on the screen learn their positions without moving any."""
        fresh = {line.id: line for line in news.head}
        shown = [fresh.get(line.id, line) for line in self.table.rows.head]
        if shown != self.table.rows.head:
            self.table.set_head(shown)

    # -- showing

    def _show_counts(self, listing: Listing) -> None:
        summary = self._news.summary if self._news is not None else listing.summary
        self.foot.show_counts(None if listing.wanted.empty else self.matching, summary)

    def _show_tail(self) -> None:
        self.foot.show_tail(live=self.live, scrolled=self.scrolled and not self.paused)
        self._show_band()

    def _show_band(self) -> None:
        if self.searching and not self._slow.isActive():
            return
        shown = {line.id for line in self.table.rows.head}
        newer = [line for line in (self._news.head if self._news is not None else ()) if line.id not in shown]
        if self.live or not newer or self.listing is None:
            self._keep_place(self.band.hide)
            return
        sealing = sum(line.position is None for line in newer)
        more = self._news is not None and self._news.overflow
        words = news_words(len(newer), sealing, filtered=not self.listing.wanted.empty, more=more)
        self._keep_place(lambda: self.band.show_news(words, icon_name="arrow-up", action=tr("Show"), hint=tr("Home")))

    def _keep_place(self, change: Callable[[], object]) -> None:
        """Show or hide the band without moving a row on the screen, where the reader has scrolled."""
        before = self.band.isVisible()
        change()
        bar = self.table.verticalScrollBar()
        if self.scrolled and self.band.isVisible() != before:
            bar.setValue(max(1, bar.value() + (ROW_HEIGHT if not before else -ROW_HEIGHT)))

    def _show_search(self) -> None:
        """A search takes noticeably long: say so, and offer to stop it."""
        if self.searching and self.listing is not None:
            words = tr("Searching {n} events …", n=number(self.listing.summary.total))
            self.band.show_news(words, icon_name="loader", action=tr("Cancel"))

    def _press(self) -> None:
        if self._search is None or not self._search.running:
            self.show_newest()
            return
        self._search.cancel()
        self._asked = self.listing.wanted if self.listing is not None else None
        self._restore()
        self.given_up.emit()

    def _scroll(self, away: bool) -> None:  # noqa: FBT001 - a slot
        self.scrolled = away
        self._show_tail()
        if self.live:
            self.refresh()

    def _number_of(self, event_id: int) -> int:
        rows = self.table.rows
        first, last = self.table.visible()
        near = [*range(len(rows.head)), *range(max(0, first - HEAD_ROWS), min(rows.rowCount(), last + HEAD_ROWS))]
        found: list[AuditLine | None] = [rows.row(n) for n in near]
        return next((n for n, line in zip(near, found, strict=True) if line is not None and line.id == event_id), -1)

    # -- building

    def _build(self) -> None:
        self.empty = EmptyState("scroll-text", tr("Nothing was recorded yet"), action=tr("Clear filter"), action_icon="x")
        self.table = SparseTable(columns(), name=tr("Events"), row_height=ROW_HEIGHT, key=line_id, empty=self.empty)
        # the first heading stands over its column, which keeps clear of the selection bar
        self.table.horizontalHeader().setStyleSheet("QHeaderView::section:first { padding-left: 16px; }")
        self.loader = SparseLoader(self.table, self._page.context.background)
        self.band, self.foot = Band(), TailBar()
        self.add(self.band, (self.table, 1), rule(), self.foot)

    def _name_empty(self) -> None:
        filtered = self.listing is not None and not self.listing.wanted.empty
        if filtered:
            self.empty.set_words(tr("No event matches"), detail=tr("Take a part of the filter away, or ask for a longer time."))
        else:
            self.empty.set_words(tr("Nothing was recorded yet"), detail=tr("Every action from now on appears here by itself."))
        if self.empty.action is not None:
            self.empty.action.setVisible(filtered)

    def _timer(self, interval_ms: int, run: object) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(interval_ms)
        timer.timeout.connect(run)
        return timer
