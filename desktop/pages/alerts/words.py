"""What the page says about notices, job alerts and silences; no widgets here."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from desktop.i18n import ago, duration, number, tr

if TYPE_CHECKING:
    from backend_core.notices.records import Delivery, Notice, Silence

SEVERITIES: Final[dict[str, tuple[str, Callable[[], str], str]]] = {
    "info": ("info", lambda: tr("Note"), "info"),
    "warn": ("triangle-alert", lambda: tr("Warning"), "warn"),
    "bad": ("octagon-alert", lambda: tr("Alarm"), "bad"),
}
STATUSES: Final[dict[str, tuple[str, Callable[[], str], str]]] = {
    "NEW": ("bell", lambda: tr("New"), "bad"),
    "ACKNOWLEDGED": ("eye", lambda: tr("Acknowledged"), "warn"),
    "INVESTIGATING": ("search", lambda: tr("Investigating"), "info"),
    "RESOLVED": ("circle-check", lambda: tr("Resolved"), "ok"),
    "IGNORED": ("bell-off", lambda: tr("Ignored"), "none"),
}
MOVES: Final[dict[str, Callable[[], str]]] = {
    "ACKNOWLEDGED": lambda: tr("Acknowledge"),
    "INVESTIGATING": lambda: tr("Investigate"),
    "RESOLVED": lambda: tr("Resolve"),
    "IGNORED": lambda: tr("Ignore"),
}
CLOSING: Final = frozenset({"RESOLVED", "IGNORED"})
PERIODS: Final = (1, 4, 24, 24 * 7, 24 * 30)
"""Hours a silence may last; the service allows 30 days."""
_A_DAY: Final = 24


def severity_look(one: Notice) -> tuple[str, str, str]:
    """Return icon, word and tone; what is over is no longer coloured."""
    icon, word, tone = SEVERITIES.get(one.severity, SEVERITIES["info"])
    return icon, word(), tone if one.live else "none"


def notice_state(one: Notice) -> tuple[str, str]:
    """Return in which state a notice is, and its tone."""
    if one.resolved_at is not None:
        return tr("over"), "ok"
    if one.acknowledged_at is not None:
        return tr("acknowledged"), "none"
    if one.quiet_until is not None:
        return tr("silenced"), "none"
    return tr("open"), severity_look(one)[2]


def kind_words(kind: str) -> str:
    """Return a kind of notice as people read it."""
    return kind.replace("_", " ")


def times_words(count: int) -> str:
    """Return how often something was said."""
    return tr("once") if count == 1 else tr("{n} times", n=number(count))


def lasted(one: Notice) -> str:
    """Return how long a notice lasts or lasted."""
    end = one.resolved_at or datetime.now(UTC)
    return duration(max(0.0, (end - one.raised_at).total_seconds()))


def raised(one: Notice) -> str:
    """Return how long ago a notice came."""
    return ago(one.raised_at)


def alert_look(status: str) -> tuple[str, str, str]:
    """Return icon, word and tone of an alert's status."""
    icon, word, tone = STATUSES[status]
    return icon, word(), tone


def period_words(hours: int) -> str:
    """Return the length of a silence."""
    if hours < _A_DAY:
        return tr("1 hour") if hours == 1 else tr("{n} hours", n=hours)
    return tr("1 day") if hours == _A_DAY else tr("{n} days", n=hours // _A_DAY)


def silence_left(one: Silence, *, now: datetime | None = None) -> str:
    """Return how long a silence still holds, or how it ended."""
    if one.lifted_at is not None:
        return tr("lifted by {name}", name=one.lifted_by or "")
    left = one.until - (now or datetime.now(UTC))
    return tr("{time} left", time=duration(left.total_seconds())) if left > timedelta(0) else tr("ended")


def delivery_words(one: Delivery) -> tuple[str, str]:
    """Return what became of one message, and its tone."""
    way = {"email": tr("mail"), "webhook": tr("webhook")}.get(one.channel, one.channel)
    event = tr("raised") if one.event == "raised" else tr("over")
    if one.status == "SENT":
        return tr("{way}, {event}: sent", way=way, event=event), "ok"
    if one.status == "FAILED":
        return tr("{way}, {event}: failed. {error}", way=way, event=event, error=one.error or ""), "bad"
    return tr("{way}, {event}: waits, {n} tried", way=way, event=event, n=number(one.attempts)), "none"
