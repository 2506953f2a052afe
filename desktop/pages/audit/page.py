"""The Audit log page: who did what, when, from where and why, and whether the record is whole."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QVBoxLayout

from backend_core.errors import LecternError, NotAllowed
from backend_core.policy import ALLOWED, READS
from desktop.i18n import tr
from desktop.pages.audit.drawer import EventDrawer
from desktop.pages.audit.event_list import EventList
from desktop.pages.audit.export_dialog import ExportDialog
from desktop.pages.audit.exporting import Exporting
from desktop.pages.audit.filter_bar import FilterBar
from desktop.pages.audit.lines import AuditLine
from desktop.pages.audit.verifying import Verifying
from desktop.pages.audit.views import SaveViewDialog, ViewsChip
from desktop.pages.audit.words import filter_words
from desktop.widgets.badge import Badge
from desktop.widgets.button import Button
from desktop.widgets.date_jump import DateJump
from desktop.widgets.drawer import DrawerHost
from desktop.widgets.layout import column, holder
from desktop.widgets.page import Page, PageContext, title_row

if TYPE_CHECKING:
    from backend_core.audit.query import AuditFilter
    from backend_core.audit.rows import SavedView
    from desktop.pages.audit.listing import Listing

_QUIET = frozenset(action for action in READS if action not in {"audio.play", "operator.sign_in", "operator.sign_out", "operator.unlock"})
"""Reading leaves no event, so the menus do not offer these."""


class AuditPage(Page):
    """The list with its filter, its drawer, and the two longer pieces of work: verify and export."""

    key: ClassVar[str] = "audit"
    title: ClassVar[str] = "Audit log"
    icon: ClassVar[str] = "scroll-text"
    group: ClassVar[str] = "Assure"
    action: ClassVar[str] = "audit.list"
    tables: ClassVar[frozenset[str]] = frozenset({"audit_event", "audit_position", "audit_seal"})

    def __init__(self, context: PageContext) -> None:
        super().__init__(context)
        self._build()
        self._connect()
        self._add_commands()
        self.list.ask(self.filters.wanted)

    # -- what the shell calls

    def refresh(self) -> None:
        """Bring what is new."""
        self.list.refresh()

    def shown(self) -> None:
        """Read what changes seldom."""
        self._read_views()
        self.verifying.read_latest()

    def hidden(self) -> None:
        """Ask for nothing while nobody looks."""
        self.list.stop()

    def open_target(self, **target: object) -> None:
        """Show the filter ``query``, the events of ``correlation``, or the event ``event_id``."""
        query, event_id, correlation = target.get("query"), target.get("event_id"), target.get("correlation")
        if isinstance(query, str):
            self.filters.type_text(query)
        if isinstance(correlation, str):
            self.find_related(correlation)
        if isinstance(event_id, int):
            self.open_event(event_id)

    def fail(self, error: LecternError) -> None:
        """Keep the last good data when the database is away; show nothing to somebody who may not see it."""
        if isinstance(error, NotAllowed):
            self._stack.setCurrentWidget(self.error)
            self.error.show_error(error)
        else:
            super().fail(error)

    # -- what the user does

    def open_event(self, event_id: int) -> None:
        """Show one event in the drawer, and its row where the list has it."""
        self.host.open()
        self.drawer.show_event(event_id, follow=True)

    def find_related(self, correlation: str) -> None:
        """Show everything that one action caused."""
        self.filters.ask(replace(self.filters.empty_filter, correlation=(correlation,)))

    def jump(self) -> None:
        """Ask for a moment and go there."""
        listing = self.list.listing
        oldest, newest = (listing.summary.oldest, listing.summary.newest) if listing is not None else (None, None)
        if oldest is not None and newest is not None:
            DateJump(self, oldest=oldest, newest=newest, on_go=self.list.go_to_time).open()

    def export(self) -> None:
        """Ask what to export and why."""
        listing, reason = self.list.listing, getattr(self.context.actor, "reason", None) or ""
        if listing is not None:
            every = listing.summary.total + listing.summary.unsealed
            rows = every if listing.wanted.empty else self.list.matching
            words, wanted = filter_words(listing.wanted), listing.wanted
            dialog = ExportDialog(
                self, words=words, rows=rows, reason=reason, on_order=lambda order: self.exporting.start(order, wanted=wanted)
            )
            dialog.open()

    def save_view(self) -> None:
        """Ask for a name and keep the filter under it."""
        wanted = self.filters.wanted
        SaveViewDialog(self, words=filter_words(wanted), taken=[view.name for view in self.views.views], on_name=self._keep_view).open()

    def _keep_view(self, name: str) -> None:
        query, context = self.filters.wanted.text(), self.context
        self.act(lambda: context.backend.trail.save_view(name, query, actor=context.actor), lambda _view: self._read_views())

    def _delete_view(self, view: SavedView) -> None:
        context = self.context

        def restore() -> None:
            self.act(lambda: context.backend.trail.save_view(view.name, view.query, actor=context.actor), lambda _view: self._read_views())

        def told(_nothing: object) -> None:
            self._read_views()
            context.notify(tr("View “{name}” deleted", name=view.name), undo=restore)

        self.act(lambda: context.backend.trail.delete_view(view.id, actor=context.actor), told)

    def _read_views(self) -> None:
        context = self.context
        context.background.run(
            self, lambda: context.backend.trail.views(actor=context.actor), self.views.show_views, lambda _error: None, key="views"
        )

    # -- reactions

    def _filtered(self, wanted: AuditFilter) -> None:
        self.views.show_query(wanted.text())
        self.list.ask(wanted)

    def _listed(self, listing: Listing) -> None:
        self.filters.known_names = tuple(sorted({*self.filters.known_names, *self.list.known_names()}))
        self.save.setEnabled(not listing.wanted.empty)
        self.filters.show_problem("")

    def _refused(self, error: LecternError) -> None:
        if self.list.listing is None or isinstance(error, NotAllowed):
            self.fail(error)
        else:
            self.filters.show_problem(str(error))

    def _given_up(self) -> None:
        if self.list.listing is not None:
            self.filters.show_filter(self.list.listing.wanted)
            self.views.show_query(self.list.listing.wanted.text())

    def _selected(self, line: AuditLine) -> None:
        if not self.drawer.isHidden():
            self.drawer.show_event(line.id)

    def _opened(self, line: AuditLine) -> None:
        self.host.open()
        self.drawer.show_event(line.id)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc closes the drawer, then takes the last chip away."""
        if event.key() != Qt.Key.Key_Escape:
            super().keyPressEvent(event)
        elif not self.drawer.isHidden():
            self.drawer.close_drawer()
        else:
            self.filters.drop_last()

    # -- building

    def _build(self) -> None:
        self.badge = Badge(tr("Not verified yet"), unknown=True)
        self.verify = Button(tr("Verify now"), icon_name="shield-check", on_click=self._verify)
        self.download = Button(tr("Export"), icon_name="download", on_click=self.export)
        self.save = Button(tr("Save view"), "primary", icon_name="bookmark", on_click=self.save_view)
        self.save.setEnabled(False)
        self.views = ViewsChip()
        jump = Button(tr("Jump to date"), icon_name="calendar-search", on_click=self.jump)
        self.filters = FilterBar(right=(jump,), views=self.views)
        self.filters.known_actions = tuple(action for action in ALLOWED if action not in _QUIET)
        self.list = EventList(self)
        self.drawer = EventDrawer(self)
        self.drawer.setObjectName("drawer")
        self.verifying = Verifying(self)
        self.exporting = Exporting(self)
        head = title_row(tr(self.title), self.badge, right=(self.verify, self.download, self.save))
        parts = (head, self.filters, self.verifying.panel, self.exporting.panel, (self.list, 1))
        self.host = DrawerHost(holder(column(*parts, gap=12, margins=(24, 18, 24, 16))), self.drawer)
        lane = QVBoxLayout(self.content)
        lane.setContentsMargins(0, 0, 0, 0)
        lane.addWidget(self.host)

    def _connect(self) -> None:
        self.filters.changed.connect(self._filtered)
        self.list.listed.connect(self._listed)
        self.list.refused.connect(self._refused)
        self.list.given_up.connect(self._given_up)
        self.list.table.selected.connect(self._selected)
        self.list.table.opened.connect(self._opened)
        if self.list.empty.action is not None:
            self.list.empty.action.clicked.connect(lambda _checked=False: self.filters.ask(self.filters.empty_filter))
        self.views.chosen.connect(lambda view: self.filters.type_text(view.query))
        self.views.deleted.connect(self._delete_view)
        self.drawer.step_wanted.connect(self.list.table.step)
        self.drawer.event_wanted.connect(self.open_event)
        self.drawer.related_wanted.connect(self.find_related)
        self.drawer.located.connect(self.list.go_to_event)
        self.drawer.closed.connect(self.list.table.setFocus)
        self.verifying.badged.connect(self.badge.show_state)
        self.verifying.witnessed.connect(self.drawer.show_witnesses)
        slash = QShortcut(QKeySequence("/"), self)
        slash.activated.connect(self.filters.focus_text)

    def _add_commands(self) -> None:
        group = tr("Audit log")

        def add(name: str, title: str, run: Any, icon: str) -> None:
            self.context.commands.add(
                f"audit.{name}", title=tr("Audit log: {what}", what=title), run=lambda: self._here(run), group=group, icon=icon
            )

        add("verify", tr("verify now"), self._verify, "shield-check")
        add("jump", tr("jump to date"), self.jump, "calendar-search")
        add("export", tr("export"), self.export, "download")
        add("save_view", tr("save view"), self.save_view, "bookmark")
        add("filter", tr("filter"), self.filters.focus_text, "list-filter")
        add("tail", tr("pause or resume the live tail"), self.list.toggle, "circle-pause")
        add("clear", tr("clear the filter"), lambda: self.filters.ask(self.filters.empty_filter), "x")

    def _here(self, run: Any) -> None:
        self.context.navigate(self.key)
        run()

    def _verify(self) -> None:
        self.verifying.start()
