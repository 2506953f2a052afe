"""What people do with memory: open one container's, and let it be searched by meaning; everything else is done inside."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

from backend_core.audit.service import Audit
from backend_core.conversations.records import Arrived
from backend_core.errors import Unavailable
from backend_core.memory import writing
from backend_core.memory.embeddings import Embedder, Meaning, meaning_of
from backend_core.memory.extraction import MOST_TURNS, Extractor
from backend_core.memory.records import NewMemory
from backend_core.memory.rows import live, read
from backend_core.memory.scoped import ScopedMemory, said
from backend_core.memory.tables import memories
from backend_core.memory.weights import STANDARD, Ranking
from backend_core.policy import Actor, Target, authorize
from backend_core.scopes.records import Container, Where
from backend_core.scopes.service import Scope, Scopes

EMBEDDED_AT_ONCE: Final = 256
MOST_EMBEDDED: Final = 100_000
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Embedded:
    """What became of memories that had no vector.

    Attributes:
        made: vectors made now.
        model: by which.
    """

    made: int
    model: str


class MemoryService:
    """Memory of one database.

    Args:
        scopes: the door to each container.
        embedder: returns what makes vectors; nothing where memory is searched by words only. Asked each time, for it may change.
        extractor: returns what finds facts; nothing where turns are remembered as they were said.
    """

    def __init__(
        self,
        audit: Audit,
        *,
        scopes: Scopes,
        embedder: Callable[[], Embedder | None] = lambda: None,
        extractor: Callable[[], Extractor | None] = lambda: None,
        ranking: Ranking = STANDARD,
    ) -> None:
        self._audit = audit
        self._scopes = scopes
        self._embedder = embedder
        self._extractor = extractor
        self._ranking = ranking

    @contextmanager
    def scope(
        self,
        where: Where | Container | uuid.UUID,
        *,
        actor: Actor,
        reason: str | None = None,
        action: str = "memory.read",
        create: bool = False,
    ) -> Iterator[ScopedMemory]:
        """Open the memories of one container for one transaction, which commits at the end; what is used after it is refused.

        Args:
            where: who and whom, a group, or the id of a container or conversation.
            actor: who looks.
            reason: why; the actor's own where it is left out.
            action: what the audit log calls it.
            create: make the container where there is none.

        Raises:
            NotFound: there is no such container.
            NotAllowed, ReasonNeeded, ProofNeeded: as the policy says.
        """
        asking = replace(actor, reason=reason) if reason is not None else actor
        authorize(asking, action, Target(kind="container"))
        with self._scopes.open(where, actor=asking, action=action, reason=reason, create=create) as scope:
            yield self.within(scope, actor=asking)

    def within(self, scope: Scope, *, actor: Actor) -> ScopedMemory:
        """Return the memories of a scope that is open already."""
        return ScopedMemory(scope, actor, self._audit, embedder=self._embedder(), ranking=self._ranking)

    def meaning(self) -> Meaning:
        """Return whether memory is searched by meaning here, in words for people."""
        return meaning_of(self._embedder())

    def remember(self, arrived: Arrived) -> tuple[uuid.UUID, ...]:
        """Remember a message as it was said, in the transaction that stored it; return what is remembered.

        The message itself is what the audit log records; its vector is made later where a service makes it.
        """
        given = NewMemory(text=arrived.text, said_at=arrived.at, speaker=arrived.speaker, source_message_id=arrived.message_id)
        scope = arrived.scope
        kept = writing.keep(scope.conn, scope.container_id, [given])
        self.within(scope, actor=scope.actor).embed_new([memory for memory, is_new in kept if is_new])
        return tuple(memory.id for memory, _ in kept)

    def embed(self, where: Where | Container | uuid.UUID, *, actor: Actor, progress: Progress = lambda _done, _total: None) -> Embedded:
        """Make the vectors that a container lacks. No transaction is open while they are made.

        Raises:
            Unavailable: there is no model.
            NotFound: there is no such container.
        """
        authorize(actor, "memory.edit", Target(kind="container"))
        from backend_core.memory import vectors

        embedder, meaning = self._embedder(), self.meaning()
        if embedder is None or meaning.model is None:
            raise Unavailable(meaning.sentence)
        made = 0
        while made < MOST_EMBEDDED:
            with self._scopes.open(where, actor=actor, action="memory.edit") as scope:
                rows = vectors.missing(scope.conn, scope.container_id, model=meaning.model, limit=EMBEDDED_AT_ONCE)
            if not rows:
                break
            found = embedder.embed([said(row.speaker, row.text) for row in rows])
            ready = [
                (row.memory_id, row.version, vectors.quantised(one, model=meaning.model)) for row, one in zip(rows, found, strict=True)
            ]
            with self._scopes.open(where, actor=actor, action="memory.edit") as scope:
                vectors.store(scope.conn, scope.container_id, ready)
            made += len(rows)
            progress(made, made)
        return Embedded(made=made, model=meaning.model)

    def extract(self, where: Where | Container | uuid.UUID, *, actor: Actor, turns: int = MOST_TURNS) -> int:
        """Note the facts in the newest turns of a container by the service that is set up for it; return how many it found.

        Raises:
            Unavailable: there is none, or it does not answer.
            NotFound: there is no such container.
        """
        authorize(actor, "memory.add", Target(kind="container"))
        extractor = self._extractor()
        if extractor is None:
            raise Unavailable("Turns are remembered as they were said; no service for facts is set up.")
        with self._scopes.open(where, actor=actor, action="memory.add") as scope:
            query = live(scope.container_id).where(memories.c.speaker.is_not(None)).order_by(memories.c.turn.desc())
            recent = [read(row) for row in scope.conn.execute(query.limit(max(1, min(turns, MOST_TURNS))))][::-1]
        found = extractor.facts(recent) if recent else ()
        if not found:
            return 0
        with self.scope(where, actor=actor, action="memory.add") as opened:
            return len({memory.id for memory in opened.add_many(found)})
