"""The made-up people of a run: who they are, what they say, and how every trace of them is removed again."""

from __future__ import annotations

import contextlib
import hashlib
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Table, delete, func, insert, select

from backend_core.conversations.tables import memberships, messages, personas, relationship_state, reminders
from backend_core.db.schema import metadata
from backend_core.memory.scoped import ScopedMemory
from backend_core.memory.tables import boundaries, memories, memory_vectors
from backend_core.policy import Actor
from backend_core.privacy import contexts
from backend_core.privacy.canaries import Sought, canary
from backend_core.scopes import containers
from backend_core.scopes.records import Container, Direct, Group, Where
from backend_core.scopes.service import Scope, Scopes
from backend_core.scopes.tables import containers as containers_table

SHARED: Final = "Everybody meets at noon under the big clock."
"""Said in every container in the same words, so that nothing may treat two of them as one."""

MODEL: Final = "made-up"
_COUNTRY: Final = "+99977"
"""A country code nobody has."""

_DIGITS: Final = 10**8
_LATER: Final = func.make_interval(1)
NAMES: Final = {"ana": "Ana Made-up", "ben": "Ben Made-up", "cleo": "Cleo Made-up", "dora": "Dora Made-up", "eli": "Eli Made-up"}
_DIRECT: Final = {
    contexts.D1: ("ana", "sage"), contexts.D2: ("ana", "milo"), contexts.D3: ("ben", "sage"), contexts.ADMIN: ("eli", "milo"),
}  # fmt: skip
MEMBERS: Final[Mapping[str, tuple[str, ...]]] = {
    contexts.GA: ("ana", "ben"), contexts.GB: ("ana", "cleo"), contexts.GC: ("dora", "eli"),
}  # fmt: skip
PLACES: Final = (*contexts.INSIDE, contexts.ADMIN)
"""Every context that has a container."""


@dataclass(frozen=True, slots=True)
class Place:
    """One made-up container.

    Attributes:
        code: of the context.
        where: what names it.
        container: what is known of it outside the database.
        number: what it is inside.
    """

    code: str
    where: Where
    container: Container
    number: int


@dataclass(frozen=True, slots=True)
class Population:
    """Everybody of one run.

    Attributes:
        token: tells this run's people from another's.
        users: id of each person by first name.
        personas: id of each persona by first name.
        places: every container by the code of its context.
    """

    token: str
    users: Mapping[str, uuid.UUID]
    personas: Mapping[str, str]
    places: Mapping[str, Place]

    @property
    def numbers(self) -> tuple[int, ...]:
        """Every made-up container inside the database."""
        return tuple(place.number for place in self.places.values())

    def words(self) -> dict[str, str]:
        """Return the word of each place, and the one that is kept nowhere."""
        return {code: canary(self.token, code) for code in (*PLACES, contexts.NONE)}

    def phone(self, name: str) -> str:
        """Return the phone of a person."""
        return phone(self.token, name)


def phone(token: str, name: str) -> str:
    """Return the phone of a made-up person."""
    digest = int.from_bytes(hashlib.sha256(f"{token}:{name}".encode()).digest()[:8], "big")
    return f"{_COUNTRY}{digest % _DIGITS:08d}"


def settle(conn: Connection, token: str) -> Population:
    """Make the people, personas, conversations and containers of a run; all marked as made up."""
    users = {name: containers.ensure_contact(conn, phone(token, name), name=title, synthetic=True) for name, title in NAMES.items()}
    slugs = {name: f"made-up-{token}-{name}" for name in ("sage", "milo")}
    for name, slug in slugs.items():
        conn.execute(insert(personas).values(id=slug, name=f"{name.title()} Made-up", synthetic=True))
    places: dict[str, Place] = {}
    for code in PLACES:
        if code in _DIRECT:
            user, persona = _DIRECT[code]
            where: Where = Direct(users[user], slugs[persona])
        else:
            where = Group(f"made-up-{token}-{code}")
        number, container = containers.find_or_make(conn, where, persona=slugs["sage"], title=contexts.TITLES[code], synthetic=True)
        places[code] = Place(code, where, container, number)
        for user in MEMBERS.get(code, ()):
            conn.execute(insert(memberships).values(conversation_id=container.conversation_id, user_id=users[user]))
    return Population(token, users, slugs, places)


def closed_tables() -> tuple[Table, ...]:
    """Return every table that holds a container's rows, those that others refer to first."""
    return tuple(one for one in metadata.sorted_tables if "container_id" in one.columns)


def sayings(place: Place, token: str) -> tuple[str, ...]:
    """Return what is remembered in a place: some words that every place knows, and one that only this place does."""
    word = canary(token, place.code)
    return (
        f"The key to {word} lies under the blue stone in the garden.",
        f"The party on the rooftop is on Saturday, and {word} must not hear of it.",
        SHARED,
        "The train leaves from the other platform on Sundays.",
    )


def talk(opened: Callable[[str], AbstractContextManager[ScopedMemory]], people: Population) -> None:
    """Let everybody say what they have to say; what was changed keeps its history."""
    for code, place in people.places.items():
        with opened(code) as memory:
            for text in sayings(place, people.token):
                made = memory.add(text)
            memory.update(made.id, text=f"The train of {canary(people.token, code)} leaves from the old platform.", version=made.version)
            _add_rows(memory.scope, place, people)


def _add_rows(scope: Scope, place: Place, people: Population) -> None:
    """Put a row of this place into the tables beside memory."""
    conn, word = scope.conn, canary(people.token, place.code)
    base = {"container_id": scope.container_id}
    talk = base | {"conversation_id": place.container.conversation_id}
    sender = people.phone("ana")
    said = {"sender": sender, "direction": "in", "body": f"Nobody but us knows of {word}.", "correlation_id": "made-up"}
    conn.execute(insert(messages).values(talk | said).inline())
    conn.execute(insert(reminders).values(**talk, text=f"Ask about {word}.", due_at=func.now() + _LATER).inline())
    conn.execute(insert(boundaries).values(**base, kind="hide", topic=word, topic_key=word, set_by="made-up").inline())
    if place.container.user_id is not None:
        pair = {"user_id": place.container.user_id, "persona_id": place.container.persona_id}
        conn.execute(insert(relationship_state).values(base | pair).inline())
    first = select(memories.c.id, memories.c.turn).where(memories.c.container_id == scope.container_id).order_by(memories.c.turn).limit(1)
    vector = {"model": MODEL, "scale": 1.0, "embedding": word.encode()}
    for row in conn.execute(first):
        conn.execute(insert(memory_vectors).values(**base, memory_id=row.id, turn=row.turn, **vector).inline())


def sought(scope: Scope, place: Place, token: str) -> Sought:
    """Return what others will ask of this place, read by itself."""
    word = canary(token, place.code)
    known = select(memories.c.id, memories.c.content_hash).where(memories.c.container_id == scope.container_id).order_by(memories.c.turn)
    rows = scope.conn.execute(known).all()
    told = scope.conn.execute(select(messages.c.id).where(messages.c.container_id == scope.container_id)).scalars()
    return Sought(
        owner=place.code,
        word=word,
        number=place.number,
        memories=tuple(str(row.id) for row in rows),
        messages=tuple(str(one) for one in told),
        hashes=tuple(bytes(row.content_hash) for row in rows),
        text=sayings(place, token)[0],
        target=f"container:{place.container.public_id}",
    )


def nowhere(token: str) -> Sought:
    """Return what is asked of words that somebody tried to keep without a scope."""
    ids = (str(uuid.uuid4()),)
    return Sought(
        owner=contexts.NONE, word=canary(token, contexts.NONE), number=0, memories=ids, messages=ids, hashes=(), text=SHARED, target="-"
    )


@contextlib.contextmanager
def emptied(scopes: Scopes, place: Place, actor: Actor) -> Iterator[None]:
    """Run the body in a world where this container holds nothing; afterwards it is exactly as it was."""
    with scopes.open(place.container, actor=actor, action="memory.forget") as scope:
        kept = [(one, _rows(scope, one)) for one in closed_tables()]
        for one, _ in reversed(kept):
            scope.conn.execute(delete(one).where(one.c.container_id == scope.container_id))
    try:
        yield
    finally:
        with scopes.open(place.container, actor=actor, action="memory.add") as scope:
            for one, rows in kept:
                if rows:
                    scope.conn.execute(insert(one).inline(), rows)


def _rows(scope: Scope, one: Table) -> list[dict[str, Any]]:
    found = scope.conn.execute(select(one).where(one.c.container_id == scope.container_id))
    return [dict(row) for row in found.mappings()]


def remove(conn: Connection) -> int:
    """Remove every made-up person with everything they said; return how many containers that were."""
    made_up = conn.execute(select(func.count()).select_from(containers_table).where(containers_table.c.synthetic)).scalar_one()
    conn.execute(select(func.remove_made_up()))
    return int(made_up)
