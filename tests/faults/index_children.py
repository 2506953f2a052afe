"""What runs in the process that is killed while it makes an index."""

from __future__ import annotations

from collections.abc import Mapping

from backend_core.backend import Backend, open_backend
from backend_core.jobs.runner import JobRun, Subject
from tests.faults.children import become


def job(backend: Backend, change_id: int) -> JobRun:
    """Return the job of a change as a worker would run it."""
    facts = {"job_id": 1, "attempt": 0, "actor": backend.system(), "database": backend.database}
    limits = {"soft_limit_s": 60.0, "hard_limit_s": 60.0}
    return JobRun(subject=Subject(index_change_id=change_id), aborted=lambda: False, interrupted=lambda: False, **facts, **limits)  # type: ignore[arg-type]  # as it wants


def make(environment: Mapping[str, str], change_id: int) -> None:
    """Carry out a change."""
    with open_backend(become(environment), application="worker") as backend:
        backend.indexes.task.run(job(backend, change_id))
