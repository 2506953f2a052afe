"""Conversations to forget in: two people, two personas, a group, and a way to say, note and look for things."""

from __future__ import annotations

import contextlib
import datetime as dt
import itertools
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg import sql

from backend_core.backend import Backend
from backend_core.conversations.records import Arrived, IncomingMessage, Received
from backend_core.conversations.tables import messages
from backend_core.db.embedded import EmbeddedServer
from backend_core.memory.records import NewMemory
from backend_core.memory.tables import memories
from backend_core.memory.writing import keep
from backend_core.policy import Actor
from backend_core.scopes.records import Direct, Group

ANA, BEN = "+4915112345678", "+15551234567"
START = dt.datetime(2026, 11, 2, 9, 0, tzinfo=dt.UTC)
LATER = dt.datetime(2100, 1, 1, tzinfo=dt.UTC)
Where = Direct | Group


@dataclass
class Gossip:
    """One backend in which whatever is said is remembered as it was said."""

    backend: Backend
    actor: Actor
    clock: Iterator[dt.datetime] = field(default_factory=lambda: (START + n * dt.timedelta(minutes=1) for n in itertools.count()))

    @classmethod
    def of(cls, backend: Backend, actor: Actor | None = None) -> Gossip:
        """Return the gossip of a backend: people and personas are there, nothing is said."""
        actor = replace(actor or backend.actor(), reason="a test", proven_until=LATER)
        for persona in ("sage", "echo"):
            backend.people.save_persona(persona, name=persona.title(), passport={}, version=0, actor=actor)
        for name, phone in (("Ana", ANA), ("Ben", BEN)):
            backend.people.add_contact(name, phone=phone, actor=actor)
        hooks = replace(backend.conversations.hooks, remember=remember, obey=backend.forgetting.obey, screen=None, note_screened=None)
        backend.conversations.hooks = replace(hooks, follow_photo=None)
        return cls(backend, actor)

    def say(self, text: str, *, sender: str = ANA, user: str | None = None, persona: str = "sage", guid: str | None = None) -> Received:
        """Say something, to a persona or in a group."""
        facts: dict[str, Any] = {"persona": persona, "chat_guid": guid, "is_group": guid is not None, "at": next(self.clock)}
        return self.backend.conversations.receive(
            IncomingMessage(text=text, sender=sender, user=user, **facts), actor=self.backend.system()
        )

    def answer(self, text: str, *, user: str = ANA, persona: str = "sage") -> Received:
        """Let a persona say something to a contact."""
        return self.say(text, sender=f"persona:{persona}", user=user, persona=persona)

    def note(self, where: Where, text: str, **facts: Any) -> uuid.UUID:
        """Note a memory without a message."""
        with self.backend.scopes.open(where, actor=self.actor, action="memory.add", create=True) as scope:
            return keep(scope.conn, scope.container_id, [NewMemory(text=text, **facts)])[0][0].id

    def known(self, where: Where) -> list[str]:
        """Return what is remembered and not forgotten, in order."""
        return self._texts(where, memories.c.text, memories.c.forgotten_at, memories.c.turn)

    def heard(self, where: Where) -> list[str]:
        """Return the messages that are not forgotten, in order."""
        return self._texts(where, messages.c.body, messages.c.forgotten_at, messages.c.timestamp)

    def _texts(self, where: Where, column: Any, forgotten: Any, order: Any) -> list[str]:
        with self.backend.scopes.open(where, actor=self.actor, action="memory.read") as scope:
            query = sa.select(column).where(column.table.c.container_id == scope.container_id, forgotten.is_(None))
            return list(scope.conn.execute(query.order_by(order)).scalars())

    def person(self, phone: str = ANA) -> uuid.UUID:
        """Return the id of a contact."""
        return self.backend.people.contacts(phone, actor=self.actor)[0].id


def remember(arrived: Arrived) -> Sequence[uuid.UUID]:
    """Remember a message of a contact as it was said."""
    if arrived.from_persona:
        return ()
    facts = {"speaker": arrived.speaker, "source_message_id": arrived.message_id, "said_at": arrived.at}
    made = keep(arrived.scope.conn, arrived.scope.container_id, [NewMemory(text=arrived.text, **facts)])
    return tuple(one.id for one, _ in made)


@contextlib.contextmanager
def first_kept(server: EmbeddedServer) -> Iterator[None]:
    """Let the database refuse to erase memories of the first container."""
    first = "CREATE TRIGGER keep_first BEFORE DELETE ON memories FOR EACH ROW WHEN (OLD.container_id = {}) EXECUTE FUNCTION keep_first()"
    with psycopg.connect(server.admin_dsn, autocommit=True) as conn:
        conn.execute("CREATE FUNCTION keep_first() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'kept'; END $$")
        number = conn.execute("SELECT min(container_id) FROM memories").fetchone()
        conn.execute(sql.SQL(first).format(sql.Literal(number and number[0])))
        try:
            yield
        finally:
            conn.execute("DROP FUNCTION keep_first() CASCADE")


def traces(server: EmbeddedServer, word: str) -> dict[str, int]:
    """Return in which tables of the whole server a word stands, in whatever column, as the superuser sees them, bytes too."""
    found = {}
    with psycopg.connect(server.admin_dsn) as conn:
        columns = conn.execute(
            "SELECT c.oid::regclass::text, a.attname, a.atttypid = 'bytea'::regtype"
            " FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
            " WHERE c.relkind IN ('r', 'p', 'm') AND c.relnamespace = 'public'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped"
        ).fetchall()
        for table, column, raw in columns:
            text = "position({word} IN encode({column}, 'escape')) > 0" if raw else "position(lower({word}) IN lower({column}::text)) > 0"
            query = sql.SQL("SELECT count(*) FROM " + table + " WHERE " + text)
            row = conn.execute(query.format(word=sql.Literal(word), column=sql.Identifier(column))).fetchone()
            if row and row[0]:
                found[f"{table}.{column}"] = row[0]
    return found
