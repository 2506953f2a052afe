"""A photo in a conversation: what is known of it, and what is honestly said while it is still being looked at."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from dataclasses import dataclass
from typing import Final

OPEN: Final = ("pending", "processing")
SETTLED: Final = ("ready", "failed")
RECENT: Final = dt.timedelta(minutes=10)
"""How long after a photo words such as "what do you think?" are about it."""
SOON: Final = dt.timedelta(seconds=60)
"""How long after it any question is."""
_ABOUT: Final = re.compile(
    r"\b(?:photos?|pics?|pictures?|images?|selfies?|screenshots?|what do you think|what'?s (?:this|that|in it)|what is (?:this|that)"
    r"|who is (?:this|that)"
    r"|how (?:does (?:it|this|that)|do i) look|do you (?:like|see|know) (?:it|this|that|them)|can you (?:see|read)|look at (?:it|this"
    r"|that)"
    r"|(?:this|that) one|where (?:is|was) (?:this|that)|guess (?:what|who|where)"
    r"|fotos?|bild(?:er)?|was (?:denkst|meinst|sagst|haeltst|hältst) du|was ist das|wer ist das|wie (?:findest|gefällt|gefaellt)"
    r"|wie sehe? ich"
    r"|kannst du (?:das|es) (?:sehen|lesen|erkennen)|siehst du|erkennst du|schau (?:mal|dir)|rate mal|wo (?:ist|war) das)\b",
    re.IGNORECASE,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Photo:
    """One photo.

    Attributes:
        status: ``deferred`` until somebody asks about it, ``pending``, ``processing``, ``ready``, ``failed``.
        width, height: of the original, upright.
        summary: one sentence; None until it is ready.
        recognised_text: what stands in it; None where nothing was read.
        asked_early: messages that spoke of it before it was ready.
        answered_late: how many of those got an answer once it was.
    """

    id: uuid.UUID
    conversation_id: uuid.UUID
    attachment_guid: str
    status: str
    caption: str | None
    content_type: str | None
    size_bytes: int | None
    width: int | None
    height: int | None
    summary: str | None
    recognised_text: str | None
    error: str | None
    error_code: str | None
    received_at: dt.datetime
    ready_at: dt.datetime | None
    asked_early: int
    answered_late: int

    def words(self, now: dt.datetime) -> str:
        """Return what a reply may say of it at ``now``; never more than is known."""
        if self.status == "ready":
            text = f" It reads: {self.recognised_text}" if self.recognised_text else ""
            return f"{self.summary or 'A photo.'}{text}"
        if self.status == "failed":
            return f"A photo was sent but could not be looked at: {self.error or 'it cannot be read.'}"
        if self.status == "deferred":
            return "A photo was sent; nobody has asked about it, so it was not looked at."
        seconds = max(0, round((now - self.received_at).total_seconds()))
        return f"Still looking at the photo sent {seconds} seconds ago."


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoStatus:
    """Where a photo is, without a word of what it shows.

    Attributes:
        waited_s: how long the caller was kept.
        sentence: for a person who waits.
    """

    id: uuid.UUID
    conversation_id: uuid.UUID
    status: str
    received_at: dt.datetime
    ready_at: dt.datetime | None
    error: str | None
    waited_s: float = 0.0

    @property
    def settled(self) -> bool:
        """Whether waiting longer changes nothing."""
        return self.status not in OPEN

    @property
    def sentence(self) -> str:
        """One sentence for a person who waits."""
        words = {"ready": "The photo is ready.", "failed": self.error or "The photo could not be looked at."}
        return words.get(self.status, "Nobody asked about the photo yet." if self.status == "deferred" else "Still looking at the photo.")


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoFollowUps:
    """How often people ask about a photo before it is ready.

    Attributes:
        photos: taken in within the time.
        asked: of these, how many were spoken of too early.
        questions: how many messages did so.
        resolved: of these, how many got an answer once the photo was ready.
        unresolved: of these, how many did not: it failed, or nobody came back to it.
        waiting: of these, how many are about photos still being looked at.
        p50_s, p95_s: seconds from taking a photo in until it was ready; None without one.
    """

    photos: int
    asked: int
    questions: int
    resolved: int
    unresolved: int
    waiting: int
    p50_s: float | None
    p95_s: float | None

    @property
    def share(self) -> float:
        """The share of photos that were spoken of too early, 0 to 1."""
        return self.asked / self.photos if self.photos else 0.0


def mentions(text: str, *names: str) -> bool:
    """Return whether a text names somebody, as a word of its own.

    >>> mentions("look, sage!", "Sage"), mentions("a sagebrush", "sage")
    (True, False)
    """
    return any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text, re.IGNORECASE) for name in names if name.strip())


def about_photo(text: str, *, age: dt.timedelta) -> bool:
    """Return whether a message sent ``age`` after a photo speaks of it.

    >>> about_photo("What do you think?", age=SOON * 5), about_photo("Dinner at 7?", age=SOON / 6), about_photo("ok", age=SOON / 6)
    (True, True, False)
    """
    if not -SOON <= age <= RECENT:
        return False
    return _ABOUT.search(text) is not None or (age <= SOON and text.rstrip().endswith("?"))
