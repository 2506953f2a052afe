"""The overview over a real backend: every figure is one somebody measured."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import datetime as dt
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot
from sqlalchemy import Connection, text

from backend_core.backend import Backend, open_backend
from backend_core.db import postmaster
from backend_core.db.embedded import EmbeddedServer
from backend_core.documents.records import AudioSummary, DocumentRow
from backend_core.errors import Cancelled, LecternError
from backend_core.jobs.runner import JobRun, Subject
from backend_core.jobs.service import JobRequest, JobRow
from backend_core.monitoring.records import BOUNDS_MS, HealthCheck, HealthView, Histogram, PoolSample
from backend_core.policy import Actor
from backend_core.settings import Settings, load_settings
from backend_core.worker import Worker, new_loop
from desktop.pages.overview.documents_card import about, state
from desktop.pages.overview.health_card import HealthCard
from desktop.pages.overview.jobs_card import detail
from desktop.pages.overview.page import OverviewPage
from desktop.pages.overview.wait_card import WaitCard
from desktop.style import Theme

Wait = Callable[..., None]
OpenPage = Callable[..., tuple[OverviewPage, Any]]
NOW = dt.datetime.now(dt.UTC)


class SlowTask:
    """Work that stops half way until it is cancelled."""

    name = "tests.slow"

    def __init__(self) -> None:
        self.cancelled = threading.Event()

    def run(self, job: JobRun) -> None:
        """Report that 3 of 12 are done, then wait."""
        job.progress(3, 12, note="local voice")
        while not job.should_stop():
            threading.Event().wait(0.01)
        raise Cancelled("Stopped on request.")

    def give_up(self, conn: Connection, subject: Subject, error: LecternError, *, actor: Actor) -> None:
        """Note how it ended."""
        assert isinstance(error, Cancelled)
        self.cancelled.set()

    def again(self, subject: Subject, *, actor: Actor) -> int:
        """Never asked for."""
        raise NotImplementedError


@contextlib.contextmanager
def serving(backend: Backend, settings: Settings) -> Iterator[None]:
    """Run a worker in a thread for as long as the block lasts."""
    started: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[None]]] = []
    up = threading.Event()

    def work() -> None:
        loop = new_loop()
        task = loop.create_task(Worker(backend, settings).serve())
        started.append((loop, task))
        up.set()
        with contextlib.suppress(asyncio.CancelledError):
            loop.run_until_complete(task)
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()

    thread = threading.Thread(target=work, name="worker under test")
    thread.start()
    up.wait()
    loop, task = started[0]
    try:
        yield
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join(20)
        assert not thread.is_alive()


@pytest.fixture
def slow_job(backend: Backend, actor: Actor) -> Iterator[tuple[SlowTask, int]]:
    """A queued job of that kind."""
    task = SlowTask()
    backend.handlers[task.name] = task
    with backend.database.begin("Queue work") as conn:
        job_id = backend.jobs.defer(conn, [JobRequest(task=task.name, title="Speak <i>Harbour</i>", subject=Subject())], actor=actor)[0]
    yield task, job_id
    with contextlib.suppress(LecternError):
        backend.jobs.cancel(job_id, actor=actor)


def test_a_fresh_database_shows_empty_states_and_no_invented_figure(
    backend: Backend, actor: Actor, open_overview: OpenPage, wait_until: Wait
) -> None:
    page, desk = open_overview(backend, actor)
    assert page.documents.empty.isVisible()
    assert page.documents.empty.line.text() == "No documents yet"
    assert page.jobs.empty.isVisible()
    assert page.jobs.empty.line.text() == "Nothing is running"
    assert page.jobs.state.text() == ""
    # what the cards read holds a connection for a moment
    wait_until(lambda: page.pool.gauge.accessibleName() == "Connections: 0 in use of 2 + 8", timeout=15)
    assert (page.pool.waiting.text(), page.pool.processes.text()) == ("0 waiting", "· 1 process")
    assert list(page.health.lines) == [check.name for check in backend.monitoring.health(actor=actor).checks]
    assert page.documents.empty.action is not None
    page.documents.empty.action.click()
    assert desk.navigated == [("documents", {})]


def test_adding_documents_opens_the_import_of_the_documents_page(backend: Backend, actor: Actor, open_overview: OpenPage) -> None:
    page, desk = open_overview(backend, actor)
    asked: list[str] = []
    desk.context.commands.add("documents.import", title="Add documents", run=lambda: asked.append("import"), group="Documents")
    page.add_documents()
    assert asked == ["import"]


def test_before_the_first_answer_every_card_says_that_nobody_has_measured(page_context: Callable[..., Any], qtbot: QtBot) -> None:
    page = OverviewPage(page_context(None).context)
    qtbot.addWidget(page)
    assert page.pool.gauge.accessibleName() == "Connections: not measured yet"
    assert (page.pool.state.text(), page.wait.state.text(), page.health.state.text()) == (
        "not measured yet",
        "not measured yet",
        "not checked yet",
    )
    assert page.wait.value.text() == ""
    assert not page.documents.empty.isVisibleTo(page)
    assert not page.jobs.empty.isVisibleTo(page)


def test_a_pool_without_a_checkout_has_no_waiting_time(theme: Theme, backend: Backend, actor: Actor, qtbot: QtBot) -> None:
    card = WaitCard()
    qtbot.addWidget(card)
    card.show()
    view = backend.monitoring.pool(actor=actor)
    unused = Histogram(bounds_ms=BOUNDS_MS, counts=(0,) * 13)
    sample = PoolSample(at=NOW, in_use=0, waiting=0, wait_p95_ms=None)
    card.show_view(dataclasses.replace(view, histogram=unused, wait_ms=unused.percentiles()), (sample,))
    assert not card.value.isVisible()
    assert card.unit.text() == "no checkouts yet"
    assert card.chart.accessibleName() == "Checkout wait p95 of this program: no data yet"
    used = Histogram(bounds_ms=BOUNDS_MS, counts=(0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 0, 0, 0))
    later = dataclasses.replace(sample, at=NOW + dt.timedelta(seconds=1), wait_p95_ms=97.5)
    card.show_view(dataclasses.replace(view, histogram=used, wait_ms=used.percentiles()), (sample, later))
    assert (card.value.text(), card.unit.text(), card.state.text()) == ("98", "ms", "over the limit")
    assert card.about.text() == "10 checkouts in 15 min"
    assert theme is not None


def test_the_gauge_follows_connections_that_are_held(backend: Backend, actor: Actor, open_overview: OpenPage, wait_until: Wait) -> None:
    page, _ = open_overview(backend, actor)
    with contextlib.ExitStack() as held:
        for _ in range(3):
            held.enter_context(backend.database.begin("Hold")).execute(text("SELECT 1"))
        wait_until(lambda: page.pool.gauge.accessibleName() == "Connections: 3 in use of 2 + 8")
        assert page.pool.state.text() == "healthy"
    wait_until(lambda: page.pool.gauge.accessibleName() == "Connections: 0 in use of 2 + 8")


def test_recent_documents_are_the_last_five_and_a_click_opens_one(
    backend: Backend, actor: Actor, open_overview: OpenPage, qtbot: QtBot, tmp_path: Path, wait_until: Wait
) -> None:
    ids = []
    for number in range(6):
        path = tmp_path / f"Report {number}.txt"
        path.write_text("A page.", encoding="utf-8")
        ids.append(backend.documents.import_file(path, actor=actor, title=f"<b>Report</b> {number}").document.id)
    page, desk = open_overview(backend, actor)
    table = page.documents.table
    assert [document.id for document in table.rows] == ids[:0:-1]
    assert page.documents.all.text() == "View all 6"
    assert state(table.rows[0])[:3] == ("loader", "Reading pages", "info")
    at = table.visualRect(table.model().index(1, 0)).center()
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=at)
    assert desk.navigated == [("documents", {"document_id": ids[4]})]
    backend.documents.rename(ids[5], title="Renamed", actor=actor, version=table.rows[0].version)
    desk.context.changes.hint("documents")
    wait_until(lambda: table.rows[0].title == "Renamed")


def test_a_running_job_shows_its_progress_and_is_cancelled_here(
    backend: Backend, actor: Actor, open_overview: OpenPage, settings: Settings, slow_job: tuple[SlowTask, int], wait_until: Wait
) -> None:
    task, job_id = slow_job
    page, desk = open_overview(backend, actor)
    line = page.jobs.rows[job_id]
    assert (line.title.text(), line.badge.text(), line.detail.text()) == ("Speak <i>Harbour</i>", "waiting", "in the queue")
    with serving(backend, settings):
        wait_until(lambda: line.badge.text() == "running" and line.detail.text() == "3 of 12 · local voice", timeout=15)
        assert line.bar.accessibleName() == "Speak <i>Harbour</i>: 25%"
        assert page.jobs.state.text() == "1 open"
        line.cancel.click()
        assert not line.cancel.isEnabled()
        wait_until(task.cancelled.is_set, timeout=15)
    wait_until(page.jobs.empty.isVisible)
    assert backend.jobs.get(job_id, actor=actor).state == "cancelled"
    assert desk.notified == []


def test_cancelling_a_job_that_just_ended_is_told_in_words(
    backend: Backend, actor: Actor, open_overview: OpenPage, slow_job: tuple[SlowTask, int], wait_until: Wait
) -> None:
    page, desk = open_overview(backend, actor)
    line = page.jobs.rows[slow_job[1]]
    page.hide()
    backend.jobs.cancel(slow_job[1], actor=actor)
    line.cancel.click()
    wait_until(lambda: desk.notified == [("That job has already ended.", "bad")])


def test_health_that_needs_attention_says_so_by_icon_and_words(
    backend: Backend, actor: Actor, open_overview: OpenPage, wait_until: Wait
) -> None:
    with contextlib.ExitStack() as held:
        for _ in range(8):
            held.enter_context(backend.database.begin("Hold")).execute(text("SELECT 1"))
        page, _ = open_overview(backend, actor)
        line = page.health.lines["Connection pool"]
        assert line.symbol == "triangle-alert"
        assert line.brief.text() == "needs attention"
        wait_until(line.finding.isVisible)
        assert " of 10 in use" in line.finding.text()
        assert line.accessibleName().startswith("Connection pool: needs attention, ")
        assert page.health.state.text() in {"1 needs attention", "2 need attention"}
        assert page.overall.text() == page.health.state.text()
    good = page.health.lines["Database"]
    assert (good.symbol, good.finding.isVisible()) == ("circle-check", False)


@pytest.mark.parametrize(
    ("statuses", "words"),
    [
        (("ok", "ok"), "all well"),
        (("ok", "unknown"), "not all checked"),
        (("degraded", "ok"), "1 needs attention"),
        (("failed", "degraded"), "1 check failed"),
        (("failed", "failed"), "2 checks failed"),
    ],
)
def test_the_worst_check_names_the_whole(theme: Theme, qtbot: QtBot, statuses: tuple[str, ...], words: str) -> None:
    card = HealthCard()
    qtbot.addWidget(card)
    checks = tuple(HealthCheck(name=str(n), status=status, detail="", age_s=0.0) for n, status in enumerate(statuses))
    card.show_view(HealthView(status="ok", checks=checks))
    assert card.state.text() == words
    assert theme is not None


@pytest.mark.logs(r"psycopg\.pool")
def test_without_a_server_the_last_figures_stay_with_their_age_and_come_back_to_life(
    open_overview: OpenPage, wait_until: Wait, start_server: Callable[..., EmbeddedServer], tmp_path: Path
) -> None:
    home = tmp_path / "home"
    server = start_server(home)
    with open_backend(load_settings(home=home, pool_size=1, max_overflow=2), application="desktop") as backend:
        page, _ = open_overview(backend, backend.actor())
        gauge = page.pool.gauge.accessibleName()
        postmaster.stop(server.cluster, mode="fast", timeout_s=30)
        wait_until(lambda: page.pool.stale, timeout=15)
        assert page.loaded
        assert page.pool.gauge.accessibleName() == gauge
        assert page.pool.state.text().endswith(" s old")
        assert page.stale.text().startswith("last answer ")
        assert not page.updated.isVisible()
        start_server(home)
        wait_until(page.updated.isVisible, timeout=20)
        # those who waited meanwhile are served first, and shown as waiting until they are
        wait_until(lambda: page.pool.state.text() == "healthy", timeout=20)
        assert page.updated.isVisible()
        assert page.updated.text().startswith("Updated ")


def document(**values: Any) -> DocumentRow:
    given = {
        "id": 1, "title": "T", "filename": "t.pdf", "kind": "pdf", "status": "COMPLETED", "error": None, "error_code": None,
        "correlation_id": "c", "size_bytes": 3_800_000, "language": "en", "page_count": 48, "characters": 9, "version": 1, "owner": "Ana",
        "owner_id": 1, "created_at": NOW - dt.timedelta(hours=3), "updated_at": NOW, "audio": AudioSummary(),
    }  # fmt: skip
    return DocumentRow(**given | values)


@pytest.mark.parametrize(
    ("values", "words", "share"),
    [
        ({"status": "FAILED"}, "Could not be read", None),
        ({"status": "PROCESSING"}, "Reading pages", None),
        ({}, "No audio yet", None),
        ({"audio": AudioSummary(ready=12, working=36, pages_ready=12)}, "12 of 48", 0.25),
        ({"audio": AudioSummary(ready=47, failed=1, pages_ready=47)}, "1 page failed", None),
        ({"audio": AudioSummary(ready=3, pages_ready=3, seconds=60.0)}, "3 of 48 pages", None),
        ({"audio": AudioSummary(ready=48, pages_ready=48, seconds=1320.0)}, "Ready · 22 min", None),
    ],
)
def test_a_document_says_in_words_how_far_it_is(values: dict[str, Any], words: str, share: float | None) -> None:
    assert state(document(**values))[1::2] == (words, share)


def test_a_document_is_described_by_kind_pages_size_and_age() -> None:
    assert about(document()) == "PDF · 48 pages · 3.8 MB · 3 h ago"
    assert about(document(page_count=0, status="PENDING")) == "PDF · 3.8 MB · 3 h ago"


def test_a_job_that_is_tried_again_says_when() -> None:
    given: dict[str, Any] = {field.name: None for field in dataclasses.fields(JobRow)}
    given |= {"job_id": 1, "attempt": 1, "done": 0, "total": 0, "note": "", "state": "retrying"}
    job = JobRow(**given)
    soon = dataclasses.replace(job, next_try_at=dt.datetime.now(dt.UTC) + dt.timedelta(seconds=41.9))
    assert detail(soon) == "attempt 2 in 42 s"
    assert detail(dataclasses.replace(soon, next_try_at=NOW - dt.timedelta(seconds=5))) == "attempt 2 now"
    assert detail(dataclasses.replace(job, state="running", done=3, total=12, note="local voice")) == "3 of 12 · local voice"


def test_everything_that_takes_the_keyboard_has_a_name_and_nothing_is_cut(
    backend: Backend, actor: Actor, open_overview: OpenPage, slow_job: tuple[SlowTask, int]
) -> None:
    page, _ = open_overview(backend, actor)
    assert slow_job[1] in page.jobs.rows
    reachable = [part for part in page.findChildren(QWidget) if part.isVisible() and part.focusPolicy() & Qt.FocusPolicy.TabFocus]
    assert reachable
    assert not [type(part).__name__ for part in reachable if not part.accessibleName()]
    assert page.grab().deviceIndependentSize().toSize() == page.size()
    assert page.content.minimumSizeHint().width() <= 888
