"""Choose a voice and have pages spoken: the button says how many and how long, then a bar says how far."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtWidgets import QSizePolicy, QStackedWidget, QWidget

from desktop.i18n import duration, number, tr
from desktop.pages.documents.details import Details, PageLine, seconds_to_speak
from desktop.pages.documents.voice_choice import VoiceChoice
from desktop.widgets.button import Button
from desktop.widgets.layout import column, holder, row
from desktop.widgets.page import Page
from desktop.widgets.progress_row import ProgressRow

_MINUTE = 60


class GeneratePanel(QWidget):
    """Voice, rate, pitch, Generate, and the progress of what was asked for."""

    def __init__(self, page: Page) -> None:
        super().__init__()
        self._page = page
        self._details: Details | None = None
        self._line: PageLine | None = None
        self.voice = VoiceChoice(page)
        self.voice.changed.connect(self._show_buttons)
        self.setLayout(column(self.voice, self._generate(), gap=8))

    def show_details(self, details: Details, line: PageLine | None) -> None:
        """Show what can be spoken of a document; ``line`` is the page that is read."""
        self._details, self._line = details, line
        self.voice.show_details(details)
        self._show_buttons()

    def _missing(self) -> list[PageLine]:
        """Return the pages with text that have no audio in the chosen voice."""
        details, voice = self._details, self.voice.voice
        if details is None or voice is None:
            return []
        spoken = details.spoken.get(voice.id, frozenset())
        return [page for page in details.pages if page.characters and page.number not in spoken]

    def _show_buttons(self) -> None:
        details = self._details
        if details is None:
            return
        missing = self._missing()
        here = self._line is not None and self._line in missing
        if missing:
            pages = tr("1 page") if len(missing) == 1 else tr("{n} pages", n=number(len(missing)))
            self.voice.show_estimate(tr("about {time} for {pages}", time=_about(seconds_to_speak(missing)), pages=pages))
            single = len(missing) == 1 and here
            caption = tr("Generate page") if single else tr("Generate {pages}", pages=pages)
            self.generate.set_caption(caption)
        else:
            spoken = any(page.characters for page in details.pages)
            self.generate.set_caption(tr("Every page is spoken") if spoken else tr("No text to speak"))
            self.voice.show_estimate(tr("ready in this voice") if spoken else "")
        self.generate.setEnabled(bool(missing))
        only = self._line.number if self._line is not None else 0
        self.only.set_caption(tr("Only page {n}", n=only))
        self.only.setVisible(here and len(missing) > 1)
        self.only.setEnabled(True)
        self._show_batch(details)

    def _show_batch(self, details: Details) -> None:
        done, total = details.batch
        self.buttons.setCurrentIndex(1 if total else 0)
        if total:
            self.progress.cancel.setEnabled(bool(details.open_jobs))
            self.progress.show_progress(done / total, detail=tr("{n} of {all} pages", n=number(int(done)), all=number(total)))

    def _ask_generate(self, *, only: bool) -> None:
        details, voice, context = self._details, self.voice.voice, self._page.context
        if details is None or voice is None:
            return
        missing = [page.number for page in self._missing()]
        pages = [self._line.number] if only and self._line is not None else missing
        wanted = {"voice": voice.id, "pages": pages, "rate": self.voice.rate.value(), "pitch": self.voice.pitch.value()}
        document_id = details.document.id
        self.generate.setEnabled(False)
        self.only.setEnabled(False)
        # one request however often the button is pressed
        self._page.act(lambda: context.backend.audios.generate(document_id, actor=context.actor, **wanted))

    def _cancel(self) -> None:
        details, context = self._details, self._page.context
        if details is None:
            return
        jobs = details.open_jobs
        self._page.act(
            lambda: cancel_jobs(context.backend, jobs, actor=context.actor),
            lambda count: context.notify(tr("Stopped; {n} pages were not spoken.", n=number(count)), tone="info"),
        )

    def _generate(self) -> QWidget:
        self.generate = Button("", "primary", icon_name="audio-lines", on_click=lambda: self._ask_generate(only=False))
        self.generate.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.only = Button("", on_click=lambda: self._ask_generate(only=True))
        self.progress = ProgressRow(tr("Speaking"), icon_name="audio-lines")
        self.progress.cancelled.connect(self._cancel)
        self.buttons = QStackedWidget()
        self.buttons.addWidget(holder(row((self.generate, 1), self.only)))
        self.buttons.addWidget(self.progress)
        self.buttons.setFixedHeight(48)
        return self.buttons


def cancel_jobs(backend: Any, jobs: Sequence[int], *, actor: Any) -> int:
    """Cancel jobs in a worker and return how many had not ended by themselves."""
    from backend_core.errors import Conflict

    cancelled = 0
    for job_id in jobs:
        try:
            backend.jobs.cancel(job_id, actor=actor)
            cancelled += 1
        except Conflict:
            # it ended meanwhile
            continue
    return cancelled


def _about(seconds: float) -> str:
    whole = max(1, round(seconds))
    return tr("{n} s", n=number(whole)) if whole < _MINUTE else duration(whole)
