"""What kinds of memory, boundaries and stores are called on the screen, and how sure numbers are written."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from PySide6.QtCore import QDateTime, QLocale

from desktop.i18n import number, tr

TYPES: Final = ("factual", "emotional", "preference", "relationship", "inside_joke", "deadline", "trip", "future_event")
_TYPES: Final = {
    "factual": ("Factual", "none"),
    "emotional": ("Emotional", "none"),
    "preference": ("Preference", "none"),
    "relationship": ("Relationship", "none"),
    "inside_joke": ("Inside joke", "none"),
    "deadline": ("Deadline", "warn"),
    "trip": ("Trip", "info"),
    "future_event": ("Future event", "info"),
}
_BOUNDARIES: Final = {
    "forget": ("Forgotten", "eraser"),
    "hide": ("Not brought up", "bell-off"),
    "never": ("Never mentioned", "ban"),
}
_STORES: Final = {
    "memories": ("Memories", "brain"),
    "versions": ("Earlier versions", "history"),
    "messages": ("Messages", "message-square-text"),
    "photos": ("Photos", "image"),
    "objects": ("Stored files", "hard-drive"),
    "reminders": ("Reminders", "bell"),
    "vectors": ("Vectors", "layers"),
    "cached_replies": ("Cached replies", "reply"),
    "notifications": ("Notifications", "inbox"),
    "jobs": ("Queued jobs", "list-checks"),
    "safety": ("Safety findings", "flag"),
    "boundaries": ("Boundaries", "bell-off"),
}
POSTINGS: Final = frozenset({"postings"})


def type_words(kind: str) -> str:
    """Return the name of a type; an unknown one is written as it is stored."""
    known = _TYPES.get(kind)
    return tr(known[0]) if known else kind.replace("_", " ").capitalize()


def type_tone(kind: str) -> str:
    """Return the tone of the pill of a type."""
    return _TYPES.get(kind, ("", "none"))[1]


def boundary_words(kind: str) -> tuple[str, str]:
    """Return what a kind of boundary does in a few words, and its icon."""
    words, icon = _BOUNDARIES.get(kind, (kind.capitalize(), "bell-off"))
    return tr(words), icon


def store_words(store: str) -> tuple[str, str]:
    """Return the name of a place where something is kept, and its icon."""
    words, icon = _STORES.get(store, (store.replace("_", " ").capitalize(), "database"))
    return tr(words), icon


def matches(count: int) -> str:
    """Return “1 match” or “6 matches”."""
    return tr("1 match") if count == 1 else tr("{n} matches", n=number(count))


def memories(count: int) -> str:
    """Return “1 memory” or “38 memories”."""
    return tr("1 memory") if count == 1 else tr("{n} memories", n=number(count))


def day_words(moment: datetime) -> str:
    """Return the local day of an aware ``moment``: Wed 18 Nov 2026."""
    return QLocale().toString(_local(moment).date(), "ddd d MMM yyyy")


def day_short(moment: datetime) -> str:
    """Return the local day without its weekday: 18 Nov 2026."""
    return QLocale().toString(_local(moment).date(), "d MMM yyyy")


def time_words(moment: datetime) -> str:
    """Return the local time of day of an aware ``moment``: 21:14."""
    return moment.astimezone().strftime("%H:%M")


def moment_words(moment: datetime) -> str:
    """Return day and time: 18 Nov 2026 21:14."""
    return f"{day_short(moment)} {time_words(moment)}"


def _local(moment: datetime) -> QDateTime:
    return QDateTime.fromSecsSinceEpoch(int(moment.timestamp()))
