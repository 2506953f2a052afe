"""The Memory page: pick whose memory to open, say why, and see what is remembered, who is given it, and how it is forgotten."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any, ClassVar, Final

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QMenu, QStackedWidget, QVBoxLayout

from backend_core.errors import Cancelled, LecternError
from desktop.i18n import tr
from desktop.pages.memory import reading
from desktop.pages.memory.bounds import Bounds
from desktop.pages.memory.dialogs import show_why
from desktop.pages.memory.drawer import MemoryDrawer
from desktop.pages.memory.files import Files
from desktop.pages.memory.forgetting import Forgetting
from desktop.pages.memory.head import Head, Wishes
from desktop.pages.memory.lines import MemoryLine, Place, View
from desktop.pages.memory.looking import Looking
from desktop.pages.memory.memory_card import MemoryCard
from desktop.pages.memory.reading import Opened
from desktop.pages.memory.type_chips import ALL
from desktop.widgets.avatar import GROUP, PERSON
from desktop.widgets.choice import Finder, Option
from desktop.widgets.dialogs import Dialog
from desktop.widgets.drawer import DrawerHost
from desktop.widgets.layout import column, holder
from desktop.widgets.page import Page, PageContext
from desktop.widgets.states import EmptyState, ErrorState, Skeleton

_START: Final = 0
_WAITING: Final = 1
_FAILED: Final = 2
_OPEN: Final = 3


class MemoryPage(Page):
    """Nothing is read before somebody was chosen and a reason was given; each later read is a line in the audit log too."""

    key: ClassVar[str] = "memory"
    title: ClassVar[str] = "Memory"
    icon: ClassVar[str] = "brain"
    group: ClassVar[str] = "People"
    action: ClassVar[str] = "memory.open"
    tables: ClassVar[frozenset[str]] = frozenset({"memories", "boundaries", "erasures", "contacts", "conversations"})

    def __init__(self, context: PageContext) -> None:
        super().__init__(context)
        self.opened: Opened | None = None
        self.reads = 0
        self.dialog: Dialog | None = None
        self._wanted: tuple[Option, str] | None = None
        self.card, self.drawer = MemoryCard(), MemoryDrawer()
        self.finder = Finder(self, name=tr("Whose memory"), hint=tr("Name, phone, e-mail or group"))
        self.forgetting, self.bounds, self.files = Forgetting(self), Bounds(self), Files(self)
        self.looking = Looking(self)
        self._build()
        self._connect()
        self._add_commands()

    # -- what the shell calls

    def refresh(self) -> None:
        """Look whether there is anybody, and whether what is open is still all there is; nothing of what was said is read."""
        opened, context = self.opened, self.context
        self.load(lambda: reading.pulse(context.backend, context.actor, opened), self._show_pulse)

    def open_target(self, **target: object) -> None:
        """Open the memory of the contact ``contact_id`` or the group ``container``, with ``persona``."""
        name, persona = str(target.get("name") or ""), str(target.get("persona") or "")
        if target.get("contact_id") is not None:
            self.open_option(Option(str(target["contact_id"]), name, "", PERSON, target["contact_id"]), persona=persona)
        elif target.get("container") is not None:
            self.open_option(Option(str(target["container"]), name, "", GROUP, target["container"]))

    # -- opening and closing

    def open_option(self, option: Option, *, persona: str = "") -> None:
        """Open every container of somebody; the central question asks why."""
        context, kept = self.context, self._kept_reason(option)
        self._wanted = (option, persona)
        self.head.person.show_option(option)
        self.stack.setCurrentIndex(_WAITING)

        def work() -> Opened:
            actor = _because(context.actor, kept)
            subject, places = reading.subject_of(context.backend, actor, option, persona=persona)
            return reading.open_all(context.backend, actor, subject, places)

        context.background.run(self, work, self._show_opened, self._not_opened, key="open")

    def reopen(self) -> None:
        """Read again what is open; the reason given before still counts."""
        opened = self.opened
        if opened is None:
            return
        context = self.context

        def work() -> Opened:
            return reading.open_all(context.backend, _because(context.actor, opened.reason), opened.subject, opened.places)

        context.background.run(self, work, self._show_again, self.tell, key="open")

    def close_access(self) -> None:
        """Forget what was read; looking again asks why again."""
        self.opened, self._wanted, self.reads = None, None, 0
        self.drawer.close_drawer()
        self.head.search.clear()
        self.head.types.current = ALL
        self.card.show_view(View())
        self.card.show_places(())
        self.head.show_open(None)
        self.stack.setCurrentIndex(_START)
        self.place = ""
        self.place_changed.emit()

    def actor(self) -> Any:
        """Return who acts, for the reason this memory was opened for; call it in the work."""
        return _because(self.context.actor, self.opened.reason if self.opened is not None else "")

    def place_of(self, key: str) -> Place | None:
        """Return an open place."""
        return next((place for place in self.opened.places if place.key == key), None) if self.opened is not None else None

    def count_reads(self, more: int) -> None:
        """Add reads to the pill beside the title."""
        self.reads += more
        if self.opened is not None:
            self.head.badge.show_access(self.opened.reason, self.reads)

    def show_panel(self, mode: str, title: str, subtitle: str) -> None:
        """Open the drawer on one of its panels; the keyboard stays with the list, where Esc closes the drawer."""
        self.card.timeline.setFocus()
        self.drawer.show_panel(mode, title, subtitle)
        self.host.open()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Close the drawer on Esc."""
        if event.key() == Qt.Key.Key_Escape and not self.drawer.isHidden():
            self.drawer.close_drawer()
        else:
            super().keyPressEvent(event)

    def show_dialog(self, dialog: Dialog) -> None:
        """Open a question of this page."""
        self.dialog = dialog
        if not dialog.isVisible():
            dialog.open()

    # -- reactions

    def _kept_reason(self, option: Option) -> str:
        """Return why the same memory is open already, empty for another one: that asks anew."""
        opened = self.opened
        same = opened is not None and option.key in {one.key for one in (opened.subject.person, opened.subject.group) if one is not None}
        return opened.reason if opened is not None and same else ""

    def _show_pulse(self, pulse: reading.Pulse) -> None:
        if self.opened is None and self.stack.currentIndex() == _START:
            line, detail = _start_words() if pulse.anybody else _nobody_words()
            self.start.set_words(line, detail=detail)
        if self.opened is not None and pulse.counts and self.stack.currentIndex() == _OPEN:
            self.card.band.setVisible(pulse.changed(self.opened))

    def _show_opened(self, opened: Opened) -> None:
        if self._wanted is None:
            # access was closed while it was being opened
            return
        self.reads = 0
        self.head.search.clear()
        self.head.types.current = ALL
        self.drawer.close_drawer()
        self._take(opened)
        self.place = opened.subject.name
        self.place_changed.emit()

    def _show_again(self, opened: Opened) -> None:
        if self.opened is None:
            return
        self._take(opened)
        if self.head.search.text().strip() or self.head.types.current != ALL:
            self.looking.look()

    def _take(self, opened: Opened) -> None:
        self.opened = opened
        self.reads += opened.reads
        self.head.show_open(opened, reads=self.reads)
        self.card.show_places(opened.places)
        self.card.show_view(opened.view)
        self.stack.setCurrentIndex(_OPEN)

    def _not_opened(self, error: LecternError) -> None:
        if isinstance(error, Cancelled):
            self.head.show_subject(self.opened.subject if self.opened is not None else None)
            self.stack.setCurrentIndex(_OPEN if self.opened is not None else _START)
            return
        self.refused.show_error(error)
        self.stack.setCurrentIndex(_FAILED)

    def _open_again(self) -> None:
        if self._wanted is not None:
            self.open_option(self._wanted[0], persona=self._wanted[1])

    def _do(self, wish: str) -> None:
        details = self.drawer.details.details
        if wish == "edit":
            self.looking.edit()
        elif details is not None and wish == "forget":
            self.forgetting.preview_line(details.line, details.place)
        elif details is not None and wish == "restore":
            self.forgetting.restore(details)

    def _why(self) -> None:
        opened, viewer = self.opened, self.place_of(self.card.seen_by.viewer)
        if opened is not None and viewer is not None:
            self.show_dialog(show_why(self, viewer, [place for place in opened.places if place.key != viewer.key]))

    def _menu(self, line: MemoryLine, at: QPoint) -> None:
        place = self.place_of(line.place)
        if place is None:
            return
        menu = QMenu(self)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.addAction(tr("Open"), lambda: self.looking.open_line(line))
        if not line.forgotten:
            menu.addAction(tr("Forget…"), lambda: self.forgetting.preview_line(line, place))
        menu.popup(at)

    def _more_menu(self) -> None:
        menu = QMenu(self)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.addAction(tr("Boundaries"), self.bounds.open)
        menu.addAction(tr("Erasure receipts"), self.forgetting.open_receipts)
        menu.addAction(tr("Import into a container…"), self.files.ask_import)
        menu.addAction(tr("Read again"), self.reopen)
        menu.popup(self.head.more.mapToGlobal(self.head.more.rect().bottomLeft()))

    def _persona_menu(self) -> None:
        opened = self.opened
        if opened is None or opened.subject.person is None:
            return
        person = opened.subject.person
        menu = QMenu(self)
        menu.aboutToHide.connect(menu.deleteLater)
        for one in opened.subject.personas:
            menu.addAction(one.name.replace("&", "&&"), partial(self.open_option, person, persona=one.key))
        menu.popup(self.head.persona.mapToGlobal(self.head.persona.rect().bottomLeft()))

    def _find(self, words: str) -> None:
        context = self.context

        def failed(error: LecternError) -> None:
            self.finder.show_words(str(error))

        def done(options: tuple[Option, ...]) -> None:
            self.finder.show_options(options, nothing=tr("Nobody matches.") if words else tr("There is nobody yet."))

        context.background.run(self, lambda: reading.find(context.backend, context.actor, words), done, failed, key="find")

    # -- building

    def _build(self) -> None:
        wishes = Wishes(
            find=self.finder.open,
            persona=self._persona_menu,
            forget=self.forgetting.ask,
            export=self.files.ask_export,
            more=self._more_menu,
            close=self.close_access,
        )
        self.head = Head(tr(self.title), wishes)
        line, detail = _start_words()
        choose = tr("Choose a person or group")
        self.start = EmptyState("brain", line, detail=detail, action=choose, action_icon="search", on_action=self.finder.open)
        self.refused = ErrorState(on_retry=self._open_again)
        self.stack = QStackedWidget()
        for part in (self.start, Skeleton(lines=8), self.refused, self.card):
            self.stack.addWidget(part)
        self.host = DrawerHost(holder(column(self.head, (self.stack, 1), gap=12, margins=(24, 18, 24, 16))), self.drawer)
        lane = QVBoxLayout(self.content)
        lane.setContentsMargins(0, 0, 0, 0)
        lane.addWidget(self.host)

    def _connect(self) -> None:
        self.finder.wanted.connect(self._find)
        self.finder.chosen.connect(self.open_option)
        self.head.search.searched.connect(lambda _words: self.looking.look())
        self.head.types.chosen.connect(lambda _key: self.looking.look())
        card, panel = self.card, self.drawer.details
        card.seen_by.why_wanted.connect(self._why)
        card.band.pressed.connect(self.reopen)
        card.failure.retry.clicked.connect(lambda _checked=False: self.looking.look())
        card.failure.retry.show()
        card.timeline.opened.connect(self.looking.open_line)
        card.timeline.menu_wanted.connect(self._menu)
        card.timeline.near_end.connect(self.looking.older)
        panel.wanted.connect(self._do)
        panel.conversation_wanted.connect(lambda key: self.context.navigate("conversations", conversation_id=key))
        self.drawer.closed.connect(card.timeline.clearSelection)
        QShortcut(QKeySequence("/"), self).activated.connect(self.head.search.setFocus)

    def _add_commands(self) -> None:
        group = tr("Memory")

        def add(name: str, title: str, run: Any, icon: str) -> None:
            whole = tr("Memory: {what}", what=title)
            self.context.commands.add(f"memory.{name}", title=whole, run=lambda: self._here(run), group=group, icon=icon)

        add("open", tr("choose whose memory to open"), self.finder.open, "brain")
        add("forget", tr("forget something"), self.forgetting.ask, "eraser")
        add("boundaries", tr("boundaries"), self.bounds.open, "bell-off")
        add("receipts", tr("erasure receipts"), self.forgetting.open_receipts, "badge-check")
        add("export", tr("export a container"), self.files.ask_export, "download")
        add("import", tr("import into a container"), self.files.ask_import, "upload")
        add("close", tr("close access"), self.close_access, "log-out")

    def _here(self, run: Any) -> None:
        self.context.navigate(self.key)
        run()


def _because(actor: Any, reason: str) -> Any:
    return actor if actor.reason or not reason else replace(actor, reason=reason)


def _start_words() -> tuple[str, str]:
    return tr("Choose whose memory to open"), tr("Opening asks why. The audit log keeps who read what, and each later read too.")


def _nobody_words() -> tuple[str, str]:
    return tr("Nobody has talked to a persona yet"), tr("Memories appear here once messages arrive or are imported.")
