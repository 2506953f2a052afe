"""The drawer of the Documents page over a real backend: read, speak, hear, export, rename, delete."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QDialog
from pytestqt.qtbot import QtBot

from backend_core.backend import Backend
from backend_core.policy import Actor
from desktop.pages.documents.dialogs import VoiceDialog, voice_lines
from desktop.widgets.dialogs import ConfirmByTyping
from tests.desktop.pages.document_scene import PAGES, RunJobs, Scene, Wait, generated, opened


def test_a_page_is_generated_and_heard_with_its_words_highlighted(
    scene: Callable[[], Scene], make_document: Callable[..., int], run_jobs: RunJobs, qtbot: QtBot, wait_until: Wait
) -> None:
    make_document(*PAGES)
    made = scene()
    opened(made, wait_until)
    pages = made.page.drawer.pages
    assert pages.panel.generate.text().strip() == "Generate 2 pages"
    generated(made, run_jobs, wait_until)
    wait_until(lambda: pages.badge.text().startswith("Ready"))
    assert not pages.panel.generate.isEnabled()
    pages.play.click()
    seen: list[str] = []

    def hear() -> bool:
        word = pages.view.spoken_word
        if word and (not seen or seen[-1] != word):
            seen.append(word)
        return len(seen) >= 4

    wait_until(hear, timeout=20)
    assert PAGES[0].split()[: len(seen)] == seen
    player = made.page.listening.player
    assert made.desk.docked[-1] is player
    assert player.silent
    start = PAGES[0].index("audio")
    rect = next(iter(pages.view._rects((start, start + len("audio")))))
    qtbot.mouseClick(pages.view.viewport(), Qt.MouseButton.LeftButton, pos=rect.center().toPoint())
    wait_until(lambda: pages.view.spoken_word == "audio")


def test_the_next_page_plays_by_itself_and_the_reader_turns_with_it(
    scene: Callable[[], Scene], make_document: Callable[..., int], run_jobs: RunJobs, wait_until: Wait
) -> None:
    make_document(*PAGES)
    made = scene()
    opened(made, wait_until)
    generated(made, run_jobs, wait_until)
    made.page.listening.play_document(made.details.document.id)
    player = made.page.listening.player
    wait_until(lambda: player.playing)
    player.seek(player.track.clip.seconds - 0.1 if player.track is not None else 0)
    wait_until(lambda: made.page.listening.current is not None and made.page.listening.current.audio.page == 2)
    wait_until(lambda: made.page.drawer.page_number == 2 and made.page.drawer.pages.view.spoken_word)
    made.page.listening.step(1)
    wait_until(lambda: "No further page has audio in this voice." in made.said)


def test_cancel_stops_what_waits(scene: Callable[[], Scene], make_document: Callable[..., int], backend: Backend, wait_until: Wait) -> None:
    make_document(*PAGES)
    made = scene()
    opened(made, wait_until)
    panel = made.page.drawer.pages.panel
    wait_until(panel.generate.isEnabled)
    panel.generate.click()
    wait_until(panel.progress.isVisible)
    panel.progress.cancel.click()
    wait_until(lambda: panel.generate.isVisible() and panel.generate.isEnabled())
    assert backend.jobs.open_count() == 0
    states = [line.job.state for line in made.details.jobs if line.job.task == "documents.speak"]
    assert states == ["cancelled", "cancelled"]


def test_deleting_needs_the_title_and_undo_brings_the_document_back(
    scene: Callable[[], Scene], make_document: Callable[..., int], qtbot: QtBot, wait_until: Wait
) -> None:
    make_document("One page.", title="Annual report")
    made = scene()
    opened(made, wait_until, "Annual report")
    made.page.drawer.ask_delete()
    dialog = next(widget for widget in QApplication.topLevelWidgets() if isinstance(widget, ConfirmByTyping))
    assert not dialog.go.isEnabled()
    qtbot.keyClicks(dialog.field, "Annual report")
    dialog.go.click()
    wait_until(lambda: made.titles == [] and made.undos)
    assert not made.page.drawer.isVisible()
    made.undos[-1]()
    wait_until(lambda: made.titles == ["Annual report"])


def test_deleted_audio_leaves_the_player_and_can_be_brought_back(
    scene: Callable[[], Scene], make_document: Callable[..., int], run_jobs: RunJobs, wait_until: Wait
) -> None:
    make_document(PAGES[0])
    made = scene()
    opened(made, wait_until)
    generated(made, run_jobs, wait_until)
    audio = made.page.drawer.audio
    audio.table.opened.emit(audio.table.row_at(0))
    wait_until(lambda: made.page.listening.current is not None)
    audio.delete(audio.table.row_at(0))
    wait_until(lambda: not audio.table.rows and made.page.listening.current is None)
    assert made.desk.docked[-1] is None
    made.undos[-1]()
    wait_until(lambda: len(audio.table.rows) == 1)


def test_an_export_lies_where_the_user_said(
    scene: Callable[[], Scene], make_document: Callable[..., int], run_jobs: RunJobs, wait_until: Wait, tmp_path: Path
) -> None:
    make_document(PAGES[0])
    made = scene()
    opened(made, wait_until)
    generated(made, run_jobs, wait_until)
    made.page.drawer.audio.export_to(tmp_path / "out.vtt", format="vtt")
    wait_until(lambda: "Exported to out.vtt" in made.said)
    assert (tmp_path / "out.vtt").read_text(encoding="utf-8").startswith("WEBVTT")
    made.page.drawer.audio.export_to(tmp_path / "absent" / "out.mp3", format="mp3")
    wait_until(lambda: len(made.said) > 1 and "could not be written" in made.said[-1])


def test_a_rename_that_meets_another_loses_nothing_that_was_typed(
    scene: Callable[[], Scene], make_document: Callable[..., int], backend: Backend, actor: Actor, qtbot: QtBot, wait_until: Wait
) -> None:
    document_id = make_document("One page.", title="First title")
    made = scene()
    details = opened(made, wait_until, "First title")
    drawer = made.page.drawer
    drawer.start_rename()
    drawer.field.setText("My title")
    backend.documents.rename(document_id, "Their title", actor=actor, version=details.document.version)
    qtbot.keyClick(drawer.field, Qt.Key.Key_Return)
    wait_until(lambda: drawer.conflict.isVisible() and "Their title" in drawer.conflict.text())
    assert drawer.field.isVisible()
    assert drawer.field.text() == "My title"
    assert backend.documents.get(document_id, actor=actor).title == "Their title"
    qtbot.keyClick(drawer.field, Qt.Key.Key_Return)
    wait_until(lambda: made.titles == ["My title"] and not drawer.field.isVisible())


def test_a_voice_is_found_by_language_and_used(
    scene: Callable[[], Scene], make_document: Callable[..., int], backend: Backend, run_jobs: RunJobs, wait_until: Wait
) -> None:
    make_document(PAGES[0])
    made = scene()
    opened(made, wait_until)
    panel = made.page.drawer.pages.panel
    assert panel.voice.voice is not None
    assert panel.voice.voice.language.startswith("en")
    lines = voice_lines(backend.speech.voices(), language="de")
    assert lines[0].group == "German"
    assert len(lines) == len(backend.speech.voices())
    panel.voice.choose()
    dialog = next(widget for widget in QApplication.topLevelWidgets() if isinstance(widget, VoiceDialog))
    dialog.search.setText("german")
    dialog.search.returnPressed.emit()
    dialog.table.selectRow(0)
    dialog.go.click()
    assert panel.voice.voice.language == "de"
    panel.voice.rate.setValue(120)
    generated(made, run_jobs, wait_until)
    row = made.details.audios[0].audio
    assert (row.voice, row.rate) == (panel.voice.voice.id, 120)
    panel.voice.preview.click()
    wait_until(lambda: panel.voice.preview.text().strip() == "Stop")
    wait_until(lambda: panel.voice._short._playback is not None)
    panel.voice.preview.click()
    wait_until(lambda: panel.voice.preview.text().strip() == "Preview")
    assert not [widget for widget in QApplication.topLevelWidgets() if isinstance(widget, QDialog) and widget.isVisible()]
