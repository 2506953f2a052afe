"""Plays decoded speech on the sound device, or silently in step with the clock where there is none.

Import this module in a worker: miniaudio and numpy take 0.1 s. Nothing here knows Qt, because the device asks for samples in
a thread of its own.
"""

from __future__ import annotations

import atexit
import logging
import sys
import threading
import time
import weakref
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import miniaudio
import numpy as np
import numpy.typing as npt

from backend_core.errors import DamagedObject

Samples = npt.NDArray[np.int16]
Wave = npt.NDArray[np.float32]

BUFFER_MS: Final = 40
"""One period; the device holds two. Shorter ones run dry while the window is being painted."""
SPEEDS: Final = (0.5, 2.0)
_PERIODS: Final = 2
_STALLED_S: Final = 1.5
_HOP_S: Final = 0.020
_OVERLAP_S: Final = 0.010
_SEARCH_S: Final = 0.008
_LOUDEST: Final = 32_767
_CARDS: Final = Path("/proc/asound/cards")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """Decoded speech, one channel.

    Attributes:
        samples: shape (frames,), 16 bit.
        rate: frames per second.
    """

    samples: Samples
    rate: int

    @property
    def seconds(self) -> float:
        """The length."""
        return float(self.samples.size / self.rate)


def read_clip(path: Path, *, encoder_delay: int = 0) -> Clip:
    """Decode an MP3 file and drop the silence of ``encoder_delay`` samples that the encoder put in front.

    Raises:
        DamagedObject: it cannot be read or is no MP3.
    """
    try:
        decoded = miniaudio.mp3_read_s16(path.read_bytes())
    except (OSError, miniaudio.MiniaudioError):
        raise DamagedObject("The audio file cannot be played; generate it again.") from None
    samples = np.frombuffer(decoded.samples, dtype=np.int16)
    if decoded.nchannels > 1:
        samples = samples.reshape(-1, decoded.nchannels)[:, 0].copy()
    return Clip(samples[encoder_delay:], decoded.sample_rate)


class Stretch:
    """Reads samples at another speed without changing the pitch, by waveform similarity overlap-add.

    Pieces of 20 ms are taken at the wanted speed; each is moved by up to 8 ms to where it continues the piece before best,
    and faded in over 10 ms.

    Attributes:
        place: where in the samples the end of what was read lies.
    """

    def __init__(self, samples: Samples, *, rate: int) -> None:
        self._samples = samples
        self._hop, self._overlap, self._search = (round(rate * share) for share in (_HOP_S, _OVERLAP_S, _SEARCH_S))
        self._fade: Wave = np.linspace(0, 1, self._overlap, endpoint=False, dtype=np.float32)
        self.jump(0)

    def jump(self, frame: int) -> None:
        """Read from ``frame`` on."""
        self.place = self._next = float(frame)
        self._ready: Wave = np.zeros(0, np.float32)
        self._tail: Wave = np.zeros(self._overlap, np.float32)

    def read(self, frames: int, *, speed: float) -> Wave:
        """Return the next ``frames`` samples, shape (frames,); silence after the end."""
        parts: list[Wave] = []
        missing = frames
        while missing > 0:
            if not self._ready.size:
                self._ready = self._piece(speed)
            part, self._ready = self._ready[:missing], self._ready[missing:]
            parts.append(part)
            missing -= part.size
        self.place = self._next - self._ready.size * speed
        return np.concatenate(parts) if parts else np.zeros(0, np.float32)

    def _piece(self, speed: float) -> Wave:
        start = round(self._next)
        # At normal speed the next piece continues the last one by itself.
        piece = self._cut(start if speed == 1 else self._best(start), self._hop + self._overlap)
        piece[: self._overlap] = self._tail * (1 - self._fade) + piece[: self._overlap] * self._fade
        self._tail = piece[self._hop :].copy()
        self._next += self._hop * speed
        return piece[: self._hop]

    def _best(self, start: int) -> int:
        """Return the place near ``start`` whose samples are most like those that would have followed."""
        first = start - self._search
        room = self._cut(first, 2 * self._search + self._overlap)
        likeness = np.correlate(room, self._tail, "valid")
        power = np.concatenate((np.zeros(1, np.float32), np.cumsum(room * room)))
        energy = power[self._overlap :] - power[: -self._overlap]
        return first + int(np.argmax(likeness / np.sqrt(energy + 1)))

    def _cut(self, start: int, frames: int) -> Wave:
        """Return samples from ``start`` on, with silence where there are none."""
        piece = np.zeros(frames, np.float32)
        low, high = max(0, start), min(self._samples.size, start + frames)
        if low < high:
            piece[low - start : high - start] = self._samples[low:high]
        return piece


class Playback:
    """One clip on one device. Everything but ``wake``, ``rest`` and ``close`` returns at once.

    Opening, starting and stopping a device can take a moment, so the constructor and those three belong in a worker.
    The heard position is the clock's, bounded on both sides by the frames delivered less one buffer: the device asks in steps of 40 ms and
    its clock drifts from the computer's, a word needs better.

    Attributes:
        silent: there is no sound device, or ``silent`` was asked for; time passes as if there were.
    """

    def __init__(self, clip: Clip, *, silent: bool = False, backends: Sequence[miniaudio.Backend] | None = None) -> None:
        """Open a device.

        Args:
            clip: what to play.
            silent: use no device.
            backends: what to try instead of this system's own.
        """
        self.clip = clip
        self._lock = threading.Lock()
        self._device_lock = threading.Lock()
        self._stretch = Stretch(clip.samples, rate=clip.rate)
        self._playing = self._failed = False
        self._speed = self._gain = 1.0
        self._delivered = self._floor = self._marked = 0.0
        _open_ones.add(self)
        self._marked_at = self._last_block_at = time.monotonic()
        self._device, self.silent = _open(clip.rate, () if silent else _backends() if backends is None else backends)

    @property
    def playing(self) -> bool:
        """Whether it moves."""
        return self._playing

    @property
    def position(self) -> float:
        """What is heard now, in seconds from the start."""
        with self._lock:
            return self._heard() / self.clip.rate

    @property
    def ended(self) -> bool:
        """Whether the last sample was heard."""
        with self._lock:
            return self._heard() >= self.clip.samples.size

    @property
    def stalled(self) -> bool:
        """Whether the device stopped asking for samples: unplugged, or its server is gone."""
        return self._playing and (self._failed or time.monotonic() - self._last_block_at > _STALLED_S)

    def play(self) -> None:
        """Go on; the device must be awake to be heard."""
        with self._lock:
            self._playing = True
            self._marked_at = self._last_block_at = time.monotonic()

    def pause(self) -> None:
        """Stand still; what the device still holds is heard again later."""
        with self._lock:
            heard = self._heard()
            self._playing = False
            self._go_to(heard)

    def seek(self, seconds: float) -> None:
        """Go on from there, within the clip."""
        with self._lock:
            self._go_to(min(max(0.0, seconds * self.clip.rate), float(self.clip.samples.size)))

    def set_speed(self, speed: float) -> None:
        """Speak 0.5 to 2 times as fast, at the same pitch."""
        with self._lock:
            self._marked, self._marked_at = self._heard(), time.monotonic()
            self._speed = min(max(speed, SPEEDS[0]), SPEEDS[1])

    def set_volume(self, volume: float) -> None:
        """Set the loudness, 0 to 1; halving it sounds half as loud."""
        self._gain = min(max(volume, 0.0), 1.0) ** 2

    def wake(self) -> None:
        """Start the device if something plays; blocks."""
        with self._device_lock:
            if self._device is None or self._device.running or not self._playing:
                return
            feed = self._feed()
            next(feed)
            try:
                self._device.start(feed)
            except miniaudio.MiniaudioError:
                _log.warning("the sound device does not start; playing without sound")
                self._device.close()
                self._device, self.silent = _open(self.clip.rate, ())
                self._device.start(feed)

    def rest(self) -> None:
        """Stop the device if nothing plays; blocks."""
        with self._device_lock:
            if self._device is not None and not self._playing:
                self._device.stop()

    def close(self) -> None:
        """Give the device back; blocks."""
        self._playing = False
        with self._device_lock:
            if self._device is not None:
                self._device.close()
                self._device = None

    def _go_to(self, frame: float) -> None:
        self._stretch.jump(round(frame))
        self._delivered = self._floor = self._marked = frame
        self._marked_at = time.monotonic()

    def _heard(self) -> float:
        if not self._playing:
            return self._floor
        now = time.monotonic()
        clock = self._marked + (now - self._marked_at) * self.clip.rate * self._speed
        buffer = BUFFER_MS / 1000 * self.clip.rate * self._speed
        heard = min(max(clock, self._delivered - 3 * buffer), self._delivered - buffer)
        if heard != clock:
            self._marked, self._marked_at = heard, now
        # never backwards, and not before the place that was asked for
        self._floor = min(max(self._floor, heard), float(self.clip.samples.size))
        return self._floor

    def _feed(self) -> Generator[bytes, int, None]:
        """Answer each request of the device for a number of frames; runs in its thread."""
        frames = yield b""
        while True:
            block = bytes(2 * frames)
            try:
                if self._playing and not self._failed:
                    block = self._block(frames)
            except Exception as error:  # noqa: BLE001 - the boundary to the device's thread, where nobody could catch it
                from backend_core.logs import log_failure

                self._failed = True
                log_failure(_log, "playback failed", error)
            frames = yield block

    def _block(self, frames: int) -> bytes:
        with self._lock:
            wave = self._stretch.read(frames, speed=self._speed)
            self._delivered = self._stretch.place
            self._last_block_at = time.monotonic()
        return bytes(np.clip(wave * self._gain, -_LOUDEST, _LOUDEST).astype(np.int16).tobytes())


_open_ones: weakref.WeakSet[Playback] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    """Stop every device while its thread can still run Python; afterwards stopping it would wait for ever."""
    for playback in list(_open_ones):
        playback.close()


def _open(rate: int, backends: Sequence[miniaudio.Backend]) -> tuple[Any, bool]:
    """Return the first device that opens and whether it is the silent one."""
    for backend in backends:
        try:
            return _device(rate, backend), False
        except miniaudio.MiniaudioError:
            _log.info("no sound by %s", backend.name)
    return _device(rate, miniaudio.Backend.NULL), True


def _device(rate: int, backend: miniaudio.Backend) -> Any:
    form = miniaudio.SampleFormat.SIGNED16
    return miniaudio.PlaybackDevice(form, 1, rate, BUFFER_MS, callback_periods=_PERIODS, backends=[backend], app_name="Lectern")


def _backends() -> list[miniaudio.Backend]:
    """Return what to try on this system, best first."""
    kinds = miniaudio.Backend
    if sys.platform == "win32":
        return [kinds.WASAPI, kinds.DSOUND, kinds.WINMM]
    if sys.platform == "darwin":
        return [kinds.COREAUDIO]
    # ALSA without a card writes a page of complaints to the terminal.
    cards = _CARDS.exists() and "[" in _CARDS.read_text(encoding="utf-8", errors="replace")
    return [kinds.PULSEAUDIO, *([kinds.ALSA, kinds.JACK] if cards else [])]
