"""Take what was forgotten out of every store for good, in one transaction with its receipt."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from typing import Any, Final

from sqlalchemy import ColumnElement, Table, delete, func, literal, or_, select, update

from backend_core import faults
from backend_core.conversations.tables import messages, photos, reminders
from backend_core.errors import LecternError
from backend_core.jobs.tables import job_failure, job_run, queue_jobs
from backend_core.logs import get_logger, log_failure
from backend_core.memory import receipts
from backend_core.memory.forget_base import ForgetBase, counted
from backend_core.memory.forget_records import Receipt
from backend_core.memory.tables import boundaries, erasures, memories, memory_history, memory_vectors, postings
from backend_core.policy import Actor, Target, authorize
from backend_core.safety.tables import safety_events
from backend_core.scopes.service import Scope
from backend_core.scopes.tables import containers
from backend_core.storage.service import Storage

log = get_logger(__name__)
MOST: Final = 100
WHY: Final = "What was forgotten here is due to be erased."
LISTED: Final = ("memories", "messages", "photos", "reminders", "boundaries")
"""Stores whose rows a request names; what belongs to those rows goes with them."""

Ids = Collection[uuid.UUID]


class Purging(ForgetBase):
    """Erases what was forgotten long enough ago."""

    def purge_due(self, *, actor: Actor) -> int:
        """Erase every request whose time is over; return how many were carried out. Run by the worker."""
        authorize(actor, "memory.purge", Target(kind="container"))
        done = 0
        for container, erasure in self._due():
            try:
                with self._scopes.open(container, actor=actor, action="memory.purge", reason=WHY) as scope:
                    done += self.purge_in(scope, erasure) is not None
            except LecternError as error:
                # one that fails must not keep the others from being erased; it is tried again in the next round
                log_failure(log, "erasure not carried out", error)
        return done

    def _due(self) -> list[tuple[uuid.UUID, uuid.UUID]]:
        query = select(containers.c.public_id, erasures.c.id).join(erasures, erasures.c.container_id == containers.c.id)
        query = query.where(erasures.c.purged_at.is_(None), erasures.c.restored_at.is_(None), erasures.c.purge_after <= func.now())
        with self._scopes.directory("Find what is to be erased") as conn:
            return [(row[0], row[1]) for row in conn.execute(query.order_by(erasures.c.purge_after).limit(MOST))]

    def purge_in(self, scope: Scope, erasure_id: uuid.UUID) -> Receipt | None:
        """Erase one request in the transaction of ``scope``; None when it was restored, or erased by another, meanwhile."""
        this = (erasures.c.container_id == scope.container_id, erasures.c.id == erasure_id)
        # whoever is first changes the row; whoever waited for it finds it changed, a restore included
        open_still = (erasures.c.purged_at.is_(None), erasures.c.restored_at.is_(None))
        claim = update(erasures).where(*this, *open_still).values(purged_at=func.clock_timestamp())
        columns = (erasures.c["items"], erasures.c.asked_by, erasures.c.asked_at, erasures.c.hard)
        row = scope.conn.execute(claim.returning(*columns)).one_or_none()
        if row is None:
            return None
        items: Mapping[str, Any] = row[0]
        counts = erase(scope, items, storage=self._storage)
        faults.point("memory.purge")
        receipt = self._issue(
            scope.conn,
            kind=receipts.MEMORY,
            subject=scope.container.public_id,
            asked_by=row.asked_by,
            asked_at=row.asked_at,
            hard=row.hard,
            counts=counts,
        )
        left = {"until": items.get("until")}
        scope.conn.execute(update(erasures).where(*this).values(items=left, counts=counts, receipt_id=receipt.id))
        return receipt


def erase(scope: Scope, items: Mapping[str, Any], *, storage: Storage) -> dict[str, int]:
    """Remove the rows with these ids from every store of one container; return how many went, by store.

    Args:
        scope: of the container, open for writing.
        items: lists of ids as text, by store.
        storage: gives up the files of photos; the sweeper removes them once nobody refers to them.
    """
    ids = {store: [uuid.UUID(key) for key in items.get(store, ())] for store in LISTED}
    gone = ids["memories"]
    that = [f"memory:{key}" for key in gone]
    counts = counted(
        vectors=_remove(scope, memory_vectors, memory_vectors.c.memory_id.in_(gone)),
        postings=_remove(scope, postings, postings.c.memory_id.in_(gone)),
        versions=_remove(scope, memory_history, memory_history.c.memory_id.in_(gone)),
        memories=_remove(scope, memories, memories.c.id.in_(gone)),
        objects=release(scope, ids["photos"], storage),
        photos=_remove(scope, photos, photos.c.id.in_(ids["photos"])),
        reminders=_remove(scope, reminders, reminders.c.id.in_(ids["reminders"])),
        safety=_remove(scope, safety_events, safety_events.c.message_id.in_(ids["messages"])),
        messages=_remove(scope, messages, messages.c.id.in_(ids["messages"])),
        boundaries=_remove(scope, boundaries, or_(boundaries.c.id.in_(ids["boundaries"]), boundaries.c.topic_key.in_(that))),
        jobs=forget_jobs(scope, ids["photos"]),
    )
    # what went when it was hidden was counted then
    counts |= {store: counts[store] + int(count) for store, count in items.get("already", {}).items()}
    _untie(scope, ids)
    return counts


def _remove(scope: Scope, store: Table, which: ColumnElement[bool]) -> int:
    return int(scope.conn.execute(delete(store).where(store.c.container_id == scope.container_id, which)).rowcount)


def release(scope: Scope, ids: Ids, storage: Storage) -> int:
    """Give up the files of photos in the transaction of ``scope``; return how many."""
    query = select(photos.c.object_id).where(photos.c.container_id == scope.container_id, photos.c.id.in_(ids))
    held = scope.conn.execute(query.where(photos.c.object_id.is_not(None))).scalars().all()
    for object_id in held:
        storage.release(scope.conn, object_id)
    return len(held)


def forget_jobs(scope: Scope, ids: Ids) -> int:
    """Remove the jobs that looked at these photos; one that runs finds no photo and ends.

    They hold ids and nothing else. On a shared server people's own accounts may not remove jobs; there they stay.
    """
    may = select(func.has_table_privilege(job_run.name, "DELETE"))
    if not ids or not scope.conn.execute(may).scalar_one():
        return 0
    jobs = list(scope.conn.execute(delete(job_run).where(job_run.c.photo_id.in_(ids)).returning(job_run.c.job_id)).scalars())
    scope.conn.execute(delete(job_failure).where(job_failure.c.job_id.in_(jobs)))
    scope.conn.execute(delete(queue_jobs).where(queue_jobs.c.id.in_(jobs), queue_jobs.c.status != "doing"))
    return len(jobs)


def _untie(scope: Scope, ids: Mapping[str, Ids]) -> None:
    """Let nothing that stays point at what is gone."""
    here = literal(scope.container_id)
    for store in (memories, reminders, boundaries):
        change = update(store).where(store.c.container_id == here, store.c.source_message_id.in_(ids["messages"]))
        scope.conn.execute(change.values(source_message_id=None))
    change = update(memories).where(memories.c.container_id == here, memories.c.conflicts_with.in_(ids["memories"]))
    scope.conn.execute(change.values(conflicts_with=None))
    change = update(messages).where(messages.c.container_id == here, messages.c.reply_to_photo.in_(ids["photos"]))
    scope.conn.execute(change.values(reply_to_photo=None))
