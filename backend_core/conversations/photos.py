"""Photos that people send: taken in once, stripped of their maker's traces, looked at in the background, waited for honestly."""

from __future__ import annotations

import datetime as dt
import tempfile
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from backend_core import faults
from backend_core.audit.service import Audit
from backend_core.conversations.base import as_contact, contact_by, storable
from backend_core.conversations.photo_records import OPEN, Photo, PhotoFollowUps, PhotoStatus, about_photo, mentions
from backend_core.conversations.photo_rows import (
    COLUMNS,
    answered,
    container_with,
    follow_ups_of,
    in_scope,
    latest,
    mine,
    photo_from,
    status_of,
    with_wait,
)
from backend_core.conversations.pictures.reader import Cleaned, PictureLimits, clean
from backend_core.conversations.records import Arrived
from backend_core.conversations.tables import conversations, personas, photos
from backend_core.db.database import Database
from backend_core.errors import Conflict, InvalidInput, NotFound
from backend_core.jobs.runner import Subject
from backend_core.jobs.service import JobRequest, Jobs
from backend_core.logs import correlation_id, get_logger
from backend_core.policy import Actor, Target, authorize
from backend_core.scopes.records import Container, Direct, Where
from backend_core.scopes.service import Scope, Scopes
from backend_core.storage.service import StagedObject, Storage

log = get_logger(__name__)
ANALYSE: Final = "photos.analyse"
TITLE: Final = "Look at a photo"
MOST_ROWS: Final = 500
WAIT_S: Final = 10.0
POLL_S: Final = 0.1
LONGEST_CAPTION: Final = 4_000
LONGEST_GUID: Final = 200
Place = Where | Container | uuid.UUID
Progress = Callable[[float, float], object]
"""Takes seconds waited and seconds there are."""


class Photos:
    """The photos of one database.

    Args:
        scratch: folder for copies on their way.
    """

    def __init__(
        self,
        database: Database,
        audit: Audit,
        *,
        scopes: Scopes,
        storage: Storage,
        jobs: Jobs,
        scratch: Path,
        limits: PictureLimits | None = None,
    ) -> None:
        self._database = database
        self._audit = audit
        self._scopes = scopes
        self._storage = storage
        self._jobs = jobs
        self._scratch = scratch
        self._limits = limits or PictureLimits()

    def attach(
        self,
        where: Place,
        path: Path,
        *,
        attachment_guid: str,
        actor: Actor,
        sender: uuid.UUID | str | None = None,
        caption: str = "",
        mentioned: bool | None = None,
    ) -> Photo:
        """Take in a photo once; the same ``attachment_guid`` in the same conversation returns the first.

        Only a copy without its maker's place, time and device is kept. In a group it is looked at only when somebody asks the persona.

        Args:
            where: the conversation.
            path: the file as it came.
            attachment_guid: as the messenger names it.
            actor: who brings it in.
            sender: who sent it; the contact of a direct conversation when left out.
            caption: what was written with it.
            mentioned: whether the persona was spoken to; found out from the caption when left out.

        Raises:
            InvalidInput: no name, or no sender; or a kind of file that is not read.
            NotFound: no such conversation or contact.
            TooLarge: over a limit.
        """
        authorize(actor, "photo.attach", Target(kind="photo"))
        guid = storable(attachment_guid, what="The name of an attachment", longest=LONGEST_GUID)
        words = storable(caption, what="A caption", longest=LONGEST_CAPTION) if caption.strip() else ""
        who = where.user if sender is None and isinstance(where, Direct) else sender
        self._scratch.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryDirectory(dir=self._scratch, prefix="photo-") as folder:
            cleaned = clean(path, to=Path(folder) / "clean", limits=self._limits)
            staged = self._storage.stage(cleaned.path)
            faults.point("photo.staged")
            with self._scopes.open(where, actor=actor, action="photo.attach", create=True) as scope:
                facts = _sent_by(scope, who) | {"attachment_guid": guid, "caption": words or None}
                photo, new = self._insert(scope, facts, cleaned, mentioned=mentioned)
                if new:
                    self._complete(scope, photo, staged, cleaned)
                faults.point("photo.commit")
                return photo

    def _insert(self, scope: Scope, facts: dict[str, Any], cleaned: Cleaned, *, mentioned: bool | None) -> tuple[Photo, bool]:
        asked = scope.container.kind == "direct" or (_named(scope, facts["caption"] or "") if mentioned is None else mentioned)
        values = facts | {
            "container_id": scope.container_id,
            "conversation_id": scope.container.conversation_id,
            "status": "pending" if asked else "deferred",
            "content_type": cleaned.content_type,
            "size_bytes": cleaned.size_bytes,
            "width": cleaned.width,
            "height": cleaned.height,
            "correlation_id": correlation_id()[:40],
        }
        new = upsert(photos).values(values).on_conflict_do_nothing(index_elements=[photos.c.container_id, photos.c.attachment_guid])
        row = scope.conn.execute(new.returning(*COLUMNS)).one_or_none()
        if row is not None:
            return photo_from(row), True
        # whoever was first has committed: the insert waited for it
        query = select(*COLUMNS).where(photos.c.container_id == scope.container_id, photos.c.attachment_guid == facts["attachment_guid"])
        return photo_from(scope.conn.execute(query).one()), False

    def _complete(self, scope: Scope, photo: Photo, staged: StagedObject, cleaned: Cleaned) -> None:
        object_id = self._storage.attach(scope.conn, staged, content_type=cleaned.content_type)
        scope.conn.execute(update(photos).where(*mine(scope, photo.id)).values(object_id=object_id))
        if photo.status == "pending":
            self._queue(scope, photo.id)
        after = {"status": photo.status, "bytes": cleaned.size_bytes, "container": str(scope.container.public_id)}
        target = Target(kind="photo", id=str(photo.id))
        self._audit.record(scope.conn, actor=scope.actor, action="photo.attach", target=target, after=after)

    def _queue(self, scope: Scope, photo_id: uuid.UUID) -> int:
        request = JobRequest(task=ANALYSE, title=TITLE, subject=Subject(photo_id=photo_id), priority=20)
        return self._jobs.defer(scope.conn, [request], actor=scope.actor)[0]

    def analyse(self, photo_id: uuid.UUID, *, actor: Actor, reason: str | None = None) -> int:
        """Look at a photo that was deferred, or that could not be looked at before; return the job's id.

        Raises:
            NotFound: no such photo, or it was forgotten.
            Conflict: it is being looked at, or was.
        """
        authorize(actor, "photo.analyse", Target(kind="photo", id=str(photo_id)))
        container = self.container_of(photo_id)
        with self._scopes.open(container, actor=actor, action="photo.analyse", reason=reason or "look at a photo") as scope:
            job = self._wake(scope, photo_id)
            if job is None:
                raise Conflict("This photo is being looked at, or was already.")
            return job

    def _wake(self, scope: Scope, photo_id: uuid.UUID) -> int | None:
        idle = photos.c.status.in_(("deferred", "failed")) & photos.c.forgotten_at.is_(None)
        change = update(photos).where(*mine(scope, photo_id), idle).values(status="pending", error=None, error_code=None)
        return self._queue(scope, photo_id) if scope.conn.execute(change).rowcount else None

    def follow(
        self, arrived: Arrived, /, *, attachment_guid: str | None = None, reply_to_photo: uuid.UUID | None = None
    ) -> uuid.UUID | None:
        """Return the photo a message came with, answers or speaks of, inside the transaction that stores it; None when there is none.

        A photo nobody had asked about is looked at now; one that is still being looked at counts the question as early. What a persona
        says after a photo is ready answers the early questions about it.
        """
        scope = arrived.scope
        if arrived.from_persona:
            answered(scope)
            return None
        photo = self._spoken_of(arrived, attachment_guid) if reply_to_photo is None else in_scope(scope, reply_to_photo)
        if photo is None:
            return None
        if photo.status == "deferred" and (scope.container.kind == "direct" or _named(scope, arrived.text)):
            self._wake(scope, photo.id)
        came_with = attachment_guid is not None and photo.attachment_guid == attachment_guid
        if photo.status in OPEN and not (came_with and not about_photo(arrived.text, age=dt.timedelta(0))):
            early = update(photos).where(*mine(scope, photo.id)).values(asked_early=photos.c.asked_early + 1)
            scope.conn.execute(early)
        return photo.id

    def _spoken_of(self, arrived: Arrived, guid: str | None) -> Photo | None:
        if guid is not None:
            named = photos.c.attachment_guid == guid
            query = select(*COLUMNS).where(photos.c.container_id == arrived.scope.container_id, named, photos.c.forgotten_at.is_(None))
            row = arrived.scope.conn.execute(query).one_or_none()
            return None if row is None else photo_from(row)
        photo = latest(arrived.scope)
        if photo is None or not about_photo(arrived.text, age=dt.datetime.now(dt.UTC) - photo.received_at):
            return None
        return photo

    def status(self, photo_id: uuid.UUID, *, actor: Actor) -> PhotoStatus:
        """Return where a photo is, without a word of what it shows.

        Raises:
            NotFound: no such photo.
        """
        authorize(actor, "conversation.list", Target(kind="photo", id=str(photo_id)))
        with self._scopes.directory("Read photo") as conn:
            return status_of(conn, photo_id)

    def wait_ready(
        self,
        photo_id: uuid.UUID,
        *,
        actor: Actor,
        timeout_s: float = WAIT_S,
        progress: Progress | None = None,
        should_stop: Callable[[], bool] = bool,
    ) -> PhotoStatus:
        """Wait until a photo is ready or failed, at most ``timeout_s``; what comes back says honestly which.

        Args:
            photo_id: of the photo.
            actor: who waits.
            timeout_s: seconds.
            progress: called with the seconds waited and ``timeout_s``, about ten times a second.
            should_stop: whoever waits gave up.

        Raises:
            NotFound: no such photo.
        """
        authorize(actor, "conversation.list", Target(kind="photo", id=str(photo_id)))
        began = time.monotonic()
        while True:
            with self._scopes.directory("Wait for photo") as conn:
                found = status_of(conn, photo_id)
            waited = time.monotonic() - began
            if progress is not None:
                progress(min(waited, timeout_s), timeout_s)
            if found.settled or waited >= timeout_s or should_stop():
                return with_wait(found, waited)
            time.sleep(min(POLL_S, max(0.0, timeout_s - waited)))

    def photos(self, where: Place, *, actor: Actor, reason: str | None = None, limit: int = 50) -> tuple[Photo, ...]:
        """Return the photos of one conversation, newest first, at most ``limit`` (1 to 500).

        Raises:
            ReasonNeeded: neither the actor nor the call gives a reason.
        """
        authorize(_reasoned(actor, reason), "photo.read", Target(kind="photo"))
        with self._scopes.open(where, actor=_reasoned(actor, reason), action="photo.read") as scope:
            query = select(*COLUMNS).where(photos.c.container_id == scope.container_id, photos.c.forgotten_at.is_(None))
            query = query.order_by(photos.c.received_at.desc(), photos.c.id).limit(max(1, min(limit, MOST_ROWS)))
            return tuple(photo_from(row) for row in scope.conn.execute(query))

    def picture(self, photo_id: uuid.UUID, *, actor: Actor, reason: str | None = None) -> Path:
        """Return the file of the kept copy, to be shown and not to be changed.

        Raises:
            NotFound: no such photo, or it was forgotten.
            ReasonNeeded: neither the actor nor the call gives a reason.
            DamagedObject: the file is missing or differs.
        """
        known = _reasoned(actor, reason)
        authorize(known, "photo.read", Target(kind="photo", id=str(photo_id)))
        with self._scopes.open(self.container_of(photo_id), actor=known, action="photo.read") as scope:
            query = select(photos.c.object_id).where(*mine(scope, photo_id), photos.c.forgotten_at.is_(None))
            object_id = scope.conn.execute(query).scalar_one_or_none()
        if object_id is None:
            raise NotFound("There is no such photo.")
        return self._storage.path_of(object_id)

    def follow_ups(self, *, actor: Actor, days: int = 30) -> PhotoFollowUps:
        """Return how often people asked about a photo too early within the last ``days``, and what became of it."""
        authorize(actor, "conversation.list", Target(kind="photo"))
        with self._scopes.directory("Count follow-ups") as conn:
            return follow_ups_of(conn, days)

    def container_of(self, photo_id: uuid.UUID) -> Container:
        """Return the container of a photo.

        Raises:
            NotFound: no such photo.
        """
        with self._scopes.directory("Find photo") as conn:
            return container_with(conn, photo_id)


def _reasoned(actor: Actor, reason: str | None) -> Actor:
    return actor if reason is None else replace(actor, reason=reason)


def _sent_by(scope: Scope, sender: uuid.UUID | str | None) -> dict[str, Any]:
    """Return who sent a photo, as its columns have it."""
    who = scope.container.user_id if sender is None else as_contact(sender)
    found = None if who is None else contact_by(scope.conn, who)
    if found is None or found.user_id is None:
        raise InvalidInput("A photo has a sender, who is a contact.")
    if scope.container.kind == "direct" and found.user_id != scope.container.user_id:
        raise InvalidInput("Another contact does not send photos in this conversation.")
    return {"sender": found.sender, "user_id": found.user_id}


def _named(scope: Scope, text: str) -> bool:
    """Return whether a text speaks to the persona of the conversation."""
    query = select(personas.c.id, personas.c.name).join(conversations, conversations.c.persona_id == personas.c.id)
    row = scope.conn.execute(query.where(conversations.c.id == scope.container.conversation_id)).one_or_none()
    return row is not None and mentions(text, row.id, row.name)
