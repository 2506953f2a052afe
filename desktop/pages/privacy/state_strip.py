"""The band above the picture: how far a run is, or what the page has to say before anything else."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QRectF, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop.i18n import tr
from desktop.style import colour, mix, tone_background, tone_text
from desktop.widgets import paint
from desktop.widgets.bars import Bar
from desktop.widgets.button import Button
from desktop.widgets.label import ElidedLabel, IconLabel, PlainLabel
from desktop.widgets.layout import column, row

_ICONS: Final = {"bad": "shield-alert", "warn": "shield-alert", "info": "info", "ok": "shield-check"}


class StateStrip(QWidget):
    """Hidden while there is nothing to say."""

    acted = Signal()
    """Its button was pressed."""

    def __init__(self) -> None:
        super().__init__()
        self._tone = ""
        self.icon = IconLabel("loader-circle", "accent", size=20)
        self.heading = ElidedLabel(weight=600)
        self.detail = ElidedLabel(size=12, tone="muted")
        self.detail.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.sentence = PlainLabel("", "smalltext", wrap=True)
        self.bar = Bar(name=tr("Privacy run"))
        self.action = Button("", "small", on_click=self.acted.emit)
        words = column(row((self.heading, 1), self.detail, gap=12), self.sentence, self.bar, gap=4)
        lane = row(self.icon, gap=12, margins=(16, 9, 16, 9))
        lane.addLayout(words, 1)
        lane.addWidget(self.action)
        self.setLayout(lane)
        self.setMinimumHeight(54)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Maximum)
        self.hide()

    def show_progress(self, heading: str, share: float | None, detail: str) -> None:
        """Show a run that goes on; ``share`` is 0 to 1, None while unknown."""
        self._tone = ""
        self.icon.set_icon("loader-circle", "accent")
        self.heading.setText(heading)
        self.detail.setText(detail)
        self.bar.set_share(share)
        for part, shown in ((self.bar, True), (self.detail, True), (self.sentence, False), (self.action, False)):
            part.setVisible(shown)
        self.setAccessibleName(f"{heading}: {detail}")
        self.show()
        self.update()

    def show_words(self, heading: str, sentence: str, *, tone: str, action: str = "") -> None:
        """Say something; ``tone`` is bad, warn, info or ok."""
        self._tone = tone
        self.icon.set_icon(_ICONS[tone], tone_text(tone))
        self.heading.setText(heading)
        self.sentence.setText(sentence)
        self.action.set_caption(action)
        shown = ((self.bar, False), (self.detail, False), (self.sentence, bool(sentence)), (self.action, bool(action)))
        for part, visible in shown:
            part.setVisible(visible)
        self.setAccessibleName(f"{heading}. {sentence}")
        self.show()
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the ground in the tone of what is said."""
        painter = QPainter(self)
        paint.begin(painter)
        whole = QRectF(self.rect())
        if not self._tone:
            paint.box(painter, whole, 10, fill="surface", line="line")
            return
        ground = tone_background(self._tone)
        paint.box(painter, whole, 10, fill=colour(ground), line=mix(ground, tone_text(self._tone), 0.35))
