"""The one door for text that leaves: consent per purpose and host, and a row in the ledger before the first byte goes."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, Connection, exists, func, insert, literal, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from backend_core.audit.service import Audit
from backend_core.db.database import Database
from backend_core.errors import Conflict, InvalidInput, LecternError, NotAllowed, NotFound
from backend_core.logs import correlation_id, get_logger
from backend_core.policy import Actor, Target, authorize
from backend_core.safety.hosts import place_in, place_of, refuse_wrong_addresses
from backend_core.safety.tables import egress_consent, egress_ledger
from backend_core.safety.transport import Https, Request, Transport

log = get_logger(__name__)
FRESH_S: Final = 5.0
MOST_ROWS: Final = 500
MODERATION: Final = "moderation"
VISION: Final = "vision"
PURPOSES: Final[Mapping[str, str]] = {
    MODERATION: "Messages, to be judged",
    VISION: "Photos, to be described",
    "embeddings": "Memories, to be found by meaning",
    "extraction": "Messages, to be turned into memories",
    "oauth": "Refresh tokens, for new ones",
    "speech": "Pages, to be spoken",
    "mail": "Notices, by e-mail",
    "webhook": "Notices, to a webhook",
}
"""Why text may leave, and what does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """That text may leave for one purpose to one host; while ``withdrawn_at`` is None."""

    purpose: str
    host: str
    given_by: str
    given_at: dt.datetime
    withdrawn_by: str | None
    withdrawn_at: dt.datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRow:
    """One time that text left, or was about to: the row is written before."""

    at: dt.datetime
    purpose: str
    host: str
    bytes: int
    actor: str
    correlation_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerSum:
    """What left for one purpose and host within a time."""

    purpose: str
    host: str
    requests: int
    bytes: int
    last_at: dt.datetime


class Egress:
    """Consents and the ledger of one database.

    Args:
        transport: carries what was allowed.
        clock: seconds, by which the known hosts grow old.
    """

    def __init__(
        self, database: Database, audit: Audit, *, transport: Transport | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._audit = audit
        self._transport = transport or Https()
        self._clock = clock
        self._lock = threading.Lock()
        self._known: tuple[float, dict[str, tuple[str, ...]]] | None = None

    def consents(self, *, actor: Actor, withdrawn: bool = False) -> tuple[Consent, ...]:
        """Return the consents that hold, newest first; with ``withdrawn`` the others as well."""
        authorize(actor, "egress.list", Target(kind="egress"))
        columns = [egress_consent.c[name] for name in Consent.__dataclass_fields__]
        query = select(*columns).order_by(egress_consent.c.given_at.desc()).limit(MOST_ROWS)
        if not withdrawn:
            query = query.where(egress_consent.c.withdrawn_at.is_(None))
        with self._database.begin("List consents") as conn:
            return tuple(Consent(**row) for row in conn.execute(query).mappings())

    def ledger(self, *, actor: Actor, limit: int = 100, before: dt.datetime | None = None) -> tuple[LedgerRow, ...]:
        """Return what left, newest first, at most ``limit`` (1 to 500)."""
        authorize(actor, "egress.list", Target(kind="egress"))
        columns = [egress_ledger.c[name] for name in LedgerRow.__dataclass_fields__]
        query = select(*columns).order_by(egress_ledger.c.at.desc()).limit(max(1, min(limit, MOST_ROWS)))
        if before is not None:
            query = query.where(egress_ledger.c.at < before)
        with self._database.begin("List ledger") as conn:
            return tuple(LedgerRow(**row) for row in conn.execute(query).mappings())

    def totals(self, *, actor: Actor, days: int = 30) -> tuple[LedgerSum, ...]:
        """Return how much left for each purpose and host within the last ``days``, the most first."""
        authorize(actor, "egress.list", Target(kind="egress"))
        rows = egress_ledger.c
        size = func.sum(rows.bytes)
        query = select(rows.purpose, rows.host, func.count().label("requests"), size.label("bytes"), func.max(rows.at).label("last_at"))
        query = query.where(rows.at > func.now() - func.make_interval(0, 0, 0, days)).group_by(rows.purpose, rows.host)
        with self._database.begin("Sum up ledger") as conn:
            return tuple(
                LedgerSum(**dict(row) | {"bytes": int(row["bytes"])}) for row in conn.execute(query.order_by(size.desc())).mappings()
            )

    def allow(self, purpose: str, host: str, *, actor: Actor) -> Consent:
        """Let text leave for one purpose to one host, until it is withdrawn.

        Raises:
            InvalidInput: no such purpose, or no host text can be sent to.
            Conflict: it is allowed already.
        """
        target = Target(kind="egress", id=purpose)
        authorize(actor, "egress.allow", target)
        if purpose not in PURPOSES:
            raise InvalidInput(f"There is no such purpose; those are {', '.join(PURPOSES)}.")
        key = place_of(host).key
        live = egress_consent.c.withdrawn_at.is_(None)
        new = upsert(egress_consent).values(purpose=purpose, host=key, given_by=actor.name[:200])
        new = new.on_conflict_do_nothing(index_elements=[egress_consent.c.purpose, egress_consent.c.host], index_where=live)
        columns = [egress_consent.c[name] for name in Consent.__dataclass_fields__]
        with self._database.begin("Allow egress") as conn:
            row = conn.execute(new.returning(*columns)).mappings().one_or_none()
            if row is None:
                raise Conflict("This is allowed already.")
            self._audit.record(conn, actor=actor, action="egress.allow", target=target, after={"host": key})
        self._forget_known()
        log.info("egress allowed", purpose=purpose, host=key)
        return Consent(**row)

    def withdraw(self, purpose: str, host: str, *, actor: Actor) -> Consent:
        """Let nothing more leave for this purpose to this host; requests under way end as they may.

        Raises:
            NotFound: it is not allowed.
        """
        target = Target(kind="egress", id=purpose[:40])
        authorize(actor, "egress.withdraw", target)
        key = place_of(host).key
        columns = [egress_consent.c[name] for name in Consent.__dataclass_fields__]
        change = (
            update(egress_consent).where(*_live(purpose, key)).values(withdrawn_by=actor.name[:200], withdrawn_at=func.clock_timestamp())
        )
        with self._database.begin("Withdraw consent") as conn:
            row = conn.execute(change.returning(*columns)).mappings().one_or_none()
            if row is None:
                raise NotFound("Nothing is allowed for this purpose and host.")
            self._audit.record(conn, actor=actor, action="egress.withdraw", target=target, before={"host": key})
        self._forget_known()
        log.info("egress withdrawn", purpose=purpose, host=key)
        return Consent(**row)

    def hosts(self, purpose: str) -> tuple[str, ...]:
        """Return the hosts that are allowed for a purpose, the newest first, at most 5 s old; for whoever decides where to ask.

        While the database is away: those last known, or none.
        """
        with self._lock:
            known = self._known
        if known is None or self._clock() - known[0] >= FRESH_S:
            try:
                known = (self._clock(), self._read_hosts())
            except LecternError:
                # without the ledger nothing is sent anyway
                return () if known is None else known[1].get(purpose, ())
            with self._lock:
                self._known = known
        return known[1].get(purpose, ())

    def send(self, purpose: str, request: Request, *, actor: Actor) -> bytes:
        """Send ``request`` if that is allowed, after a row in the ledger that stays whatever becomes of it; return the answer's body.

        Raises:
            NotAllowed: nobody consented to this purpose and host, or took the consent back.
            InvalidInput: no address text is sent to, or the service does not accept the request.
            Unavailable: the service does not answer.
        """
        self._announce(purpose, place_in(request.url).key, size=len(request.body), actor=actor)
        return self._transport.post(request)

    def announce(self, purpose: str, host: str, *, size: int, actor: Actor) -> None:
        """Add a row to the ledger for what leaves over a line of its own, such as mail.

        Args:
            host: name and port.

        Raises:
            NotAllowed: nobody consented to this purpose and host.
            InvalidInput: no host text is sent to, or its name leads where nothing is.
            Unavailable: the name is not known.
        """
        place = place_of(host)
        self._announce(purpose, place.key, size=size, actor=actor)
        refuse_wrong_addresses(place)

    def _announce(self, purpose: str, key: str, *, size: int, actor: Actor) -> None:
        with self._database.begin("Announce egress") as conn:
            _announce(conn, purpose, key, size=size, actor=actor)

    def record_set_up(self, service: str, host: str, *, actor: Actor) -> None:
        """Record that a service of an other party was set up on a computer; sending it anything still asks for consent."""
        target = Target(kind="token", id=service[:40])
        authorize(actor, "token.save", target)
        with self._database.begin("Set up service") as conn:
            self._audit.record(
                conn, actor=actor, action="token.save", target=target, after={"host": host, "workstation": actor.workstation}
            )

    def _read_hosts(self) -> dict[str, tuple[str, ...]]:
        rows = egress_consent.c
        query = select(rows.purpose, rows.host).where(rows.withdrawn_at.is_(None)).order_by(rows.given_at.desc())
        found: dict[str, tuple[str, ...]] = {}
        with self._database.begin("Read consents") as conn:
            for purpose, host in conn.execute(query):
                found[purpose] = (*found.get(purpose, ()), host)
        return found

    def _forget_known(self) -> None:
        with self._lock:
            self._known = None


def _announce(conn: Connection, purpose: str, host: str, *, size: int, actor: Actor) -> None:
    """Add a row to the ledger, in one statement with the look for consent."""
    facts = {"purpose": purpose, "host": host, "bytes": size, "actor": actor.name[:200], "correlation_id": correlation_id()[:40]}
    values = select(*[literal(value) for value in facts.values()]).where(exists().where(*_live(purpose, host)))
    new = insert(egress_ledger).from_select(list(facts), values, include_defaults=False).returning(egress_ledger.c.id)
    if conn.execute(new).first() is None:
        raise NotAllowed("Nobody consented to sending text there for this; an administrator can.")


def _live(purpose: str, host: str) -> tuple[ColumnElement[bool], ...]:
    return (egress_consent.c.purpose == purpose, egress_consent.c.host == host, egress_consent.c.withdrawn_at.is_(None))
