"""Take what was to be remembered only for a while out of every store, once that time is long over."""

from __future__ import annotations

import uuid
from typing import Final

from sqlalchemy import ColumnElement, and_, func, select

from backend_core.errors import LecternError
from backend_core.logs import get_logger, log_failure
from backend_core.memory.forget_base import GRACE, ForgetBase
from backend_core.memory.purge import erase
from backend_core.memory.tables import memories
from backend_core.policy import Actor, Target, authorize
from backend_core.scopes.tables import containers

log = get_logger(__name__)
MOST: Final = 1_000
"""Erased in one round; the rest waits for the next."""
WHY: Final = "What was to be remembered here only until a day that has passed is erased."


class Expiring(ForgetBase):
    """Erases memories whose own time is over. From that day on nobody finds them; until they are erased their day can be moved."""

    def expire_due(self, *, actor: Actor) -> int:
        """Erase every memory that stopped to count more than 30 days ago; return how many. Run by the worker."""
        authorize(actor, "memory.purge", Target(kind="container"))
        done = 0
        for container in self._expired():
            try:
                done += self._expire_in(container, actor=actor)
            except LecternError as error:
                # one that fails must not keep the others from being erased; it is tried again in the next round
                log_failure(log, "expired memories not erased", error)
        return done

    def _expired(self) -> list[uuid.UUID]:
        query = select(containers.c.public_id).join(memories, memories.c.container_id == containers.c.id).where(_over())
        query = query.group_by(containers.c.public_id).order_by(func.min(memories.c.expires_at)).limit(MOST)
        with self._scopes.directory("Find what has expired") as conn:
            return list(conn.execute(query).scalars())

    def _expire_in(self, container: uuid.UUID, *, actor: Actor) -> int:
        with self._scopes.open(container, actor=actor, action="memory.purge", reason=WHY) as scope:
            query = select(memories.c.id).where(memories.c.container_id == scope.container_id, _over())
            # lock: one that is just given more time, or forgotten, is not erased
            ids = scope.conn.execute(query.order_by(memories.c.expires_at).limit(MOST).with_for_update()).scalars().all()
            gone = erase(scope, {"memories": [str(key) for key in ids]}, storage=self._storage)
            return gone["memories"]


def _over() -> ColumnElement[bool]:
    """Return what is true of a memory that is due; one that was forgotten goes with the request that forgot it."""
    return and_(memories.c.expires_at <= func.now() - GRACE, memories.c.forgotten_at.is_(None))
