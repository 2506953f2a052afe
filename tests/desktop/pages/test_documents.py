"""The Documents page over a real backend: add, find, and what fails."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QAbstractSlider, QApplication, QLabel, QLineEdit, QWidget
from pytestqt.qtbot import QtBot
from sqlalchemy import event

from backend_core.backend import Backend
from backend_core.policy import Actor
from desktop.pages.documents.dialogs import file_stem
from desktop.pages.documents.page import SLICE, DocumentsPage
from desktop.widgets.dialogs import ConfirmByTyping
from tests.desktop.conftest import Desk
from tests.desktop.pages.document_scene import HOSTILE, PAGES, RunJobs, Scene, Switchable, Wait, drop, generated, opened


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
    (tmp_path / "Good.txt").write_text("A page with words.")
    (tmp_path / "empty.pdf").write_bytes(b"")
    (tmp_path / "music.xyz").write_bytes(b"x")
    drop(made.page, tmp_path / "Good.txt", tmp_path / "empty.pdf", tmp_path / "music.xyz")
    wait_until(lambda: made.titles == ["Good"])
    assert made.page.table.rows[0].audio.words in {"Waiting to be read", "Reading pages"}
    assert made.said == ["Good.txt added"]
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
    (tmp_path / "Broken.pdf").write_bytes(b"%PDF-1.7 and then nothing")
    drop(made.page, tmp_path / "Broken.pdf")
    wait_until(lambda: made.titles == ["Broken"])
    run_jobs()
    drawer = made.page.drawer
    wait_until(drawer.broken.isVisible)
    reason = drawer.broken.sentence.text()
    assert reason == made.details.document.error
    # list and drawer are read one after the other
    wait_until(lambda: made.page.table.rows[0].audio.words == reason)
    drawer.broken.retry.click()
    wait_until(lambda: made.details.document.status in {"PENDING", "PROCESSING"})
    run_jobs()
    wait_until(drawer.broken.isVisible)


def test_a_failure_is_told_with_retry_and_later_the_last_good_data_stay(
    qtbot: QtBot, page_context: Callable[..., Desk], backend: Backend, actor: Actor, make_document: Callable[..., int], wait_until: Wait
) -> None:
    make_document("One page.")
    switchable = Switchable(backend)
    switchable.away = True
    page = DocumentsPage(page_context(switchable, actor=actor).context)
    qtbot.addWidget(page)
    page.show()
    wait_until(page.error.isVisible)
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


def test_a_long_list_comes_in_slices_and_a_refresh_keeps_the_place(
    scene: Callable[[], Scene], many: Callable[[int], None], wait_until: Wait
) -> None:
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

    def listen(_conn: object, _cursor: object, statement: str, *_more: object) -> None:
        statements.append(statement)

    event.listen(backend.database.engine, "before_cursor_execute", listen)
    made.page.refresh()
    wait_until(lambda: not made.page.context.background.pending)
    event.remove(backend.database.engine, "before_cursor_execute", listen)
    assert len(made.titles) == min(count, SLICE)
    selects = [one for one in statements if one.lstrip().upper().startswith("SELECT")]
    # a hint about what was just inserted may make the page read once more: each reading counts the documents once
    readings = len([one for one in selects if one.startswith("SELECT count(*)")])
    assert readings in (1, 2)
    assert len(selects) == 3 * readings


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


@pytest.mark.trace("A76")
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
