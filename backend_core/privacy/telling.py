"""How stories are told and checked: somebody says something somewhere, and somebody asks for it somewhere else."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from backend_core.conversations.records import IncomingMessage, Received
from backend_core.privacy.canaries import canary
from backend_core.privacy.catalogue import Checked
from backend_core.privacy.contexts import TITLES
from backend_core.privacy.people import Place
from backend_core.privacy.records import Evidence
from backend_core.privacy.stage import Stage
from backend_core.scopes.records import Direct, Group

MOST: Final = 50
_LISTED: Final = 500


@dataclass(slots=True)
class Story:
    """One story being told.

    Attributes:
        name: of the rule; makes its secret word its own.
    """

    stage: Stage
    name: str
    probes: int = 0
    found: list[Evidence] = field(default_factory=list)

    def word(self, part: str = "") -> str:
        """Return a word that only this story knows."""
        return canary(self.stage.people.token, f"{self.name}:{part}")

    def say(self, code: str, who: str, text: str) -> Received:
        """Let somebody write a message, as their telephone would."""
        place, phone = self.stage.place(code), self.stage.people.phone(who)
        return self.stage.verbs.conversations.receive(_incoming(place, phone, text), actor=self.stage.actor)

    def check(self, *, holds: bool, place: str, did: str, saw: object, cause: str, rows: int = 1) -> None:
        """Note one probe, and what is wrong when it does not hold."""
        self.probes += 1
        if not holds:
            self.found.append(Evidence(place=place, did=did, saw=str(saw)[:300], rows=rows, cause=cause))

    def hidden(self, codes: Iterable[str], question: str, secret: str, *, cause: str) -> None:
        """Ask in each of these places, in every way; none may know."""
        for code in codes:
            for did, found in self._asked(code, question, secret):
                self.check(holds=not found, place=TITLES[code], did=did, saw=found, cause=cause, rows=len(found))

    def known(self, code: str, question: str, secret: str) -> None:
        """Ask where it was said; there it must be known, or the story proves nothing."""
        for did, found in self._asked(code, question, secret):
            if "autocomplete" not in did:
                self.check(holds=bool(found), place=TITLES[code], did=did, saw=found, cause="It is not known where it was said.", rows=0)

    def checked(self) -> Checked:
        """Return what the story came to."""
        return Checked(self.probes, tuple(self.found))

    def texts(self, code: str) -> list[str]:
        """Return everything that is remembered in a place."""
        with self.stage.open(code) as memory:
            return [one.text for one in memory.list(limit=_LISTED)]

    def reply(self, code: str, question: str) -> str:
        """Return, as one text, everything that a reply there would be given."""
        context = self.stage.verbs.replies.reply_context(
            self.stage.place(code).where, question, actor=self.stage.actor, reason=self.stage.reason, limit=MOST
        )
        given = [one.hit.memory.text for one in context.memories]
        return repr((given, context.photo, context.boundaries if not given else ()))

    def _asked(self, code: str, question: str, secret: str) -> list[tuple[str, list[str]]]:
        with self.stage.open(code) as memory:
            ways: dict[str, Callable[[], Iterable[str]]] = {
                "search by words": lambda: [hit.memory.text for hit in memory.search(question, limit=MOST, mode="lexical")],
                "search by words and meaning": lambda: [hit.memory.text for hit in memory.search(question, limit=MOST)],
                "list": lambda: [one.text for one in memory.list(limit=_LISTED)],
                "autocomplete": lambda: memory.autocomplete(secret[:-2]),
            }
            told = [(did, [text for text in asked() if secret in text]) for did, asked in ways.items()]
        reply = self.reply(code, question)
        return [*told, ("what a reply is given", [reply] if secret in reply else [])]


def _incoming(place: Place, phone: str, text: str) -> IncomingMessage:
    if isinstance(place.where, Group):
        return IncomingMessage(text=text, sender=phone, chat_guid=place.where.guid, is_group=True)
    where: Direct = place.where
    return IncomingMessage(text=text, sender=phone, user=where.user, persona=where.persona)
