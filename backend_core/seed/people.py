"""Fill a database with contacts, personas and conversations in ten languages, each written inside the scope of its own container."""

from __future__ import annotations

import datetime as dt
import random
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from sqlalchemy import Connection, insert, select, text
from sqlalchemy.dialects.postgresql import insert as upsert

from backend_core.backend import Backend
from backend_core.conversations import relationship
from backend_core.conversations.personas import add_missing
from backend_core.conversations.records import PERSONA
from backend_core.conversations.relationship import STRANGERS, moved, signals
from backend_core.conversations.tables import contacts, memberships, relationship_state, reminders
from backend_core.db.changes import touch
from backend_core.logs import correlation_id
from backend_core.memory.records import NewMemory
from backend_core.memory.writing import keep
from backend_core.policy import Actor, Target
from backend_core.scopes import containers as names
from backend_core.scopes.records import Direct, Group, Where
from backend_core.scopes.service import Scope
from backend_core.seed.chatter import SampleMessage, SamplePerson, SampleTalk, messages, people, talks
from backend_core.seed.stories import PERSONAS

SIZES: Final = {"small": 2_000, "medium": 100_000, "large": 1_000_000}
CONTACTS: Final = {"small": 24, "medium": 300, "large": 3_000}
TALKS: Final = {"small": 40, "medium": 500, "large": 4_000}
REMEMBERED: Final = {"small": 1_000, "medium": 200, "large": 50}
"""How many of the latest turns of its contacts are remembered of each conversation."""

SEED: Final = 20_261_123
CHUNK: Final = 5_000
TOGETHER: Final = 500
WHY: Final = "Sample data"

Progress = Callable[..., None]

# a role that policies hold for may not COPY; one statement for thousands of rows is as quick, and stays inside the scope
_ADD: Final = text(
    """
    INSERT INTO messages (container_id, id, conversation_id, sender, user_id, direction, body, timestamp, correlation_id)
    SELECT :container, m.id, :conversation, m.sender, m.user_id, m.direction, m.body, m.at, :correlation
      FROM unnest(CAST(:ids AS uuid[]), CAST(:senders AS text[]), CAST(:users AS uuid[]), CAST(:directions AS text[]),
                  CAST(:bodies AS text[]), CAST(:times AS timestamptz[])) AS m (id, sender, user_id, direction, body, at)
    """
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeededPeople:
    """What was added."""

    contacts: int
    conversations: int
    messages: int
    memories: int


@dataclass(frozen=True, slots=True)
class _Known:
    """A sample person as a contact."""

    person: SamplePerson
    id: uuid.UUID


def seed_people(backend: Backend, *, size: str, actor: Actor, until: dt.datetime, progress: Progress) -> SeededPeople:
    """Add sample people and what they said before ``until``.

    Args:
        backend: where.
        size: ``small`` (2,000 messages), ``medium`` (100,000) or ``large`` (1,000,000).
        actor: on whose behalf.
        until: the latest time of a message, in UTC.
        progress: called with messages done and messages in all.
    """
    rng = random.Random(SEED)  # noqa: S311  # the same sample data every time, no secret depends on it
    crowd = people(CONTACTS[size], rng)
    planned = talks(crowd, count=TALKS[size], messages=SIZES[size], rng=rng)
    known = _add_people(backend, crowd, planned, actor=actor)
    total = sum(one.wanted for one in planned)
    done = memories = 0
    for one in planned:
        said = messages(one, until=until, rng=rng)
        added, kept = _converse(backend, one, known, said, actor=actor, remembered=REMEMBERED[size])
        done, memories = done + added, memories + kept
        progress(min(done, total - 1), total, what="Adding messages")
    progress(total, total, what="Adding messages")
    return SeededPeople(contacts=len(known), conversations=len(planned), messages=done, memories=memories)


def _add_people(backend: Backend, crowd: Sequence[SamplePerson], planned: Sequence[SampleTalk], *, actor: Actor) -> list[_Known]:
    with backend.database.begin("Add sample people") as conn:
        for persona, (name, passport) in PERSONAS.items():
            add_missing(conn, persona, name, passport, by=actor.name)
        known = _contacts(conn, crowd)
        for one in planned:
            if one.guid is not None:
                _group(conn, one, [known[place].id for place in one.people])
        after = {"sample": True, "count": len(known)}
        backend.audit.record(conn, actor=actor, action="contact.add", target=Target(kind="contact"), after=after)
    return known


def _contacts(conn: Connection, crowd: Sequence[SamplePerson]) -> list[_Known]:
    rest = iter(crowd)
    while batch := list(islice(rest, TOGETHER)):
        rows = [{"display_name": one.name, "phone": one.phone, "email": one.email, "language": one.language} for one in batch]
        conn.execute(upsert(contacts).values(rows).on_conflict_do_nothing(index_elements=[contacts.c.phone]))
    ids: dict[str, uuid.UUID] = {row.phone: row.id for row in conn.execute(select(contacts.c.phone, contacts.c.id))}
    return [_Known(one, ids[one.phone]) for one in crowd]


def _group(conn: Connection, one: SampleTalk, members: Iterable[uuid.UUID]) -> None:
    made = names.find_or_make(conn, Group(one.guid or ""), persona=one.persona, title=one.title)[1]
    rows = [{"conversation_id": made.conversation_id, "user_id": member} for member in dict.fromkeys(members)]
    columns = [memberships.c.conversation_id, memberships.c.user_id]
    conn.execute(
        upsert(memberships).values(rows).on_conflict_do_nothing(index_elements=columns, index_where=memberships.c.left_at.is_(None))
    )


def _converse(
    backend: Backend, one: SampleTalk, known: Sequence[_Known], said: Iterable[SampleMessage], *, actor: Actor, remembered: int
) -> tuple[int, int]:
    """Write one conversation in its scope; return how many messages and memories it has."""
    members = [known[place] for place in one.people]
    where: Where = Direct(members[0].id, one.persona) if one.guid is None else Group(one.guid)
    latest: deque[NewMemory] = deque(maxlen=remembered)
    added = 0
    with backend.scopes.open(where, actor=actor, action="message.import", reason=WHY, create=True) as scope:
        rest = iter(said)
        state = relationship.read(scope) if one.guid is None else STRANGERS
        while batch := list(islice(rest, CHUNK)):
            ids = _write(scope, one, members, batch)
            for message_id, message in zip(ids, batch, strict=True):
                if message.by is not None:
                    state = moved(state, signals(message.text), message.at)
                    latest.append(_memory(message_id, message, members[message.by].person.name))
            added += len(batch)
        if one.guid is None:
            _relate(scope, state)
        if one.story is not None and one.story.reminder is not None:
            _remind(scope, one.story.reminder)
        if latest:
            keep(scope.conn, scope.container_id, list(latest))
    return added, len(latest)


def _remind(scope: Scope, words: str) -> None:
    facts = {"container_id": scope.container_id, "conversation_id": scope.container.conversation_id, "user_id": scope.container.user_id}
    due = dt.datetime.now(dt.UTC) + dt.timedelta(days=7)
    scope.conn.execute(insert(reminders).values(facts | {"text": words, "due_at": due}))


def _memory(message_id: uuid.UUID, message: SampleMessage, speaker: str) -> NewMemory:
    return NewMemory(text=message.text, speaker=speaker, said_at=message.at, source_message_id=message_id)


def _write(scope: Scope, one: SampleTalk, members: Sequence[_Known], batch: Sequence[SampleMessage]) -> list[uuid.UUID]:
    by = [None if message.by is None else members[message.by] for message in batch]
    ids = [uuid.uuid4() for _ in batch]
    values = {
        "container": scope.container_id,
        "conversation": scope.container.conversation_id,
        "correlation": correlation_id()[:40],
        "ids": ids,
        "senders": [f"{PERSONA}{one.persona}" if who is None else who.person.phone for who in by],
        "users": [None if who is None else who.id for who in by],
        "directions": ["out" if who is None else "in" for who in by],
        "bodies": [message.text for message in batch],
        "times": [message.at for message in batch],
    }
    scope.conn.execute(_ADD, values)
    touch(scope.conn, "messages")
    return ids


def _relate(scope: Scope, state: relationship.Relationship) -> None:
    facts = {name: getattr(state, name) for name in ("trust", "rapport", "stage", "messages", "updated_at")}
    whose = {"container_id": scope.container_id, "user_id": scope.container.user_id, "persona_id": scope.container.persona_id}
    new = upsert(relationship_state).values(whose | facts)
    scope.conn.execute(new.on_conflict_do_update(index_elements=[relationship_state.c.container_id], set_=facts))
