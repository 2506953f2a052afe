"""Looking around in what is open: search, kinds, older pages, one memory with its past, and other words for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from backend_core.errors import LecternError
from backend_core.policy import may
from desktop.i18n import tr
from desktop.pages.memory import reading
from desktop.pages.memory.details import Details
from desktop.pages.memory.dialogs import EditDialog
from desktop.pages.memory.drawer import DETAILS
from desktop.pages.memory.lines import MemoryLine, View

if TYPE_CHECKING:
    from desktop.pages.memory.page import MemoryPage


class Looking(QObject):
    """Every read goes on for the reason the memory was opened for, and is counted beside the title."""

    def __init__(self, page: MemoryPage) -> None:
        super().__init__(page)
        self._page = page
        self.reading_older = False

    def look(self) -> None:
        """Show what matches the search and the chosen kind."""
        page = self._page
        opened, query, kind = page.opened, page.head.search.text().strip(), page.head.types.current
        if opened is None:
            return
        # it takes the place of whatever else was being read
        self.reading_older = False
        backend = page.context.backend
        work = lambda: reading.look(backend, page.actor(), opened, query=query, kind=kind)  # noqa: E731 - given to run on the next line
        page.context.background.run(page, work, self._show_view, self._look_failed, key="look")

    def older(self) -> None:
        """Read the next page of every container that has one."""
        page = self._page
        opened, view, backend, kind = page.opened, page.card.view, page.context.backend, page.head.types.current
        if opened is None or not view.more or self.reading_older:
            return
        self.reading_older = True

        def done(more: View) -> None:
            self.reading_older = False
            page.count_reads(more.reads)
            # another view may have come meanwhile
            if page.card.view is view:
                page.card.show_view(more, keep=True)

        def failed(error: LecternError) -> None:
            self.reading_older = False
            page.tell(error)

        page.context.background.run(page, lambda: reading.older(backend, page.actor(), opened, view, kind=kind), done, failed, key="look")

    def open_line(self, line: MemoryLine) -> None:
        """Show one memory in the drawer."""
        page = self._page
        place, backend = page.place_of(line.place), page.context.backend
        if place is None:
            return
        page.card.timeline.select_key(line.key, scroll=False)
        page.show_panel(DETAILS, tr("Memory"), place.caption)
        page.context.background.run(
            page, lambda: reading.details(backend, page.actor(), line, place), self._show_details, self._details_failed, key="details"
        )

    def edit(self) -> None:
        """Ask for other words for the memory in the drawer."""
        page, details = self._page, self._page.drawer.details.details
        if details is None:
            return
        line, place, backend = details.line, details.place, page.context.backend

        def save(text: str) -> None:
            page.act(lambda: reading.edit(backend, page.actor(), line, place, text), lambda _: self._edited(line))

        page.show_dialog(EditDialog(page, details.text, on_text=save))

    def _show_view(self, view: View) -> None:
        page = self._page
        if page.opened is not None:
            page.count_reads(view.reads)
            page.card.show_view(view)

    def _look_failed(self, error: LecternError) -> None:
        if not self._page.card.view.lines:
            self._page.card.show_failure(error)
        else:
            self._page.tell(error)

    def _show_details(self, details: Details) -> None:
        page = self._page
        page.count_reads(1)
        if page.opened is not None and page.drawer.mode == DETAILS:
            editable = may(page.context.actor.role, "memory.edit")
            page.drawer.details.show_details(details, page.opened.places, editable=editable)

    def _details_failed(self, error: LecternError) -> None:
        if self._page.drawer.mode == DETAILS:
            self._page.drawer.show_failure(error)

    def _edited(self, line: MemoryLine) -> None:
        self._page.context.notify(tr("Saved. What it said before is an earlier version."))
        self._page.reopen()
        self.open_line(line)
