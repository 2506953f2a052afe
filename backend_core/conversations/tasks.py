"""Background work on conversations: look at one photo."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Row, func, update

from backend_core import faults
from backend_core.access.service import system_actor
from backend_core.audit.service import Audit
from backend_core.conversations.photo_rows import mine
from backend_core.conversations.photos import ANALYSE, Photos
from backend_core.conversations.pictures.reader import PictureLimits, described, look, one_line, text_engine
from backend_core.conversations.tables import photos
from backend_core.errors import Cancelled, LecternError, NotFound
from backend_core.jobs.runner import JobRun, Subject
from backend_core.logs import get_logger
from backend_core.policy import Actor, Target, authorize
from backend_core.scopes.service import Scopes
from backend_core.storage.service import Storage

log = get_logger(__name__)
WHY: Final = "look at a photo"
LONGEST_SUMMARY: Final = 600
LONGEST_TEXT: Final = 4_000
LONGEST_ERROR: Final = 300
Describe = Callable[[Path, str], str | None]
"""Takes a picture and its type; returns what it shows, or None where nobody may be asked."""


class AnalysePhoto:
    """Looks at one photo: its colours and light, the words in it, and what it shows where somebody may be asked."""

    name = ANALYSE

    def __init__(
        self,
        audit: Audit,
        *,
        scopes: Scopes,
        storage: Storage,
        photos_service: Photos,
        describe: Describe | None = None,
        find_text_engine: Callable[[], str | None] = text_engine,
        limits: PictureLimits | None = None,
    ) -> None:
        self._audit = audit
        self._scopes = scopes
        self._storage = storage
        self._photos = photos_service
        self._describe = describe
        self._find_text_engine = find_text_engine
        self._limits = limits or PictureLimits()

    def run(self, job: JobRun) -> None:
        """Look at the photo; one that was forgotten or is ready needs nothing."""
        photo_id = job.subject.photo_id or uuid.UUID(int=0)
        authorize(job.actor, "photo.analyse", Target(kind="photo", id=str(photo_id)))
        row = self._claim(job.actor, photo_id)
        if row is None:
            return
        faults.point("photo.claimed")
        path = self._storage.path_of(row.object_id)
        looks = look(path, text_engine=self._find_text_engine(), limits=self._limits, should_stop=job.should_stop)
        summary = described(looks, width=row.width, height=row.height)
        shown = self._shown(path, row.content_type)
        if job.should_stop():
            raise Cancelled("Looking at this photo was stopped on request.")
        values = {
            "summary": one_line(f"{shown} {summary}" if shown else summary, longest=LONGEST_SUMMARY),
            "recognised_text": one_line(looks.text, longest=LONGEST_TEXT) or None,
        }
        self._finish(job.actor, photo_id, values)
        faults.point("photo.done")

    def _claim(self, actor: Actor, photo_id: uuid.UUID) -> Row[Any] | None:
        try:
            container = self._photos.container_of(photo_id)
        except NotFound:
            return None
        with self._scopes.open(container, actor=actor, action="photo.analyse", reason=WHY) as scope:
            waiting = photos.c.status.in_(("pending", "processing", "failed")) & photos.c.forgotten_at.is_(None)
            change = update(photos).where(*mine(scope, photo_id), waiting, photos.c.object_id.is_not(None)).values(status="processing")
            columns = (photos.c.object_id, photos.c.width, photos.c.height, photos.c.content_type)
            return scope.conn.execute(change.returning(*columns)).one_or_none()

    def _shown(self, path: Path, content_type: str) -> str | None:
        if self._describe is None:
            return None
        try:
            return self._describe(path, content_type)
        except LecternError as error:
            # what can be told here is worth more than a photo nobody hears of again
            log.warning("photo described without the vision service", error_code=error.code)
            return None

    def _finish(self, actor: Actor, photo_id: uuid.UUID, values: dict[str, Any]) -> None:
        container = self._photos.container_of(photo_id)
        with self._scopes.open(container, actor=actor, action="photo.analyse", reason=WHY) as scope:
            open_still = (photos.c.status == "processing", photos.c.forgotten_at.is_(None))
            change = update(photos).where(*mine(scope, photo_id), *open_still)
            change = change.values(values | {"status": "ready", "ready_at": func.clock_timestamp(), "error": None, "error_code": None})
            scope.conn.execute(change)
            faults.point("photo.ready")

    def give_up(self, conn: Connection, subject: Subject, error: LecternError, *, actor: Actor) -> None:  # noqa: ARG002  # a scope has a transaction of its own
        """Mark the photo as failed, with the one sentence that is safe to show; one whose job was cancelled waits to be asked about."""
        if subject.photo_id is None:
            return
        try:
            container = self._photos.container_of(subject.photo_id)
        except NotFound:
            return
        status = "deferred" if isinstance(error, Cancelled) else "failed"
        values = {"status": status, "error": str(error)[:LONGEST_ERROR], "error_code": error.code}
        with self._scopes.open(container, actor=system_actor(), action="photo.analyse", reason=WHY) as scope:
            unfinished = photos.c.status.in_(("pending", "processing"))
            if scope.conn.execute(update(photos).where(*mine(scope, subject.photo_id), unfinished).values(values)).rowcount:
                target, after = Target(kind="photo", id=str(subject.photo_id)), {"error_code": error.code}
                self._audit.record(scope.conn, actor=actor, action="photo.analyse", target=target, outcome="failed", after=after)

    def again(self, subject: Subject, *, actor: Actor) -> int:
        """Queue the photo anew."""
        if subject.photo_id is None:
            raise NotFound("The photo of this job is gone.")
        return self._photos.analyse(subject.photo_id, actor=actor)
