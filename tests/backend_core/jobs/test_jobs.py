"""Jobs: cancelled, taken over, handed back and settled, and never run twice."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest

from backend_core.backend import Backend, open_backend
from backend_core.db.embedded import EmbeddedServer
from backend_core.errors import Cancelled, Conflict, DatabaseAway, LecternError, NotFound, VoiceFailed
from backend_core.jobs.retry import Backoff, RetryLater
from backend_core.jobs.runner import JobRun, Runner, Subject
from backend_core.policy import Actor
from backend_core.settings import Settings
from backend_core.speech.engine import SpeechRequest
from backend_core.worker import run_once
from tests.backend_core.jobs.conftest import Serve
from tests.backend_core.jobs.fakes import Scripted, broken, hanging_engine
from tests.faults import children
from tests.faults.harness import start
from tests.lectern import MakeDocument
from tests.polling import eventually

FAILING = 200
CONCURRENCY = 4
VOICES = ("local:en-gb", "local:en-us", "local:de", "local:fr-fr", "local:es", "local:it")

Admin = psycopg.Connection[Any]


@pytest.fixture
def admin(clean: EmbeddedServer) -> Iterator[Admin]:
    """A connection of the superuser."""
    with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
        yield conn


@pytest.fixture
def variables(settings: Settings, clean: EmbeddedServer, tmp_path: Path) -> dict[str, str]:
    """Variables of a worker process with these settings, which counts what it speaks."""
    given = {"home": settings.home, "objects": settings.objects, "heartbeat_s": 0.2, "stalled_after_s": 1.0, "retry_base_s": 0.01}
    return {f"LECTERN_{name.upper()}": str(value) for name, value in given.items()} | {"LECTERN_ENGINE_CALLS": str(tmp_path / "calls")}


def test_cancelling_running_work_stops_it_and_leaves_neither_row_nor_object(
    settings: Settings, make_document: MakeDocument, serving: Serve, admin: Admin, tmp_path: Path
) -> None:
    document_id = make_document()
    engine, pids = hanging_engine(tmp_path)
    # workers that other tests killed have left theirs
    before = set((settings.home / "scratch").glob("speak-*"))
    with open_backend(settings, engines=[engine]) as backend, serving(backend, settings):
        actor = backend.actor()
        backend.audios.generate(document_id, actor=actor)
        eventually(pids.exists)
        job = backend.jobs.listing(actor=actor, open_only=True)[0]
        backend.jobs.cancel(job.job_id, actor=actor)
        # nothing but the request ends it: its voice hangs for ten minutes and no limit is near
        eventually(lambda: backend.jobs.get(job.job_id, actor=actor).state == "cancelled", within_s=10)
        assert backend.audios.listing(document_id, actor=actor) == ()
        assert admin.execute("SELECT count(*) FROM audios").fetchone() == (0,)
        assert admin.execute("SELECT count(*) FROM objects WHERE content_type = 'audio/mpeg'").fetchone() == (0,)
        assert admin.execute("SELECT count(*) FROM job_failure").fetchone() == (0,)
        assert set((settings.home / "scratch").glob("speak-*")) <= before
        with pytest.raises(Conflict):
            backend.jobs.cancel(job.job_id, actor=actor)


def test_work_of_a_worker_that_was_killed_is_done_by_the_next_one(
    backend: Backend, actor: Actor, make_document: MakeDocument, variables: dict[str, str]
) -> None:
    document_id = make_document()
    backend.audios.generate(document_id, actor=actor)
    first = start(children.work, variables | {"LECTERN_FAULT": "speak.spoken"})
    first.join()
    job = backend.jobs.listing(actor=actor)[0]
    assert job.state == "running"
    second = start(children.work, variables)
    eventually(lambda: backend.jobs.get(job.job_id, actor=actor).state == "done")
    second.terminate()
    second.join()
    assert backend.jobs.get(job.job_id, actor=actor).attempt == 1
    assert [row.status for row in backend.audios.listing(document_id, actor=actor)] == ["COMPLETED"]


def test_work_that_was_to_be_cancelled_when_its_worker_died_is_cancelled_by_the_next_one(
    backend: Backend, actor: Actor, make_document: MakeDocument, variables: dict[str, str], admin: Admin
) -> None:
    document_id = make_document()
    backend.audios.generate(document_id, actor=actor)
    start(children.work, variables | {"LECTERN_FAULT": "speak.claimed"}).join()
    job = backend.jobs.listing(actor=actor)[0]
    backend.jobs.cancel(job.job_id, actor=actor)
    worker = start(children.work, variables)
    eventually(lambda: backend.jobs.get(job.job_id, actor=actor).state == "cancelled")
    worker.terminate()
    worker.join()
    assert admin.execute("SELECT count(*) FROM audios").fetchone() == (0,)
    # the page is free again
    assert len(backend.audios.generate(document_id, actor=actor).queued) == 1


def test_two_workers_never_run_one_job(
    backend: Backend, actor: Actor, make_document: MakeDocument, variables: dict[str, str], admin: Admin, tmp_path: Path
) -> None:
    document_id = make_document("First page.", "Second page.", "Third page.")
    backend.house.update({"max_audios_per_page": len(VOICES)}, version=0, actor=actor)
    for voice in VOICES:
        backend.audios.generate(document_id, actor=actor, voice=voice)
    # nobody is taken for dead, however slow this machine is
    workers = [start(children.work, variables | {"LECTERN_STALLED_AFTER_S": "60"}) for _ in range(2)]
    eventually(lambda: not backend.jobs.open_count(), within_s=60)
    for worker in workers:
        worker.terminate()
        worker.join()
    assert len((tmp_path / "calls").read_text().splitlines()) == 3 * len(VOICES)
    assert admin.execute("SELECT DISTINCT status::text, attempts FROM procrastinate_jobs").fetchall() == [("succeeded", 1)]
    assert {row.status for row in backend.audios.listing(document_id, actor=actor)} == {"COMPLETED"}


@pytest.mark.logs("job will be retried", "job failed")
def test_two_hundred_failing_jobs_leave_connections_for_everybody_else(
    settings: Settings, make_document: MakeDocument, clean: object
) -> None:
    document_id = make_document(*(f"Page {number}." for number in range(1, FAILING + 1)))
    # a job that kept its connection while it speaks would fill 4 of 5
    narrow = settings.model_copy(update={"pool_size": 1, "max_overflow": 4, "worker_concurrency": CONCURRENCY, "retry_limit": 1})
    together = threading.Barrier(CONCURRENCY)
    in_use: list[int] = []

    def fail(request: SpeechRequest) -> None:
        try:
            together.wait(2)
            in_use.append(backend.database.pool.snapshot().in_use)
            together.wait(2)
        except threading.BrokenBarrierError:
            together.reset()
        broken(request)

    listed = 0
    with open_backend(narrow, engines=[Scripted(fail)]) as backend:
        actor = backend.actor()
        backend.audios.generate(document_id, actor=actor, voice="local:en-gb")
        with ThreadPoolExecutor(1) as pool:
            work = pool.submit(lambda: [run_once(backend, narrow) for _ in iter(backend.jobs.open_count, 0)])
            while not work.done():
                listed += len(backend.documents.listing(actor=actor).rows)
            work.result()
        assert backend.database.pool.snapshot().timeouts == 0
        assert {row.status for row in backend.audios.listing(document_id, actor=actor)} == {"FAILED"}
    assert len(in_use) > FAILING
    # the worker's own listing in the foreground may hold one of them
    assert max(in_use) < 0.8 * 5
    assert listed > 0


class Fickle:
    """A task that does as it is told, to see what the runner makes of it."""

    name = "fickle"

    def __init__(self, *, run: Exception, give_up: Exception | None = None) -> None:
        self.given_up: list[LecternError] = []
        self._run, self._give_up = run, give_up

    def run(self, _job: JobRun) -> None:
        raise self._run

    def give_up(self, _conn: object, _subject: Subject, error: LecternError, *, actor: Actor) -> None:
        if self._give_up is not None:
            raise self._give_up
        self.given_up.append(error)

    def again(self, _subject: Subject, *, actor: Actor) -> int:
        raise NotFound("Nothing to do again.")


def attempt(backend: Backend, task: Fickle, *, attempt: int = 0, **asked: Callable[[], bool]) -> None:
    runner = Runner(backend.database, backoff=Backoff(), soft_limit_s=60, hard_limit_s=60, find_actor=backend.access.actor)
    args = {"actor_id": backend.actor().operator_id, "workstation": "ws", "correlation_id": "0000-0000"}
    runner.run(task, job_id=1, attempt=attempt, args=args, **({"aborted": lambda: False} | asked))


def test_work_interrupted_because_its_worker_stops_is_handed_back_and_not_given_up(backend: Backend) -> None:
    task = Fickle(run=Cancelled("Stopped."))
    with pytest.raises(RetryLater) as caught:
        attempt(backend, task, attempt=3, interrupted=lambda: True)
    assert (caught.value.wait_s, task.given_up) == (0, [])
    with pytest.raises(Cancelled):
        attempt(backend, task, aborted=lambda: True)
    assert [error.code for error in task.given_up] == ["cancelled"]


def test_whoever_cancels_work_that_fails_at_that_moment_sees_it_cancelled(backend: Backend) -> None:
    task = Fickle(run=VoiceFailed("It broke."))
    with pytest.raises(Cancelled):
        attempt(backend, task, aborted=lambda: True)
    assert [error.code for error in task.given_up] == ["cancelled"]


@pytest.mark.logs("failure of a job not recorded")
def test_a_last_failure_that_cannot_be_recorded_does_not_end_the_job(backend: Backend) -> None:
    with pytest.raises(RetryLater):
        attempt(backend, Fickle(run=VoiceFailed("It broke."), give_up=DatabaseAway("Away.")), attempt=3)


@pytest.mark.logs("job failed")
def test_work_for_an_operator_who_was_disabled_is_given_up(backend: Backend, actor: Actor, admin: Admin) -> None:
    task = Fickle(run=VoiceFailed("Never reached."))
    backend.actor()
    admin.execute("UPDATE operators SET disabled_at = now()")
    with pytest.raises(LecternError) as caught:
        attempt(backend, task)
    assert caught.value.code == "not_allowed"
    assert [error.code for error in task.given_up] == ["not_allowed"]


@pytest.mark.parametrize(("status", "left"), [("failed", ["FAILED"]), ("aborted", []), ("cancelled", [])])
def test_the_subject_of_a_job_that_ended_silently_is_settled(
    backend: Backend, actor: Actor, make_document: MakeDocument, admin: Admin, status: str, left: list[str]
) -> None:
    document_id = make_document()
    backend.audios.generate(document_id, actor=actor)
    admin.execute("UPDATE procrastinate_jobs SET status = 'doing' WHERE status = 'todo'")
    assert backend.jobs.settle(actor=backend.system()) == 0
    admin.execute("UPDATE procrastinate_jobs SET status = %s WHERE status = 'doing'", (status,))
    assert backend.jobs.settle(actor=backend.system()) == 1
    assert [row.status for row in backend.audios.listing(document_id, actor=actor)] == left
    assert backend.jobs.settle(actor=backend.system()) == 0
    assert len(backend.audios.generate(document_id, actor=actor).queued) == 1


def test_a_job_that_ended_silently_does_not_touch_what_a_later_one_works_on(
    backend: Backend, actor: Actor, make_document: MakeDocument, admin: Admin
) -> None:
    document_id = make_document()
    audio_id = backend.audios.generate(document_id, actor=actor).queued[0].id
    admin.execute("UPDATE procrastinate_jobs SET status = 'doing' WHERE status = 'todo'")
    admin.execute("UPDATE procrastinate_jobs SET status = 'failed' WHERE status = 'doing'")
    admin.execute("UPDATE audios SET status = 'FAILED'")
    backend.audios.requeue(audio_id, actor=actor)
    assert backend.jobs.settle(actor=backend.system()) == 1
    assert [row.status for row in backend.audios.listing(document_id, actor=actor)] == ["PENDING"]


@pytest.mark.logs("sweep failed")
def test_a_worker_outlives_a_store_that_is_away_for_a_while(
    backend: Backend, settings: Settings, serving: Serve, admin: Admin, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    upload = tmp_path / "upload"
    upload.write_bytes(b"never used")
    backend.storage.stage(upload)
    root = backend.storage.store.root
    root.rename(tmp_path / "hidden")
    root.write_text("in the way")
    with serving(backend, settings.model_copy(update={"sweep_after_s": 0})):
        # the backend sweeps with settings of its own
        admin.execute("UPDATE object_intents SET created_at = now() - interval '1 day'")
        eventually(lambda: "sweep failed" in caplog.text)
        root.unlink()
        (tmp_path / "hidden").rename(root)
        eventually(lambda: admin.execute("SELECT count(*) FROM object_intents").fetchone() == (0,))
    assert backend.storage.orphans() == ((), ())


def test_a_worker_that_is_told_to_stop_while_it_starts_stops(backend: Backend, settings: Settings, serving: Serve) -> None:
    pause = threading.Event()
    for number in range(12):
        with serving(backend, settings):
            pause.wait(number * 0.004)


@pytest.mark.logs("job taken over from a dead worker", "psycopg.pool", "procrastinate", "job will be retried", "asyncio")
@pytest.mark.parametrize("channel", ["lectern-queue", "lectern-desktop"])
def test_a_job_whose_connections_are_cut_is_done_all_the_same(
    settings: Settings, make_document: MakeDocument, serving: Serve, admin: Admin, channel: str
) -> None:
    document_id = make_document()
    cut = threading.Event()

    def speak(_request: SpeechRequest) -> None:
        if not cut.is_set():
            admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE %s", (f"{channel}@%",))
            cut.set()

    with open_backend(settings, application="desktop", engines=[Scripted(speak)]) as backend, serving(backend, settings):
        actor = backend.actor()
        backend.audios.generate(document_id, actor=actor)
        eventually(lambda: cut.is_set() and not backend.jobs.open_count(), within_s=60)
        assert [row.status for row in backend.audios.listing(document_id, actor=actor)] == ["COMPLETED"]
        assert backend.jobs.listing(actor=actor)[0].state == "done"


def test_the_queue_counts_its_own_jobs_only(
    backend: Backend, actor: Actor, make_document: MakeDocument, settings: Settings, tmp_path: Path
) -> None:
    document_id = make_document()
    backend.audios.generate(document_id, actor=actor)
    with open_backend(settings.model_copy(update={"objects": tmp_path / "other"})) as other:
        assert (backend.jobs.open_count(), other.jobs.open_count()) == (1, 0)
        # both see every job: they work on one database
        assert Counter(job.state for job in other.jobs.listing(actor=actor)) == Counter(
            job.state for job in backend.jobs.listing(actor=actor)
        )
