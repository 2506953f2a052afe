"""What the rest of Lectern asks of speech: the voices of all engines, speaking, and short previews."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from backend_core.errors import NotFound
from backend_core.speech.engine import Engine, SpeechRequest, SpokenAudio, Voice, never, unheard
from backend_core.speech.previews import preview_text

PREVIEW_LIMIT_S: Final = 20.0
FALLBACK_LANGUAGES: Final = ("en-GB", "en")
_ALIASES: Final = {
    **{"zh": "cmn", "zh-hk": "yue", "zh-mo": "yue", "no": "nb", "nn": "nb", "iw": "he", "in": "id", "sh": "hr"},
    **{f"es-{country}": "es-419" for country in ("mx", "ar", "co", "cl", "pe", "ve", "ec", "gt", "cu", "bo", "do", "hn", "py", "uy", "us")},
}
"""Tags documents carry, and the tag under which a voice is listed."""


class Speech:
    """Every engine behind one door."""

    def __init__(self, engines: Sequence[Engine]) -> None:
        self._engines = {engine.name: engine for engine in engines}

    def voices(self) -> tuple[Voice, ...]:
        """Return every voice of every engine, in the engines' order, by label within an engine.

        Raises:
            VoiceFailed: an engine cannot be asked.
        """
        return tuple(voice for engine in self._engines.values() for voice in engine.voices())

    def voice(self, voice_id: str) -> Voice:
        """Return the voice ``voice_id``, such as ``local:en-gb``.

        Raises:
            NotFound: no engine has it.
        """
        name = voice_id.partition(":")[0]
        if name in self._engines:
            for voice in self._engines[name].voices():
                if voice.id == voice_id:
                    return voice
        raise NotFound("There is no such voice.")

    def default_voice(self, language: str | None) -> Voice:
        """Return the voice for a BCP 47 ``language``: the same tag, else the same language, else English.

        Raises:
            NotFound: there is no voice at all.
        """
        voices = self.voices()
        asked = (language or "").replace("_", "-").lower()
        aliases = (_ALIASES.get(asked, ""), asked, _ALIASES.get(asked.partition("-")[0], ""))
        for wanted in (*aliases, *FALLBACK_LANGUAGES):
            found = _best(voices, wanted.lower())
            if found is not None:
                return found
        if not voices:
            raise NotFound("There is no voice on this machine.")
        return voices[0]

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
        """Speak with the engine the voice id names; see ``Engine.synthesize``."""
        engine = self._engines[self.voice(request.voice).engine]
        return engine.synthesize(request, into=into, format=format, should_stop=should_stop, progress=progress, hard_limit_s=hard_limit_s)

    def preview(self, voice_id: str, *, into: Path, text: str | None = None, rate: int = 100, pitch: int = 50) -> SpokenAudio:
        """Speak ``text``, or a short sentence in the voice's own language, as MP3 into the folder ``into``.

        Raises:
            NotFound: no such voice; and everything ``Engine.synthesize`` raises.
        """
        voice = self.voice(voice_id)
        said = preview_text(voice.language) if text is None else text
        request = SpeechRequest(text=said, voice=voice_id, rate=rate, pitch=pitch, title=voice.label)
        return self.synthesize(request, into=into, hard_limit_s=PREVIEW_LIMIT_S)


def _best(voices: Sequence[Voice], wanted: str) -> Voice | None:
    """Return the voice with the tag ``wanted`` (lower case), else the first that shares its language."""
    if not wanted:
        return None
    primary = wanted.partition("-")[0]
    exact = [voice for voice in voices if voice.language.lower() == wanted]
    if exact:
        return exact[0]
    same = [voice for voice in voices if voice.language.lower().partition("-")[0] == primary]
    preferred = [voice for voice in same if voice.language.lower() in (primary, f"{primary}-{primary}")]
    for fallback in FALLBACK_LANGUAGES:
        preferred += [voice for voice in same if voice.language == fallback]
    return next(iter([*preferred, *same]), None)
