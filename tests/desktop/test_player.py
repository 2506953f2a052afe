"""Playback, the player bar, the waveform and the reading view."""

from __future__ import annotations

import itertools
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import miniaudio
import numpy as np
import pytest
import soundfile
from PySide6.QtCore import QPoint, Qt, QUrl
from PySide6.QtGui import QTextDocument
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from backend_core.errors import DamagedObject
from backend_core.speech.engine import SpeechRequest, SpokenAudio
from backend_core.speech.local import LocalEngine
from desktop.background import Background
from desktop.sound import BUFFER_MS, Clip, Playback, Stretch, read_clip
from desktop.style import Theme
from desktop.widgets.player import Player, Track
from desktop.widgets.reading_view import ReadingView
from desktop.widgets.short_play import ShortPlay
from desktop.widgets.waveform import Waveform

RATE = 22_050
TEXT = "The board approved the programme in March. Every document carries an audio edition. Readers stay longer."
Wait = Callable[..., None]


def tone(hertz: float, seconds: float) -> Clip:
    """A sine."""
    frames = np.arange(round(RATE * seconds))
    return Clip((8000 * np.sin(2 * np.pi * hertz * frames / RATE)).astype(np.int16), RATE)


def pitch(samples: np.ndarray) -> float:
    """The strongest frequency in Hz."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(samples.size)))
    return float(np.argmax(spectrum) * RATE / samples.size)


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> dict[str, SpokenAudio]:
    """The same text as MP3 and as FLAC."""
    engine, folder = LocalEngine(), tmp_path_factory.mktemp("spoken")
    request = SpeechRequest(text=TEXT, voice="local:en-gb")
    return {kind: engine.synthesize(request, into=folder, format=kind, hard_limit_s=30) for kind in ("mp3", "flac")}


@pytest.fixture
def playback() -> Iterator[Callable[..., Playback]]:
    """Open playbacks that are closed after the test."""
    made: list[Playback] = []

    def make(clip: Clip, *, backends: Sequence[miniaudio.Backend] | None = None) -> Playback:
        made.append(Playback(clip, silent=backends is None, backends=backends))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_decoded_speech_lies_on_the_lossless_one_so_that_marks_fit(spoken: dict[str, SpokenAudio]) -> None:
    mp3 = spoken["mp3"]
    clip = read_clip(mp3.path, encoder_delay=mp3.encoder_delay_samples)
    plain, rate = soundfile.read(spoken["flac"].path, dtype="float64")
    assert rate == clip.rate
    assert abs(clip.seconds - mp3.seconds) < 0.1
    heard = clip.samples[: plain.size].astype(float)
    shifts = range(-220, 221)
    likeness = [float(np.dot(plain[4000:40_000], heard[4000 + shift : 40_000 + shift])) for shift in shifts]
    assert abs(shifts[int(np.argmax(likeness))]) <= RATE // 1000


def test_a_file_that_is_no_audio_gives_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "audio"
    path.write_bytes(b"not music")
    with pytest.raises(DamagedObject, match="cannot be played"):
        read_clip(path)
    with pytest.raises(DamagedObject):
        read_clip(tmp_path / "absent")


@pytest.mark.parametrize("speed", [0.5, 0.75, 1.5, 2.0])
def test_another_speed_keeps_the_pitch(speed: float) -> None:
    clip = tone(220, 4)
    stretch = Stretch(clip.samples, rate=RATE)
    wave = stretch.read(round(clip.samples.size / speed), speed=speed)
    assert stretch.place == pytest.approx(clip.samples.size, abs=RATE * 0.03)
    assert pitch(wave[RATE // 2 : RATE // 2 + RATE]) == pytest.approx(220, abs=2)
    loudness = np.sqrt(np.mean(wave[RATE // 2 : RATE] ** 2))
    assert loudness == pytest.approx(8000 / np.sqrt(2), rel=0.1)


def test_normal_speed_changes_no_sample_after_the_first_hundredth() -> None:
    clip = tone(220, 1)
    wave = Stretch(clip.samples, rate=RATE).read(clip.samples.size, speed=1.0)
    assert np.abs(wave[RATE // 50 :] - clip.samples[RATE // 50 :]).max() < 1


def test_the_position_is_the_clocks_and_never_runs_ahead_of_what_was_delivered(playback: Callable[..., Playback]) -> None:
    played = playback(tone(220, 3))
    played.play()
    played.wake()
    started, before = time.monotonic(), 0.0
    while (passed := time.monotonic() - started) < 0.6:
        here = played.position
        assert before <= here <= passed + BUFFER_MS / 1000
        before = here
        time.sleep(0.005)
    assert before > 0.3
    played.pause()
    still = played.position
    assert played.position == still == pytest.approx(before, abs=0.05)
    played.rest()
    played.seek(2.9)
    assert played.position == pytest.approx(2.9)
    played.play()
    played.wake()
    while not played.ended:
        assert time.monotonic() - started < 10
        time.sleep(0.005)
    assert played.position == pytest.approx(3, abs=0.001)


def test_without_a_device_time_passes_all_the_same(playback: Callable[..., Playback]) -> None:
    foreign = (
        miniaudio.Backend.COREAUDIO if miniaudio.Backend.COREAUDIO not in miniaudio.get_enabled_backends() else miniaudio.Backend.WASAPI
    )
    played = playback(tone(220, 1), backends=[foreign])
    assert played.silent
    played.play()
    played.wake()
    deadline = time.monotonic() + 5
    while not played.ended:
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_program_that_ends_while_something_plays_does_not_hang() -> None:
    program = """
import time
import numpy
from desktop.sound import Clip, Playback

played = Playback(Clip(numpy.zeros(220_500, numpy.int16), 22_050), silent=True)
played.play()
played.wake()
while played.position < 0.1:
    time.sleep(0.005)
"""
    root = Path(__file__).parents[2]
    ended = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, timeout=30, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")


def track(seconds: float = 3, key: object = "one") -> Track:
    """A sine with three sentences."""
    return Track(key, "Annual report · page 1", "English", tone(220, seconds), (10, 200, 90, 255), (0.0, 1.0, 2.0))


@pytest.fixture
def player(qtbot: QtBot, theme: Theme, background: Background, wait_until: Wait) -> Iterator[Player]:
    """A player on the screen."""
    made = Player(background)
    qtbot.addWidget(made)
    made.resize(1200, 76)
    made.show()
    yield made
    made.stop()
    wait_until(lambda: not background.pending)


def test_the_player_plays_steps_by_sentence_and_reports_the_end(player: Player, qtbot: QtBot, wait_until: Wait) -> None:
    ended: list[object] = []
    steps: list[int] = []
    places: list[float] = []
    player.ended.connect(lambda one: ended.append(one.key))
    player.step_wanted.connect(steps.append)
    player.moved.connect(places.append)
    player.open(track)
    wait_until(lambda: player.playing and player.position > 0.1)
    assert player.title.text() == "Annual report · page 1"
    player.step(1)
    assert player.position == pytest.approx(1.0, abs=0.2)
    player.step(-1)
    assert player.position < 0.3
    player.step(-1)
    assert steps == [-1]
    player.seek(2.8)
    player.step(1)
    assert steps == [-1, 1]
    wait_until(lambda: ended == ["one"])
    assert not player.playing
    assert places[-1] == pytest.approx(3, abs=0.01)
    player.play()
    wait_until(lambda: 0 < player.position < 1)
    qtbot.keyClick(player, Qt.Key.Key_Space)
    assert not player.playing
    assert player.button.accessibleName() == "Play"


def test_speed_and_volume_stay_for_the_next_track(player: Player, wait_until: Wait) -> None:
    player.set_speed(2.0)
    player.set_volume(0.3)
    player.open(lambda: track(key="first"))
    wait_until(lambda: player.track is not None)
    player.open(lambda: track(30, "second"))
    wait_until(lambda: player.track is not None and player.track.key == "second")
    started, place = time.monotonic(), player.position
    wait_until(lambda: player.position - place > max(0.3, 1.3 * (time.monotonic() - started)))
    assert player.speed.text() == "2×"
    assert player.volume.value() == 30


def test_a_device_that_goes_away_leaves_the_reader_his_place(player: Player, wait_until: Wait) -> None:
    player.open(track)
    wait_until(lambda: player.position > 0.1)
    lost = player._playback
    assert lost is not None
    lost._device.stop()
    wait_until(lambda: player._playback is not None and player._playback is not lost, timeout=8)
    place = player.position
    assert place > 0.1
    wait_until(lambda: player.position > place + 0.1)


def test_a_track_that_cannot_be_opened_is_told(player: Player, wait_until: Wait, tmp_path: Path) -> None:
    told: list[object] = []
    player.failed.connect(told.append)
    player.open(lambda: Track("x", "", "", read_clip(tmp_path / "absent"), (), ()))
    wait_until(lambda: told)
    assert isinstance(told[0], DamagedObject)


def test_a_short_clip_plays_once(qtbot: QtBot, theme: Theme, background: Background, player: Player, wait_until: Wait) -> None:
    short, over = ShortPlay(background, player), []
    short.finished.connect(lambda: over.append(1))
    short.open(lambda: tone(220, 0.2))
    wait_until(lambda: over)


def test_a_click_and_the_keys_choose_a_place_in_the_waveform(qtbot: QtBot, theme: Theme) -> None:
    wave, asked = Waveform(name="Place"), []
    qtbot.addWidget(wave)
    wave.resize(400, 44)
    wave.show()
    wave.seek_wanted.connect(asked.append)
    qtbot.mouseClick(wave, Qt.MouseButton.LeftButton, pos=QPoint(200, 20))
    assert asked == []
    wave.set_audio((1, 2, 3), seconds=60, sentences=(0, 20))
    qtbot.mouseClick(wave, Qt.MouseButton.LeftButton, pos=QPoint(200, 20))
    wave.set_position(30)
    for key in (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_End):
        qtbot.keyClick(wave, key)
    assert asked == [pytest.approx(30), 25, 35, 60]
    assert wave.accessibleDescription() == "0:30 of 1:00"
    assert not wave.grab().isNull()


def marks_of(text: str) -> tuple[list[tuple[int, int, int, int]], list[tuple[int, int]]]:
    """One mark of 100 ms for each word, and one sentence for each line."""
    marks, sentences, at = [], [], 0
    for line in text.split("\n"):
        sentences.append((at, at + len(line)))
        place = at
        for word in line.split(" "):
            marks.append((place, place + len(word), len(marks) * 100, (len(marks) + 1) * 100))
            place += len(word) + 1
        at += len(line) + 1
    return marks, sentences


@pytest.fixture
def view(qtbot: QtBot, theme: Theme) -> ReadingView:
    """A reading view on the screen."""
    made = ReadingView(name="Text")
    qtbot.addWidget(made)
    made.resize(380, 240)
    made.show()
    return made


def test_the_spoken_word_is_highlighted_and_kept_in_sight(view: ReadingView) -> None:
    text = "\n".join(f"line {n} has words" for n in range(60))
    view.show_text(text)
    marks, sentences = marks_of(text)
    view.set_speech(marks, sentences)
    words = text.replace("\n", " ").split(" ")
    for place, word in itertools.islice(enumerate(words), 0, None, 17):
        assert view.show_position(place * 100 + 50)
        assert view.spoken_word == word
        assert not view.show_position(place * 100 + 60)
        rect = next(iter(view._rects(marks[place][:2])))
        shown = view.verticalScrollBar().value()
        assert shown <= rect.top() <= shown + view.viewport().height()
    assert view.time_of(text.index("line 3 ") + 5) == words.index("3") * 100
    view.clear_speech()
    assert view.spoken_word == ""
    assert view.time_of(0) is None


def test_a_click_finds_its_word_behind_characters_of_two_units(view: ReadingView, qtbot: QtBot) -> None:
    text = "😀😀 first second\n𝔘𝔫𝔦 third"
    view.show_text(text)
    marks, sentences = marks_of(text)
    view.set_speech(marks, sentences)
    clicked: list[int] = []
    view.word_clicked.connect(clicked.append)
    for word in ("second", "third"):
        start = text.index(word)
        rect = next(iter(view._rects((start, start + len(word)))))
        qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=rect.center().toPoint())
        assert text[clicked[-1]] in word
        at = view.time_of(clicked[-1])
        assert at is not None
        view.show_position(at)
        assert view.spoken_word == word


@pytest.mark.trace("A17")
def test_markup_in_a_page_stays_characters_and_loads_nothing(view: ReadingView, tmp_path: Path) -> None:
    canary = tmp_path / "canary.png"
    canary.write_bytes(b"x")
    text = f'<img src="{canary.as_uri()}"><a href="file:///etc/passwd">link</a>\n![x]({canary.as_uri()})'
    view.show_text(text, skips=[(0, 4)])
    assert view.toPlainText() == text
    assert view.loadResource(QTextDocument.ResourceType.ImageResource.value, QUrl.fromLocalFile(str(canary))) is None
    skipped = view._cursor(view._skips[0])
    assert skipped.charFormat().fontStrikeOut()
    QApplication.processEvents()
    assert not view.grab().isNull()
