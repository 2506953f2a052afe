"""Queries over all containers at once, as the directory: how many and when, never what was said."""

from __future__ import annotations

import re
import uuid
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, Select, case, column, func, or_, select, table, true

from backend_core.conversations.records import ContactRow, PersonContainer, PersonFailure
from backend_core.conversations.tables import contacts, conversations, memberships, messages, personas, photos
from backend_core.errors import InvalidInput
from backend_core.scopes.records import masked, phone_number
from backend_core.scopes.tables import containers

MOST_ROWS: Final = 500
FEWEST_DIGITS: Final = 4
_DOTS: Final = "•••••"
_PHONE: Final = re.compile(r"\+[1-9]\d{6,14}")
_NUMBER: Final = re.compile(r"\+?[\d\s()./-]+")
# of the layer above; of it only what the directory may count
_MEMORIES: Final = table("memories", column("container_id"), column("forgotten_at"))


def masked_email(email: str) -> str:
    """Return as much of a mail address as tells two people apart.

    >>> masked_email("ana.silva@example.org")
    'a•••••@example.org'
    """
    name, _, domain = email.rpartition("@")
    return f"{name[:1]}{_DOTS}@{domain}"


def masked_tag(tag: str) -> str:
    """Return the tag of a container with every telephone number in it masked; a group may be named after one.

    >>> masked_tag("user_+4915123456789_persona_sage"), masked_tag("group_chat-7")
    ('user_+49•••••6789_persona_sage', 'group_chat-7')
    """
    return _PHONE.sub(lambda found: masked(found[0]), tag)


def contact_rows() -> Select[Any]:
    """Return the query for contacts in a list."""
    wrote = (
        select(func.count().label("messages"), func.max(messages.c.timestamp).label("last_at"))
        .where(messages.c.user_id == contacts.c.id, messages.c.direction == "in")
        .lateral("wrote")
    )
    direct = select(func.count()).where(conversations.c.user_id == contacts.c.id).scalar_subquery()
    group = select(func.count()).where(memberships.c.user_id == contacts.c.id, memberships.c.left_at.is_(None)).scalar_subquery()
    taken = (direct + group).label("conversations")
    return select(contacts, taken, wrote.c.messages, wrote.c.last_at).select_from(contacts).join(wrote, true())


def contact_row(row: Row[Any]) -> ContactRow:
    """Build a record from a row of ``contact_rows``."""
    return ContactRow(
        id=row.id,
        name=row.display_name,
        phone=None if row.phone is None else masked(row.phone),
        email=None if row.email is None else masked_email(row.email),
        language=row.language,
        conversations=row.conversations,
        messages=row.messages,
        last_at=row.last_at,
        disabled=row.disabled_at is not None,
        deletion_requested_at=row.deletion_requested_at,
        created_at=row.created_at,
        version=row.version,
    )


def exact(query: str) -> bool:
    """Tell whether words of a search are a telephone number or a mail address, rather than names."""
    return "@" in query or _NUMBER.fullmatch(query.strip()) is not None


def matching(query: str) -> list[ColumnElement[bool]]:
    """Return the conditions for contacts who are meant by a name, a telephone number, its last digits, or a mail address."""
    text = query.strip()
    if _NUMBER.fullmatch(text):
        return [_numbered(text)]
    if "@" in text:
        return [func.lower(contacts.c.email).startswith(text.lower(), autoescape=True)]
    return [contacts.c.display_name.icontains(word, autoescape=True) for word in text.split()]


def _numbered(text: str) -> ColumnElement[bool]:
    try:
        return contacts.c.phone == phone_number(text)
    except InvalidInput:
        pass
    digits = "".join(re.findall(r"\d", text))
    # fewer would let anybody read numbers off the list, digit by digit
    return contacts.c.phone.endswith(digits.lstrip("0")) if len(digits) >= FEWEST_DIGITS else contacts.c.id.is_(None)


def containers_of(conn: Connection, user_id: uuid.UUID) -> tuple[PersonContainer, ...]:
    """Return every container a contact speaks or spoke in, the latest first."""
    wrote = (
        select(func.count().label("messages"), func.max(messages.c.timestamp).label("last_at"))
        .where(messages.c.container_id == containers.c.id, messages.c.user_id == user_id, messages.c.direction == "in")
        .lateral("wrote")
    )
    kept = (
        select(
            func.count().filter(_MEMORIES.c.forgotten_at.is_(None)).label("memories"),
            func.count().filter(_MEMORIES.c.forgotten_at.is_not(None)).label("forgotten"),
        )
        .where(_MEMORIES.c.container_id == containers.c.id)
        .lateral("kept")
    )
    gone = case((func.bool_or(memberships.c.left_at.is_(None)), None), else_=func.max(memberships.c.left_at)).label("left_at")
    belongs = select(memberships.c.conversation_id, gone).where(memberships.c.user_id == user_id)
    member = belongs.group_by(memberships.c.conversation_id).subquery("member")
    own = (containers.c.public_id, containers.c.conversation_id, containers.c.kind, containers.c.tag, conversations.c.title)
    query = (
        select(*own, personas.c.name.label("persona"), member.c.left_at, *wrote.c, *kept.c)
        .select_from(containers)
        .join(conversations, conversations.c.id == containers.c.conversation_id)
        .outerjoin(personas, personas.c.id == conversations.c.persona_id)
        .outerjoin(member, member.c.conversation_id == containers.c.conversation_id)
        .join(wrote, true())
        .join(kept, true())
        .where(or_(containers.c.user_id == user_id, member.c.conversation_id.is_not(None)))
        .order_by(wrote.c.last_at.desc().nulls_last(), containers.c.id)
        .limit(MOST_ROWS)
    )
    return tuple(_container(row) for row in conn.execute(query))


def _container(row: Row[Any]) -> PersonContainer:
    return PersonContainer(
        container=row.public_id,
        conversation=row.conversation_id,
        kind=row.kind,
        title=row.title or row.persona or "",
        tag=masked_tag(row.tag),
        persona=row.persona,
        memories=row.memories,
        forgotten=row.forgotten,
        messages=row.messages,
        last_at=row.last_at,
        left_at=row.left_at,
    )


def failed_photos(conn: Connection, user_id: uuid.UUID) -> list[PersonFailure]:
    """Return the photos of a contact that could not be looked at."""
    query = select(photos.c.received_at, photos.c.error_code).where(photos.c.user_id == user_id, photos.c.status == "failed")
    found = conn.execute(query.order_by(photos.c.received_at.desc()).limit(MOST_ROWS))
    return [
        PersonFailure(at=row.received_at, kind="photo", what="A photo could not be looked at.", error_code=row.error_code) for row in found
    ]
