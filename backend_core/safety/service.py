"""What people and the intake of messages ask of safety: judge a text, keep what was found, review it, choose who judges."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from backend_core.access.service import system_actor
from backend_core.audit.service import Audit
from backend_core.conversations.records import Arrived
from backend_core.db.database import Database
from backend_core.errors import InvalidInput, LecternError
from backend_core.logs import get_logger, log_failure
from backend_core.policy import Actor, Target, authorize
from backend_core.safety.breaker import Breaker
from backend_core.safety.egress import MODERATION, Egress
from backend_core.safety.hosts import place_of
from backend_core.safety.limits import LIMITS, Direction, Verdict
from backend_core.safety.moderation import Moderation
from backend_core.safety.providers import Moderator, OpenAIModeration, Unreachable
from backend_core.safety.queue import ReviewQueue, counted, keep
from backend_core.safety.rules import LABEL
from backend_core.safety.secrets import Secrets
from backend_core.scopes.service import Scopes

log = get_logger(__name__)
SECRET: Final = "moderation.key"  # noqa: S105  # the name, not the key
KEY_FRESH_S: Final = 30.0
LONGEST_KEY: Final = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class SafetyStatus:
    """Who judges here, and how well that works.

    Attributes:
        provider: ``local``, or ``openai+local``.
        host: of the better judge; None without one.
        key: whether its key is kept on this computer.
        breaker: ``closed`` when it is asked as usual, ``open`` while it is left alone, ``probing``.
        status, sentence: as a health check tells it.
        limits: by direction and category.
    """

    provider: str
    host: str | None
    key: bool
    breaker: str
    status: str
    sentence: str
    limits: Mapping[Direction, Mapping[str, float]]


class Safety(ReviewQueue):
    """Moderation and its review for one database.

    Args:
        judge: the better judge, in place of the one consent and key lead to.
        crisis_line: returns the house's own help line, or nothing.
    """

    def __init__(
        self,
        database: Database,
        audit: Audit,
        *,
        scopes: Scopes,
        egress: Egress,
        secrets: Secrets,
        crisis_line: Callable[[], str] = str,
        judge: Callable[[], Moderator | None] | None = None,
        breaker: Breaker | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(scopes, audit)
        self._database = database
        self._egress = egress
        self._secrets = secrets
        self._clock = clock
        self._lock = threading.Lock()
        self._key: tuple[float, str | None] | None = None
        kept = breaker or Breaker("moderation", clock=clock, opened=self._alarm)
        self.moderation = Moderation(remote=judge or self._judge, breaker=kept, crisis_line=crisis_line)

    def check(self, text: str, direction: str = "input", *, language: str = "en") -> Verdict:
        """Return what to do with a text; call it outside a transaction, it may ask another computer. Nothing is kept of it.

        Raises:
            InvalidInput: the direction is neither ``input`` nor ``output``.
        """
        if direction not in LIMITS:
            raise InvalidInput("A text goes input or output.")
        return self.moderation.check(text, "input" if direction == "input" else "output", language=language)

    def judge(self, text: str, *, actor: Actor, direction: str = "input", language: str = "en") -> Verdict:
        """Return what would be done with a text somebody tries out; nothing is kept of it.

        Raises:
            InvalidInput: the direction is neither ``input`` nor ``output``.
        """
        authorize(actor, "safety.check", Target(kind="safety"))
        return self.check(text, direction, language=language)

    def note(self, arrived: Arrived, verdict: Verdict, /, *, direction: str) -> None:  # noqa: ARG002  # the verdict knows it
        """Keep what was found about a message, in the transaction that stores it."""
        keep(arrived.scope, verdict, message_id=arrived.message_id)

    def set_key(self, key: str | None, *, actor: Actor) -> None:
        """Keep the key of the moderation service in the vault of this computer; None forgets it.

        Raises:
            InvalidInput: no key.
            SecretsLocked: the vault does not open.
        """
        target = Target(kind="egress", id=MODERATION)
        authorize(actor, "egress.allow", target)
        words = None if key is None else key.strip()
        if words is not None and not (0 < len(words) <= LONGEST_KEY and words.isascii() and words.isprintable() and " " not in words):
            raise InvalidInput("That is not the key of a service.")
        with self._database.begin("Keep key") as conn:
            after = {"key": "removed" if words is None else "kept", "workstation": actor.workstation}
            self._audit.record(conn, actor=actor, action="egress.allow", target=target, after=after)
            if words is None:
                self._secrets.delete(SECRET)
            else:
                self._secrets.set(SECRET, words)
        with self._lock:
            self._key = None

    def status(self, *, actor: Actor) -> SafetyStatus:
        """Return who judges here, and how well that works."""
        authorize(actor, "safety.list", Target(kind="safety"))
        status, sentence = self.health()
        hosts = self._egress.hosts(MODERATION)
        return SafetyStatus(
            provider=f"{OpenAIModeration.name}+local" if hosts else "local",
            host=hosts[0] if hosts else None,
            key=self._key_known(),
            breaker=self.moderation.breaker.state,
            status=status,
            sentence=sentence,
            limits=LIMITS,
        )

    def health(self) -> tuple[str, str]:
        """Return ``ok`` or ``degraded`` and why, for the health check."""
        hosts = self._egress.hosts(MODERATION)
        with self._scopes.directory("Count findings") as conn:
            waiting = counted(conn)
        if hosts and self.moderation.breaker.state != "closed":
            return "degraded", f"{hosts[0]} does not answer: local rules judge, minors fail closed, {waiting.unchecked} passed unchecked"
        if hosts and not self._key_known() and not place_of(hosts[0]).loopback:
            return "degraded", f"text may go to {hosts[0]}, but its key is not kept on this computer"
        if waiting.unchecked:
            return "degraded", f"{_counted(waiting.unchecked, 'message')} passed unchecked, not reviewed yet"
        return "ok", f"{_counted(waiting.open, 'finding')} to be reviewed" + (
            "" if hosts else f"; {LABEL[0].lower()}{LABEL[1:]}".rstrip(".")
        )

    def _alarm(self, error: LecternError) -> None:
        """Leave a row that the watch rules make an alert of."""
        target, after = Target(kind="safety", id=MODERATION), {"error_code": error.code}
        try:
            with self._database.begin("Raise moderation alarm") as conn:
                self._audit.record(conn, actor=system_actor(), action="safety.check", target=target, outcome="failed", after=after)
        except LecternError as away:
            # the message that was being judged goes on its way; the log and the health check say it too
            log_failure(log, "moderation alarm not recorded", away)

    def _judge(self) -> Moderator | None:
        hosts = self._egress.hosts(MODERATION)
        if not hosts:
            return None
        place = place_of(hosts[0])
        try:
            key = self._kept_key()
        except LecternError:
            return Unreachable()
        if key is None and not place.loopback:
            return Unreachable()
        actor = system_actor()
        return OpenAIModeration(place.origin, key=key, send=lambda request: self._egress.send(MODERATION, request, actor=actor))

    def _kept_key(self) -> str | None:
        with self._lock:
            known = self._key
        if known is None or self._clock() - known[0] > KEY_FRESH_S:
            # a keyring takes its time, and messages come often
            known = (self._clock(), self._secrets.get(SECRET))
            with self._lock:
                self._key = known
        return known[1]

    def _key_known(self) -> bool:
        try:
            return self._kept_key() is not None
        except LecternError:
            return False


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
