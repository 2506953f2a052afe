"""What moderation found, for a person to look at: lists without a word of what was said, and one text at a time with a reason."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import Connection, Select, func, insert, select, update

from backend_core.audit.service import Audit
from backend_core.conversations.tables import messages
from backend_core.errors import Conflict, InvalidInput, NotFound
from backend_core.policy import Actor, Target, authorize
from backend_core.safety.limits import ANY, Verdict
from backend_core.safety.tables import safety_events
from backend_core.scopes.records import Container
from backend_core.scopes.service import Scope, Scopes
from backend_core.scopes.tables import containers

VERDICTS: Final = ("right", "wrong", "unclear")
MOST_ROWS: Final = 500
LONGEST_NOTE: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueRow:
    """One category of one message that is over its limit, or that nobody could judge.

    Attributes:
        category: ``any`` where no category could be judged.
        score: None when nobody could say.
        action: ``blocked``, ``crisis``, ``unchecked``.
        container: public id.
        tag: masked.
        verdict: of the person who looked: ``right``, ``wrong``, ``unclear``; None while nobody has.
    """

    id: uuid.UUID
    at: dt.datetime
    direction: str
    category: str
    score: float | None
    limit: float | None
    action: str
    provider: str
    container: uuid.UUID
    conversation_id: uuid.UUID
    kind: str
    tag: str
    reviewed_by: str | None
    reviewed_at: dt.datetime | None
    verdict: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A finding with the text it is about.

    Attributes:
        text: None when it was forgotten meanwhile, or never kept.
        note: of the person who looked before.
    """

    row: QueueRow
    note: str | None
    text: str | None
    sender: str | None
    said_at: dt.datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueCounts:
    """How much waits for a person.

    Attributes:
        open: findings nobody has looked at.
        unchecked: of these, messages that passed because the service was away.
        oldest: when the oldest was found.
        wrong: of the last 30 days' reviewed findings, how many a person called wrong.
        reviewed: of the last 30 days' findings, how many a person looked at.
    """

    open: int
    unchecked: int
    oldest: dt.datetime | None
    wrong: int
    reviewed: int


class ReviewQueue:
    """The findings of one database."""

    def __init__(self, scopes: Scopes, audit: Audit) -> None:
        self._scopes = scopes
        self._audit = audit

    def review_queue(
        self, *, actor: Actor, reviewed: bool = False, limit: int = 100, before: dt.datetime | None = None
    ) -> tuple[QueueRow, ...]:
        """Return findings, newest first, at most ``limit`` (1 to 500); those nobody looked at, with ``reviewed`` the others as well."""
        authorize(actor, "safety.list", Target(kind="safety"))
        query = _rows().order_by(safety_events.c.created_at.desc(), safety_events.c.id).limit(max(1, min(limit, MOST_ROWS)))
        if not reviewed:
            query = query.where(safety_events.c.reviewed_at.is_(None))
        if before is not None:
            query = query.where(safety_events.c.created_at < before)
        with self._scopes.directory("List findings") as conn:
            return tuple(_row(row) for row in conn.execute(query).mappings())

    def counts(self, *, actor: Actor) -> QueueCounts:
        """Return how much waits, and how often moderation was wrong."""
        authorize(actor, "safety.list", Target(kind="safety"))
        with self._scopes.directory("Count findings") as conn:
            return counted(conn)

    def open_text(self, event_id: uuid.UUID, *, actor: Actor, reason: str | None = None) -> Opened:
        """Return a finding with the message it is about; who looked and why is in the audit log.

        Raises:
            NotFound: no such finding.
            ReasonNeeded: neither the actor nor the call gives a reason.
        """
        authorize(_with(actor, reason), "safety.review", Target(kind="safety", id=str(event_id)))
        row = self._find(event_id)
        with self._scopes.open(row.container, actor=_with(actor, reason), action="safety.review") as scope:
            found = scope.conn.execute(_said(scope, event_id)).one_or_none()
        if found is None:
            raise NotFound("There is no such finding.")
        return Opened(row=row, note=found.note, text=found.body, sender=found.sender, said_at=found.timestamp)

    def review(self, event_id: uuid.UUID, verdict: str, note: str = "", *, actor: Actor, reason: str | None = None) -> QueueRow:
        """Say what a person makes of a finding.

        Args:
            event_id: of the finding.
            verdict: ``right``, ``wrong`` or ``unclear``.
            note: what else there is to say, without quoting the message.
            actor: who looked.
            reason: why they did.

        Raises:
            InvalidInput: another verdict, or a note that is too long.
            NotFound: no such finding.
            Conflict: somebody else was first.
        """
        known = _with(actor, reason)
        target = Target(kind="safety", id=str(event_id))
        authorize(known, "safety.review", target)
        words = " ".join(note.split())
        if verdict not in VERDICTS or len(words) > LONGEST_NOTE:
            raise InvalidInput(f"The verdict is one of {', '.join(VERDICTS)}, the note has at most {LONGEST_NOTE} characters.")
        row = self._find(event_id)
        values = {"verdict": verdict, "note": words or None, "reviewed_by": actor.name[:200], "reviewed_at": func.clock_timestamp()}
        with self._scopes.open(row.container, actor=known, action="safety.review") as scope:
            mine = (safety_events.c.container_id == scope.container_id, safety_events.c.id == event_id)
            change = update(safety_events).where(*mine, safety_events.c.reviewed_at.is_(None)).values(values)
            if scope.conn.execute(change).rowcount != 1:
                raise Conflict("Somebody else has looked at this already.")
            after = {"category": row.category, "action": row.action, "verdict": verdict}
            self._audit.record(scope.conn, actor=known, action="safety.review", target=target, after=after)
        return self._find(event_id)

    def _find(self, event_id: uuid.UUID) -> QueueRow:
        with self._scopes.directory("Find finding") as conn:
            row = conn.execute(_rows().where(safety_events.c.id == event_id)).mappings().one_or_none()
        if row is None:
            raise NotFound("There is no such finding.")
        return _row(row)


def keep(scope: Scope, verdict: Verdict, *, message_id: uuid.UUID | None) -> int:
    """Keep what was found in the transaction of ``scope``, one row per category; return how many. Nothing found leaves none."""
    found: list[tuple[str, float | None, float | None]] = [(one.category, one.score, one.limit) for one in verdict.over]
    if verdict.action == "unchecked":
        found.append((ANY, None, None))
    facts: dict[str, object] = {
        "container_id": scope.container_id, "message_id": message_id, "direction": verdict.direction, "action": verdict.action,
        "provider": verdict.provider[:40],
    }  # fmt: skip
    rows = [facts | {"category": category, "score": score, "limit": limit} for category, score, limit in found]
    if rows:
        scope.conn.execute(insert(safety_events), rows)
    return len(rows)


def counted(conn: Connection) -> QueueCounts:
    """Return how much waits, as the directory sees it."""
    rows = safety_events.c
    waiting = rows.reviewed_at.is_(None)
    lately = rows.reviewed_at.is_not(None) & (rows.created_at > func.now() - func.make_interval(0, 0, 0, 30))
    columns = {
        "open": func.count().filter(waiting),
        "unchecked": func.count().filter(waiting, rows.action == "unchecked"),
        "oldest": func.min(rows.created_at).filter(waiting),
        "wrong": func.count().filter(lately, rows.verdict == "wrong"),
        "reviewed": func.count().filter(lately),
    }
    query = select(*(column.label(name) for name, column in columns.items())).where(waiting | lately)
    return QueueCounts(**conn.execute(query).mappings().one())


_EVENT: Final = ("id", "direction", "category", "score", "limit", "action", "provider", "reviewed_by", "reviewed_at", "verdict")
_CONTAINER: Final = tuple(Container.__dataclass_fields__)


def _rows() -> Select[Any]:
    columns = [safety_events.c[name] for name in _EVENT]
    found = [containers.c[name].label(f"in_{name}") for name in _CONTAINER]
    query = select(*columns, safety_events.c.created_at.label("at"), *found)
    # what the privacy suite makes up is nobody's message
    return query.join(containers, containers.c.id == safety_events.c.container_id).where(containers.c.synthetic.is_(False))


def _said(scope: Scope, event_id: uuid.UUID) -> Select[Any]:
    same = (messages.c.container_id == safety_events.c.container_id) & (messages.c.id == safety_events.c.message_id)
    query = select(safety_events.c.note, messages.c.body, messages.c.sender, messages.c.timestamp)
    query = query.outerjoin(messages, same & messages.c.forgotten_at.is_(None))
    return query.where(safety_events.c.container_id == scope.container_id, safety_events.c.id == event_id)


def _row(found: Mapping[Any, Any]) -> QueueRow:
    values = dict(found)
    container = Container(**{name: values.pop(f"in_{name}") for name in _CONTAINER})
    about: dict[str, Any] = {"container": container.public_id, "conversation_id": container.conversation_id, "kind": container.kind}
    return QueueRow(**values, **about, tag=container.masked_tag)


def _with(actor: Actor, reason: str | None) -> Actor:
    return actor if reason is None else replace(actor, reason=reason)
