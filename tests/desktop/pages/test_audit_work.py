"""Verify now and Export on the Audit log page, over a real log with real seals."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from backend_core.audit.query import AuditFilter
from backend_core.audit.report import Problem, VerifyReport, WitnessFacts
from backend_core.backend import Backend
from backend_core.db.embedded import EmbeddedServer
from backend_core.errors import Cancelled, LecternError, ProofNeeded
from backend_core.policy import Actor
from desktop.acting import Acting
from desktop.i18n import number
from desktop.pages.audit.verifying import outcome, rollback_words, witness_summary
from tests.desktop.conftest import Desk
from tests.desktop.pages.audit_scene import Scene, Wait, record, scene_maker

Show = Callable[..., Scene]


@pytest.fixture
def show(qtbot: QtBot, page_context: Callable[..., Desk], backend: Backend, actor: Actor, wait_until: Wait) -> Iterator[Show]:
    """Open the page once everything it shall find was recorded."""
    with scene_maker(qtbot, page_context, backend, actor, wait_until) as make:
        yield make


def report(*problems: Problem, total: int = 0, outside: int = 0) -> VerifyReport:
    """Return what a verification of 1,000 events found."""
    facts = WitnessFacts(total=total, off_machine=outside, agreeing=total)
    return VerifyReport(
        ok=not problems, rows=1000, problems=problems, witnesses=facts, rows_per_second=150_000, verified_to=1000, seconds=0.1
    )


class Patient:
    """Seals whose verification takes as long as the test wants."""

    def __init__(self, seals: Any) -> None:
        self._seals = seals
        self.began, self.ended = threading.Event(), threading.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._seals, name)

    def verify(
        self, *, actor: Actor, progress: Callable[[int, int], None], cancelled: Callable[[], bool], quick: bool = False
    ) -> VerifyReport:
        """Report half of the work, then go on until somebody stops it."""
        progress(500, 1000)
        self.began.set()
        try:
            while not cancelled():
                self.ended.wait(0.01)
        finally:
            self.ended.set()
        raise Cancelled("Stopped on request.")


class Gate:
    """Exports that stop half-way until the test opens the gate."""

    def __init__(self, exports: Any) -> None:
        self._exports = exports
        self.began, self.gate = threading.Event(), threading.Event()

    def export(self, wanted: AuditFilter, path: Path, *, progress: Callable[[int, int], object], **more: Any) -> Any:
        """Write for real, but wait before the first report."""

        def slow(done: int, total: int) -> object:
            self.began.set()
            self.gate.wait(10)
            return progress(done, total)

        return self._exports.export(wanted, path, progress=slow, **more)


def verified(scene: Scene) -> None:
    scene.page.verify.click()
    scene.wait(lambda: not scene.page.verifying.panel.running, timeout=20)


def lines(scene: Scene) -> str:
    from desktop.widgets.label import PlainLabel

    panels = (scene.page.verifying.panel, scene.page.exporting.panel)
    return "\n".join(label.text() for panel in panels for label in panel.findChildren(PlainLabel) if label.isVisible())


def ordered(scene: Scene, path: Path, *, reason: str = "OPS-318", format: str = "jsonl") -> None:  # noqa: A002 - the backend's word
    scene.page.download.click()
    dialog = scene.dialog()
    assert not dialog.go.isEnabled(), "a reason is required"
    dialog.reason.setText(reason)
    assert dialog.go.isEnabled()
    dialog.format.choose(format)
    dialog.order(path)


def test_a_whole_log_is_verified_and_the_answer_stays(show: Show, backend: Backend, actor: Actor) -> None:
    record(backend, actor, "document.import", "document.rename")
    backend.seals.seal()
    scene = show()
    assert scene.page.badge.text() == "Not verified yet"
    verified(scene)
    total = backend.trail.summary(actor=actor).total
    assert scene.page.verifying.panel.words.text().startswith("Verified to ")
    assert scene.page.badge.text().startswith("Verified to ")
    assert total >= 2
    scene.refresh()
    assert scene.actions[0] == "audit.verify", "verifying is an event of its own"
    again = show()
    again.wait(lambda: again.page.badge.text().startswith("Verified to "))


def test_a_changed_event_is_told_in_plain_words(show: Show, backend: Backend, actor: Actor, clean: EmbeddedServer) -> None:
    record(backend, actor, "document.import", "document.delete", "document.rename")
    backend.seals.seal()
    with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
        conn.execute("SET session_replication_role = replica")
        conn.execute("UPDATE audit_event SET action = 'document.read' WHERE action = 'document.delete'")
    scene = show()
    verified(scene)
    assert "An event was changed after it was written" in lines(scene)
    assert scene.page.verifying.panel.words.text().endswith("the log is not as it was written")
    assert scene.page.badge.text().endswith("found")


def test_a_verification_can_be_stopped_and_concludes_nothing(show: Show, backend: Backend) -> None:
    patient = Patient(backend.seals)
    scene = show(seals=patient)
    before = scene.page.badge.text()
    scene.page.verify.click()
    scene.wait(patient.began.is_set)
    scene.wait(lambda: scene.page.verifying.panel.detail.text() == f"500 of {number(1000)} events")
    scene.page.verify.click()
    scene.page.verifying.panel.cancel.click()
    scene.wait(patient.ended.is_set)
    assert scene.page.verifying.panel.words.text() == "Stopped. Nothing was concluded."
    assert scene.page.badge.text() == before


def test_a_verification_that_fails_says_so_and_not_that_all_is_well(show: Show) -> None:
    scene = show()
    scene.backend.away = True
    verified(scene)
    assert scene.page.verifying.panel.words.text() == "The verification did not finish"
    assert "does not answer" in lines(scene)


def test_the_worth_of_witnesses_is_said_plainly(qapp: QApplication) -> None:
    none, inside, outside = report(), report(total=1), report(total=3, outside=3)
    assert "would not be found" in rollback_words(none.witnesses)
    assert "would not be found" in rollback_words(inside.witnesses)
    assert rollback_words(outside.witnesses) == "Rolling back the whole data folder would be found."
    assert witness_summary(outside.witnesses) == "3 of 3 agree, all outside the data folder"
    assert outcome(outside).tone == "ok"
    assert qapp is not None


def test_many_problems_are_counted_and_the_first_are_shown(qapp: QApplication) -> None:
    found = outcome(report(*(Problem(kind="gap", detail=f"event {n} is not there") for n in range(20))))
    assert found.tone == "bad"
    assert found.findings[0] == ("Events are missing", "Event 0 is not there.")
    assert found.notes[0] == "… and 12 more problems."
    assert qapp is not None


def test_the_drawer_names_each_witness(show: Show, backend: Backend, actor: Actor) -> None:
    record(backend, actor, "document.import")
    backend.seals.seal()
    scene = show()
    said = backend.seals.witnesses(actor=actor)
    scene.page.open_event(scene.lines[0].id)
    scene.wait(lambda: scene.page.drawer.details is not None)
    scene.wait(lambda: scene.page.drawer.witnesses.text() == (witness_summary_of(said)))
    assert scene.page.drawer.seal_state.text().startswith("sealed in ")


def witness_summary_of(said: Any) -> str:
    from backend_core.audit.witnesses import facts

    return witness_summary(facts(said))


def test_an_export_holds_the_filter_and_is_an_event_of_its_own(show: Show, backend: Backend, actor: Actor, tmp_path: Path) -> None:
    record(backend, actor, "document.import", "settings.update", "settings.update")
    backend.seals.seal()
    scene = show()
    scene.ask("action:settings.*")
    path = tmp_path / "events.jsonl"
    ordered(scene, path)
    scene.wait(lambda: not scene.page.exporting.panel.running)
    assert scene.page.exporting.panel.words.text() == "2 events exported"
    assert {json.loads(line)["action"] for line in path.read_text(encoding="utf-8").splitlines()} == {"settings.update"}
    assert str(path) in lines(scene)
    (row,) = backend.trail.tail(filter=AuditFilter.parse("action:audit.export"), actor=actor)
    assert row.reason == "OPS-318"
    assert row.after is not None
    assert row.after["filter"] == "action:settings.*"


def test_a_stopped_export_leaves_no_file(show: Show, backend: Backend, actor: Actor, tmp_path: Path) -> None:
    record(backend, actor, *["document.import"] * 50)
    backend.seals.seal()
    gate = Gate(backend.trail_export)
    scene = show(trail_export=gate)
    ordered(scene, tmp_path / "events.csv", format="csv")
    scene.wait(gate.began.is_set)
    scene.page.exporting.panel.cancel.click()
    gate.gate.set()
    scene.wait(lambda: not scene.page.exporting.panel.running)
    assert scene.page.exporting.panel.words.text() == "Stopped. No file was kept."
    assert list(tmp_path.glob("events*")) == []


def test_an_export_goes_on_after_the_person_proved_who_they_are(show: Show, backend: Backend, actor: Actor, tmp_path: Path) -> None:
    record(backend, actor, "document.import")
    backend.seals.seal()
    scene = show(who=replace(actor, proven_until=None))
    asked: list[LecternError] = []

    def prove(error: LecternError, _context: object, again: Callable[[], object], _give_up: object) -> None:
        asked.append(error)
        scene.page.context.acting = Acting(replace(actor, proven_until=datetime.now(UTC) + timedelta(minutes=5)))
        again()

    scene.page.context.background.asker = prove
    ordered(scene, tmp_path / "events.jsonl")
    scene.wait(lambda: not scene.page.exporting.panel.running)
    assert [type(one) for one in asked] == [ProofNeeded]
    assert (tmp_path / "events.jsonl").exists()
    assert "exported" in scene.page.exporting.panel.words.text()


def test_an_export_nobody_proved_is_not_made_and_says_so(show: Show, backend: Backend, actor: Actor, tmp_path: Path) -> None:
    record(backend, actor, "document.import")
    scene = show(who=replace(actor, proven_until=None))
    ordered(scene, tmp_path / "events.jsonl")
    scene.wait(lambda: not scene.page.exporting.panel.running)
    assert scene.page.exporting.panel.words.text() == "The export was not made"
    assert not list(tmp_path.glob("events*"))
