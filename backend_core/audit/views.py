"""Filters of the audit log that people keep under a name; each sees their own."""

from __future__ import annotations

from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from backend_core.audit.query import AuditFilter
from backend_core.audit.rows import SavedView
from backend_core.audit.service import Audit
from backend_core.audit.upkeep_tables import audit_view
from backend_core.db.database import Database
from backend_core.errors import InvalidInput, NotFound
from backend_core.policy import Actor, Target, authorize

LONGEST_NAME: Final = 80
MOST_VIEWS: Final = 200


class Views:
    """Saved views of one database."""

    def __init__(self, database: Database, audit: Audit) -> None:
        self._database = database
        self._audit = audit

    def views(self, *, actor: Actor) -> tuple[SavedView, ...]:
        """Return the actor's own views by name."""
        authorize(actor, "view.list", Target(kind="view", owner_id=actor.operator_id))
        query = select(audit_view.c.id, audit_view.c.name, audit_view.c.query).where(audit_view.c.owner_id == _owner(actor))
        with self._database.begin("List saved views") as conn:
            return tuple(SavedView(**row) for row in conn.execute(query.order_by(audit_view.c.name).limit(MOST_VIEWS)).mappings())

    def save_view(self, name: str, query: str, *, actor: Actor) -> SavedView:
        """Keep a filter under a name; an earlier one of that name is replaced.

        Raises:
            InvalidInput: no name, or the filter does not parse.
        """
        target = Target(kind="view", owner_id=actor.operator_id)
        authorize(actor, "view.save", target)
        title = " ".join(name.split())
        if not title or len(title) > LONGEST_NAME or not title.isprintable():
            raise InvalidInput(f"The name of a view has 1 to {LONGEST_NAME} characters.")
        wanted = AuditFilter.parse(query).text()
        new = insert(audit_view).values(owner_id=_owner(actor), name=title, query=wanted)
        new = new.on_conflict_do_update(index_elements=["owner_id", "name"], set_={"query": wanted})
        with self._database.begin("Save view") as conn:
            view_id = conn.execute(new.returning(audit_view.c.id)).scalar_one()
            saved = Target(kind="view", id=str(view_id))
            self._audit.record(conn, actor=actor, action="view.save", target=saved, after={"name": title, "query": wanted})
        return SavedView(id=view_id, name=title, query=wanted)

    def delete_view(self, view_id: int, *, actor: Actor) -> None:
        """Forget a view of one's own.

        Raises:
            NotFound: no such view of this operator.
        """
        target = Target(kind="view", id=str(view_id), owner_id=actor.operator_id)
        authorize(actor, "view.delete", target)
        gone = delete(audit_view).where(audit_view.c.id == view_id, audit_view.c.owner_id == _owner(actor))
        with self._database.begin("Delete view") as conn:
            row = conn.execute(gone.returning(audit_view.c.name, audit_view.c.query)).one_or_none()
            if row is None:
                raise NotFound("There is no such view.")
            self._audit.record(conn, actor=actor, action="view.delete", target=target, before={"name": row.name, "query": row.query})


def _owner(actor: Actor) -> int:
    # the program itself has no row among the operators
    return actor.operator_id or 0
