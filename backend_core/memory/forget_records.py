"""What forgetting is asked, what it shows beforehand, and what it did."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

STORES: Final = (
    "memories", "versions", "postings", "vectors", "messages", "photos", "objects", "reminders", "safety", "boundaries", "jobs",
    "notifications", "cached_replies",
)  # fmt: skip
"""Every kind of place that holds something of a conversation; what Lectern does not keep counts as 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing that goes, or stays.

    Attributes:
        store: one of ``STORES``.
        text: what it says; of a photo its caption and summary.
        why: stable word: ``turn`` (the last thing said), ``topic``, ``version`` (an earlier version is about it), ``chosen``, ``source``
            (a memory came from it), ``derived`` (it came from a message that goes), ``answer``, ``command``, ``attached``;
            of what stays ``rule`` (a boundary that counts), ``beside`` (from the same message, about something else) or ``others``
            (somebody else said it).
    """

    store: str
    id: uuid.UUID
    text: str
    at: dt.datetime | None
    speaker: str | None
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """Exactly what a request to forget would take away.

    Attributes:
        container: its public id.
        masked: its label without the phone number.
        about: the topic; None for the last turn or for chosen memories.
        items: what goes.
        counts: the same by store, with what has no text of its own; every store is named.
        stays: what is near it and stays.
        question: why nothing would be done, as something to ask; None when it is clear.
        already: what was meant is forgotten already.
    """

    container: uuid.UUID
    masked: str
    about: str | None
    items: tuple[Item, ...]
    counts: Mapping[str, int]
    stays: tuple[Item, ...] = ()
    question: str | None = None
    already: bool = False

    def ids(self, store: str) -> tuple[uuid.UUID, ...]:
        """Return the ids of what goes from one store."""
        return tuple(item.id for item in self.items if item.store == store)


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A signed proof that something was erased; ``document`` is the file, to be kept or handed over as it is."""

    id: uuid.UUID
    at: dt.datetime
    kind: str
    key_id: str
    document: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """What a request to forget did.

    Attributes:
        erasure_id: give it to ``restore`` until ``purge_after``; None when nothing was done.
        counts: by store.
        hard: gone, not only hidden.
        receipt: of a hard one; a soft one gets its receipt when it is purged.
        question: what to ask when nothing was done because it was not clear.
    """

    erasure_id: uuid.UUID | None
    counts: Mapping[str, int]
    hard: bool
    purge_after: dt.datetime | None
    receipt: Receipt | None = None
    question: str | None = None
    already: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """A request to forget as lists show it; never what was forgotten.

    Attributes:
        state: ``hidden`` (it can be taken back until ``purge_after``), ``restored`` or ``purged``.
    """

    id: uuid.UUID
    container: uuid.UUID
    asked_by: str
    asked_at: dt.datetime
    hard: bool
    purge_after: dt.datetime | None
    state: str
    counts: Mapping[str, int]
    receipt_id: uuid.UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Boundary:
    """A rule of a conversation about what is not brought up.

    Attributes:
        kind: ``hide`` (unless the contact speaks of it), ``never``, or ``forget`` (what was said of it before is being forgotten).
        topic: in the contact's words; of "that", the beginning of what was said.
        memory_id: of "that", the memory it is about.
    """

    id: uuid.UUID
    kind: str
    topic: str
    set_by: str
    active: bool
    created_at: dt.datetime
    lifted_at: dt.datetime | None
    memory_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Obeyed:
    """What a command in a conversation did.

    Attributes:
        did: ``forgot``, ``quiet`` (a boundary was set), ``asked`` (not clear), ``nothing`` (nothing is known of it) or ``already``.
        sentence: what to answer, in the person's language; never the topic.
        boundaries: ids of the boundaries that were set.
    """

    did: str
    sentence: str
    language: str
    counts: Mapping[str, int] = field(default_factory=dict)
    erasure_id: uuid.UUID | None = None
    boundaries: tuple[uuid.UUID, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptVerdict:
    """Whether a receipt is what was signed.

    Attributes:
        ok: every check held.
        problems: pairs of a stable word and a sentence.
        key_id: of the key that signed it.
        known_key: whether the audit log, or the caller, vouches for that key; None when nobody was asked.
        facts: the content of the receipt, empty when it cannot be read.
    """

    ok: bool
    problems: tuple[tuple[str, str], ...]
    key_id: str
    known_key: bool | None
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonErasure:
    """A request to erase everything about a contact.

    Attributes:
        state: ``waiting`` (until ``due_at`` it can be cancelled), ``cancelled`` or ``done``.
    """

    id: uuid.UUID
    user_id: uuid.UUID
    asked_by: str
    asked_at: dt.datetime
    reason: str
    due_at: dt.datetime
    state: str
    counts: Mapping[str, int]
    receipt_id: uuid.UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonExport:
    """A file with everything about a contact.

    Attributes:
        files: in the archive, the manifest included.
        counts: rows by kind.
        sha256: of the archive, in hexadecimal digits.
    """

    files: int
    counts: Mapping[str, int]
    sha256: str
