"""What a persona's reply would be given, and why each part of it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from backend_core.conversations.photo_records import Photo
from backend_core.conversations.relationship import Relationship
from backend_core.memory.forget_records import Boundary
from backend_core.memory.records import Hit, Mode
from backend_core.scopes.records import Container


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenMemory:
    """A memory that the reply is given.

    Attributes:
        reasons: why, strongest first, one plain phrase each.
    """

    hit: Hit
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Withheld:
    """Memories that fit but that the reply is not given.

    Attributes:
        boundary: which rule of the conversation keeps them back.
        count: how many of those that were found.
    """

    boundary: Boundary
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenPhoto:
    """The photo the message speaks of.

    Attributes:
        sentence: what the reply may say of it; honest while it is still being looked at.
        reason: why this photo.
        waited_s: how long the reply waited for it.
    """

    photo: Photo
    sentence: str
    reason: str
    waited_s: float

    @property
    def ready(self) -> bool:
        """Whether it was looked at."""
        return self.photo.status == "ready"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyContext:
    """Everything a persona's reply to one message would be given; all of it from one container.

    Attributes:
        container: where the conversation keeps what was said.
        persona_id, persona_name: who would reply; None in a group nobody answers in.
        message: what is being replied to.
        memories: best first.
        withheld: what a boundary keeps back.
        photo: the one the message speaks of.
        relationship: of a direct conversation; a group has none, because what moves it is said in private.
        boundaries: all that are in force.
        mode: how the memories were found.
        ms: time inside the database transaction, in milliseconds.
    """

    conversation_id: uuid.UUID
    container: Container
    persona_id: str | None
    persona_name: str | None
    message: str
    memories: tuple[GivenMemory, ...]
    withheld: tuple[Withheld, ...]
    photo: GivenPhoto | None
    relationship: Relationship | None
    boundaries: tuple[Boundary, ...]
    mode: Mode
    ms: float
