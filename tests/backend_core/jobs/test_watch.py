"""The watch over the queue: figures that are true, a worker that has a name, and duties that go on beside the queue."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from backend_core.backend import Backend
from backend_core.db.embedded import EmbeddedServer
from backend_core.errors import DatabaseAway, VoiceFailed
from backend_core.jobs.alert_records import JobState
from backend_core.jobs.runner import Runner, Subject
from backend_core.jobs.watch import JobWatch
from backend_core.notices.records import NewNotice
from backend_core.policy import SUPPORT, Actor
from backend_core.settings import Settings
from backend_core.worker import Worker
from tests.backend_core.jobs.conftest import Serve
from tests.backend_core.notices.conftest import set_up_mail
from tests.backend_core.notices.mail_server import MailServer
from tests.backend_core.verb_calls import proven
from tests.polling import eventually

Sql = Callable[..., list[tuple[object, ...]]]


@pytest.fixture
def sql(clean: EmbeddedServer) -> Sql:
    def call(statement: str, *values: object) -> list[tuple[object, ...]]:
        with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
            cursor = conn.execute(statement.encode(), values)
            return cursor.fetchall() if cursor.description else []

    return call


def queue_pages(backend: Backend, actor: Actor, folder: Path, count: int) -> list[int]:
    """Import documents that wait to be read; return their jobs."""
    for number in range(count):
        path = folder / f"{number}.txt"
        path.write_text(f"Page {number}.", encoding="utf-8")
        backend.documents.import_file(path, actor=actor)
    return sorted(row.job_id for row in backend.jobs.listing(actor=actor))


def test_the_state_tells_what_waits_runs_and_failed(backend: Backend, actor: Actor, settings: Settings, tmp_path: Path, sql: Sql) -> None:
    empty = backend.job_watch.state(actor=replace(actor, role=SUPPORT))
    assert (empty.waiting, empty.oldest_waiting_s, empty.lag_p95_s, empty.failed_by_class, empty.workers) == (0, None, None, (), ())
    first, second, third, fourth = queue_pages(backend, actor, tmp_path, 4)
    sql("UPDATE job_run SET created_at = now() - interval '300 seconds' WHERE job_id = %s", second)
    # one that failed before waits for its time, and counts as waiting but not as late
    sql("UPDATE procrastinate_jobs SET attempts = 1, scheduled_at = now() + interval '1 hour' WHERE id = %s", first)
    runner: Runner = Worker(backend, settings)._runner
    handler = backend.handlers["documents.extract"]
    for job in (third, fourth):
        runner.abandon(handler, Subject(document_id=job), VoiceFailed("The voice died."), job_id=job, attempt=3)
    sql("UPDATE procrastinate_jobs SET status = 'failed' WHERE id = %s", third)
    sql("UPDATE procrastinate_jobs SET status = 'doing' WHERE id = %s", fourth)
    sql("UPDATE job_run SET started_at = created_at + interval '7 seconds' WHERE job_id = %s", fourth)
    state = backend.job_watch.state(actor=actor)
    assert (state.waiting, state.retrying, state.running, state.workers_alive) == (2, 1, 1, 0)
    assert round(state.oldest_waiting_s or 0.0, -1) == 300
    assert (state.lag_p50_s, state.lag_p95_s) == (7.0, 7.0)
    assert (state.failed_24h, state.failed_by_class) == (2, (("voice_failed", 2),))
    # it runs, and nobody is at it
    assert [(one.job_id, one.lost, one.heartbeat_age_s) for one in state.stalled] == [(fourth, True, None)]
    kinds = {(one.kind, one.subject) for one in backend.job_watch.troubles(backend.monitor_link.rows, actor=backend.system())}
    assert {("worker_stalled", f"job:{fourth}"), ("job_overdue", f"job:{fourth}"), ("queue_unserved", backend.jobs.queue)} == kinds
    other = JobWatch(backend.monitor_link.rows, queue="another store", stalled_after_s=1.0, hard_limit_s=1.0).state(actor=actor)
    assert (other.waiting, other.running, other.failed_24h) == (0, 0, 0)


def test_a_worker_has_a_host_and_a_process_as_long_as_it_lives(backend: Backend, actor: Actor, settings: Settings, serving: Serve) -> None:
    def state() -> JobState:
        return backend.job_watch.state(actor=actor)

    with serving(backend, settings):
        [worker] = eventually(lambda: [one for one in state().workers if one.pid])
        assert (worker.host, worker.pid, worker.job_id, worker.stalled) == (socket.gethostname()[:30], os.getpid(), None, False)
        assert state().workers_alive == 1
    assert (state().workers, state().workers_alive) == ((), 0)


def test_a_worker_delivers_notices_beside_its_jobs(backend: Backend, actor: Actor, settings: Settings, serving: Serve) -> None:
    server = MailServer()
    try:
        set_up_mail(backend, proven(actor), server.port)
        notice = NewNotice(kind="disk", subject="", severity="bad", title="The disk is full", body="x", page="health")
        backend.notices.raise_(notice, actor=backend.system())
        with serving(backend, settings):
            eventually(lambda: server.messages)
        assert [parsed["Subject"] for _, _, parsed in server.messages] == ["Lectern: Problem: The disk is full"]
    finally:
        server.stop()


def test_a_watch_whose_server_is_gone_says_so(backend: Backend, actor: Actor) -> None:
    backend.monitor_link.close()
    with pytest.raises(DatabaseAway):
        backend.job_watch.state(actor=actor)
