"""The bar that plays one track: title, step, play, waveform, speed and volume; it knows no feature."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent
from PySide6.QtWidgets import QFrame, QSlider, QStackedWidget

from desktop.background import Background
from desktop.i18n import clock, tr
from desktop.widgets.button import Button
from desktop.widgets.label import ElidedLabel, IconLabel, IconTile, PlainLabel
from desktop.widgets.layout import column, holder, row
from desktop.widgets.player_buttons import RoundButton, SpeedButton
from desktop.widgets.waveform import Waveform

if TYPE_CHECKING:
    from desktop.sound import Clip, Playback

HEIGHT: Final = 76
TICK_MS: Final = 30
REST_AFTER_MS: Final = 2000
_TEXT_WIDTH = (120, 216)
_TIME_WIDTH = 46
_REWIND_S = 1.5
_LOUDEST = 100
_NO_SCREEN: Final = frozenset({"offscreen", "minimal"})


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """What the bar plays.

    Attributes:
        key: the owner's name of it.
        title: first line; ``detail`` the second.
        peaks: loudness, 0 to 255 in equal steps.
        sentences: where each begins, in seconds, ascending.
    """

    key: object
    title: str
    detail: str
    clip: Clip
    peaks: Sequence[int]
    sentences: Sequence[float]


def silent_here() -> bool:
    """Return whether nobody sits at this window, so that nothing should be heard."""
    return QGuiApplication.platformName() in _NO_SCREEN


class Player(QFrame):
    """Plays one track at a time and keeps speed and volume for the next."""

    opened = Signal(object)
    """A track is ready and begins."""
    moved = Signal(float)
    """Seconds from the start, about 30 times a second while it plays, and after each seek."""
    ended = Signal(object)
    """The last sample of the track was heard."""
    step_wanted = Signal(int)
    """-1 or 1: there is no further sentence on that side."""
    changed = Signal(bool)
    """Whether it plays."""
    failed = Signal(object)
    """A ``LecternError``: the track cannot be opened."""
    closed = Signal()

    def __init__(self, background: Background) -> None:
        super().__init__()
        self.setObjectName("player")
        self.setAccessibleName(tr("Player"))
        self.setFixedHeight(HEIGHT)
        self._background = background
        self.track: Track | None = None
        self._playback: Playback | None = None
        self._speed, self._volume, self._unmuted = 1.0, 0.8, 80
        self._tick = self._timer(TICK_MS, self._advance)
        self._rest = self._timer(REST_AFTER_MS, self._sleep)
        self._rest.setSingleShot(True)
        self._build()
        self._show_state()

    @property
    def playing(self) -> bool:
        """Whether the position moves."""
        return self._playback is not None and self._playback.playing

    @property
    def position(self) -> float:
        """What is heard now, in seconds."""
        return self._playback.position if self._playback is not None else 0.0

    @property
    def silent(self) -> bool:
        """Whether there is no sound device."""
        return self._playback is not None and self._playback.silent

    def open(self, make: Callable[[], Track], *, at: float = 0.0, play: bool = True) -> None:
        """Make a track in a worker, then play it from ``at`` seconds; a newer call replaces an older one."""
        silent = silent_here()

        def prepare() -> tuple[Track, Playback]:
            from desktop.sound import Playback

            track = make()
            return track, Playback(track.clip, silent=silent)

        self._background.run(self, prepare, lambda made: self._start(*made, at=at, play=play), self.failed.emit, key="open")

    def toggle(self) -> None:
        """Play or pause."""
        if self.playing:
            self.pause()
        else:
            self.play()

    def play(self) -> None:
        """Go on, from the start when the end was reached."""
        playback = self._playback
        if playback is None or playback.playing:
            return
        if playback.ended:
            playback.seek(0.0)
        self._rest.stop()
        playback.play()
        self._background.run(self, playback.wake, lambda _none: self._show_state())
        self._tick.start()
        self._show_state()

    def pause(self) -> None:
        """Stand still; the device is given a rest a little later."""
        if self._playback is not None and self._playback.playing:
            self._playback.pause()
            self._tick.stop()
            self._rest.start()
            self._show_state()

    def seek(self, seconds: float) -> None:
        """Go on from there."""
        if self._playback is not None:
            self._playback.seek(seconds)
            self._show_position()

    def step(self, direction: int) -> None:
        """Go to the sentence before or after; past the first or last one ``step_wanted`` asks for another track."""
        if self.track is None:
            return
        starts, here = list(self.track.sentences), self.position
        place = bisect.bisect_right(starts, here + 0.01) - 1
        if direction < 0 and place >= 0 and here - starts[place] > _REWIND_S:
            self.seek(starts[place])
        elif 0 <= place + direction < len(starts):
            self.seek(starts[place + direction])
        else:
            self.step_wanted.emit(direction)

    def set_speed(self, speed: float) -> None:
        """Speak faster or slower at the same pitch."""
        self._speed = speed
        if self._playback is not None:
            self._playback.set_speed(speed)
        self.speed.show_speed(speed)

    def set_volume(self, volume: float) -> None:
        """Set the loudness, 0 to 1."""
        self.volume.setValue(round(volume * _LOUDEST))

    def stop(self) -> None:
        """Close the track; the bar stays."""
        self._tick.stop()
        self._rest.stop()
        playback, self._playback, self.track = self._playback, None, None
        if playback is not None:
            playback.pause()
            # the owner outlives the bar, so that the device is given back even while the window closes
            self._background.run(self._background, playback.close, lambda _none: None)
        self._show_state()

    def retire(self) -> None:
        """Stop, and delete the bar, wherever it is docked."""
        self.stop()
        self.deleteLater()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Toggle on Space."""
        if event.key() == Qt.Key.Key_Space:
            self.toggle()
        else:
            super().keyPressEvent(event)

    def _start(self, track: Track, playback: Playback, *, at: float, play: bool) -> None:
        self.stop()
        self.track, self._playback = track, playback
        playback.set_speed(self._speed)
        playback.set_volume(self._volume)
        playback.seek(at)
        self.title.setText(track.title)
        self.wave.set_audio(track.peaks, seconds=track.clip.seconds, sentences=track.sentences)
        self.total.setText(clock(track.clip.seconds))
        self.opened.emit(track)
        if play:
            self.play()
        self._show_position()
        self._show_state()

    def _advance(self) -> None:
        playback = self._playback
        if playback is None:
            return
        self._show_position()
        if playback.ended:
            self.pause()
            self.ended.emit(self.track)
        elif playback.stalled:
            self._go_on_silently()

    def _go_on_silently(self) -> None:
        """The device went away in the middle: continue with the silent one, so that the reader keeps the place."""
        track, at = self.track, self.position
        self.stop()
        if track is not None:
            from desktop.sound import Playback

            self._background.run(
                self, lambda: Playback(track.clip, silent=True), lambda made: self._start(track, made, at=at, play=True), key="open"
            )

    def _sleep(self) -> None:
        if self._playback is not None:
            self._background.run(self, self._playback.rest, lambda _none: None)

    def _show_position(self) -> None:
        here = self.position
        self.now.setText(clock(here))
        self.wave.set_position(here)
        self.moved.emit(here)

    def _show_state(self) -> None:
        playing, ready = self.playing, self._playback is not None
        self.button.show_icon("pause" if playing else "play", name=tr("Pause") if playing else tr("Play"))
        for part in (self.button, self.back, self.forward, self.wave):
            part.setEnabled(ready)
        self.detail.setText(self.track.detail if self.track is not None else "")
        self.sound.setCurrentIndex(1 if self.silent else 0)
        self.changed.emit(playing)

    def _turn(self, value: int) -> None:
        self._volume = value / _LOUDEST
        if self._playback is not None:
            self._playback.set_volume(self._volume)
        self.mute.set_icon("volume-2" if value else "volume-x")

    def _mute(self) -> None:
        loud = self.volume.value()
        self.volume.setValue(0 if loud else self._unmuted)
        self._unmuted = loud or self._unmuted

    def _timer(self, interval: int, run: Callable[[], object]) -> QTimer:
        timer = QTimer(self)
        timer.setInterval(interval)
        timer.timeout.connect(run)
        return timer

    def _build(self) -> None:
        self.title, self.detail = ElidedLabel(weight=600), ElidedLabel(size=12, tone="muted")
        self.back = RoundButton("step-back", name=tr("Previous sentence"))
        self.button = RoundButton("play", name=tr("Play"), size=42, filled=True)
        self.forward = RoundButton("step-forward", name=tr("Next sentence"))
        self.now, self.total = PlainLabel("0:00", "smallstrong"), PlainLabel("0:00", "small")
        self.now.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        for label in (self.now, self.total):
            label.setFixedWidth(_TIME_WIDTH)
        self.wave = Waveform(name=tr("Place in the audio"))
        self.speed = SpeedButton()
        self.speed.picked.connect(self.set_speed)
        close = Button("", "ghost", icon_name="x", name=tr("Close player"), on_click=self._close)
        words = holder(column(None, self.title, self.detail, None, gap=1))
        words.setMinimumWidth(_TEXT_WIDTH[0])
        words.setMaximumWidth(_TEXT_WIDTH[1])
        left = (IconTile("audio-lines", "info", size=44), 4, (words, 2), 4, self.back, self.button, self.forward, 4, self.now)
        self.setLayout(row(*left, (self.wave, 3), self.total, self.speed, self._build_sound(), close, margins=(24, 0, 12, 0)))
        self.button.clicked.connect(self.toggle)
        self.back.clicked.connect(lambda: self.step(-1))
        self.forward.clicked.connect(lambda: self.step(1))
        self.wave.seek_wanted.connect(self.seek)

    def _build_sound(self) -> QStackedWidget:
        self.mute = Button("", "ghost", icon_name="volume-2", name=tr("Mute"), on_click=self._mute)
        self.volume = QSlider(Qt.Orientation.Horizontal)
        self.volume.setAccessibleName(tr("Volume"))
        self.volume.setFixedWidth(84)
        self.volume.setRange(0, _LOUDEST)
        self.volume.setValue(round(self._volume * _LOUDEST))
        self.volume.valueChanged.connect(self._turn)
        # without a device there is nothing to turn; the place says so and the bar keeps its layout
        self.sound = QStackedWidget()
        self.sound.addWidget(holder(row(self.mute, self.volume)))
        self.sound.addWidget(holder(row(IconLabel("volume-x"), PlainLabel(tr("No sound device"), "small"), None)))
        self.sound.setFixedWidth(122)
        return self.sound

    def _close(self) -> None:
        self.stop()
        self.closed.emit()
