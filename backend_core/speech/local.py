"""The local engine: espeak-ng in a voice process of its own, one process for each text."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import espeakng_loader

from backend_core import faults
from backend_core.errors import InvalidInput, NotFound, StorageFailed
from backend_core.speech.catalogue import RawVoice, catalogue
from backend_core.speech.engine import PEAK_BUCKETS, SpeechRequest, SpokenAudio, Voice, check, never, unheard
from backend_core.speech.id3 import printable, title_tag
from backend_core.speech.marks import marks
from backend_core.speech.normalise import Normalised, normalise
from backend_core.speech.script import Line, write
from backend_core.speech.segment import Sentence, segment
from backend_core.speech.voice_call import Limits, converse

NORMAL_WORDS_PER_MINUTE: Final = 175
MAX_SECONDS: Final = 8 * 3600
ENCODER_DELAY_SAMPLES: Final = {"mp3": 1105, "flac": 0}
"""LAME's 576 samples and the 529 of every MP3 decoder's filter bank."""
MEMORY_BYTES: Final = {"mp3": 512 * 2**20, "flac": 1024 * 2**20}
"""Address space of the voice process; FLAC loads numpy with libsndfile's wrapper."""
_CPU_MARGIN_S: Final = 5
_VOICES_LIMIT_S: Final = 20.0
_PACKAGES: Final = ("lameenc", "soundfile")
_CALLS_FILE: Final = "LECTERN_ENGINE_CALLS"
"""Names a file that gets one line for each text really spoken: how a test counts over several processes."""


class LocalEngine:
    """espeak-ng, offline and free; the same request gives the same samples, always."""

    name = "local"

    def __init__(self, *, command: Sequence[str] | None = None, environment: Mapping[str, str] | None = None) -> None:
        """Remember how to start the voice process.

        Args:
            command: program and arguments that run ``voice_process.main``; this Python on the file beside this one if None.
            environment: variables for the voice process, on top of the few it inherits.
        """
        program = Path(__file__).with_name("voice_process.py")
        # Isolated and without site: nothing of the environment or of Lectern is imported, 0.1 CPU s less for each page.
        self._command = tuple(command) if command is not None else (sys.executable, "-I", "-S", str(program))
        self._environment = dict(environment or {})
        self._voices: tuple[Voice, ...] = ()
        self._lock = threading.Lock()

    def voices(self) -> tuple[Voice, ...]:
        """Return espeak-ng's voices by label; asked once in the life of this engine."""
        with self._lock:
            if not self._voices:
                limits = Limits(should_stop=never, progress=unheard, hard_limit_s=_VOICES_LIMIT_S)
                listed = self._ask({"do": "voices"}, limits, audio_format="mp3")["voices"]
                raw: list[RawVoice] = [dict(zip(RawVoice.__annotations__, row, strict=True)) for row in listed]  # type: ignore[misc]  # rows of the protocol
                self._voices = catalogue(raw, engine=self.name)
            return self._voices

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
        """Speak ``request`` into a new file in the folder ``into``; see ``Engine.synthesize``."""
        check(request, audio_format=format)
        voice = self._voice(request.voice)
        normalised = normalise(request.text, language=voice.language, skips=request.skips)
        if not any(char.isalnum() for token in normalised.tokens for char in token.spoken):
            raise InvalidInput("There is nothing in this text that can be spoken.")
        sentences = segment(normalised)
        lines = write(normalised, sentences)
        _count_call(request)
        faults.point("speech.started")
        limits = Limits(should_stop=should_stop, progress=progress, hard_limit_s=hard_limit_s)
        with _part_file(into, title_tag(request.title) if format == "mp3" else b"") as part:
            asked = _asked(request, voice, lines, path=part, audio_format=format)
            heard = self._ask(asked, limits, audio_format=format)
            if not any(heard["peaks"]):
                raise InvalidInput("This voice cannot speak this text; choose a voice of its language.")
            faults.point("speech.synthesised")
            progress(1.0)
            return _spoken(part, heard, normalised, sentences, lines, audio_format=format)

    def _voice(self, voice_id: str) -> Voice:
        for voice in self.voices():
            if voice.id == voice_id:
                return voice
        raise NotFound("There is no such voice.")

    def _ask(self, asked: Mapping[str, object], limits: Limits, *, audio_format: str) -> dict[str, Any]:
        base = {
            "library": espeakng_loader.get_library_path(),
            "data": espeakng_loader.get_data_path(),
            "search": _search_path(),
            "memory_bytes": MEMORY_BYTES[audio_format],
            "cpu_s": int(limits.hard_limit_s) + _CPU_MARGIN_S,
        }
        return converse(self._command, {**base, **asked}, limits=limits, environment=self._environment)


def _asked(request: SpeechRequest, voice: Voice, lines: Sequence[Line], *, path: Path, audio_format: str) -> dict[str, object]:
    return {
        "do": "speak",
        "voice": voice.code,
        "rate": round(NORMAL_WORDS_PER_MINUTE * request.rate / 100),
        "pitch": request.pitch,
        "format": audio_format,
        "title": printable(request.title),
        "path": str(path),
        "max_seconds": MAX_SECONDS,
        "buckets": PEAK_BUCKETS,
        "sentences": [line.text for line in lines],
    }


def _spoken(
    part: Path, heard: Mapping[str, Any], normalised: Normalised, sentences: Sequence[Sentence], lines: Sequence[Line], *, audio_format: str
) -> SpokenAudio:
    """Give the file its final name and describe it."""
    samples, rate = heard["samples"], heard["sample_rate"]
    with part.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    size = part.stat().st_size
    return SpokenAudio(
        path=part.replace(part.with_suffix(f".{audio_format}")),
        format=audio_format,
        seconds=samples / rate,
        sample_rate=rate,
        bytes=size,
        sha256=digest,
        pcm_sha256=heard["pcm_sha256"],
        marks=marks(normalised.tokens, lines, events=heard["words"], samples=samples, sample_rate=rate),
        sentences=tuple((sentence.start, sentence.end) for sentence in sentences),
        peaks=tuple(heard["peaks"]),
        encoder_delay_samples=ENCODER_DELAY_SAMPLES[audio_format],
    )


@contextlib.contextmanager
def _part_file(into: Path, head: bytes) -> Iterator[Path]:
    """Yield a new file in ``into`` that begins with ``head``; it is removed unless it was renamed."""
    try:
        handle, name = tempfile.mkstemp(prefix="voice-", suffix=".part", dir=into)
        with os.fdopen(handle, "wb") as file:
            file.write(head)
    except OSError as error:
        raise StorageFailed("The audio could not be written; the disk may be full.") from error
    part = Path(name)
    try:
        yield part
    finally:
        part.unlink(missing_ok=True)


def _search_path() -> list[str]:
    """Return the folders in which the voice process finds its encoders; none in a bundle, where they are built in."""
    specs = [importlib.util.find_spec(package) for package in _PACKAGES]
    return list(dict.fromkeys(str(Path(spec.origin).parent) for spec in specs if spec is not None and spec.origin))


def _count_call(request: SpeechRequest) -> None:
    target = os.environ.get(_CALLS_FILE)
    if not target:
        return
    handle = os.open(target, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(handle, f"{request.voice} {len(request.text)}\n".encode())
    finally:
        os.close(handle)
