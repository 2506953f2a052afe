"""Where a contact's words are: the conversations that are theirs alone, and what is theirs in groups."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import Connection, Select, or_, select, union

from backend_core.conversations.tables import memberships, messages, photos, reminders
from backend_core.memory.forget_selection import Selection
from backend_core.memory.tables import boundaries, memories
from backend_core.scopes.service import Scope
from backend_core.scopes.tables import containers

_WRITTEN: Final = (messages, photos, reminders)


def direct_containers(conn: Connection, user_id: uuid.UUID) -> list[uuid.UUID]:
    """Return the containers that are this contact's alone; made-up ones too."""
    query = select(containers.c.public_id).where(containers.c.user_id == user_id).order_by(containers.c.created_at, containers.c.public_id)
    return list(conn.execute(query).scalars())


def group_containers(conn: Connection, user_id: uuid.UUID) -> list[uuid.UUID]:
    """Return the groups the contact is or was in, or ever wrote in; ``conn`` is the directory's."""
    numbers: list[Select[Any]] = [select(store.c.container_id).where(store.c.user_id == user_id) for store in _WRITTEN]
    member = select(containers.c.id).join(memberships, memberships.c.conversation_id == containers.c.conversation_id)
    numbers.append(member.where(memberships.c.user_id == user_id))
    query = select(containers.c.public_id).where(containers.c.kind == "group", containers.c.id.in_(union(*numbers)))
    return list(conn.execute(query.order_by(containers.c.created_at, containers.c.public_id)).scalars())


def of_person(scope: Scope, user_id: uuid.UUID, name: str) -> Selection:
    """Select what is the contact's in the open group: what they wrote, what was remembered from it, their photos and reminders.

    What was forgotten and not yet erased is among it.
    """
    here = scope.container_id
    found = Selection()
    own: dict[str, Any] = {"messages": messages, "photos": photos, "reminders": reminders}
    for store, table in own.items():
        ids = scope.conn.execute(select(table.c.id).where(table.c.container_id == here, table.c.user_id == user_id)).scalars()
        getattr(found, store).update(dict.fromkeys(ids, "theirs"))
    # noted without a message, but as said by them
    spoken = memories.c.source_message_id.is_(None) & (memories.c.speaker == name)
    query = select(memories.c.id).where(memories.c.container_id == here)
    query = query.where(or_(memories.c.source_message_id.in_(list(found.messages)), spoken))
    found.memories.update(dict.fromkeys(scope.conn.execute(query).scalars(), "theirs"))
    return found


def boundaries_of(scope: Scope, message_ids: Iterable[uuid.UUID]) -> list[uuid.UUID]:
    """Return the boundaries these messages set in the open container."""
    query = select(boundaries.c.id).where(boundaries.c.container_id == scope.container_id)
    return list(scope.conn.execute(query.where(boundaries.c.source_message_id.in_(list(message_ids)))).scalars())
