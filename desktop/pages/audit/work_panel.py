"""A panel for one longer piece of work: how far it is, a way to stop it, and afterwards what came of it, which stays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import QFrame, QScrollArea, QSizePolicy, QWidget

from desktop.i18n import tr
from desktop.widgets.bars import Bar
from desktop.widgets.button import Button
from desktop.widgets.card import Card
from desktop.widgets.label import ElidedLabel, IconLabel, PlainLabel
from desktop.widgets.layout import clear_layout, column, holder, row

_ICONS: Final = {"ok": "shield-check", "bad": "shield-x", "warn": "shield-alert", "info": "info"}
_INDENT: Final = 26
_HIGHEST: Final = 232


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of the work.

    Attributes:
        tone: ok, warn, bad or info.
        title: one line.
        findings: (heading, detail) of each.
        notes: lines below them.
    """

    tone: str
    title: str
    findings: Sequence[tuple[str, str]] = ()
    notes: Sequence[str] = ()


class _Results(QScrollArea):
    """As high as its lines, up to a limit; beyond that it scrolls."""

    def __init__(self, inner: QWidget) -> None:
        super().__init__()
        self.setObjectName("clear")
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setWidget(inner)
        self.viewport().setAutoFillBackground(False)
        self._inner = inner

    def event(self, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.LayoutRequest, QEvent.Type.Resize):
            self._fit()
        return super().event(event)

    def _fit(self) -> None:
        layout = self._inner.layout()
        if layout is not None:
            self.setFixedHeight(
                min(_HIGHEST, layout.heightForWidth(self.width()) if layout.hasHeightForWidth() else layout.sizeHint().height())
            )


class WorkPanel(Card):
    """Hidden until ``start``; shows a bar and Cancel, then the outcome with a cross."""

    cancelled = Signal()

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self._icon = IconLabel("loader", "accent")
        self.words = ElidedLabel(weight=600)
        self.detail = ElidedLabel(size=12, tone="muted")
        self.bar = Bar(name=name)
        self.cancel = Button(tr("Cancel"), "small", on_click=self._cancel)
        self.dismiss = Button("", "ghost", icon_name="x", name=tr("Close"), on_click=self.hide)
        self._lines = column(gap=2, margins=(_INDENT, 0, 8, 0))
        self._results = _Results(holder(self._lines))
        words = column(self.words, self.detail, gap=2)
        head = row(self._icon, gap=10)
        head.addLayout(words, 1)
        for button in (self.cancel, self.dismiss):
            head.addWidget(button)
        self.add(head, self.bar, self._results)
        self.running = False
        self.hide()

    def start(self, title: str, detail: str = "") -> None:
        """Show that the work began."""
        self.running = True
        self._icon.set_icon("loader", "accent")
        self.words.setText(title)
        self.show_progress(None, detail)
        clear_layout(self._lines)
        for part, shown in ((self.bar, True), (self.cancel, True), (self.dismiss, False), (self._results, False)):
            part.setVisible(shown)
        self.cancel.setEnabled(True)
        self.show()

    def show_progress(self, share: float | None, detail: str) -> None:
        """Show ``share`` (0 to 1, None while unknown) and words about it."""
        self.bar.set_share(share, tone="info")
        self.detail.setText(detail)
        self.detail.setVisible(bool(detail))

    def finish(self, outcome: Outcome) -> None:
        """Show what came of it until the cross is pressed."""
        self.running = False
        self._icon.set_icon(_ICONS[outcome.tone], {"info": "accent"}.get(outcome.tone, outcome.tone))
        self.words.setText(outcome.title)
        clear_layout(self._lines)
        for heading, detail in outcome.findings:
            self._lines.addWidget(PlainLabel(heading, "strong", wrap=True, selectable=True))
            self._lines.addWidget(PlainLabel(detail, "small", wrap=True, selectable=True))
            self._lines.addSpacing(6)
        for words in outcome.notes:
            self._lines.addWidget(PlainLabel(words, "small", wrap=True, selectable=True))
        told = bool(outcome.findings or outcome.notes)
        for part, shown in ((self.bar, False), (self.cancel, False), (self.dismiss, True), (self._results, told)):
            part.setVisible(shown)
        self.detail.hide()
        self.show()

    def abandon(self) -> None:
        """The work was stopped: say so."""
        self.finish(Outcome("info", tr("Stopped. Nothing was concluded.")))

    def _cancel(self) -> None:
        self.cancel.setEnabled(False)
        self.cancelled.emit()
