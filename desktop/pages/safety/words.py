"""What the safety page says: categories, verdicts and purposes in plain words."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

from desktop.i18n import ago, number, tr

if TYPE_CHECKING:
    from backend_core.safety.queue import QueueCounts, QueueRow
    from backend_core.safety.service import SafetyStatus

VERDICTS: Final = ("right", "wrong", "unclear")


def category_words(category: str) -> str:
    """Return a category as people say it."""
    return {
        "hate": tr("Hate"),
        "harassment": tr("Harassment"),
        "sexual": tr("Sexual"),
        "minors": tr("Minors"),
        "violence": tr("Violence"),
        "self-harm": tr("Self-harm"),
        "any": tr("Not judged"),
    }.get(category, category)


def direction_words(direction: str) -> str:
    """Return who wrote the text."""
    return tr("answer of a persona") if direction == "output" else tr("message of a contact")


def action_words(action: str) -> tuple[str, str]:
    """Return what happened to the text, and the tone of it."""
    return {
        "blocked": (tr("Blocked"), "bad"),
        "crisis": (tr("Crisis reply"), "warn"),
        "unchecked": (tr("Passed unchecked"), "warn"),
        "allowed": (tr("Allowed"), "none"),
    }.get(action, (action, "none"))


def verdict_words(verdict: str | None) -> tuple[str, str]:
    """Return what a person made of a finding, and the tone of it; nothing where nobody looked."""
    return {
        "right": (tr("Right"), "ok"),
        "wrong": (tr("Wrong"), "warn"),
        "unclear": (tr("Unclear"), "none"),
    }.get(verdict or "", ("", "none"))


def score_words(row: QueueRow) -> str:
    """Return a score beside its limit."""
    if row.score is None or row.limit is None:
        return tr("not judged")
    return tr("{score}, limit {limit}", score=number(row.score, decimals=2), limit=number(row.limit, decimals=2))


def where_words(row: QueueRow) -> str:
    """Return in what kind of conversation it was said; its label is masked."""
    return tr("Group") if row.kind == "group" else tr("Direct")


def badge_words(counts: QueueCounts) -> tuple[str, str]:
    """Return how much waits, and the tone of it."""
    if not counts.open:
        return tr("Nothing waits"), "ok"
    return (tr("1 waits") if counts.open == 1 else tr("{n} wait", n=number(counts.open))), "warn"


def queue_words(counts: QueueCounts, *, now: datetime) -> str:
    """Return how long the oldest waits, and how often moderation was wrong."""
    parts = []
    if counts.oldest is not None:
        parts.append(tr("the oldest from {when}", when=ago(counts.oldest, now=now)))
    if counts.reviewed:
        parts.append(tr("{wrong} of {all} called wrong in 30 days", wrong=number(counts.wrong), all=number(counts.reviewed)))
    return " · ".join(parts)


def judge_words(status: SafetyStatus) -> str:
    """Return who judges texts here."""
    if status.host is None:
        return tr("Local rules judge. They need no network and miss most of what a service finds.")
    return tr("{host} judges, local rules beside it.", host=status.host)


def purpose_words(purpose: str) -> str:
    """Return what leaves for a purpose."""
    return {
        "moderation": tr("Messages, to be judged"),
        "vision": tr("Photos, to be described"),
        "embeddings": tr("Memories, to be found by meaning"),
        "extraction": tr("Messages, to be turned into memories"),
        "oauth": tr("Refresh tokens, for new ones"),
        "speech": tr("Pages, to be spoken"),
        "mail": tr("Notices"),
    }.get(purpose, purpose)
