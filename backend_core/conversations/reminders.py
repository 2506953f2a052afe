"""Reminders: what a persona says in a conversation when the time has come, once or again and again."""

from __future__ import annotations

import calendar
import datetime as dt
import uuid
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import Row, func, insert, select, update

from backend_core.conversations.base import ConversationsBase, storable, utc
from backend_core.conversations.records import PERSONA, Reminder
from backend_core.conversations.tables import conversations, messages, reminders
from backend_core.errors import InvalidInput, LecternError, NotFound
from backend_core.logs import correlation_id, get_logger
from backend_core.policy import Actor, Target, authorize
from backend_core.scopes.service import Scope
from backend_core.scopes.tables import containers

log = get_logger(__name__)
RULES: Final = ("daily", "weekly", "monthly")
LONGEST: Final = 500
MOST_ROWS: Final = 500
MOST_DUE: Final = 1000
MONTHS: Final = 12
_COLUMNS: Final = tuple(reminders.c[name] for name in Reminder.__dataclass_fields__)


class Reminders(ConversationsBase):
    """The reminders of every conversation."""

    def reminders(self, conversation_id: uuid.UUID, *, actor: Actor, reason: str | None = None) -> tuple[Reminder, ...]:
        """Return the reminders of a conversation, the next one first, past ones last.

        Raises:
            ReasonNeeded: neither ``reason`` nor the actor gives one.
            NotFound: there is no such conversation.
        """
        actor = reasoned(actor, reason)
        authorize(actor, "conversation.read", target_of(conversation_id))
        with self._scopes.open(conversation_id, actor=actor, action="conversation.read") as scope:
            mine = (reminders.c.container_id == scope.container_id, reminders.c.forgotten_at.is_(None))
            over = reminders.c.sent_at.is_not(None) | reminders.c.cancelled_at.is_not(None)
            query = select(*_COLUMNS).where(*mine).order_by(over, reminders.c.due_at, reminders.c.id).limit(MOST_ROWS)
            return tuple(_reminder(row) for row in scope.conn.execute(query))

    def add_reminder(
        self, conversation_id: uuid.UUID, text: str, *, due_at: dt.datetime, actor: Actor, rule: str | None = None
    ) -> Reminder:
        """Have the persona of a conversation say something at a time.

        Args:
            conversation_id: where.
            text: what, up to 500 characters.
            due_at: when, with its zone.
            actor: who asks for it.
            rule: ``daily``, ``weekly`` or ``monthly``; once when left out.

        Raises:
            InvalidInput: a text, time or rule that cannot be used.
            NotFound: there is no such conversation.
        """
        authorize(actor, "reminder.edit", target_of(conversation_id))
        if rule is not None and rule not in RULES:
            raise InvalidInput(f"A reminder comes once, or {', '.join(RULES)}.")
        values = {"text": storable(text, what="A reminder", longest=LONGEST), "due_at": utc(due_at), "rule": rule}
        with self._scopes.open(conversation_id, actor=actor, action="reminder.edit") as scope:
            return _add(scope, values | {"user_id": scope.container.user_id})

    def cancel_reminder(self, conversation_id: uuid.UUID, reminder_id: uuid.UUID, *, actor: Actor) -> Reminder:
        """Take a reminder back before it is said.

        Raises:
            NotFound: there is no such reminder here, or it was said or cancelled already.
        """
        authorize(actor, "reminder.edit", target_of(conversation_id))
        with self._scopes.open(conversation_id, actor=actor, action="reminder.edit") as scope:
            change = update(reminders).where(*_waiting(scope, reminder_id)).values(cancelled_at=func.now())
            row = scope.conn.execute(change.returning(*_COLUMNS)).one_or_none()
            if row is None:
                raise NotFound("There is no such reminder here, or it was said or cancelled already.")
            return _reminder(row)

    def send_due(self, *, actor: Actor) -> int:
        """Say every reminder whose time has come, each in its own conversation; return how many. The worker calls this."""
        authorize(actor, "reminder.edit", Target(kind="conversation"))
        sent = 0
        for handle, due in self._due().items():
            try:
                with self._scopes.open(handle, actor=actor, action="reminder.edit", reason="A reminder is due") as scope:
                    sent += sum(_say(scope, reminder_id) for reminder_id in due)
            except LecternError as error:
                # the others are due too; this one is tried again
                log.warning("a reminder was not said", container=str(handle), error_code=error.code)
        return sent

    def _due(self) -> dict[uuid.UUID, list[uuid.UUID]]:
        """Return which reminders are due, by the public id of their container."""
        waits = (reminders.c.sent_at.is_(None), reminders.c.cancelled_at.is_(None), reminders.c.forgotten_at.is_(None))
        query = (
            select(containers.c.public_id, reminders.c.id)
            .join(containers, containers.c.id == reminders.c.container_id)
            .where(reminders.c.due_at <= func.now(), *waits)
            .order_by(reminders.c.due_at)
            .limit(MOST_DUE)
        )
        due: dict[uuid.UUID, list[uuid.UUID]] = {}
        with self._scopes.directory("Find due reminders") as conn:
            for row in conn.execute(query):
                due.setdefault(row.public_id, []).append(row.id)
        return due


def reasoned(actor: Actor, reason: str | None) -> Actor:
    """Return the actor with this reason, or the one they have."""
    return replace(actor, reason=reason) if reason else actor


def target_of(conversation_id: uuid.UUID | None) -> Target:
    """Return what an action on a conversation is about."""
    return Target(kind="conversation", id=None if conversation_id is None else str(conversation_id))


def following(due: dt.datetime, rule: str, *, now: dt.datetime) -> dt.datetime:
    """Return the next time after ``now``; a month that is too short for the day has it on its last.

    >>> following(dt.datetime(2026, 1, 31, 9), "monthly", now=dt.datetime(2026, 2, 1)).isoformat()
    '2026-02-28T09:00:00'
    """
    if rule in {"daily", "weekly"}:
        step = dt.timedelta(days=1 if rule == "daily" else 7)
        return due + step * max(1, (now - due) // step + 1)
    months = 1
    while (found := _months_later(due, months)) <= now:
        months += 1
    return found


def _months_later(due: dt.datetime, months: int) -> dt.datetime:
    years, month = divmod(due.month - 1 + months, MONTHS)
    last = calendar.monthrange(due.year + years, month + 1)[1]
    return due.replace(year=due.year + years, month=month + 1, day=min(due.day, last))


def _reminder(row: Row[Any]) -> Reminder:
    return Reminder(**row._mapping)


def _waiting(scope: Scope, reminder_id: uuid.UUID) -> tuple[Any, ...]:
    here = (reminders.c.container_id == scope.container_id, reminders.c.id == reminder_id, reminders.c.forgotten_at.is_(None))
    return (*here, reminders.c.sent_at.is_(None), reminders.c.cancelled_at.is_(None))


def _add(scope: Scope, values: dict[str, Any]) -> Reminder:
    where = {"container_id": scope.container_id, "conversation_id": scope.container.conversation_id}
    return _reminder(scope.conn.execute(insert(reminders).values(where | values).returning(*_COLUMNS)).one())


def _say(scope: Scope, reminder_id: uuid.UUID) -> bool:
    """Say one reminder unless somebody else just did; the mark and the message are one transaction."""
    marked = update(reminders).where(*_waiting(scope, reminder_id)).values(sent_at=func.now())
    columns = (reminders.c.text, reminders.c.due_at, reminders.c.rule, reminders.c.user_id, reminders.c.source_message_id)
    row = scope.conn.execute(marked.returning(*columns, reminders.c.sent_at)).one_or_none()
    if row is None:
        return False
    persona = scope.container.persona_id
    if persona is None:
        talk = conversations.c
        persona = scope.conn.execute(select(talk.persona_id).where(talk.id == scope.container.conversation_id)).scalar_one()
    values = {
        "container_id": scope.container_id,
        "conversation_id": scope.container.conversation_id,
        "sender": f"{PERSONA}{persona or ''}",
        "direction": "out",
        "body": row.text,
        "correlation_id": correlation_id()[:40],
    }
    scope.conn.execute(insert(messages).values(values))
    if row.rule is not None:
        again = {"text": row.text, "rule": row.rule, "user_id": row.user_id, "source_message_id": row.source_message_id}
        _add(scope, again | {"due_at": following(row.due_at, row.rule, now=row.sent_at)})
    return True
