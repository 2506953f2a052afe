"""The Logs page: what every process of this computer wrote down, newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from PySide6.QtCore import QRectF, Qt, QUrl
from PySide6.QtGui import QDesktopServices, QKeyEvent, QKeySequence, QPainter, QShortcut
from PySide6.QtWidgets import QVBoxLayout

from backend_core.errors import LecternError
from desktop.i18n import number, tr
from desktop.pages.logs.drawer import LogDrawer
from desktop.pages.logs.words import event_words, facts_words, level_of
from desktop.style import MEDIUM
from desktop.widgets import paint
from desktop.widgets.banner import Banner
from desktop.widgets.button import Button, SegmentedControl
from desktop.widgets.card import Card
from desktop.widgets.cells import state_cell, text_cell
from desktop.widgets.drawer import DrawerHost
from desktop.widgets.field import SearchField, Select
from desktop.widgets.label import PlainLabel
from desktop.widgets.layout import column, holder, row
from desktop.widgets.page import Page, PageContext, title_row
from desktop.widgets.states import EmptyState
from desktop.widgets.table import CellState, Column, Table

if TYPE_CHECKING:
    from backend_core.monitoring.logbook import LogEntry, LogFilter, LogPage

COUNT: Final = 200
_ROW: Final = 36
_GAP: Final = 12


class LogsPage(Page):
    """A filter, the list, and a drawer with the whole line."""

    key: ClassVar[str] = "logs"
    title: ClassVar[str] = "Logs"
    icon: ClassVar[str] = "text-search"
    group: ClassVar[str] = "Run"
    action: ClassVar[str] = "log.read"

    def __init__(self, context: PageContext) -> None:
        super().__init__(context)
        self._next: Any = None
        self._asked: LogFilter | None = None
        self._correlation = ""
        self._build()
        self._connect()
        self._add_commands()

    # -- what the shell calls

    def refresh(self) -> None:
        """Bring what is new; what was scrolled to stays."""
        context, wanted = self.context, self._wanted()

        def work() -> tuple[LogFilter, LogPage, tuple[str, ...]]:
            book = context.backend.logbook
            return wanted, book.search(wanted, actor=context.actor, limit=COUNT), book.processes(actor=context.actor)

        self.load(work, self._show)

    def fail(self, error: LecternError) -> None:
        """Keep what is shown, and say that it is not the newest."""
        if self.loaded:
            self.problem.show_state(f"{error} {error.next_step}", action=tr("Retry"), on_action=self.refresh)
        super().fail(error)

    def open_target(self, **target: object) -> None:
        """Show everything of one ``correlation`` id."""
        correlation = target.get("correlation")
        if isinstance(correlation, str):
            self.find_related(correlation)

    # -- what the user does

    def find_related(self, correlation: str) -> None:
        """Show what one action left behind, of every level and process."""
        self.search.clear()
        self.level.choose("")
        self.process.choose("")
        self._set_correlation(correlation)

    def clear(self) -> None:
        """Show every line again."""
        self.find_related("")

    def open_folder(self) -> None:
        """Show the files in the system's file manager."""
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self.context.backend.logbook.folder)))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc closes the drawer, then takes the filter away."""
        if event.key() != Qt.Key.Key_Escape:
            super().keyPressEvent(event)
        elif not self.drawer.isHidden():
            self.drawer.close_drawer()
        else:
            self.clear()

    # -- reactions

    def _wanted(self) -> LogFilter:
        # after the first paint: the module behind it loads the log library
        from backend_core.monitoring.logbook import LogFilter

        return LogFilter(
            level=str(self.level.current or ""), process=str(self.process.current or ""), text=self.search.text().strip(),
            correlation=self._correlation,
        )  # fmt: skip

    def _show(self, result: tuple[LogFilter, LogPage, tuple[str, ...]]) -> None:
        wanted, page, processes = result
        self.problem.clear()
        self.process.set_choices([("", tr("Every process")), *((name, name) for name in processes)])
        fresh = {entry.key for entry in page.entries}
        older = [entry for entry in self.table.rows if entry.key not in fresh]
        joined = wanted == self._asked and len(older) < len(self.table.rows) and page.next is not None
        if not joined:
            self._next, older = page.next, []
        self._asked = wanted
        line, detail = (tr("Nothing logged yet"), "") if wanted.empty else (tr("No line matches"), tr("Change or clear the filter."))
        self.empty.set_words(line, detail=detail)
        if self.empty.action is not None:
            self.empty.action.setVisible(not wanted.empty)
        self.table.set_rows((*page.entries, *older))
        self._tell_count()

    def _more(self) -> None:
        context, wanted, after = self.context, self._asked, self._next
        if wanted is None or after is None or self._wanted() != wanted:
            return
        self._next = None

        def shown(page: LogPage) -> None:
            if self._asked == wanted:
                self._next = page.next
                self.table.append_rows(page.entries)
                self._tell_count()

        def failed(error: LecternError) -> None:
            self._next = after
            self.fail(error)

        context.background.run(
            self, lambda: context.backend.logbook.search(wanted, actor=context.actor, limit=COUNT, after=after), shown, failed, key="more"
        )

    def _tell_count(self) -> None:
        if len(self.table.rows) == 1:
            self.count.setText(tr("1 line"))
            return
        count = number(len(self.table.rows))
        self.count.setText(tr("{n} lines, more below", n=count) if self._next is not None else tr("{n} lines", n=count))

    def _set_correlation(self, correlation: str) -> None:
        self._correlation = correlation
        self.chip.set_caption(tr("correlation {id}", id=correlation), name=tr("Remove the filter for {id}", id=correlation))
        self.chip.setVisible(bool(correlation))
        self.refresh()

    def _changed(self, _value: object) -> None:
        self.refresh()

    def _selected(self, entry: LogEntry | None) -> None:
        if entry is not None and not self.drawer.isHidden():
            self.drawer.show_entry(entry)

    def _opened(self, entry: LogEntry) -> None:
        self.drawer.show_entry(entry)
        self.host.open()

    # -- building

    def _build(self) -> None:
        self.problem = Banner()
        self.search = SearchField(name=tr("Filter the log"), hint=tr("Words or a correlation id"), key="/")
        levels = [("", tr("All")), ("WARNING", tr("Warnings")), ("ERROR", tr("Errors"))]
        self.level = SegmentedControl(levels, name=tr("Level"), current="")
        self.process = Select([("", tr("Every process"))], name=tr("Process"), icon_name="cpu")
        self.process.setMinimumWidth(168)
        self.chip = Button("", "chip", icon_name="x", on_click=lambda: self._set_correlation(""))
        self.chip.hide()
        self.count = PlainLabel("", "small")
        self.empty = EmptyState(
            "scroll-text", tr("Nothing logged yet"), action=tr("Clear the filter"), action_icon="x", on_action=self.clear
        )
        self.table = Table(_columns(), name=tr("Log lines"), row_height=_ROW, key=lambda entry: entry.key, empty=self.empty)
        self.drawer = LogDrawer()
        folder = Button(tr("Open log folder"), icon_name="folder-open", on_click=self.open_folder)
        head = title_row(tr(self.title), self.count, right=(folder,))
        filters = row(self.chip, (self.search, 1), self.level, self.process, gap=8)
        card = Card(flush=True)
        card.body.addWidget(self.table, 1)
        self.host = DrawerHost(holder(column(head, filters, self.problem, (card, 1), gap=12, margins=(24, 18, 24, 16))), self.drawer)
        lane = QVBoxLayout(self.content)
        lane.setContentsMargins(0, 0, 0, 0)
        lane.addWidget(self.host)

    def _connect(self) -> None:
        self.search.searched.connect(self._changed)
        self.level.chosen.connect(self._changed)
        self.process.picked.connect(self._changed)
        self.table.selected.connect(self._selected)
        self.table.opened.connect(self._opened)
        self.table.near_end.connect(self._more)
        self.drawer.related_wanted.connect(self.find_related)
        self.drawer.audit_wanted.connect(lambda correlation: self.context.navigate("audit", correlation=correlation))
        self.drawer.copied.connect(lambda: self.context.notify(tr("Copied")))
        self.drawer.closed.connect(self.table.setFocus)
        slash = QShortcut(QKeySequence("/"), self)
        slash.activated.connect(self.search.setFocus)

    def _add_commands(self) -> None:
        def add(name: str, title: str, run: Any, icon: str) -> None:
            self.context.commands.add(f"logs.{name}", title=title, run=lambda: self._here(run), group=tr(self.title), icon=icon)

        add("filter", tr("Logs: filter"), self.search.setFocus, "list-filter")
        add("errors", tr("Logs: show errors only"), self._errors, "octagon-alert")
        add("clear", tr("Logs: clear the filter"), self.clear, "x")
        add("folder", tr("Logs: open the folder"), self.open_folder, "folder-open")

    def _here(self, run: Any) -> None:
        self.context.navigate(self.key)
        run()

    def _errors(self) -> None:
        self.level.choose("ERROR")
        self.refresh()


def _columns() -> list[Column]:
    def time(entry: LogEntry) -> str:
        return f"{entry.at.astimezone():%Y-%m-%d %H:%M:%S}"

    return [
        Column("time", tr("Time"), time, text_cell(time, tone="muted", mono=True, size=12), width=164),
        Column("level", tr("Level"), lambda entry: level_of(entry)[1], state_cell(level_of), width=108),
        Column("process", tr("Process"), lambda entry: entry.process, text_cell(lambda entry: entry.process), width=92),
        Column("event", tr("Event"), event_words, _draw_event),
        Column("correlation", tr("Correlation"), _correlation, text_cell(_correlation, tone="muted", mono=True, size=12), width=104),
    ]


def _draw_event(painter: QPainter, rect: QRectF, entry: LogEntry, state: CellState) -> None:
    width = min(rect.width(), paint.advance(entry.event, 13, MEDIUM) + _GAP)
    paint.text(painter, QRectF(rect.x(), rect.y(), width, rect.height()), entry.event, weight=MEDIUM)
    rest = QRectF(rect.x() + width, rect.y(), rect.width() - width, rect.height())
    paint.text(painter, rest, facts_words(entry), size=12, tone="text" if state.selected else "muted")


def _correlation(entry: LogEntry) -> str:
    return entry.correlation_id
