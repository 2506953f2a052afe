"""The Conversations page: who talks with whom, what was said once it is opened for a reason, and what a reply would be made from."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout

from backend_core.errors import Cancelled, LecternError
from backend_core.policy import may
from desktop.background import current
from desktop.i18n import tr
from desktop.pages.conversations import reading
from desktop.pages.conversations.importing import Importing
from desktop.pages.conversations.lines import TalkLine
from desktop.pages.conversations.list_card import ListCard
from desktop.pages.conversations.reading import Thread
from desktop.pages.conversations.reply_tab import Reply
from desktop.pages.conversations.thread_card import ABOUT, MESSAGES, REPLY, ThreadCard
from desktop.pages.conversations.thread_parts import ReminderLine
from desktop.widgets.button import Button
from desktop.widgets.card import Card
from desktop.widgets.layout import column, row
from desktop.widgets.page import Page, PageContext, title_row
from desktop.widgets.states import EmptyState

_START: Final = 0
_THREAD: Final = 1


class ConversationsPage(Page):
    """The list shows who and when; opening one asks why, and each read is a line in the audit log."""

    key: ClassVar[str] = "conversations"
    title: ClassVar[str] = "Conversations"
    icon: ClassVar[str] = "messages-square"
    group: ClassVar[str] = "People"
    action: ClassVar[str] = "conversation.list"
    tables: ClassVar[frozenset[str]] = frozenset({"conversations", "messages", "contacts", "memberships", "photos"})

    def __init__(self, context: PageContext) -> None:
        super().__init__(context)
        self.opened: Thread | None = None
        self.reads = 0
        self._wanted: TalkLine | None = None
        self._mark = ""
        self._reading_older = False
        self._build()
        self._connect()
        self._add_commands()

    # -- what the shell calls

    def refresh(self) -> None:
        """Read the list; nothing of what was said."""
        context, (query, kind) = self.context, self.list.wanted
        self.load(lambda: reading.talks(context.backend, context.actor, query=query, kind=kind), self._show_list)

    def hidden(self) -> None:
        """Ask for nothing while nobody looks."""
        self.card.reply.stop()

    def open_target(self, **target: object) -> None:
        """Open the conversation ``conversation_id``, on ``tab``, with ``message_id`` marked."""
        wanted, context = target.get("conversation_id"), self.context
        self._mark = str(target.get("message_id") or "")
        if target.get("tab") in (MESSAGES, REPLY, ABOUT):
            self.card.tabs.choose(str(target["tab"]))
        if wanted is not None:
            context.background.run(
                self, lambda: reading.talk(context.backend, context.actor, wanted), self.open_talk, self.tell, key="target"
            )

    # -- what the user does

    def open_talk(self, line: TalkLine) -> None:
        """Open a conversation; the central question asks why."""
        context = self.context
        self._wanted = line
        kept = self.opened.reason if self.opened is not None and self.opened.talk.key == line.key else ""
        self.list.table.select_key(line.key)
        self.card.show_waiting(line)
        self.stack.setCurrentIndex(_THREAD)

        def work() -> Thread:
            return reading.open_thread(context.backend, _because(context.actor, kept), line)

        context.background.run(self, work, self._show_thread, self._not_opened, key="open")

    def close_access(self) -> None:
        """Forget what was read; looking again asks why again."""
        self.opened, self._wanted, self.reads, self._reading_older = None, None, 0, False
        self.card.reply.stop()
        self.card.clear()
        self.list.table.clearSelection()
        self.stack.setCurrentIndex(_START)
        self.place = ""
        self.place_changed.emit()

    def actor(self) -> Any:
        """Return who acts, for the reason this conversation was opened for; call it in the work."""
        return _because(self.context.actor, self.opened.reason if self.opened is not None else "")

    def open_memory(self) -> None:
        """Go to what is remembered from this conversation."""
        thread = self.opened
        if thread is None:
            return
        talk = thread.talk
        if talk.contact is not None:
            self.context.navigate("memory", contact_id=talk.contact, name=talk.title, persona=talk.persona)
        else:
            self.context.navigate("memory", container=talk.container, name=talk.title)

    # -- reactions

    def _show_list(self, lines: tuple[TalkLine, ...]) -> None:
        self.list.show_lines(lines, more=len(lines) == reading.LISTED)
        if not lines and self.list.wanted == ("", ""):
            self.start.set_words(tr("No conversation yet"), detail=tr("Import messages, or wait for the first one to arrive."))
        else:
            self.start.set_words(tr("Choose a conversation"), detail=tr("Opening one asks why. The audit log keeps who read it."))

    def _more_talks(self) -> None:
        lines = self.list.table.rows
        if not lines or len(lines) % reading.LISTED:
            return
        context, (query, kind), before = self.context, self.list.wanted, lines[-1].cursor
        context.background.run(
            self,
            lambda: reading.talks(context.backend, context.actor, query=query, kind=kind, before=before),
            self.list.add_lines,
            self.tell,
            key="more",
        )

    def _show_thread(self, thread: Thread) -> None:
        if self._wanted is None:
            # access was closed while it was being opened
            return
        self.opened, self.reads = thread, thread.reads
        self.card.show_thread(thread, mark=self._mark, editable=may(self.context.actor.role, "reminder.edit"))
        self.card.badge.show_access(thread.reason, self.reads)
        self._mark = ""
        self.place = thread.talk.title
        self.place_changed.emit()

    def _not_opened(self, error: LecternError) -> None:
        if isinstance(error, Cancelled):
            self.close_access()
        else:
            self.card.show_failure(error)

    def _open_again(self) -> None:
        if self._wanted is not None:
            self.open_talk(self._wanted)

    def _older(self) -> None:
        thread, backend = self.opened, self.context.backend
        if thread is None or thread.before is None or self._reading_older:
            return
        self._reading_older = True

        def done(found: Thread) -> None:
            self._reading_older = False
            if self.opened is not None and self.opened.talk.key == found.talk.key:
                self.opened = found
                self._count(1)
                self.card.show_older(found)

        def failed(error: LecternError) -> None:
            self._reading_older = False
            self.tell(error)

        self.context.background.run(self, lambda: reading.older(backend, self.actor(), thread), done, failed, key="older")

    def _ask_reply(self, message: str) -> None:
        thread, backend, tab = self.opened, self.context.backend, self.card.reply
        if thread is None:
            return

        def work() -> Reply:
            token = current()
            stop = (lambda: token.cancelled) if token is not None else bool
            report = (lambda waited, most: token.report((waited, most))) if token is not None else lambda _waited, _most: None
            return reading.reply(backend, self.actor(), thread.talk, message, progress=report, stop=stop)

        def done(reply: Reply) -> None:
            if self.opened is not None and self.opened.talk.key == thread.talk.key:
                self._count(1)
                tab.show_reply(reply)

        self.context.background.run(self, work, done, tab.show_failure, key="reply", progress=tab.show_wait)

    def _ask_photo(self, photo: object) -> None:
        context, tab = self.context, self.card.reply

        def done(status: Any) -> None:
            if status.settled:
                tab.again()
            else:
                tab.show_looking((datetime.now(UTC) - status.received_at).total_seconds())

        context.background.run(
            self, lambda: context.backend.photos.status(photo, actor=context.actor), done, lambda _error: tab.stop(), key="photo"
        )

    def _cancel_reminder(self, line: ReminderLine) -> None:
        thread, backend = self.opened, self.context.backend
        if thread is not None:
            self.act(
                lambda: backend.conversations.cancel_reminder(thread.talk.value, line.value, actor=self.actor()),
                lambda _reminder: self.open_talk(thread.talk),
            )

    def _count(self, more: int) -> None:
        self.reads += more
        if self.opened is not None:
            self.card.badge.show_access(self.opened.reason, self.reads)

    # -- building

    def _build(self) -> None:
        self.importing = Importing(self)
        self.bring = Button(tr("Import messages"), "primary", icon_name="upload", on_click=self.importing.ask)
        self.bring.setEnabled(may(self.context.actor.role, "message.import"))
        self.list, self.card = ListCard(), ThreadCard()
        self.start = EmptyState("messages-square", tr("Choose a conversation"), detail=tr("Opening one asks why."))
        self.stack = QStackedWidget()
        self.stack.addWidget(Card().add((self.start, 1)))
        self.stack.addWidget(self.card)
        body = row((self.list, 4), (self.stack, 9), gap=12, stretch_height=True)
        whole = column(title_row(tr(self.title), right=(self.bring,)), self.importing.panel, gap=12, margins=(24, 18, 24, 16))
        whole.addLayout(body, 1)
        lane = QVBoxLayout(self.content)
        lane.setContentsMargins(0, 0, 0, 0)
        lane.addLayout(whole)

    def _connect(self) -> None:
        self.list.asked.connect(self.refresh)
        self.list.chosen.connect(self._chosen)
        self.list.table.near_end.connect(self._more_talks)
        card = self.card
        card.leave.clicked.connect(lambda _checked=False: self.close_access())
        card.memory.clicked.connect(lambda _checked=False: self.open_memory())
        card.failure.retry.clicked.connect(lambda _checked=False: self._open_again())
        card.failure.retry.show()
        card.view.older_wanted.connect(self._older)
        card.about.cancel_wanted.connect(self._cancel_reminder)
        card.about.person_wanted.connect(lambda contact: self.context.navigate("people", contact_id=contact))
        card.reply.wanted.connect(self._ask_reply)
        card.reply.photo_wanted.connect(self._ask_photo)
        QShortcut(QKeySequence("/"), self).activated.connect(self.list.search.setFocus)

    def _chosen(self, line: TalkLine) -> None:
        if self.opened is None or self.opened.talk.key != line.key:
            self.open_talk(line)

    def _add_commands(self) -> None:
        add, group = self.context.commands.add, tr("Conversations")
        add(
            "conversations.import",
            title=tr("Import messages"),
            run=self.importing.ask,
            group=group,
            icon="upload",
            enabled=self.bring.isEnabled(),
        )
        add("conversations.close", title=tr("Conversations: close access"), run=self.close_access, group=group, icon="log-out")


def _because(actor: Any, reason: str) -> Any:
    return actor if actor.reason or not reason else replace(actor, reason=reason)
