"""The index and migration tabs over a real database: verdicts with their reasons, proofs, and changes that ask why."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest

from backend_core.backend import Backend
from backend_core.db.embedded import EmbeddedServer
from backend_core.policy import AUDITOR, Actor
from desktop.pages.database.index_dialog import ChangeDialog
from desktop.pages.database.index_lines import matcher
from desktop.pages.database.indexes_tab import IndexesTab
from desktop.pages.database.migrations_tab import MigrationsTab
from desktop.pages.database.page import DatabasePage
from tests.desktop.conftest import Desk
from tests.desktop.pages.document_scene import Switchable

Wait = Callable[..., None]
TWIN = "idx_twin_of_owner"


def shown(desk: Desk, tab: str, wait_until: Wait, *, read: bool = True) -> DatabasePage:
    page = DatabasePage(desk.context)
    page.setParent(desk.window)
    desk.window.resize(1228, 846)
    page.resize(1228, 846)
    page.open_target(tab=tab)
    page.show()
    desk.window.show()
    if read:
        wait_until(lambda: page.part(tab).reading is not None, timeout=20)
    return page


def quiet(page: DatabasePage, wait_until: Wait) -> None:
    wait_until(lambda: not page.context.background.pending, timeout=20)


@pytest.fixture
def twin(clean: EmbeddedServer) -> Iterator[str]:
    """An index that does the same as one that the schema declares."""
    with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
        conn.execute("CREATE INDEX idx_twin_of_owner ON documents (object_id)")
        yield TWIN
        conn.execute("DROP INDEX IF EXISTS idx_twin_of_owner")


def tab_of(page: DatabasePage) -> IndexesTab:
    tab = page.tab
    assert isinstance(tab, IndexesTab)
    return tab


def test_a_twin_is_found_proven_and_dropped_by_a_job_that_knows_why(
    page_context: Callable[..., Desk], backend: Backend, actor: Actor, twin: str, tmp_path: Path, wait_until: Wait
) -> None:
    desk = page_context(backend, actor=actor)
    page = shown(desk, "indexes", wait_until)
    tab = tab_of(page)
    tab.open_target(verdict="duplicate", index=twin)
    wait_until(tab.drawer.isVisible, timeout=15)
    drawer = tab.drawer
    assert drawer.pill.accessibleName() == "Duplicate"
    assert f"CREATE INDEX {twin}" in drawer.definition.text()
    drawer.copy.click()
    assert "DROP INDEX CONCURRENTLY" in QGuiApplication.clipboard().text()
    drawer.prove.click()
    wait_until(drawer.proof.isVisible, timeout=15)
    assert drawer.proven is not None
    page.export_to(tmp_path / "indexes.json")
    quiet(page, wait_until)
    told = json.loads((tmp_path / "indexes.json").read_text(encoding="utf-8"))
    assert twin in {row["name"] for row in told["view"]["rows"]}
    drawer.act.click()
    dialog = tab.dialog
    assert isinstance(dialog, ChangeDialog)
    dialog.reason.setText("Ticket 12")
    assert not dialog.go.isEnabled(), "the name is typed out before something is dropped"
    dialog.typed.setText(twin)
    dialog.go.click()
    wait_until(lambda: any(twin in words for words, _ in desk.notified), timeout=15)
    quiet(page, wait_until)
    change = backend.indexes.changes(actor=actor)[0]
    assert (change.action, change.index, change.reason, change.status) == ("drop", twin, "Ticket 12", "WAITING")
    tab.refresh()
    wait_until(lambda: not drawer.change.isHidden(), timeout=15)


def test_the_declared_ones_are_counted_filtered_and_walked_with_keys(
    page_context: Callable[..., Desk], backend: Backend, actor: Actor, wait_until: Wait
) -> None:
    page = shown(page_context(backend, actor=actor), "indexes", wait_until)
    tab = tab_of(page)
    everything = len(tab.table.rows)
    QTest.keyClick(tab.chips.chip("declared"), Qt.Key.Key_Return)
    assert len(tab.table.rows) == 20
    present = sum(line.verdict == "present" for line in tab.table.rows)
    assert tab.chips.chip("declared").accessibleName() == f"Verdict: Declared {present} of 20"
    QTest.keyClick(tab.table, Qt.Key.Key_J)
    assert tab.drawer.isVisible()
    QTest.keyClick(tab.drawer, Qt.Key.Key_Escape)
    assert tab.table.current() is None
    tab.chips.chip("all").click()
    tab.query.setText("table:documents is:unique")
    QTest.keyClick(tab.query, Qt.Key.Key_Return)
    assert {line.table for line in tab.table.rows} == {"documents"}
    assert 0 < len(tab.table.rows) < everything
    tab.query.setText("size:>9999GB")
    QTest.keyClick(tab.query, Qt.Key.Key_Return)
    assert tab.empty.isVisible()
    assert page.content.minimumSizeHint().width() <= 788


def test_a_table_that_somebody_holds_is_marked_and_an_old_answer_says_so(
    page_context: Callable[..., Desk], backend: Backend, actor: Actor, clean: EmbeddedServer, wait_until: Wait
) -> None:
    switch = Switchable(backend)
    with psycopg.connect(clean.admin_dsn) as conn:
        conn.execute("LOCK TABLE documents IN ACCESS EXCLUSIVE MODE")
        page = shown(page_context(switch, actor=actor), "indexes", wait_until)
        tab = tab_of(page)
        assert {line.table for line in tab.table.rows if matcher("is:locked")(line)} == {"documents"}
        switch.away = True
        tab.refresh()
        wait_until(lambda: tab.old, timeout=15)
        page._show_live()
        assert tab.strip.stale
        assert tab.total.text().startswith("as of ")
        assert tab.table.rows, "the last good answer stays"
        conn.rollback()
    switch.away = False


def test_an_auditor_looks_and_changes_nothing(
    page_context: Callable[..., Desk], backend: Backend, actor: Actor, twin: str, wait_until: Wait
) -> None:
    page = shown(page_context(backend, actor=replace(actor, role=AUDITOR)), "indexes", wait_until)
    tab = tab_of(page)
    tab.open_target(index=twin)
    wait_until(tab.drawer.isVisible, timeout=15)
    assert not tab.drawer.prove.isVisible()
    assert not tab.drawer.act.isVisible()
    page.tabs.choose("migrations")
    migrations = page.tab
    assert isinstance(migrations, MigrationsTab)
    wait_until(lambda: migrations.reading is not None, timeout=15)
    assert not migrations.run.isVisible()


def test_missing_revisions_are_shown_with_their_statements_before_anybody_runs_them(
    page_context: Callable[..., Desk], backend: Backend, actor: Actor, clean: EmbeddedServer, wait_until: Wait
) -> None:
    desk = page_context(backend, actor=actor)
    with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
        row = conn.execute("SELECT version_num FROM alembic_version").fetchone()
        assert row is not None
        conn.execute("UPDATE alembic_version SET version_num = '0012'")
        try:
            page = shown(desk, "migrations", wait_until)
            tab = page.tab
            assert isinstance(tab, MigrationsTab)
            assert (tab.current.text(), tab.head.text()) == ("0012", row[0])
            assert [step.applied for step in tab.table.rows][:2] == [False, False]
            tab.dry.click()
            wait_until(tab.drawer.isVisible, timeout=15)
            assert any("CREATE TABLE readiness_runs" in line for line in tab.drawer.lines)
            tab.run.click()
            assert tab.dialog is not None
            assert not tab.dialog.go.isEnabled(), "nobody migrates without a reason"
            tab.dialog.reason.setText("Release 12")
            dialog = tab.dialog
        finally:
            conn.execute("UPDATE alembic_version SET version_num = %s", (row[0],))
    # somebody else did it meanwhile
    dialog.go.click()
    wait_until(lambda: any("already" in words for words, tone in desk.notified if tone == "bad"), timeout=15)
    tab.refresh()
    wait_until(lambda: tab.badge.text() == "Up to date", timeout=15)
    assert not tab.run.isEnabled()
