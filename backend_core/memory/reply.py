"""What would the persona see? Memories, photo, relationship and boundaries a reply would be given, in one transaction of one container."""

from __future__ import annotations

import datetime as dt
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from sqlalchemy import select

from backend_core.conversations import relationship
from backend_core.conversations.photo_records import OPEN, RECENT, about_photo
from backend_core.conversations.photo_rows import in_scope, latest
from backend_core.conversations.photos import Photos
from backend_core.conversations.tables import conversations, personas, photos
from backend_core.errors import InvalidInput
from backend_core.memory.boundaries import Rules, boundaries_in
from backend_core.memory.commands import FORGET
from backend_core.memory.forget_records import Boundary
from backend_core.memory.records import LONGEST_TEXT, Hit, Part
from backend_core.memory.reply_records import GivenMemory, GivenPhoto, ReplyContext, Withheld
from backend_core.memory.service import MemoryService
from backend_core.policy import Actor, Target, authorize
from backend_core.scopes.records import Container, Where
from backend_core.scopes.service import Scope, Scopes

MEMORIES: Final = 8
MOST_MEMORIES: Final = 50
# so many more are looked at than are given, because boundaries keep some back
SPARE: Final = 3
STRONGEST: Final = 3
Progress = Callable[[float, float], object]
"""Called with the seconds waited for a photo, and the longest it may take."""
_WORDS: Final = {
    "date": "said on that day, or names it",
    "meaning": "means something near it",
    "day": "said on a day that fits well",
    "speaker": "said by whom the message names",
    "first_person": "tells of the speaker",
    "time": "tells of a time",
    "number": "tells a number",
    "salience": "matters much",
}


class Replies:
    """Puts together what a reply would be given."""

    def __init__(self, scopes: Scopes, photos: Photos, *, memory: MemoryService) -> None:
        self._scopes = scopes
        self._photos = photos
        self._memory = memory

    def reply_context(
        self,
        where: Where | Container | uuid.UUID,
        message: str,
        *,
        actor: Actor,
        reason: str | None = None,
        message_id: uuid.UUID | None = None,
        reply_to_photo: uuid.UUID | None = None,
        limit: int = MEMORIES,
        wait_s: float = 0.0,
        progress: Progress | None = None,
        should_stop: Callable[[], bool] = bool,
    ) -> ReplyContext:
        """Return what the persona of a conversation would be given to reply to ``message``; nothing is changed.

        Args:
            where: the conversation, by its id or its names.
            message: what is being replied to.
            actor: who asks.
            reason: why; the actor's own where it is left out.
            message_id: of the message if it was stored, so that it does not remind the persona of itself.
            reply_to_photo: the photo it answers, if its messenger said so.
            limit: memories, 1 to 50.
            wait_s: seconds to wait for a photo that is still being looked at.
            progress, should_stop: of that wait.

        Raises:
            NotFound: there is no such conversation.
            InvalidInput: the message is empty or too long.
            NotAllowed, ReasonNeeded: as the policy says.
        """
        asking = actor if reason is None else replace(actor, reason=reason)
        authorize(asking, "reply.preview", Target(kind="container"))
        if not message.strip() or len(message) > LONGEST_TEXT:
            raise InvalidInput(f"A message has 1 to {LONGEST_TEXT:,} characters.")
        waited = self._wait(where, message, reply_to_photo, actor, wait_s, progress, should_stop)
        began = time.perf_counter()
        with self._scopes.open(where, actor=asking, action="reply.preview") as scope:
            photo = _photo(scope, message, reply_to_photo, waited)
            wanted = SPARE * max(1, min(limit, MOST_MEMORIES))
            found = self._memory.within(scope, actor=asking).search(message, limit=wanted)
            others = [hit for hit in found if message_id is None or hit.memory.source_message_id != message_id]
            context = _context(scope, message, others, photo=photo, limit=limit)
        return replace(context, ms=(time.perf_counter() - began) * 1000)

    def _wait(
        self,
        where: Where | Container | uuid.UUID,
        message: str,
        photo_id: uuid.UUID | None,
        actor: Actor,
        wait_s: float,
        progress: Progress | None,
        should_stop: Callable[[], bool],
    ) -> float:
        """Wait for the photo that is spoken of, outside any transaction; return for how long."""
        if wait_s <= 0:
            return 0.0
        photo_id = self._being_looked_at(where, message) if photo_id is None else self._of_this(where, photo_id)
        if photo_id is None:
            return 0.0
        status = self._photos.wait_ready(photo_id, actor=actor, timeout_s=wait_s, progress=progress, should_stop=should_stop)
        return status.waited_s

    def _of_this(self, where: Where | Container | uuid.UUID, photo_id: uuid.UUID) -> uuid.UUID | None:
        """Return the photo if it is of this conversation: one of another is waited for as little as one that nobody sent."""
        here = (photos.c.conversation_id == self._scopes.resolve(where).conversation_id, photos.c.id == photo_id)
        with self._scopes.directory("Find photo") as conn:
            found: uuid.UUID | None = conn.execute(select(photos.c.id).where(*here)).scalar_one_or_none()
        return found

    def _being_looked_at(self, where: Where | Container | uuid.UUID, message: str) -> uuid.UUID | None:
        container = self._scopes.resolve(where)
        fresh = photos.c.received_at > dt.datetime.now(dt.UTC) - RECENT
        query = select(photos.c.id, photos.c.received_at).where(photos.c.conversation_id == container.conversation_id, fresh)
        query = query.where(photos.c.status.in_(OPEN), photos.c.forgotten_at.is_(None)).order_by(photos.c.received_at.desc()).limit(1)
        with self._scopes.directory("Find open photo") as conn:
            row = conn.execute(query).one_or_none()
        if row is None or not about_photo(message, age=dt.datetime.now(dt.UTC) - row.received_at):
            return None
        found: uuid.UUID = row.id
        return found


def _context(scope: Scope, message: str, found: Sequence[Hit], *, photo: GivenPhoto | None, limit: int) -> ReplyContext:
    rules = boundaries_in(scope)
    given, withheld = _within(rules, found, message, limit=limit)
    persona_id, persona_name = _persona(scope)
    return ReplyContext(
        conversation_id=scope.container.conversation_id,
        container=scope.container,
        persona_id=persona_id,
        persona_name=persona_name,
        message=message,
        memories=given,
        withheld=withheld,
        photo=photo,
        relationship=relationship.read(scope) if scope.container.kind == "direct" else None,
        # a topic that is to be forgotten is not handed on as the name of what is
        boundaries=tuple(rule for rule in rules if rule.kind != FORGET),
        mode=found[0].mode if found else "lexical",
        ms=0.0,
    )


def _within(
    rules: tuple[Boundary, ...], found: Iterable[Hit], message: str, *, limit: int
) -> tuple[tuple[GivenMemory, ...], tuple[Withheld, ...]]:
    """Return what the boundaries let through, best first, and how much each keeps back."""
    kept_back: Counter[uuid.UUID] = Counter()
    given: list[GivenMemory] = []
    judge = Rules(rules, asked=message)
    for hit in found:
        rule = judge.covering(hit.memory.id, hit.memory.text, hit.memory.said_at)
        if rule is not None:
            kept_back[rule.id] += 1
        elif len(given) < limit:
            given.append(GivenMemory(hit=hit, reasons=reasons(hit.parts)))
    withheld = tuple(Withheld(boundary=rule, count=kept_back[rule.id]) for rule in rules if kept_back[rule.id] and rule.kind != FORGET)
    return tuple(given), withheld


def reasons(parts: Iterable[Part]) -> tuple[str, ...]:
    """Return why a memory was chosen, strongest first, one plain phrase each.

    >>> reasons([Part("trip", 2.0, "word"), Part("lisbon", 3.5, "word"), Part("", -1.0, "question"), Part("trip", 0.5, "neighbour")])
    ('says “lisbon”, “trip”', 'said next to something about “trip”')
    """
    counted = sorted((part for part in parts if part.score > 0), key=lambda part: -part.score)
    others = [_WORDS[part.why] for part in counted if part.why in _WORDS]
    return tuple(dict.fromkeys([*_quoting(counted), *others]))[:STRONGEST]


def _quoting(counted: Sequence[Part]) -> Iterator[str]:
    """Yield the reasons that name words, each kind once, with its strongest words."""
    for why, said in (("word", "says"), ("neighbour", "said next to something about")):
        words = list(dict.fromkeys(f"“{part.term}”" for part in counted if part.why == why))
        if words:
            yield f"{said} {', '.join(words[:STRONGEST])}"


def _persona(scope: Scope) -> tuple[str | None, str | None]:
    talk = select(personas.c.id, personas.c.name).join(conversations, conversations.c.persona_id == personas.c.id)
    row = scope.conn.execute(talk.where(conversations.c.id == scope.container.conversation_id)).one_or_none()
    return (None, None) if row is None else (row.id, row.name)


def _photo(scope: Scope, message: str, photo_id: uuid.UUID | None, waited_s: float) -> GivenPhoto | None:
    now = dt.datetime.now(dt.UTC)
    photo = latest(scope) if photo_id is None else in_scope(scope, photo_id)
    if photo is None or (photo_id is None and not about_photo(message, age=now - photo.received_at)):
        return None
    reason = (
        "the message answers it" if photo_id is not None else f"sent {max(0, round((now - photo.received_at).total_seconds()))} s before"
    )
    return GivenPhoto(photo=photo, sentence=photo.words(now), reason=reason, waited_s=waited_s)
