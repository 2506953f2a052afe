"""Contacts: find, add, change, reveal, and everything about one person on a page, without opening what was said."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final

from sqlalchemy import Connection, Row, exists, func, insert, select, update

from backend_core.audit.query import AuditFilter
from backend_core.audit.service import Audit
from backend_core.audit.trail import Trail
from backend_core.conversations import overview
from backend_core.conversations.base import contact_value
from backend_core.conversations.personas import Personas
from backend_core.conversations.records import (
    ContactRow,
    KeptDocument,
    Person,
    PersonContainer,
    PersonFailure,
    PersonRead,
    PersonSession,
    Revealed,
)
from backend_core.conversations.tables import contacts
from backend_core.credentials.tables import oauth_tokens
from backend_core.db.database import Database
from backend_core.errors import Conflict, InvalidInput, NotFound, StaleVersion
from backend_core.policy import Actor, Target, authorize, may
from backend_core.scopes.service import Scopes
from backend_core.scopes.tables import containers

CHANGEABLE: Final = ("name", "phone", "email", "language")
MOST_READS: Final = 200
MOST_TARGETS: Final = 40
_COLUMN: Final = {"name": "display_name"}

DocumentsOf = Callable[..., tuple[KeptDocument, ...]]
"""Called with a contact's id and ``actor=``."""


class People(Personas):
    """The contacts and personas of one database."""

    def __init__(self, database: Database, audit: Audit, *, scopes: Scopes, trail: Trail, documents_of: DocumentsOf | None = None) -> None:
        super().__init__(database, audit)
        self._scopes = scopes
        self._trail = trail
        self._documents_of = documents_of

    def contacts(self, query: str = "", *, actor: Actor, limit: int = 100, offset: int = 0) -> tuple[ContactRow, ...]:
        """Return contacts by name.

        Args:
            query: words of a name, a telephone number or at least its last four digits, or the beginning of a mail address; or nothing.
            actor: who asks.
            limit: at most 500.
            offset: how many to leave out.
        """
        authorize(actor, "contact.list", target_of(None))
        wanted = overview.contact_rows().where(contacts.c.synthetic.is_(False), contacts.c.erased_at.is_(None), *overview.matching(query))
        wanted = wanted.order_by(func.lower(contacts.c.display_name), contacts.c.id).offset(max(0, offset))
        with self._scopes.directory("List contacts") as conn:
            found = conn.execute(wanted.limit(max(1, min(limit, overview.MOST_ROWS))))
            return tuple(overview.contact_row(row) for row in found)

    def contact(self, contact_id: uuid.UUID, *, actor: Actor) -> Person:
        """Return everything about a contact but what was said.

        Raises:
            NotFound: there is no such contact.
        """
        authorize(actor, "contact.read", target_of(contact_id))
        with self._scopes.directory("Read contact") as conn:
            row = _listed(conn, contact_id)
            held = overview.containers_of(conn, contact_id)
            failures = overview.failed_photos(conn, contact_id)
        documents = () if self._documents_of is None else self._documents_of(contact_id, actor=actor)
        sessions = self._sessions(contact_id)
        failures += [_failed_document(one) for one in documents if one.status == "FAILED"]
        return Person(
            contact=row,
            containers=held,
            documents=documents,
            sessions=sessions,
            failures=tuple(sorted(failures, key=lambda one: one.at, reverse=True)),
            reads=self._reads(contact_id, held, actor=actor),
        )

    def reveal(self, contact_id: uuid.UUID, *, actor: Actor) -> Revealed:
        """Return how a contact is reached, in full; the audit log keeps the actor's reason.

        Raises:
            ReasonNeeded: the actor gives none.
            NotFound: there is no such contact.
        """
        target = target_of(contact_id)
        authorize(actor, "contact.reveal", target)
        with self._database.begin("Reveal contact") as conn:
            row = _row(conn, contact_id)
            self._audit.record(conn, actor=actor, action="contact.reveal", target=target)
            return Revealed(phone=row.phone, email=row.email)

    def add_contact(
        self, name: str, *, actor: Actor, phone: str | None = None, email: str | None = None, language: str | None = None
    ) -> ContactRow:
        """Add a contact.

        Args:
            name: shown in lists.
            actor: who adds.
            phone: in any form with the country code.
            email: a mail address.
            language: as a tag such as ``de`` or ``pt-BR``.

        Raises:
            InvalidInput: something that cannot be used; the sentence says what.
            Conflict: another contact has this number.
        """
        authorize(actor, "contact.add", target_of(None))
        given = {"name": name, "phone": phone, "email": email, "language": language}
        values = {_COLUMN.get(key, key): contact_value(key, value) for key, value in given.items()}
        with self._database.begin("Add contact") as conn:
            _free(conn, values["phone"])
            made: uuid.UUID = conn.execute(insert(contacts).values(values).returning(contacts.c.id)).scalar_one()
            # what the log keeps for years holds neither names nor numbers
            after = {"fields": [key for key, value in given.items() if value]}
            self._audit.record(conn, actor=actor, action="contact.add", target=target_of(made), after=after)
        return self._shown(made)

    def update_contact(self, contact_id: uuid.UUID, changes: Mapping[str, str | None], *, version: int, actor: Actor) -> ContactRow:
        """Change a contact; with another number the labels of the contact's containers change too, and nothing else does.

        Args:
            contact_id: whom.
            changes: ``name``, ``phone``, ``email``, ``language``; None or nothing takes one away.
            version: the version it was read with.
            actor: who changes.

        Raises:
            InvalidInput: something that cannot be used, or a number is taken away that direct conversations need.
            Conflict: another contact has this number.
            StaleVersion: somebody changed the contact since.
            NotFound: there is no such contact.
        """
        target = target_of(contact_id)
        authorize(actor, "contact.edit", target)
        unknown = [key for key in changes if key not in CHANGEABLE]
        if unknown:
            raise InvalidInput(f"A contact has no {unknown[0][:40]!r}; there are {', '.join(CHANGEABLE)}.")
        values = {_COLUMN.get(key, key): contact_value(key, value) for key, value in changes.items()}
        with self._database.begin("Change contact") as conn:
            row = _row(conn, contact_id)
            values = {name: value for name, value in values.items() if row._mapping[name] != value}
            if "phone" in values:
                _may_have(conn, contact_id, values["phone"])
            self._change(conn, row, values, version=version)
            after = {"fields": sorted(values)}
            self._audit.record(conn, actor=actor, action="contact.edit", target=target, after=after)
        return self._shown(contact_id)

    def disable(self, contact_id: uuid.UUID, *, actor: Actor) -> ContactRow:
        """Take in no more messages of a contact until ``enable``; what there is stays."""
        authorize(actor, "contact.disable", target_of(contact_id))
        return self._set_disabled(contact_id, actor=actor, disabled=True)

    def enable(self, contact_id: uuid.UUID, *, actor: Actor) -> ContactRow:
        """Take in messages of a contact again."""
        authorize(actor, "contact.disable", target_of(contact_id))
        return self._set_disabled(contact_id, actor=actor, disabled=False)

    def _set_disabled(self, contact_id: uuid.UUID, *, actor: Actor, disabled: bool) -> ContactRow:
        with self._database.begin("Disable contact" if disabled else "Enable contact") as conn:
            row = _row(conn, contact_id)
            if (row.disabled_at is not None) != disabled:
                self._change(conn, row, {"disabled_at": func.now() if disabled else None}, version=row.version)
                before, after = {"disabled": not disabled}, {"disabled": disabled}
                target = target_of(contact_id)
                self._audit.record(conn, actor=actor, action="contact.disable", target=target, before=before, after=after)
        return self._shown(contact_id)

    def _change(self, conn: Connection, row: Row[Any], values: Mapping[str, Any], *, version: int) -> None:
        mine = (contacts.c.id == row.id, contacts.c.version == version)
        change = update(contacts).where(*mine).values(**values, version=version + 1)
        if conn.execute(change.returning(contacts.c.id)).first() is None:
            raise StaleVersion("Somebody changed the contact meanwhile.")

    def _shown(self, contact_id: uuid.UUID) -> ContactRow:
        with self._scopes.directory("Read contact") as conn:
            return _listed(conn, contact_id)

    def _sessions(self, contact_id: uuid.UUID) -> tuple[PersonSession, ...]:
        columns = [oauth_tokens.c[name] for name in PersonSession.__dataclass_fields__]
        query = select(*columns).where(oauth_tokens.c.user_id == contact_id).order_by(oauth_tokens.c.provider)
        with self._database.begin("List access of contact") as conn:
            return tuple(PersonSession(**row._mapping) for row in conn.execute(query))

    def _reads(self, contact_id: uuid.UUID, held: tuple[PersonContainer, ...], *, actor: Actor) -> tuple[PersonRead, ...] | None:
        if not may(actor.role, "audit.list"):
            return None
        targets = (f"contact:{contact_id}", *(f"container:{one.container}" for one in held[:MOST_TARGETS]))
        rows = self._trail.tail(filter=AuditFilter(target=targets), limit=MOST_READS, actor=actor)
        return tuple(
            PersonRead(
                at=row.at, actor=row.actor, action=row.action, target=row.target, outcome=row.outcome, reason=row.reason, event_id=row.id
            )
            for row in rows
        )


def target_of(contact_id: uuid.UUID | None) -> Target:
    """Return what an action on a contact is about."""
    return Target(kind="contact", id=None if contact_id is None else str(contact_id))


def _row(conn: Connection, contact_id: uuid.UUID) -> Row[Any]:
    row = conn.execute(select(contacts).where(contacts.c.id == contact_id, contacts.c.erased_at.is_(None))).one_or_none()
    if row is None:
        raise NotFound("There is no such contact.")
    return row


def _listed(conn: Connection, contact_id: uuid.UUID) -> ContactRow:
    row = conn.execute(overview.contact_rows().where(contacts.c.id == contact_id, contacts.c.erased_at.is_(None))).one_or_none()
    if row is None:
        raise NotFound("There is no such contact.")
    return overview.contact_row(row)


def _free(conn: Connection, phone: str | None) -> None:
    if phone is not None and conn.execute(select(exists().where(contacts.c.phone == phone))).scalar_one():
        raise Conflict("Another contact has this telephone number.")


def _may_have(conn: Connection, contact_id: uuid.UUID, phone: str | None) -> None:
    _free(conn, phone)
    if phone is None and conn.execute(select(exists().where(containers.c.user_id == contact_id))).scalar_one():
        raise InvalidInput("The contact has direct conversations, which are labelled with a telephone number; give another one instead.")


def _failed_document(document: KeptDocument) -> PersonFailure:
    return PersonFailure(at=document.created_at, kind="document", what=f"{document.title} could not be read.", error_code=None)
