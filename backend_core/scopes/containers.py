"""The only place that turns the names of people, personas and chats into a container."""

from __future__ import annotations

import uuid
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, column, false, func, insert, select, table
from sqlalchemy.dialects.postgresql import insert as insert_or_skip

from backend_core.errors import InvalidInput, NotFound
from backend_core.scopes.records import Container, Direct, Group, Where, chat_guid, persona_slug, phone_number
from backend_core.scopes.tables import containers

# the tables of the layer above; a container is made together with its conversation
_CONTACTS: Final = table("contacts", column("id"), column("phone"), column("erased_at"), column("synthetic"))
_PERSONAS: Final = table("personas", column("id"))
_CONVERSATIONS: Final = table(
    "conversations", column("id"), column("kind"), column("user_id"), column("persona_id"), column("title"), column("synthetic")
)
_FACTS: Final = tuple(containers.c[name] for name in Container.__dataclass_fields__)


def find(conn: Connection, where: Where | Container | uuid.UUID) -> tuple[int, Container]:
    """Return a container and the number it has inside the database.

    Args:
        conn: any transaction.
        where: who and whom, a group, a container found before, or the id of a container or of its conversation.

    Raises:
        NotFound: there is none yet.
        InvalidInput: the name is none.
    """
    row = conn.execute(_query().where(_condition(conn, where))).one_or_none()
    if row is None:
        raise NotFound("There is no such conversation.")
    return _read(row)


def find_or_make(
    conn: Connection, where: Where, *, persona: str | None = None, title: str | None = None, synthetic: bool = False
) -> tuple[int, Container]:
    """Return a container, made together with its conversation where there is none.

    Args:
        conn: a transaction that may write.
        where: who and whom, or a group.
        persona: who answers in a group.
        title: of a group.
        synthetic: made up; kept out of every list.

    Raises:
        NotFound: no such contact or persona.
        InvalidInput: a name is none.
    """
    found = conn.execute(_query().where(_condition(conn, where))).one_or_none()
    if found is not None:
        return _read(found)
    facts: dict[str, Any] = {"synthetic": synthetic}
    if isinstance(where, Direct):
        facts |= {"kind": "direct", "user_id": _contact(conn, where.user), "persona_id": _persona(conn, where.persona)}
        talk = {**facts}
    else:
        facts |= {"kind": "group", "chat_guid": chat_guid(where.guid)}
        talk = {"kind": "group", "persona_id": persona and _persona(conn, persona), "title": title, "synthetic": synthetic}
    made = conn.execute(insert(_CONVERSATIONS).values(talk).returning(_CONVERSATIONS.c.id)).scalar_one()
    # another process may be making the same one: whoever is second waits here, and uses the first
    added = insert_or_skip(containers).values(facts | {"conversation_id": made, "tag": ""}).on_conflict_do_nothing()
    if conn.execute(added.returning(containers.c.id)).one_or_none() is None:
        conn.execute(_CONVERSATIONS.delete().where(_CONVERSATIONS.c.id == made))
    return find(conn, where)


def _query() -> Select[Any]:
    return select(containers.c.id, *_FACTS)


def _read(row: Row[Any]) -> tuple[int, Container]:
    return row[0], Container(**dict(zip(Container.__dataclass_fields__, row[1:], strict=True)))


def _condition(conn: Connection, where: Where | Container | uuid.UUID) -> ColumnElement[bool]:
    if isinstance(where, Container):
        return containers.c.public_id == where.public_id
    if isinstance(where, uuid.UUID):
        return (containers.c.public_id == where) | (containers.c.conversation_id == where)
    if isinstance(where, Group):
        return and_(containers.c.kind == "group", containers.c.chat_guid == chat_guid(where.guid))
    user = _contact(conn, where.user, required=False)
    if user is None:
        return false()
    return and_(containers.c.kind == "direct", containers.c.user_id == user, containers.c.persona_id == persona_slug(where.persona))


def _contact(conn: Connection, user: uuid.UUID | str, *, required: bool = True) -> uuid.UUID | None:
    known = _CONTACTS.c.id == user if isinstance(user, uuid.UUID) else _by_text(user)
    found: uuid.UUID | None = conn.execute(select(_CONTACTS.c.id).where(known, _CONTACTS.c.erased_at.is_(None))).scalar_one_or_none()
    if found is None and required:
        raise NotFound("There is no such contact.")
    return found


def _by_text(user: str) -> ColumnElement[bool]:
    try:
        return _CONTACTS.c.id == uuid.UUID(user)
    except ValueError:
        return _CONTACTS.c.phone == phone_number(user)


def _persona(conn: Connection, slug: str) -> str:
    found: str | None = conn.execute(select(_PERSONAS.c.id).where(_PERSONAS.c.id == persona_slug(slug))).scalar_one_or_none()
    if found is None:
        raise NotFound(f"There is no persona {slug}.")
    return found


def ensure_contact(conn: Connection, phone: str, *, name: str, synthetic: bool = False) -> uuid.UUID:
    """Return the contact with this phone, made where there is none.

    Raises:
        InvalidInput: not a phone number.
    """
    people = table("contacts", column("id"), column("phone"), column("display_name"), column("synthetic"))
    number = phone_number(phone)
    if not name.strip():
        raise InvalidInput("A contact has a name.")
    values = {"phone": number, "display_name": name.strip(), "synthetic": synthetic}
    conn.execute(insert_or_skip(people).values(values).on_conflict_do_nothing(index_elements=[people.c.phone]))
    found: uuid.UUID = conn.execute(select(people.c.id).where(people.c.phone == number)).scalar_one()
    return found


def count(conn: Connection) -> int:
    """Return how many containers there are, made-up ones left out."""
    return int(conn.execute(select(func.count()).select_from(containers).where(containers.c.synthetic.is_(False))).scalar_one())
