"""The people and groups of these tests, and what may be asked of them through the public interface: the one file that knows its verbs."""

from __future__ import annotations

import contextlib
import datetime as dt
import itertools
import uuid
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from backend_core.backend import Backend
from backend_core.conversations.records import IncomingMessage, Received
from backend_core.errors import LecternError
from backend_core.memory.reply import Replies
from backend_core.memory.service import MemoryService
from backend_core.policy import Actor
from backend_core.scopes.records import Container, Direct, Group

Where = Direct | Group
REASON = "a test"
CANARY = "zanzibarcanary"
# words that also stand in what others say, so that everything global about them would move
SAID = (
    "We sail to the harbour on Saturday", "The harbour party was loud", "Ann likes kites and quiet evenings", "Bob owes Ann ten coins",
    "The kite broke at the harbour",
)  # fmt: skip
QUESTIONS = ("harbour", "kites", "who owes coins", "party at the harbour on saturday", CANARY, "nothing of this kind")


class Words:
    """A model that knows only which words two texts share, so that search by meaning can be tried where no model is installed."""

    name: Final = "words"
    local: Final = True

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return one vector per text."""
        found = np.zeros((len(texts), 32), dtype=np.float32)
        for row, text in zip(found, texts, strict=True):
            for word in text.lower().split():
                row[zlib.crc32(word.encode()) % 32] += 1
        length: npt.NDArray[np.float32] = np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1).astype(np.float32)
        return np.divide(found, length)


@dataclass
class Town:
    """One backend, an administrator who always says why, and everybody who was ever added."""

    backend: Backend
    actor: Actor
    memory: MemoryService
    replies: Replies
    personas: set[str] = field(default_factory=set)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1_000_000))

    @classmethod
    def of(cls, backend: Backend) -> Town:
        """Return the town of a backend."""
        memory = MemoryService(backend.audit, scopes=backend.scopes, embedder=Words)
        backend.conversations.hooks = replace(backend.conversations.hooks, remember=memory.remember)
        replies = Replies(backend.scopes, backend.photos, memory=memory)
        return cls(backend, replace(backend.actor(), reason=REASON), memory, replies)

    def persona(self, persona: str) -> str:
        """Add a persona where it is missing."""
        if persona not in self.personas:
            self.backend.people.save_persona(persona, name=persona.title(), passport={}, version=0, actor=self.actor)
            self.personas.add(persona)
        return persona

    def person(self, name: str) -> uuid.UUID:
        """Add a contact with a phone of its own."""
        return self.backend.people.add_contact(name, phone=f"+4917{next(self.numbers)}", actor=self.actor).id

    def direct(self, user: uuid.UUID, persona: str = "sage") -> Direct:
        """Begin a conversation of two."""
        self.backend.conversations.create_direct(user, self.persona(persona), actor=self.actor)
        return Direct(user, persona)

    def group(self, guid: str, *members: uuid.UUID, persona: str = "sage") -> Group:
        """Begin a conversation of several."""
        self.backend.conversations.create_group(guid, title=guid, persona=self.persona(persona), members=members, actor=self.actor)
        return Group(guid)

    def container(self, where: Where) -> Container:
        """Return what is known of a container outside it."""
        return self.backend.scopes.resolve(where)

    @contextlib.contextmanager
    def open(self, where: Where, action: str = "memory.read") -> Iterator[Any]:
        """Open the memory of one container."""
        with self.memory.scope(where, actor=self.actor, reason=REASON, action=action) as memory:
            yield memory

    def remember(self, where: Where, text: str, **facts: Any) -> uuid.UUID:
        """Add a memory; return its id."""
        with self.open(where, "memory.add") as memory:
            found: uuid.UUID = memory.add(text, **facts).id
        return found

    def search(self, where: Where, query: str, *, mode: str = "lexical", limit: int = 50) -> list[str]:
        """Return the texts found, best first."""
        with self.open(where) as memory:
            return [hit.memory.text for hit in memory.search(query, limit=limit, mode=mode)]

    def texts(self, where: Where) -> list[str]:
        """Return everything remembered there, newest first."""
        with self.open(where) as memory:
            return [found.text for found in memory.list(limit=500)]

    def say(self, where: Where, sender: uuid.UUID, text: str) -> Received:
        """Send a message to a conversation, as its sender's telephone would."""
        message = (
            IncomingMessage(text=text, user=sender, persona=where.persona) if isinstance(where, Direct) else in_group(where, sender, text)
        )
        return self.backend.conversations.receive(message, actor=self.backend.system())

    def reply(self, where: Where, message: str) -> str:
        """Return everything a persona's answer would be given, as one text."""
        found = self.replies.reply_context(self.container(where).conversation_id, message, actor=self.actor)
        # what was asked is repeated in the answer, and told nobody anything
        return repr(replace(found, message=""))

    def given(self, where: Where, message: str) -> str:
        """Return only the words that a persona's answer would be given."""
        found = self.replies.reply_context(self.container(where).conversation_id, message, actor=self.actor)
        said = [one.hit.memory.text for one in found.memories] + [rule.topic for rule in found.boundaries]
        return "\n".join(said + ([found.photo.sentence] if found.photo else []))

    def knows(self, where: Where, *questions: str) -> str:
        """Return all that any way of looking into a container gives, as one text."""
        with self.open(where) as memory:
            found = [memory.list(limit=500), memory.facets(), memory.count()]
            found.extend(memory.search(question, limit=50, mode=mode) for question in questions for mode in ("lexical", "hybrid", "vector"))
        return repr(found) + "".join(self.reply(where, question) for question in questions)


def in_group(where: Group, sender: uuid.UUID, text: str) -> IncomingMessage:
    """Return a message to a group."""
    return IncomingMessage(text=text, sender=str(sender), chat_guid=where.guid, is_group=True)


@dataclass
class Quarter:
    """Ann, who looks, in a town of others who talk about the same things."""

    town: Town
    ann: uuid.UUID
    bob: uuid.UUID
    viewers: dict[str, Where]

    @classmethod
    def of(cls, town: Town) -> Quarter:
        """Return a town with the seven contexts of the matrix, each with the same things said in it."""
        ann, bob, cem = (town.person(name) for name in ("Ann", "Bob", "Cem"))
        viewers: dict[str, Where] = {
            "d1": town.direct(ann, "sage"), "d2": town.direct(ann, "echo"), "d3": town.direct(bob, "sage"),
            "ga": town.group("ga", ann, bob), "gb": town.group("gb", ann), "gc": town.group("gc", bob, cem),
        }  # fmt: skip
        return cls(town, ann, bob, viewers)

    def settle(self, name: str) -> None:
        """Say everything there is to say in one context."""
        for text in SAID:
            self.town.remember(self.viewers[name], text)

    def stir(self, viewer: str) -> list[uuid.UUID]:
        """Do everything that can be done in every context but one; return ids that are now foreign."""
        return [identity for name, where in self.viewers.items() if name != viewer for identity in stir(self.town, where, name)]


def stir(town: Town, where: Where, name: str) -> list[uuid.UUID]:
    """Do everything that can be done in one context, in words that are also said elsewhere and in one that is not."""
    town.backend.conversations.receive(spoken(where, town, f"{CANARY} at the harbour of {name}"), actor=town.backend.system())
    with town.open(where, "memory.add") as memory:
        ids = [memory.add(text).id for text in (*SAID, f"harbour harbour harbour {CANARY}", f"Ann and {CANARY} fly kites in {name}")]
    with town.open(where, "memory.edit") as memory:
        memory.update(ids[0], text=f"We row to the harbour, says {CANARY}", version=1)
    with town.open(where) as memory:
        memory.search("harbour kites", limit=5)
        memory.autocomplete("har")
    return ids


def spoken(where: Where, town: Town, text: str) -> IncomingMessage:
    """Return a message by somebody who is in the conversation."""
    if isinstance(where, Direct):
        return IncomingMessage(text=text, user=where.user, persona=where.persona)
    members = town.backend.conversations.members(town.container(where).conversation_id, actor=town.actor)
    return in_group(where, members[0].user_id, text)


def canonical(value: Any, names: dict[uuid.UUID, str] | None = None) -> Any:
    """Return a result with its ids numbered in the order they are met and its times left out, to compare it across worlds."""
    names = {} if names is None else names
    if isinstance(value, (uuid.UUID, dt.datetime, float)):
        return _plain(value, names)
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: canonical(getattr(value, one.name), names) for one in fields(value)}
    if isinstance(value, dict):
        return {str(key): canonical(one, names) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [canonical(one, names) for one in value]
    return value


def unpacked(path: Path) -> bytes:
    """Return what is in an export, out of its archive."""
    with zipfile.ZipFile(path) as archive:
        return b"".join(archive.read(name) for name in sorted(archive.namelist()))


def _plain(value: uuid.UUID | dt.datetime | float, names: dict[uuid.UUID, str]) -> str | float:
    if isinstance(value, uuid.UUID):
        return names.setdefault(value, f"id {len(names)}")
    return "a moment" if isinstance(value, dt.datetime) else round(value, 9)


def outcome(act: Callable[[], Any]) -> Any:
    """Return what a call gives: its result in canonical form, or everything an error tells."""
    try:
        return canonical(act())
    except LecternError as error:
        return {"error": type(error).__name__, "code": error.code, "sentence": str(error), "next": error.next_step}
