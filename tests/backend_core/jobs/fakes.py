"""Engines that misbehave on purpose; only the last step of speech is false, everything before and after it is real."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from backend_core.errors import VoiceFailed
from backend_core.speech import local
from backend_core.speech.engine import SpeechRequest, SpokenAudio, Voice
from backend_core.speech.local import LocalEngine

_HANGING = """
import os, pathlib, subprocess, sys, time
program, pids = sys.argv[1:]
line = sys.stdin.buffer.readline()
if b'"voices"' in line:
    sys.exit(subprocess.run([sys.executable, "-I", "-S", program], input=line).returncode)
with open(pids, "a") as file:
    file.write(f"{os.getpid()}\\n")
time.sleep(600)
"""


def hanging_engine(folder: Path) -> tuple[LocalEngine, Path]:
    """Return an engine whose voice process never answers a request to speak, and the file with the ids of those processes."""
    script, pids = folder / "hanging.py", folder / "pids"
    script.write_text(_HANGING, encoding="utf-8")
    real = Path(local.__file__).with_name("voice_process.py")
    return LocalEngine(command=(sys.executable, str(script), str(real), str(pids))), pids


class Scripted:
    """The local engine, with what happens before it speaks in the hands of the test."""

    name = "local"

    def __init__(self, before: Callable[[SpeechRequest], None], *, inner: LocalEngine | None = None, deaf: bool = False) -> None:
        """Call ``before`` for each request; a deaf engine never hears that it should stop."""
        self._inner = inner or LocalEngine()
        self._before = before
        self._deaf = deaf

    def voices(self) -> tuple[Voice, ...]:
        return self._inner.voices()

    def synthesize(self, request: SpeechRequest, **options: Any) -> SpokenAudio:
        self._before(request)
        if self._deaf:
            options["should_stop"] = lambda: False
        return self._inner.synthesize(request, **options)


def broken(_request: SpeechRequest) -> None:
    """Fail as a voice process that died would."""
    raise VoiceFailed("The voice process stopped before the audio was complete.")
