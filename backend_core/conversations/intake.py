"""Take in messages: each into the one container it belongs to, in one transaction with everything that follows from it."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import Connection, exists, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from backend_core.conversations import relationship
from backend_core.conversations.base import LONGEST_ID, ConversationsBase, Speaker, as_contact, contact_by, join, persona_by, storable, utc
from backend_core.conversations.records import PERSONA, Arrived, IncomingMessage, Received, Screened
from backend_core.conversations.tables import messages
from backend_core.errors import InvalidInput, NotFound
from backend_core.logs import correlated, correlation_id
from backend_core.policy import Actor, Target, authorize
from backend_core.scopes import containers as names
from backend_core.scopes.records import Direct, Group, Where, chat_guid, phone_number
from backend_core.scopes.service import Scope
from backend_core.scopes.tables import containers

BLOCKED: Final = "blocked"
INPUT: Final = "input"
OUTPUT: Final = "output"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A message whose parts were looked up and found good, before its container is opened.

    Attributes:
        live: it arrives now, and may speak of a photo that came just before it.
    """

    where: Where
    speaker: Speaker
    text: str
    at: dt.datetime
    external_id: str | None
    reply_to_photo: uuid.UUID | None
    attachment_guid: str | None
    verdict: Screened | None = None
    live: bool = True


class Intake(ConversationsBase):
    """Where messages come in."""

    def receive(self, message: IncomingMessage, *, actor: Actor) -> Received:
        """Take in one message: store it, have it watched over, obeyed or remembered, and let it move the relationship.

        A message of a group touches the container of that group and nothing else; one that moderation blocks is kept for review and
        neither remembered nor obeyed. The same ``external_id`` is taken in once per conversation.

        Args:
            message: as it arrived; an unknown sender becomes a contact, an unknown group a conversation.
            actor: who brings it in.

        Raises:
            InvalidInput: something that cannot be used; the sentence says what.
            NotFound: there is no such contact or persona.
            TooLarge: the text is too long.
        """
        authorize(actor, "message.receive", Target(kind="conversation"))
        with correlated():
            with self._database.begin("Look up message") as conn:
                ready = self._ready(conn, message, actor=actor)
            ready = self._screened(ready)
            with self._scopes.open(ready.where, actor=actor, action="message.receive", create=True) as scope:
                received = self._take_in(scope, ready)
                known = None if scope.container.kind == "group" else relationship.read(scope)
        return replace(received, relationship=known)

    def _ready(self, conn: Connection, message: IncomingMessage, *, actor: Actor) -> Ready:
        text = storable(message.text, what="A message")
        for given in (message.external_id, message.attachment_guid):
            if given is not None:
                storable(given, what="The name of a message or attachment", longest=LONGEST_ID)
        speaker = self._speaker(conn, message, actor=actor)
        if speaker.disabled:
            raise InvalidInput("The contact is disabled; messages are not taken in.")
        where = self._group(conn, message) if message.is_group else self._direct(conn, message, speaker, actor=actor)
        return Ready(
            where=where,
            speaker=speaker,
            text=text,
            at=dt.datetime.now(dt.UTC) if message.at is None else utc(message.at),
            external_id=message.external_id,
            reply_to_photo=message.reply_to_photo,
            attachment_guid=message.attachment_guid,
        )

    def _speaker(self, conn: Connection, message: IncomingMessage, *, actor: Actor) -> Speaker:
        sender = message.user if message.sender is None else message.sender
        if sender is None:
            raise InvalidInput("A message has a sender.")
        if isinstance(sender, str) and sender.startswith(PERSONA):
            return persona_by(conn, sender.removeprefix(PERSONA))
        who = as_contact(sender)
        if isinstance(who, str):
            return self._known_contact(conn, who, actor=actor)
        found = contact_by(conn, who)
        if found is None:
            raise NotFound("There is no such contact.")
        return found

    def _group(self, conn: Connection, message: IncomingMessage) -> Group:
        if message.chat_guid is None:
            raise InvalidInput("A message of a group names its chat.")
        where = Group(chat_guid(message.chat_guid))
        names.find_or_make(conn, where, persona=message.persona)
        return where

    def _direct(self, conn: Connection, message: IncomingMessage, speaker: Speaker, *, actor: Actor) -> Direct:
        if message.persona is None:
            raise InvalidInput("A direct message names its persona.")
        # what was said in a group must not end up with one of its members because a field was left out
        if message.chat_guid is not None and conn.execute(select(exists().where(containers.c.chat_guid == message.chat_guid))).scalar_one():
            raise InvalidInput("That chat is a group; the message says it is not.")
        persona = persona_by(conn, message.persona)
        if speaker.persona not in {None, persona.persona}:
            raise InvalidInput("Another persona does not write in this conversation.")
        side = speaker if message.user is None else self._side(conn, message.user, actor=actor)
        if side.user_id is None:
            raise InvalidInput("A direct message of a persona names the contact.")
        if speaker.user_id not in {None, side.user_id}:
            raise InvalidInput("Another contact does not write in this conversation.")
        return Direct(side.user_id, message.persona)

    def _side(self, conn: Connection, user: uuid.UUID | str, *, actor: Actor) -> Speaker:
        who = as_contact(user)
        found = contact_by(conn, who) if isinstance(who, uuid.UUID) else self._known_contact(conn, phone_number(who), actor=actor)
        if found is None:
            raise NotFound("There is no such contact.")
        return found

    def _screened(self, ready: Ready) -> Ready:
        """Ask moderation, outside any transaction: it may be slow, or far away."""
        if self.hooks.screen is None:
            return ready
        verdict = self.hooks.screen(ready.text, direction=_direction(ready))
        return replace(ready, verdict=verdict)

    def _take_in(self, scope: Scope, ready: Ready) -> Received:
        """Store a message and do what follows from it, all in the transaction of the one scope that is open."""
        conversation = scope.container.conversation_id
        message_id = _stored(scope, ready)
        if message_id is None:
            return Received(message_id=_taken_before(scope, ready), conversation_id=conversation, again=True)
        if scope.container.kind == "group" and ready.speaker.user_id is not None:
            # whoever writes in a group is a member of it
            join(scope.conn, conversation, ready.speaker.user_id)
        arrived = Arrived(
            scope=scope,
            message_id=message_id,
            conversation_id=conversation,
            speaker=ready.speaker.name,
            user_id=ready.speaker.user_id,
            from_persona=ready.speaker.persona is not None,
            text=ready.text,
            at=ready.at,
        )
        facts: dict[str, Any] = {"message_id": message_id, "conversation_id": conversation, "safety": ready.verdict}
        if ready.verdict is not None and self.hooks.note_screened is not None:
            self.hooks.note_screened(arrived, ready.verdict, direction=_direction(ready))
        if ready.verdict is None or ready.verdict.action != BLOCKED:
            facts |= self._follow(arrived, ready)
        return Received(**facts)

    def _follow(self, arrived: Arrived, ready: Ready) -> dict[str, Any]:
        """Tie, obey or remember what arrived, and let it move the relationship."""
        hooks, scope = self.hooks, arrived.scope
        if hooks.follow_photo is not None and ready.live:
            photo = hooks.follow_photo(arrived, attachment_guid=ready.attachment_guid, reply_to_photo=ready.reply_to_photo)
            if photo not in {None, ready.reply_to_photo}:
                mine = (messages.c.container_id == scope.container_id, messages.c.id == arrived.message_id)
                scope.conn.execute(update(messages).where(*mine).values(reply_to_photo=photo))
        done = None if hooks.obey is None or arrived.from_persona else hooks.obey(arrived)
        kept: tuple[uuid.UUID, ...] = () if done is not None or hooks.remember is None else hooks.remember(arrived)
        if not arrived.from_persona:
            relationship.move(scope, arrived.text, arrived.at)
        return {"forget": done, "memory_ids": kept}


def _direction(ready: Ready) -> str:
    return INPUT if ready.speaker.persona is None else OUTPUT


def _stored(scope: Scope, ready: Ready) -> uuid.UUID | None:
    """Add the message; return nothing when it was taken in before."""
    values = {
        "container_id": scope.container_id,
        "conversation_id": scope.container.conversation_id,
        "sender": ready.speaker.sender,
        "user_id": ready.speaker.user_id,
        "direction": "in" if ready.speaker.persona is None else "out",
        "body": ready.text,
        "timestamp": ready.at,
        "external_id": ready.external_id,
        "reply_to_photo": ready.reply_to_photo,
        "correlation_id": correlation_id()[:40],
    }
    new = upsert(messages).values(values).on_conflict_do_nothing(index_elements=[messages.c.container_id, messages.c.external_id])
    made: uuid.UUID | None = scope.conn.execute(new.returning(messages.c.id)).scalar_one_or_none()
    return made


def _taken_before(scope: Scope, ready: Ready) -> uuid.UUID:
    mine = (messages.c.container_id == scope.container_id, messages.c.external_id == ready.external_id)
    found: uuid.UUID = scope.conn.execute(select(messages.c.id).where(*mine)).scalar_one()
    return found
