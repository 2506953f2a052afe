"""Cases of ``test_fail_closed``: an index that is asked for, made, given up and asked for again."""

from __future__ import annotations

from sqlalchemy import select, update

from backend_core.backend import Backend
from backend_core.errors import TimedOut
from backend_core.jobs.runner import JobRun, Subject
from backend_core.monitoring.tables import index_changes
from tests.backend_core.audit.closed_cases import Act, World, case
from tests.backend_core.verb_calls import proven

# small, and no other test declares it; a second call finds what the first has made
MAKE = "CREATE INDEX probe_detail ON job_failure (detail)"


def _asked(world: World) -> Subject:
    world.backend.indexes.change("create", MAKE, actor=proven(world.actor))
    with world.backend.database.begin("Look") as conn:
        return Subject(index_change_id=conn.execute(select(index_changes.c.id)).scalar_one())


def _job(backend: Backend, subject: Subject) -> JobRun:
    facts = {"job_id": 1, "attempt": 0, "actor": backend.system(), "database": backend.database}
    limits = {"soft_limit_s": 60.0, "hard_limit_s": 60.0}
    return JobRun(subject=subject, aborted=lambda: False, interrupted=lambda: False, **facts, **limits)  # type: ignore[arg-type]  # as it wants


@case("Indexes.change")
def _change(world: World) -> Act:
    return lambda: world.backend.indexes.change("create", MAKE, actor=proven(world.actor))


@case("ChangeIndex.give_up")
def _give_up(world: World) -> Act:
    subject = _asked(world)

    def act() -> None:
        with world.backend.database.begin("Give up") as conn:
            world.backend.indexes.task.give_up(conn, subject, TimedOut("It took too long."), actor=proven(world.actor))

    return act


@case("ChangeIndex.again")
def _again(world: World) -> Act:
    subject = _asked(world)
    with world.backend.database.begin("Pretend") as conn:
        conn.execute(update(index_changes).values(status="FAILED"))
    return lambda: world.backend.indexes.task.again(subject, actor=proven(world.actor))


@case("ChangeIndex._finish")
def _finish(world: World) -> Act:
    subject, task = _asked(world), world.backend.indexes.task
    with world.backend.database.begin("Look") as conn:
        change = conn.execute(update(index_changes).values(status="RUNNING").returning(*index_changes.c)).one()
    return lambda: task._finish(_job(world.backend, subject), change)
