"""Conversations: list, begin, join and leave, read, and how well two know each other."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, func, select, update

from backend_core.conversations import listing, relationship
from backend_core.conversations.base import as_contact, contact_by, join, storable
from backend_core.conversations.importing import Importing
from backend_core.conversations.records import ConversationRow, Member, MessagePage
from backend_core.conversations.relationship import Relationship
from backend_core.conversations.reminders import Reminders, reasoned, target_of
from backend_core.conversations.tables import memberships
from backend_core.errors import Conflict, InvalidInput, NotFound
from backend_core.policy import Actor, authorize
from backend_core.scopes import containers as names
from backend_core.scopes.records import Direct, Group
from backend_core.scopes.tables import containers

LONGEST_TITLE: Final = 200


class Conversations(Importing, Reminders):
    """The conversations of one database."""

    def listing(
        self, *, actor: Actor, query: str = "", kind: str | None = None, limit: int = 100, before: str | None = None
    ) -> tuple[ConversationRow, ...]:
        """Return conversations, the one with the latest message first.

        Args:
            actor: who asks.
            query: words of titles and names, or a telephone number or mail address of the contact.
            kind: ``direct`` or ``group``; both when left out.
            limit: at most 500.
            before: ``cursor`` of the last row of the list before.

        Raises:
            InvalidInput: no such kind or place.
        """
        authorize(actor, "conversation.list", target_of(None))
        with self._scopes.directory("List conversations") as conn:
            return listing.listed(conn, query=query, kind=kind, limit=limit, before=before)

    def conversation(self, conversation_id: uuid.UUID, *, actor: Actor) -> ConversationRow:
        """Return one conversation as it stands in a list.

        Raises:
            NotFound: there is no such conversation.
        """
        authorize(actor, "conversation.list", target_of(conversation_id))
        return self._one(conversation_id)

    def members(self, conversation_id: uuid.UUID, *, actor: Actor) -> tuple[Member, ...]:
        """Return who is or was in a group, present members first."""
        authorize(actor, "conversation.list", target_of(conversation_id))
        with self._scopes.directory("List members") as conn:
            return listing.members(conn, conversation_id)

    def create_direct(self, user: uuid.UUID | str, persona: str, *, actor: Actor) -> ConversationRow:
        """Begin the conversation of a contact with a persona; the one they have when there is one.

        Args:
            user: id or telephone number of a contact.
            persona: id of a persona.
            actor: who begins it.

        Raises:
            NotFound: there is no such contact or persona.
            InvalidInput: no number, or the contact has none, which the label of a direct container needs.
        """
        authorize(actor, "conversation.add", target_of(None))
        with self._database.begin("Begin conversation") as conn:
            who = contact_by(conn, as_contact(user))
            if who is None or who.user_id is None:
                raise NotFound("There is no such contact.")
            if not who.sender.startswith("+"):
                raise InvalidInput("A contact needs a telephone number for a direct conversation.")
            made = names.find_or_make(conn, Direct(who.user_id, persona))[1]
            target = target_of(made.conversation_id)
            self._audit.record(conn, actor=actor, action="conversation.add", target=target, after={"kind": "direct"})
        return self._one(made.conversation_id)

    def create_group(
        self, guid: str, *, title: str, actor: Actor, persona: str | None = None, members: Sequence[uuid.UUID | str] = ()
    ) -> ConversationRow:
        """Begin a group conversation.

        Args:
            guid: the id its messenger gave it.
            title: shown in lists, up to 200 characters.
            actor: who begins it.
            persona: who answers in it.
            members: ids or telephone numbers of contacts.

        Raises:
            Conflict: there is a group with this id.
            NotFound: there is no such contact or persona.
            InvalidInput: an id or a title that cannot be used.
        """
        authorize(actor, "conversation.add", target_of(None))
        title = " ".join(storable(title, what="A title", longest=LONGEST_TITLE).split())
        with self._database.begin("Begin group") as conn:
            where = Group(guid)
            if conn.execute(select(func.count()).where(containers.c.chat_guid == guid)).scalar_one():
                raise Conflict("There is a group with this id already.")
            made = names.find_or_make(conn, where, persona=persona, title=title)[1]
            joined = [_joined(conn, made.conversation_id, member) for member in members]
            target = target_of(made.conversation_id)
            after = {"kind": "group", "members": sum(joined)}
            self._audit.record(conn, actor=actor, action="conversation.add", target=target, after=after)
        return self._one(made.conversation_id)

    def join(self, conversation_id: uuid.UUID, user: uuid.UUID | str, *, actor: Actor) -> tuple[Member, ...]:
        """Add a contact to a group; return its members.

        Raises:
            NotFound: there is no such group or contact.
        """
        target = target_of(conversation_id)
        authorize(actor, "conversation.members", target)
        with self._database.begin("Join group") as conn:
            _is_group(conn, conversation_id)
            if _joined(conn, conversation_id, user):
                self._audit.record(conn, actor=actor, action="conversation.members", target=target, after={"joined": 1})
        return self._members(conversation_id)

    def leave(self, conversation_id: uuid.UUID, user: uuid.UUID | str, *, actor: Actor) -> tuple[Member, ...]:
        """Note that a contact left a group; what was said stays with the group. Return its members.

        Raises:
            NotFound: there is no such group, or the contact is not in it.
        """
        target = target_of(conversation_id)
        authorize(actor, "conversation.members", target)
        with self._database.begin("Leave group") as conn:
            _is_group(conn, conversation_id)
            who = contact_by(conn, as_contact(user))
            here = (memberships.c.conversation_id == conversation_id, memberships.c.left_at.is_(None))
            mine = (*here, memberships.c.user_id == (None if who is None else who.user_id))
            change = update(memberships).where(*mine).values(left_at=func.now())
            if conn.execute(change.returning(memberships.c.id)).first() is None:
                raise NotFound("That contact is not in this group.")
            self._audit.record(conn, actor=actor, action="conversation.members", target=target, after={"left": 1})
        return self._members(conversation_id)

    def messages(
        self, conversation_id: uuid.UUID, *, actor: Actor, reason: str | None = None, before: str | None = None, limit: int = 50
    ) -> MessagePage:
        """Open a conversation and return its latest messages, or those before a place, oldest first; the audit log keeps why.

        Args:
            conversation_id: which.
            actor: who reads.
            reason: why; the actor's own when left out.
            before: of the page before.
            limit: at most 500; messages of one moment come together, so a page may hold some more.

        Raises:
            ReasonNeeded: neither ``reason`` nor the actor gives one.
            NotFound: there is no such conversation.
        """
        actor = reasoned(actor, reason)
        authorize(actor, "conversation.read", target_of(conversation_id))
        with self._scopes.open(conversation_id, actor=actor, action="conversation.read") as scope:
            return listing.page(scope, before=before, limit=limit)

    def relationship(self, user: uuid.UUID | str, persona: str, *, actor: Actor, reason: str | None = None) -> Relationship:
        """Return how well a contact and a persona know each other.

        Raises:
            ReasonNeeded: neither ``reason`` nor the actor gives one.
            NotFound: they have no conversation.
        """
        actor = reasoned(actor, reason)
        authorize(actor, "conversation.read", target_of(None))
        with self._scopes.open(Direct(user, persona), actor=actor, action="conversation.read") as scope:
            return relationship.read(scope)

    def _one(self, conversation_id: uuid.UUID) -> ConversationRow:
        with self._scopes.directory("Read conversation") as conn:
            found = listing.listed(conn, query="", kind=None, limit=1, before=None, only=conversation_id)
        if not found:
            raise NotFound("There is no such conversation.")
        return found[0]

    def _members(self, conversation_id: uuid.UUID) -> tuple[Member, ...]:
        with self._scopes.directory("List members") as conn:
            return listing.members(conn, conversation_id)


def _is_group(conn: Connection, conversation_id: uuid.UUID) -> None:
    if names.find(conn, conversation_id)[1].kind != "group":
        raise InvalidInput("Only a group has members.")


def _joined(conn: Connection, conversation_id: uuid.UUID, user: uuid.UUID | str) -> bool:
    who = contact_by(conn, as_contact(user))
    if who is None or who.user_id is None:
        raise NotFound("There is no such contact.")
    return join(conn, conversation_id, who.user_id)
