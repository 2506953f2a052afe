"""The voice process: speaks one request with espeak-ng, encodes it as it comes, and exits.

It runs as a program of its own because espeak-ng keeps its state in globals: two threads corrupt each other, one text can change the
voice of the next, and a crash takes the process along. A new process for each page makes the audio the same byte for byte.

Start: ``python -I -S voice_process.py`` and nothing of Lectern is imported, which keeps a start at 50 ms of CPU.
Input: one JSON object on the first line of stdin. Any byte after it, or its end, means stop: so the process never outlives its parent.
Output: JSON objects, one a line, each with ``event``: ``progress`` {done}, ``voices`` {voices}, ``result`` {…} or
``error`` {kind, detail}.
"""

from __future__ import annotations

import ctypes
import hashlib
import importlib
import itertools
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO, Final, Protocol

SYNCHRONOUS: Final = 2
BUFFER_MS: Final = 500
DO_NOT_EXIT: Final = 0x8000
UTF8_PLAIN_END_PAUSE: Final = 0x1001
"""UTF-8, no SSML, no phoneme mnemonics, and a pause at the end of each sentence."""
BY_CHARACTER: Final = 1
PARAMETER_RATE: Final = 1
PARAMETER_PITCH: Final = 3
EVENT_END: Final = 0
EVENT_WORD: Final = 1
SAMPLE_BYTES: Final = 2

MP3_KBITS: Final = 64
MP3_QUALITY: Final = 7
"""106 s of speech cost 0.14 CPU s at quality 7, 0.25 at 5 and 0.47 at 2; a whole page may cost 0.35."""

PEAK_STRIDE: Final = 4
"""The high byte of every fourth sample (5.5 kHz) shows a voice's loudness at a quarter of the cost."""
PEAK_BLOCK: Final = 220
PROGRESS_EVERY_S: Final = 0.1
EXIT_STOPPED: Final = 3
EXIT_FAILED: Final = 4

_LOUDNESS: Final = bytes(min(255, 2 * min(value, 256 - value)) for value in range(256))
"""From the high byte of a sample, a signed number, to 0 for silence and 255 for the loudest."""


class Failure(Exception):
    """Ends the request; ``kind`` is one word of the protocol."""

    def __init__(self, kind: str, detail: str = "") -> None:
        super().__init__(detail or kind)
        self.kind = kind


class _Event(ctypes.Structure):
    """espeak_EVENT of speak_lib.h; ``sample`` counts from the start of the current call."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_char * 8),
    )


class _Voice(ctypes.Structure):
    """espeak_VOICE of speak_lib.h; ``languages`` is a list of priority byte and zero-ended string."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_void_p),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("xx1", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    )


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(_Event))


class Espeak:
    """The few functions of libespeak-ng that Lectern uses."""

    def __init__(self, library: str, data: str) -> None:
        try:
            self._lib = ctypes.CDLL(library)
        except OSError as error:
            raise Failure("engine", "espeak-ng cannot be loaded") from error
        self._lib.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_Voice))
        self._lib.espeak_Synth.argtypes = (
            *(ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int, ctypes.c_uint, ctypes.c_uint),
            *(ctypes.c_void_p, ctypes.c_void_p),
        )
        self.sample_rate: int = self._lib.espeak_Initialize(SYNCHRONOUS, BUFFER_MS, os.fsencode(data), DO_NOT_EXIT)
        if self.sample_rate <= 0:
            raise Failure("engine", "espeak-ng did not start")

    def voices(self) -> Iterator[tuple[str, list[str], str, int]]:
        """Yield (name, languages best first, identifier, gender 0 unknown, 1 male, 2 female)."""
        listed = self._lib.espeak_ListVoices(None)
        index = 0
        while listed[index]:
            voice = listed[index].contents
            yield voice.name.decode("utf-8"), list(_languages(voice.languages)), voice.identifier.decode("utf-8"), voice.gender
            index += 1

    def choose(self, code: str, *, rate: int, pitch: int) -> None:
        """Take the voice ``code`` at ``rate`` words a minute and ``pitch`` 0 to 99."""
        if self._lib.espeak_SetVoiceByName(code.encode("utf-8")) != 0:
            raise Failure("voice", "no such voice")
        self._lib.espeak_SetParameter(PARAMETER_RATE, rate, 0)
        self._lib.espeak_SetParameter(PARAMETER_PITCH, pitch, 0)

    def listen(self, heard: Callable[[bytes, list[tuple[int, int]]], bool]) -> None:
        """Call ``heard`` with 16 bit samples and (character, sample) word events; True from it stops the speech."""

        def receive(wave: int | None, samples: int, events: Any) -> int:
            words = []
            index = 0
            while events[index].type != EVENT_END:
                if events[index].type == EVENT_WORD:
                    words.append((events[index].text_position - 1, events[index].sample))
                index += 1
            pcm = ctypes.string_at(wave, samples * SAMPLE_BYTES) if wave and samples > 0 else b""
            return int(heard(pcm, words))

        # The library keeps only the address: this reference keeps the callback alive.
        self._receive = _Callback(receive)
        self._lib.espeak_SetSynthCallback(self._receive)

    def speak(self, text: str) -> None:
        """Speak ``text`` and return when its last samples were heard."""
        raw = text.encode("utf-8", "replace")
        if self._lib.espeak_Synth(raw, len(raw) + 1, 0, BY_CHARACTER, 0, UTF8_PLAIN_END_PAUSE, None, None) != 0:
            raise Failure("engine", "espeak-ng refused the text")


def _languages(address: int) -> Iterator[str]:
    while ctypes.string_at(address, 1) != b"\0":
        language = ctypes.string_at(address + 1)
        yield language.decode("utf-8")
        address += len(language) + 2


class Encoder(Protocol):
    """Takes 16 bit mono samples in pieces and writes a file."""

    def write(self, pcm: bytes) -> None:
        """Encode one piece."""

    def close(self) -> None:
        """Write what is left and close the file."""


class Mp3:
    """MP3 at a constant 64 kbit/s, appended to a file that may hold a tag already."""

    def __init__(self, path: str, sample_rate: int) -> None:
        self._file: BinaryIO = open(path, "ab")  # noqa: SIM115, PTH123 - closed in close(); importing pathlib costs 10 ms a page
        self._lame = importlib.import_module("lameenc").Encoder()
        self._lame.silence()
        self._lame.set_channels(1)
        self._lame.set_in_sample_rate(sample_rate)
        self._lame.set_out_sample_rate(sample_rate)
        self._lame.set_bit_rate(MP3_KBITS)
        self._lame.set_quality(MP3_QUALITY)

    def write(self, pcm: bytes) -> None:
        """Encode one piece."""
        self._file.write(self._lame.encode(pcm))

    def close(self) -> None:
        """Write the last frame and close the file."""
        self._file.write(self._lame.flush())
        self._file.close()


class Flac:
    """FLAC through libsndfile, in pieces: whole arrays crash some of its encoders."""

    def __init__(self, path: str, sample_rate: int, title: str) -> None:
        soundfile = importlib.import_module("soundfile")
        self._file = soundfile.SoundFile(path, "w", samplerate=sample_rate, channels=1, subtype="PCM_16", format="FLAC")
        if title:
            self._file.title = title

    def write(self, pcm: bytes) -> None:
        """Encode one piece."""
        self._file.buffer_write(pcm, dtype="int16")

    def close(self) -> None:
        """Complete the header and close the file."""
        self._file.close()


class Recording:
    """Hears the samples: encodes, hashes and measures them, and counts words."""

    def __init__(self, encoder: Encoder, *, stopped: threading.Event, max_samples: int) -> None:
        self.samples = 0
        self.words: list[int] = []
        self.failure: Exception | None = None
        self.hash = hashlib.sha256()
        self.sentence = 0
        self._base = 0
        self._loudness = bytearray()
        self._encoder = encoder
        self._stopped = stopped
        self._max_samples = max_samples

    def begin(self, sentence: int) -> None:
        """Note that the next samples belong to the sentence with this number."""
        self.sentence = sentence
        self._base = self.samples

    def hear(self, pcm: bytes, words: list[tuple[int, int]]) -> bool:
        """Take one piece; return True to stop the engine."""
        try:
            for character, sample in words:
                self.words += (self.sentence, character, self._base + sample)
            if pcm:
                self._encoder.write(pcm)
                self.hash.update(pcm)
                self._measure(pcm)
                self.samples += len(pcm) // SAMPLE_BYTES
            if self.samples > self._max_samples:
                raise Failure("length")
        # An exception cannot cross the C library; it is raised again when the engine has returned.
        except Exception as error:  # noqa: BLE001 - boundary of the process: the parent gets one line
            self.failure = error
        return self.failure is not None or self._stopped.is_set()

    def _measure(self, pcm: bytes) -> None:
        loud = pcm[1 :: SAMPLE_BYTES * PEAK_STRIDE].translate(_LOUDNESS)
        step = PEAK_BLOCK // PEAK_STRIDE
        self._loudness += bytes(max(loud[at : at + step]) for at in range(0, len(loud), step))

    def peaks(self, buckets: int) -> list[int]:
        """Return the loudest value, 0 to 255, in each of ``buckets`` equal parts."""
        blocks = self._loudness or b"\0"
        edges = [index * len(blocks) // buckets for index in range(buckets + 1)]
        return [max(blocks[low : max(high, low + 1)]) for low, high in itertools.pairwise(edges)]


def _limit(*, memory_bytes: int, cpu_s: int) -> None:
    """Bound this process where the system can; elsewhere the parent's clock is the limit."""
    if sys.platform == "win32":
        return
    import resource

    for what, value in ((resource.RLIMIT_CORE, 0), (resource.RLIMIT_CPU, cpu_s), (resource.RLIMIT_AS, memory_bytes)):
        allowed = min([value, *(limit for limit in resource.getrlimit(what) if limit != resource.RLIM_INFINITY)])
        # Only the soft limit is set: at a hard one the kernel kills without saying why. macOS refuses some values.
        try:
            resource.setrlimit(what, (allowed, resource.getrlimit(what)[1]))
        except (OSError, ValueError):
            continue


def _emit(event: str, **fields: object) -> None:
    sys.stdout.write(json.dumps({"event": event, **fields}, separators=(",", ":")) + "\n")
    sys.stdout.flush()


def _watch(stopped: threading.Event) -> None:
    """Set ``stopped`` when the parent writes another byte or goes away."""
    os.read(0, 1)
    stopped.set()


def _read_request() -> dict[str, Any]:
    """Read the first line of stdin, unbuffered, so that the watcher sees what follows."""
    line = bytearray()
    while not line.endswith(b"\n"):
        piece = os.read(0, 65536)
        if not piece:
            raise Failure("stopped")
        line += piece
    found: dict[str, Any] = json.loads(line)
    return found


def _speak(engine: Espeak, recording: Recording, sentences: Sequence[str], stopped: threading.Event) -> None:
    engine.listen(recording.hear)
    total = sum(map(len, sentences)) or 1
    done, told = 0, time.monotonic()
    for index, sentence in enumerate(sentences):
        recording.begin(index)
        engine.speak(sentence)
        if recording.failure is not None:
            raise recording.failure
        if stopped.is_set():
            raise Failure("stopped")
        done += len(sentence)
        if time.monotonic() - told >= PROGRESS_EVERY_S:
            told = time.monotonic()
            _emit("progress", done=round(done / total, 4))


def _run(request: dict[str, Any], stopped: threading.Event) -> None:
    _limit(memory_bytes=request["memory_bytes"], cpu_s=request["cpu_s"])
    sys.path.extend(request["search"])
    engine = Espeak(request["library"], request["data"])
    if request["do"] == "voices":
        _emit("voices", voices=list(engine.voices()))
        return
    path, rate = request["path"], engine.sample_rate
    engine.choose(request["voice"], rate=request["rate"], pitch=request["pitch"])
    encoder: Encoder = Mp3(path, rate) if request["format"] == "mp3" else Flac(path, rate, request["title"])
    recording = Recording(encoder, stopped=stopped, max_samples=request["max_seconds"] * rate)
    _speak(engine, recording, request["sentences"], stopped)
    encoder.close()
    _emit(
        "result",
        samples=recording.samples,
        sample_rate=rate,
        pcm_sha256=recording.hash.hexdigest(),
        words=recording.words,
        peaks=recording.peaks(request["buckets"]),
    )


def _kind(error: Exception) -> str:
    if isinstance(error, Failure):
        return error.kind
    if isinstance(error, MemoryError):
        return "memory"
    # libsndfile's own error: the class is not imported for MP3, and here it can only mean a failed write.
    if isinstance(error, OSError) or type(error).__name__ == "LibsndfileError":
        return "disk"
    return "engine"


def main() -> int:
    """Serve one request; return the exit code: 0 done, 3 stopped, 4 failed."""
    stopped = threading.Event()
    request: dict[str, Any] = {}
    try:
        request = _read_request()
        threading.Thread(target=_watch, args=(stopped,), daemon=True).start()
        _run(request, stopped)
    # The boundary of the process: the parent gets one word and never a traceback.
    except Exception as error:  # noqa: BLE001 - boundary of the process: the parent gets one line
        kind = _kind(error)
        if request.get("path"):
            _remove(request["path"])
        try:
            _emit("error", kind=kind, detail=type(error).__name__)
        except OSError:
            # Nobody is left to tell.
            return EXIT_FAILED
        return EXIT_STOPPED if kind == "stopped" else EXIT_FAILED
    return 0


def _remove(path: str) -> None:
    try:
        os.unlink(path)  # noqa: PTH108 - importing pathlib costs 10 ms a page
    except OSError:
        # The parent removes it as well.
        return


if __name__ == "__main__":
    # Without the interpreter's tear-down, which the blocked watcher would only slow.
    os._exit(main())
