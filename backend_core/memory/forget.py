"""Forget: by a contact's own words in the conversation, or by an operator; hidden at once, erased after 30 days or at once."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Table, delete, func, insert, literal, select, update

from backend_core.conversations.records import Arrived
from backend_core.conversations.tables import conversations, messages, personas, photos, reminders
from backend_core.errors import Conflict, InvalidInput, NotFound
from backend_core.memory import forget_words as said_back
from backend_core.memory.boundaries import Boundaries, set_about_memory, set_boundary, topic_key
from backend_core.memory.commands import FORGET, Ambiguous, Command, read_command
from backend_core.memory.expiry import Expiring
from backend_core.memory.forget_base import CONTACT, GRACE, counted
from backend_core.memory.forget_preview import counts_of, preview_of
from backend_core.memory.forget_records import Erasure, Forgotten, Obeyed, Preview
from backend_core.memory.forget_selection import DIRECT, Said, Selection, about, chosen, last_turn, spoken_of
from backend_core.memory.indexing import Entry, index, unindex
from backend_core.memory.person import Persons
from backend_core.memory.purge import Purging
from backend_core.memory.receipt_book import ReceiptBook
from backend_core.memory.tables import boundaries, erasures, memories
from backend_core.policy import Actor, Target, authorize
from backend_core.scopes.records import Container, Where
from backend_core.scopes.service import Scope

Place = Where | Container | uuid.UUID
What = Command | str | Sequence[uuid.UUID]
LAST: Final = Command(kind=FORGET, about=None, language="en")
"""Forget the last thing said."""

MOST: Final = 500
CHANGED: Final = "What was shown has changed since; look again."
_HIDDEN: Final = {"memories": memories, "messages": messages, "photos": photos, "reminders": reminders}


class Forgetting(Boundaries, Purging, Expiring, ReceiptBook, Persons):
    """Forgetting, boundaries, receipts, and what concerns everything about one person."""

    def preview(self, where: Place, what: What, *, actor: Actor) -> Preview:
        """Return exactly what a request to forget would take away; nothing is changed.

        Args:
            where: the conversation, and the only one that is looked into.
            what: the contact's words, a command, or ids of memories.
            actor: who asks; their reason is kept, as for every look into a memory.

        Raises:
            InvalidInput: the words are no request to forget.
            NotFound: no such conversation or memory.
        """
        authorize(actor, "memory.read", Target(kind="container"))
        with self._scopes.open(where, actor=actor, action="memory.read") as scope:
            return self.preview_in(scope, what)

    def preview_in(self, scope: Scope, what: What) -> Preview:
        """Return what ``preview`` does, in the transaction of an open scope."""
        wanted = _command(what)
        if isinstance(wanted, Ambiguous):
            facts: dict[str, Any] = {"container": scope.container.public_id, "masked": scope.container.masked_tag}
            return Preview(**facts, about=wanted.about, items=(), counts=counted(), question=wanted.question)
        topic = wanted.about if isinstance(wanted, Command) else None
        return preview_of(scope, _selected(scope, wanted, None), about=topic)

    def forget(self, where: Place, what: Preview | What, *, hard: bool = False, actor: Actor) -> Forgotten:
        """Forget: hidden from every read at once, erased after 30 days; with ``hard`` erased now, with a receipt.

        Args:
            where: the conversation; nothing outside it is touched.
            what: a preview, which is then carried out exactly as it was shown, or what ``preview`` takes.
            hard: it cannot be restored.
            actor: who does it.

        Raises:
            Conflict: what the preview showed has changed since.
            InvalidInput, NotFound: as ``preview``.
        """
        authorize(actor, "memory.forget", Target(kind="container"))
        with self._scopes.open(where, actor=actor, action="memory.forget") as scope:
            if isinstance(what, Preview):
                found, topic = _as_shown(scope, what), what.about
            else:
                wanted = _command(what)
                if isinstance(wanted, Ambiguous):
                    return _nothing(question=wanted.question)
                found, topic = _selected(scope, wanted, None), wanted.about if isinstance(wanted, Command) else None
            return self.forget_in(scope, found, topic=topic, by=actor.name, hard=hard)

    def forget_in(
        self, scope: Scope, found: Selection, *, topic: str | None, by: str, hard: bool = False, message_id: uuid.UUID | None = None
    ) -> Forgotten:
        """Forget what was selected, in the transaction of an open scope."""
        if found.unclear is not None or found.already or found.empty:
            asked = None if found.unclear is None else said_back.unclear(found.unclear)
            return _nothing(question=asked, already=found.already)
        counts = counts_of(scope, found)
        items = _items(scope, found, counts)
        purge_after = _hide(scope, found)
        # they have no time in which they could come back: that of a boundary is over when it is lifted
        gone = boundaries.c.id.in_(list(found.boundaries))
        scope.conn.execute(delete(boundaries).where(boundaries.c.container_id == scope.container_id, gone))
        if topic is not None and topic_key(topic) and not hard:
            # so that nothing said of it before comes back by an import or a late extraction
            items["boundaries"].append(str(set_boundary(scope, FORGET, topic, by=by, message_id=message_id).id))
        facts = {"container_id": scope.container_id, "asked_by": by, "hard": hard, "purge_after": purge_after}
        made = insert(erasures).values(facts | {"items": items, "counts": counts}).returning(erasures.c.id)
        erasure: uuid.UUID = scope.conn.execute(made).scalar_one()
        if not hard:
            return Forgotten(erasure_id=erasure, counts=counts, hard=False, purge_after=purge_after)
        receipt = self.purge_in(scope, erasure)
        return Forgotten(erasure_id=erasure, counts=counts, hard=True, purge_after=None, receipt=receipt)

    def restore(self, where: Place, erasure_id: uuid.UUID, *, actor: Actor) -> Erasure:
        """Bring back what was forgotten, until it is erased.

        Raises:
            NotFound: no such request here, or it was restored or erased before.
        """
        authorize(actor, "memory.restore", Target(kind="container"))
        with self._scopes.open(where, actor=actor, action="memory.restore") as scope:
            this = (erasures.c.container_id == scope.container_id, erasures.c.id == erasure_id)
            # whoever is first changes the row; a purge that waited for it finds it restored
            open_still = (erasures.c.purged_at.is_(None), erasures.c.restored_at.is_(None))
            change = update(erasures).where(*this, *open_still).values(restored_at=func.clock_timestamp(), purge_after=None)
            items = scope.conn.execute(change.returning(erasures.c["items"])).scalar_one_or_none()
            if items is None:
                raise NotFound("That can no longer be restored: it was restored or erased before.")
            _bring_back(scope, items)
            return _erasures(scope, erasure_id)[0]

    def erasures(self, where: Place, *, actor: Actor) -> tuple[Erasure, ...]:
        """Return the requests to forget of one conversation, newest first; never what was forgotten."""
        authorize(actor, "memory.read", Target(kind="container"))
        with self._scopes.open(where, actor=actor, action="memory.read") as scope:
            return _erasures(scope)

    def obey(self, arrived: Arrived) -> Obeyed | None:
        """Carry out a command a contact wrote, in the transaction that takes the message in; None when it is none."""
        if arrived.from_persona or not _may_be_command(arrived.text):
            return None
        names = _persona_names(arrived)
        found = read_command(arrived.text, names=names)
        direct = arrived.scope.container.kind == DIRECT
        # in a group a command may begin with the name of another member
        if found is None or not (direct or found.addressed is None or found.addressed.casefold() in names):
            return None
        if isinstance(found, Ambiguous):
            return Obeyed(did=said_back.ASKED, sentence=found.question, language=found.language)
        return self._forget_for(arrived, found) if found.kind == FORGET else _keep_quiet(arrived, found)

    def _forget_for(self, arrived: Arrived, command: Command) -> Obeyed:
        said = Said(message_id=arrived.message_id, user_id=arrived.user_id, speaker=arrived.speaker, at=arrived.at)
        selected = _selected(arrived.scope, command, said)
        if selected.unclear is not None:
            return Obeyed(did=said_back.ASKED, sentence=said_back.unclear(selected.unclear, command.language), language=command.language)
        done = self.forget_in(arrived.scope, selected, topic=command.about, by=CONTACT, message_id=arrived.message_id)
        did = said_back.ALREADY if done.already else said_back.NOTHING if done.erasure_id is None else said_back.FORGOT
        sentence = said_back.answer(did, command.language)
        return Obeyed(did=did, sentence=sentence, language=command.language, counts=done.counts, erasure_id=done.erasure_id)


def _command(what: What) -> Command | Ambiguous | Sequence[uuid.UUID]:
    if not isinstance(what, str):
        return what
    found = read_command(what)
    if found is None or found.kind != FORGET:
        raise InvalidInput("That is no request to forget something; write it as “forget what I said about …”.")
    return found


def _selected(scope: Scope, what: Command | Iterable[uuid.UUID], said: Said | None) -> Selection:
    if not isinstance(what, Command):
        return chosen(scope, what)
    return last_turn(scope, said) if what.about is None else about(scope, what.about, said)


def _as_shown(scope: Scope, shown: Preview) -> Selection:
    if shown.container != scope.container.public_id:
        raise NotFound("That preview is of another conversation.")
    found = Selection(already=shown.already, boundaries=dict.fromkeys(shown.ids("boundaries"), "topic"))
    for store, table in _HIDDEN.items():
        wanted = {item.id: item.why for item in shown.items if item.store == store}
        live = select(table.c.id).where(table.c.container_id == scope.container_id, table.c.id.in_(list(wanted)))
        for key in scope.conn.execute(live.where(table.c.forgotten_at.is_(None))).scalars():
            getattr(found, store)[key] = wanted[key]
    left = sum(len(getattr(found, store)) for store in _HIDDEN)
    named = sum(item.store in _HIDDEN for item in shown.items)
    if left not in {0, named}:
        raise Conflict(CHANGED)
    found.already = found.already or (named > 0 and left == 0)
    return found


def _nothing(*, question: str | None = None, already: bool = False) -> Forgotten:
    return Forgotten(erasure_id=None, counts=counted(), hard=False, purge_after=None, question=question, already=already)


def _items(scope: Scope, found: Selection, counts: Mapping[str, int]) -> dict[str, Any]:
    here = (messages.c.container_id == scope.container_id, messages.c.id.in_([k for k, why in found.messages.items() if why != "command"]))
    message_at = select(func.max(messages.c.timestamp)).where(*here).scalar_subquery()
    there = (memories.c.container_id == scope.container_id, memories.c.id.in_(list(found.memories)))
    memory_at = select(func.max(memories.c.said_at)).where(*there).scalar_subquery()
    until: dt.datetime | None = scope.conn.execute(select(func.greatest(message_at, memory_at))).scalar_one()
    listed: dict[str, Any] = {store: [str(key) for key in getattr(found, store)] for store in _HIDDEN}
    already = {"postings": counts["postings"], "vectors": counts["vectors"], "boundaries": len(found.boundaries)}
    return listed | {"boundaries": [], "until": until and until.astimezone(dt.UTC).isoformat(), "already": already}


def _hide(scope: Scope, found: Selection) -> dt.datetime:
    now: dt.datetime = scope.conn.execute(select(func.clock_timestamp())).scalar_one()
    for store, table in _HIDDEN.items():
        _mark(scope, table, list(getattr(found, store)), forgotten_at=now)
    unindex(scope.conn, scope.container_id, list(found.memories))
    return now + GRACE


def _mark(scope: Scope, table: Table, ids: Sequence[uuid.UUID], *, forgotten_at: dt.datetime | None) -> None:
    if not ids:
        return
    change = update(table).where(table.c.container_id == literal(scope.container_id), table.c.id.in_(ids))
    if forgotten_at is not None:
        # whoever forgets the same at the same time waited here, and finds it forgotten
        change = change.where(table.c.forgotten_at.is_(None))
    change = change.values(forgotten_at=forgotten_at, purge_after=forgotten_at and forgotten_at + GRACE)
    if scope.conn.execute(change).rowcount != len(ids) and forgotten_at is not None:
        raise Conflict(CHANGED)


def _bring_back(scope: Scope, items: Mapping[str, Any]) -> None:
    for store, table in _HIDDEN.items():
        _mark(scope, table, [uuid.UUID(key) for key in items[store]], forgotten_at=None)
    columns = (memories.c.id, memories.c.turn, memories.c.text, memories.c.speaker, memories.c.said_at, memories.c.event_at)
    query = select(*columns).where(memories.c.container_id == scope.container_id)
    rows = scope.conn.execute(query.where(memories.c.id.in_([uuid.UUID(key) for key in items["memories"]]))).all()
    index(scope.conn, scope.container_id, [Entry(*row) for row in rows])
    rules = boundaries.c.id.in_([uuid.UUID(key) for key in items["boundaries"]])
    scope.conn.execute(delete(boundaries).where(boundaries.c.container_id == scope.container_id, rules))


def _erasures(scope: Scope, erasure_id: uuid.UUID | None = None) -> tuple[Erasure, ...]:
    names = ("id", "asked_by", "asked_at", "hard", "purge_after", "counts", "receipt_id", "restored_at", "purged_at")
    query = select(*(erasures.c[name] for name in names)).where(erasures.c.container_id == scope.container_id)
    if erasure_id is not None:
        query = query.where(erasures.c.id == erasure_id)
    found = []
    for row in scope.conn.execute(query.order_by(erasures.c.asked_at.desc(), erasures.c.id).limit(MOST)):
        facts = dict(row._mapping)
        restored, purged = facts.pop("restored_at"), facts.pop("purged_at")
        state = "restored" if restored else "purged" if purged else "hidden"
        found.append(Erasure(**facts, container=scope.container.public_id, state=state))
    return tuple(found)


def _may_be_command(text: str) -> bool:
    """Whether a message, or what follows its first word, is of the grammar; without a statement, for most messages are not."""
    return read_command(text) is not None or read_command(text.partition(" ")[2]) is not None


def _persona_names(arrived: Arrived) -> frozenset[str]:
    """Return what the persona of the conversation is called, in small letters."""
    query = select(personas.c.id, personas.c.name).join(conversations, conversations.c.persona_id == personas.c.id)
    row = arrived.scope.conn.execute(query.where(conversations.c.id == arrived.conversation_id)).one_or_none()
    return frozenset() if row is None else frozenset({row.id.casefold(), row.name.casefold(), row.name.split()[0].casefold()})


def _keep_quiet(arrived: Arrived, command: Command) -> Obeyed:
    scope, language = arrived.scope, command.language
    facts: dict[str, Any] = {"by": CONTACT, "message_id": arrived.message_id}
    if command.about is None:
        said = Said(message_id=arrived.message_id, user_id=arrived.user_id, speaker=arrived.speaker, at=arrived.at)
        made = [set_about_memory(scope, command.kind, key, text, **facts).id for key, text in spoken_of(scope, said).items()]
    else:
        made = [set_boundary(scope, command.kind, command.about, **facts).id] if topic_key(command.about) else []
    if not made:
        return Obeyed(did=said_back.ASKED, sentence=said_back.unclear("which", language), language=language)
    return Obeyed(did=said_back.QUIET, sentence=said_back.answer(said_back.QUIET, language), language=language, boundaries=tuple(made))
