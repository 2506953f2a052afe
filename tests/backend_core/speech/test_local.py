"""The local engine speaks: decodable files, exact marks, the same samples each time, nothing silent."""

from __future__ import annotations

import hashlib
import os
from array import array
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import miniaudio
import pytest
import soundfile

from backend_core.errors import InvalidInput, NotFound, TooLarge
from backend_core.speech import LocalEngine, SpeechRequest, SpokenAudio
from backend_core.speech.engine import MAX_CHARACTERS

PROSE = (
    "Dr. Smith opened the office at seven; the first boat came in at 7:45. Nobody had asked for 1,234 forms, or for the 3.14 kg of paper "
    "they weighed! By the end of the week, i.e. on 2026-03-14, there were $50.20 in the box. “Is that all?” she asked.\n\nThe well-known "
    "answer: it wasn’t. The wind turned to the north, the gulls moved inland, and the town grew quiet. In the afternoon the mechanic "
    "brought back the engine (no. 5); he had found nothing wrong. That, he said, was the trouble with engines."
)
LIMIT_S = 60.0


def speak(engine: LocalEngine, folder: Path, text: str = PROSE, **wanted: object) -> SpokenAudio:
    audio_format = str(wanted.pop("format", "mp3"))
    request = SpeechRequest(text=text, **{"voice": "local:en-gb", **wanted})  # type: ignore[arg-type]  # the tests give values of the right type
    return engine.synthesize(request, into=folder, format=audio_format, hard_limit_s=LIMIT_S)


@pytest.fixture(scope="module")
def page(engine: LocalEngine, tmp_path_factory: pytest.TempPathFactory) -> SpokenAudio:
    return speak(engine, tmp_path_factory.mktemp("page"), title="Ein Tïtel \x00\ud800")


def decoded(path: Path) -> array[int]:
    return miniaudio.decode_file(str(path), nchannels=1, sample_rate=22050).samples


def test_an_mp3_less_its_encoder_delay_is_as_long_as_the_speech(page: SpokenAudio) -> None:
    samples = len(decoded(page.path)) - page.encoder_delay_samples
    assert abs(samples - page.seconds * page.sample_rate) < page.sample_rate / 10
    assert page.bytes == page.path.stat().st_size
    assert page.sha256 == hashlib.sha256(page.path.read_bytes()).hexdigest()
    assert page.bytes == pytest.approx(page.seconds * 8000, rel=0.01)


def test_the_encoder_delay_is_where_the_speech_begins(engine: LocalEngine, tmp_path: Path) -> None:
    mp3 = speak(engine, tmp_path, "Tap. Tap. Tap.")
    flac = speak(engine, tmp_path, "Tap. Tap. Tap.", format="flac")
    heard, exact = decoded(mp3.path), soundfile.read(flac.path, dtype="int16")[0].tolist()
    loudest = max(range(len(exact)), key=lambda index: abs(exact[index]))
    window = range(loudest, loudest + 4000)

    def difference(delay: int) -> int:
        return sum(abs(heard[index + delay] - exact[index]) for index in window if index < len(exact))

    assert min(range(1000, 1200), key=difference) == mp3.encoder_delay_samples
    assert flac.encoder_delay_samples == 0


def test_flac_holds_exactly_the_samples_whose_hash_is_reported(engine: LocalEngine, tmp_path: Path, page: SpokenAudio) -> None:
    flac = speak(engine, tmp_path, format="flac", title="Tïtel\x00")
    samples, rate = soundfile.read(flac.path, dtype="int16")
    assert (rate, len(samples)) == (flac.sample_rate, round(flac.seconds * flac.sample_rate))
    assert hashlib.sha256(samples.tobytes()).hexdigest() == flac.pcm_sha256 == page.pcm_sha256
    with soundfile.SoundFile(flac.path) as file:
        assert file.title == "Tïtel"


def test_the_title_stands_in_an_id3_tag_without_what_cannot_be_printed(page: SpokenAudio) -> None:
    head = page.path.read_bytes()[:100]
    assert head.startswith(b"ID3\x03\x00\x00")
    size = int.from_bytes(head[14:18], "big")
    assert head[10:14] == b"TIT2"
    assert head[21 : 20 + size].decode("utf-16").rstrip("\0") == "Ein Tïtel"
    assert head[20 + size : 22 + size] == b"\xff\xf3"


def test_every_token_has_a_mark_at_a_word_start_and_the_last_ends_with_the_audio(page: SpokenAudio) -> None:
    marks = page.marks
    starts = [mark for mark in marks if PROSE[mark.start].isalnum() or PROSE[mark.start] == "$"]
    at_word = [mark for mark in starts if mark.start == 0 or not PROSE[mark.start - 1].isalnum()]
    assert len(at_word) / len(marks) >= 0.99
    assert all(before.end <= after.start and before.end_ms == after.start_ms for before, after in pairwise(marks))
    assert marks[0].start_ms == 0
    assert 0 <= page.seconds * 1000 - marks[-1].end_ms < 1000
    assert {PROSE[mark.start : mark.end] for mark in marks} >= {"Dr.", "1,234", "3.14 kg", "i.e.", "2026-03-14", "$50.20", "wasn’t", "no."}


def test_marks_follow_the_speech(engine: LocalEngine, tmp_path: Path) -> None:
    alone = speak(engine, tmp_path, "The wind turned to the north.").seconds
    both = speak(engine, tmp_path, "The wind turned to the north. Gulls moved inland.")
    second = next(mark for mark in both.marks if mark.start == 30)
    assert second.start_ms / 1000 == pytest.approx(alone, abs=0.25)


def test_sentences_cover_every_mark_in_order(page: SpokenAudio) -> None:
    assert all(before[1] <= after[0] for before, after in pairwise(page.sentences))
    assert all(any(low <= mark.start and mark.end <= high for low, high in page.sentences) for mark in page.marks)
    assert PROSE[slice(*page.sentences[0])] == "Dr. Smith opened the office at seven; the first boat came in at 7:45."


def test_the_same_request_gives_the_same_samples_also_beside_three_others(engine: LocalEngine, tmp_path: Path, page: SpokenAudio) -> None:
    with ThreadPoolExecutor(4) as pool:
        again = list(pool.map(lambda text: speak(engine, tmp_path, text), [PROSE, "Other words.", PROSE, "\x01400S Quick words."]))
    assert again[0].pcm_sha256 == again[2].pcm_sha256 == page.pcm_sha256
    assert again[0].marks == page.marks
    assert len({audio.pcm_sha256 for audio in again}) == 3
    assert len({audio.path for audio in again}) == 4


def test_no_text_changes_the_voice_of_the_next(engine: LocalEngine, tmp_path: Path) -> None:
    clean = speak(engine, tmp_path, "The quick brown fox.")
    hostile = speak(engine, tmp_path, "The quick \x01400S \x0199P brown fox.")
    assert speak(engine, tmp_path, "The quick brown fox.").pcm_sha256 == clean.pcm_sha256
    # The command is read out as "400 S", so the text takes longer; obeyed, it would take less.
    assert hostile.seconds > clean.seconds


def test_control_characters_and_nul_cut_nothing_off(engine: LocalEngine, tmp_path: Path) -> None:
    whole = speak(engine, tmp_path, "one two three four five six")
    nul = speak(engine, tmp_path, "one two \x00 three \x01 four \x1b five \ud800 six")
    assert nul.pcm_sha256 == whole.pcm_sha256
    assert len(nul.marks) == 6


def test_markup_is_text(engine: LocalEngine, tmp_path: Path) -> None:
    audio = speak(engine, tmp_path, 'a <break time="3600s"/> b')
    assert audio.seconds < 20


def test_duration_follows_text_and_rate_and_pitch_changes_the_sound(engine: LocalEngine, tmp_path: Path) -> None:
    text = "It was the best of times, it was the worst of times. "
    once, thrice = speak(engine, tmp_path, text), speak(engine, tmp_path, text * 3)
    assert thrice.seconds / once.seconds == pytest.approx(3, rel=0.05)
    for rate in (50, 300):
        assert once.seconds / speak(engine, tmp_path, text, rate=rate).seconds == pytest.approx(rate / 100, rel=0.15)
    assert speak(engine, tmp_path, text, pitch=90).pcm_sha256 != once.pcm_sha256


def test_loudness_is_shown_in_200_parts_with_silence_in_none_but_the_pauses(page: SpokenAudio) -> None:
    assert len(page.peaks) == 200
    assert max(page.peaks) > 100
    assert sum(peak > 20 for peak in page.peaks) > 150
    assert all(0 <= peak <= 255 for peak in page.peaks)


@pytest.mark.parametrize("text", ["", " \n\t", "\x00\x01", "...", "— ! —", "\ud800", "\u200b"])
def test_a_text_without_words_is_refused_before_the_engine_is_called(
    engine: LocalEngine, tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LECTERN_ENGINE_CALLS", str(tmp_path / "calls"))
    with pytest.raises(InvalidInput, match=r"^There is no"):
        speak(engine, tmp_path, text)
    assert list(tmp_path.iterdir()) == []


def test_a_voice_that_is_silent_on_a_text_is_refused(engine: LocalEngine, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="choose a voice of its language"):
        speak(engine, tmp_path, "1 2 3", voice="local:chr-us-qaaa-x-west")
    assert list(tmp_path.iterdir()) == []


def test_values_out_of_range_are_refused(engine: LocalEngine, tmp_path: Path) -> None:
    for wanted in ({"rate": 49}, {"rate": 301}, {"pitch": -1}, {"pitch": 100}, {"format": "exe"}, {"skips": ((0, 9999, "x"),)}):
        with pytest.raises(InvalidInput):
            speak(engine, tmp_path, **wanted)
    with pytest.raises(TooLarge, match="1,000,000 characters"):
        speak(engine, tmp_path, "a" * 1_000_000)
    assert MAX_CHARACTERS < 1_000_000
    with pytest.raises(NotFound):
        speak(engine, tmp_path, voice="local:klingon-opera")


def test_each_real_call_is_one_line_in_the_calls_file(engine: LocalEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = tmp_path / "calls"
    monkeypatch.setenv("LECTERN_ENGINE_CALLS", str(calls))
    speak(engine, tmp_path, "one")
    speak(engine, tmp_path, "two words", voice="local:de")
    assert calls.read_text() == "local:en-gb 3\nlocal:de 9\n"


def test_only_the_finished_file_is_left(engine: LocalEngine, tmp_path: Path) -> None:
    audio = speak(engine, tmp_path, "one")
    assert [audio.path] == list(tmp_path.iterdir())
    assert audio.path.suffix == ".mp3"
    assert os.access(audio.path, os.R_OK)


def test_progress_rises_to_one(engine: LocalEngine, tmp_path: Path) -> None:
    seen: list[float] = []
    request = SpeechRequest(text=PROSE * 12, voice="local:en-gb")
    engine.synthesize(request, into=tmp_path, progress=seen.append, hard_limit_s=LIMIT_S)
    assert len(seen) > 2
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
