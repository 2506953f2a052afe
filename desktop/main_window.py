"""The window around the pages: rail, top bar, banner, toasts, palette, dock, and the way to a page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from backend_core.errors import LecternError
from desktop.background import Background
from desktop.changes import Changes
from desktop.commands import Commands
from desktop.connection import Connection, Link
from desktop.i18n import ago, tr
from desktop.pages.database.page import DatabasePage
from desktop.pages.documents.page import DocumentsPage
from desktop.pages.overview.page import OverviewPage
from desktop.style import Theme, icon
from desktop.style.window_state import WindowState
from desktop.widgets.banner import Banner
from desktop.widgets.page import Page, PageContext
from desktop.widgets.rail import Rail, RailEntry
from desktop.widgets.states import ErrorState, Skeleton
from desktop.widgets.toast import ToastStack
from desktop.widgets.top_bar import LinkState, ProfileStrip, TopBar

if TYPE_CHECKING:
    from desktop.widgets.palette import CommandPalette, ShortcutHelp

PAGES: Final[tuple[type[Page], ...]] = (OverviewPage, DocumentsPage, DatabasePage)
"""Every page, in the order of the rail."""

FOLD_BELOW: Final = 1100
_FILES_PAGE = "documents"
_STRIP = 2
_KINDS: Final = {"embedded": ("ok", "laptop"), "server": ("warn", "server")}
_SECOND_MS = 1_000


class MainWindow(QWidget):
    """The shell. It is complete before there is a backend; ``start`` brings it to life."""

    retry_wanted = Signal()

    def __init__(self, *, theme: Theme, background: Background, state: WindowState, pages: Sequence[type[Page]] = PAGES) -> None:
        super().__init__()
        self.setObjectName("shell")
        self.setWindowIcon(icon("book-audio", "accent", size=64))
        self.setAcceptDrops(True)
        # A focus of its own keeps the ring off the first button until the user presses Tab.
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._theme, self._background, self._state = theme, background, state
        self._classes = {page.key: page for page in pages}
        self._open_pages: dict[str, Page] = {}
        self._context: PageContext | None = None
        self._profile: Any = None
        self._waiting_files: list[Path] = []
        self._folded_by_user = self._state.folded
        self.changes = Changes(self)
        self.commands = Commands(self)
        self.connection = Connection(background, parent=self)
        self._build(pages)
        self._connect()
        self._add_commands(pages)
        theme.set_mode(_mode(state.theme))

    # -- what the application calls

    def start(self, backend: Any, actor: Any) -> None:
        """Show the pages of ``backend`` for ``actor``."""
        self._profile = backend.profile
        token, symbol = _KINDS.get(backend.profile.kind, ("info", "server"))
        self.strip.show_colour(token)
        self.rail.card.show_profile(
            backend.profile.name, tr("PostgreSQL {version}", version=backend.profile.server_version), token=token, icon_name=symbol
        )
        self.top.person.show_person(str(getattr(actor, "name", "")), str(getattr(actor, "role", "")))
        self.changes.attach(backend.changes)
        self._context = PageContext(
            backend, actor, self._background, self.changes, self.commands, self.notify, self.navigate, self.set_dock
        )
        self._whole.setCurrentWidget(self._shell)
        for key in self._classes:
            self.commands.set_enabled(f"go.{key}", on=True)
        self.navigate(self._state.page if self._state.page in self._classes else next(iter(self._classes)))
        self.connection.start(backend)
        if getattr(backend.profile, "read_only", False):
            self.banner.show_state(tr("A newer Lectern changed this database; this window only reads."), tone="info")
        files, self._waiting_files = self._waiting_files, []
        if files:
            self.open_files(files)

    def show_starting(self) -> None:
        """Show the skeleton while the backend opens."""
        self._whole.setCurrentWidget(self._shell)
        self._pages.setCurrentWidget(self._skeleton)

    def show_failure(self, error: LecternError) -> None:
        """Fill the window with what went wrong at the start."""
        self.failure.show_error(error)
        self._whole.setCurrentWidget(self.failure)

    def open_files(self, files: Sequence[Path]) -> None:
        """Bring ``files`` to the page that imports them, as soon as there is one."""
        if self._context is None:
            self._waiting_files.extend(files)
        elif files and _FILES_PAGE in self._classes:
            self.navigate(_FILES_PAGE, files=list(files))

    def come_forward(self) -> None:
        """Raise the window for a second start."""
        window = self.window()
        window.setWindowState(window.windowState() & ~Qt.WindowState.WindowMinimized)
        window.show()
        window.raise_()
        window.activateWindow()

    def release(self) -> None:
        """Let go of the backend: stop asking, stop following, delete the pages."""
        self.connection.stop()
        self.changes.close()
        self._context = None
        for page in self._open_pages.values():
            page.hide()
            self._background.cancel_owner(page)
            page.deleteLater()
        self._open_pages.clear()

    # -- what pages call

    def notify(self, words: str, *, tone: str = "ok", undo: Callable[[], object] | None = None, action: str = "") -> None:
        """Show a toast."""
        self.toasts.show_toast(words, tone=tone, undo=undo, action=action)

    def navigate(self, key: str, **target: object) -> None:
        """Show page ``key`` and hand it ``target``.

        Raises:
            KeyError: no such page.
        """
        if self._context is None:
            return
        page = self._open_pages.get(key)
        if page is None:
            page = self._classes[key](self._context)
            page.place_changed.connect(self._show_place)
            self._open_pages[key] = page
            self._pages.addWidget(page)
        self._pages.setCurrentWidget(page)
        self.rail.set_current(key)
        self._show_place()
        if target:
            page.open_target(**target)

    def set_dock(self, widget: QWidget | None) -> None:
        """Show ``widget`` below the pages (the player), or nothing."""
        while (item := self._dock.takeAt(0)) is not None:
            old = item.widget()
            if old is not None and old is not widget:
                old.hide()
        if widget is not None:
            self._dock.addWidget(widget)
            widget.show()

    @property
    def page(self) -> Page | None:
        """The page that is shown, None before the start."""
        shown = self._pages.currentWidget()
        return shown if isinstance(shown, Page) else None

    @property
    def page_keys(self) -> tuple[str, ...]:
        """The keys of all pages in the order of the rail."""
        return tuple(self._classes)

    def refresh(self) -> None:
        """Refresh the page that is shown."""
        if self.page is not None:
            self.page.refresh()

    # -- building

    def _build(self, pages: Sequence[type[Page]]) -> None:
        self.rail = Rail([RailEntry(page.key, tr(page.title), page.icon, tr(page.group)) for page in pages])
        self.top, self.banner, self._skeleton = TopBar(), Banner(), Skeleton()
        self._pages = QStackedWidget()
        self._pages.addWidget(self._skeleton)
        self._dock = QVBoxLayout()
        self._dock.setContentsMargins(0, 0, 0, 0)
        right = QVBoxLayout()
        right.setContentsMargins(0, 0, 0, 0)
        right.setSpacing(0)
        for part in (self.top, self.banner):
            right.addWidget(part)
        right.addWidget(self._pages, 1)
        right.addLayout(self._dock)
        self._shell = self._make_shell(right)
        self.failure = ErrorState(on_retry=self.retry_wanted.emit)
        self._whole = QStackedWidget(self)
        self._whole.addWidget(self._shell)
        self._whole.addWidget(self.failure)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self._whole)
        self.strip = ProfileStrip(self)
        self.toasts = ToastStack(self, kept_clear=lambda: self._dock.geometry().height())
        self.palette_overlay: CommandPalette | None = None
        self.help_overlay: ShortcutHelp | None = None
        self._offline_clock = QTimer(self)
        self._offline_clock.setInterval(_SECOND_MS)

    def _make_shell(self, right: QVBoxLayout) -> QFrame:
        shell = QFrame()
        shell.setObjectName("shell")
        lane = QHBoxLayout(shell)
        lane.setContentsMargins(0, 0, 0, 0)
        lane.setSpacing(0)
        lane.addWidget(self.rail)
        lane.addLayout(right, 1)
        return shell

    def _connect(self) -> None:
        self.rail.chosen.connect(self._go)
        self.rail.fold_wanted.connect(self._toggle_fold)
        self.top.palette_wanted.connect(self.open_palette)
        self.top.help_wanted.connect(self.open_help)
        self.top.theme_wanted.connect(self._theme.toggle)
        self._theme.themed.connect(self._themed)
        self.connection.changed.connect(self._show_link)
        self._offline_clock.timeout.connect(self._show_age)
        self._background.crashed.connect(self._tell_crash)
        self._themed()
        self._show_place()

    def _add_commands(self, pages: Sequence[type[Page]]) -> None:
        go, view, app = tr("Go to"), tr("View"), tr("Lectern")
        for number, page in enumerate(pages, start=1):
            self.commands.add(
                f"go.{page.key}",
                title=tr(page.title),
                run=partial(self.navigate, page.key),
                group=go,
                shortcut=f"Alt+{number}" if number <= 9 else "",  # noqa: PLR2004 - there are nine digits
                icon=page.icon,
                enabled=False,
            )
        add = self.commands.add
        add("view.refresh", title=tr("Refresh"), run=self.refresh, group=view, shortcut="F5", icon="refresh-cw")
        add(
            "view.theme", title=tr("Switch between light and dark"), run=self._theme.toggle, group=view, shortcut="Ctrl+Shift+L", icon="sun"
        )
        add("view.system_theme", title=tr("Follow the system's light or dark"), run=self._follow_system, group=view, icon="monitor")
        add("view.fold", title=tr("Fold or unfold the rail"), run=self._toggle_fold, group=view, shortcut="Ctrl+B", icon="panel-left")
        add("app.palette", title=tr("Command palette"), run=self.open_palette, group=app, shortcut="Ctrl+K", icon="command")
        add("app.help", title=tr("Keyboard shortcuts"), run=self.open_help, group=app, shortcut="?", icon="keyboard")
        add("app.quit", title=tr("Quit"), run=self._quit, group=app, shortcut="Ctrl+Q", icon="log-out")

    # -- reactions

    def open_palette(self) -> None:
        """Show the command palette, made at its first use to keep the start short."""
        from desktop.widgets.palette import CommandPalette

        if self.palette_overlay is None:
            self.palette_overlay = CommandPalette(self, self.commands)
        self.palette_overlay.open()

    def open_help(self) -> None:
        """Show the shortcuts."""
        from desktop.widgets.palette import ShortcutHelp

        if self.help_overlay is None:
            self.help_overlay = ShortcutHelp(self, self.commands)
        self.help_overlay.open()

    def _go(self, key: str) -> None:
        self.navigate(key)

    def _quit(self) -> None:
        self.window().close()

    def _follow_system(self) -> None:
        self._theme.set_mode("system")

    def _themed(self) -> None:
        self.top.show_theme(dark=self._theme.dark)

    def _toggle_fold(self) -> None:
        self._folded_by_user = not self._folded_by_user
        self._fold()

    def _fold(self) -> None:
        self.rail.set_folded(folded=self._folded_by_user or self.width() < FOLD_BELOW)

    def _show_place(self) -> None:
        page = self.page
        name = self._profile.name if self._profile is not None else tr("Lectern")
        self.top.crumbs.show_parts((name, tr(page.title), page.place) if page is not None else (name, tr("Starting")))

    def _show_link(self, link: Link) -> None:
        state: LinkState = "connected" if link.state == "connected" else "offline" if link.state == "offline" else "unknown"
        was_offline = self._offline_clock.isActive()
        self.top.link.show_link(state, ms=link.ms)
        if state == "offline":
            self._offline_clock.start()
            self._show_age()
        elif state == "connected" and was_offline:
            self._offline_clock.stop()
            self.banner.clear()
            self.notify(tr("Connected again."))
            self.refresh()

    def _show_age(self) -> None:
        good = self.connection.link.good_at
        seen = tr("never reached") if good is None else tr("last answer {ago}", ago=ago(good, now=datetime.now(UTC)))
        words = tr("The database does not answer ({seen}). What you see is from then; Lectern keeps trying.", seen=seen)
        self.banner.show_state(words, tone="bad", action=tr("Try now"), on_action=self.connection.ask)

    def _tell_crash(self, reference: str) -> None:
        self.notify(tr("Something went wrong inside Lectern. Reference {id}", id=reference), tone="bad")

    # -- Qt

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fold the rail in a narrow window."""
        super().resizeEvent(event)
        self.strip.setGeometry(0, 0, self.width(), _STRIP)
        self.strip.raise_()
        self._fold()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take files."""
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Import the files dropped anywhere."""
        event.acceptProposedAction()
        self.open_files([Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()])

    def remembered(self) -> WindowState:
        """Return what the next start shall find."""
        window = self.window()
        place = window.normalGeometry() if window.isMaximized() else window.geometry()
        return WindowState(
            x=place.x(),
            y=place.y(),
            width=place.width(),
            height=place.height(),
            maximised=window.isMaximized(),
            folded=self._folded_by_user,
            theme=self._theme.mode,
            page=self.page.key if self.page is not None else self._state.page,
        )


def _mode(name: str) -> Literal["system", "light", "dark"]:
    return "light" if name == "light" else "dark" if name == "dark" else "system"
