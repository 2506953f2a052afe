"""Voices have human names and standard tags, and every one of them speaks."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from backend_core.errors import NotFound
from backend_core.speech import LocalEngine, Speech, SpeechRequest, SpokenAudio, Voice
from backend_core.speech.catalogue import RawVoice, catalogue, language_tag
from backend_core.speech.engine import never, unheard

TAG = re.compile(r"[a-z]{2,4}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?(-[a-z0-9]{5,8})?(-x(-[a-z0-9]{1,8})+)?")


@pytest.fixture(scope="module")
def speech(engine: LocalEngine) -> Speech:
    return Speech([engine])


class Parrot:
    """A second engine, to see which one is asked."""

    name = "parrot"

    def __init__(self) -> None:
        self.heard: list[SpeechRequest] = []

    def voices(self) -> tuple[Voice, ...]:
        return (Voice(id="parrot:ara", engine="parrot", code="ara", language="pt-BR", label="Ara", gender=None, local=True),)

    def synthesize(
        self,
        request: SpeechRequest,
        *,
        into: Path,
        format: str = "mp3",  # noqa: A002 - the protocol's own word
        should_stop: Callable[[], bool] = never,
        progress: Callable[[float], None] = unheard,
        hard_limit_s: float,
    ) -> SpokenAudio:
        self.heard.append(request)
        raise NotFound("Parrots do not write files.")


def test_voices_have_unique_labels_ids_and_standard_language_tags(speech: Speech) -> None:
    voices = speech.voices()
    assert 100 <= len(voices) <= 150
    assert len({voice.id for voice in voices}) == len({voice.label for voice in voices}) == len(voices)
    assert [voice.label for voice in voices] == sorted(voice.label for voice in voices)
    assert [voice.language for voice in voices if not TAG.fullmatch(voice.language)] == []
    british = speech.voice("local:en-gb")
    assert (british.engine, british.language, british.label, british.local) == ("local", "en-GB", "English (Great Britain)", True)


def test_every_voice_introduces_itself(speech: Speech, tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        previews = list(pool.map(lambda voice: speech.preview(voice.id, into=tmp_path), speech.voices()))
    assert all(0.8 < audio.seconds < 12 and max(audio.peaks) > 60 for audio in previews)


def test_a_preview_says_what_it_is_asked_to(speech: Speech, tmp_path: Path) -> None:
    usual = speech.preview("local:de", into=tmp_path)
    assert speech.preview("local:de", into=tmp_path, text="Guten Tag, Herr Müller.").pcm_sha256 != usual.pcm_sha256
    assert speech.preview("local:de", into=tmp_path, rate=200).seconds < usual.seconds * 0.6


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        (None, "en-gb"),
        ("en", "en-gb"),
        ("en-US", "en-us"),
        ("en_AU", "en-gb"),
        ("de-AT", "de"),
        ("fr", "fr-fr"),
        ("pt-BR", "pt-br"),
        ("zh-Hant-TW", "cmn"),
        ("zh-HK", "yue"),
        ("no", "nb"),
        ("es-MX", "es-419"),
        ("tlh", "en-gb"),
        ("", "en-gb"),
    ],
)
def test_the_default_voice_speaks_the_language_else_english(speech: Speech, language: str | None, expected: str) -> None:
    assert speech.default_voice(language).id == f"local:{expected}"


@pytest.mark.parametrize("voice", ["", "local", "local:", "local:zz", "polly:joanna", "local:../../etc/passwd"])
def test_an_unknown_voice_is_not_found(speech: Speech, voice: str) -> None:
    with pytest.raises(NotFound):
        speech.voice(voice)


def test_the_prefix_of_the_voice_chooses_the_engine(engine: LocalEngine, tmp_path: Path) -> None:
    parrot = Parrot()
    speech = Speech([parrot, engine])
    with pytest.raises(NotFound, match="Parrots"):
        speech.preview("parrot:ara", into=tmp_path)
    assert [request.voice for request in parrot.heard] == ["parrot:ara"]
    assert speech.preview("local:pt-br", into=tmp_path).seconds > 1
    assert speech.default_voice("pt-BR").id == "parrot:ara"


def test_without_an_engine_there_is_no_default_voice() -> None:
    with pytest.raises(NotFound):
        Speech([]).default_voice("en")


def test_two_voices_of_one_name_get_two_labels() -> None:
    raw: list[RawVoice] = [
        {"name": "Twin ", "languages": ["yue"], "identifier": "sit/yue", "gender": 2},
        {"name": "Twin", "languages": ["yue"], "identifier": "sit/yue-x", "gender": 0},
    ]
    voices = catalogue(raw, engine="local")
    assert {voice.label for voice in voices} == {"Twin, sit/yue", "Twin, sit/yue-x"}
    assert {voice.id for voice in voices} == {"local:yue", "local:yue-x"}
    assert {voice.gender for voice in voices} == {"female", None}


@pytest.mark.parametrize(
    ("espeak", "standard"),
    [
        ("en-gb-scotland", "en-GB-scotland"),
        ("en-us-nyc", "en-US-x-nyc"),
        ("chr-US-Qaaa-x-west", "chr-Qaaa-US-x-west"),
        ("es-419", "es-419"),
        ("ca-va", "ca-valencia"),
        ("cmn-latn-pinyin", "cmn-Latn-pinyin"),
    ],
)
def test_espeaks_names_of_languages_become_standard_tags(espeak: str, standard: str) -> None:
    assert language_tag(espeak) == standard
