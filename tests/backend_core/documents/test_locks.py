"""Row locks of documents and audio: whoever comes second waits, and then acts on what the first one left."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, LiteralString

import pytest
import sqlalchemy as sa

from backend_core.backend import Backend
from backend_core.documents.tables import audios, document_pages, documents
from backend_core.errors import Conflict, NotFound, VoiceInUse
from backend_core.jobs.runner import JobRun, Subject
from backend_core.policy import Actor
from tests.lectern import MakeDocument
from tests.polling import eventually
from tests.watcher import Watcher

RunJobs = Callable[[], None]

INSERT_SAME_VOICE: LiteralString = (
    "INSERT INTO audios (document_id, page_id, page_revision, voice, rate, pitch, status, lifetime, correlation_id, created_by)"
    " SELECT document_id, page_id, page_revision, voice, 100, 50, 'PENDING', 'ACTIVE', 'x', created_by FROM audios"
)


@pytest.fixture
def meanwhile(watcher: Watcher) -> Callable[..., Future[Any]]:
    """Return a function that lets ``verb`` start while ``holding`` locks a row, then does ``change`` and commits."""

    def run(verb: Callable[[], object], *, holding: LiteralString, change: LiteralString) -> Future[Any]:
        with ThreadPoolExecutor(1) as pool, watcher.blocking(holding) as other:
            asked = pool.submit(verb)
            watcher.wait_for_waiting()
            other.execute(change)
            other.commit()
        return asked

    return run


def spoken(backend: Backend, actor: Actor, make_document: MakeDocument, run_jobs: RunJobs) -> tuple[int, int]:
    document_id = make_document()
    backend.audios.generate(document_id, actor=actor)
    run_jobs()
    return document_id, backend.audios.listing(document_id, actor=actor)[0].id


def job(backend: Backend, actor: Actor, subject: Subject) -> JobRun:
    return JobRun(
        job_id=1,
        attempt=0,
        subject=subject,
        actor=actor,
        database=backend.database,
        aborted=lambda: False,
        interrupted=lambda: False,
        soft_limit_s=60,
        hard_limit_s=60,
    )


@pytest.mark.trace("A90")
def test_a_second_retry_waits_for_the_first_and_then_finds_nothing_failed(
    backend: Backend, actor: Actor, make_document: MakeDocument, meanwhile: Callable[..., Future[Any]]
) -> None:
    document_id = make_document()
    with backend.database.begin("Fail") as conn:
        conn.execute(sa.update(documents).values(status="FAILED"))
    asked = meanwhile(
        lambda: backend.documents.retry(document_id, actor=actor),
        holding="SELECT id FROM documents FOR UPDATE",
        change="UPDATE documents SET status = 'PENDING'",
    )
    assert isinstance(asked.exception(), Conflict)
    assert backend.jobs.open_count() == 0


@pytest.mark.trace("A90")
def test_of_two_who_restore_a_document_the_second_finds_it_restored(
    backend: Backend, actor: Actor, make_document: MakeDocument, meanwhile: Callable[..., Future[Any]]
) -> None:
    document_id = make_document(title="Old")
    backend.documents.delete(document_id, actor=actor, typed_title="Old")
    asked = meanwhile(
        lambda: backend.documents.restore(document_id, actor=actor),
        holding="SELECT id FROM documents FOR UPDATE",
        change="UPDATE documents SET deleted_at = NULL",
    )
    assert isinstance(asked.exception(), Conflict)


@pytest.mark.trace("A90")
def test_the_purge_leaves_a_document_alone_that_is_being_restored(
    backend: Backend, actor: Actor, make_document: MakeDocument, watcher: Watcher
) -> None:
    document_id = make_document(title="Old")
    backend.documents.delete(document_id, actor=actor, typed_title="Old")
    with watcher.blocking("SELECT id FROM documents FOR UPDATE"):
        assert backend.documents.purge(older_than_s=0) == 0
    assert backend.documents.purge(older_than_s=0) == 1


@pytest.mark.trace("A90")
def test_a_retry_waits_for_a_delete_of_the_same_audio(
    backend: Backend, actor: Actor, make_document: MakeDocument, run_jobs: RunJobs, meanwhile: Callable[..., Future[Any]]
) -> None:
    _, audio_id = spoken(backend, actor, make_document, run_jobs)
    asked = meanwhile(
        lambda: backend.audios.delete(audio_id, actor=actor),
        holding="SELECT id FROM audios FOR UPDATE",
        change="UPDATE audios SET lifetime = 'DELETED', deleted_at = now()",
    )
    assert isinstance(asked.exception(), NotFound)


@pytest.mark.trace("A90")
def test_audio_that_is_purged_while_it_is_being_restored_is_gone(
    backend: Backend, actor: Actor, make_document: MakeDocument, run_jobs: RunJobs, meanwhile: Callable[..., Future[Any]]
) -> None:
    _, audio_id = spoken(backend, actor, make_document, run_jobs)
    backend.audios.delete(audio_id, actor=actor)
    asked = meanwhile(
        lambda: backend.audios.restore(audio_id, actor=actor),
        holding="SELECT id FROM audios FOR UPDATE",
        change="UPDATE audios SET object_id = NULL",
    )
    assert isinstance(asked.exception(), NotFound)


@pytest.mark.trace("A90")
def test_audio_is_not_restored_beside_new_audio_in_the_same_voice(
    backend: Backend, actor: Actor, make_document: MakeDocument, run_jobs: RunJobs, meanwhile: Callable[..., Future[Any]]
) -> None:
    _, audio_id = spoken(backend, actor, make_document, run_jobs)
    backend.audios.delete(audio_id, actor=actor)
    asked = meanwhile(
        lambda: backend.audios.restore(audio_id, actor=actor),
        holding="SELECT id FROM document_pages FOR UPDATE",
        change=INSERT_SAME_VOICE,
    )
    assert isinstance(asked.exception(), VoiceInUse)


@pytest.mark.trace("A90")
def test_the_purge_leaves_audio_alone_that_is_being_restored(
    backend: Backend, actor: Actor, make_document: MakeDocument, run_jobs: RunJobs, watcher: Watcher
) -> None:
    _, audio_id = spoken(backend, actor, make_document, run_jobs)
    backend.audios.delete(audio_id, actor=actor)
    with watcher.blocking("SELECT id FROM audios FOR UPDATE"):
        assert backend.audios.purge(older_than_s=0) == 0
    assert backend.audios.purge(older_than_s=0) == 1


@pytest.mark.trace("A90")
def test_a_worker_waits_for_another_and_then_finds_the_document_read(
    backend: Backend, actor: Actor, make_document: MakeDocument, meanwhile: Callable[..., Future[Any]]
) -> None:
    document_id = make_document()
    with backend.database.begin("Unread") as conn:
        conn.execute(sa.update(documents).values(status="PENDING", page_count=0))
    asked = meanwhile(
        lambda: backend.handlers["documents.extract"].run(job(backend, actor, Subject(document_id=document_id))),
        holding="SELECT id FROM documents FOR UPDATE",
        change="UPDATE documents SET status = 'COMPLETED'",
    )
    assert asked.exception() is None
    assert backend.documents.get(document_id, actor=actor).page_count == 0, "the second worker read nothing"


@pytest.mark.trace("A90")
def test_a_worker_waits_for_another_and_then_finds_the_audio_made(
    backend: Backend, actor: Actor, make_document: MakeDocument, run_jobs: RunJobs, meanwhile: Callable[..., Future[Any]]
) -> None:
    _, audio_id = spoken(backend, actor, make_document, run_jobs)
    with backend.database.begin("Unspoken") as conn:
        fence = conn.execute(sa.update(audios).values(status="PENDING").returning(audios.c.fence)).scalar_one()
    asked = meanwhile(
        lambda: backend.handlers["documents.speak"].run(job(backend, actor, Subject(audio_id=audio_id))),
        holding="SELECT id FROM audios FOR UPDATE",
        change="UPDATE audios SET status = 'COMPLETED'",
    )
    assert asked.exception() is None
    with backend.database.begin("Look") as conn:
        assert conn.execute(sa.select(audios.c.fence)).scalar_one() == fence, "the second worker took no number"


@pytest.mark.trace("A90")
def test_a_job_that_ends_while_it_is_being_cancelled_has_ended(
    backend: Backend, actor: Actor, make_document: MakeDocument, meanwhile: Callable[..., Future[Any]]
) -> None:
    document_id = make_document()
    backend.audios.generate(document_id, actor=actor)
    job_id = next(row.job_id for row in backend.jobs.listing(actor=actor) if row.state == "waiting")
    asked = meanwhile(
        lambda: backend.jobs.cancel(job_id, actor=actor),
        holding="SELECT job_id FROM job_run FOR UPDATE",
        change="UPDATE procrastinate_jobs SET status = 'succeeded'",
    )
    assert str(asked.exception()) == "That job has already ended."


def stopped(backend: Backend, watcher: Watcher, *, work: Callable[[], object], at: LiteralString, other: Callable[[], object]) -> bool:
    """Return whether ``other`` has to wait while ``work`` stands still at a table that cannot be written to."""
    with ThreadPoolExecutor(2) as pool:
        with watcher.blocking(at):
            working = pool.submit(work)
            eventually(lambda: watcher.count("FROM pg_locks WHERE NOT granted AND locktype = 'relation'") == 1)
            asked = pool.submit(other)
            waits = eventually(
                lambda: asked.done() or watcher.count("FROM pg_locks WHERE NOT granted AND locktype IN ('transactionid', 'tuple')")
            )
        assert working.exception(20) is None
        assert asked.exception(20) is None
    return waits is not True


@pytest.mark.trace("A90")
def test_a_delete_waits_until_the_pages_are_stored(backend: Backend, actor: Actor, make_document: MakeDocument, watcher: Watcher) -> None:
    document_id = make_document(title="Busy")
    with backend.database.begin("Unread") as conn:
        conn.execute(sa.update(documents).values(status="PENDING", page_count=0))
        conn.execute(sa.delete(document_pages))
    assert stopped(
        backend,
        watcher,
        work=lambda: backend.handlers["documents.extract"].run(job(backend, actor, Subject(document_id=document_id))),
        at="LOCK TABLE document_pages IN SHARE MODE",
        other=lambda: backend.documents.delete(document_id, actor=actor, typed_title="Busy"),
    )


@pytest.mark.trace("A90")
def test_a_delete_waits_until_the_audio_is_finished(
    backend: Backend, actor: Actor, make_document: MakeDocument, run_jobs: RunJobs, watcher: Watcher
) -> None:
    _, audio_id = spoken(backend, actor, make_document, run_jobs)
    with backend.database.begin("Unspoken") as conn:
        conn.execute(sa.update(audios).values(status="PENDING"))
    assert stopped(
        backend,
        watcher,
        work=lambda: backend.handlers["documents.speak"].run(job(backend, actor, Subject(audio_id=audio_id))),
        at="LOCK TABLE objects IN SHARE MODE",
        other=lambda: backend.audios.delete(audio_id, actor=actor),
    )
