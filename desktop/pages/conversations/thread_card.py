"""One open conversation: why it is open, its messages, what a reply would see, and what is known besides."""

from __future__ import annotations

from typing import Final

from PySide6.QtWidgets import QStackedWidget

from backend_core.errors import LecternError
from desktop.i18n import tr
from desktop.pages.conversations.lines import TalkLine, with_days
from desktop.pages.conversations.reading import Thread
from desktop.pages.conversations.reply_tab import ReplyTab
from desktop.pages.conversations.thread_parts import AboutTab
from desktop.pages.conversations.thread_view import ThreadView
from desktop.pages.conversations.words import GROUP
from desktop.widgets import avatar
from desktop.widgets.access_badge import AccessBadge
from desktop.widgets.avatar import Avatar
from desktop.widgets.button import Button
from desktop.widgets.card import Card
from desktop.widgets.label import ElidedLabel
from desktop.widgets.layout import column, holder, row
from desktop.widgets.states import EmptyState, ErrorState, Skeleton
from desktop.widgets.tabs import Tabs

MESSAGES: Final = "messages"
REPLY: Final = "reply"
ABOUT: Final = "about"
_NAME: Final = 170


class ThreadCard(Card):
    """Head, tabs and what belongs to each."""

    def __init__(self) -> None:
        super().__init__(flush=True)
        self.face = Avatar(size=36)
        self.name, self.below = ElidedLabel(weight=600), ElidedLabel(size=12, tone="muted")
        self.badge = AccessBadge()
        self.memory = Button(tr("Memory"), icon_name="brain", name=tr("What is remembered from it"))
        self.leave = Button(tr("Close access"), icon_name="log-out")
        words = holder(column(self.name, self.below, gap=1))
        words.setMinimumWidth(_NAME)
        head = row(self.face, (words, 1), self.badge, self.memory, self.leave, gap=10, margins=(15, 0, 15, 0))
        self.tabs = Tabs(
            [(MESSAGES, tr("Messages")), (REPLY, tr("What would the persona see?")), (ABOUT, tr("About"))], name=tr("Conversation")
        )
        self.view, self.reply, self.about = ThreadView(), ReplyTab(), AboutTab()
        self.view.set_empty(EmptyState("message-square", tr("Nothing was said here yet")))
        self.waiting, self.failure = Skeleton(lines=6), ErrorState()
        self.stack = QStackedWidget()
        for part in (self.view, self.reply, self.about, self.waiting, self.failure):
            self.stack.addWidget(part)
        self._thread: Thread | None = None
        self.tabs.chosen.connect(self._switch)
        lane = row((self.tabs, 1), margins=(15, 0, 15, 0))
        self.add(holder(head, height=62), holder(lane), (self.stack, 1))
        self.clear()

    def clear(self) -> None:
        """Show nobody."""
        self._thread = None
        self.view.show_rows(())
        for part in (self.badge, self.memory, self.leave):
            part.hide()

    def show_waiting(self, line: TalkLine) -> None:
        """Name the conversation that is being opened."""
        self.clear()
        self._name(line)
        self.stack.setCurrentWidget(self.waiting)

    def show_thread(self, thread: Thread, *, mark: str, editable: bool) -> None:
        """Show an open conversation from its newest message; ``mark`` is the message to point out."""
        same = self._thread is not None and self._thread.talk.key == thread.talk.key
        self._thread = thread
        self._name(thread.talk)
        for part in (self.badge, self.memory, self.leave):
            part.show()
        self.tabs.setTabText(1, tr("What would {name} see?", name=thread.talk.persona or tr("a persona")).replace("&", "&&"))
        self.view.marked = mark
        self.view.show_rows(with_days(thread.messages))
        self.about.show_about(thread.about, editable=editable)
        if not same:
            self.reply.start(thread.talk.persona)
        self._switch(self.tabs.current)

    def show_older(self, thread: Thread) -> None:
        """Show older messages above those that are there."""
        self._thread = thread
        self.view.show_rows(with_days(thread.messages), keep=True)

    def show_failure(self, error: LecternError) -> None:
        """Say why it is not open."""
        self.failure.show_error(error)
        self.stack.setCurrentWidget(self.failure)

    def _name(self, line: TalkLine) -> None:
        self.face.show_name(line.title, avatar.GROUP if line.kind == GROUP else avatar.PERSON)
        self.name.setText(line.title)
        self.below.setText(line.below)

    def _switch(self, key: str) -> None:
        if self._thread is None:
            return
        self.stack.setCurrentWidget({MESSAGES: self.view, REPLY: self.reply, ABOUT: self.about}[key])
        if key == REPLY:
            self.reply.field.setFocus()
        else:
            self.reply.stop()
