"""A few words in a voice, to choose by ear before a whole document is spoken."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from backend_core.policy import Actor, Target, authorize
from backend_core.speech.engine import SpokenAudio
from backend_core.speech.service import Speech


class Previews:
    """Previews of voices; nothing of them is kept."""

    def __init__(self, speech: Speech, *, scratch: Path) -> None:
        self._speech = speech
        self._scratch = scratch

    @contextlib.contextmanager
    def preview(self, voice: str, *, actor: Actor, rate: int = 100, pitch: int = 50) -> Iterator[SpokenAudio]:
        """Speak one sentence in the voice's own language; the file is gone when the block ends.

        Raises:
            NotFound: no such voice.
            VoiceFailed: the voice process stopped.
        """
        authorize(actor, "voice.preview", Target(kind="voice", id=voice))
        self._scratch.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder = Path(tempfile.mkdtemp(dir=self._scratch, prefix="preview-"))
        try:
            yield self._speech.preview(voice, into=folder, rate=rate, pitch=pitch)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
