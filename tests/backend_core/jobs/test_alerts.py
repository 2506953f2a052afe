"""Alerts of jobs: with the last failure or not at all, one person moves them, the work itself closes them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from backend_core.backend import Backend, open_backend
from backend_core.db.embedded import EmbeddedServer
from backend_core.errors import Conflict, InvalidInput, LecternError, NotAllowed, NotFound, StaleVersion, Unavailable
from backend_core.jobs.alert_records import NEXT, STATUSES, JobAlert
from backend_core.jobs.runner import Runner, Subject
from backend_core.policy import AUDITOR, SUPPORT, Actor
from backend_core.settings import Settings
from backend_core.speech.engine import SpeechRequest
from backend_core.worker import Worker, run_once
from tests.backend_core.jobs.fakes import Scripted, broken
from tests.lectern import MakeDocument

FAILS = pytest.mark.logs("job failed", "job will be retried")
Sql = Callable[..., list[tuple[object, ...]]]


class Mood:
    """Whether the engine speaks; a test mends it."""

    def __init__(self) -> None:
        self.ill = True

    def __call__(self, request: SpeechRequest) -> None:
        if self.ill:
            broken(request)


@pytest.fixture
def mood() -> Mood:
    return Mood()


@pytest.fixture
def ill(settings: Settings, mood: Mood, clean: object) -> Iterator[Backend]:
    """A backend whose engine fails, and which gives up at once."""
    once = settings.model_copy(update={"retry_limit": 0})
    with open_backend(once, application="desktop", engines=[Scripted(mood)]) as opened:
        yield opened


@pytest.fixture
def work(ill: Backend) -> Callable[[], None]:
    """Return a function that runs what waits."""

    def run() -> None:
        while ill.jobs.open_count():
            run_once(ill, ill.settings)

    return run


@pytest.fixture
def sql(clean: EmbeddedServer) -> Sql:
    def call(statement: str, *values: object) -> list[tuple[object, ...]]:
        with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
            cursor = conn.execute(statement.encode(), values)
            return cursor.fetchall() if cursor.description else []

    return call


@pytest.fixture
def failed(ill: Backend, actor: Actor, make_document: MakeDocument, work: Callable[[], None]) -> JobAlert:
    """The alert of a page that could not be spoken."""
    ill.audios.generate(make_document(title="canaryTitle"), actor=actor)
    work()
    [alert] = ill.job_alerts.listing(actor=actor)
    return alert


@FAILS
@pytest.mark.trace("A81")
def test_a_job_that_is_given_up_has_an_alert_and_its_owner_a_notice_in_the_transaction_of_its_last_failure(
    ill: Backend, actor: Actor, failed: JobAlert, sql: Sql
) -> None:
    assert (failed.status, failed.version, failed.operator_id, failed.error_code) == ("NEW", 1, actor.operator_id, "voice_failed")
    assert failed.safe_message == ill.jobs.get(failed.job_id, actor=actor).error
    [notice] = ill.notices.listing(actor=actor, open_only=True)
    assert (notice.kind, notice.subject, notice.operator_id) == ("job_failed", f"job:{failed.job_id}", actor.operator_id)
    assert (notice.page, notice.target) == ("jobs", {"job_id": failed.job_id})
    # neither names the document: notices leave by mail
    assert "canaryTitle" not in notice.title + notice.body
    writers = sql("SELECT xmin::text FROM job_failure UNION SELECT xmin::text FROM job_alerts UNION SELECT xmin::text FROM notices")
    assert len(writers) == 1


@FAILS
@pytest.mark.trace("A81")
def test_work_that_is_retried_and_ends_well_closes_its_alert_and_the_notice_follows(
    ill: Backend, actor: Actor, failed: JobAlert, mood: Mood, work: Callable[[], None]
) -> None:
    moved = ill.job_alerts.move(failed.id, "ACKNOWLEDGED", "looking", version=1, actor=actor)
    assert (moved.status, moved.version) == ("ACKNOWLEDGED", 2)
    mood.ill = False
    [retried] = ill.job_alerts.retry([failed.id], actor=actor)
    assert retried.new_job_id == failed.job_id + 1
    assert [one.status for one in ill.job_alerts.listing(actor=actor)] == ["INVESTIGATING"]
    work()
    [closed] = ill.job_alerts.listing(actor=actor)
    assert (closed.status, closed.resolver) == ("RESOLVED", "Lectern")
    assert [one.status for one in ill.job_alerts.notes(closed.id, actor=actor)] == ["ACKNOWLEDGED", "INVESTIGATING", "RESOLVED"]
    assert not [one for one in ill.notices.listing(actor=actor) if one.live]
    assert (ill.job_alerts.counts(actor=actor).open, ill.job_alerts.counts(actor=actor).resolved) == (0, 1)
    # closed is closed
    [again] = ill.job_alerts.retry([failed.id], actor=actor)
    assert (again.new_job_id, again.error) == (None, "The alert is closed.")


@FAILS
def test_work_that_fails_again_has_one_open_alert(ill: Backend, actor: Actor, failed: JobAlert, work: Callable[[], None]) -> None:
    [retried] = ill.job_alerts.retry_open(actor=actor)
    work()
    assert [one.job_id for one in ill.job_alerts.listing(actor=actor, open_only=True)] == [retried.new_job_id]
    assert [one.subject for one in ill.notices.listing(actor=actor, open_only=True)] == [f"job:{retried.new_job_id}"]
    assert ill.job_alerts.listing(actor=actor, status="RESOLVED")[0].id == failed.id


@FAILS
def test_a_bulk_retry_tells_of_each_and_one_that_cannot_be_queued_stops_no_other(
    ill: Backend, actor: Actor, make_document: MakeDocument, mood: Mood, work: Callable[[], None]
) -> None:
    document = make_document("First page.", "Second page.", "Third page.")
    ill.audios.generate(document, actor=actor)
    work()
    ids = [one.id for one in ill.job_alerts.listing(actor=actor)]
    ill.audios.delete(ill.audios.listing(document, actor=actor)[0].id, actor=actor)
    mood.ill = False
    done = ill.job_alerts.retry([*ids, ids[0], 10**6], actor=actor)
    assert [one.alert_id for one in done] == [*ids, 10**6]
    assert sorted(one.new_job_id is not None for one in done) == [False, False, True, True]
    assert all(one.error for one in done if one.new_job_id is None)
    work()
    assert ill.job_alerts.counts(actor=actor).resolved == 2


@FAILS
def test_an_alert_moves_forward_only_and_closing_it_says_why(ill: Backend, actor: Actor, failed: JobAlert, sql: Sql) -> None:
    for before in STATUSES:
        for after in STATUSES:
            ended = "now()" if before in ("RESOLVED", "IGNORED") else "NULL"
            sql(f"UPDATE job_alerts SET status = '{before}', version = 1, resolved_at = {ended}")

            def move(status: str = after) -> JobAlert:
                return ill.job_alerts.move(failed.id, status, "because", version=1, actor=actor)

            if after in NEXT[before]:
                assert move().status == after
            else:
                with pytest.raises(Conflict):
                    move()
    sql("UPDATE job_alerts SET status = 'NEW', version = 1, resolved_at = NULL")
    for status, note, error in (("RESOLVED", " ", InvalidInput), ("LOST", "x", InvalidInput), ("IGNORED", "x" * 1001, InvalidInput)):
        with pytest.raises(error):
            ill.job_alerts.move(failed.id, status, note, version=1, actor=actor)
    with pytest.raises(NotFound):
        ill.job_alerts.move(10**6, "IGNORED", "x", version=1, actor=actor)
    assert not [one for one in ill.notices.listing(actor=actor) if one.live]


@FAILS
def test_of_several_who_move_an_alert_at_once_one_does(ill: Backend, actor: Actor, failed: JobAlert, sql: Sql) -> None:
    def move(status: str) -> str:
        try:
            return ill.job_alerts.move(failed.id, status, f"as {status}", version=1, actor=actor).status
        except StaleVersion:
            return "stale"

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(move, ("ACKNOWLEDGED", "RESOLVED", "IGNORED", "INVESTIGATING")))
    assert sorted(one == "stale" for one in outcomes) == [False, True, True, True]
    assert len(ill.job_alerts.notes(failed.id, actor=actor)) == 1
    rows = sql("SELECT count(*) FROM audit_event WHERE action = 'job_alert.update' AND outcome = 'done'")
    assert rows == [(1,)]


@FAILS
def test_the_text_of_the_exception_is_for_administrators(ill: Backend, actor: Actor, failed: JobAlert) -> None:
    assert (failed.detail or "").startswith("VoiceFailed")
    for role in (SUPPORT, AUDITOR):
        [seen] = ill.job_alerts.listing(actor=replace(actor, role=role))
        assert (seen.id, seen.detail) == (failed.id, None)
    with pytest.raises(NotAllowed):
        ill.job_alerts.move(failed.id, "ACKNOWLEDGED", version=1, actor=replace(actor, role=AUDITOR))


def test_work_given_up_because_its_workers_died_has_an_alert_too_and_cancelled_work_none(
    backend: Backend, actor: Actor, settings: Settings, tmp_path: Path
) -> None:
    ids = []
    for name in ("one", "two"):
        path = tmp_path / f"{name}.txt"
        path.write_text(f"Page of {name}.", encoding="utf-8")
        ids.append(backend.documents.import_file(path, actor=actor).document.id)
    first, second = sorted(row.job_id for row in backend.jobs.listing(actor=actor))
    runner: Runner = Worker(backend, settings)._runner
    handler = backend.handlers["documents.extract"]
    for _ in range(2):
        runner.abandon(handler, Subject(document_id=ids[0]), Unavailable("The worker died."), job_id=first, attempt=3)
    backend.jobs.cancel(second, actor=actor)
    [alert] = backend.job_alerts.listing(actor=actor)
    assert (alert.job_id, alert.attempt, alert.error_code) == (first, 3, "unavailable")
    assert [one.subject for one in backend.notices.listing(actor=actor)] == [f"job:{first}"]


def test_work_that_ended_in_the_queue_alone_has_an_alert_when_it_is_settled(
    backend: Backend, actor: Actor, tmp_path: Path, sql: Sql
) -> None:
    path = tmp_path / "one.txt"
    path.write_text("A page.", encoding="utf-8")
    backend.documents.import_file(path, actor=actor)
    sql("UPDATE procrastinate_jobs SET status = 'failed'")
    assert backend.jobs.settle(actor=backend.system()) == 1
    [alert] = backend.job_alerts.listing(actor=actor)
    assert alert.safe_message == "The background worker stopped before this was done."
    with backend.database.begin("Count") as conn:
        assert conn.execute(sa.text("SELECT count(*) FROM job_alerts WHERE status = 'NEW'")).scalar_one() == 1


@pytest.mark.logs("job will be retried", "failure of a job not recorded", "job failed")
def test_a_job_whose_alert_cannot_be_written_has_not_failed_yet(ill: Backend, actor: Actor, make_document: MakeDocument, sql: Sql) -> None:
    """The control of the first test: what is not one transaction would leave a failure without an alert."""
    ill.audios.generate(make_document(), actor=actor)
    sql("REVOKE INSERT ON job_alerts FROM lectern_app")
    try:
        with contextlib.suppress(LecternError):
            run_once(ill, ill.settings)
        assert sql("SELECT count(*) FROM job_failure") == [(0,)]
    finally:
        sql("GRANT INSERT ON job_alerts TO lectern_app")
