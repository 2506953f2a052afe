"""The pages that watch, over a real backend: what they show, what they asked of the shell, and jobs that fail for good."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from PySide6.QtWidgets import QWidget
from sqlalchemy import Connection, select

from backend_core.audit.tables import audit_event
from backend_core.backend import Backend
from backend_core.errors import LecternError, UnreadableFile
from backend_core.jobs.runner import JobRun, Subject
from backend_core.jobs.service import JobRequest
from backend_core.notices.records import NewNotice
from backend_core.policy import SYSTEM, Actor
from desktop.widgets.page import Page
from tests.desktop.conftest import Desk
from tests.desktop.pages.document_scene import HOSTILE, Switchable, Wait

PROGRAM = Actor(operator_id=None, name="Lectern", role=SYSTEM, workstation="tests")


@dataclass
class Shown:
    """A page on the screen and what it asked of the shell."""

    page: Any
    desk: Desk
    backend: Switchable

    @property
    def said(self) -> list[str]:
        """The toasts so far."""
        return [words for words, _ in self.desk.notified]

    @property
    def gone_to(self) -> list[tuple[str, dict[str, object]]]:
        """Where the page went."""
        return self.desk.navigated


ShowPage = Callable[..., Shown]


@contextmanager
def page_shower(page_context: Callable[..., Desk], backend: Backend, actor: Actor, wait_until: Wait) -> Iterator[ShowPage]:
    """Yield a function that shows a page: ``show(JobsPage, role="support", size=(1228, 846))``."""
    made: list[Shown] = []

    def show(kind: type[Page], *, role: str = "", away: bool = False, size: tuple[int, int] = (1228, 846)) -> Shown:
        switchable = Switchable(backend)
        desk = page_context(switchable, actor=replace(actor, role=role) if role else actor)
        desk.context.changes.attach(backend.changes)
        page = kind(desk.context)
        page.setParent(desk.window)
        made.append(Shown(page, desk, switchable))
        switchable.away = away
        for part in (desk.window, page):
            part.resize(*size)
        for part in (page, desk.window):
            part.show()
        if not away:
            wait_until(lambda: page.loaded and not desk.context.background.pending, timeout=15)
        return made[-1]

    yield show
    for one in made:
        one.page.hide()
    wait_until(lambda: not any(one.desk.context.background.pending for one in made), timeout=15)


def settled(shown: Shown, wait_until: Wait) -> None:
    """Read once more and wait for the answers."""
    shown.page.refresh()
    wait_until(lambda: not shown.desk.context.background.pending, timeout=15)


def dialog(shown: Shown, kind: type[QWidget]) -> Any:
    """Return the open dialog of that kind."""
    return next(found for found in shown.page.findChildren(kind) if found.isVisible())


@dataclass
class Failing:
    """Work that fails for good at its first attempt, until it is mended."""

    backend: Backend
    name: str = "tests.failing"
    mended: bool = False
    ran: list[int] = field(default_factory=list)

    def run(self, job: JobRun) -> None:
        """Fail, unless it is mended."""
        self.ran.append(job.job_id)
        if not self.mended:
            raise UnreadableFile(f"The file is broken. {HOSTILE}")

    def give_up(self, conn: Connection, subject: Subject, error: LecternError, *, actor: Actor) -> None:
        """Nothing is left to give up."""

    def again(self, subject: Subject, *, actor: Actor) -> int:
        """Queue it again."""
        return self.queue(actor, document_id=subject.document_id)

    def queue(self, actor: Actor, *, document_id: int | None) -> int:
        """Queue one job and return its id."""
        request = JobRequest(task=self.name, title=f"Read {document_id} {HOSTILE}", subject=Subject(document_id=document_id))
        with self.backend.database.begin("Queue work") as conn:
            return self.backend.jobs.defer(conn, [request], actor=actor)[0]


def raise_notice(backend: Backend, kind: str = "pool_full", subject: str = "lectern-worker", **facts: Any) -> int:
    """Raise a notice as the program does and return its id."""
    words = {"title": f"A pool is full {HOSTILE}", "body": "26 of 30 in use."}
    given = {"severity": "warn", "page": "database", "target": {"tab": "pool"}, **words, **facts}
    return backend.notices.raise_(NewNotice(kind=kind, subject=subject, **given), actor=PROGRAM)


def audited(backend: Backend, action: str) -> list[tuple[str, str | None]]:
    """Return target and reason of every audit event of an action, oldest first."""
    query = select(audit_event.c.target, audit_event.c.reason).where(audit_event.c.action == action).order_by(audit_event.c.id)
    with backend.database.begin("Read audit") as conn:
        return [(row.target, row.reason) for row in conn.execute(query)]
