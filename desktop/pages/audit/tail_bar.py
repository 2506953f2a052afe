"""The foot of the list: how many events match, whether new ones appear by themselves, and how far the seals are behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from desktop.i18n import duration, number, tr
from desktop.style import colour
from desktop.widgets import paint
from desktop.widgets.button import Button
from desktop.widgets.label import ElidedLabel, IconLabel, PlainLabel
from desktop.widgets.layout import row

if TYPE_CHECKING:
    from backend_core.audit.rows import TrailSummary

_HEIGHT = 40
_BAND = 33


class LiveDot(QWidget):
    """A green dot in a pale ring: new rows appear by themselves."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedSize(14, 14)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw it."""
        painter = QPainter(self)
        paint.begin(painter)
        paint.box(painter, QRectF(0, 0, 14, 14), 7, fill="ok_bg")
        paint.box(painter, QRectF(3.5, 3.5, 7, 7), 3.5, fill="ok")


class TailBar(QWidget):
    """40 px: counts on the left, the live tail on the right."""

    toggled = Signal()
    """Pause or Resume was pressed."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(_HEIGHT)
        self.count = ElidedLabel(size=12, tone="muted")
        self.state = PlainLabel("", "smallstrong")
        self.seal = PlainLabel("", "small")
        self.button = Button(tr("Pause"), "link", icon_name="pause", on_click=self.toggled.emit)
        self._dot, self._pause = LiveDot(), IconLabel("circle-pause", "warn", size=14)
        self.setLayout(row((self.count, 1), self._dot, self._pause, self.state, self.seal, 6, self.button, gap=6, margins=(16, 0, 14, 0)))

    def show_counts(self, matching: int | None, summary: TrailSummary) -> None:
        """Say how many events there are, and how many of them match (None: no filter)."""
        every = summary.total + summary.unsealed
        if matching is None:
            words = tr("1 event") if every == 1 else tr("{n} events", n=number(every))
        else:
            words = tr("{n} of {all} events match", n=number(matching), all=number(every))
        self.count.setText(words)
        if summary.unsealed and summary.seal_lag_s is not None:
            lag = tr("· {n} sealing, seal lag {lag}", n=number(summary.unsealed), lag=duration(summary.seal_lag_s))
            self.seal.setText(lag)
        else:
            self.seal.setText(tr("· every event is sealed") if every else "")

    def show_tail(self, *, live: bool, scrolled: bool) -> None:
        """Say whether new rows appear by themselves, and if not, whether scrolling was the reason."""
        paused = tr("Live tail paused, you scrolled") if scrolled else tr("Live tail paused")
        self.state.setText(tr("Live tail on") if live else paused)
        self.state.set_tone("ok" if live else "warn")
        self._dot.setVisible(live)
        self._pause.setVisible(not live)
        self.button.set_caption(tr("Pause") if live else tr("Resume"))
        self.button.set_icon("pause" if live else "play")


class Band(QWidget):
    """A line above the list that never hides a row: newer events, or a search under way."""

    pressed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(_BAND)
        self.words = PlainLabel("", "smallstrong", tone="info")
        self._icon = IconLabel("arrow-up", "accent", size=14)
        self.hint = PlainLabel("", "tiny")
        self.action = Button("", "link", on_click=self.pressed.emit)
        self.setLayout(row(None, self._icon, self.words, 4, self.action, None, self.hint, gap=6, margins=(14, 0, 14, 0)))
        self.hide()

    def show_news(self, words: str, *, icon_name: str, action: str, hint: str = "") -> None:
        """Show ``words`` with a link."""
        self._icon.set_icon(icon_name, "accent")
        self.words.setText(words)
        self.hint.setText(hint)
        self.action.set_caption(action)
        self.setAccessibleName(words)
        self.show()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """The whole line can be pressed."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.pressed.emit()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the pale ground."""
        QPainter(self).fillRect(self.rect(), colour("accent_bg"))


def news_words(new: int, sealing: int, *, filtered: bool, more: bool) -> str:
    """Return “6 newer events match, 2 still sealing”."""
    count = f"{number(new)}+" if more else number(new)
    if new == 1 and not more:
        words = tr("1 newer event matches") if filtered else tr("1 newer event")
    else:
        words = tr("{n} newer events match", n=count) if filtered else tr("{n} newer events", n=count)
    return tr("{words}, {n} still sealing", words=words, n=number(sealing)) if sealing else words
