"""Boundaries: what a persona does not bring up in one conversation, though it is remembered."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import Row, Select, func, insert, select, update

from backend_core.errors import InvalidInput, NotFound
from backend_core.memory.commands import FORGET, HIDE, NEVER
from backend_core.memory.forget_base import ForgetBase
from backend_core.memory.forget_records import Boundary
from backend_core.memory.tables import boundaries
from backend_core.memory.terms import terms
from backend_core.memory.topics import topic_terms
from backend_core.policy import Actor, Target, authorize
from backend_core.scopes.records import Container, Where
from backend_core.scopes.service import Scope

MOST: Final = 500
LONGEST_TOPIC: Final = 200
THAT: Final = "memory:"
"""Begins the key of a boundary about one memory, which is what "that" means; no term of a text holds a colon."""


class Boundaries(ForgetBase):
    """Boundaries of conversations."""

    def boundaries(self, where: Where | Container | uuid.UUID, *, actor: Actor, lifted: bool = False) -> tuple[Boundary, ...]:
        """Return the boundaries that count in a conversation, newest first; with ``lifted`` also those that no longer do."""
        authorize(actor, "memory.read", Target(kind="container"))
        with self._scopes.open(where, actor=actor, action="memory.read") as scope:
            return boundaries_in(scope, lifted=lifted)

    def add_boundary(self, where: Where | Container | uuid.UUID, kind: str, topic: str, *, actor: Actor) -> Boundary:
        """Set a boundary about a topic; the same one again changes nothing.

        Raises:
            InvalidInput: ``kind`` is neither ``hide`` nor ``never``, or the topic has no word that says something.
        """
        authorize(actor, "boundary.edit", Target(kind="container"))
        if kind not in {HIDE, NEVER}:
            raise InvalidInput("A boundary is hide (unless the contact speaks of it) or never.")
        with self._scopes.open(where, actor=actor, action="boundary.edit") as scope:
            return set_boundary(scope, kind, topic, by=actor.name)

    def lift_boundary(self, where: Where | Container | uuid.UUID, boundary_id: uuid.UUID, *, actor: Actor) -> Boundary:
        """End a boundary.

        Raises:
            NotFound: there is no such boundary in this conversation, or it was lifted before.
        """
        authorize(actor, "boundary.edit", Target(kind="container"))
        with self._scopes.open(where, actor=actor, action="boundary.edit") as scope:
            this = (boundaries.c.container_id == scope.container_id, boundaries.c.id == boundary_id, boundaries.c.active)
            change = update(boundaries).where(*this).values(active=False, lifted_at=func.clock_timestamp())
            row = scope.conn.execute(change.returning(*_COLUMNS)).one_or_none()
            if row is None:
                raise NotFound("There is no such boundary in this conversation.")
            return _boundary(row)


def boundaries_in(scope: Scope, *, lifted: bool = False) -> tuple[Boundary, ...]:
    """Return the boundaries of the open container, newest first."""
    query: Select[Any] = select(*_COLUMNS).where(boundaries.c.container_id == scope.container_id)
    if not lifted:
        query = query.where(boundaries.c.active)
    return tuple(map(_boundary, scope.conn.execute(query.order_by(boundaries.c.created_at.desc(), boundaries.c.id).limit(MOST))))


def set_boundary(scope: Scope, kind: str, topic: str, *, by: str, message_id: uuid.UUID | None = None) -> Boundary:
    """Set a boundary about a topic in the open container.

    Raises:
        InvalidInput: the topic has no word that says something.
    """
    key = topic_key(topic)
    if not key:
        raise InvalidInput("Name what it is about in a word or two.")
    return _insert(scope, kind, topic, key, by=by, message_id=message_id)


def set_about_memory(scope: Scope, kind: str, memory_id: uuid.UUID, text: str, *, by: str, message_id: uuid.UUID | None = None) -> Boundary:
    """Set a boundary about one memory of the open container."""
    return _insert(scope, kind, text, f"{THAT}{memory_id}", by=by, message_id=message_id)


def topic_key(topic: str) -> str:
    """Return what a topic is compared by: its terms in order, each once; empty when none of its words says anything.

    >>> topic_key("the surprise party") == topic_key("Party, surprises!")
    True
    """
    return " ".join(sorted(topic_terms(topic)))[:LONGEST_TOPIC]


class Rules:
    """The boundaries of an open container, ready to be asked about one memory after another."""

    def __init__(self, found: Iterable[Boundary], *, asked: str | None = None) -> None:
        """Take ``asked``, what the contact just wrote: it may be answered what ``hide`` covers; None marks all that is covered."""
        rules = [one for one in found if asked is None or one.kind != HIDE or not _speaks_of(one, asked)]
        self._memories = {one.memory_id: one for one in rules if one.memory_id is not None}
        self._topics = [(topic_terms(one.topic), one) for one in rules if one.memory_id is None]

    def covering(self, memory_id: uuid.UUID, text: str, said_at: dt.datetime) -> Boundary | None:
        """Return the boundary that covers a memory; of a topic that is being forgotten only what was said before counts."""
        if not self._topics:
            return self._memories.get(memory_id)
        found = frozenset(terms(text))
        about = (one for wanted, one in self._topics if wanted <= found and (one.kind != FORGET or said_at <= one.created_at))
        return self._memories.get(memory_id) or next(about, None)


def _speaks_of(rule: Boundary, asked: str) -> bool:
    wanted = topic_terms(rule.topic)
    return bool(wanted) and wanted <= frozenset(terms(asked))


def _insert(scope: Scope, kind: str, topic: str, key: str, *, by: str, message_id: uuid.UUID | None) -> Boundary:
    same = (boundaries.c.container_id == scope.container_id, boundaries.c.topic_key == key, boundaries.c.kind == kind, boundaries.c.active)
    found = scope.conn.execute(select(*_COLUMNS).where(*same).limit(1)).one_or_none()
    if found is not None:
        return _boundary(found)
    facts = {"container_id": scope.container_id, "kind": kind, "topic": topic[:LONGEST_TOPIC], "topic_key": key, "set_by": by}
    made = insert(boundaries).values(facts | {"source_message_id": message_id}).returning(*_COLUMNS)
    return _boundary(scope.conn.execute(made).one())


_COLUMNS: Final = tuple(boundaries.c[name] for name in ("id", "kind", "topic", "topic_key", "set_by", "active", "created_at", "lifted_at"))


def _boundary(row: Row[Any]) -> Boundary:
    facts = dict(row._mapping)
    key: str = facts.pop("topic_key")
    return Boundary(**facts, memory_id=uuid.UUID(key.removeprefix(THAT)) if key.startswith(THAT) else None)
