"""A worker with the settings of a fresh installation: when failed work comes back, and what the log says of it."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from backend_core.backend import open_backend
from backend_core.db.database import Database
from backend_core.db.embedded import EmbeddedServer
from backend_core.db.roles import APP
from backend_core.jobs.liveness import workers_alive
from backend_core.logs import configure_logging
from backend_core.settings import Settings, load_settings
from backend_core.worker import Identity, run_once
from tests.backend_core.jobs.fakes import Scripted, broken
from tests.lectern import MakeDocument
from tests.polling import eventually

FAILING = 60
LOW, HIGH = 48, 72


@pytest.fixture
def fresh(clean: EmbeddedServer, tmp_path: Path) -> Settings:
    """Settings nobody has touched, but for where things are."""
    return load_settings(home=clean.cluster.home, objects=tmp_path / "objects")


@pytest.fixture
def log_file(tmp_path: Path) -> Iterator[Path]:
    before = logging.getLogger().level
    yield configure_logging(tmp_path, process="sample")
    configure_logging(tmp_path, process="after")
    logging.getLogger().setLevel(before)


@pytest.mark.trace("A10", "A14", "A30", "A31")
@pytest.mark.logs("job will be retried")
def test_jobs_that_fail_together_do_not_come_back_together(fresh: Settings, make_document: MakeDocument, clean: EmbeddedServer) -> None:
    document_id = make_document(*(f"Page {number}." for number in range(FAILING)))
    with open_backend(fresh, engines=[Scripted(broken)]) as backend:
        backend.audios.generate(document_id, actor=backend.actor())
        run_once(backend, fresh)
    with psycopg.connect(clean.admin_dsn) as conn:
        rows = conn.execute("SELECT extract(epoch FROM retry_at - at)::float FROM job_failure").fetchall()
        queued = conn.execute(
            "SELECT extract(epoch FROM max(j.scheduled_at - f.retry_at))::float, count(*) FROM procrastinate_jobs j"
            " JOIN job_failure f ON f.job_id = j.id WHERE j.status = 'todo'"
        ).fetchone()
    waits = sorted(float(row[0]) for row in rows)
    assert len(waits) == FAILING
    assert LOW - 0.1 <= waits[0] < LOW + 6
    assert HIGH - 6 < waits[-1] <= HIGH + 0.1
    # an even spread has 2.5 in a second; 12 of 60 in one happen once in some ten thousand runs
    assert max(sum(second <= wait < second + 1 for wait in waits) for second in range(LOW, HIGH)) < FAILING / 5
    # the queue does as the record says
    assert queued is not None
    assert queued[1] == FAILING
    assert abs(queued[0]) < 5


@pytest.mark.trace("A62")
@pytest.mark.logs("job will be retried", "job failed")
def test_work_that_goes_on_is_told_retries_warn_and_failures_are_errors(
    fresh: Settings, make_document: MakeDocument, log_file: Path
) -> None:
    document_id = make_document()
    hasty = fresh.model_copy(update={"retry_base_s": 0.01, "retry_limit": 1})
    with open_backend(hasty, engines=[Scripted(broken)]) as backend:
        backend.audios.generate(document_id, actor=backend.actor())
        while backend.jobs.open_count():
            run_once(backend, hasty)
    lines = [json.loads(line) for line in log_file.read_text(encoding="utf-8").splitlines()]
    ours = [(line["event"], line["level"]) for line in lines if line["logger"].startswith("backend_core.")]
    assert {"document imported", "document read", "job finished", "audio queued"} <= {event for event, level in ours if level == "info"}
    assert [event for event, level in ours if level == "warning"] == ["job will be retried"]
    assert [event for event, level in ours if level == "error"] == ["job failed"]


@pytest.mark.trace("A90")
def test_a_duty_is_carried_out_by_one_host_at_a_time(clean: EmbeddedServer) -> None:
    first, second = (Identity(clean.dsn(APP), queue="q") for _ in range(2))
    done: list[str] = []

    def duty() -> None:
        done.append("first")
        second.on_duty("sweep", lambda: done.append("second"))
        second.on_duty("another", lambda: done.append("another duty"))

    try:
        first.on_duty("sweep", duty)
        assert done == ["first", "another duty"]
        second.on_duty("sweep", lambda: done.append("second"))
        assert done[-1] == "second"
    finally:
        first.close()
        second.close()


@pytest.mark.trace("A90")
def test_a_worker_counts_as_alive_exactly_as_long_as_it_holds_its_lock(database: Database, clean: EmbeddedServer) -> None:
    def alive() -> int:
        with database.begin("Count") as conn:
            return workers_alive(conn, queue="q")

    assert alive() == 0
    workers = [Identity(clean.dsn(APP), queue="q") for _ in range(2)]
    other = Identity(clean.dsn(APP), queue="another")
    assert alive() == 2
    workers[0].close()
    eventually(lambda: alive() == 1)
    workers[1].close()
    eventually(lambda: alive() == 0)
    other.close()
