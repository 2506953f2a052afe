"""The window around the pages: rail, top bar, banner, toasts, palette, dock, and the way to a page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from backend_core.errors import LecternError
from backend_core.policy import may
from desktop.acting import Acting
from desktop.asking import Asking
from desktop.background import Background
from desktop.changes import Changes
from desktop.commands import Commands
from desktop.connection import Connection
from desktop.i18n import tr
from desktop.notices import NoticeWatch
from desktop.offline import OfflineNotice
from desktop.page_list import PAGES, AnyPage
from desktop.profile_look import read_only_reason, show_profile
from desktop.shell_commands import add_shell_commands
from desktop.style import Theme, icon
from desktop.style.window_state import WindowState
from desktop.widgets.banner import Banner
from desktop.widgets.overlay import Overlay
from desktop.widgets.page import Page, PageContext
from desktop.widgets.rail import Rail, RailEntry
from desktop.widgets.states import ErrorState, Skeleton
from desktop.widgets.toast import ToastStack
from desktop.widgets.top_bar import ProfileStrip, TopBar

if TYPE_CHECKING:
    from desktop.widgets.palette import CommandPalette, ShortcutHelp

FOLD_BELOW: Final = 1100
_FILES_PAGE = "documents"


class MainWindow(QWidget):
    """The shell. It is complete before there is a backend; ``start`` brings it to life."""

    retry_wanted = Signal()
    profiles_wanted = Signal()

    def __init__(self, *, theme: Theme, background: Background, state: WindowState, pages: Sequence[AnyPage] = PAGES) -> None:
        super().__init__()
        self.setObjectName("shell")
        self.setWindowIcon(icon("book-audio", "accent", size=64))
        self.setAcceptDrops(True)
        # A focus of its own keeps the ring off the first button until the user presses Tab.
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._theme, self._background, self._state = theme, background, state
        self._classes = {page.key: page for page in pages}
        self._allowed: tuple[str, ...] = ()
        self._lasting: frozenset[str] = frozenset()
        self._open_pages: dict[str, Page] = {}
        self._context: PageContext | None = None
        self._asking: Asking | None = None
        self.acting = Acting(None)
        self._profile: Any = None
        self._waiting_files: list[Path] = []
        self._folded_by_user = self._state.folded
        self.changes, self.commands = Changes(self), Commands(self)
        self.connection = Connection(background, parent=self)
        self._build(pages)
        self._connect()
        add_shell_commands(
            self,
            pages,
            turn_theme=theme.toggle,
            follow_system=partial(theme.set_mode, "system"),
            fold=self._toggle_fold,
            leave=self._quit,
        )
        theme.set_mode(_mode(state.theme))

    # -- what the application calls

    def start(self, backend: Any, actor: Any) -> None:
        """Show the pages of ``backend`` for ``actor``."""
        self._profile = backend.profile
        show_profile(backend.profile, self.strip, self.top.mark, self.rail.card)
        self.top.person.show_person(str(getattr(actor, "name", "")), str(getattr(actor, "role", "")))
        self.changes.attach(backend.changes)
        self._lasting = frozenset(command.id for command in self.commands.all())
        self.acting = Acting(actor)
        self._asking = Asking(self, self._background, self.acting, prove=self._prove)
        self._context = PageContext(
            backend, self.acting, self._background, self.changes, self.commands, self.notify, self.navigate, self.set_dock
        )
        self._whole.setCurrentWidget(self._shell)
        self._allowed = tuple(key for key, page in self._classes.items() if not page.action or may(actor.role, page.action))
        self.rail.show_only(self._allowed)
        for key in self._classes:
            self.commands.set_enabled(f"go.{key}", on=key in self._allowed)
        self.navigate(self._state.page if self._state.page in self._allowed else self._allowed[0])
        self.connection.start(backend)
        self.notices.start(backend, self.acting)
        self._show_read_only()
        self._take_waiting_files()

    def _prove(self, actor: Any, password: str) -> Any:
        return self._context.backend.access.prove(actor, password) if self._context is not None else actor

    def show_starting(self) -> None:
        """Show the skeleton while the backend opens."""
        self._whole.setCurrentWidget(self._shell)
        self._pages.setCurrentWidget(self._skeleton)

    def show_failure(self, error: LecternError) -> None:
        """Fill the window with what went wrong at the start."""
        self.failure.show_error(error)
        self._whole.setCurrentWidget(self.failure)

    def cover(self, widget: QWidget) -> None:
        """Show ``widget`` instead of everything else; what lies below stays as it is."""
        if self._whole.indexOf(widget) < 0:
            self._whole.addWidget(widget)
        for overlay in self.findChildren(Overlay):
            overlay.leave()
        self.commands.sleep(on=True)
        self.toasts.clear()
        self._pause_sound()
        self._whole.setCurrentWidget(widget)

    def uncover(self) -> None:
        """Show the pages again, and take what was handed over meanwhile."""
        self.commands.sleep(on=False)
        self._whole.setCurrentWidget(self._shell)
        self._take_waiting_files()

    def _pause_sound(self) -> None:
        for number in range(self._dock.count()):
            item = self._dock.itemAt(number)
            player = item.widget() if item is not None else None
            if player is not None and hasattr(player, "pause"):
                player.pause()

    def _take_waiting_files(self) -> None:
        files, self._waiting_files = self._waiting_files, []
        if files:
            self.open_files(files)

    @property
    def covered(self) -> bool:
        """Whether the pages cannot be seen."""
        return self._whole.currentWidget() is not self._shell

    def open_files(self, files: Sequence[Path]) -> None:
        """Bring ``files`` to the page that imports them, as soon as there is one."""
        if self._context is None or self.covered:
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
        self.end()

    def end(self) -> None:
        """Forget the person: no page, no question and no answer of theirs stays."""
        if self._asking is not None:
            self._asking.close()
            self._asking.deleteLater()
            self._asking = None
        self._context = None
        self.notices.stop()
        self.set_dock(None)
        if self._lasting:
            self.commands.keep_only(self._lasting)
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
        if self._context is None or (key in self._classes and key not in self._allowed):
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

    def _build(self, pages: Sequence[AnyPage]) -> None:
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
        self.failure = ErrorState(on_retry=self.retry_wanted.emit, other=(tr("Profiles"), self.profiles_wanted.emit))
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
        self.rail.chosen.connect(self.navigate)
        self.rail.card.clicked.connect(self.profiles_wanted)
        self.rail.fold_wanted.connect(self._toggle_fold)
        self.top.palette_wanted.connect(self.open_palette)
        self.top.help_wanted.connect(self.open_help)
        self.top.theme_wanted.connect(self._theme.toggle)
        self._theme.themed.connect(self._themed)
        self.offline = OfflineNotice(self.connection, self.banner, self.top.link, back=self._back, parent=self)
        self.notices = NoticeWatch(
            self, self.top.bell, self._background, self.changes, self.navigate, reaches=lambda key: key in self._allowed
        )
        self.commands.add("view.notices", title=tr("Show the newest notices"), run=self.notices.open, group=tr("View"), icon="bell")
        self._background.crashed.connect(self._tell_crash)
        self._themed()
        self._show_place()

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

    def _quit(self) -> None:
        self.window().close()

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

    def _back(self) -> None:
        self._show_read_only()
        self.notify(tr("Connected again."))
        self.refresh()

    def _show_read_only(self) -> None:
        if getattr(self._profile, "read_only", False):
            self.banner.show_state(tr("This window only reads. {why}", why=read_only_reason(self._profile)), tone="info")

    def _tell_crash(self, reference: str) -> None:
        self.notify(tr("Something went wrong inside Lectern. Reference {id}", id=reference), tone="bad")

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fold the rail in a narrow window."""
        super().resizeEvent(event)
        self.strip.setGeometry(self.rect())
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
