"""Activity, locks, tables and statements over a real server: what is shown is what the server says, and a session is stopped from here."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from backend_core.backend import Backend
from backend_core.db.embedded import EmbeddedServer
from backend_core.db.roles import APP, MONITOR
from backend_core.monitoring.link import MonitorLink
from backend_core.monitoring.server import episodes
from backend_core.policy import Actor
from desktop.pages.database.activity_tab import ActivityTab
from desktop.pages.database.locks_tab import LocksTab
from desktop.pages.database.page import DatabasePage
from desktop.pages.database.statements_tab import StatementsTab
from desktop.pages.database.tables_tab import TablesTab
from tests.backend_core.monitoring.server.holding import Sessions, sessions_of
from tests.desktop.conftest import Desk
from tests.desktop.pages.document_scene import Switchable
from tests.polling import eventually

Wait = Callable[..., None]
OpenTab = Callable[..., tuple[DatabasePage, Desk]]


@pytest.fixture
def sessions(clean: EmbeddedServer) -> Iterator[Sessions]:
    with sessions_of(clean.admin_dsn) as opened:
        yield opened


@pytest.fixture
def open_tab(page_context: Callable[..., Desk], backend: Backend, actor: Actor, wait_until: Wait) -> Iterator[OpenTab]:
    """Return a function that shows one tab of the page and waits for its first answer."""
    pages: list[DatabasePage] = []

    def show(key: str, *, role: str = "admin", over: Any = None, read: bool = True) -> tuple[DatabasePage, Desk]:
        desk = page_context(over or backend, actor=replace(actor, role=role, reason="a test"))
        page = DatabasePage(desk.context)
        pages.append(page)
        page.setParent(desk.window)
        for part in (desk.window, page):
            part.resize(1228, 846)
        page.open_target(tab=key)
        page.show()
        desk.window.show()
        if read:
            wait_until(lambda: page.tab.reading is not None, timeout=15)
        return page, desk

    yield show
    for page in pages:
        page.hide()
    wait_until(lambda: not any(page.context.background.pending for page in pages), timeout=15)


def activity(page: DatabasePage) -> ActivityTab:
    assert isinstance(page.tab, ActivityTab)
    return page.tab


def locks(page: DatabasePage) -> LocksTab:
    assert isinstance(page.tab, LocksTab)
    return page.tab


@pytest.mark.parametrize(
    ("role", "seen"),
    [
        ("support", ["pool"]),
        ("auditor", ["pool", "activity", "locks", "indexes", "tables", "statements", "migrations"]),
        ("admin", ["pool", "activity", "locks", "indexes", "tables", "statements", "migrations"]),
    ],
)
def test_tabs_that_a_role_may_not_read_are_not_there(
    page_context: Callable[..., Desk], actor: Actor, flashes: list[str], role: str, seen: list[str]
) -> None:
    desk = page_context(actor=replace(actor, role=role))
    page = DatabasePage(desk.context)
    page.setParent(desk.window)
    assert list(page._classes) == seen
    assert all(page.part(key).key == key for key in seen)
    # nothing was a window of its own for a moment
    assert flashes == []


def test_sessions_are_shown_as_they_are_with_those_that_wait_first(open_tab: OpenTab, sessions: Sessions, wait_until: Wait) -> None:
    holder = sessions.hold("LOCK TABLE documents", name="night report")
    waiter = sessions.hold(name="visitor")
    pid = sessions.wait(waiter, "SELECT 'private' FROM documents")
    page, desk = open_tab("activity")
    tab = activity(page)
    wait_until(lambda: tab.table.rows and tab.table.rows[0].pid == pid)
    assert dict(tab.applications.lines.counts)["night report"] == 1
    assert page.server.text().startswith("PostgreSQL ")
    tab.table.select_key((pid, tab.table.rows[0].started_at))
    assert tab.drawer.state.text() == "waiting for a lock"
    assert tab.drawer.own.text() == "SELECT '…' FROM documents"
    facts = {fact.name: fact.value for fact in tab.drawer.facts._facts}
    assert facts["Waits for"] == str(holder.info.backend_pid)
    tab.drawer.copy.click()
    assert "SELECT '…' FROM documents" in QGuiApplication.clipboard().text()
    tab.chips.chip("waiting").click()
    assert [one.pid for one in tab.table.rows] == [pid]
    tab.query.setText("night")
    tab.chips.choose("all")
    tab._show_rows()
    assert [one.application for one in tab.table.rows] == ["night report"]
    sessions.release(waiter)
    wait_until(lambda: tab.drawer.ended.text() == "ended")
    assert not tab.drawer.terminate.isEnabled()
    assert desk.notified == [("Copied.", "ok")]


def test_a_statement_is_cancelled_and_a_session_terminated_from_the_drawer(
    open_tab: OpenTab, sessions: Sessions, clean: EmbeddedServer, wait_until: Wait, backend: Backend, actor: Actor
) -> None:
    sessions.hold("LOCK TABLE documents", name="night report")
    guest = sessions.hold(name="guest", dsn=clean.dsn(APP))
    pid = sessions.wait(guest, "SELECT id FROM documents")
    page, desk = open_tab("activity")
    tab = activity(page)
    tab.open_target(pid=pid)
    tab.drawer.cancel.click()
    wait_until(lambda: [words for words, _ in desk.notified] == [f"The statement of session {pid} was told to stop."])
    eventually(lambda: not sessions.waits(pid))
    tab.drawer.terminate.click()
    assert tab.stopping.dialog is not None
    tab.stopping.dialog.go.click()
    wait_until(lambda: desk.notified[-1][0] == f"Session {pid} was told to end.")
    done = [row.after for row in backend.audit.latest(actor=actor) if row.action == "server.cancel"]
    assert [(after or {})["how"] for after in done] == ["terminate", "cancel"]


def test_only_administrators_are_offered_to_stop_a_session(open_tab: OpenTab, sessions: Sessions) -> None:
    guest = sessions.hold(name="guest")
    page, _ = open_tab("activity", role="auditor")
    tab = activity(page)
    tab.open_target(pid=guest.info.backend_pid)
    assert not tab.drawer.terminate.isVisible()
    assert tab.drawer.why.text() == "Only administrators stop sessions."


def test_the_tree_says_who_waits_for_whom_with_both_statements_and_what_was(
    open_tab: OpenTab, sessions: Sessions, clean: EmbeddedServer, wait_until: Wait
) -> None:
    first = sessions.hold("LOCK TABLE documents", name="first")
    second = sessions.hold("LOCK TABLE audios", name="second")
    sessions.wait(second, "LOCK TABLE documents IN SHARE MODE")
    third = sessions.hold(name="third")
    sessions.wait(third, "SELECT id FROM audios")
    link = MonitorLink(clean.dsn(MONITOR))
    episodes.watch(sessions.value("SELECT clock_timestamp()"), link, threshold_s=0.0)
    link.close()
    page, _ = open_tab("locks")
    tab = locks(page)
    wait_until(lambda: [len(line.last) for line in tab.tree.rows] == [0, 1, 2])
    assert [line.node.session.application for line in tab.tree.rows] == ["first", "second", "third"]
    tab.tree.selectRow(1)
    assert tab.drawer.other.text() == "LOCK TABLE documents"
    assert tab.drawer.own.text() == "LOCK TABLE documents IN SHARE MODE"
    (episode,) = tab.strip.episodes
    tab.strip.chosen.emit(episode)
    assert tab.past.isVisible()
    assert not tab.drawer.isVisible()
    assert tab.past.title.text() == f"Waiting for pid {first.info.backend_pid}"
    sessions.release()
    wait_until(lambda: tab.tree.rows == [])
    assert tab.about.text() == "nobody waits for a lock"


def test_locked_tables_are_marked_and_exported(open_tab: OpenTab, sessions: Sessions, wait_until: Wait, tmp_path: Path) -> None:
    holder = sessions.hold("LOCK TABLE documents")
    page, desk = open_tab("tables")
    tab = page.tab
    assert isinstance(tab, TablesTab)
    marked = [one for one in tab.table.rows if one.locked]
    assert [(one.table, one.locked_by) for one in marked] == [("documents", (holder.info.backend_pid,))]
    assert tab.lock_badge.text() == "1 locked"
    tab.table.sort_wanted.emit("table", False)
    assert [one.table for one in tab.table.rows] == sorted(one.table for one in tab.table.rows)
    tab.open_target(sequences=True)
    assert tab.sequences.isVisible()
    page.export_to(tmp_path / "tables.json")
    wait_until(lambda: desk.notified == [("Exported to tables.json.", "ok")])
    written = json.loads((tmp_path / "tables.json").read_text("utf-8"))
    assert [one["table"] for one in written["rows"] if one["locked"]] == ["documents"]


def test_statements_are_shown_with_their_times(open_tab: OpenTab, clean: EmbeddedServer) -> None:
    with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
        conn.execute("INSERT INTO statement_texts (fingerprint, text, label) VALUES ('f1', 'SELECT $1', 'List goats')")
        conn.execute(
            "INSERT INTO statement_figures (fingerprint, hour, calls, failed, rows, total_ms, longest_ms, bars)"
            " VALUES ('f1', date_trunc('hour', now()), 10, 1, 10, 1000000, 400000, '{0,0,0,0,0,0,0,0,0,0,10,0,0}')"
        )
    page, _ = open_tab("statements")
    tab = page.tab
    assert isinstance(tab, StatementsTab)
    tab.open_target(fingerprint="f1")
    assert tab.drawer.code.text() == "SELECT $1"
    facts = {fact.name: fact.value for fact in tab.drawer.facts._facts}
    assert (facts["Calls"], facts["Failed"], facts["Mean"]) == ("10", "1", "100.0 s")
    assert tab.failures.text() == "1 failed"


def test_only_the_tab_that_is_seen_reads_and_without_an_answer_the_last_stays_with_its_age(
    open_tab: OpenTab, backend: Backend, wait_until: Wait
) -> None:
    over = Switchable(backend)
    page, _ = open_tab("activity", over=over)
    tab = activity(page)
    page.tabs.choose("tables")
    wait_until(lambda: page.tab.reading is not None and not page.context.background.pending)
    last = tab.reading
    page.tabs.choose("activity")
    wait_until(lambda: tab.reading is not last)
    over.away = True
    wait_until(lambda: tab.not_current.isVisible() and page.stale.isVisible(), timeout=10)
    assert tab.table.rows
    # a tab that was never read says so itself, and asks again
    page.tabs.choose("locks")
    wait_until(page.tab.error.isVisible)
    over.away = False
    page.tab.error.retry.click()
    wait_until(lambda: page.tab.reading is not None)


@pytest.mark.parametrize("key", ["activity", "locks", "tables", "statements"])
def test_everything_that_takes_the_keyboard_has_a_name(open_tab: OpenTab, key: str) -> None:
    page, _ = open_tab(key)
    reachable = [part for part in page.findChildren(QWidget) if part.isVisible() and part.focusPolicy().value & 1]
    unnamed = [type(part).__name__ for part in reachable if not part.accessibleName() and part.objectName() != "qt_scrollarea_viewport"]
    assert not unnamed
    assert page.content.minimumSizeHint().width() <= 888
