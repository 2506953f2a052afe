"""The text of one page, what is spoken of it right now, and how to have it spoken."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QGuiApplication, QIntValidator, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QSizePolicy, QWidget

from desktop.i18n import clock, number, tr
from desktop.pages.documents.details import Details, PageLine
from desktop.pages.documents.generate_panel import GeneratePanel
from desktop.pages.documents.listening import Listening
from desktop.pages.documents.page_strip import PageStrip
from desktop.style import tone_fill
from desktop.widgets import paint
from desktop.widgets.badge import Badge
from desktop.widgets.button import Button
from desktop.widgets.field import Field
from desktop.widgets.label import ElidedLabel, IconLabel, PlainLabel, over
from desktop.widgets.layout import column, holder, row
from desktop.widgets.page import Page
from desktop.widgets.reading_view import ReadingView

_BADGES: Final[dict[str, tuple[str, str]]] = {"ready": ("ok", ""), "working": ("info", ""), "outdated": ("warn", ""), "failed": ("bad", "")}
_LEGEND: Final = (("ready", "ok"), ("outdated", "warn"), ("failed", "bad"))


class _Dot(QWidget):
    """Decoration beside words that say the same."""

    def __init__(self, tone: str) -> None:
        super().__init__()
        self._tone = tone
        self.setFixedSize(7, 7)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        paint.begin(painter)
        paint.box(painter, QRectF(self.rect()), 3.5, fill=tone_fill(self._tone))


class _Notice(QFrame):
    """A rounded band for what went wrong."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(34)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        paint.begin(painter)
        paint.box(painter, QRectF(self.rect()), 8, fill="bad_bg")


class PagesTab(QWidget):
    """Navigator, text, strip of pages, voice and Generate."""

    def __init__(self, page: Page, listening: Listening, *, go_to: Callable[[int], object]) -> None:
        super().__init__()
        self._page, self._listening, self._go_to = page, listening, go_to
        self._details: Details | None = None
        self._line: PageLine | None = None
        self._shown: tuple[int, int, int] = (0, 0, 0)
        self.panel = GeneratePanel(page)
        self.view = ReadingView(name=tr("Text of the page"))
        self.view.word_clicked.connect(self._clicked)
        self.strip = PageStrip()
        self.strip.chosen.connect(go_to)
        self.strip.retry_wanted.connect(self._retry)
        inset = holder(column(self.view, margins=(12, 8, 6, 6)), name="inset")
        inset.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        parts = (self._navigator(), (inset, 1), self._strip_head(), self.strip, self._failure(), self.panel)
        self.setLayout(column(*parts, gap=8, margins=(0, 10, 0, 0)))
        listening.changed.connect(self._match_speech)
        listening.player.moved.connect(self._move)

    def show_details(self, details: Details) -> None:
        """Show a document's page; text that stands there already keeps its place and its highlight."""
        self._details = details
        text = details.text
        self._line = details.page(text.number) if text is not None else None
        shown = (text.id, text.revision, len(text.text)) if text is not None else (0, 0, 0)
        if shown != self._shown:
            self._shown = shown
            self.view.show_text(text.text if text is not None else "", skips=[skip[:2] for skip in text.skips] if text is not None else ())
            self._match_speech()
        self._show_navigator()
        self.panel.show_details(details, self._line)

    def toggle_playback(self) -> None:
        """Play or pause; with nothing in the player start this page."""
        if self._listening.current is not None:
            self._listening.player.toggle()
        else:
            self._play()

    def _show_navigator(self) -> None:
        details, line = self._details, self._line
        if details is None:
            return
        current = line.number if line is not None else 0
        if not self.number.hasFocus():
            self.number.setText(str(current))
        self.all.setText(tr("of {n}", n=number(len(details.pages))))
        self.back.setEnabled(current > 1)
        self.forward.setEnabled(current < len(details.pages))
        self.play.setEnabled(line is not None and line.state in {"ready", "outdated"})
        self.badge.show_state(*self._badge(line))
        self.strip.show_pages(details.pages, current=current, playing=self._playing_page())
        first, last = self.strip.visible_pages
        self.range.setText(tr("Pages {first}–{last}", first=first, last=last).upper() if details.pages else "")
        self._show_legend(details.pages)
        failed = line.audio if line is not None and line.state == "failed" else None
        self.failure.setVisible(failed is not None)
        if failed is not None:
            self.reason.setText(failed.error or tr("This page could not be spoken."))
            self.reference.setText(failed.correlation_id)

    @staticmethod
    def _badge(line: PageLine | None) -> tuple[str, str]:
        if line is None or line.audio is None:
            return (tr("No audio yet"), "none") if line is not None else ("", "none")
        words = {
            "ready": tr("Ready · {length}", length=clock(line.audio.seconds or 0)),
            "outdated": tr("Outdated"),
            "failed": tr("Failed"),
            "working": tr("Speaking") if line.audio.status == "GENERATING" else tr("Waiting"),
        }
        return words[line.state], _BADGES[line.state][0]

    def _show_legend(self, pages: Sequence[PageLine]) -> None:
        for state, (part, label) in self.legend.items():
            count = sum(page.state == state for page in pages)
            words = {"ready": tr("{n} ready"), "outdated": tr("{n} outdated"), "failed": tr("{n} failed")}[state]
            label.setText(words.format(n=number(count)))
            part.setVisible(count > 0)

    def _retry(self, page_number: int = 0) -> None:
        details, context = self._details, self._page.context
        line = self._line if not page_number or details is None else details.page(page_number)
        if line is not None and line.audio is not None:
            audio_id = line.audio.id
            self._page.act(lambda: context.backend.audios.requeue(audio_id, actor=context.actor))

    def _play(self) -> None:
        line = self._line
        if line is not None and line.audio is not None and line.state in {"ready", "outdated"}:
            self._listening.play(line.audio.id)

    def _clicked(self, character: int) -> None:
        """Go to the clicked word, in the audio that plays or in this page's own."""
        if self._speech_is_here():
            at = self._listening.time_of(character)
            if at is not None:
                self._listening.player.seek(at)
                self._listening.player.play()
        elif self._line is not None and self._line.audio is not None and self._line.state == "ready":
            self._listening.play(self._line.audio.id, at_character=character)

    def _speech_is_here(self) -> bool:
        current = self._listening.current
        return current is not None and current.page.id == self._shown[0]

    def _playing_page(self) -> int:
        current, details = self._listening.current, self._details
        return current.audio.page if current is not None and details is not None and current.audio.document_id == details.document.id else 0

    def _match_speech(self) -> None:
        """Give the view the words of the audio in the player if it shows that page."""
        current = self._listening.current
        if current is not None and self._speech_is_here():
            self.view.set_speech(current.marks, current.sentences)
            self.view.show_position(self._listening.player.position * 1000)
        else:
            self.view.clear_speech()
        self._show_navigator()

    def _move(self, seconds: float) -> None:
        if self._speech_is_here() and self.isVisible():
            self.view.show_position(seconds * 1000)

    def _jump(self) -> None:
        details = self._details
        if details is not None and self.number.text().isdecimal():
            self._go_to(min(max(1, int(self.number.text())), max(1, len(details.pages))))
        self.view.setFocus()

    def _step(self, by: int) -> None:
        if self._line is not None:
            self._go_to(self._line.number + by)

    def _navigator(self) -> QWidget:
        self.number = Field(name=tr("Page number"))
        self.number.setFixedWidth(56)
        self.number.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.number.setValidator(QIntValidator(1, 1_000_000, self))
        self.number.returnPressed.connect(self._jump)
        self.all = PlainLabel("", "muted")
        self.badge = Badge()
        self.play = Button("", "ghost", icon_name="play", name=tr("Play this page"), on_click=self._play)
        self.large = Button("", "ghost", icon_name="a-large-small", name=tr("Large text"), checkable=True)
        self.large.toggled.connect(lambda on: self.view.set_large(on=on))
        self.back = Button("", "ghost", icon_name="chevron-left", name=tr("Previous page"), on_click=lambda: self._step(-1))
        self.forward = Button("", "ghost", icon_name="chevron-right", name=tr("Next page"), on_click=lambda: self._step(1))
        title = PlainLabel(tr("Page"), "heading")
        lane = row(title, self.number, self.all, 4, self.badge, None, self.play, self.large, self.back, self.forward, gap=5)
        return holder(lane, height=32)

    def _strip_head(self) -> QWidget:
        self.range = over("")
        self.legend: dict[str, tuple[QWidget, PlainLabel]] = {}
        parts: list[Any] = []
        for state, tone in _LEGEND:
            label = PlainLabel("", "tiny")
            part = holder(row(_Dot(tone), label, gap=5))
            self.legend[state] = (part, label)
            parts.append(part)
        return holder(row(self.range, None, *parts, gap=10), height=18)

    def _failure(self) -> QWidget:
        self.reason = ElidedLabel(size=12, tone="bad")
        self.reference = PlainLabel("", "mono", selectable=True)
        copy = Button("", "ghost", icon_name="copy", name=tr("Copy details"), on_click=self._copy_failure)
        again = Button(tr("Retry"), "link", icon_name="rotate-ccw", on_click=self._retry)
        self.failure = _Notice()
        sign = IconLabel("circle-alert", "bad", size=14)
        self.failure.setLayout(row(sign, (self.reason, 1), self.reference, copy, again, gap=8, margins=(10, 0, 10, 0)))
        return self.failure

    def _copy_failure(self) -> None:
        QGuiApplication.clipboard().setText("\n".join((f"Lectern: {self.reason.text()}", tr("reference {id}", id=self.reference.text()))))
