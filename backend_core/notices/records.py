"""What notices hand out and take: plain frozen records."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

EMAIL: Final = "email"
WEBHOOK: Final = "webhook"
CHANNELS: Final = (EMAIL, WEBHOOK)
SEVERITIES: Final = ("info", "warn", "bad")
RAISED: Final = "raised"
RESOLVED: Final = "resolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewNotice:
    """Something that has begun; there is one live notice per kind and subject.

    Attributes:
        kind: a word such as ``pool_full``.
        subject: which one, ``lectern-worker@ws:12`` or empty where there is only one.
        severity: ``info``, ``warn`` or ``bad``.
        body: one or two sentences; no content of documents or conversations.
        page: key of the page it leads to.
        target: what the page is told, such as ``{"tab": "pool"}``.
        operator_id: whom it is for; everybody when left out.
    """

    kind: str
    subject: str
    severity: str
    title: str
    body: str
    page: str
    target: Mapping[str, Any] = field(default_factory=dict)
    operator_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One event, as long as it lasts and after it.

    Attributes:
        times: how often it was said again while it lasted, the first time included.
        silenced: how often of these nobody was told.
        quiet_until: end of the silence that holds for it now; None without one.
        resolved_at: when it was over, UTC; None while it lasts.
    """

    id: int
    kind: str
    subject: str
    severity: str
    title: str
    body: str
    page: str
    target: dict[str, Any]
    operator_id: int | None
    correlation_id: str
    times: int
    silenced: int
    raised_at: dt.datetime
    last_at: dt.datetime
    resolved_at: dt.datetime | None
    acknowledged_at: dt.datetime | None
    acknowledged_by: str | None
    note: str | None
    quiet_until: dt.datetime | None

    @property
    def live(self) -> bool:
        """Whether it still lasts."""
        return self.resolved_at is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """That nobody is told of a kind of notice until a time.

    Attributes:
        subject: only this one; every one of the kind when empty.
    """

    id: int
    kind: str
    subject: str
    until: dt.datetime
    reason: str
    created_by: str
    created_at: dt.datetime
    lifted_at: dt.datetime | None
    lifted_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One message of the outbox.

    Attributes:
        event: ``raised`` or ``resolved``.
        status: ``WAITING``, ``SENT`` or ``FAILED``.
        next_at: when it is tried next, UTC.
        error: why it has not left, or that it may have left twice.
    """

    id: int
    notice_id: int
    channel: str
    event: str
    status: str
    attempts: int
    next_at: dt.datetime
    sent_at: dt.datetime | None
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelState:
    """How one way out is.

    Attributes:
        name: ``email`` or ``webhook``.
        on: whether the house settings switch it on.
        where: host it goes to; empty while off.
        ready: whether address, consent and secret are there.
        sentence: what is missing or wrong, or that it works, for people.
    """

    name: str
    on: bool
    ready: bool
    where: str
    sentence: str
    waiting: int
    failed: int
    last_sent_at: dt.datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """What one round of deliveries did."""

    sent: int
    later: int
    failed: int
