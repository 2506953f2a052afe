"""Cases of ``test_fail_closed``: notices, their silences and channels, and alerts of jobs."""

from __future__ import annotations

import contextlib
import datetime as dt

from backend_core.errors import Conflict, InvalidInput, Unavailable
from backend_core.jobs.runner import Subject
from backend_core.notices.records import NewNotice
from backend_core.worker import Worker
from tests.backend_core.audit.closed_cases import Act, World, case
from tests.backend_core.verb_calls import proven


def _soon() -> dt.datetime:
    return dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)


def _alert(world: World) -> int:
    """Add the alert of a document whose worker died each time; return its id."""
    path = world.folder / "unread.txt"
    path.write_text("A page.", encoding="utf-8")
    document = world.backend.documents.import_file(path, actor=world.actor).document.id
    [job] = world.backend.jobs.listing(actor=world.actor)
    runner = Worker(world.backend, world.backend.settings)._runner
    handler = world.backend.handlers["documents.extract"]
    runner.abandon(handler, Subject(document_id=document), Unavailable("The worker died."), job_id=job.job_id, attempt=0)
    world.sql("UPDATE procrastinate_jobs SET status = 'failed'")
    return world.backend.job_alerts.listing(actor=world.actor)[0].id


@case("Notices.acknowledge")
def _acknowledge(world: World) -> Act:
    notice = NewNotice(kind="probe", subject="", severity="info", title="t", body="b", page="health")
    number = world.backend.notices.raise_(notice, actor=world.backend.system())
    return lambda: world.backend.notices.acknowledge(number, "seen", actor=world.actor)


@case("Notices.silence")
def _silence(world: World) -> Act:
    return lambda: world.backend.notices.silence("probe", "", _soon(), actor=proven(world.actor))


@case("Notices.lift")
def _lift(world: World) -> Act:
    made = world.backend.notices.silence("probe", "", _soon(), actor=proven(world.actor))
    return lambda: world.backend.notices.lift(made.id, actor=proven(world.actor))


@case("Notices.test")
def _test(world: World) -> Act:
    def act() -> None:
        # recorded or not, nothing is set up here; what is not recorded is refused as something else
        with contextlib.suppress(InvalidInput):
            world.backend.notices.test("email", actor=world.actor)

    return act


@case("Notices.set_secret")
def _set_secret(world: World) -> Act:
    return lambda: world.backend.notices.set_secret("webhook", "", actor=world.actor)


@case("JobAlerts.move")
def _move(world: World) -> Act:
    number = _alert(world)
    return lambda: world.backend.job_alerts.move(number, "IGNORED", "known", version=1, actor=world.actor)


@case("JobAlerts._investigate")
def _investigate(world: World) -> Act:
    number = _alert(world)

    def act() -> None:
        [done] = world.backend.job_alerts.retry([number], actor=world.actor)
        if done.error:
            raise Conflict(done.error)

    return act
