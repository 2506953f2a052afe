"""The drawer of the Audit log page, the ways into it, saved views, and what happens to people without the right."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QAbstractSlider, QApplication, QLineEdit, QWidget
from pytestqt.qtbot import QtBot
from sqlalchemy import event

from backend_core.backend import Backend
from backend_core.db.embedded import EmbeddedServer
from backend_core.policy import Actor, Target
from desktop.acting import Acting
from desktop.pages.audit.page import AuditPage
from desktop.widgets.dialogs import Dialog
from tests.desktop.conftest import Desk
from tests.desktop.pages.audit_scene import Scene, Switchable, Wait, add_events, record, scene_maker

HOSTILE = '<img src="file:///etc/hostname"> & <b>bold</b> \u202ertl'
Show = Callable[..., Scene]


@pytest.fixture
def show(qtbot: QtBot, page_context: Callable[..., Desk], backend: Backend, actor: Actor, wait_until: Wait) -> Iterator[Show]:
    """Open the page once everything it shall find was recorded."""
    with scene_maker(qtbot, page_context, backend, actor, wait_until) as make:
        yield make


def test_the_drawer_says_what_changed_and_where_the_event_stands(show: Show, backend: Backend, actor: Actor, clean: EmbeddedServer) -> None:
    with backend.database.begin("Record") as conn:
        target = Target(kind="settings", id="retention")
        who = replace(actor, reason="OPS-318")
        before, after = {"months": 6, "days": 14}, {"months": 12, "days": 14}
        backend.audit.record(conn, actor=actor, action="document.import", target=Target(kind="document", id="1"))
        backend.audit.record(conn, actor=who, action="settings.update", target=target, before=before, after=after)
        backend.audit.record(conn, actor=actor, action="job.retry", target=Target(kind="job", id="3"))
    scene = show()
    drawer, table = scene.page.drawer, scene.page.list.table
    table.selectRow(1)
    QTest.keyClick(table, Qt.Key.Key_Return)
    scene.wait(lambda: drawer.details is not None)
    assert drawer.title.text() == "Settings changed"
    assert drawer.diff.lines == [("-", '"months": 6'), ("+", '"months": 12'), (" ", '"days": 14')]
    names = [link.accessibleName() for link in drawer.chain.links]
    assert [name.rpartition(": ")[2] for name in names] == ["document.import", "this event", "job.retry"]
    assert drawer.seal_state.text() == "being sealed"
    drawer.chain.links[2].click()
    scene.wait(lambda: drawer.title.text() == "Job started again")
    assert table.current().action == "job.retry"
    QTest.keyClick(scene.page, Qt.Key.Key_Escape)
    assert not drawer.isVisible()


def test_the_drawer_follows_the_keys(show: Show, backend: Backend, actor: Actor) -> None:
    record(backend, actor, "document.import", "document.rename", "document.delete")
    scene = show()
    table, drawer = scene.page.list.table, scene.page.drawer
    QTest.keyClick(table, Qt.Key.Key_J)
    QTest.keyClick(table, Qt.Key.Key_Space)
    scene.wait(lambda: drawer.title.text() == "Document deleted")
    QTest.keyClick(table, Qt.Key.Key_J)
    scene.wait(lambda: drawer.title.text() == "Document renamed")
    drawer.step_wanted.emit(1)
    scene.wait(lambda: drawer.title.text() == "Document added")


def test_the_proof_is_copied_as_json(show: Show, backend: Backend, actor: Actor) -> None:
    record(backend, actor, "document.import", "document.rename")
    scene = show()
    scene.page.open_event(scene.lines[0].id)
    scene.wait(lambda: scene.page.drawer.details is not None)
    scene.page.drawer.copy.click()
    found = json.loads(QGuiApplication.clipboard().text())
    assert found["event"]["action"] == "document.rename"
    assert found["event"]["leaf"]
    assert found["previous_leaf"]
    assert scene.said == ["ok: Proof copied."]


@pytest.mark.trace("B62")
def test_related_events_are_found_by_their_correlation_id(show: Show, backend: Backend, actor: Actor, clean: EmbeddedServer) -> None:
    add_events(clean.admin_dsn, 50)
    from backend_core.logs import correlated

    with correlated("c7f1-92ab"):
        record(backend, actor, "document.import", "document.extract")
    record(backend, actor, "job.retry")
    scene = show()
    scene.page.open_target(event_id=next(line.id for line in scene.lines if line.action == "document.extract"))
    scene.wait(lambda: scene.page.drawer.details is not None)
    scene.page.drawer.related.click()
    scene.settle()
    assert scene.page.filters.field.text() == "correlation:c7f1-92ab"
    assert scene.actions == ["document.extract", "document.import"]


def test_a_link_opens_the_event_the_query_or_the_correlation(show: Show, clean: EmbeddedServer, backend: Backend, actor: Actor) -> None:
    add_events(clean.admin_dsn, 2000)
    scene = show()
    scene.page.list.table.go_to(1500)
    scene.settle()
    deep = scene.lines[5]
    scene.page.list.show_newest()
    scene.page.open_target(event_id=deep.id)
    scene.wait(lambda: (now := scene.page.list.table.current()) is not None and now.id == deep.id)
    assert scene.page.drawer.isVisible()
    scene.page.open_target(query="outcome:refused")
    scene.settle()
    assert scene.lines == []
    scene.page.open_target(correlation="many")
    scene.settle()
    assert len(scene.lines) > 10


def test_views_are_saved_chosen_and_deleted_with_undo(show: Show, backend: Backend, actor: Actor) -> None:
    record(backend, actor, "document.import")
    scene = show()
    assert not scene.page.views.isVisible()
    scene.ask("action:document.*")
    scene.page.save.click()
    dialog = scene.dialog()
    assert not dialog.go.isEnabled()
    dialog.field.setText("Documents <b>only</b>")
    dialog.go.click()
    scene.wait(lambda: len(scene.page.views.views) == 1)
    assert scene.page.views.text().strip() == "Documents <b>only</b>"
    scene.ask("")
    assert scene.page.views.text().strip() == "Saved views"
    menu = scene.page.views.make_menu()
    menu.actions()[0].trigger()
    menu.deleteLater()
    scene.settle()
    assert scene.page.filters.field.text() == "action:document.*"
    scene.page.views.deleted.emit(scene.page.views.views[0])
    scene.wait(lambda: not scene.page.views.views)
    scene.undos[-1]()
    scene.wait(lambda: len(scene.page.views.views) == 1)


def test_nobody_without_the_right_sees_a_row(show: Show, backend: Backend, actor: Actor) -> None:
    record(backend, actor, "document.import")
    scene = show(role="support", load=False)
    scene.wait(scene.page.error.isVisible)
    assert not scene.page.loaded
    assert scene.page.list.table.rows.rowCount() == 0
    assert scene.page.error.sentence.text().endswith(".")


def test_rows_vanish_when_the_right_is_taken_away(show: Show, backend: Backend, actor: Actor) -> None:
    record(backend, actor, "document.import")
    scene = show()
    scene.page.context.acting = Acting(replace(actor, role="support"))
    scene.page.refresh()
    scene.wait(scene.page.error.isVisible)
    assert not scene.page.content.isVisible()


def test_the_last_good_rows_stay_while_the_database_is_away(show: Show, backend: Backend, actor: Actor, clean: EmbeddedServer) -> None:
    add_events(clean.admin_dsn, 2000)
    scene = show()
    scene.backend.away = True
    seen = scene.actions
    scene.page.refresh()
    scene.page.filters.type_text("action:document.*")
    scene.wait(scene.page.filters.problem.isVisible)
    assert scene.actions == seen[: len(scene.actions)]
    assert scene.page.loaded
    scene.backend.away = False
    record(backend, actor, "document.import")
    scene.page.refresh()
    scene.settle()
    assert scene.actions == ["document.import"], "what was asked for while it was away is read now"


def test_hostile_text_is_only_text(show: Show, backend: Backend, actor: Actor) -> None:
    with backend.database.begin("Record") as conn:
        who = replace(actor, name=HOSTILE[:60], reason=HOSTILE)
        target = Target(kind="document", id=HOSTILE[:40])
        backend.audit.record(conn, actor=who, action="document.rename", target=target, after={"title": HOSTILE})
    scene = show()
    scene.page.open_event(scene.lines[0].id)
    scene.wait(lambda: scene.page.drawer.details is not None)
    (line,) = [words for _, words in scene.page.drawer.diff.lines]
    assert "<b>bold</b>" in line
    assert "\u202e" not in line


def test_the_list_costs_the_same_statements_at_any_length(show: Show, backend: Backend, clean: EmbeddedServer) -> None:
    counts = []
    for more in (10, 3000):
        add_events(clean.admin_dsn, more)
        statements: list[str] = []

        def note(*call: object, seen: list[str] = statements) -> None:
            seen.append(str(call[2]))

        event.listen(backend.database.engine, "before_cursor_execute", note)
        scene = show()
        event.remove(backend.database.engine, "before_cursor_execute", note)
        scene.page.hide()
        counts.append(len([one for one in statements if "audit_" in one]))
    assert abs(counts[0] - counts[1]) <= 2, "one more page at most"


def test_the_window_never_asks_the_database_itself(show: Show, backend: Backend, actor: Actor, clean: EmbeddedServer) -> None:
    add_events(clean.admin_dsn, 5000, seconds=1)
    scene = show()
    scene.page.list.table.go_to(4000)
    scene.settle()
    scene.ask("action:audio.*")
    scene.page.open_event(scene.lines[0].id)
    scene.wait(lambda: scene.page.drawer.details is not None)
    scene.refresh()
    assert scene.backend.asked_in
    assert threading.main_thread() not in scene.backend.asked_in


def test_everything_that_takes_input_has_a_name(show: Show, backend: Backend, actor: Actor) -> None:
    record(backend, actor, "document.import")
    scene = show()
    scene.page.open_event(scene.lines[0].id)
    scene.wait(lambda: scene.page.drawer.details is not None)
    takes = (QAbstractButton, QLineEdit, QAbstractSlider)
    parts = [part for part in scene.page.findChildren(QWidget) if isinstance(part, takes) and part.isVisible()]
    unnamed = [part for part in parts if not part.accessibleName() and not isinstance(part, QAbstractSlider)]
    assert [type(part).__name__ for part in unnamed] == []


def test_building_the_page_opens_no_window_and_fits_a_small_one(
    qtbot: QtBot, page_context: Callable[..., Desk], backend: Backend, actor: Actor, flashes: list[str], wait_until: Wait
) -> None:
    page = AuditPage(page_context(Switchable(backend), actor=actor).context)
    qtbot.addWidget(page)
    page.show()
    wait_until(lambda: page.loaded)
    assert flashes == ["AuditPage"]
    assert page.host.content.minimumSizeHint().width() <= 788
    assert page.minimumSizeHint().height() <= 560
    page.hide()
    QApplication.processEvents()
    wait_until(lambda: not page.context.background.pending)


def test_every_command_is_registered_and_runs(show: Show) -> None:
    scene = show()
    commands = scene.page.context.commands
    found = {command.id for command in commands.all()}
    assert {"audit.verify", "audit.jump", "audit.export", "audit.save_view", "audit.filter", "audit.tail", "audit.clear"} <= found
    commands.run("audit.export")
    dialog = scene.dialog()
    assert isinstance(dialog, Dialog)
    dialog.reject()
    commands.run("audit.tail")
    assert scene.page.list.paused
