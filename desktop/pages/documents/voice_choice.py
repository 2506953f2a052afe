"""The voice that will speak: a card with its name, a preview, and how fast and how high."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QHBoxLayout, QSizePolicy, QSlider, QWidget

from desktop.i18n import tr
from desktop.pages.documents.details import Details
from desktop.pages.documents.dialogs import VoiceDialog
from desktop.style import SEMIBOLD
from desktop.widgets import paint
from desktop.widgets.button import Button
from desktop.widgets.label import PlainLabel, over
from desktop.widgets.layout import column, row
from desktop.widgets.page import Page
from desktop.widgets.short_play import ShortPlay

if TYPE_CHECKING:
    from backend_core.speech.engine import Voice
    from desktop.sound import Clip

_CARD_HEIGHT = 46
RATES = (50, 300)
PITCHES = (0, 99)
NORMAL_RATE, NORMAL_PITCH = 100, 50


class _VoiceCard(QAbstractButton):
    def __init__(self) -> None:
        super().__init__()
        self._lines = ("", "", "", "")
        self.setFixedHeight(_CARD_HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def show_lines(self, name: str, below: str, *, cost: str, estimate: str) -> None:
        self._lines = (name, below, cost, estimate)
        self.setAccessibleName(tr("Voice {name}, {cost}; choose another", name=name, cost=cost))
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        name, below, cost, estimate = self._lines
        painter = QPainter(self)
        paint.begin(painter)
        whole = QRectF(self.rect())
        paint.box(painter, whole, 8, fill="accent_bg", line="text" if self.hasFocus() else "accent", width=2 if self.hasFocus() else 1.5)
        middle = whole.center().y()
        paint.box(painter, QRectF(12, middle - 8, 16, 16), 8, fill="surface", line="accent", width=1.5)
        paint.box(painter, QRectF(16, middle - 4, 8, 8), 4, fill="accent")
        left, right = 40.0, whole.right() - 34
        cost_room = paint.advance(cost, 13, SEMIBOLD) + 8
        estimate_room = paint.advance(estimate, 12) + 8
        paint.text(painter, QRectF(left, middle - 18, right - left - cost_room, 18), name, weight=SEMIBOLD)
        paint.text(painter, QRectF(left, middle + 1, right - left - estimate_room, 16), below, size=12, tone="muted")
        paint.text(painter, QRectF(left, middle - 18, right - left, 18), cost, weight=SEMIBOLD, tone="ok", align=paint.RIGHT)
        paint.text(painter, QRectF(left, middle + 1, right - left, 16), estimate, size=12, tone="muted", align=paint.RIGHT)
        paint.icon(painter, QPointF(whole.right() - 26, middle - 7), "chevrons-up-down", size=14)


class VoiceChoice(QWidget):
    """Keeps the voice, rate and pitch the user chose for a document."""

    changed = Signal()

    def __init__(self, page: Page) -> None:
        super().__init__()
        self._page = page
        self._details: Details | None = None
        self._document_id = 0
        self._chosen: Voice | None = None
        self._short = ShortPlay(page.context.background, self)
        self._short.finished.connect(lambda: self._show_preview(on=False))
        self._short.failed.connect(page.tell)
        self.preview = Button(tr("Preview"), "link", icon_name="play", on_click=self._toggle_preview)
        self.all = Button(tr("All voices"), "link", on_click=self.choose)
        self.card = _VoiceCard()
        self.card.clicked.connect(self.choose)
        self.rate, rate_lane = self._slider(tr("Rate"), RATES, NORMAL_RATE, unit="\u202f%")
        self.pitch, pitch_lane = self._slider(tr("Pitch"), PITCHES, NORMAL_PITCH)
        sliders = QHBoxLayout()
        sliders.setSpacing(20)
        sliders.addLayout(rate_lane, 1)
        sliders.addLayout(pitch_lane, 1)
        head = row(over(tr("Voice")), None, self.preview, 14, self.all, gap=0)
        self.setLayout(column(head, self.card, sliders, gap=7))

    @property
    def voice(self) -> Voice | None:
        """What speaks: the user's choice for this document, else the suggested voice."""
        return self._chosen or (self._details.suggested if self._details is not None else None)

    def show_details(self, details: Details) -> None:
        """Show the voice for a document."""
        if details.document.id != self._document_id:
            self._document_id, self._chosen = details.document.id, None
        self._details = details
        self.all.set_caption(tr("All {n} voices", n=len(details.voices)))
        for part in (self.preview, self.all, self.card):
            part.setEnabled(bool(details.voices))

    def show_estimate(self, words: str) -> None:
        """Show how long it will take."""
        voice = self.voice
        if voice is None:
            self.card.show_lines(tr("No voice"), tr("The voice process does not answer"), cost="", estimate="")
            return
        below = tr("Nothing is sent") if voice.local else tr("Sent to {engine}", engine=voice.engine)
        self.card.show_lines(voice.label, below, cost=tr("Local, free") if voice.local else "", estimate=words)

    def choose(self) -> None:
        """Open the list of voices."""
        if self._details is None or self.voice is None:
            return
        language = self._details.document.language
        VoiceDialog(self.window(), self._details.voices, language=language, current=self.voice.id, on_choice=self._take).open()

    def stop(self) -> None:
        """Stop the preview."""
        self._short.stop()

    def _take(self, voice: Voice) -> None:
        self._chosen = voice
        self.changed.emit()

    def _toggle_preview(self) -> None:
        voice, context = self.voice, self._page.context
        if self._playing:
            self._short.stop()
            return
        if voice is None:
            return
        voice_id, rate, pitch = voice.id, self.rate.value(), self.pitch.value()

        def speak() -> Clip:
            from desktop.sound import read_clip

            with context.backend.previews.preview(voice_id, actor=context.actor, rate=rate, pitch=pitch) as spoken:
                return read_clip(spoken.path, encoder_delay=spoken.encoder_delay_samples)

        self._show_preview(on=True)
        self._short.open(speak)

    _playing = False

    def _show_preview(self, *, on: bool) -> None:
        self._playing = on
        self.preview.set_caption(tr("Stop") if on else tr("Preview"), name=tr("Stop the preview") if on else tr("Preview this voice"))
        self.preview.set_icon("square" if on else "play")

    def _slider(self, name: str, bounds: tuple[int, int], value: int, *, unit: str = "") -> tuple[QSlider, QHBoxLayout]:
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setAccessibleName(name)
        slider.setRange(*bounds)
        slider.setValue(value)
        slider.setMinimumWidth(60)
        shown = PlainLabel(f"{value}{unit}", "smalltext")
        shown.setFixedWidth(44)
        shown.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        slider.valueChanged.connect(lambda now: shown.setText(f"{now}{unit}"))
        return slider, row(PlainLabel(name, "small"), (slider, 1), shown, gap=8)
