"""Conversations in a list, and the messages of one a page at a time."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, Select, func, or_, select, true, tuple_
from sqlalchemy.dialects.postgresql import distinct_on

from backend_core.conversations import overview
from backend_core.conversations.records import PERSONA, ConversationRow, Member, Message, MessagePage
from backend_core.conversations.tables import contacts, conversations, memberships, messages, personas
from backend_core.errors import InvalidInput
from backend_core.scopes.records import masked
from backend_core.scopes.service import Scope
from backend_core.scopes.tables import containers

KINDS: Final = ("direct", "group")
MOST_ROWS: Final = 500
MOST_MESSAGES: Final = 500
_CURSOR: Final = re.compile(r"([0-9T:.+-]+)~([0-9a-f-]{36})")


def listed(
    conn: Connection, *, query: str, kind: str | None, limit: int, before: str | None, only: uuid.UUID | None = None
) -> tuple[ConversationRow, ...]:
    """Return conversations, the one with the latest message first; ``conn`` is the directory's.

    Raises:
        InvalidInput: no such kind, or ``before`` did not come from an earlier list.
    """
    if kind is not None and kind not in KINDS:
        raise InvalidInput(f"A conversation is {' or '.join(KINDS)}.")
    shown = _shown(query, kind, before, only).limit(max(1, min(limit, MOST_ROWS))).subquery("shown")
    counted = select(func.count().label("messages")).where(messages.c.conversation_id == shown.c.id).lateral("counted")
    belongs = (memberships.c.conversation_id == shown.c.id, memberships.c.left_at.is_(None))
    inside = select(func.count().label("members")).where(*belongs).lateral("inside")
    full = select(shown, counted.c.messages, inside.c.members).select_from(shown).join(counted, true()).join(inside, true())
    return tuple(_row(row) for row in conn.execute(full.order_by(shown.c.latest.desc(), shown.c.id.desc())))


def _shown(query: str, kind: str | None, before: str | None, only: uuid.UUID | None) -> Select[Any]:
    talk = conversations.c
    written = select(messages.c.timestamp).where(messages.c.conversation_id == talk.id).order_by(messages.c.timestamp.desc()).limit(1)
    last = written.lateral("last")
    latest = func.coalesce(last.c.timestamp, talk.created_at).label("latest")
    columns = (talk.id, talk.kind, talk.title, talk.user_id, talk.created_at, containers.c.public_id, last.c.timestamp.label("last_at"))
    names = (personas.c.name.label("persona"), contacts.c.display_name, contacts.c.phone)
    found = (
        select(*columns, *names, latest)
        .select_from(conversations)
        .join(containers, containers.c.conversation_id == talk.id)
        .outerjoin(personas, personas.c.id == talk.persona_id)
        .outerjoin(contacts, contacts.c.id == talk.user_id)
        .outerjoin(last, true())
        .order_by(latest.desc(), talk.id.desc())
    )
    where = [talk.id == only] if only is not None else [talk.synthetic.is_(False), *_matching(query)]
    where += [] if kind is None else [talk.kind == kind]
    where += [] if before is None else [tuple_(latest, talk.id) < tuple_(*_place(before))]
    return found.where(*where)


def _matching(query: str) -> list[ColumnElement[bool]]:
    """Return the conditions for the conversations that are meant: by titles and names, or by the contact's number or address."""
    text = query.strip()
    if not text:
        return []
    if overview.exact(text):
        return overview.matching(text)
    names = (conversations.c.title, personas.c.name, contacts.c.display_name)
    return [or_(*(name.icontains(word, autoescape=True) for name in names)) for word in text.split()]


def _place(before: str) -> tuple[dt.datetime, uuid.UUID]:
    found = _CURSOR.fullmatch(before)
    try:
        if found is not None:
            return dt.datetime.fromisoformat(found[1]), uuid.UUID(found[2])
    except ValueError:
        pass
    raise InvalidInput("That place in the list does not exist.")


def _row(row: Row[Any]) -> ConversationRow:
    title = row.title if row.kind == "group" else f"{row.display_name} · {row.persona}"
    return ConversationRow(
        id=row.id,
        kind=row.kind,
        container=row.public_id,
        title=title or "",
        persona=row.persona,
        user_id=row.user_id,
        phone=None if row.phone is None else masked(row.phone),
        members=row.members if row.kind == "group" else 1,
        messages=row.messages,
        last_at=row.last_at,
        created_at=row.created_at,
        cursor=f"{row.latest.isoformat()}~{row.id}",
    )


def members(conn: Connection, conversation_id: uuid.UUID) -> tuple[Member, ...]:
    """Return who is or was in a group, present members first, each once; ``conn`` is the directory's."""
    who, belongs = contacts.c, memberships.c
    columns = (belongs.user_id, who.display_name.label("name"), who.phone, belongs.role, belongs.joined_at, belongs.left_at)
    latest = select(*columns).join(contacts, who.id == belongs.user_id).where(belongs.conversation_id == conversation_id)
    once = latest.ext(distinct_on(belongs.user_id)).order_by(belongs.user_id, belongs.left_at.desc().nulls_first()).subquery("once")
    found = conn.execute(select(once).order_by(once.c.left_at.is_not(None), func.lower(once.c.name)))
    return tuple(Member(**{**row._mapping, "phone": None if row.phone is None else masked(row.phone)}) for row in found)


def page(scope: Scope, *, before: str | None, limit: int) -> MessagePage:
    """Return the latest messages of a scope, or those before a place, oldest first.

    All messages of one moment come together, so that the moment alone says where the next page begins.

    Raises:
        InvalidInput: ``before`` did not come from an earlier page.
    """
    limit = max(1, min(limit, MOST_MESSAGES))
    here = _messages(scope)
    query = here if before is None else here.where(messages.c.timestamp < _moment(before))
    found = scope.conn.execute(query.order_by(messages.c.timestamp.desc()).limit(limit + 1)).all()
    if len(found) <= limit:
        return MessagePage(rows=tuple(_message(row) for row in _in_order(found)), before=None)
    edge = found[limit - 1].timestamp
    rows = [row for row in found if row.timestamp > edge]
    rows += scope.conn.execute(here.where(messages.c.timestamp == edge)).all()
    return MessagePage(rows=tuple(_message(row) for row in _in_order(rows)), before=edge.isoformat())


def _messages(scope: Scope) -> Select[Any]:
    said = messages.c
    columns = (said.id, said.sender, said.user_id, said.direction, said.body, said.timestamp, said.reply_to_photo)
    persona = func.concat(PERSONA, personas.c.id) == said.sender
    query = select(*columns, func.coalesce(contacts.c.display_name, personas.c.name).label("name"))
    query = query.select_from(messages).outerjoin(contacts, contacts.c.id == said.user_id).outerjoin(personas, persona)
    here = (said.container_id == scope.container_id, said.conversation_id == scope.container.conversation_id)
    return query.where(*here, said.forgotten_at.is_(None))


def _in_order(rows: list[Row[Any]] | Any) -> list[Row[Any]]:
    return sorted(rows, key=lambda row: (row.timestamp, row.direction, row.id))


def _message(row: Row[Any]) -> Message:
    return Message(
        id=row.id,
        sender=row.name or row.sender.removeprefix(PERSONA),
        phone=masked(row.sender) if row.sender.startswith("+") else None,
        user_id=row.user_id,
        direction=row.direction,
        text=row.body,
        at=row.timestamp,
        reply_to_photo=row.reply_to_photo,
    )


def _moment(before: str) -> dt.datetime:
    try:
        found = dt.datetime.fromisoformat(before)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise InvalidInput("That place in the conversation does not exist.")
    return found
