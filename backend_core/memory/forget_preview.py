"""Show what a request to forget would take away, item by item, and what is near it and stays."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select, Table, func, select

from backend_core.conversations.tables import messages, photos, reminders
from backend_core.memory.boundaries import THAT
from backend_core.memory.forget_base import counted
from backend_core.memory.forget_records import Item, Preview
from backend_core.memory.forget_selection import Selection, photo_text
from backend_core.memory.forget_words import unclear
from backend_core.memory.tables import boundaries, memories, memory_history, memory_vectors, postings
from backend_core.safety.tables import safety_events
from backend_core.scopes.service import Scope


def preview_of(scope: Scope, found: Selection, *, about: str | None = None) -> Preview:
    """Return what ``found`` means, in full."""
    facts: dict[str, Any] = {"container": scope.container.public_id, "masked": scope.container.masked_tag, "about": about}
    if found.unclear is not None or found.already or found.empty:
        asked = None if found.unclear is None else unclear(found.unclear)
        return Preview(**facts, items=(), counts=counted(), question=asked, already=found.already)
    versions = _versions(scope, found.memories)
    items = (*_memories(scope, found.memories), *versions, *_messages(scope, found), *_photos(scope, found), *_reminders(scope, found))
    items = (*items, *_boundaries(scope, found.boundaries))
    stays = (*_memories(scope, found.stays), *_boundaries(scope, found.rules))
    return Preview(**facts, items=items, counts=counts_of(scope, found), stays=stays)


def counts_of(scope: Scope, found: Selection) -> dict[str, int]:
    """Return how many rows of each store belong to what goes."""
    gone = list(found.memories)
    objects = photos.c.id.in_(list(found.photos)) & photos.c.object_id.is_not(None)
    return counted(
        memories=len(gone),
        versions=_count(scope, memory_history, memory_history.c.memory_id.in_(gone)),
        postings=_count(scope, postings, postings.c.memory_id.in_(gone)),
        vectors=_count(scope, memory_vectors, memory_vectors.c.memory_id.in_(gone)),
        messages=len(found.messages),
        photos=len(found.photos),
        objects=_count(scope, photos, objects),
        reminders=len(found.reminders),
        safety=_count(scope, safety_events, safety_events.c.message_id.in_(list(found.messages))),
        boundaries=_count(scope, boundaries, boundaries.c.topic_key.in_([f"{THAT}{key}" for key in gone])) + len(found.boundaries),
    )


def _count(scope: Scope, store: Table, which: Any) -> int:
    query = select(func.count()).select_from(store).where(store.c.container_id == scope.container_id, which)
    return int(scope.conn.execute(query).scalar_one())


def _memories(scope: Scope, why: Mapping[uuid.UUID, str]) -> tuple[Item, ...]:
    query = select(memories.c.id, memories.c.text, memories.c.said_at.label("at"), memories.c.speaker)
    query = query.where(memories.c.container_id == scope.container_id, memories.c.id.in_(list(why))).order_by(memories.c.turn)
    return tuple(Item(store="memories", why=why[row.id], **row._mapping) for row in scope.conn.execute(query))


def _versions(scope: Scope, why: Mapping[uuid.UUID, str]) -> tuple[Item, ...]:
    columns = (memory_history.c.memory_id.label("id"), memory_history.c.text, memory_history.c.changed_at.label("at"))
    query: Select[Any] = select(*columns).where(memory_history.c.container_id == scope.container_id)
    query = query.where(memory_history.c.memory_id.in_(list(why))).order_by(memory_history.c.memory_id, memory_history.c.version)
    return tuple(Item(store="versions", why=why[row.id], speaker=None, **row._mapping) for row in scope.conn.execute(query))


def _messages(scope: Scope, found: Selection) -> tuple[Item, ...]:
    query = select(messages.c.id, messages.c.body.label("text"), messages.c.timestamp.label("at"), messages.c.direction)
    query = query.where(messages.c.container_id == scope.container_id, messages.c.id.in_(list(found.messages)))
    rows = scope.conn.execute(query.order_by(messages.c.timestamp, messages.c.id)).all()
    # who wrote it is a phone number in the row; whether contact or persona is enough here
    return tuple(
        Item(
            store="messages",
            id=row.id,
            text=row.text,
            at=row.at,
            speaker="contact" if row.direction == "in" else "persona",
            why=found.messages[row.id],
        )
        for row in rows
    )


def _photos(scope: Scope, found: Selection) -> tuple[Item, ...]:
    columns = (photos.c.id, photos.c.caption, photos.c.summary, photos.c.recognised_text, photos.c.received_at)
    query: Select[Any] = select(*columns).where(photos.c.container_id == scope.container_id, photos.c.id.in_(list(found.photos)))
    rows = scope.conn.execute(query.order_by(photos.c.received_at)).all()
    return tuple(
        Item(store="photos", id=row.id, text=photo_text(row), at=row.received_at, speaker=None, why=found.photos[row.id]) for row in rows
    )


def _reminders(scope: Scope, found: Selection) -> tuple[Item, ...]:
    query = select(reminders.c.id, reminders.c.text, reminders.c.due_at.label("at"))
    query = query.where(reminders.c.container_id == scope.container_id, reminders.c.id.in_(list(found.reminders)))
    rows = scope.conn.execute(query.order_by(reminders.c.due_at))
    return tuple(Item(store="reminders", why=found.reminders[row.id], speaker=None, **row._mapping) for row in rows)


def _boundaries(scope: Scope, why: Mapping[uuid.UUID, str]) -> tuple[Item, ...]:
    query = select(
        boundaries.c.id, boundaries.c.topic.label("text"), boundaries.c.created_at.label("at"), boundaries.c.set_by.label("speaker")
    )
    query = query.where(boundaries.c.container_id == scope.container_id, boundaries.c.id.in_(list(why))).order_by(boundaries.c.created_at)
    return tuple(Item(store="boundaries", why=why[row.id], **row._mapping) for row in scope.conn.execute(query))
