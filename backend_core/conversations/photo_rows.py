"""What is read of photos: inside the one scope that is open, or across containers without a word of what they show."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, func, select, update

from backend_core.conversations.photo_records import OPEN, RECENT, Photo, PhotoFollowUps, PhotoStatus
from backend_core.conversations.tables import photos
from backend_core.errors import NotFound
from backend_core.scopes.records import Container
from backend_core.scopes.service import Scope
from backend_core.scopes.tables import containers

COLUMNS: Final[Sequence[Any]] = tuple(photos.c[name] for name in Photo.__dataclass_fields__)


def latest(scope: Scope, *, within: dt.timedelta = RECENT) -> Photo | None:
    """Return the newest photo of a conversation, if one was sent lately."""
    fresh = photos.c.received_at > func.now() - within
    query = select(*COLUMNS).where(photos.c.container_id == scope.container_id, photos.c.forgotten_at.is_(None), fresh)
    row = scope.conn.execute(query.order_by(photos.c.received_at.desc()).limit(1)).one_or_none()
    return None if row is None else photo_from(row)


def in_scope(scope: Scope, photo_id: uuid.UUID) -> Photo | None:
    """Return one photo of the open container."""
    row = scope.conn.execute(select(*COLUMNS).where(*mine(scope, photo_id), photos.c.forgotten_at.is_(None))).one_or_none()
    return None if row is None else photo_from(row)


def mine(scope: Scope, photo_id: uuid.UUID) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Return the conditions of one photo in the open container."""
    return photos.c.container_id == scope.container_id, photos.c.id == photo_id


def photo_from(row: Row[Any]) -> Photo:
    """Return the photo of a row of ``COLUMNS``."""
    return Photo(**row._mapping)


def answered(scope: Scope) -> None:
    """Count the early questions about photos that are ready by now as answered."""
    ready = (photos.c.status == "ready", photos.c.answered_late < photos.c.asked_early)
    lately = photos.c.received_at > func.now() - dt.timedelta(days=1)
    change = update(photos).where(photos.c.container_id == scope.container_id, *ready, lately)
    scope.conn.execute(change.values(answered_late=photos.c.asked_early))


_STATUS: Final = ("id", "conversation_id", "status", "received_at", "ready_at", "error")


def status_of(conn: Connection, photo_id: uuid.UUID) -> PhotoStatus:
    """Return where a photo is, as the directory sees it.

    Raises:
        NotFound: no such photo.
    """
    columns = [photos.c[name] for name in _STATUS]
    row = conn.execute(select(*columns).where(photos.c.id == photo_id, photos.c.forgotten_at.is_(None))).mappings().one_or_none()
    if row is None:
        raise NotFound("There is no such photo.")
    return PhotoStatus(**row)


def with_wait(found: PhotoStatus, waited_s: float) -> PhotoStatus:
    """Return a status with how long somebody waited for it."""
    return replace(found, waited_s=round(waited_s, 3))


def follow_ups_of(conn: Connection, days: int) -> PhotoFollowUps:
    """Return how often people asked too early within the last ``days``, as the directory sees it."""
    rows = photos.c
    took = func.extract("epoch", rows.ready_at - rows.received_at)
    still = rows.status.in_(OPEN)
    columns = {
        "photos": func.count(),
        "asked": func.count().filter(rows.asked_early > 0),
        "questions": func.coalesce(func.sum(rows.asked_early), 0),
        "resolved": func.coalesce(func.sum(rows.answered_late), 0),
        "unresolved": func.coalesce(func.sum(rows.asked_early - rows.answered_late).filter(~still), 0),
        "waiting": func.coalesce(func.sum(rows.asked_early).filter(still), 0),
        "p50_s": func.percentile_cont(0.5).within_group(took).filter(rows.ready_at.is_not(None)),
        "p95_s": func.percentile_cont(0.95).within_group(took).filter(rows.ready_at.is_not(None)),
    }
    query = select(*(column.label(name) for name, column in columns.items())).join(containers, containers.c.id == rows.container_id)
    query = query.where(rows.received_at > func.now() - func.make_interval(0, 0, 0, days), containers.c.synthetic.is_(False))
    found: dict[str, Any] = dict(conn.execute(query).mappings().one())
    whole: dict[str, Any] = {name: int(value) for name, value in found.items() if not name.endswith("_s")}
    times: dict[str, Any] = {name: None if found[name] is None else float(found[name]) for name in ("p50_s", "p95_s")}
    return PhotoFollowUps(**whole, **times)


def container_with(conn: Connection, photo_id: uuid.UUID) -> Container:
    """Return the container of a photo, as the directory sees it.

    Raises:
        NotFound: no such photo.
    """
    columns = [containers.c[name] for name in Container.__dataclass_fields__]
    query = select(*columns).join(photos, photos.c.container_id == containers.c.id).where(photos.c.id == photo_id)
    row = conn.execute(query).mappings().one_or_none()
    if row is None:
        raise NotFound("There is no such photo.")
    return Container(**row)
