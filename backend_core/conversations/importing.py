"""Import messages from a file of JSON lines, in the way they would have come in one by one (docs/messages.md)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from sqlalchemy import exists, select, update

from backend_core.conversations import lines, personas
from backend_core.conversations.base import as_contact, contact_by, contact_value, join, storable, utc
from backend_core.conversations.intake import Intake, Ready
from backend_core.conversations.records import Imported, IncomingMessage, Problem
from backend_core.conversations.tables import contacts
from backend_core.errors import InvalidInput, NotAllowed, NotFound, UnreadableFile
from backend_core.policy import Actor, Target, authorize
from backend_core.scopes import containers as names
from backend_core.scopes.records import Group, Where, chat_guid, phone_number
from backend_core.scopes.tables import containers

MOST_WAITING: Final = 1000
MOST_PROBLEMS: Final = 100
_REFUSED: Final = (InvalidInput, NotFound, NotAllowed)

Progress = Callable[..., None]
_Key = tuple[object, ...]


@dataclass(slots=True)
class _Run:
    """One import on its way."""

    actor: Actor
    counts: Counter[str] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)
    known: dict[_Key, Ready] = field(default_factory=dict)
    waiting: dict[Where, list[Ready]] = field(default_factory=dict)

    def refuse(self, number: int, error: Exception) -> None:
        self.counts["refused"] += 1
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(Problem(line=number, sentence=str(error)))


class Importing(Intake):
    """Where files of messages come in."""

    def import_messages(self, path: Path, *, actor: Actor, progress: Progress | None = None) -> Imported:
        """Take in a file of contacts, groups and messages; a second time it changes nothing.

        A line that cannot be used is left out and told; all others are taken in, each message watched over, obeyed or remembered as if
        it had just arrived.

        Args:
            path: the file, in the format of docs/messages.md.
            actor: who brings it in.
            progress: called with bytes done and bytes in all.

        Raises:
            UnreadableFile: it cannot be opened or read.
        """
        authorize(actor, "message.import", Target(kind="conversation"))
        run = _Run(actor)
        try:
            self._read(path, run, progress or _silent)
        except OSError:
            raise UnreadableFile("The file cannot be opened or read.") from None
        counts = run.counts
        with self._database.begin("Record import") as conn:
            told = {name: counts[name] for name in ("contacts", "conversations", "messages", "again", "refused")}
            self._audit.record(conn, actor=actor, action="message.import", target=Target(kind="conversation"), after=told)
        parts = {name: counts[name] for name in Imported.__dataclass_fields__ if name != "problems"}
        return Imported(**parts, problems=tuple(run.problems))

    def _read(self, path: Path, run: _Run, progress: Progress) -> None:
        total = lines.total_bytes(path)
        with path.open("rb") as file:
            number = 0
            while (raw := lines.read_line(file)) is not None:
                number += 1
                try:
                    self._line(lines.parse(number, raw), run)
                except _REFUSED as error:
                    run.refuse(number, error)
                if run.counts["waiting"] >= MOST_WAITING:
                    self._flush(run)
                    progress(file.tell(), total, what="Importing messages")
        self._flush(run)
        progress(total, total, what="Importing messages")

    def _line(self, line: lines.Line | None, run: _Run) -> None:
        if line is None:
            return
        run.counts["lines"] += 1
        if line.type == "message":
            ready = self._looked_up(lines.message_of(line.values), run)
            run.waiting.setdefault(ready.where, []).append(self._screened(ready))
            run.counts["waiting"] += 1
            return
        # what comes before it in the file has to be there before it
        self._flush(run)
        run.known.clear()
        {"contact": self._contact_line, "persona": self._persona_line, "group": self._group_line}[line.type](line.values, run)

    def _looked_up(self, message: IncomingMessage, run: _Run) -> Ready:
        """Return a message with its parts found, each pair of sender and conversation looked up once."""
        key = (message.sender, message.user, message.persona, message.chat_guid)
        if key not in run.known:
            with self._database.begin("Look up message") as conn:
                run.known[key] = self._ready(conn, message, actor=run.actor)
        storable(message.text, what="A message")
        storable(message.external_id or "-", what="The id of a message", longest=200)
        at = run.known[key].at if message.at is None else utc(message.at)
        return replace(run.known[key], text=message.text, at=at, external_id=message.external_id, live=False)

    def _flush(self, run: _Run) -> None:
        """Take in what waits, conversation by conversation, each in one transaction."""
        for where, waiting in run.waiting.items():
            with self._scopes.open(where, actor=run.actor, action="message.import", create=True) as scope:
                for ready in waiting:
                    run.counts["again" if self._take_in(scope, ready).again else "messages"] += 1
        run.waiting.clear()
        run.counts["waiting"] = 0

    def _contact_line(self, values: Mapping[str, Any], run: _Run) -> None:
        authorize(run.actor, "contact.add", Target(kind="contact"))
        phone = phone_number(values["phone"])
        with self._database.begin("Import contact") as conn:
            if conn.execute(select(exists().where(contacts.c.phone == phone))).scalar_one():
                return
            made = self._known_contact(conn, phone, actor=run.actor, name=contact_value("name", values["name"]))
            given = {name: contact_value(name, values.get(name)) for name in ("email", "language")}
            conn.execute(update(contacts).where(contacts.c.id == made.user_id).values(given))
            run.counts["contacts"] += 1

    def _persona_line(self, values: Mapping[str, Any], run: _Run) -> None:
        authorize(run.actor, "persona.edit", Target(kind="persona", id=values["id"]))
        with self._database.begin("Import persona") as conn:
            made = personas.add_missing(conn, values["id"], values["name"], values.get("passport", {}), by=run.actor.name)
            if made:
                target = personas.target_of(values["id"])
                self._audit.record(conn, actor=run.actor, action="persona.edit", target=target, after={"version": 1})
                run.counts["personas"] += 1

    def _group_line(self, values: Mapping[str, Any], run: _Run) -> None:
        authorize(run.actor, "conversation.add", Target(kind="conversation"))
        title = storable(values["title"], what="A title", longest=200)
        with self._database.begin("Import group") as conn:
            new = not conn.execute(select(exists().where(containers.c.chat_guid == chat_guid(values["chat_guid"])))).scalar_one()
            made = names.find_or_make(conn, Group(values["chat_guid"]), persona=values.get("persona"), title=title)[1]
            for member in values.get("members", ()):
                who = contact_by(conn, as_contact(member))
                if who is None or who.user_id is None:
                    raise NotFound("A member of the group is not a contact; name contacts before their groups.")
                join(conn, made.conversation_id, who.user_id)
            run.counts["conversations"] += new


def _silent(*_facts: object, **_words: object) -> None: ...
