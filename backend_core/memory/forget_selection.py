"""Find out what a request to forget means, inside the one container it was said in; nothing is changed here."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Row, Select, func, select

from backend_core.conversations.tables import messages, photos, reminders
from backend_core.errors import NotFound
from backend_core.memory.commands import read_command
from backend_core.memory.tables import boundaries, erasures, memories, memory_history
from backend_core.memory.terms import terms
from backend_core.memory.topics import topic_terms
from backend_core.scopes.service import Scope

DIRECT: Final = "direct"
BATCH: Final = 1000
LEAST_SHARED: Final = 2
MOST_MEANT: Final = 3
MOST_COMMANDS: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """The message in which a contact asked to forget.

    Attributes:
        user_id: who wrote it; in a group only what that contact said is theirs to forget.
    """

    message_id: uuid.UUID
    user_id: uuid.UUID | None
    speaker: str
    at: dt.datetime


@dataclass(slots=True)
class Selection:
    """What goes, by id, each with its reason; ``stays`` is near it.

    Attributes:
        boundaries: about the topic, and lifted: nothing keeps to them any more, and they name it.
        rules: boundaries about the topic that count and stay.
        unclear: stable word for why nothing is selected: ``whose``, ``which``, ``part``.
        already: the last turn is forgotten already.
    """

    memories: dict[uuid.UUID, str] = field(default_factory=dict)
    messages: dict[uuid.UUID, str] = field(default_factory=dict)
    photos: dict[uuid.UUID, str] = field(default_factory=dict)
    reminders: dict[uuid.UUID, str] = field(default_factory=dict)
    boundaries: dict[uuid.UUID, str] = field(default_factory=dict)
    rules: dict[uuid.UUID, str] = field(default_factory=dict)
    stays: dict[uuid.UUID, str] = field(default_factory=dict)
    unclear: str | None = None
    already: bool = False

    @property
    def empty(self) -> bool:
        """Whether nothing goes; the message with the command itself does not count."""
        said = {key for key, why in self.messages.items() if why != "command"}
        return not (self.memories or said or self.photos or self.reminders)


def last_turn(scope: Scope, said: Said | None) -> Selection:
    """Select the last thing said in this container before the command: the message, what came from it, and the answer to it."""
    message, memory = _last_message(scope, said), _last_memory(scope)
    if message is None and memory is None:
        return Selection()
    by_memory = message is None or (memory is not None and memory.source_message_id != message.id and memory.said_at > message.timestamp)
    newest = memory if by_memory else message
    at = memory.said_at if by_memory else message.timestamp  # type: ignore[union-attr]  # one of the two is there
    if newest.forgotten_at is not None or _erased_later(scope, at):  # type: ignore[union-attr]  # the same
        # a second "forget that" never reaches further back than the first
        return Selection(already=True)
    if _somebody_elses(scope, said, newest, by_memory=by_memory):
        return Selection(unclear="whose")
    found = Selection()
    if by_memory:
        found.memories[newest.id] = "turn"  # type: ignore[union-attr]  # the same
        _add_sources(scope, found)
    else:
        found.messages[newest.id] = "turn"  # type: ignore[union-attr]  # the same
    for key in _from_messages(scope, found.messages):
        found.memories.setdefault(key, "derived")
    _add_answers(scope, found, said)
    _add_attached(scope, found)
    return found


def about(scope: Scope, topic: str, said: Said | None) -> Selection:
    """Select whatever in this container is about ``topic``: every word of it that says something stands there in some form."""
    wanted = topic_terms(topic)
    if not wanted:
        return Selection(unclear="which")
    found = Selection()
    others = _others(scope, said)
    for row in _live_memories(scope):
        if wanted <= set(terms(row.text)):
            _keep(found, found.memories, row.id, "others" if others(row) else "topic")
    for row in _older_versions(scope):
        if wanted <= set(terms(row.text)) and row.memory_id not in found.stays:
            found.memories.setdefault(row.memory_id, "version")
    matched = [row for row in _live_messages(scope, said) if wanted <= set(terms(row.body)) and not others(row)]
    found.messages |= {row.id: "topic" for row in matched}
    _add_derived(scope, found)
    _add_sources(scope, found)
    _add_attached(scope, found, wanted)
    if found.empty and len(wanted) > 1 and any(wanted & set(terms(row.text)) for row in _live_memories(scope)):
        return Selection(unclear="part")
    _add_beside(scope, found)
    _add_boundaries(scope, found, wanted)
    if said is not None and not found.empty:
        found.messages[said.message_id] = "command"
    return found


def chosen(scope: Scope, ids: Iterable[uuid.UUID]) -> Selection:
    """Select memories by id, with the messages they came from.

    Raises:
        NotFound: one of them is not in this container, or is forgotten already.
    """
    wanted = set(ids)
    query = select(memories.c.id).where(memories.c.container_id == scope.container_id, memories.c.id.in_(wanted))
    live = set(scope.conn.execute(query.where(memories.c.forgotten_at.is_(None))).scalars())
    if not wanted or live != wanted:
        raise NotFound("There is no such memory in this conversation.")
    found = Selection(memories=dict.fromkeys(sorted(live), "chosen"))
    _add_sources(scope, found)
    _add_attached(scope, found)
    _add_beside(scope, found)
    return found


def _last_message(scope: Scope, said: Said | None) -> Row[Any] | None:
    """Return the contact's last message that is no command itself."""
    columns = (messages.c.id, messages.c.timestamp, messages.c.forgotten_at, messages.c.user_id, messages.c.body)
    turn = select(func.max(memories.c.turn)).where(
        memories.c.container_id == messages.c.container_id, memories.c.source_message_id == messages.c.id
    )
    query: Select[Any] = select(*columns).where(messages.c.container_id == scope.container_id, messages.c.direction == "in")
    query = query.where(messages.c.conversation_id == scope.container.conversation_id)
    if said is not None:
        query = query.where(messages.c.id != said.message_id, messages.c.timestamp <= said.at)
    query = query.order_by(messages.c.timestamp.desc(), turn.scalar_subquery().desc().nulls_last(), messages.c.id).limit(MOST_COMMANDS)
    return next((row for row in scope.conn.execute(query) if read_command(row.body) is None), None)


def _last_memory(scope: Scope) -> Row[Any] | None:
    columns = (memories.c.id, memories.c.said_at, memories.c.forgotten_at, memories.c.source_message_id, memories.c.speaker)
    query: Select[Any] = select(*columns).where(memories.c.container_id == scope.container_id)
    return scope.conn.execute(query.order_by(memories.c.turn.desc()).limit(1)).one_or_none()


def _erased_later(scope: Scope, at: dt.datetime) -> bool:
    """Whether something said after ``at`` is gone already; purged rows are not there to tell."""
    until = erasures.c["items"]["until"].astext
    query = select(func.max(until)).where(erasures.c.container_id == scope.container_id, erasures.c.restored_at.is_(None))
    newest: str | None = scope.conn.execute(query).scalar_one()
    return newest is not None and dt.datetime.fromisoformat(newest) > at


def _somebody_elses(scope: Scope, said: Said | None, newest: Row[Any] | None, *, by_memory: bool) -> bool:
    if said is None or newest is None or scope.container.kind == DIRECT:
        return False
    if by_memory:
        return newest.speaker is not None and newest.speaker != said.speaker
    return bool(newest.user_id != said.user_id)


def _others(scope: Scope, said: Said | None) -> Any:
    """Return a test whether a row is what another member of the group said."""
    if said is None or scope.container.kind == DIRECT:
        return lambda _row: False
    query = select(messages.c.id).where(messages.c.container_id == scope.container_id, messages.c.user_id == said.user_id)
    own = set(scope.conn.execute(query).scalars())

    def others(row: Row[Any]) -> bool:
        facts = row._mapping
        if "body" in facts:
            return facts["direction"] == "in" and facts["id"] not in own
        if facts["source_message_id"] is not None:
            return facts["source_message_id"] not in own
        return facts["speaker"] is not None and facts["speaker"] != said.speaker

    return others


def _keep(found: Selection, goes: dict[uuid.UUID, str], key: uuid.UUID, why: str) -> None:
    if why == "others":
        found.stays[key] = why
    else:
        goes[key] = why


def _live_memories(scope: Scope) -> Iterable[Row[Any]]:
    columns = (memories.c.id, memories.c.text, memories.c.speaker, memories.c.source_message_id)
    query = select(*columns).where(memories.c.container_id == scope.container_id, memories.c.forgotten_at.is_(None))
    yield from _streamed(scope, query.order_by(memories.c.turn))


def _older_versions(scope: Scope) -> Iterable[Row[Any]]:
    query = select(memory_history.c.memory_id, memory_history.c.text).join(
        memories, (memories.c.container_id == memory_history.c.container_id) & (memories.c.id == memory_history.c.memory_id)
    )
    query = query.where(memory_history.c.container_id == scope.container_id, memories.c.container_id == scope.container_id)
    yield from _streamed(scope, query.where(memories.c.forgotten_at.is_(None)))


def _live_messages(scope: Scope, said: Said | None) -> Iterable[Row[Any]]:
    columns = (messages.c.id, messages.c.body, messages.c.direction)
    query = select(*columns).where(messages.c.container_id == scope.container_id, messages.c.forgotten_at.is_(None))
    query = query.where(messages.c.conversation_id == scope.container.conversation_id)
    if said is not None:
        query = query.where(messages.c.id != said.message_id)
    yield from _streamed(scope, query)


def _streamed(scope: Scope, query: Select[Any]) -> Iterable[Row[Any]]:
    # a container may hold more than should stand in memory at once
    with scope.conn.execute(query.execution_options(yield_per=BATCH)) as rows:
        yield from rows


def _from_messages(scope: Scope, ids: Collection[uuid.UUID]) -> list[uuid.UUID]:
    query = select(memories.c.id).where(memories.c.container_id == scope.container_id, memories.c.source_message_id.in_(list(ids)))
    return list(scope.conn.execute(query.where(memories.c.forgotten_at.is_(None)).order_by(memories.c.turn)).scalars())


def _add_derived(scope: Scope, found: Selection) -> None:
    """Add memories of messages about the topic of which no memory names it: what is remembered as "she" was about it all the same."""
    query = select(memories.c.id, memories.c.source_message_id)
    query = query.where(memories.c.container_id == scope.container_id, memories.c.source_message_id.in_(list(found.messages)))
    rows = scope.conn.execute(query.where(memories.c.forgotten_at.is_(None))).all()
    named = {row.source_message_id for row in rows if row.id in found.memories}
    for row in rows:
        if row.source_message_id not in named and row.id not in found.stays:
            found.memories.setdefault(row.id, "derived")


def _add_sources(scope: Scope, found: Selection) -> None:
    query = select(memories.c.source_message_id).where(memories.c.container_id == scope.container_id)
    query = query.where(memories.c.id.in_(list(found.memories)))
    named = set(scope.conn.execute(query.where(memories.c.source_message_id.is_not(None))).scalars())
    kept = select(messages.c.id).where(messages.c.container_id == scope.container_id, messages.c.id.in_(named))
    for key in scope.conn.execute(kept.where(messages.c.forgotten_at.is_(None))).scalars():
        found.messages.setdefault(key, "source")


def _add_answers(scope: Scope, found: Selection, said: Said | None) -> None:
    """Add what the persona answered to the last turn, which may repeat it."""
    query = select(func.max(messages.c.timestamp)).where(messages.c.container_id == scope.container_id)
    turn = scope.conn.execute(query.where(messages.c.id.in_(list(found.messages)))).scalar_one()
    if turn is None:
        return
    answers = select(messages.c.id).where(messages.c.container_id == scope.container_id, messages.c.direction == "out")
    answers = answers.where(messages.c.conversation_id == scope.container.conversation_id, messages.c.timestamp > turn)
    if said is not None:
        answers = answers.where(messages.c.timestamp <= said.at)
    for key in scope.conn.execute(answers.where(messages.c.forgotten_at.is_(None))).scalars():
        found.messages.setdefault(key, "answer")


def _add_attached(scope: Scope, found: Selection, wanted: frozenset[str] = frozenset()) -> None:
    """Add photos the messages speak of and reminders that came from them, and those that are about the topic themselves."""
    shown = select(messages.c.reply_to_photo).where(messages.c.container_id == scope.container_id)
    shown = shown.where(messages.c.id.in_(list(found.messages)))
    named = set(scope.conn.execute(shown.where(messages.c.reply_to_photo.is_not(None))).scalars())
    columns = (photos.c.id, photos.c.caption, photos.c.summary, photos.c.recognised_text)
    query: Select[Any] = select(*columns).where(photos.c.container_id == scope.container_id, photos.c.forgotten_at.is_(None))
    for row in scope.conn.execute(query).all():
        if row.id in named or (wanted and wanted <= set(terms(photo_text(row)))):
            found.photos[row.id] = "attached" if row.id in named else "topic"
    query = select(reminders.c.id, reminders.c.text, reminders.c.source_message_id).where(
        reminders.c.container_id == scope.container_id, reminders.c.forgotten_at.is_(None)
    )
    for row in scope.conn.execute(query).all():
        if row.source_message_id in found.messages or (wanted and wanted <= set(terms(row.text))):
            found.reminders[row.id] = "attached" if row.source_message_id in found.messages else "topic"


def _add_beside(scope: Scope, found: Selection) -> None:
    for key in _from_messages(scope, found.messages):
        if key not in found.memories:
            found.stays.setdefault(key, "beside")


def _add_boundaries(scope: Scope, found: Selection, wanted: frozenset[str]) -> None:
    query = select(boundaries.c.id, boundaries.c.topic, boundaries.c.active).where(boundaries.c.container_id == scope.container_id)
    for row in scope.conn.execute(query.order_by(boundaries.c.created_at)).all():
        if wanted <= topic_terms(row.topic):
            (found.rules if row.active else found.boundaries)[row.id] = "rule" if row.active else "topic"


def photo_text(row: Row[Any]) -> str:
    """Return all that a photo's row says."""
    return " ".join(filter(None, (row.caption, row.summary, row.recognised_text)))


def spoken_of(scope: Scope, said: Said) -> dict[uuid.UUID, str]:
    """Return the memories that "that" means to somebody who does not want to hear of it; empty when it is not clear.

    They are those of the contact's last turn, or those the persona's last message spoke of, if that came later.
    """
    query = select(messages.c.id, messages.c.direction, messages.c.body).where(
        messages.c.container_id == scope.container_id, messages.c.forgotten_at.is_(None), messages.c.id != said.message_id
    )
    query = query.where(messages.c.conversation_id == scope.container.conversation_id, messages.c.timestamp <= said.at)
    newest = scope.conn.execute(query.order_by(messages.c.timestamp.desc(), messages.c.id).limit(MOST_COMMANDS))
    row = next((one for one in newest if one.direction == "out" or read_command(one.body) is None), None)
    if row is None or row.direction == "in":
        return _texts(scope, last_turn(scope, said).memories)
    return _nearest(scope, frozenset(terms(row.body)))


def _nearest(scope: Scope, words: frozenset[str]) -> dict[uuid.UUID, str]:
    """Return the memories that share most words with a message; none when they share fewer than two, or many share as many."""
    shared = [(len(words & set(terms(row.text))), row.id, row.text) for row in _live_memories(scope)]
    most = max((count for count, _, _ in shared), default=0)
    best = {key: text for count, key, text in shared if count == most}
    return best if most >= min(LEAST_SHARED, len(words)) > 0 and len(best) <= MOST_MEANT else {}


def _texts(scope: Scope, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, str]:
    query = select(memories.c.id, memories.c.text).where(memories.c.container_id == scope.container_id, memories.c.id.in_(list(ids)))
    return {row.id: row.text for row in scope.conn.execute(query.order_by(memories.c.turn))}
