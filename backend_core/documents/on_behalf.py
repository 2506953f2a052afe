"""Documents that operators keep on behalf of a contact."""

from __future__ import annotations

import uuid
from typing import Final

from sqlalchemy import exists, func, select, update

from backend_core.audit.service import Audit
from backend_core.conversations.records import KeptDocument
from backend_core.conversations.tables import contacts
from backend_core.db.database import Database
from backend_core.documents.tables import documents
from backend_core.errors import NotFound
from backend_core.policy import Actor, Target, authorize

MOST_ROWS: Final = 500


class OnBehalf:
    """Whom documents are kept for."""

    def __init__(self, database: Database, audit: Audit) -> None:
        self._database = database
        self._audit = audit

    def kept_for(self, contact_id: uuid.UUID, *, actor: Actor) -> tuple[KeptDocument, ...]:
        """Return the documents kept on behalf of a contact, newest first, at most 500."""
        authorize(actor, "document.list", Target(kind="document"))
        columns = [documents.c[name] for name in KeptDocument.__dataclass_fields__]
        query = select(*columns).where(documents.c.on_behalf_of == contact_id, documents.c.deleted_at.is_(None))
        with self._database.begin("List documents of contact") as conn:
            found = conn.execute(query.order_by(documents.c.created_at.desc(), documents.c.id.desc()).limit(MOST_ROWS))
            return tuple(KeptDocument(**row._mapping) for row in found)

    def keep_for(self, document_id: int, contact_id: uuid.UUID | None, *, actor: Actor) -> None:
        """Keep a document on behalf of a contact; of nobody with None.

        Raises:
            NotFound: there is no such document or contact.
        """
        target = Target(kind="document", id=str(document_id))
        authorize(actor, "document.keep", target)
        with self._database.begin("Keep document for contact") as conn:
            there = exists().where(contacts.c.id == contact_id, contacts.c.erased_at.is_(None))
            if contact_id is not None and not conn.execute(select(there)).scalar_one():
                raise NotFound("There is no such contact.")
            change = update(documents).where(documents.c.id == document_id, documents.c.deleted_at.is_(None))
            change = change.values(on_behalf_of=contact_id, updated_at=func.now())
            if conn.execute(change.returning(documents.c.id)).first() is None:
                raise NotFound("There is no such document.")
            after = {"contact": None if contact_id is None else str(contact_id)}
            self._audit.record(conn, actor=actor, action="document.keep", target=target, after=after)
