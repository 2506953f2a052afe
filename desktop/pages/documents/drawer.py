"""The details of one document: its name, pages, audio and activity."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QBoxLayout, QStackedWidget, QWidget

from backend_core.errors import LecternError, StaleVersion
from desktop.i18n import number, tr
from desktop.pages.documents.details import Details, read_details
from desktop.pages.documents.listening import Listening
from desktop.pages.documents.lists import ActivityTab, AudioTab
from desktop.pages.documents.pages_tab import PagesTab
from desktop.widgets.button import Button
from desktop.widgets.dialogs import ConfirmByTyping
from desktop.widgets.drawer import Drawer
from desktop.widgets.field import Field
from desktop.widgets.label import PlainLabel
from desktop.widgets.page import Page
from desktop.widgets.scroll import scrolling
from desktop.widgets.states import EmptyState, ErrorState
from desktop.widgets.tabs import Tabs

WIDTH: Final = 440
_TITLE_LENGTH: Final = 255


class RenameField(Field):
    """The title while it is being changed; Esc gives up."""

    def __init__(self, *, on_cancel: Callable[[], object]) -> None:
        super().__init__(name=tr("New title"))
        self._on_cancel = on_cancel
        self.setMaxLength(_TITLE_LENGTH)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self._on_cancel()
        else:
            super().keyPressEvent(event)


class DocumentDrawer(Drawer):
    """Shows one document at a time; it stays on its page of the document when it refreshes."""

    def __init__(self, page: Page, listening: Listening, *, on_deleted: Callable[[Details], object]) -> None:
        super().__init__(width=WIDTH, scroll=False)
        self._page, self._listening, self._on_deleted = page, listening, on_deleted
        self.document_id = 0
        self.page_number = 1
        self.details: Details | None = None
        self._version = 0
        self.field = RenameField(on_cancel=self._end_rename)
        self.field.returnPressed.connect(self._rename)
        self.conflict = PlainLabel("", "smalltext", tone="warn", wrap=True)
        self._add_head()
        self.pages = PagesTab(page, listening, go_to=self.go_to)
        self.audio = AudioTab(page, listening)
        self.activity = ActivityTab(page)
        self.tabs = Tabs([("pages", tr("Pages")), ("audio", tr("Audio")), ("activity", tr("Activity"))], name=tr("Details of the document"))
        self.waiting = EmptyState("hourglass", tr("The pages are being read"), detail=tr("Its pages appear here as soon as they are read."))
        self.broken = ErrorState(on_retry=self._retry)
        self._stack = QStackedWidget()
        for part in (scrolling(self.pages), self.audio, self.activity, self.waiting, self.broken):
            self._stack.addWidget(part)
        self.tabs.chosen.connect(lambda _key: self._show_tab())
        self.body.setContentsMargins(20, 0, 20, 14)
        self.body.setSpacing(0)
        self.body.addWidget(self.conflict)
        self.body.addWidget(self.tabs)
        self.body.addWidget(self._stack, 1)
        self.conflict.hide()
        self._follows = (0, 0)
        listening.changed.connect(self._follow)

    def show_document(self, document_id: int, *, page_number: int = 1) -> None:
        """Show a document; the same one again keeps its place."""
        if document_id != self.document_id:
            self._end_rename()
            self.details = None
            self.document_id, self.page_number = document_id, page_number
            self.pages.panel.voice.stop()
        self.refresh()

    def go_to(self, page_number: int) -> None:
        """Read another page."""
        if page_number != self.page_number:
            self.page_number = page_number
            self.refresh()

    def refresh(self) -> None:
        """Read everything again if the drawer is open."""
        context, document_id, wanted = self._page.context, self.document_id, self.page_number
        if self.isHidden() or not document_id:
            return
        context.background.run(
            self,
            lambda: read_details(context.backend, actor=context.actor, document_id=document_id, page_number=wanted),
            self._show,
            self._fail,
            key="details",
        )

    def start_rename(self) -> None:
        """Put the title into a field."""
        if self.details is None:
            return
        self._version = self.details.document.version
        self.title.hide()
        self.field.setText(self.details.document.title)
        self.field.show()
        self.field.setFocus()
        self.field.selectAll()

    def ask_delete(self) -> None:
        """Ask for the title, then delete; the toast can bring the document back."""
        details = self.details
        if details is None:
            return
        title = details.document.title
        sentence = tr("Its pages and its audio go with it. Undo is offered for ten seconds.")
        ConfirmByTyping(
            self.window(), tr("Delete this document?"), sentence, expected=title, action=tr("Delete"), on_yes=lambda: self._delete(details)
        ).open()

    def _show(self, details: Details) -> None:
        if details.document.id != self.document_id:
            return
        self.details = details
        if details.text is not None:
            self.page_number = details.text.number
        self.show_titles(details.document.title, details.meta)
        self.tabs.set_count("pages", number(len(details.pages)) if details.pages else "")
        ready = sum(line.audio.status == "COMPLETED" for line in details.audios)
        self.tabs.set_count("audio", number(ready) if ready else "")
        running = len(details.open_jobs)
        self.tabs.set_count("activity", number(running) if running else "", tone="info")
        self.pages.show_details(details)
        self.audio.show_details(details)
        self.activity.show_details(details)
        self._show_tab()

    def _show_tab(self) -> None:
        details = self.details
        if details is None:
            return
        key = self.tabs.current
        if key != "pages" or details.document.status == "COMPLETED":
            self._stack.setCurrentIndex(("pages", "audio", "activity").index(key))
        elif details.document.status == "FAILED":
            self.broken.heading.setText(tr("The pages could not be read"))
            self.broken.sentence.setText(details.document.error or tr("Something went wrong."))
            self.broken.advice.setText(tr("Retry, or add the file again after it was saved anew."))
            self.broken.reference.setText(tr("Reference {id}", id=details.document.correlation_id))
            self._stack.setCurrentWidget(self.broken)
        else:
            waits = details.document.status == "PENDING"
            line = tr("Waiting to be read") if waits else tr("The pages are being read")
            self.waiting.set_words(line, detail=tr("Its pages appear here as soon as they are read."))
            self._stack.setCurrentWidget(self.waiting)

    def _fail(self, error: LecternError) -> None:
        if error.code == "not_found":
            self._page.context.notify(tr("That document is no longer there."), tone="info")
            self.close_drawer()
        elif self.details is None:
            self.broken.show_error(error)
            self._stack.setCurrentWidget(self.broken)

    def _retry(self) -> None:
        context, document_id = self._page.context, self.document_id
        if self.details is not None and self.details.document.status == "FAILED":
            self._page.act(lambda: context.backend.documents.retry(document_id, actor=context.actor))
        else:
            self.refresh()

    def _rename(self) -> None:
        context, document_id, version, title = self._page.context, self.document_id, self._version, self.field.text()
        if self.details is not None and title.strip() == self.details.document.title:
            self._end_rename()
            return
        context.background.run(
            self,
            lambda: context.backend.documents.rename(document_id, title, actor=context.actor, version=version),
            self._renamed,
            self._rename_failed,
            key="rename",
        )

    def _renamed(self, _document: object) -> None:
        self._end_rename()
        self._page.refresh()

    def _rename_failed(self, error: LecternError) -> None:
        """Keep what was typed; after a conflict show the other title, and the next Enter writes over it."""
        self.conflict.setText(str(error))
        self.conflict.show()
        self.field.setFocus()
        if isinstance(error, StaleVersion):
            context, document_id = self._page.context, self.document_id
            context.background.run(
                self, lambda: context.backend.documents.get(document_id, actor=context.actor), self._show_conflict, key="conflict"
            )

    def _show_conflict(self, document: object) -> None:
        title, self._version = getattr(document, "title", ""), getattr(document, "version", 0)
        theirs = tr("Somebody else changed the document meanwhile; its title is now “{title}”.", title=title)
        self.conflict.setText(f"{theirs} {tr('Enter saves yours, Esc keeps theirs.')}")
        self._page.refresh()

    def _end_rename(self) -> None:
        self.field.hide()
        self.conflict.hide()
        self.title.show()

    def _delete(self, details: Details) -> None:
        context, document = self._page.context, details.document

        def done(_none: None) -> None:
            self._listening.forget(document_id=document.id)
            self.close_drawer()
            self._on_deleted(details)

        self._page.act(lambda: context.backend.documents.delete(document.id, actor=context.actor, typed_title=document.title), done)

    def _follow(self) -> None:
        """Turn the page with the sound while the reader is on the page that was heard."""
        playing = self._listening.current
        before, self._follows = self._follows, (playing.audio.document_id, playing.audio.page) if playing is not None else (0, 0)
        if playing is None or self.isHidden() or playing.audio.document_id != self.document_id:
            return
        if before in {(0, 0), (self.document_id, self.page_number)} or before[0] != self.document_id:
            self.go_to(playing.audio.page)

    def _add_head(self) -> None:
        rename = Button("", "ghost", icon_name="pencil", name=tr("Rename (F2)"), on_click=self.start_rename)
        export = Button("", "ghost", icon_name="download", name=tr("Export audio"), on_click=lambda: self._export(export))
        remove = Button("", "ghost", icon_name="trash-2", name=tr("Delete document"), on_click=self.ask_delete)
        for button in (rename, export, remove):
            self.tools.addWidget(button)
        lane = self.layout()
        first = lane.itemAt(0) if lane is not None else None
        head = first.layout() if first is not None else None
        if isinstance(head, QBoxLayout):
            head.insertWidget(0, self.field, 1)
        self.field.hide()

    def _export(self, button: QWidget) -> None:
        if self.details is None or not any(line.audio.status == "COMPLETED" for line in self.details.audios):
            self._page.context.notify(tr("There is no finished audio to export; generate it first."), tone="info")
            return
        self.audio.ask_export(button)
