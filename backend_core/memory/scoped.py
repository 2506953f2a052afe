"""What can be done with the memories of the one container whose scope is open; after the scope it can do nothing more."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, and_, func, literal, select, tuple_

from backend_core.audit.service import Audit
from backend_core.db.changes import touch
from backend_core.errors import InvalidInput, Unavailable
from backend_core.memory import exporting, importing, writing
from backend_core.memory.embeddings import Embedder, Meaning, meaning_of, vector_of
from backend_core.memory.records import LONGEST_TEXT, Facets, Hit, Memory, Mode, NewMemory, Version, checked_text, checked_type
from backend_core.memory.rows import FIELDS, live, read
from backend_core.memory.tables import memories, memory_history
from backend_core.memory.weights import STANDARD, Ranking
from backend_core.policy import Actor, Target, authorize
from backend_core.scopes.service import Scope

MOST_LISTED: Final = 500
MOST_ADDED: Final = 2000
AROUND: Final = 3
MOST_EMBEDDED: Final = 16
MOST_HITS: Final = 200
SAME: Final = 0.85
"""From which likeness on two facts count as one."""
Position = tuple[dt.datetime, uuid.UUID]


@dataclass(frozen=True, slots=True, eq=False)
class ScopedMemory:
    """The memories of one container, while its scope is open.

    Attributes:
        scope: the open scope; every statement goes through it.
        actor: who looks, with the reason they gave.
        embedder: makes vectors; None where memory is searched by words only.
        ranking: the weights of a search.
    """

    scope: Scope
    actor: Actor
    audit: Audit
    embedder: Embedder | None = None
    ranking: Ranking = STANDARD

    def add(
        self,
        text: str,
        *,
        type: str = "factual",  # noqa: A002  # the word people use
        salience: float = 0.5,
        confidence: float = 1.0,
        said_at: dt.datetime | None = None,
        speaker: str | None = None,
        source_message_id: uuid.UUID | None = None,
        event_at: dt.datetime | None = None,
        expires_at: dt.datetime | None = None,
    ) -> Memory:
        """Remember a text; the memory that is there already where this container holds the same.

        Args:
            text: 1 to 20,000 characters.
            type: one of ``TYPES``.
            salience, confidence: 0 to 1.
            said_at: when; now where it is left out.
            speaker: who said it; None for a fact that somebody notes.
            source_message_id: the message it comes from.
            event_at: the day it is about.
            expires_at: when it stops to count.

        Raises:
            InvalidInput: something that cannot be kept; the sentence says what.
        """
        given = NewMemory(
            text=text, type=type, salience=salience, confidence=confidence, said_at=said_at, speaker=speaker,
            source_message_id=source_message_id, event_at=event_at, expires_at=expires_at,
        )  # fmt: skip
        return self.add_many([given])[0]

    def add_many(self, given: Sequence[NewMemory]) -> tuple[Memory, ...]:
        """Remember several, in their order; at most 2,000 at once."""
        authorize(self.actor, "memory.add", self._target)
        if not 0 < len(given) <= MOST_ADDED:
            raise InvalidInput(f"Between 1 and {MOST_ADDED:,} memories are added at once.")
        with self._changed("memory.add") as facts:
            kept = writing.keep(self._conn, self._id, given)
            new = [memory for memory, is_new in kept if is_new]
            marked = [old for memory in new for old in writing.mark_conflicts(self._conn, self._id, memory)]
            self.embed_new(new)
            facts |= {"memories": len(new), "known": len(kept) - len(new), "contradicted": len(marked)}
        return tuple(memory for memory, _ in kept)

    def get(self, memory_id: uuid.UUID) -> Memory:
        """Return a memory of this container, a forgotten one too.

        Raises:
            NotFound: not in this container; whether it is anywhere else makes no difference.
        """
        self._reads()
        return writing.one(self._conn, self._id, memory_id)

    def list(
        self, *, limit: int = 50, before: Position | None = None, types: Sequence[str] = (), include_forgotten: bool = False
    ) -> tuple[Memory, ...]:
        """Return memories in the order they were said, newest first.

        Args:
            limit: 1 to 500.
            before: ``(said_at, id)`` of the last one of the page before.
            types: only these; all where it is empty.
            include_forgotten: also those that are forgotten, or over.
        """
        self._reads()
        for name in types:
            checked_type(name)
        query = select(*FIELDS).where(memories.c.container_id == self._id) if include_forgotten else live(self._id)
        if types:
            query = query.where(memories.c.type.in_(types))
        if before is not None:
            query = query.where(tuple_(memories.c.said_at, memories.c.id) < tuple_(literal(before[0]), literal(before[1])))
        order = (memories.c.said_at.desc(), memories.c.id.desc())
        rows = self._conn.execute(query.order_by(*order).limit(max(1, min(limit, MOST_LISTED))))
        return tuple(read(row) for row in rows)

    def count(self) -> int:
        """Return how many memories count here."""
        self._reads()
        return int(self._conn.execute(select(func.count()).select_from(live(self._id).subquery())).scalar_one())

    def facets(self) -> Facets:
        """Return how many memories there are, by type and speaker."""
        self._reads()
        mine = memories.c.container_id == self._id
        counts = and_(mine, memories.c.forgotten_at.is_(None))
        dates = select(func.count(), func.count(memories.c.conflicts_with), func.min(memories.c.said_at), func.max(memories.c.said_at))
        total, conflicts, first, last = self._conn.execute(dates.where(counts)).one()
        forgotten = select(func.count()).select_from(memories).where(mine, memories.c.forgotten_at.is_not(None))
        return Facets(
            total=total,
            forgotten=int(self._conn.execute(forgotten).scalar_one()),
            conflicts=conflicts,
            types=self._counted(memories.c.type, counts),
            speakers=self._counted(memories.c.speaker, and_(counts, memories.c.speaker.is_not(None))),
            first_at=first,
            last_at=last,
        )

    def search(self, query: str, *, limit: int = 10, types: Sequence[str] = (), mode: Mode = "hybrid") -> tuple[Hit, ...]:
        """Return the memories that fit best, best first, each with why.

        Args:
            query: words or a question, in any language.
            limit: 1 to 200.
            types: only these; all where it is empty.
            mode: ``lexical`` by words; ``hybrid`` by words and meaning, where there is no model by words, which every hit says;
                ``vector`` by meaning only.

        Raises:
            InvalidInput: the query is too long.
            Unavailable: meaning alone was asked for, and there is no model.
        """
        self._reads()
        if len(query) > LONGEST_TEXT or "\0" in query:
            raise InvalidInput(f"A search has up to {LONGEST_TEXT:,} characters.")
        for name in types:
            checked_type(name)
        made = None if mode == "lexical" else vector_of(self.embedder, query)
        if mode == "vector" and made is None:
            raise Unavailable(self.meaning().sentence)
        # on first use: it loads what computes
        from backend_core.memory import vectors
        from backend_core.memory.search import Question, search

        vector = None if made is None else vectors.quantised(made[1], model=made[0])
        question = Question(query, limit=max(1, min(limit, MOST_HITS)), types=tuple(types), vector=vector, words=mode != "vector")
        return search(self._conn, self._id, question, ranking=self.ranking)

    def meaning(self) -> Meaning:
        """Return whether memory is searched by meaning here, in words for people."""
        return meaning_of(self.embedder)

    def update(self, memory_id: uuid.UUID, *, text: str, version: int, type: str | None = None) -> Memory:  # noqa: A002  # as above
        """Replace the text of a memory; the former one stays in its history.

        Args:
            memory_id: of this container, and so it stays.
            text: 1 to 20,000 characters.
            version: the version it was read with.
            type: another type.

        Raises:
            NotFound: not in this container, or forgotten.
            StaleVersion: somebody changed it since.
        """
        authorize(self.actor, "memory.edit", self._target)
        values: dict[str, Any] = {"text": checked_text(text)} | ({} if type is None else {"type": checked_type(type)})
        with self._changed("memory.edit") as facts:
            before = writing.one(self._conn, self._id, memory_id)
            after = writing.change(self._conn, self._id, before, values, version=version, by=self.actor.name, reason=self.actor.reason)
            facts |= {"memory": str(memory_id), "version": after.version}
            facts |= {"contradicted": len(writing.mark_conflicts(self._conn, self._id, after))}
            self.embed_new([after])
        return after

    def set_facts(
        self, memory_id: uuid.UUID, *, version: int, salience: float | None = None, expires_at: dt.datetime | None = None
    ) -> Memory:
        """Say how much a memory matters, or when it stops to count; its text stays.

        Raises:
            NotFound, StaleVersion: as ``update``.
            InvalidInput: out of bounds.
        """
        authorize(self.actor, "memory.edit", self._target)
        given: dict[str, Any] = {"salience": salience, "expires_at": expires_at}
        values = {name: value for name, value in given.items() if value is not None}
        with self._changed("memory.edit") as facts:
            before = writing.one(self._conn, self._id, memory_id)
            NewMemory(text=before.text, **values)
            after = writing.change(self._conn, self._id, before, values, version=version, by=self.actor.name, reason=self.actor.reason)
            facts |= {"memory": str(memory_id), "version": after.version}
            self.embed_new([after])
        return after

    def history(self, memory_id: uuid.UUID) -> tuple[Version, ...]:
        """Return the versions of a memory, the present one first.

        Raises:
            NotFound: not in this container.
        """
        self._reads()
        present = writing.one(self._conn, self._id, memory_id)
        mine = (memory_history.c.container_id == self._id, memory_history.c.memory_id == memory_id)
        columns = [memory_history.c[name] for name in Version.__dataclass_fields__]
        former = [Version(*row) for row in self._conn.execute(select(*columns).where(*mine).order_by(memory_history.c.version.desc()))]
        # who made a version stands with the one it replaced
        by, at, why = (former[0].changed_by, former[0].changed_at, former[0].reason) if former else ("", present.created_at, None)
        return (Version(present.version, present.text, present.type, by, at, why), *former)

    def around(self, memory_id: uuid.UUID, *, distance: int = AROUND) -> tuple[Memory, ...]:
        """Return what was said just before and after a memory, in order, itself included.

        Raises:
            NotFound: not in this container.
        """
        self._reads()
        middle = writing.one(self._conn, self._id, memory_id)
        near = memories.c.turn.between(middle.turn - distance, middle.turn + distance)
        return tuple(read(row) for row in self._conn.execute(live(self._id).where(near).order_by(memories.c.turn)))

    def neighbours(self, memory_id: uuid.UUID, *, limit: int = 5) -> tuple[Hit, ...]:
        """Return the memories of this container that are most like one, by meaning where there is a model, else by words.

        Raises:
            NotFound: not in this container.
        """
        self._reads()
        middle = writing.one(self._conn, self._id, memory_id)
        found = self.search(middle.text, limit=limit + 1)
        return tuple(hit for hit in found if hit.memory.id != memory_id)[:limit]

    def autocomplete(self, prefix: str, *, limit: int = 10) -> tuple[str, ...]:
        """Return words of this container that begin like ``prefix``, the most frequent first."""
        self._reads()
        from backend_core.memory import alike

        return alike.complete(self._conn, self._id, prefix, limit=max(1, min(limit, MOST_HITS)))

    def duplicates(self, *, threshold: float = SAME) -> tuple[tuple[Memory, ...], ...]:
        """Return groups of noted facts that say the same, by meaning where there are vectors, else by words; the oldest first."""
        self._reads()
        from backend_core.memory import alike

        return alike.groups(self._conn, self._id, threshold=threshold, model=self.meaning().model)

    def merge(self, keep: uuid.UUID, others: Sequence[uuid.UUID]) -> Memory:
        """Keep one of several noted facts that say the same, with the greatest salience and confidence of them; the others go.

        Raises:
            NotFound: one of them is not in this container.
            InvalidInput: one of them is what somebody said, or the kept one is among the others.
        """
        authorize(self.actor, "memory.edit", self._target)
        if keep in others:
            raise InvalidInput("A memory is not merged with itself.")
        with self._changed("memory.edit") as facts:
            kept, gone = writing.one(self._conn, self._id, keep), [writing.one(self._conn, self._id, other) for other in others]
            made = writing.merge(self._conn, self._id, kept, gone)
            facts |= {"memory": str(keep), "merged": len(gone)}
        return made

    def export(self, path: Path) -> exporting.Manifest:
        """Write every memory of this container that is not forgotten, with its history, to a ZIP file with a manifest.

        Raises:
            InvalidInput: ``path`` is a folder or a device.
            StorageFailed: it cannot be written there.
        """
        authorize(self.actor, "memory.export", self._target)
        with self._changed("memory.export", changes=False) as facts, exporting.writing_to(path) as made:
            manifest = exporting.write(self._conn, self._id, made, container=self.scope.container, by=self.actor.name)
            facts |= {"memories": manifest.memories, "sha256": manifest.sha256}
        return manifest

    def import_(self, path: Path) -> importing.Imported:
        """Take in an export of this very container; what is there already is left alone.

        Raises:
            UnreadableFile: not an export, or it was changed or cut off.
            InvalidInput: it is of another container.
        """
        authorize(self.actor, "memory.import", self._target)
        with self._changed("memory.import") as facts:
            done, new = importing.take_in(self._conn, self._id, path, container=self.scope.container)
            self.embed_new(new)
            facts |= {"memories": done.added, "known": done.known}
        return done

    def embed_new(self, new: Sequence[Memory]) -> None:
        """Make the vectors of a few at once where no text leaves for it; others are made later, outside any transaction."""
        if not 0 < len(new) <= MOST_EMBEDDED or self.embedder is None or not self.embedder.local or self.meaning().model is None:
            return
        from backend_core.memory import vectors

        made = self.embedder.embed([said(memory.speaker, memory.text) for memory in new])
        name = self.embedder.name
        rows = [(memory.id, memory.version, vectors.quantised(one, model=name)) for memory, one in zip(new, made, strict=True)]
        vectors.store(self._conn, self._id, rows)

    @property
    def _conn(self) -> Connection:
        return self.scope.conn

    @property
    def _id(self) -> int:
        return self.scope.container_id

    @property
    def _target(self) -> Target:
        return Target(kind="container", id=str(self.scope.container.public_id))

    def _reads(self) -> None:
        authorize(self.actor, "memory.read", self._target)

    def _counted(self, column: ColumnElement[Any], condition: ColumnElement[bool]) -> dict[str, int]:
        query = select(column, func.count()).where(condition).group_by(column).order_by(func.count().desc(), column)
        return {str(name): int(count) for name, count in self._conn.execute(query)}

    @contextmanager
    def _changed(self, action: str, *, changes: bool = True) -> Iterator[dict[str, object]]:
        """Record what the body did, with the facts it leaves."""
        facts: dict[str, object] = {}
        yield facts
        self.audit.record(self._conn, actor=self.actor, action=action, target=self._target, after=facts)
        if changes:
            touch(self._conn, memories.name)


def said(speaker: str | None, text: str) -> str:
    """Return a memory as its vector is made from."""
    return f"{speaker}: {text}" if speaker else text
