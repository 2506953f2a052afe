"""One id from a drop on the window to the job, the worker's log, and the audit log; everything is found by it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from backend_core.backend import Backend
from backend_core.logs import configure_logging
from backend_core.monitoring.logbook import Logbook, LogFilter
from backend_core.policy import Actor
from tests.desktop.pages.document_scene import Scene


@pytest.fixture
def logs(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "logs"
    yield folder
    configure_logging(tmp_path / "after", process="tests")


@pytest.mark.trace("B62")
def test_a_file_dropped_on_the_window_can_be_followed_to_the_end(
    scene: Callable[[], Scene],
    backend: Backend,
    actor: Actor,
    run_jobs: Callable[[], None],
    wait_until: Callable[..., None],
    logs: Path,
    tmp_path: Path,
) -> None:
    path = tmp_path / "Dropped.txt"
    path.write_text("One short page to speak.", encoding="utf-8")
    configure_logging(logs, process="desktop")
    shown = scene()
    shown.page.open_target(files=[path])
    wait_until(lambda: backend.documents.listing(actor=actor).rows)
    wait_until(lambda: not shown.page.context.background.pending)
    configure_logging(logs, process="worker")
    run_jobs()
    document = backend.documents.listing(actor=actor).rows[0]
    found = backend.trail.related(backend.documents.get(document.id, actor=actor).correlation_id, actor=actor)
    correlation = found[0].correlation_id
    assert {event.action for event in found} >= {"document.import", "document.extract"}
    lines = Logbook(logs).search(LogFilter(correlation=correlation), actor=actor).entries
    assert {line.process for line in lines} == {"desktop", "worker"}
    assert any(line.event == "job finished" for line in lines)
    assert any(line.operator_id == actor.operator_id for line in lines)
    jobs = backend.jobs.listing(actor=actor, document_id=document.id)
    assert jobs
    assert Logbook(logs).search(LogFilter(correlation="0000-0000"), actor=actor).entries == ()
