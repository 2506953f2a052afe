"""The Privacy page over a real backend: runs of the whole suite, what they found, and the proof that is handed on."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest

from backend_core.backend import Backend
from backend_core.db.embedded import EmbeddedServer
from backend_core.policy import SUPPORT, Actor
from desktop.pages.privacy import picture as pic
from desktop.pages.privacy.page import PrivacyPage
from tests.desktop.conftest import Desk

Wait = Callable[..., None]
Keep = Callable[..., int]
RUN_S = 120.0


@pytest.fixture
def desk(page_context: Callable[..., Desk], backend: Backend, actor: Actor) -> Desk:
    return page_context(backend, actor=actor)


def shown(desk: Desk, wait_until: Wait) -> PrivacyPage:
    page = PrivacyPage(desk.context)
    page.setParent(desk.window)
    desk.window.resize(1228, 846)
    page.resize(1228, 846)
    page.show()
    desk.window.show()
    wait_until(lambda: page.loaded, timeout=15)
    return page


def quiet(page: PrivacyPage, wait_until: Wait) -> None:
    wait_until(lambda: not page.running.on and not page.context.background.pending, timeout=RUN_S)


def choose(page: PrivacyPage, viewer: int, owner: int) -> None:
    place = page.board.matrix.cell(viewer, owner).center().toPoint()
    QTest.mouseClick(page.board.matrix, Qt.MouseButton.LeftButton, pos=QPoint(place))


@pytest.fixture
def opened_table(clean: EmbeddedServer) -> Iterator[None]:
    """Memories without row security, as after a careless migration; afterwards as they were."""
    with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
        conn.execute("ALTER TABLE memories DISABLE ROW LEVEL SECURITY")
        yield
        conn.execute("ALTER TABLE memories ENABLE ROW LEVEL SECURITY")


@pytest.fixture
def kept(clean: EmbeddedServer) -> Keep:
    """Return a function that keeps a run as the suite does, without trying anything."""

    def keep(*, days: int, outcome: str | None = "pass", error: str | None = None) -> int:
        query = """
            INSERT INTO privacy_runs
                (started_at, finished_at, trigger, started_by, database_role, schema_revision, version, target, passed, cells, seconds,
                 outcome, error)
            SELECT moment, CASE WHEN %(outcome)s::text IS NULL THEN NULL ELSE moment END, 'schedule', 'Lectern', 'lectern_app',
                   version_num, '1', '', 3, 1024, 4.2, %(outcome)s, %(error)s
            FROM alembic_version, (SELECT now() - make_interval(days => %(days)s) AS moment) AS clock RETURNING id
        """
        with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
            row = conn.execute(query, {"days": days, "outcome": outcome, "error": error}).fetchone()
        assert row is not None
        return int(row[0])

    return keep


@pytest.mark.trace("B41")
@pytest.mark.trace("B45")
def test_a_first_run_from_the_empty_page_shows_every_pair_case_and_proof(
    desk: Desk, backend: Backend, actor: Actor, tmp_path: Path, wait_until: Wait
) -> None:
    page = shown(desk, wait_until)
    assert page.board.empty.isVisible()
    assert page.badge.text() == "Never run"
    assert not page.export.isVisible()
    steps: list[float] = []
    page.running.progressed.connect(lambda step: steps.append(step.done / step.total))
    assert page.board.empty.action is not None
    page.board.empty.action.click()
    wait_until(lambda: steps, timeout=RUN_S)
    assert page.stop.isVisible()
    assert page.board.strip.bar.isVisible()
    quiet(page, wait_until)
    assert steps == sorted(steps)
    assert page.board.pairs.text() == "64 of 64 pairs as they must be"
    assert not page.board.strip.isVisible(), "where all is well nothing is said"
    assert page.badge.text().startswith("0 leaks")
    run = backend.privacy.latest(actor=actor)
    assert run is not None
    assert len(page.board.cases.table.rows) == run.passed
    assert [bar.id for bar in page.board.runs.bars] == [run.id]
    walk_through_evidence(page, run.id, wait_until)
    hand_on(page, desk, backend, actor, tmp_path, wait_until)


def walk_through_evidence(page: PrivacyPage, run: int, wait_until: Wait) -> None:
    choose(page, 0, 4)
    assert page.drawer.isVisible()
    assert page.drawer.accessibleName() == "D1 looks at memories of GB"
    assert page.drawer.state.text() == "Closed, 16 of 16"
    assert page.drawer.answers.accessibleDescription().count("as it must be") == 16
    wait_until(lambda: page.drawer.span.text() == "last run", timeout=15)
    page.drawer.step_wanted.emit(-1)
    assert page.drawer.accessibleName() == "D1 looks at memories of GA"
    QTest.keyClick(page.board.matrix, Qt.Key.Key_Left)
    QTest.keyClick(page.board.matrix, Qt.Key.Key_Down)
    assert page.board.matrix.place == ("D2", "D3")
    page.drawer.copy.click()
    assert f"run {run}," in QGuiApplication.clipboard().text()


def hand_on(page: PrivacyPage, desk: Desk, backend: Backend, actor: Actor, folder: Path, wait_until: Wait) -> None:
    for name in ("report.pdf", "report.json"):
        page.export_to(folder / name)
        wait_until(lambda name=name: any(name in words for words, _ in desk.notified), timeout=30)
        assert backend.privacy.verify_report(folder / name, actor=actor).ok
    told = (folder / "report.json").read_text(encoding="utf-8")
    assert json.loads(told)


@pytest.mark.logs("privacy run failed")
@pytest.mark.usefixtures("opened_table")
def test_a_leak_is_red_with_its_evidence_and_its_cause(desk: Desk, wait_until: Wait) -> None:
    page = shown(desk, wait_until)
    page.start()
    quiet(page, wait_until)
    assert page.badge.text().endswith("cells")
    assert "leaks in" in page.board.strip.heading.text()
    assert "readiness gate is closed" in page.board.strip.sentence.text()
    leaking = [pair for pair in page.board.matrix.picture.pairs if pair.kind == pic.LEAK]
    assert leaking
    cases = page.board.cases.table.rows
    assert not cases[0].ok, "what failed comes first"
    page.board.matrix._take(*leaking[0].place)
    assert page.drawer.state.text().endswith(("leak", "leaks"))
    assert "not as it must be" in page.drawer.answers.accessibleDescription()
    page.board.cases.table.selectRow(0)
    assert page.board.matrix.place is None
    assert page.drawer.heading.text() == cases[0].title
    assert cases[0].rule in page.drawer.sentence.text()
    page.drawer.close_drawer()
    assert page.board.cases.table.current() is None


def test_a_run_can_be_stopped_and_concludes_nothing(desk: Desk, backend: Backend, actor: Actor, wait_until: Wait) -> None:
    page = shown(desk, wait_until)
    page.running.progressed.connect(lambda _step: page.running.cancel())
    page.start()
    quiet(page, wait_until)
    page.refresh()
    quiet(page, wait_until)
    assert backend.privacy.standing(actor=actor).gate == "never"
    assert page.badge.text() == "Never run"
    assert "was stopped before its end" in page.board.strip.heading.text()
    assert {pair.kind for pair in page.board.matrix.picture.pairs} == {pic.UNKNOWN}
    assert desk.notified == [], "what the person stopped has not failed"


def test_an_old_run_no_longer_tells_how_it_is_now(desk: Desk, kept: Keep, wait_until: Wait) -> None:
    kept(days=3)
    page = shown(desk, wait_until)
    assert page.badge.text().startswith("Stale")
    assert page.board.strip.heading.text() == "Nobody knows whether this still holds"
    choose(page, 0, 0)
    assert "old run" in page.board.matrix.accessibleDescription()


def test_an_earlier_run_is_looked_at_and_left_again(desk: Desk, kept: Keep, wait_until: Wait) -> None:
    first, second = kept(days=1), kept(days=0)
    page = shown(desk, wait_until)
    assert page.view is not None
    assert page.view.shown is not None
    assert page.view.shown.run.id == second
    QTest.keyClick(page.board.runs, Qt.Key.Key_Left)
    wait_until(lambda: f"run {first} " in page.board.strip.heading.text(), timeout=15)
    assert page.board.strip.action.isVisible()
    page.board.strip.action.click()
    wait_until(lambda: not page.board.strip.isVisible(), timeout=15)
    page.open_target(run_id=first)
    wait_until(lambda: f"run {first} " in page.board.strip.heading.text(), timeout=15)


def test_a_run_that_refused_says_why_and_shows_nothing_as_tried(desk: Desk, kept: Keep, wait_until: Wait) -> None:
    number = kept(days=0, outcome="refused", error="The role lectern_admin is a superuser: no policy binds it.")
    page = shown(desk, wait_until)
    assert page.badge.text() == "Refused to pass"
    assert page.board.strip.heading.text() == f"Run {number} refused to pass"
    assert "superuser" in page.board.strip.sentence.text()
    assert {pair.kind for pair in page.board.matrix.picture.pairs} == {pic.UNKNOWN}
    assert page.board.cases.empty.line.text() == "This run tried nothing"


def test_a_run_somewhere_else_is_said_and_waited_for(desk: Desk, kept: Keep, wait_until: Wait) -> None:
    kept(days=1)
    number = kept(days=0, outcome=None)
    page = shown(desk, wait_until)
    assert page.board.strip.heading.text() == f"Run {number} goes on, on schedule"


def test_what_the_live_guard_stopped_is_said_and_leads_to_the_audit_log(
    desk: Desk, kept: Keep, clean: EmbeddedServer, wait_until: Wait
) -> None:
    kept(days=0)
    page = shown(desk, wait_until)
    assert not page.board.guard.isVisible()
    assert "saw nothing" in page.board.span.text()
    query = """
        INSERT INTO privacy_incidents (kind, actor, workstation, detail, correlation_id)
        VALUES ('no_scope', 'Lectern', 'here', 'A statement without a scope.', 'x')
    """
    with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
        conn.execute(query)
    page.refresh()
    wait_until(page.board.guard.isVisible, timeout=15)
    page.board.guard.click()
    assert desk.navigated == [("audit", {"query": "action:privacy.incident"})]


def test_support_reads_and_cannot_run(page_context: Callable[..., Desk], backend: Backend, actor: Actor, wait_until: Wait) -> None:
    page = shown(page_context(backend, actor=replace(actor, role=SUPPORT)), wait_until)
    assert page.board.empty.action is None
    assert not page.now.isVisible()
    page.start()
    assert not page.running.on


def test_nothing_flashes_and_the_page_fits_the_smallest_window(desk: Desk, flashes: list[str], wait_until: Wait) -> None:
    page = shown(desk, wait_until)
    assert flashes == ["QWidget"], "only the window of the test itself"
    assert page.content.minimumSizeHint().width() <= 788
