"""Indexes made, dropped and rebuilt by a job, whatever happens on the way."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import psycopg
import pytest

from backend_core.access.logins import ServerAdministratorNeeded
from backend_core.audit.service import AuditRow
from backend_core.backend import Backend
from backend_core.errors import Cancelled, Conflict, InvalidInput, NotFound, ProofNeeded, ReasonNeeded
from backend_core.jobs.runner import JobRun, Subject
from backend_core.policy import Actor
from backend_core.worker import run_once
from tests.backend_core.access.conftest import Team, recorded, signed_in, staffed, team  # noqa: F401  # fixtures
from tests.backend_core.monitoring.indexes.conftest import Admin
from tests.backend_core.verb_calls import proven
from tests.polling import eventually

MAKE = "CREATE INDEX tried_title ON documents (title, id)"
BROKEN = "CREATE INDEX tried_broken ON documents ((1 / (size_bytes - 1)))"
RunJobs = Callable[[], None]


@pytest.fixture
def operator(actor: Actor) -> Actor:
    """An administrator with a reason who has just proven who they are."""
    return proven(actor)


@pytest.fixture(autouse=True)
def swept(admin: Admin) -> Iterator[None]:
    """Whatever a test leaves on our own tables is gone afterwards."""
    yield
    for name in ("tried_title", "tried_broken", "tried_kind"):
        admin.execute(psycopg.sql.SQL("DROP INDEX IF EXISTS {}").format(psycopg.sql.Identifier(name)))


def state(admin: Admin, name: str) -> bool | None:
    """Return whether an index is valid; nothing where there is none."""
    row = admin.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)", (name,)).fetchone()
    return None if row is None else bool(row[0])


def job_of(backend: Backend, change_id: int, stop: threading.Event) -> JobRun:
    """Return the job of a change as a worker would run it."""
    facts = {"job_id": 1, "attempt": 0, "actor": backend.system(), "database": backend.database}
    limits = {"soft_limit_s": 600.0, "hard_limit_s": 600.0}
    return JobRun(subject=Subject(index_change_id=change_id), aborted=stop.is_set, interrupted=lambda: False, **facts, **limits)  # type: ignore[arg-type]  # as it wants


def told(backend: Backend) -> list[tuple[str, str, object]]:
    """Return what the audit log has of indexes, oldest first."""
    rows: list[AuditRow] = recorded(backend, "index.change")
    return [(row.target, row.outcome, (row.after or {}).get("status")) for row in rows]


def test_an_index_is_made_rebuilt_and_dropped_by_jobs_and_each_step_is_in_the_audit_log(
    backend: Backend, operator: Actor, admin: Admin, run_jobs: RunJobs
) -> None:
    for action, what, after in (("create", MAKE, True), ("rebuild", "tried_title", True), ("drop", "tried_title", None)):
        job = backend.indexes.change(action, what, actor=operator)
        with pytest.raises(Conflict):
            backend.indexes.change(action, what, actor=operator)
        run_jobs()
        assert backend.jobs.get(job, actor=operator).state == "done"
        assert state(admin, "tried_title") is after
    changes = backend.indexes.changes(actor=operator)
    assert [(one.action, one.table, one.index, one.status) for one in reversed(changes)] == [
        (action, "documents", "tried_title", "DONE") for action in ("create", "rebuild", "drop")
    ]
    assert all(one.reason == operator.reason and one.created_by == operator.name and one.finished_at for one in changes)
    assert told(backend) == [("index:tried_title", "done", status) for _ in range(3) for status in ("WAITING", "DONE")]


def test_an_index_changes_only_with_a_reason_and_a_proof_and_never_what_enforces_or_is_declared(
    backend: Backend, operator: Actor, admin: Admin
) -> None:
    with pytest.raises(ReasonNeeded):
        backend.indexes.change("create", MAKE, actor=replace(operator, reason=None))
    with pytest.raises(ProofNeeded):
        backend.indexes.change("create", MAKE, actor=replace(operator, proven_until=None))
    for name in ("pk_documents", "uq_audio_active_voice", "idx_message_sender"):
        with pytest.raises(InvalidInput, match="is not dropped here"):
            backend.indexes.change("drop", name, actor=operator)
    for statement in ("DROP TABLE documents", f"{MAKE}; DROP TABLE documents", MAKE.replace("INDEX", "UNIQUE INDEX")):
        with pytest.raises(InvalidInput):
            backend.indexes.change("create", statement, actor=operator)
    with pytest.raises(Conflict):
        backend.indexes.change("create", "CREATE INDEX idx_message_sender ON messages (sender)", actor=operator)
    with pytest.raises(NotFound):
        backend.indexes.change("drop", "nothing", actor=operator)
    assert backend.jobs.open_count() == 0
    assert told(backend) == []


@pytest.mark.logs("job failed")
def test_an_index_that_cannot_be_built_leaves_nothing_half_built_and_says_so(
    backend: Backend, operator: Actor, admin: Admin, run_jobs: RunJobs, make_document: Callable[..., int]
) -> None:
    make_document()
    admin.execute("UPDATE documents SET size_bytes = 1")
    # the control: the server itself leaves it there
    with pytest.raises(psycopg.errors.DivisionByZero):
        admin.execute(BROKEN.replace("INDEX", "INDEX CONCURRENTLY").encode())
    assert state(admin, "tried_broken") is False
    admin.execute("DROP INDEX tried_broken")
    job = backend.indexes.change("create", BROKEN, actor=operator)
    run_jobs()
    assert backend.jobs.get(job, actor=operator).state == "failed"
    assert state(admin, "tried_broken") is None
    (change,) = backend.indexes.changes(actor=operator)
    assert (change.status, change.error) == ("FAILED", "The server cannot build this index from what the table holds.")
    assert told(backend)[-1] == ("index:tried_broken", "failed", None)
    admin.execute("UPDATE documents SET size_bytes = 7")
    again = backend.jobs.retry(job, actor=operator)
    run_jobs()
    assert backend.jobs.get(again, actor=operator).state == "done"
    assert state(admin, "tried_broken") is True


@pytest.mark.parametrize("half", [True, False])
def test_what_an_attempt_that_was_cut_off_left_behind_is_made_whole_by_the_next(
    backend: Backend, operator: Actor, admin: Admin, run_jobs: RunJobs, half: bool
) -> None:
    backend.indexes.change("create", MAKE, actor=operator)
    admin.execute(MAKE.encode())
    admin.execute("UPDATE pg_index SET indisvalid = %s WHERE indexrelid = 'tried_title'::regclass", (not half,))
    admin.execute("UPDATE index_changes SET status = 'RUNNING'")
    before = admin.execute("SELECT 'tried_title'::regclass::oid").fetchone()
    run_jobs()
    assert state(admin, "tried_title") is True
    assert (admin.execute("SELECT 'tried_title'::regclass::oid").fetchone() == before) is not half
    assert [one.status for one in backend.indexes.changes(actor=operator)] == ["DONE"]


def test_a_change_that_waits_for_somebody_elses_transaction_stops_when_it_is_cancelled(
    backend: Backend, operator: Actor, admin: Admin
) -> None:
    stop, task = threading.Event(), backend.indexes.task
    backend.indexes.change("create", MAKE, actor=operator)
    (waiting,) = backend.indexes.changes(actor=operator)
    job = job_of(backend, waiting.id, stop)
    with psycopg.connect(admin.info.dsn, password=admin.info.password) as other, ThreadPoolExecutor(1) as pool:
        other.execute("LOCK TABLE documents IN ROW EXCLUSIVE MODE")
        working = pool.submit(task.run, job)
        eventually(lambda: state(admin, "tried_title") is False)
        assert not working.done()
        stop.set()
        with pytest.raises(Cancelled):
            working.result(60)
        # nor is it tidied up while somebody is at the table; the view offers to
        (left,) = (one for one in backend.indexes.view(actor=operator).rows if one.name == "tried_title")
        assert (left.verdict, left.sql) == ("invalid", "REINDEX INDEX CONCURRENTLY public.tried_title;")
    for _ in range(2):
        with backend.database.begin("Give up") as conn:
            task.give_up(conn, job.subject, Cancelled("Cancelled."), actor=operator)
    (change,) = backend.indexes.changes(actor=operator)
    assert (change.status, "left half built" in (change.error or "")) == ("FAILED", True)
    assert told(backend)[1:] == [("index:tried_title", "failed", None)]


@pytest.mark.logs("job failed")
def test_on_a_shared_server_a_login_that_is_not_the_owner_is_given_the_statement_instead(
    signed_in: Callable[[str], tuple[Backend, Actor]],  # noqa: F811  # the fixture
    staffed: Team,  # noqa: F811  # the fixture
) -> None:
    backend, keeper = signed_in("adm")
    assert backend.indexes.view(actor=keeper).rows
    with pytest.raises(ServerAdministratorNeeded) as refused:
        backend.indexes.change("create", MAKE, actor=keeper)
    assert refused.value.statements == ["CREATE INDEX CONCURRENTLY tried_title ON documents (title, id);"]
    assert backend.indexes.changes(actor=keeper) == ()
    proof = backend.indexes.prove(actor=keeper, hide="idx_document_owner", statements=["SELECT id FROM documents WHERE id = %(id)s"])
    assert (proof.method, proof.statements_checked, proof.slower) == ("explained", 1, ())
    assert "shared server" in proof.refused_reason
    staffed.admin("GRANT lectern_owner TO adm")
    try:
        job = backend.indexes.change("create", MAKE, actor=keeper)
        # the control: who may act as the owner may ask; but the login of the team's worker may not carry it out
        with staffed.open("wrk", application="worker") as working:
            run_once(working, staffed.settings("wrk"))
        assert backend.jobs.get(job, actor=keeper).state == "failed"
        assert "CREATE INDEX CONCURRENTLY tried_title ON documents" in (backend.indexes.changes(actor=keeper)[0].error or "")
        staffed.admin("GRANT lectern_owner TO wrk")
        again = backend.jobs.retry(job, actor=keeper)
        with staffed.open("wrk", application="worker") as working:
            run_once(working, staffed.settings("wrk"))
        assert backend.jobs.get(again, actor=keeper).state == "done"
    finally:
        staffed.admin("REVOKE lectern_owner FROM adm, wrk")
    assert [one.status for one in backend.indexes.changes(actor=keeper)] == ["DONE"]
