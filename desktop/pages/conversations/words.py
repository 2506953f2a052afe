"""What kinds, stages and states of a conversation are called on the screen."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from PySide6.QtCore import QDateTime, QLocale

from desktop.i18n import number, tr

DIRECT: Final = "direct"
GROUP: Final = "group"
_PHOTOS: Final = {
    "deferred": ("Kept, not looked at", "none", "image"),
    "pending": ("Still looking", "info", "loader"),
    "processing": ("Still looking", "info", "loader"),
    "ready": ("Looked at", "ok", "image"),
    "failed": ("Could not be read", "warn", "image-off"),
}
_STAGES: Final = {"stranger": "Stranger", "acquaintance": "Acquaintance", "friend": "Friend", "best_friend": "Best friend"}
_RULES: Final = {"daily": "every day", "weekly": "every week", "monthly": "every month"}

_KINDS: Final = {
    "factual": "Factual",
    "emotional": "Emotional",
    "preference": "Preference",
    "relationship": "Relationship",
    "inside_joke": "Inside joke",
    "deadline": "Deadline",
    "trip": "Trip",
    "future_event": "Future event",
}
_RULE_ICONS: Final = {"forget": "eraser", "hide": "bell-off", "never": "ban"}
_EFFECTS: Final = {
    "forget": "Said before it was set: being forgotten",
    "hide": "Not brought up unless the contact speaks of it",
    "never": "Never mentioned, not even when asked",
}


def members_words(count: int) -> str:
    """Return “1 member” or “5 members”."""
    return tr("1 member") if count == 1 else tr("{n} members", n=number(count))


def messages_words(count: int) -> str:
    """Return “1 message” or “1,204 messages”."""
    return tr("1 message") if count == 1 else tr("{n} messages", n=number(count))


def photo_words(status: str) -> tuple[str, str, str]:
    """Return what a state of a photo is called, its tone and its icon."""
    words, tone, icon = _PHOTOS.get(status, (status.capitalize(), "none", "image"))
    return tr(words), tone, icon


def stage_words(stage: str) -> str:
    """Return how close two are."""
    known = _STAGES.get(stage)
    return tr(known) if known else stage.replace("_", " ").capitalize()


def rule_words(rule: str | None) -> str:
    """Return how often a reminder comes, empty for once."""
    return tr(_RULES.get(rule, rule)) if rule else ""


def day_words(moment: datetime) -> str:
    """Return the local day of an aware ``moment``: Wed 18 Nov 2026."""
    return QLocale().toString(QDateTime.fromSecsSinceEpoch(int(moment.timestamp())).date(), "ddd d MMM yyyy")


def time_words(moment: datetime) -> str:
    """Return the local time of day: 21:14."""
    return moment.astimezone().strftime("%H:%M")


def type_words(kind: str) -> str:
    """Return the name of a type of memory."""
    known = _KINDS.get(kind)
    return tr(known) if known else kind.replace("_", " ").capitalize()


def boundary_icon(kind: str) -> str:
    """Return the icon of a kind of boundary."""
    return _RULE_ICONS.get(kind, "bell-off")


def effect_words(kind: str, kept_back: int) -> str:
    """Return what a boundary does, and how many memories it keeps from this reply."""
    effect = tr(_EFFECTS.get(kind, "In force"))
    if not kept_back:
        return effect
    held = tr("keeps 1 memory from this reply") if kept_back == 1 else tr("keeps {n} memories from this reply", n=number(kept_back))
    return f"{effect}; {held}"
