"""What every part of the conversations service uses: the database, scopes, what others do when a message arrives."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert as upsert

from backend_core.access.base import clean_email, clean_name
from backend_core.audit.service import Audit
from backend_core.conversations.records import MOST_CHARACTERS, PERSONA, Hooks
from backend_core.conversations.tables import contacts, memberships, personas
from backend_core.db.database import Database
from backend_core.errors import InvalidInput, NotFound, TooLarge
from backend_core.policy import Actor, Target
from backend_core.scopes import containers as names
from backend_core.scopes.records import masked, persona_slug, phone_number
from backend_core.scopes.service import Scopes

LONGEST_ID: Final = 200
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})?")


class ConversationsBase:
    """Foundations of the conversations of one database.

    Attributes:
        hooks: what others do when a message arrives; set once, when the backend is put together.
    """

    def __init__(self, database: Database, audit: Audit, *, scopes: Scopes) -> None:
        self._database = database
        self._audit = audit
        self._scopes = scopes
        self.hooks = Hooks()

    def _known_contact(self, conn: Connection, phone: str, *, actor: Actor, name: str | None = None) -> Speaker:
        """Return who has this number, added where nobody has."""
        found = contact_by(conn, phone)
        if found is not None:
            return found
        made = names.ensure_contact(conn, phone, name=name or masked(phone))
        target = Target(kind="contact", id=str(made))
        self._audit.record(conn, actor=actor, action="contact.add", target=target, after={"fields": ["phone"]})
        return contact_by(conn, made) or Speaker(name=name or masked(phone), sender=phone, user_id=made)


@dataclass(frozen=True, slots=True, kw_only=True)
class Speaker:
    """Who writes a message.

    Attributes:
        sender: as the column of messages has it.
        user_id: of a contact.
        persona: of a persona.
    """

    name: str
    sender: str
    user_id: uuid.UUID | None = None
    persona: str | None = None
    disabled: bool = False


def contact_by(conn: Connection, who: uuid.UUID | str) -> Speaker | None:
    """Return a contact by id or by number in E.164, erased ones left out."""
    known = contacts.c.id == who if isinstance(who, uuid.UUID) else contacts.c.phone == who
    columns = (contacts.c.id, contacts.c.display_name, contacts.c.phone, contacts.c.disabled_at)
    row = conn.execute(select(*columns).where(known, contacts.c.erased_at.is_(None))).one_or_none()
    if row is None:
        return None
    return Speaker(name=row.display_name, sender=row.phone or str(row.id), user_id=row.id, disabled=row.disabled_at is not None)


def persona_by(conn: Connection, persona_id: str) -> Speaker:
    """Return a persona as one who writes.

    Raises:
        NotFound: there is none.
    """
    row = conn.execute(select(personas.c.id, personas.c.name).where(personas.c.id == persona_slug(persona_id))).one_or_none()
    if row is None:
        raise NotFound("There is no such persona.")
    return Speaker(name=row.name, sender=f"{PERSONA}{row.id}", persona=row.id)


def contact_value(key: str, value: str | None) -> str | None:
    """Return ``name``, ``phone``, ``email`` or ``language`` of a contact as it is kept; None for nothing.

    Raises:
        InvalidInput: it cannot be used; the sentence says why.
    """
    if key == "name":
        return clean_name(value or "")
    if key == "email":
        return clean_email(value)
    if value is None or not value.strip():
        return None
    if key == "phone":
        return phone_number(value)
    if not _LANGUAGE.fullmatch(value.strip()):
        raise InvalidInput("A language is written as a tag such as de or pt-BR.")
    return value.strip()


def as_contact(who: uuid.UUID | str) -> uuid.UUID | str:
    """Return the id, or the number in E.164, that stands for a contact.

    Raises:
        InvalidInput: neither.
    """
    if isinstance(who, uuid.UUID):
        return who
    try:
        return uuid.UUID(who)
    except ValueError:
        return phone_number(who)


def join(conn: Connection, conversation_id: uuid.UUID, user_id: uuid.UUID) -> bool:
    """Make a contact a member of a group; return whether that is new."""
    columns = [memberships.c.conversation_id, memberships.c.user_id]
    new = upsert(memberships).values(conversation_id=conversation_id, user_id=user_id)
    new = new.on_conflict_do_nothing(index_elements=columns, index_where=memberships.c.left_at.is_(None))
    return conn.execute(new.returning(memberships.c.id)).first() is not None


def storable(text: str, *, what: str, longest: int = MOST_CHARACTERS) -> str:
    """Return text that the database can hold.

    Raises:
        InvalidInput: it is empty, or holds characters that are none.
        TooLarge: it is too long.
    """
    if len(text) > longest:
        raise TooLarge(f"{what} has at most {longest:,} characters.")
    if not text.strip() or "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise InvalidInput(f"{what} is empty, or holds characters that cannot be stored.")
    return text


def utc(at: dt.datetime) -> dt.datetime:
    """Return a time in UTC.

    Raises:
        InvalidInput: its zone is not known.
    """
    if at.tzinfo is None:
        raise InvalidInput("A time needs its zone, such as 2026-11-21T10:00:00Z.")
    return at.astimezone(dt.UTC)
