"""The Readiness page over real measurements: what is known, what is not, what stands in the way, and who signed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QImage, QPainter
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget

from backend_core.backend import Backend
from backend_core.errors import DatabaseAway
from backend_core.monitoring.readiness.check import Check, Finding, failed, passed, unknown, warned
from backend_core.monitoring.readiness.service import Readiness
from backend_core.policy import SUPPORT, Actor
from desktop.pages.readiness import painting
from desktop.pages.readiness.page import ReadinessPage
from desktop.pages.readiness.sign_dialog import RefusedDialog, SignDialog
from desktop.style import Theme, colour, tone_background, tone_fill, tone_text
from desktop.style.theme import Mode
from desktop.widgets.ring import SegmentRing
from tests.desktop.conftest import Desk

Wait = Callable[..., None]
HOUR = 3600.0


@dataclass
class World:
    """What the checks of these tests look at; change it and measure again."""

    found: dict[str, Finding] = field(default_factory=dict)
    away: bool = False
    on_look: Callable[[str], object] = id

    def look(self, check_id: str) -> Finding:
        """Return what is there now."""
        self.on_look(check_id)
        return self.found[check_id]

    def check(self, check_id: str, category: str, *, gate: bool = False, page: str = "", target: str = "", limit_s: float = HOUR) -> Check:
        """Declare a check whose finding is that of ``found``."""
        return Check(
            id=check_id,
            title=f"Title of {check_id}",
            about="Looks at the world of the test.",
            category=category,
            threshold="as it should be",
            source="the test",
            run=lambda _around: self.look(check_id),
            gate=gate,
            limit_s=limit_s,
            page=page,
            target=target,
        )


@dataclass
class Measured:
    """The part of a backend that the page needs."""

    made: Readiness
    world: World

    @property
    def readiness(self) -> Readiness:
        """The service, while the database answers."""
        if self.world.away:
            raise DatabaseAway("The database does not answer.")
        return self.made


@pytest.fixture
def world() -> World:
    """Two gates that pass, a failure, a warning, and something nobody knows."""
    return World(
        {
            "privacy.gate": passed("0 leaks"),
            "database.gate": passed("closed"),
            "database.fails": failed("1 missing", table="<b>memories</b>", index="idx_missing"),
            "database.warns": warned("63 s"),
            "limits.unknown": unknown("The gateway is not there."),
        }
    )


@pytest.fixture
def measured(backend: Backend, world: World) -> Measured:
    """Readiness of a real database with the checks of the world."""
    checks = (
        world.check("privacy.gate", "privacy", gate=True, page="privacy"),
        world.check("database.gate", "database", gate=True),
        world.check("database.fails", "database", page="database", target="indexes"),
        world.check("database.warns", "database", page="database", target="activity"),
        world.check("limits.unknown", "rate_limiting"),
    )
    around = backend.readiness.around
    made = Readiness(backend.database, backend.audit, around=lambda: around, keys=backend.sealing, releases=backend.releases, checks=checks)
    return Measured(made, world)


def shown(desk: Desk, wait_until: Wait, *, loaded: bool = True) -> ReadinessPage:
    page = ReadinessPage(desk.context)
    page.setParent(desk.window)
    desk.window.resize(1228, 846)
    page.resize(1228, 846)
    page.show()
    desk.window.show()
    if loaded:
        wait_until(lambda: page.loaded, timeout=15)
    return page


def quiet(page: ReadinessPage, wait_until: Wait) -> None:
    wait_until(lambda: not page.measuring.on and not page.context.background.pending, timeout=60)


def measure(page: ReadinessPage, wait_until: Wait) -> None:
    page.now.click()
    quiet(page, wait_until)


def painted(widget: QWidget) -> QImage:
    return widget.grab().toImage()


def holds(image: QImage, token: str) -> bool:
    """Return whether any pixel has exactly the colour of a token."""
    wanted = colour(token).rgb()
    return any(image.pixel(x, y) == wanted for y in range(image.height()) for x in range(image.width()))


def test_a_fresh_installation_says_that_nothing_was_measured(
    page_context: Callable[..., Desk], backend: Backend, actor: Actor, flashes: list[str], wait_until: Wait
) -> None:
    page = shown(page_context(backend, actor=actor), wait_until)
    assert flashes == ["QWidget"], "only the window of the test itself"
    assert page.badge.text() == "Not measured yet"
    assert page.board.score.ring.accessibleName().startswith("Score: 0 of ")
    assert page.board.score.change.text() == "never measured"
    assert all(tile.hatched for tile in page.board.gates.tiles.tiles)
    assert not page.export.isEnabled()
    assert {check.status for check in page.board.checks.table.rows} == {"unknown"}
    assert page.board.categories.count.text() == "0 of 8 on target"
    assert page.content.minimumSizeHint().width() <= 788


@pytest.mark.trace("B1")
def test_from_the_score_down_to_the_evidence_of_a_check_and_on_to_where_it_is_mended(
    page_context: Callable[..., Desk], measured: Measured, actor: Actor, wait_until: Wait
) -> None:
    desk = page_context(measured, actor=actor)
    page = shown(desk, wait_until)
    steps: list[tuple[int, int]] = []
    page.measuring.progressed.connect(lambda step: steps.append((step.done, step.total)))
    measure(page, wait_until)
    assert steps == sorted(steps)
    assert steps[-1][1] == 5
    # two pass, one warns for half, one fails; what nobody knows is left out and shown
    assert page.board.score.headline.text() == "62 on 4 of 5 known"
    assert page.badge.text() == "Not ready: 1 check fails"
    assert [check.status for check in page.board.checks.table.rows] == ["fail", "warn", "unknown", "pass", "pass"]
    found = {one.key: one.score for one in page.board.categories.table.rows}
    assert (found["database"], found["privacy"], found["rate_limiting"]) == (50.0, 100.0, None)
    drill_down_by_keyboard(page)
    assert page.drawer.name.text() == "Title of database.fails"
    assert page.drawer.value.text() == "1 missing"
    page.drawer.copy()
    assert "table: <b>memories</b>" in QGuiApplication.clipboard().text()
    page.drawer.link.click()
    assert desk.navigated == [("database", {"tab": "indexes"})]
    page.board.checks.chips.chip("all").click()
    page.drawer.step_wanted.emit(1)
    assert page.drawer.check is not None
    assert page.drawer.check.id == "database.warns"
    QTest.keyClick(page.drawer, Qt.Key.Key_Escape)
    assert page.board.checks.table.current() is None


def drill_down_by_keyboard(page: ReadinessPage) -> None:
    categories, checks = page.board.categories.table, page.board.checks
    categories.setFocus()
    categories.selectRow(0)
    while categories.current().key != "database":
        QTest.keyClick(categories, Qt.Key.Key_Down)
    assert {check.category for check in checks.table.rows} == {"database"}
    assert checks.only is not None
    QTest.keyClick(checks.chips.chip("fail"), Qt.Key.Key_Return)
    assert [check.id for check in checks.table.rows] == ["database.fails"]
    checks.table.setFocus()
    QTest.keyClick(checks.table, Qt.Key.Key_J)
    QTest.keyClick(checks.table, Qt.Key.Key_Return)
    assert page.drawer.isVisible()


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_unknown_and_stale_never_wear_the_colours_of_an_answer(theme: Theme, mode: Mode) -> None:
    theme.set_mode(mode)
    answers = [token for tone in ("ok", "warn", "bad") for token in (tone_background(tone), tone_text(tone), tone_fill(tone))]
    for status in ("unknown", "stale", "pass"):
        image = QImage(120, 30, QImage.Format.Format_RGB32)
        image.fill(colour("surface"))
        painter = QPainter(image)
        painting.status_pill(painter, 4, 15, status)
        painter.end()
        assert any(holds(image, token) for token in answers) == (status == "pass"), status
    ring = SegmentRing(name="Score")
    for tones, coloured in (([None] * 12, False), ([None, "ok"], True)):
        ring.show_tones(tones, figure="–", below="", words="")
        assert any(holds(painted(ring), token) for token in answers) == coloured
    ring.deleteLater()


def test_what_is_too_old_is_stale_hatched_and_outside_the_score(
    page_context: Callable[..., Desk], backend: Backend, world: World, actor: Actor, wait_until: Wait
) -> None:
    checks = (world.check("privacy.gate", "privacy", gate=True, limit_s=0.0), world.check("database.gate", "database", gate=True))
    around = backend.readiness.around
    made = Readiness(backend.database, backend.audit, around=lambda: around, keys=backend.sealing, releases=backend.releases, checks=checks)
    page = shown(page_context(Measured(made, world), actor=actor), wait_until)
    measure(page, wait_until)
    stale, fresh = page.board.gates.tiles.tiles
    assert (stale.hatched, fresh.hatched) == (True, False)
    assert not holds(painted(stale), "ok_bg")
    assert holds(painted(fresh), "ok_bg")
    assert page.board.score.headline.text() == "100 on 1 of 2 known"
    assert page.badge.text() == "Not known: 1 gate unknown"
    stale.click()
    assert "does not count as a pass" in page.drawer.uncounted.text()
    assert page.drawer.state.accessibleName() == "Stale"


def test_a_release_is_signed_only_once_nothing_stands_in_its_way(
    page_context: Callable[..., Desk], measured: Measured, actor: Actor, wait_until: Wait
) -> None:
    desk = page_context(measured, actor=actor)
    page = shown(desk, wait_until)
    measured.world.found["database.gate"] = failed("open to everybody")
    measure(page, wait_until)
    page.board.sign.sign.click()
    refused = page.dialog
    assert isinstance(refused, RefusedDialog)
    assert [check.id for check in refused.blocking] == ["database.gate", "database.fails"]
    refused.accept()
    for check_id in ("database.gate", "database.fails", "database.warns"):
        measured.world.found[check_id] = passed("mended")
    measure(page, wait_until)
    assert page.badge.text() == "Ready"
    page.board.sign.sign.click()
    asked = page.dialog
    assert isinstance(asked, SignDialog)
    assert not asked.go.isEnabled(), "a sign-off has a reason"
    asked.reason.setText("Release review 12")
    # somebody breaks it while the dialog is open
    measured.world.found["database.gate"] = failed("open again")
    measured.made.measure(actor=actor)
    asked.go.click()
    wait_until(lambda: not asked.problem.isHidden(), timeout=15)
    assert "database.gate" in asked.problem.text()
    measured.world.found["database.gate"] = passed("mended")
    measured.made.measure(actor=actor)
    asked.reviewer.setText("Mara Koch")
    asked.go.click()
    wait_until(lambda: page.board.sign.who.text().endswith("signed by Mara Koch"), timeout=15)
    quiet(page, wait_until)
    assert page.dialog is None
    signed = measured.made.report(actor=actor).signed
    assert signed is not None
    assert (signed.reviewer, signed.reason) == ("Mara Koch", "Release review 12")


def test_a_measurement_is_stopped_with_what_it_found_and_its_report_is_handed_on(
    page_context: Callable[..., Desk], measured: Measured, actor: Actor, tmp_path: Path, wait_until: Wait
) -> None:
    desk = page_context(measured, actor=actor)
    page = shown(desk, wait_until)
    measured.world.on_look = lambda check_id: page.measuring.cancel() if check_id == "database.gate" else None
    measure(page, wait_until)
    assert desk.notified == [], "what the person stopped has not failed"
    assert page.report is not None
    assert [check.id for check in page.report.checks if check.at is not None] == ["privacy.gate", "database.gate"]
    for name in ("report.pdf", "report.json"):
        page.export_to(tmp_path / name)
        wait_until(lambda name=name: any(name in words for words, _ in desk.notified), timeout=30)
        assert measured.made.verify_report(tmp_path / name, actor=actor).ok


def test_a_page_that_cannot_be_read_says_so_and_later_keeps_the_last_answer(
    page_context: Callable[..., Desk], measured: Measured, actor: Actor, wait_until: Wait
) -> None:
    measured.world.away = True
    page = shown(page_context(measured, actor=actor), wait_until, loaded=False)
    wait_until(page.error.isVisible, timeout=15)
    page.open_target(category="database")
    measured.world.away = False
    page.error.retry.click()
    wait_until(lambda: page.loaded, timeout=15)
    measured.world.away = True
    page.refresh()
    quiet(page, wait_until)
    assert page.loaded
    assert {check.category for check in page.board.checks.table.rows} == {"database"}
    assert page.board.checks.only is not None
    assert page.board.categories.table.current().key == "database"
    QTest.keyClick(page.board.checks.only, Qt.Key.Key_Delete)
    assert len(page.board.checks.table.rows) == 5


def test_support_reads_and_can_neither_measure_nor_sign(
    page_context: Callable[..., Desk], measured: Measured, actor: Actor, wait_until: Wait
) -> None:
    measured.made.measure(actor=actor)
    page = shown(page_context(measured, actor=replace(actor, role=SUPPORT)), wait_until)
    assert not page.now.isVisible()
    page.measure()
    assert not page.measuring.on
    page.board.checks.table.selectRow(0)
    assert not page.drawer.again.isVisible()
    page.board.sign.sign.click()
    assert isinstance(page.dialog, RefusedDialog)
    assert "Only administrators" in page.dialog.sentence.text()
    page.dialog.accept()
