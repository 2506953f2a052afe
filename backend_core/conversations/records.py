"""What people and talk are made of, and what is told to those who remember, forget and watch over it."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from backend_core.conversations.relationship import Relationship
from backend_core.scopes.service import Scope

PERSONA: Final = "persona:"
"""What the sender of a message begins with when a persona wrote it; otherwise it is the telephone number of a contact."""

MOST_CHARACTERS: Final = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactRow:
    """One contact in a list.

    Attributes:
        phone: masked; None when none is known.
        email: masked; None when none is known.
        conversations: how many the contact takes part in now.
        messages: how many the contact wrote, everywhere.
        last_at: when the contact last wrote, in UTC.
    """

    id: uuid.UUID
    name: str
    phone: str | None
    email: str | None
    language: str | None
    conversations: int
    messages: int
    last_at: dt.datetime | None
    disabled: bool
    deletion_requested_at: dt.datetime | None
    created_at: dt.datetime
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonContainer:
    """One conversation of a contact and how much its container holds; never what.

    Attributes:
        container: public id of the container.
        tag: masked.
        memories: how many live ones there are; of a group, of all its members together.
        forgotten: how many wait for their removal.
        messages: how many the contact wrote in it.
        left_at: since when the contact is no longer a member of the group.
    """

    container: uuid.UUID
    conversation: uuid.UUID
    kind: str
    title: str
    tag: str
    persona: str | None
    memories: int
    forgotten: int
    messages: int
    last_at: dt.datetime | None
    left_at: dt.datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptDocument:
    """A document that an operator keeps on a contact's behalf."""

    id: int
    title: str
    status: str
    created_at: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonSession:
    """Access to another service in the contact's name."""

    provider: str
    expires_at: dt.datetime
    revoked_at: dt.datetime | None
    failures: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonFailure:
    """Something of a contact that went wrong: a photo, a document, a token."""

    at: dt.datetime
    kind: str
    what: str
    error_code: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonRead:
    """Who looked at or changed something of a contact, from the audit log."""

    at: dt.datetime
    actor: str
    action: str
    target: str
    outcome: str
    reason: str | None
    event_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Everything about a contact that can be told without opening what the contact said.

    Attributes:
        reads: newest first; None when the role may not read the audit log.
    """

    contact: ContactRow
    containers: tuple[PersonContainer, ...]
    documents: tuple[KeptDocument, ...]
    sessions: tuple[PersonSession, ...]
    failures: tuple[PersonFailure, ...]
    reads: tuple[PersonRead, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Revealed:
    """How a contact is reached, in full."""

    phone: str | None
    email: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationRow:
    """One conversation in a list.

    Attributes:
        container: public id of its container.
        title: of a group its own, of a direct conversation the two names.
        phone: of the contact of a direct one, masked.
        members: contacts in it now.
        messages: how many it has.
        cursor: give it as ``before`` for what follows this row.
    """

    id: uuid.UUID
    kind: str
    container: uuid.UUID
    title: str
    persona: str | None
    user_id: uuid.UUID | None
    phone: str | None
    members: int
    messages: int
    last_at: dt.datetime | None
    created_at: dt.datetime
    cursor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A contact in a group, now or once.

    Attributes:
        phone: masked.
    """

    user_id: uuid.UUID
    name: str
    phone: str | None
    role: str
    joined_at: dt.datetime
    left_at: dt.datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message.

    Attributes:
        sender: name of the contact or of the persona.
        phone: of the contact as it was then, masked; None for a persona.
        direction: ``in`` from a contact, ``out`` from a persona.
        reply_to_photo: the photo it speaks of.
    """

    id: uuid.UUID
    sender: str
    phone: str | None
    user_id: uuid.UUID | None
    direction: str
    text: str
    at: dt.datetime
    reply_to_photo: uuid.UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagePage:
    """Messages of one conversation, oldest first; ``before`` asks for the ones before them, None when there are none."""

    rows: tuple[Message, ...]
    before: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminder:
    """Something to be said in a conversation at a time.

    Attributes:
        rule: None, ``daily``, ``weekly`` or ``monthly``.
    """

    id: uuid.UUID
    text: str
    due_at: dt.datetime
    rule: str | None
    sent_at: dt.datetime | None
    cancelled_at: dt.datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingMessage:
    """A message as it arrives from outside.

    Attributes:
        text: what was written.
        sender: telephone number of the contact who wrote it, however written, or ``persona:`` and an id; ``user`` when left out.
        user: the contact's side of a direct conversation, by id or telephone number; the sender when left out.
        persona: who answers; of a group, needed only when the group is new.
        chat_guid: name of the chat where it comes from. Needed for a group; a direct one may have one too.
        is_group: whether it belongs to the group ``chat_guid``.
        at: when it was written; now when left out.
        external_id: its own name where it comes from; the same one is taken in once per conversation.
        reply_to_photo: the photo it speaks of.
        attachment_guid: of a photo that came with it.
    """

    text: str
    sender: str | None = None
    user: uuid.UUID | str | None = None
    persona: str | None = None
    chat_guid: str | None = None
    is_group: bool = False
    at: dt.datetime | None = None
    external_id: str | None = None
    reply_to_photo: uuid.UUID | None = None
    attachment_guid: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """A stored message, as those who remember and forget are told of it, inside the transaction that stored it.

    Attributes:
        scope: of the one container the message belongs to.
        speaker: name of who wrote it.
        from_persona: a persona wrote it.
    """

    scope: Scope
    message_id: uuid.UUID
    conversation_id: uuid.UUID
    speaker: str
    user_id: uuid.UUID | None
    from_persona: bool
    text: str
    at: dt.datetime


class Screened(Protocol):
    """What moderation says about a text."""

    @property
    def action(self) -> str:
        """Return ``allowed``, ``blocked``, ``crisis`` or ``unchecked``."""
        ...


class Screen(Protocol):
    """Asks moderation; called before any transaction, for it may ask another computer."""

    def __call__(self, text: str, /, *, direction: str) -> Screened:
        """Return the verdict on ``text``, which goes ``input`` or ``output``."""
        ...


class NoteScreened(Protocol):
    """Keeps a verdict beside the message it is about."""

    def __call__(self, arrived: Arrived, verdict: Any, /, *, direction: str) -> None:
        """Write it in the transaction of ``arrived.scope``."""
        ...


class ObeyCommand(Protocol):
    """Acts on "forget that" and its like."""

    def __call__(self, arrived: Arrived, /) -> object | None:
        """Return what was done in ``arrived.scope``; None when the text is no such command."""
        ...


class Remember(Protocol):
    """Remembers what was said."""

    def __call__(self, arrived: Arrived, /) -> tuple[uuid.UUID, ...]:
        """Return the ids of what is now remembered in ``arrived.scope``."""
        ...


class FollowPhoto(Protocol):
    """Ties a message to the photo it came with or speaks of."""

    def __call__(self, arrived: Arrived, /, *, attachment_guid: str | None, reply_to_photo: uuid.UUID | None) -> uuid.UUID | None:
        """Return the photo the message speaks of, if there is one in ``arrived.scope``."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooks:
    """What others do when a message arrives; each may be left out."""

    screen: Screen | None = None
    note_screened: NoteScreened | None = None
    obey: ObeyCommand | None = None
    remember: Remember | None = None
    follow_photo: FollowPhoto | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """What became of a message.

    Attributes:
        memory_ids: what is now remembered from it.
        forget: what a command to forget did or asks; None when the message was none.
        safety: what moderation says; None when nobody was asked.
        relationship: after it; None in a group.
        again: the same message had been taken in before; nothing was done.
    """

    message_id: uuid.UUID
    conversation_id: uuid.UUID
    memory_ids: tuple[uuid.UUID, ...] = ()
    forget: object | None = None
    safety: object | None = None
    relationship: Relationship | None = None
    again: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A line of an imported file that was left out, and why; never its content."""

    line: int
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What an import brought.

    Attributes:
        again: messages that had been taken in before.
        refused: lines left out; ``problems`` tells the first of them.
    """

    lines: int
    contacts: int
    personas: int
    conversations: int
    messages: int
    again: int
    refused: int
    problems: tuple[Problem, ...] = field(default=())
