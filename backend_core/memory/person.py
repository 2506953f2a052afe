"""Everything about one contact: given to them as a file, or erased from everywhere after 30 days in which it can be called off."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, delete, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert as insert_or_skip

from backend_core import faults
from backend_core.conversations.tables import contacts, conversations, memberships, photos
from backend_core.credentials.tables import oauth_tokens
from backend_core.documents.erasure import erase_documents
from backend_core.errors import Conflict, InvalidInput, LecternError, NotFound
from backend_core.logs import get_logger, log_failure
from backend_core.memory import receipts
from backend_core.memory.forget_base import GRACE, ForgetBase
from backend_core.memory.forget_preview import counts_of
from backend_core.memory.forget_records import PersonErasure, PersonExport
from backend_core.memory.indexing import unindex
from backend_core.memory.person_export import WHOLE, Progress, write_export
from backend_core.memory.person_selection import boundaries_of, direct_containers, group_containers, of_person
from backend_core.memory.purge import erase, forget_jobs, release
from backend_core.memory.tables import person_erasures
from backend_core.policy import REASON_LENGTH, Actor, Target, authorize
from backend_core.scopes.service import Scope
from backend_core.scopes.tables import containers

log = get_logger(__name__)
WHY: Final = "The erasure of everything about a contact is due."
ERASED_NAME: Final = "Erased contact"
MOST: Final = 200


class Persons(ForgetBase):
    """Export and erasure of everything about a contact."""

    def export_person(
        self, user_id: uuid.UUID, path: Path, *, actor: Actor, progress: Progress = lambda _done, _total: None
    ) -> PersonExport:
        """Write everything about a contact to a ZIP file with a signed manifest; a container at a time, each look audited.

        Raises:
            NotFound: no such contact.
            InvalidInput: ``path`` is a folder or a device.
            StorageFailed: it cannot be written there.
        """
        target = Target(kind="contact", id=str(user_id))
        authorize(actor, "contact.export", target)
        with self._database.begin("Record export of a contact") as conn:
            _contact(conn, user_id)
            # before anything is read; an export that fails afterwards was still asked for
            self._audit.record(conn, actor=actor, action="contact.export", target=target)
        return write_export(
            user_id,
            path,
            database=self._database,
            scopes=self._scopes,
            storage=self._storage,
            keys=self._keys,
            actor=actor,
            progress=progress,
        )

    def request_erasure(self, user_id: uuid.UUID, typed_name: str, *, actor: Actor) -> PersonErasure:
        """Ask for a contact to be erased in 30 days; the actor's reason says why.

        Args:
            user_id: the contact.
            typed_name: the contact's name, typed by whoever asks.
            actor: administrator.

        Raises:
            NotFound: no such contact.
            InvalidInput: the name is not the contact's.
            Conflict: it was asked for already.
        """
        target = Target(kind="contact", id=str(user_id))
        authorize(actor, "contact.erase", target)
        with self._database.begin("Ask for the erasure of a contact") as conn:
            if _contact(conn, user_id).display_name.strip() != typed_name.strip():
                raise InvalidInput("Type the name of the contact exactly as it is written.")
            facts = {"user_id": user_id, "asked_by": actor.name, "reason": (actor.reason or "-")[:REASON_LENGTH]}
            new = insert_or_skip(person_erasures).values(facts | {"due_at": func.clock_timestamp() + literal(GRACE)})
            row = conn.execute(new.on_conflict_do_nothing().returning(*_COLUMNS)).one_or_none()
            if row is None:
                raise Conflict("The erasure of this contact was asked for already.")
            _note(conn, user_id, func.clock_timestamp())
            made = _erasure(row)
            self._audit.record(conn, actor=actor, action="contact.erase", target=target, after={"step": "asked for", "due_at": made.due_at})
            return made

    def cancel_erasure(self, user_id: uuid.UUID, *, actor: Actor) -> PersonErasure:
        """Call off the erasure of a contact; the actor's reason says why.

        Raises:
            NotFound: none is asked for, or it has begun.
        """
        target = Target(kind="contact", id=str(user_id))
        authorize(actor, "contact.erase", target)
        open_still = (person_erasures.c.cancelled_at.is_(None), person_erasures.c.begun_at.is_(None))
        with self._database.begin("Call off the erasure of a contact") as conn:
            change = update(person_erasures).where(person_erasures.c.user_id == user_id, *open_still)
            row = conn.execute(change.values(cancelled_at=func.clock_timestamp()).returning(*_COLUMNS)).one_or_none()
            if row is None:
                raise NotFound("No erasure of this contact waits, or it has begun.")
            _note(conn, user_id, None)
            self._audit.record(conn, actor=actor, action="contact.erase", target=target, after={"step": "called off"})
            return _erasure(row)

    def person_erasures(self, *, actor: Actor, user_id: uuid.UUID | None = None) -> tuple[PersonErasure, ...]:
        """Return requests to erase a contact, newest first; of one contact where ``user_id`` names it."""
        authorize(actor, "contact.read", Target(kind="contact", id=None if user_id is None else str(user_id)))
        query = select(*_COLUMNS).order_by(person_erasures.c.asked_at.desc(), person_erasures.c.id).limit(MOST)
        if user_id is not None:
            query = query.where(person_erasures.c.user_id == user_id)
        with self._database.begin("List erasures of contacts") as conn:
            return tuple(map(_erasure, conn.execute(query)))

    def erase_due(self, *, actor: Actor) -> int:
        """Carry out every erasure of a contact whose time of grace is over; return how many were completed. Run by the worker."""
        authorize(actor, "memory.purge", Target(kind="contact"))
        done = 0
        for erasure in self._begun():
            try:
                self._erase_person(erasure, actor)
                done += 1
            except LecternError as error:
                # one that fails must not keep the others from being erased; it goes on in the next round
                log_failure(log, "erasure of a contact not completed", error)
        return done

    def _begun(self) -> list[Row[Any]]:
        due = (person_erasures.c.cancelled_at.is_(None), person_erasures.c.done_at.is_(None), person_erasures.c.due_at <= func.now())
        begin = update(person_erasures).where(*due).values(begun_at=func.coalesce(person_erasures.c.begun_at, func.clock_timestamp()))
        columns = ("id", "user_id", "asked_by", "asked_at")
        with self._database.begin("Begin erasures of contacts") as conn:
            return list(conn.execute(begin.returning(*(person_erasures.c[name] for name in columns))).all())

    def _erase_person(self, erasure: Row[Any], actor: Actor) -> None:
        with self._scopes.directory("Find what is a contact's") as conn:
            direct, groups = direct_containers(conn, erasure.user_id), group_containers(conn, erasure.user_id)
            name = conn.execute(select(contacts.c.display_name).where(contacts.c.id == erasure.user_id)).scalar_one()
        for container in direct:
            with self._scopes.open(container, actor=actor, action="contact.erase", reason=WHY) as scope:
                _add(scope.conn, erasure.id, self._erase_container(scope))
            faults.point("person.container")
        for container in groups:
            with self._scopes.open(container, actor=actor, action="contact.erase", reason=WHY) as scope:
                _add(scope.conn, erasure.id, self._erase_in_group(scope, erasure.user_id, name))
            faults.point("person.group")
        with self._database.begin("Complete the erasure of a contact") as conn:
            self._complete(conn, erasure, actor)

    def _erase_container(self, scope: Scope) -> dict[str, int]:
        """Remove the open container with everything in it, and its conversation."""
        counts = everything(scope)
        ids = list(scope.conn.execute(select(photos.c.id).where(photos.c.container_id == scope.container_id)).scalars())
        counts["objects"] = release(scope, ids, self._storage)
        counts["jobs"] = forget_jobs(scope, ids)
        # what is in a container goes with it
        scope.conn.execute(delete(containers).where(containers.c.id == scope.container_id))
        scope.conn.execute(delete(conversations).where(conversations.c.id == scope.container.conversation_id))
        return counts | {"containers": 1}

    def _erase_in_group(self, scope: Scope, user_id: uuid.UUID, name: str) -> dict[str, int]:
        found = of_person(scope, user_id, name)
        before = counts_of(scope, found)
        items: dict[str, Any] = {
            store: [str(key) for key in getattr(found, store)] for store in ("memories", "messages", "photos", "reminders")
        }
        items["boundaries"] = [str(key) for key in boundaries_of(scope, found.messages)]
        items["already"] = {store: before[store] for store in ("postings", "vectors")}
        unindex(scope.conn, scope.container_id, list(found.memories))
        return erase(scope, items, storage=self._storage)

    def _complete(self, conn: Connection, erasure: Row[Any], actor: Actor) -> None:
        user = erasure.user_id
        counts = Counter(erase_documents(conn, user, storage=self._storage))
        counts["tokens"] = conn.execute(delete(oauth_tokens).where(oauth_tokens.c.user_id == user)).rowcount
        counts["memberships"] = conn.execute(delete(memberships).where(memberships.c.user_id == user)).rowcount
        facts = {"phone": None, "email": None, "language": None, "display_name": ERASED_NAME}
        gone = update(contacts).where(contacts.c.id == user).values(facts | {"erased_at": func.clock_timestamp()})
        counts["contacts"] = conn.execute(gone.values(disabled_at=func.coalesce(contacts.c.disabled_at, func.clock_timestamp()))).rowcount
        total = _add(conn, erasure.id, counts)
        receipt = self._issue(
            conn, kind=receipts.PERSON, subject=user, asked_by=erasure.asked_by, asked_at=erasure.asked_at, hard=True, counts=total
        )
        this = person_erasures.c.id == erasure.id
        conn.execute(update(person_erasures).where(this).values(done_at=func.clock_timestamp(), receipt_id=receipt.id))
        target = Target(kind="contact", id=str(user))
        self._audit.record(conn, actor=actor, action="contact.erase", target=target, after={"step": "erased", "receipt": receipt.id})


def everything(scope: Scope) -> dict[str, int]:
    """Return how many rows the open container has, by store."""
    counted = {}
    for store, table in WHOLE.items():
        query = select(func.count()).select_from(table).where(table.c.container_id == scope.container_id)
        counted[store] = int(scope.conn.execute(query).scalar_one())
    return counted


def _contact(conn: Connection, user_id: uuid.UUID) -> Row[Any]:
    query: Select[Any] = select(contacts.c.id, contacts.c.display_name)
    query = query.where(contacts.c.id == user_id, contacts.c.erased_at.is_(None))
    row = conn.execute(query).one_or_none()
    if row is None:
        raise NotFound("There is no such contact.")
    return row


def _note(conn: Connection, user_id: uuid.UUID, at: Any) -> None:
    change = update(contacts).where(contacts.c.id == user_id).values(deletion_requested_at=at, version=contacts.c.version + 1)
    conn.execute(change)


def _add(conn: Connection, erasure_id: uuid.UUID, counts: Mapping[str, int]) -> dict[str, int]:
    """Add to what an erasure has removed so far, in the transaction that removed it; return the sums."""
    this = person_erasures.c.id == erasure_id
    # the change comes first, so that two hosts at it wait for each other here
    so_far = conn.execute(
        update(person_erasures).where(this).values(begun_at=person_erasures.c.begun_at).returning(person_erasures.c.counts)
    )
    total = Counter(so_far.scalar_one())
    total.update(counts)
    conn.execute(update(person_erasures).where(this).values(counts=dict(total)))
    return dict(total)


_COLUMNS: Final = tuple(
    person_erasures.c[name]
    for name in ("id", "user_id", "asked_by", "asked_at", "reason", "due_at", "cancelled_at", "done_at", "counts", "receipt_id")
)


def _erasure(row: Row[Any]) -> PersonErasure:
    facts = dict(row._mapping)
    cancelled, done = facts.pop("cancelled_at"), facts.pop("done_at")
    return PersonErasure(**facts, state="cancelled" if cancelled else "done" if done else "waiting")
