"""Time limits of jobs: asked to stop at the soft one, their processes killed at the hard one; the worker goes on."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from backend_core.backend import Backend, open_backend
from backend_core.db.embedded import EmbeddedServer
from backend_core.settings import Settings
from backend_core.worker import run_once
from tests.backend_core.jobs.fakes import Scripted, hanging_engine

KILLED_WITHIN_S = 5.0
ATTEMPTS = 4
# of speaking only: on a busy machine even reading a page may take longer than the limit, and is then simply done again
_FAILURES = """
SELECT attempt, error_code, extract(epoch FROM at)::float FROM job_failure WHERE task = 'documents.speak' ORDER BY id
"""

MakeBackend = Callable[[Settings, Scripted], Backend]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture
def open_with() -> Iterator[MakeBackend]:
    """Return a function that opens a backend with an engine."""
    opened: list[Backend] = []

    def make(settings: Settings, engine: Scripted) -> Backend:
        opened.append(open_backend(settings, engines=[engine]))
        return opened[-1]

    yield make
    for backend in opened:
        backend.close()


def drain(backend: Backend, settings: Settings) -> None:
    while backend.jobs.open_count():
        run_once(backend, settings)


def speak(backend: Backend, settings: Settings, folder: Path) -> int:
    """Ask for audio and, behind it in the queue, for something else; return the document's id once nothing is left to do."""
    path = folder / "page.txt"
    path.write_text("One short page.")
    actor = backend.actor()
    document = backend.documents.import_file(path, actor=actor).document
    drain(backend, settings)
    backend.audios.generate(document.id, actor=actor)
    backend.documents.import_file(path, actor=actor, title="Later")
    drain(backend, settings)
    return document.id


@pytest.mark.skipif(os.name == "nt", reason="asks for processes by id as POSIX does")
@pytest.mark.trace("A9")
@pytest.mark.logs("job will be retried", "job failed")
@pytest.mark.parametrize(("deaf", "soft_s", "hard_s"), [(False, 1.0, 60.0), (True, 1.0, 1.3)], ids=["soft", "hard"])
def test_a_job_that_hangs_is_stopped_and_given_up_after_three_retries(
    settings: Settings, open_with: MakeBackend, clean: EmbeddedServer, tmp_path: Path, deaf: bool, soft_s: float, hard_s: float
) -> None:
    limited = settings.model_copy(update={"job_soft_limit_s": soft_s, "job_hard_limit_s": hard_s})
    inner, pids = hanging_engine(tmp_path)
    # workers that other tests killed have left theirs
    before = set((settings.home / "scratch").glob("speak-*"))
    began: list[float] = []
    backend = open_with(limited, Scripted(lambda _request: began.append(time.time()), inner=inner, deaf=deaf))
    document_id = speak(backend, limited, tmp_path)
    actor = backend.actor()
    row = backend.audios.listing(document_id, actor=actor)[0]
    assert (row.status, row.error_code) == ("FAILED", "timeout")
    assert row.error == "The job took longer than its limit and was stopped."
    # on a busy machine one may be stopped before it has written down its id
    started = [int(pid) for pid in pids.read_text().split()]
    assert len(began) == ATTEMPTS
    assert 1 <= len(started) <= ATTEMPTS
    assert not any(alive(pid) for pid in started)
    with psycopg.connect(clean.admin_dsn) as conn:
        failures = conn.execute(_FAILURES).fetchall()
    assert [failure[:2] for failure in failures] == [(attempt, "timeout") for attempt in range(ATTEMPTS)]
    limit = hard_s if deaf else soft_s
    assert all(failure[2] - start <= limit + KILLED_WITHIN_S for failure, start in zip(failures, began, strict=True))
    # the clean-up ran: no file, no object; and the worker lived to do what was queued behind
    assert set((settings.home / "scratch").glob("speak-*")) <= before
    assert backend.storage.orphans() == ((), ())
    assert backend.documents.listing(actor=actor, status="COMPLETED").total == 2


@pytest.mark.logs("job will be retried", "job failed")
def test_what_stops_a_job_is_not_taken_for_a_wish_of_the_user(settings: Settings, open_with: MakeBackend, tmp_path: Path) -> None:
    limited = settings.model_copy(update={"job_soft_limit_s": 0.3, "retry_limit": 0})
    backend = open_with(limited, Scripted(lambda _request: None, inner=hanging_engine(tmp_path)[0]))
    document_id = speak(backend, limited, tmp_path)
    job = next(job for job in backend.jobs.listing(actor=backend.actor()) if job.task == "documents.speak")
    assert job.state == "failed"
    # cancelled audio would have no row
    assert len(backend.audios.listing(document_id, actor=backend.actor())) == 1
