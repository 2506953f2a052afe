"""The bell of the window: how many notices are new, the popup below it, and one message of the system per event."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QSystemTrayIcon, QWidget

from backend_core.errors import LecternError
from desktop.background import Background, Handle
from desktop.changes import EVERYTHING, Changes
from desktop.i18n import tr
from desktop.style import icon
from desktop.widgets.notice_popup import SHOWN, NoticePopup
from desktop.widgets.top_bar import Bell

if TYPE_CHECKING:
    from backend_core.notices.records import Notice
    from desktop.acting import Acting

EVERY_MS: Final = 15_000
"""Notices are hinted at; this is for the hint that was lost."""
TRAY_MS: Final = 8_000
_LOOKED_AT: Final = 20
_MARKS: Final = {
    "info": QSystemTrayIcon.MessageIcon.Information,
    "warn": QSystemTrayIcon.MessageIcon.Warning,
    "bad": QSystemTrayIcon.MessageIcon.Critical,
}


@dataclass(frozen=True, slots=True)
class _Heard:
    """One reading: how many are new to the person, and the newest of all."""

    unread: int
    newest: tuple[Notice, ...]


class NoticeWatch(QObject):
    """Follows the notices of a signed-in person.

    The house setting for notices in the window, silences and what was acknowledged count as nothing new, which the service decides.

    Args:
        reaches: whether the person may open a page.
    """

    told = Signal(object)
    """A notice that came while the window was not active; each one once."""

    def __init__(
        self,
        window: QWidget,
        bell: Bell,
        background: Background,
        changes: Changes,
        navigate: Callable[..., None],
        reaches: Callable[[str], bool],
    ) -> None:
        super().__init__(window)
        self._window, self._bell, self._background, self._navigate, self._reaches = window, bell, background, navigate, reaches
        self._backend: Any = None
        self._acting: Acting | None = None
        self._known: int | None = None
        self.popup: NoticePopup | None = None
        self._tray: QSystemTrayIcon | None = None
        self._last: Notice | None = None
        self._handle: Handle | None = None
        self._again = False
        self._every = QTimer(self)
        self._every.setInterval(EVERY_MS)
        self._every.timeout.connect(self.look)
        changes.table_changed.connect(self._hinted)
        bell.clicked.connect(self.open)
        self.told.connect(self._tell_system)

    def start(self, backend: Any, acting: Acting) -> None:
        """Follow the notices of ``backend`` for whoever is signed in."""
        if getattr(backend, "notices", None) is None:
            return
        self._backend, self._acting, self._known = backend, acting, None
        self._every.start()
        self.look()

    def stop(self) -> None:
        """Follow nothing, forget what was shown."""
        self._every.stop()
        self._background.cancel_owner(self)
        self._backend, self._acting, self._known, self._last = None, None, None, None
        self._bell.show_unread(0)
        if self.popup is not None:
            self.popup.leave()
            self.popup.show_notices(())
        if self._tray is not None:
            self._tray.hide()
            self._tray.deleteLater()
            self._tray = None

    def look(self) -> None:
        """Ask how many are new, after the answer that is under way; a database that is away changes nothing."""
        backend, acting, first = self._backend, self._acting, self._known is None
        if backend is None or acting is None:
            return
        if self._handle is not None and self._handle.running:
            # hints may come faster than answers, and none of them may starve the bell
            self._again = True
            return
        self._again = False

        def work() -> _Heard:
            actor = acting.actor
            unread = int(backend.notices.unread(actor))
            newest = backend.notices.listing(actor=actor, limit=_LOOKED_AT) if unread or first else ()
            return _Heard(unread, newest)

        self._handle = self._background.run(self, work, self._heard, self._not_heard, key="look")

    def open(self) -> None:
        """Show the newest notices; from then on they are no longer new."""
        backend, acting = self._backend, self._acting
        if backend is None or acting is None:
            return
        if self.popup is None:
            self.popup = NoticePopup(self._window, self._bell)
            self.popup.chosen.connect(self._go)
            self.popup.all_wanted.connect(lambda: self._navigate("alerts"))
        popup = self.popup
        popup.appear(popup.all)

        def work() -> tuple[Notice, ...]:
            actor = acting.actor
            newest: tuple[Notice, ...] = backend.notices.listing(actor=actor, limit=SHOWN)
            backend.notices.seen(actor)
            return newest

        def show(newest: tuple[Notice, ...]) -> None:
            popup.show_notices(newest)
            self._bell.show_unread(0)

        self._background.run(self, work, show, lambda error: popup.show_notices((), problem=str(error)), key="open")

    def _hinted(self, table: str) -> None:
        if table in ("notices", "notice_silences", EVERYTHING):
            self.look()

    def _heard(self, heard: _Heard) -> None:
        self._bell.show_unread(heard.unread)
        newest = max((one.id for one in heard.newest), default=0)
        before, self._known = self._known, max(self._known or 0, newest)
        self._repeat()
        if before is None or self._window.isActiveWindow():
            # what was there before the start is told by the dot; what comes while somebody looks, by the bell
            return
        for one in reversed(heard.newest):
            if one.id > before and one.live and one.quiet_until is None and one.silenced < one.times:
                self.told.emit(one)

    def _not_heard(self, _error: LecternError) -> None:
        """Say nothing: the shell's banner tells that the database is away."""
        self._repeat()

    def _repeat(self) -> None:
        if self._again:
            self.look()

    def _tell_system(self, one: Notice) -> None:
        if not QSystemTrayIcon.isSystemTrayAvailable():
            return
        if self._tray is None:
            self._tray = QSystemTrayIcon(icon("book-audio", "accent", size=64), self)
            self._tray.messageClicked.connect(self._clicked)
            self._tray.setToolTip(tr("Lectern"))
        self._last = one
        self._tray.show()
        self._tray.showMessage(one.title, one.body, _MARKS.get(one.severity, _MARKS["info"]), TRAY_MS)

    def _clicked(self) -> None:
        window = self._window.window()
        window.raise_()
        window.activateWindow()
        if self._last is not None:
            self._navigate("alerts", notice_id=self._last.id)

    def _go(self, one: Notice) -> None:
        if one.page and self._reaches(one.page):
            self._navigate(one.page, **one.target)
        else:
            self._navigate("alerts", notice_id=one.id)
