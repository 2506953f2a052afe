"""The outbox: which notices still have to leave by mail or webhook, each event once, again and again until it did."""

from __future__ import annotations

import datetime as dt
import secrets as tokens
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

from sqlalchemy import func, text, update

from backend_core import faults
from backend_core.db.database import Database
from backend_core.errors import InvalidInput, LecternError, NotAllowed, Unavailable
from backend_core.house.declaration import HouseSettings
from backend_core.house.service import House
from backend_core.logs import get_logger
from backend_core.notices import mail, webhook
from backend_core.notices.records import CHANNELS, EMAIL, WEBHOOK, ChannelState, Delivered
from backend_core.notices.tables import notice_deliveries
from backend_core.notices.way_out import WayOut
from backend_core.policy import Actor

log = get_logger(__name__)
BATCH: Final = 20
LEASE_S: Final = 180.0
FIRST_WAIT_S: Final = 30.0
LONGEST_WAIT_S: Final = 3600.0
MOST_ATTEMPTS: Final = 30
"""About a day with the waits above."""
SECRETS: Final = {EMAIL: "notices.smtp", WEBHOOK: "notices.webhook"}
PURPOSES: Final = {EMAIL: "mail", WEBHOOK: "webhook"}
BEGUN: Final = "An attempt began and did not say how it ended; the message may arrive twice."
TWICE: Final = "An earlier attempt did not say how it ended; the message may have arrived twice."

# A notice leaves while it lasts, or within an hour after, so that a short one is not lost while no worker runs; what was
# silenced all the time, or acknowledged before, does not. Not because of itself: a broken channel is told of by the others.
_PLAN: Final = text("""
INSERT INTO notice_deliveries (notice_id, channel, event)
SELECT n.id, c.channel, 'raised'
FROM notices n
CROSS JOIN (VALUES ('email', CAST(:email AS boolean)), ('webhook', CAST(:webhook AS boolean))) AS c (channel, is_on)
LEFT JOIN operators o ON o.id = n.operator_id AND o.disabled_at IS NULL
WHERE c.is_on AND n.acknowledged_at IS NULL AND n.last_at > clock_timestamp() - interval '7 days'
  AND (n.resolved_at IS NULL OR (n.resolved_at > clock_timestamp() - interval '1 hour' AND n.silenced < n.times))
  AND (c.channel <> 'email' OR coalesce(CASE WHEN n.operator_id IS NULL THEN :admin ELSE o.email END, '') <> '')
  AND NOT (n.kind = 'notice_delivery' AND n.subject = c.channel)
  AND NOT EXISTS (SELECT FROM notice_silences s WHERE s.lifted_at IS NULL AND s.until > clock_timestamp()
                     AND s.kind = n.kind AND s.subject IN ('', n.subject))
  AND NOT EXISTS (SELECT FROM notice_deliveries d WHERE d.notice_id = n.id AND d.channel = c.channel AND d.event = 'raised')
ON CONFLICT DO NOTHING
""")
_PLAN_END: Final = text("""
INSERT INTO notice_deliveries (notice_id, channel, event)
SELECT d.notice_id, d.channel, 'resolved'
FROM notice_deliveries d JOIN notices n ON n.id = d.notice_id
WHERE d.event = 'raised' AND d.status = 'SENT' AND n.resolved_at > clock_timestamp() - interval '7 days'
  AND ((d.channel = 'email' AND :email) OR (d.channel = 'webhook' AND :webhook))
  AND NOT EXISTS (SELECT FROM notice_deliveries e WHERE e.notice_id = d.notice_id AND e.channel = d.channel AND e.event = 'resolved')
ON CONFLICT DO NOTHING
""")
_DUE: Final = text("""
SELECT d.id, d.channel, d.event, d.attempts, d.error, n.id AS notice_id, n.kind, n.subject, n.severity, n.title, n.body, n.page,
       n.target, n.correlation_id, n.times, n.raised_at, n.last_at, n.resolved_at, o.email
FROM notice_deliveries d JOIN notices n ON n.id = d.notice_id LEFT JOIN operators o ON o.id = n.operator_id
WHERE d.status = 'WAITING' AND d.next_at <= clock_timestamp()
  AND ((d.channel = 'email' AND :email) OR (d.channel = 'webhook' AND :webhook))
  AND (d.event = 'resolved' OR NOT EXISTS (SELECT FROM notice_silences s WHERE s.lifted_at IS NULL AND s.until > clock_timestamp()
                                              AND s.kind = n.kind AND s.subject IN ('', n.subject)))
ORDER BY d.id LIMIT :most
""")
# what nobody can use any more: a channel that stayed off or silent for a week, and notices three months after their end
_TIDY: Final = (
    text("""
UPDATE notice_deliveries d SET status = 'FAILED', error = 'Not sent within seven days.' FROM notices n
WHERE n.id = d.notice_id AND d.status = 'WAITING' AND n.last_at < clock_timestamp() - interval '7 days'
"""),
    text("DELETE FROM notices WHERE resolved_at < clock_timestamp() - interval '90 days'"),
)
_COUNTS: Final = text("""
SELECT count(*) FILTER (WHERE status = 'WAITING') AS waiting,
       count(*) FILTER (WHERE status = 'WAITING' AND attempts > 0) AS tried,
       count(*) FILTER (WHERE status = 'FAILED' AND next_at > clock_timestamp() - interval '1 day') AS failed,
       max(sent_at) AS last_sent_at,
       (SELECT error FROM notice_deliveries e WHERE e.channel = :channel AND e.status <> 'SENT' AND e.error IS NOT NULL
         ORDER BY e.next_at DESC LIMIT 1) AS error
FROM notice_deliveries WHERE channel = :channel
""")


class Secrets(Protocol):
    """Secrets by name; the vault of the home is one."""

    def get(self, name: str) -> str | None:
        """Return the secret, or nothing."""
        ...

    def set(self, name: str, secret: str) -> None:
        """Keep a secret."""
        ...

    def delete(self, name: str) -> None:
        """Forget a secret."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What the outbox needs of the rest.

    Attributes:
        name: lasting name of the database, by which receivers tell messages of two apart.
        ca_file: certificates to trust instead of the system's.
    """

    house: House
    secrets: Secrets
    way_out: WayOut
    name: str
    ca_file: str | None = None


class Outbox:
    """Deliveries of one database."""

    def __init__(self, database: Database, around: Around) -> None:
        self._database = database
        self._around = around
        self._tidy_after = dt.datetime.min.replace(tzinfo=dt.UTC)

    def deliver(self, actor: Actor, should_stop: Callable[[], bool]) -> Delivered:
        """Plan what has to leave, and send what is due; a channel that does not answer is left alone for a while."""
        house = self._around.house.current()
        on = _switched_on(house)
        sent = later = failed = 0
        due = self._due(house, on)
        down: set[str] = set()
        for row in due:
            if should_stop():
                break
            if row["channel"] in down or not self._claimed(row):
                continue
            outcome = self._deliver(row, house, actor)
            sent, later, failed = sent + (outcome == "sent"), later + (outcome == "later"), failed + (outcome == "failed")
            if outcome != "sent":
                down.add(row["channel"])
        return Delivered(sent=sent, later=later, failed=failed)

    def _due(self, house: HouseSettings, on: dict[str, bool]) -> list[dict[str, Any]]:
        now = dt.datetime.now(dt.UTC)
        with self._database.begin("Plan deliveries") as conn:
            if now >= self._tidy_after:
                for statement in _TIDY:
                    conn.execute(statement)
                self._tidy_after = now + dt.timedelta(hours=1)
            if not any(on.values()):
                return []
            conn.execute(_PLAN, {**on, "admin": house.admin_email})
            conn.execute(_PLAN_END, on)
            return [dict(row) for row in conn.execute(_DUE, {**on, "most": BATCH}).mappings()]

    def _claimed(self, row: dict[str, Any]) -> bool:
        """Take one delivery for a while; another host may have been first."""
        mine = update(notice_deliveries).where(
            notice_deliveries.c.id == row["id"], notice_deliveries.c.status == "WAITING", notice_deliveries.c.attempts == row["attempts"]
        )
        lease = func.clock_timestamp() + func.make_interval(0, 0, 0, 0, 0, 0, LEASE_S)
        with self._database.begin("Begin delivery") as conn:
            changed = conn.execute(mine.values(attempts=row["attempts"] + 1, next_at=lease, error=BEGUN))
        return changed.rowcount == 1

    def _deliver(self, row: dict[str, Any], house: HouseSettings, actor: Actor) -> str:
        try:
            self._send(row, house, actor)
        except LecternError as error:
            return self._put_off(row, error)
        faults.point("notice.sent")
        self._note(row, status="SENT", sent_at=func.clock_timestamp(), error=TWICE if row["error"] == BEGUN else None)
        log.info("notice sent", notice_id=row["notice_id"], channel=row["channel"], change=row["event"], attempt=row["attempts"] + 1)
        return "sent"

    def _send(self, row: dict[str, Any], house: HouseSettings, actor: Actor) -> None:
        if row["channel"] == EMAIL:
            self._mail(mail.letter(row, to=row["email"] or house.admin_email), house, actor, key=f"{row['notice_id']}-{row['event']}")
        else:
            body = webhook.body(row, name=self._around.name, attempt=row["attempts"] + 1)
            self._post(body, house, actor, key=f"{row['notice_id']}-{row['event']}")

    def _mail(self, letter: mail.Letter, house: HouseSettings, actor: Actor, *, key: str) -> None:
        server = mail.server_of(house)
        gate = self._around.way_out.gate(server.address)
        password = self._around.secrets.get(SECRETS[EMAIL]) if server.user else None
        message = mail.message(letter, sender=server.sender, key=key, name=self._around.name)
        mail.refuse_open_line(server, loopback=gate.loopback, password=password)
        self._around.way_out.announce(PURPOSES[EMAIL], server.address, size=len(message.as_bytes()), actor=actor)
        mail.send(server, message, password=password, ca_file=self._around.ca_file)

    def _post(self, body: bytes, house: HouseSettings, actor: Actor, *, key: str) -> None:
        if not house.webhook_url:
            raise InvalidInput("No address is set for the webhook.")
        secret = self._around.secrets.get(SECRETS[WEBHOOK])
        if secret is None:
            raise InvalidInput("No key is kept for the webhook here; `lecternctl notices secret webhook` keeps one.")
        headers = webhook.headers(body, secret=secret, key=f"{self._around.name}-{key}", at=dt.datetime.now(dt.UTC))
        self._around.way_out.post(PURPOSES[WEBHOOK], house.webhook_url, body, headers=headers, actor=actor)

    def _put_off(self, row: dict[str, Any], error: LecternError) -> str:
        attempts = row["attempts"] + 1
        if attempts >= MOST_ATTEMPTS:
            self._note(row, status="FAILED", error=str(error)[:300])
            log.warning("notice given up", notice_id=row["notice_id"], channel=row["channel"], error_code=error.code)
            return "failed"
        wait_s = min(FIRST_WAIT_S * 2.0 ** (attempts - 1), LONGEST_WAIT_S)
        at = func.clock_timestamp() + func.make_interval(0, 0, 0, 0, 0, 0, wait_s)
        self._note(row, next_at=at, error=str(error)[:300])
        # the others would meet the same; the first one tries for all of them
        same = (notice_deliveries.c.channel == row["channel"], notice_deliveries.c.status == "WAITING", notice_deliveries.c.next_at < at)
        with self._database.begin("Put off deliveries") as conn:
            conn.execute(update(notice_deliveries).where(*same).values(next_at=at))
        log.info("notice not sent", notice_id=row["notice_id"], channel=row["channel"], attempt=attempts, error_code=error.code)
        return "later"

    def _note(self, row: dict[str, Any], **values: Any) -> None:
        mine = (notice_deliveries.c.id == row["id"], notice_deliveries.c.attempts == row["attempts"] + 1)
        with self._database.begin("Note delivery") as conn:
            conn.execute(update(notice_deliveries).where(*mine).values(**values))

    def test(self, channel: str, actor: Actor) -> str:
        """Send a message of no consequence; return where it went."""
        house = self._around.house.current()
        if channel not in CHANNELS:
            raise InvalidInput(f"There is no such channel; those are {', '.join(CHANNELS)}.")
        key = f"test-{tokens.token_hex(4)}"
        if channel == EMAIL:
            if not house.admin_email:
                raise InvalidInput("No address of the administrator is set.")
            self._mail(mail.Letter(to=house.admin_email, subject="Lectern: test", text=mail.TEST), house, actor, key=key)
        else:
            self._post(webhook.trial_body(self._around.name), house, actor, key=key)
        return self._around.way_out.gate(_address(channel, house)).key

    def keep_secret(self, channel: str, secret: str) -> None:
        """Keep or forget the secret of a channel."""
        if secret:
            self._around.secrets.set(SECRETS[channel], secret)
        else:
            self._around.secrets.delete(SECRETS[channel])

    def state(self, channel: str) -> ChannelState:
        """Return how one channel is."""
        house = self._around.house.current()
        with self._database.begin("Count deliveries") as conn:
            counts = conn.execute(_COUNTS, {"channel": channel}).mappings().one()
        on = _switched_on(house)[channel]
        missing, key = self._missing(channel, house) if on else ("It is switched off.", "")
        sentence = missing or (counts["error"] if counts["tried"] else "") or "It works." if on else missing
        numbers = {name: counts[name] for name in ("waiting", "failed", "last_sent_at")}
        return ChannelState(name=channel, on=on, ready=on and not missing, where=key, sentence=sentence, **numbers)

    def _missing(self, channel: str, house: HouseSettings) -> tuple[str, str]:
        try:
            gate = self._around.way_out.gate(_address(channel, house))
            if channel == EMAIL:
                server = mail.server_of(house)
                has_password = not server.user or self._around.secrets.get(SECRETS[EMAIL]) is not None
                mail.refuse_open_line(server, loopback=gate.loopback, password="x" if has_password else None)
            elif self._around.secrets.get(SECRETS[WEBHOOK]) is None:
                return "No key is kept for the webhook on this computer.", gate.key
        except (InvalidInput, NotAllowed, Unavailable) as error:
            return str(error), ""
        if not self._around.way_out.allowed(PURPOSES[channel], gate.key):
            return f"Nobody consented to sending notices to {gate.key}.", gate.key
        return "", gate.key

    def health(self) -> tuple[str, str]:
        """Return in one word and one line whether messages leave."""
        on = _switched_on(self._around.house.current())
        if not any(on.values()):
            return "ok", "shown in the window only"
        told, worst = [], "ok"
        with self._database.begin("Count deliveries") as conn:
            for channel in (name for name in CHANNELS if on[name]):
                counts = conn.execute(_COUNTS, {"channel": channel}).mappings().one()
                told.append(f"{channel}: {counts['waiting']} wait, {counts['failed']} given up in 24 h")
                if counts["tried"] or counts["failed"]:
                    worst = "degraded"
        return worst, "; ".join(told)


def _switched_on(house: HouseSettings) -> dict[str, bool]:
    return {EMAIL: house.notify_email, WEBHOOK: bool(house.webhook_url)}


def _address(channel: str, house: HouseSettings) -> str:
    if channel == EMAIL:
        return mail.server_of(house).address
    if not house.webhook_url:
        raise InvalidInput("No address is set for the webhook.")
    return house.webhook_url
