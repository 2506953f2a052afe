"""What memory tells outside: a memory, why it was found, its earlier versions, how many there are."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from backend_core.errors import InvalidInput
from backend_core.memory.tables import TYPES

LONGEST_TEXT: Final = 20_000
LONGEST_SPEAKER: Final = 200
Mode = Literal["lexical", "hybrid", "vector"]
Why = Literal[
    "word", "neighbour", "date", "meaning", "day", "speaker", "first_person", "time", "number", "question", "length", "salience", "conflict"
]
"""What a part of a score comes from.

``word``: the word stands in the memory. ``neighbour``: it stands in what was said just before or after. ``date``: said on the day asked
for, or names it. ``meaning``: its vector is near. ``day``: the same day holds something that fits well. ``speaker``: said by whom the
question names. ``first_person``, ``time``, ``number``, ``question``, ``length``: it tells, or only asks. ``salience``: how much it
matters. ``conflict``: something newer contradicts it.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Something remembered in one container.

    Attributes:
        turn: place in the order of what was said in this container; not without gaps.
        type: one of ``TYPES``.
        speaker: who said it; None where somebody noted it as a fact.
        salience, confidence: 0 to 1.
        source_message_id: the message it comes from.
        said_at, event_at, expires_at: when it was said, what day it is about, when it stops to count; UTC.
        conflicts_with: the newer memory of this container that contradicts it.
        version: 1 when it is new; give it to ``update``.
        forgotten_at, purge_after: set while it is forgotten and not yet erased.
    """

    id: uuid.UUID
    turn: int
    type: str
    text: str
    speaker: str | None
    salience: float
    confidence: float
    tone: str | None
    topic: str | None
    source_message_id: uuid.UUID | None
    said_at: dt.datetime
    event_at: dt.datetime | None
    expires_at: dt.datetime | None
    conflicts_with: uuid.UUID | None
    version: int
    created_at: dt.datetime
    updated_at: dt.datetime
    forgotten_at: dt.datetime | None
    purge_after: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Part:
    """One reason why a memory was found, and what it adds to the score.

    Attributes:
        term: the word as it was asked for; empty where no single word is the reason.
        score: negative where it counts against.
        why: what it comes from.
    """

    term: str
    score: float
    why: Why


@dataclass(frozen=True, slots=True)
class Hit:
    """A memory that a search found.

    Attributes:
        score: comparable within one search only; the sum of ``parts``.
        rank: 1 for the best.
        parts: the strongest first.
        mode: how it was found; ``lexical`` where meaning was asked for but no model is there.
    """

    memory: Memory
    score: float
    rank: int
    parts: tuple[Part, ...]
    mode: Mode


@dataclass(frozen=True, slots=True)
class Version:
    """A memory as it was before a change, or as it is.

    Attributes:
        changed_by: who made the next version of it, or the present one.
        reason: why.
    """

    version: int
    text: str
    type: str
    changed_by: str
    changed_at: dt.datetime
    reason: str | None


@dataclass(frozen=True, slots=True)
class Facets:
    """How many memories a container holds, those that are forgotten left out of all but ``forgotten``."""

    total: int
    forgotten: int
    conflicts: int
    types: Mapping[str, int]
    speakers: Mapping[str, int]
    first_at: dt.datetime | None
    last_at: dt.datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMemory:
    """Something to remember.

    Attributes:
        said_at: now, where it is left out.
    """

    text: str
    type: str = "factual"
    salience: float = 0.5
    confidence: float = 1.0
    said_at: dt.datetime | None = None
    speaker: str | None = None
    source_message_id: uuid.UUID | None = None
    event_at: dt.datetime | None = None
    expires_at: dt.datetime | None = None
    tone: str | None = None
    topic: str | None = None
    id: uuid.UUID | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be kept; raises InvalidInput."""
        checked_text(self.text)
        checked_type(self.type)
        if not (0 <= self.salience <= 1 and 0 <= self.confidence <= 1):
            raise InvalidInput("Salience and confidence are between 0 and 1.")
        if self.speaker is not None and (not self.speaker.strip() or len(self.speaker) > LONGEST_SPEAKER or "\0" in self.speaker):
            raise InvalidInput(f"The name of a speaker has 1 to {LONGEST_SPEAKER} characters.")
        if any(moment is not None and moment.tzinfo is None for moment in (self.said_at, self.event_at, self.expires_at)):
            raise InvalidInput("A moment needs its time zone.")


def checked_text(text: str) -> str:
    """Return a text that can be remembered.

    Raises:
        InvalidInput: it is empty, too long, or holds what the database cannot.
    """
    if not text.strip() or len(text) > LONGEST_TEXT:
        raise InvalidInput(f"A memory has 1 to {LONGEST_TEXT:,} characters.")
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise InvalidInput("That text holds characters that cannot be kept.")
    return text


def checked_type(name: str) -> str:
    """Return the name of a type of memory.

    Raises:
        InvalidInput: there is none of that name.
    """
    if name not in TYPES:
        raise InvalidInput(f"A memory is one of {', '.join(TYPES)}.")
    return name
