"""What every page is: a widget with a title that refreshes itself while it is visible."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Final, Protocol, TypeVar

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QGuiApplication, QHideEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from backend_core.errors import Cancelled, LecternError, Unavailable, Unexpected
from desktop.acting import Acting
from desktop.background import Background, Handle
from desktop.changes import EVERYTHING, Changes
from desktop.commands import Commands
from desktop.i18n import tr
from desktop.widgets.label import PlainLabel
from desktop.widgets.layout import Item, holder, row
from desktop.widgets.states import ErrorState, Skeleton, error_details

T = TypeVar("T")

REFRESH_MS: Final = 15_000
"""A change hint may be lost; a visible page is never older than this."""
_HINT_PAUSE_MS = 120
_TITLE_HEIGHT = 36


class Notify(Protocol):
    """How a page shows a toast."""

    def __call__(self, words: str, *, tone: str = "ok", undo: Callable[[], object] | None = None, action: str = "") -> None:
        """Show ``words``; with ``undo`` for 10 s, otherwise for 4 s."""
        ...  # pragma: no cover - a declaration


class Navigate(Protocol):
    """How a page goes to another."""

    def __call__(self, key: str, **target: object) -> None:
        """Show page ``key`` and hand it ``target``, for example ``document_id=3``."""
        ...  # pragma: no cover - a declaration


class PageContext:
    """What the shell gives a page.

    Attributes:
        backend: the whole API of ``backend_core``; call it only inside ``background`` work.
        background: runs work off the GUI thread.
        changes: says which table changed.
        commands: the registry of actions.
        notify: shows a toast.
        navigate: goes to another page.
        dock: puts a widget below the pages (the player), None takes it away.
    """

    def __init__(
        self,
        backend: Any,
        actor: Any,
        background: Background,
        changes: Changes,
        commands: Commands,
        notify: Notify,
        navigate: Navigate,
        dock: Callable[[QWidget | None], None],
    ) -> None:
        self.backend, self.background, self.changes, self.commands = backend, background, changes, commands
        self.notify, self.navigate, self.dock = notify, navigate, dock
        self.acting = actor if isinstance(actor, Acting) else Acting(actor)

    @property
    def actor(self) -> Any:
        """Whom to pass to a service verb; read it inside the work, where a retried action carries its reason or proof."""
        return self.acting.actor

    def reaches(self, key: str) -> bool:
        """Return whether the person may open that page; where no window says otherwise, it is so."""
        return all(command.enabled for command in self.commands.all() if command.id == f"go.{key}")


class Page(QWidget):
    """Base of every page. Subclasses set the four class attributes, fill ``content`` and write ``refresh``.

    ``refresh`` is called when the page is shown, 120 ms after a change of one of ``tables``, and every 15 s while visible.
    """

    key: ClassVar[str]
    title: ClassVar[str]
    icon: ClassVar[str]
    group: ClassVar[str]
    """Heading in the rail: Operate, Assure or Run; empty for the place at its end."""
    action: ClassVar[str] = ""
    """What a role must be allowed to do for the page to be in the rail; the services ask for themselves."""
    tables: ClassVar[frozenset[str]] = frozenset()
    """Database tables whose change makes this page refresh; empty: every table."""
    place_changed = Signal()
    """Emit after changing ``place``, the third part of the breadcrumb (a tab, for example)."""

    def __init__(self, context: PageContext) -> None:
        super().__init__()
        self.setObjectName("page")
        self.setAccessibleName(self.title)
        self.context = context
        self.place = ""
        self.content = QWidget()
        """Shown after the first good answer."""
        self.error = ErrorState(on_retry=self.refresh)
        self._skeleton = Skeleton()
        self._stack = QStackedWidget()
        for part in (self._skeleton, self.content, self.error):
            self._stack.addWidget(part)
        lane = QVBoxLayout(self)
        lane.setContentsMargins(0, 0, 0, 0)
        lane.addWidget(self._stack)
        self._every = QTimer(self)
        self._every.setInterval(REFRESH_MS)
        self._every.timeout.connect(self.refresh)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_HINT_PAUSE_MS)
        self._soon.timeout.connect(self.refresh)
        context.changes.table_changed.connect(self._hinted)

    def refresh(self) -> None:
        """Fetch what the page shows; subclasses call ``self.load`` here."""

    def open_target(self, **target: object) -> None:
        """Show what ``navigate(key, **target)`` asked for."""

    def shown(self) -> None:
        """Hook: the page became visible; ``refresh`` follows by itself."""

    def hidden(self) -> None:
        """Hook: the page is no longer visible."""

    def load(self, work: Callable[[], T], done: Callable[[T], object], *, key: object = "refresh") -> Handle:
        """Run ``work`` in a worker; the first good answer replaces the skeleton, a failure with nothing to show gives the error state."""

        def succeed(result: T) -> None:
            done(result)
            self.show_content()

        return self.context.background.run(self, work, succeed, self.fail, key=key)

    def act(self, work: Callable[[], T], done: Callable[[T], object] | None = None) -> Handle:
        """Run something the user asked for; a failure becomes a toast and the page refreshes either way.

        Where only the database was away, the toast offers to do the same again.
        """

        def succeed(result: T) -> None:
            if done is not None:
                done(result)
            self.acted()

        def fail(error: LecternError) -> None:
            if isinstance(error, Unavailable):
                self.context.notify(str(error), tone="bad", undo=lambda: self.act(work, done), action=tr("Retry"))
                self.refresh()
            else:
                self.tell(error)

        return self.context.background.run(self, work, succeed, fail)

    def acted(self) -> None:
        """Read again after something the user asked for was done."""
        self.refresh()

    def show_content(self) -> None:
        """Show the content instead of skeleton or error."""
        self._stack.setCurrentWidget(self.content)

    def fail(self, error: LecternError) -> None:
        """Show the error state, or keep the last good data and leave the banner to the shell."""
        if self._stack.currentWidget() is not self.content:
            self.error.show_error(error)
            self._stack.setCurrentWidget(self.error)

    def tell(self, error: LecternError) -> None:
        """Show a failed action as a toast; what the person stopped has not failed."""
        if not isinstance(error, Cancelled):
            tell_error(self.context.notify, error)
        self.refresh()

    @property
    def loaded(self) -> bool:
        """Whether content is shown."""
        return self._stack.currentWidget() is self.content

    def showEvent(self, event: QShowEvent) -> None:
        """Start refreshing."""
        super().showEvent(event)
        self._every.start()
        self.shown()
        self.refresh()

    def hideEvent(self, event: QHideEvent) -> None:
        """Stop refreshing."""
        super().hideEvent(event)
        self._every.stop()
        self._soon.stop()
        self.hidden()

    def _hinted(self, table: str) -> None:
        if self.isVisible() and (table == EVERYTHING or not self.tables or table in self.tables):
            self._soon.start()


def tell_error(notify: Notify, error: LecternError) -> None:
    """Show a failed action as a toast; what nobody expected comes with its reference and something to send to support."""
    if not isinstance(error, Unexpected):
        notify(str(error), tone="bad")
        return
    words = tr("{sentence} Reference {id}", sentence=str(error), id=error.correlation_id or tr("none"))
    details = error_details(error)
    notify(words, tone="bad", undo=lambda: QGuiApplication.clipboard().setText(details), action=tr("Copy details"))


def title_row(title: str, *left: Item, right: tuple[Item, ...] = ()) -> QWidget:
    """Return the first row of a page, always 36 px: title, badges, and actions on the right."""
    return holder(row(PlainLabel(title, "title"), 4, *left, None, *right), height=_TITLE_HEIGHT)


def side_by_side(*items: QWidget | tuple[QWidget, int], gap: int = 16) -> QHBoxLayout:
    """Return cards next to each other at equal height; (card, 2) takes a double share."""
    shares = tuple(item if isinstance(item, tuple) else (item, 1) for item in items)
    return row(*shares, gap=gap, stretch_height=True)
