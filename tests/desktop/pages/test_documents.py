"""The Documents page over a real backend: add, find, read, speak, hear, rename, delete."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QAbstractButton, QAbstractSlider, QApplication, QDialog, QLabel, QLineEdit, QWidget
from pytestqt.qtbot import QtBot
from sqlalchemy import event

from backend_core.backend import Backend
from backend_core.db.embedded import EmbeddedServer
from backend_core.errors import DatabaseAway
from backend_core.policy import Actor
from desktop.pages.documents.details import Details
from desktop.pages.documents.dialogs import VoiceDialog, file_stem, voice_lines
from desktop.pages.documents.page import SLICE, DocumentsPage
from desktop.widgets.dialogs import ConfirmByTyping
from tests.desktop.conftest import Desk

pytest_plugins = ["tests.lectern"]

PAGES = (
    "The board approved the programme in March. Every document carries an audio edition within one working day.",
    "A second page says a little more. It ends soon.",
)
HOSTILE = '<img src="file:///etc/hostname"> & <b>bold</b>'
Wait = Callable[..., None]
RunJobs = Callable[[], None]


class Switchable:
    """A backend whose database can be taken away."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self.away = False

    def __getattr__(self, name: str) -> Any:
        if self.away:
            raise DatabaseAway("The database does not answer.")
        return getattr(self._backend, name)


@dataclass
class Scene:
    """A page on the screen with everything around it."""

    page: DocumentsPage
    backend: Switchable
    desk: Desk
    undos: list[Callable[[], object]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    @property
    def titles(self) -> list[str]:
        """What the list shows, from the top."""
        return [line.document.title for line in self.page.table.rows]

    @property
    def details(self) -> Details:
        """What the drawer shows."""
        assert self.page.drawer.details is not None
        return self.page.drawer.details


@pytest.fixture
def scene(qtbot: QtBot, page_context: Callable[..., Desk], backend: Backend, actor: Actor, wait_until: Wait) -> Iterator[Callable[[], Scene]]:
    """Open the page once everything it shall find was made."""
    scenes: list[Scene] = []

    def show() -> Scene:
        switchable = Switchable(backend)
        desk = page_context(switchable, actor=actor)
        made = Scene(None, switchable, desk)  # type: ignore[arg-type]

        def notify(words: str, *, tone: str = "ok", undo: Callable[[], object] | None = None, action: str = "") -> None:
            made.said.append(words)
            if undo is not None:
                made.undos.append(undo)

        def dock(widget: QWidget | None) -> None:
            desk.docked.append(widget)
            if widget is not None:
                widget.setParent(desk.window)

        desk.context.changes.attach(backend.changes)
        made.page = DocumentsPage(replace(desk.context, notify=notify, dock=dock))
        qtbot.addWidget(made.page)
        made.page.resize(1228, 846)
        made.page.show()
        wait_until(lambda: made.page.loaded)
        scenes.append(made)
        return made

    yield show
    for made in scenes:
        made.page.listening.player.retire()
        made.page.hide()
    QApplication.processEvents()
    wait_until(lambda: not any(made.page.context.background.pending for made in scenes))


@pytest.fixture
def many(clean: EmbeddedServer, backend: Backend, make_document: Callable[..., int]) -> Callable[[int], None]:
    """Return a function that puts more documents into the list, straight into the table."""

    def fill(count: int) -> None:
        first = make_document("One page.", title="Document 0")
        query = """
            INSERT INTO documents (title, filename, kind, size_bytes, object_id, owner_id, status, correlation_id, page_count, characters, language)
            SELECT 'Document ' || n, 'document.txt', 'txt', 1000, object_id, owner_id, 'COMPLETED', 'x', 3, 900, 'en'
            FROM documents, generate_series(1, %s) AS n WHERE documents.id = %s
        """
        with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
            conn.execute(query, (count - 1, first))

    return fill


def drop(page: DocumentsPage, *paths: Path) -> None:
    """Let files fall on the page."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    page.dropEvent(QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, data, buttons, keys))


def opened(made: Scene, wait_until: Wait, title: str = "Sample") -> Details:
    """Open the drawer of a document and wait for it."""
    line = next(line for line in made.page.table.rows if line.document.title == title)
    made.page.open_document(line.id)
    wait_until(lambda: made.page.drawer.details is not None and made.page.drawer.details.document.id == line.id)
    return made.details


def generated(made: Scene, run_jobs: RunJobs, wait_until: Wait) -> None:
    """Press Generate and let the jobs run."""
    panel = made.page.drawer.pages.panel
    wait_until(lambda: panel.generate.isEnabled())
    panel.generate.click()
    wait_until(lambda: made.details.open_jobs)
    run_jobs()
    wait_until(lambda: not made.details.open_jobs and all(line.audio.status == "COMPLETED" for line in made.details.audios))


def test_a_fresh_start_has_one_message_and_one_action(scene: Callable[[], Scene]) -> None:
    page = scene().page
    assert page.empty.line.text() == "No documents yet"
    assert page.empty.action is not None
    assert page.empty.action.isVisible()
    assert not page.drop.isVisible()
    assert not page.count.text().strip("0")


def test_dropped_files_become_documents_and_refused_ones_say_why(
    scene: Callable[[], Scene], tmp_path: Path, run_jobs: RunJobs, wait_until: Wait
) -> None:
    made = scene()
    (tmp_path / "good.txt").write_text("A page with words.")
    (tmp_path / "empty.pdf").write_bytes(b"")
    (tmp_path / "music.xyz").write_bytes(b"x")
    drop(made.page, tmp_path / "good.txt", tmp_path / "empty.pdf", tmp_path / "music.xyz")
    wait_until(lambda: made.titles == ["good"])
    assert made.page.table.rows[0].audio.words in {"Waiting to be read", "Reading pages"}
    assert made.said == ["good.txt added"]
    assert made.page.imports.isVisible()
    assert made.page.imports.heading.text() == "2 of 3 files were not added"
    refused = [str(result.error) for result in made.page.imports.results if result.error is not None]
    assert len(refused) == 2
    assert all("\n" not in sentence and str(tmp_path) not in sentence for sentence in refused)
    run_jobs()
    # the hint of another connection, not a reload, brings the news
    wait_until(lambda: made.page.table.rows[0].audio.words == "No audio yet")
    wait_until(lambda: made.page.drawer.pages.view.toPlainText() == "A page with words.")


@pytest.mark.logs("job failed")
def test_a_file_that_cannot_be_read_shows_its_reason_and_retry(
    scene: Callable[[], Scene], tmp_path: Path, run_jobs: RunJobs, wait_until: Wait
) -> None:
    made = scene()
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.7 and then nothing")
    drop(made.page, tmp_path / "broken.pdf")
    wait_until(lambda: made.titles == ["broken"])
    run_jobs()
    drawer = made.page.drawer
    wait_until(lambda: drawer.broken.isVisible())
    reason = drawer.broken.sentence.text()
    assert reason == made.details.document.error
    assert made.page.table.rows[0].audio.words == reason
    drawer.broken.retry.click()
    wait_until(lambda: made.details.document.status in {"PENDING", "PROCESSING"})
    run_jobs()
    wait_until(lambda: drawer.broken.isVisible())


def test_a_page_is_generated_and_heard_with_its_words_highlighted(
    scene: Callable[[], Scene], make_document: Callable[..., int], run_jobs: RunJobs, qtbot: QtBot, wait_until: Wait
) -> None:
    make_document(*PAGES)
    made = scene()
    opened(made, wait_until)
    pages = made.page.drawer.pages
    assert pages.panel.generate.text().strip() == "Generate 2 pages"
    generated(made, run_jobs, wait_until)
    wait_until(lambda: pages.badge.text().startswith("Audio ready"))
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
    wait_until(lambda: panel.generate.isEnabled())
    panel.generate.click()
    wait_until(lambda: panel.progress.isVisible())
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


def test_a_failure_is_told_with_retry_and_later_the_last_good_data_stay(
    qtbot: QtBot, page_context: Callable[..., Desk], backend: Backend, actor: Actor, make_document: Callable[..., int], wait_until: Wait
) -> None:
    make_document("One page.")
    switchable = Switchable(backend)
    switchable.away = True
    page = DocumentsPage(page_context(switchable, actor=actor).context)
    qtbot.addWidget(page)
    page.show()
    wait_until(lambda: page.error.isVisible())
    assert page.error.sentence.text() == "The database does not answer."
    switchable.away = False
    page.error.retry.click()
    wait_until(lambda: page.loaded and len(page.table.rows) == 1)
    switchable.away = True
    page.refresh()
    wait_until(lambda: not page.context.background.pending)
    assert page.loaded
    assert len(page.table.rows) == 1
    page.listening.player.retire()


def test_a_long_list_comes_in_slices_and_a_refresh_keeps_the_place(scene: Callable[[], Scene], many: Callable[[int], None], wait_until: Wait) -> None:
    many(300)
    made = scene()
    page, bar = made.page, made.page.table.verticalScrollBar()
    assert len(page.table.rows) == SLICE
    assert page.footer.text() == "100 of 300 documents · newest first"
    bar.setValue(bar.maximum())
    wait_until(lambda: len(page.table.rows) == 200)
    bar.setValue(bar.maximum())
    wait_until(lambda: len(page.table.rows) == 300)
    assert len({line.id for line in page.table.rows}) == 300
    page.table.selectRow(250)
    chosen, place = page.table.current().id, bar.value()
    page.table.set_rows(page.table.rows[:])
    page.refresh()
    wait_until(lambda: not page.context.background.pending)
    assert len(page.table.rows) == 300
    assert page.table.current().id == chosen
    assert bar.value() == place


@pytest.mark.trace("A7", "A28")
@pytest.mark.parametrize("count", [10, 100, 1000])
def test_the_view_takes_three_statements_at_any_length(
    scene: Callable[[], Scene], many: Callable[[int], None], backend: Backend, wait_until: Wait, count: int
) -> None:
    many(count)
    made = scene()
    statements: list[str] = []
    listen = lambda _conn, _cursor, statement, *_more: statements.append(statement)  # noqa: E731
    event.listen(backend.database.engine, "before_cursor_execute", listen)
    made.page.refresh()
    wait_until(lambda: not made.page.context.background.pending)
    event.remove(backend.database.engine, "before_cursor_execute", listen)
    assert len(made.titles) == min(count, SLICE)
    assert len([one for one in statements if one.lstrip().upper().startswith("SELECT")]) == 3


def test_search_and_state_reduce_the_list(scene: Callable[[], Scene], many: Callable[[int], None], qtbot: QtBot, wait_until: Wait) -> None:
    many(30)
    made = scene()
    qtbot.keyClicks(made.page.search, "document 17")
    wait_until(lambda: made.titles == ["Document 17"])
    made.page.search.clear()
    wait_until(lambda: len(made.titles) == 30)
    made.page.chips.chosen.emit("FAILED")
    wait_until(lambda: made.titles == [])
    assert made.page.empty.line.text() == "No document matches"
    assert made.page.empty.action is not None
    assert not made.page.empty.action.isVisible()


def test_the_keyboard_reaches_everything(
    scene: Callable[[], Scene], make_document: Callable[..., int], run_jobs: RunJobs, qtbot: QtBot, wait_until: Wait
) -> None:
    make_document(PAGES[0], title="Older")
    make_document(PAGES[1], title="Newer")
    made = scene()
    page, table = made.page, made.page.table
    page.activateWindow()
    table.setFocus()
    wait_until(lambda: len(table.rows) == 2)
    qtbot.keyClick(table, Qt.Key.Key_J)
    qtbot.keyClick(table, Qt.Key.Key_J)
    assert table.current().document.title == "Older"
    qtbot.keyClick(table, Qt.Key.Key_Return)
    wait_until(lambda: page.drawer.details is not None)
    assert page.drawer.isVisible()
    qtbot.keyClick(table, Qt.Key.Key_K)
    wait_until(lambda: page.drawer.details is not None and page.drawer.details.document.title == "Newer")
    generated(made, run_jobs, wait_until)
    qtbot.keyClick(table, Qt.Key.Key_Space)
    wait_until(lambda: page.listening.player.playing)
    qtbot.keyClick(table, Qt.Key.Key_Space)
    assert not page.listening.player.playing
    qtbot.keyClick(page.drawer, Qt.Key.Key_Escape)
    assert not page.drawer.isVisible()
    unnamed = [
        widget
        for root in (page, page.listening.player)
        for widget in root.findChildren(QWidget)
        if isinstance(widget, (QAbstractButton, QAbstractSlider, QLineEdit)) and widget.focusPolicy() and not widget.accessibleName()
        and not widget.objectName().startswith("qt_")
    ]  # fmt: skip
    assert unnamed == []


def test_a_hostile_title_is_only_characters_everywhere(
    scene: Callable[[], Scene], make_document: Callable[..., int], backend: Backend, actor: Actor, wait_until: Wait
) -> None:
    document_id = make_document(PAGES[0])
    version = backend.documents.get(document_id, actor=actor).version
    backend.documents.rename(document_id, HOSTILE, actor=actor, version=version)
    made = scene()
    opened(made, wait_until, HOSTILE)
    assert made.page.drawer.title.text() == HOSTILE
    made.page.drawer.ask_delete()
    dialog = next(widget for widget in QApplication.topLevelWidgets() if isinstance(widget, ConfirmByTyping))
    labels = [*made.page.findChildren(QLabel), *dialog.findChildren(QLabel)]
    assert any(HOSTILE in label.text() for label in dialog.findChildren(QLabel))
    assert {label.textFormat() for label in labels} == {Qt.TextFormat.PlainText}
    tips = [widget.toolTip() for widget in made.page.findChildren(QWidget)]
    assert not [tip for tip in tips if "<" in tip]
    dialog.reject()
    assert file_stem(HOSTILE) == "img src= file etc hostname & b bold b"


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
