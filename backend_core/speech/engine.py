"""The engine protocol: what a voice is, what one can ask of an engine, and what comes back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from backend_core.errors import InvalidInput, TooLarge

MAX_CHARACTERS: Final = 200_000
"""Longest text of one request; the longest real pages have some 20,000 characters."""
MIN_RATE: Final = 50
MAX_RATE: Final = 300
MIN_PITCH: Final = 0
MAX_PITCH: Final = 99
FORMATS: Final = ("mp3", "flac")
PEAK_BUCKETS: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """One voice of one engine.

    Attributes:
        id: engine and code, ``local:en-gb``; the name used everywhere else.
        engine: the engine that speaks it, ``local``.
        code: the engine's own identifier.
        language: BCP 47, ``en-GB``.
        label: for people, unique within the engine, ``English (Great Britain)``.
        gender: ``male``, ``female`` or None where the engine does not say.
        local: True if no text leaves this machine.
    """

    id: str
    engine: str
    code: str
    language: str
    label: str
    gender: str | None
    local: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechRequest:
    """Text to speak and how.

    Attributes:
        text: the whole text, at most 200,000 characters.
        skips: (start, end, reason) ranges of ``text`` that are not spoken; a reason with "hyphen" in it joins its two sides into one word.
        voice: a voice id.
        rate: per cent of the normal speed of 175 words a minute, 50 to 300.
        pitch: 0 to 99, 50 is normal.
        title: written into the file's tag.
    """

    text: str
    skips: tuple[tuple[int, int, str], ...] = ()
    voice: str
    rate: int = 100
    pitch: int = 50
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """When one token is spoken: character range in the request's text, milliseconds from the start of the audio."""

    start: int
    end: int
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SpokenAudio:
    """A finished audio file.

    Attributes:
        path: the file, now the caller's to move or delete.
        format: ``mp3`` or ``flac``.
        seconds: length of the speech, without the encoder's padding.
        sample_rate: samples per second; there is one channel.
        bytes: size of the file.
        sha256: hash of the file.
        pcm_sha256: hash of the samples before encoding, 16 bit little endian.
        marks: one per spoken token, in order, without gaps in time.
        sentences: (start, end) ranges in the request's text, in order.
        peaks: 200 loudness values of 0 to 255 for a waveform.
        encoder_delay_samples: silence a decoder yields before the first sample of speech.
    """

    path: Path
    format: str
    seconds: float
    sample_rate: int
    bytes: int
    sha256: str
    pcm_sha256: str
    marks: tuple[Mark, ...]
    sentences: tuple[tuple[int, int], ...]
    peaks: tuple[int, ...]
    encoder_delay_samples: int


def never() -> bool:
    """Return False: nobody asked to stop."""
    return False


def unheard(fraction: float) -> None:
    """Take a progress report of 0 to 1 and drop it."""
    del fraction


class Engine(Protocol):
    """Something that can speak."""

    name: str

    def voices(self) -> tuple[Voice, ...]:
        """Return every voice, labels unique.

        Raises:
            VoiceFailed: the engine cannot be asked.
        """
        ...

    def synthesize(
        self,
        request: SpeechRequest,
        *,
        into: Path,
        format: str = "mp3",  # noqa: A002 - the word every caller uses
        should_stop: Callable[[], bool] = never,
        progress: Callable[[float], None] = unheard,
        hard_limit_s: float,
    ) -> SpokenAudio:
        """Speak ``request`` into a new file in the folder ``into``.

        Args:
            request: what to say.
            into: an existing folder; nothing is left there unless the call succeeds.
            format: ``mp3`` or ``flac``.
            should_stop: polled about ten times a second; True ends the call within a second.
            progress: called with 0 to 1, in this thread.
            hard_limit_s: seconds after which the engine is killed.

        Raises:
            InvalidInput: nothing to speak, or a value out of range; TooLarge for a text over 200,000 characters.
            NotFound: no such voice.
            Cancelled: ``should_stop`` said so.
            LimitReached: over ``hard_limit_s`` or the engine's memory.
            VoiceFailed: the engine broke.
            StorageFailed: the audio could not be written.
        """
        ...


def check(request: SpeechRequest, *, audio_format: str) -> None:
    """Refuse a request that no engine could fulfil.

    Raises:
        InvalidInput: a number, a skip or the format is out of range, or the text is blank; TooLarge for a text over the limit.
    """
    if len(request.text) > MAX_CHARACTERS:
        raise TooLarge(f"The text has {len(request.text):,} characters; at most {MAX_CHARACTERS:,} can be spoken at once.")
    if not request.text.strip():
        raise InvalidInput("There is no text to speak.")
    if not MIN_RATE <= request.rate <= MAX_RATE:
        raise InvalidInput(f"The speaking rate must be between {MIN_RATE} and {MAX_RATE} per cent.")
    if not MIN_PITCH <= request.pitch <= MAX_PITCH:
        raise InvalidInput(f"The pitch must be between {MIN_PITCH} and {MAX_PITCH}.")
    if audio_format not in FORMATS:
        raise InvalidInput(f"The audio format must be one of {', '.join(FORMATS)}.")
    if any(not 0 <= start <= end <= len(request.text) for start, end, _ in request.skips):
        raise InvalidInput("A skipped range lies outside the text.")
