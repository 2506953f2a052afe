"""Notices: one per event while it lasts, who has seen it, who keeps it quiet, and how it leaves by mail or webhook."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Final, TypeVar

from sqlalchemy import Connection, func, select, update
from sqlalchemy.dialects.postgresql import insert

from backend_core.audit.service import Audit
from backend_core.db.database import Database
from backend_core.errors import InvalidInput, NotFound
from backend_core.notices import rows
from backend_core.notices.outbox import Around, Outbox
from backend_core.notices.records import CHANNELS, ChannelState, Delivered, Delivery, NewNotice, Notice, Silence
from backend_core.notices.tables import notice_deliveries, notice_seen, notice_silences, notices
from backend_core.policy import ADMIN, AUDITOR, SYSTEM, Actor, Target, authorize

T = TypeVar("T")
MOST_ROWS: Final = 500
LONGEST_NOTE: Final = 500
LONGEST_SILENCE: Final = dt.timedelta(days=30)
_KIND: Final = re.compile(r"[a-z][a-z0-9_]{0,59}")
_SILENCE: Final = tuple(notice_silences.c[name] for name in Silence.__dataclass_fields__)


class Notices:
    """Notices of one database.

    Args:
        around: house settings, secrets and the way out.
    """

    def __init__(self, database: Database, audit: Audit, around: Around) -> None:
        self._database = database
        self._audit = audit
        self._house = around.house
        self._outbox = Outbox(database, around)

    def raise_(self, notice: NewNotice, *, actor: Actor, conn: Connection | None = None) -> int:
        """Raise a notice, or count the live one of its kind and subject; return its id.

        Args:
            conn: the transaction it belongs to; one of its own when left out.
        """
        authorize(actor, "notice.raise", Target(kind="notice"))
        return self._within(conn, "Raise notice", lambda run: rows.begin(run, notice))

    def resolve(self, kind: str, subject: str, *, actor: Actor, conn: Connection | None = None) -> bool:
        """Say that what a notice tells of is over; return whether there was one."""
        authorize(actor, "notice.raise", Target(kind="notice"))
        return self._within(conn, "Resolve notice", lambda run: rows.end(run, kind, subject))

    def listing(self, *, actor: Actor, open_only: bool = False, limit: int = 100) -> tuple[Notice, ...]:
        """Return notices, newest first, at most ``limit`` (1 to 500); with ``open_only`` those that last and nobody acknowledged."""
        authorize(actor, "notice.list", Target(kind="notice"))
        query = rows.facts().where(rows.visible_to(actor)).order_by(notices.c.raised_at.desc(), notices.c.id.desc())
        if open_only:
            query = query.where(notices.c.resolved_at.is_(None), notices.c.acknowledged_at.is_(None))
        with self._database.begin("List notices") as conn:
            return tuple(Notice(**row) for row in conn.execute(query.limit(max(1, min(limit, MOST_ROWS)))).mappings())

    def unread(self, actor: Actor) -> int:
        """Return how many notices came since this person last looked, silenced and acknowledged ones left out.

        None while the house settings switch notices in the window off.
        """
        authorize(actor, "notice.list", Target(kind="notice"))
        seen = select(notice_seen.c.seen_at).where(notice_seen.c.operator_id == actor.operator_id).scalar_subquery()
        with self._database.begin("Count notices") as conn:
            if not self._house.within(conn).notify_in_app:
                return 0
            new = rows.facts().where(rows.visible_to(actor), notices.c.acknowledged_at.is_(None))
            found = new.where(notices.c.raised_at > func.coalesce(seen, dt.datetime(2000, 1, 1, tzinfo=dt.UTC))).subquery()
            loud = found.c.quiet_until.is_(None) & (found.c.silenced < found.c.times)
            return int(conn.execute(select(func.count()).where(loud)).scalar_one())

    def seen(self, actor: Actor) -> None:
        """Note that this person has looked at the notices."""
        authorize(actor, "notice.list", Target(kind="notice"))
        if actor.operator_id is None:
            return
        new = insert(notice_seen).values(operator_id=actor.operator_id)
        now = {"seen_at": func.clock_timestamp()}
        with self._database.begin("Note what was seen") as conn:
            conn.execute(new.on_conflict_do_update(index_elements=["operator_id"], set_=now))

    def acknowledge(self, notice_id: int, note: str = "", *, actor: Actor) -> Notice:
        """Say that somebody looks after it; messages that have not left yet stay here.

        Raises:
            InvalidInput: the note is too long.
            NotFound: no such notice, or somebody else was first.
        """
        target = Target(kind="notice", id=str(notice_id))
        authorize(actor, "notice.acknowledge", target)
        words = " ".join(note.split())
        if len(words) > LONGEST_NOTE or not words.isprintable():
            raise InvalidInput(f"A note has at most {LONGEST_NOTE} characters.")
        change = update(notices).where(notices.c.id == notice_id, notices.c.acknowledged_at.is_(None), rows.visible_to(actor))
        change = change.values(acknowledged_at=func.clock_timestamp(), acknowledged_by=actor.name[:200], note=words or None)
        with self._database.begin("Acknowledge notice") as conn:
            if conn.execute(change.returning(notices.c.id)).first() is None:
                raise NotFound("There is no such notice, or somebody has acknowledged it already.")
            notice = Notice(**conn.execute(rows.facts().where(notices.c.id == notice_id)).mappings().one())
            after = {"kind": notice.kind, "subject": notice.subject, "note": words}
            self._audit.record(conn, actor=actor, action="notice.acknowledge", target=target, after=after)
        return notice

    def silence(self, kind: str, subject: str, until: dt.datetime, *, actor: Actor) -> Silence:
        """Tell nobody of a kind of notice until a time; they are still listed. The actor's reason is kept.

        Args:
            subject: only this one; every one of the kind when empty.

        Raises:
            InvalidInput: no kind, or a time that is over or more than 30 days away.
        """
        target = Target(kind="notice_kind", id=kind[:60])
        authorize(actor, "notice.silence", target)
        now = dt.datetime.now(dt.UTC)
        if not _KIND.fullmatch(kind) or len(subject) > rows.LONGEST["subject"] or not subject.isprintable():
            raise InvalidInput("That is not a kind of notice and its subject as the list shows them.")
        if until.tzinfo is None or not now < until <= now + LONGEST_SILENCE:
            raise InvalidInput(f"A silence ends in the future and within {LONGEST_SILENCE.days} days.")
        values = {"kind": kind, "subject": subject, "until": until, "reason": (actor.reason or "program")[:500]}
        with self._database.begin("Silence notices") as conn:
            new = insert(notice_silences).values(**values, created_by=actor.name[:200]).returning(*_SILENCE)
            silence = Silence(**conn.execute(new).mappings().one())
            after = {"silence": silence.id, "subject": subject, "until": until.isoformat()}
            self._audit.record(conn, actor=actor, action="notice.silence", target=target, after=after)
        return silence

    def lift(self, silence_id: int, *, actor: Actor) -> Silence:
        """End a silence; what still lasts is told from now on.

        Raises:
            NotFound: no such silence, or it has ended.
        """
        target = Target(kind="silence", id=str(silence_id))
        authorize(actor, "notice.silence", target)
        change = update(notice_silences).where(notice_silences.c.id == silence_id, notice_silences.c.lifted_at.is_(None))
        change = change.where(notice_silences.c.until > func.clock_timestamp())
        change = change.values(lifted_at=func.clock_timestamp(), lifted_by=actor.name[:200])
        with self._database.begin("Lift silence") as conn:
            row = conn.execute(change.returning(*_SILENCE)).mappings().one_or_none()
            if row is None:
                raise NotFound("There is no such silence, or it has ended.")
            silence = Silence(**row)
            before = {"kind": silence.kind, "subject": silence.subject, "until": silence.until.isoformat()}
            self._audit.record(conn, actor=actor, action="notice.silence", target=target, before=before, after={"lifted": True})
        return silence

    def silences(self, *, actor: Actor, ended: bool = False) -> tuple[Silence, ...]:
        """Return the silences that hold, the one that ends first at the top; with ``ended`` the others as well."""
        authorize(actor, "notice.list", Target(kind="silence"))
        query = select(*_SILENCE).order_by(notice_silences.c.until).limit(MOST_ROWS)
        if not ended:
            query = query.where(*rows.holding())
        with self._database.begin("List silences") as conn:
            return tuple(Silence(**row) for row in conn.execute(query).mappings())

    def deliveries(self, notice_id: int, *, actor: Actor) -> tuple[Delivery, ...]:
        """Return the messages of one notice, oldest first; none for whoever may not see them."""
        authorize(actor, "notice.list", Target(kind="notice", id=str(notice_id)))
        if actor.role not in (ADMIN, AUDITOR, SYSTEM):
            return ()
        columns = [notice_deliveries.c[name] for name in Delivery.__dataclass_fields__]
        query = select(*columns).where(notice_deliveries.c.notice_id == notice_id).order_by(notice_deliveries.c.id)
        with self._database.begin("List deliveries") as conn:
            return tuple(Delivery(**row) for row in conn.execute(query).mappings())

    def channels(self, *, actor: Actor) -> tuple[ChannelState, ...]:
        """Return how mail and webhook are: on, ready, and what waits or failed."""
        authorize(actor, "notice.test", Target(kind="notice"))
        return tuple(self._outbox.state(channel) for channel in CHANNELS)

    def deliver_due(self, *, actor: Actor, should_stop: Callable[[], bool] = lambda: False) -> Delivered:
        """Send what is due by mail and webhook; the worker does this every few seconds, on as many hosts as like to.

        Raises:
            DatabaseAway: it is away; nothing is lost.
        """
        authorize(actor, "notice.deliver", Target(kind="notice"))
        return self._outbox.deliver(actor, should_stop)

    def test(self, channel: str, *, actor: Actor) -> str:
        """Send a message of no consequence through one channel now; return the host it went to.

        Raises:
            InvalidInput: the channel is not set up, or the other side does not accept the message.
            NotAllowed: nobody consented to sending notices there.
            Unavailable: the other side does not answer.
        """
        target = Target(kind="notice_channel", id=channel[:20])
        authorize(actor, "notice.test", target)
        with self._database.begin("Test channel") as conn:
            self._audit.record(conn, actor=actor, action="notice.test", target=target)
        return self._outbox.test(channel, actor)

    def set_secret(self, channel: str, secret: str, *, actor: Actor) -> None:
        """Keep the password of the mail server, or the key of the webhook, in the vault of this computer; empty forgets it.

        A worker on another computer needs it in the vault there.

        Raises:
            InvalidInput: no such channel.
            SecretsLocked: the vault does not open.
        """
        target = Target(kind="notice_channel", id=channel[:20])
        authorize(actor, "settings.update", target)
        if channel not in CHANNELS:
            raise InvalidInput(f"There is no such channel; those are {', '.join(CHANNELS)}.")
        after = {"secret": "kept" if secret else "forgotten", "workstation": actor.workstation}
        with self._database.begin("Keep secret") as conn:
            self._audit.record(conn, actor=actor, action="settings.update", target=target, after=after)
            # inside: what cannot be recorded is not kept
            self._outbox.keep_secret(channel, secret)

    def health(self) -> tuple[str, str]:
        """Return in one word and one line how deliveries are; for the health check."""
        return self._outbox.health()

    def _within(self, conn: Connection | None, label: str, work: Callable[[rows.Run], T]) -> T:
        if conn is not None:
            self._database.changes.touch(conn, notices.name)
            return work(rows.within(conn))
        with self._database.begin(label) as own:
            self._database.changes.touch(own, notices.name)
            return work(rows.within(own))
