"""The pool page over a real server: what it shows is what the server says."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import conninfo
from PySide6.QtCore import QPointF, Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot
from sqlalchemy import text

from backend_core.backend import Backend, open_backend
from backend_core.db import postmaster
from backend_core.db.embedded import EmbeddedServer
from backend_core.errors import DatabaseAway, PoolExhausted
from backend_core.monitoring.records import PoolView
from backend_core.policy import Actor
from backend_core.settings import load_settings
from desktop.pages.database.figures import agreement
from desktop.pages.database.page import POLL_MS, TABS, DatabasePage
from desktop.pages.database.pool_live import PoolLive
from tests.desktop.pages.pool_scene import LABEL, Holding, OpenPage, Wait, view_of

ACTIVE = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'lectern-desktop@%' AND state = 'idle in transaction'"
TOTAL = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"


def later(page: DatabasePage, *, ms: int) -> Callable[[], bool]:
    """Return a function that is true ``ms`` milliseconds from now."""
    reached: list[bool] = []
    QTimer.singleShot(ms, page, lambda: reached.append(True))
    return lambda: bool(reached)


@pytest.mark.trace("B3", "B106")
def test_three_connections_held_are_three_more_in_use_with_their_label(
    backend: Backend, actor: Actor, holding: Holding, open_database_page: OpenPage, wait_until: Wait
) -> None:
    page, _ = open_database_page(backend, actor)
    wait_until(lambda: view_of(page).in_use == 0)
    holding.set(3)
    wait_until(lambda: view_of(page).in_use == 3)
    tab = page.pool
    assert tab.capacity.gauge.accessibleName() == "Connections: 3 in use of 2 + 8"
    assert [(name, value) for value, name, _ in tab.capacity.facts.facts] == [
        ("base", "2 of 2"),
        ("overflow", "1 of 8"),
        ("idle", "0"),
        ("waiting", "0"),
    ]
    assert [(found.label, found.state) for found in tab.holders.table.rows] == [(LABEL, "idle in transaction")] * 3
    assert tab.processes.agreement.text() == "agrees with pg_stat_activity"
    own = next(row for row in tab.processes.table.rows if row.capacity is not None)
    assert (own.kind, own.size, own.in_use) == ("Desktop", 3, 3)
    holding.set(0)
    wait_until(lambda: view_of(page).in_use == 0)
    assert tab.holders.empty.isVisible()
    assert tab.capacity.gauge.accessibleName() == "Connections: 0 in use of 2 + 8"


@pytest.mark.trace("B106")
def test_the_figures_follow_pg_stat_activity_while_connections_come_and_go(
    backend: Backend, actor: Actor, holding: Holding, open_database_page: OpenPage, wait_until: Wait, server: EmbeddedServer
) -> None:
    page, _ = open_database_page(backend, actor)
    with psycopg.connect(server.admin_dsn, autocommit=True) as conn:

        def counted(query: LiteralString) -> int:
            row = conn.execute(query).fetchone()
            assert row is not None
            return int(row[0])

        for count in (1, 5, 2, 8, 0, 3):
            holding.set(count)
            wait_until(lambda count=count: view_of(page).in_use == count)
            assert abs(view_of(page).in_use - counted(ACTIVE)) <= 1
            assert f"{count} in use" in page.pool.processes.sums.text()
            assert not agreement(view_of(page)).problems
        wait_until(lambda: abs(view_of(page).server_connections - counted(TOTAL)) <= 1)
        most = counted("SHOW max_connections")
        assert page.pool.processes.connections.text() == f"{view_of(page).server_connections} of {most} server connections"


@pytest.mark.trace("B101", "B106")
def test_only_this_database_counts_against_twenty_and_thirty_and_the_servers_own_limit(
    open_database_page: OpenPage, wait_until: Wait, start_server: Callable[..., EmbeddedServer], tmp_path: Path
) -> None:
    home = tmp_path / "home"
    server = start_server(home, extra_settings={"max_connections": "77"})
    elsewhere = conninfo.make_conninfo(server.admin_dsn, dbname="template1", application_name="lectern-desktop@elsewhere:1")
    with (
        open_backend(load_settings(home=home, pool_size=20, max_overflow=10), application="desktop") as backend,
        psycopg.connect(elsewhere),
    ):
        page, _ = open_database_page(backend, backend.actor())
        with contextlib.ExitStack() as held:
            for _ in range(22):
                held.enter_context(backend.database.begin("Hold")).execute(text("SELECT 1"))
            wait_until(lambda: view_of(page).in_use == 22)
            tab = page.pool
            assert tab.capacity.gauge.accessibleName() == "Connections: 22 in use of 20 + 10"
            assert "elsewhere" not in {row.host for row in tab.processes.table.rows}
            assert tab.processes.connections.text() == f"{view_of(page).server_connections} of 77 server connections"
            held.enter_context(backend.database.begin("Hold")).execute(text("SELECT 1"))
            wait_until(lambda: view_of(page).in_use == 23)
            assert (tab.capacity.badge.text(), page.full.text()) == ("healthy", "")
            held.enter_context(backend.database.begin("Hold")).execute(text("SELECT 1"))
            wait_until(lambda: view_of(page).in_use == 24)
            assert (tab.capacity.badge.text(), page.full.text()) == ("above 80\u202f%", "1 pool above 80\u202f%")
            check = next(check for check in backend.monitoring.health(actor=backend.actor()).checks if check.name == "Connection pool")
            assert (check.status, check.detail) == ("degraded", "24 of 30 in use, 0 timeouts")
            assert tab.holders.about.text() == "longest 20 of 24 held, all pools"
        page.hide()


@pytest.mark.trace("B9", "B13")
def test_an_exhausted_pool_raises_the_alarm_and_shows_who_waited_in_vain(
    backend: Backend, open_database_page: OpenPage, wait_until: Wait
) -> None:
    settings = backend.settings.model_copy(update={"pool_size": 1, "max_overflow": 1, "pool_timeout_s": 2.0})
    with open_backend(settings, application="desktop") as small, ThreadPoolExecutor(1) as other:
        actor = small.actor()
        page, _ = open_database_page(small, actor)
        tab = page.pool
        wait_until(lambda: tab.capacity.badge.text() == "healthy")
        with small.database.begin("Hold"), small.database.begin("Hold as well"):
            refused = other.submit(small.documents.listing, actor=actor)
            wait_until(lambda: view_of(page).waiting == 1)
            assert tab.capacity.badge.text() == "exhausted"
            assert tab.waiters.value.text() == "1"
            assert tab.capacity.gauge.accessibleName() == "Connections: 2 in use of 1 + 1"
            assert [value for value, name, _ in tab.capacity.facts.facts if name == "overflow"] == ["1 of 1"]
            wait_until(lambda: tab.waiters.chart.accessibleName().endswith("highest 1"))
            error = refused.exception(10)
            assert isinstance(error, PoolExhausted)
            wait_until(lambda: "1 timeout" in tab.waiters.detail.text())
            assert "limit 2 s" in tab.waiters.detail.text()
            assert "p99" in tab.waits.histogram.accessibleName()
        wait_until(lambda: tab.capacity.badge.text() == "healthy")
        page.hide()


def test_the_details_say_where_the_connection_was_taken_and_can_be_copied(
    backend: Backend, actor: Actor, holding: Holding, open_database_page: OpenPage, wait_until: Wait
) -> None:
    page, desk = open_database_page(backend, actor)
    holding.set(1)
    wait_until(lambda: len(page.pool.holders.table.rows) == 1)
    page.pool.holders.table.selectRow(0)
    detail = page.pool.holders.detail
    assert detail.shown is not None
    calls = [line.split()[-1] for line in detail.frames.text().splitlines()]
    assert calls.index("Database.begin") < calls.index("Holding.set"), "the innermost call is on top"
    detail.copy.click()
    copied = QGuiApplication.clipboard().text()
    assert LABEL in copied
    assert f"server pid {detail.shown.server_pid}, idle in transaction" in copied
    assert "test_pool.py" in copied
    assert desk.notified == [("Copied.", "ok")]
    holding.set(0)
    wait_until(detail.ended.isVisible)


def test_a_holder_leads_to_its_session_where_there_is_a_tab_for_it(
    backend: Backend, actor: Actor, holding: Holding, open_database_page: OpenPage, wait_until: Wait
) -> None:
    page, desk = open_database_page(backend, actor)
    holding.set(1)
    wait_until(lambda: len(page.pool.holders.table.rows) == 1)
    page.pool.holders.table.selectRow(0)
    detail = page.pool.holders.detail
    assert detail.shown is not None
    assert detail.session.isVisible() == ("activity" in [tab.key for tab in TABS])
    tab = page.part("pool")
    assert isinstance(tab, PoolLive)
    if not detail.session.isVisible():
        tab.offer_sessions()
    detail.session.click()
    assert desk.navigated == [("database", {"tab": "activity", "pid": detail.shown.server_pid})]


def test_a_selected_process_narrows_capacity_and_holders_to_its_pool(
    backend: Backend, actor: Actor, holding: Holding, open_database_page: OpenPage, wait_until: Wait, tmp_path: Path, qtbot: QtBot
) -> None:
    settings = load_settings(home=backend.settings.home, objects=tmp_path / "other", pool_size=1, max_overflow=3)
    page, _ = open_database_page(backend, actor)
    with open_backend(settings, application="worker") as other, other.database.begin("Feed goats") as conn:
        conn.execute(text("SELECT 1"))
        holding.set(1)
        wait_until(lambda: {found.label for found in view_of(page).holders} == {LABEL, "Feed goats"})
        tab = page.pool
        assert tab.capacity.gauge.accessibleName() == "Connections: 2 in use of 3 + 11"
        table = tab.processes.table
        worker = next(row for row in table.rows if row.kind == "Worker")
        at = table.visualRect(table.model().index(table.rows.index(worker), 0)).center()
        qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=at)
        assert tab.capacity.gauge.accessibleName() == "Connections: 1 in use of 1 + 3"
        assert [found.label for found in tab.holders.table.rows] == ["Feed goats"]
        qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=at)
        assert tab.capacity.gauge.accessibleName() == "Connections: 2 in use of 3 + 11"
        holding.set(0)


def test_nothing_is_read_while_paused_or_hidden(
    backend: Backend, actor: Actor, holding: Holding, open_database_page: OpenPage, wait_until: Wait
) -> None:
    page, _ = open_database_page(backend, actor)
    wait_until(lambda: view_of(page).in_use == 0)
    page.context.commands.run("database.pause")
    assert page.live.text().startswith("Paused at ")
    assert page.pause.accessibleName() == "Resume the live reading"
    holding.set(2)
    wait_until(later(page, ms=3 * POLL_MS))
    assert view_of(page).in_use == 0
    page.pause.click()
    wait_until(lambda: view_of(page).in_use == 2)
    page.hide()
    wait_until(lambda: page.context.background.pending == 0)
    last = page.reading
    wait_until(later(page, ms=3 * POLL_MS))
    assert page.reading is last
    page.show()
    wait_until(lambda: page.reading is not last)


@pytest.mark.logs(r"psycopg\.pool")
def test_without_a_server_the_last_figures_stay_with_their_age_and_come_back_to_life(
    open_database_page: OpenPage, wait_until: Wait, start_server: Callable[..., EmbeddedServer], tmp_path: Path
) -> None:
    home = tmp_path / "home"
    server = start_server(home)
    with open_backend(load_settings(home=home, pool_size=1, max_overflow=2), application="desktop") as backend:
        page, _ = open_database_page(backend, backend.actor())
        gauge = page.pool.capacity.gauge.accessibleName()
        postmaster.stop(server.cluster, mode="fast", timeout_s=30)
        wait_until(lambda: page.stale.isVisible() and "last answer" in page.stale.text(), timeout=15)
        assert page.loaded
        assert page.pool.capacity.gauge.accessibleName() == gauge
        assert page.pool.capacity.badge.text() == "not current"
        assert page.pool.processes.agreement.text() == "not current"
        assert not page.live.isVisible()
        start_server(home)
        wait_until(page.live.isVisible, timeout=15)
        assert page.pool.capacity.badge.text() == "healthy"


def test_a_first_reading_that_fails_is_an_error_state_with_retry(page_context: Callable[..., Any], qtbot: QtBot, wait_until: Wait) -> None:
    class Away:
        def pool(self, *, actor: object) -> PoolView:
            assert actor is None
            raise DatabaseAway("The database does not answer.")

        @property
        def monitoring(self) -> Away:
            return self

    page = DatabasePage(page_context(Away()).context)
    qtbot.addWidget(page)
    page.show()
    wait_until(page.error.isVisible)
    assert page.error.sentence.text() == "The database does not answer."
    assert not page.loaded


def test_everything_that_takes_the_keyboard_has_a_name_and_nothing_is_cut(
    backend: Backend, actor: Actor, holding: Holding, open_database_page: OpenPage, wait_until: Wait
) -> None:
    holding.set(2)
    page, _ = open_database_page(backend, actor)
    wait_until(lambda: len(page.pool.holders.table.rows) == 2)
    page.pool.holders.table.cell_clicked.emit(page.pool.holders.table.rows[0], "by", QPointF(0, 0))
    reachable = [part for part in page.findChildren(QWidget) if part.isVisible() and part.focusPolicy() & Qt.FocusPolicy.TabFocus]
    unnamed = [type(part).__name__ for part in reachable if not part.accessibleName() and part.objectName() != "qt_scrollarea_viewport"]
    assert not unnamed
    assert page.grab().deviceIndependentSize().toSize() == page.size()
    assert page.content.minimumSizeHint().width() <= 888
