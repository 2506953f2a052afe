"""Read the audit log at any depth: by position, by filter, by time, without counting what nobody asked for."""

from __future__ import annotations

import datetime as dt
from typing import Final

from sqlalchemy import func, select

from backend_core.audit import search
from backend_core.audit.query import AuditFilter, conditions
from backend_core.audit.rows import AuditDetails, AuditRow, TrailEstimate, TrailPlan, TrailSummary
from backend_core.audit.sealer import lag
from backend_core.audit.search import OnCancel
from backend_core.audit.tables import audit_event
from backend_core.audit.views import Views
from backend_core.errors import NotFound
from backend_core.policy import Actor, Target, authorize

MOST_ROWS: Final = 1000
MOST_RELATED: Final = 500
LOG: Final = Target(kind="audit")


class Trail(Views):
    """Reader of the audit log of one database, and the filters people keep."""

    def summary(self, *, actor: Actor) -> TrailSummary:
        """Return how long the log is, and how far the seals are behind."""
        authorize(actor, "audit.list", LOG)
        with self._database.begin("Summarise audit log") as conn:
            newest = conn.execute(search.NEWEST).one_or_none()
            waiting = lag(conn)
            return TrailSummary(
                total=conn.execute(search.TOP).scalar_one(),
                unsealed=waiting.rows,
                oldest=conn.execute(search.OLDEST).scalar(),
                newest=newest and newest.at,
                seal_lag_s=waiting.seconds if waiting.rows else None,
                newest_id=conn.execute(search.NEWEST_ID).scalar_one(),
            )

    def page(self, top: int, count: int, *, actor: Actor) -> tuple[AuditRow, ...]:
        """Return the rows with the positions ``top``, ``top - 1`` and so on, ``count`` of them (at most 1,000)."""
        authorize(actor, "audit.list", LOG)
        lowest = max(0, top - max(0, min(count, MOST_ROWS)))
        with self._database.begin("Read audit rows") as conn:
            return tuple(search.row(found) for found in conn.execute(search.by_position(lowest, top)))

    def estimate(self, wanted: AuditFilter, *, actor: Actor) -> TrailEstimate:
        """Return what a filter will cost, at once: ``plan`` of one that scans takes seconds and can be cancelled."""
        authorize(actor, "audit.list", LOG)
        with self._database.begin("Estimate audit search") as conn:
            now = conn.execute(select(func.now())).scalar_one()
            return search.estimate(conn, conditions(wanted, conn, now=now))

    def plan(self, wanted: AuditFilter, *, actor: Actor, on_cancel: OnCancel | None = None) -> TrailPlan:
        """Return where the rows of a filter are; ``tail`` shows its first rows sooner.

        Args:
            wanted: the filter.
            actor: administrator, auditor or the program itself.
            on_cancel: lets the caller stop the statement.

        Raises:
            LimitReached: no index serves the filter, and it took longer than a minute.
            Cancelled: the caller gave up.
        """
        authorize(actor, "audit.list", LOG)
        with self._database.begin("Search audit log", deadline_s=search.SEARCH_MS / 1000) as conn, search.limited(conn, on_cancel):
            return search.plan(conn, wanted)

    def planned_page(self, plan: TrailPlan, first: int, count: int, *, actor: Actor) -> tuple[AuditRow, ...]:
        """Return the rows ``first`` (0 is the newest) to ``first + count - 1`` of a planned list, at most 1,000."""
        authorize(actor, "audit.list", LOG)
        with self._database.begin("Read audit rows") as conn, search.limited(conn, None):
            query = search.planned(conn, plan, max(0, first), min(count, MOST_ROWS))
            return () if query is None else tuple(search.row(found) for found in conn.execute(query))

    def tail(
        self,
        *,
        after_id: int = 0,
        filter: AuditFilter | None = None,  # noqa: A002  # the word people use
        limit: int = 256,
        actor: Actor,
        on_cancel: OnCancel | None = None,
    ) -> tuple[AuditRow, ...]:
        """Return the newest rows, sealed or not, whose id is above ``after_id``, newest first."""
        authorize(actor, "audit.list", LOG)
        with self._database.begin("Follow audit log") as conn, search.limited(conn, on_cancel):
            now = conn.execute(select(func.now())).scalar_one()
            where = conditions(filter or AuditFilter(), conn, now=now)
            if after_id:
                where.append(audit_event.c.id > after_id)
            listed = search.newest_first(select(audit_event.c.id).where(*where)).limit(max(1, min(limit, MOST_ROWS)))
            query = search.newest_first(search.rows().where(audit_event.c.id.in_(listed)))
            return tuple(search.row(found) for found in conn.execute(query))

    def place_of(self, at: dt.datetime, *, filter_plan: TrailPlan | None = None, actor: Actor) -> int:
        """Return the row number (0 is the newest) of the last event at or before ``at``; the last row when all are later."""
        authorize(actor, "audit.list", LOG)
        with self._database.begin("Find a time in the audit log") as conn, search.limited(conn, None):
            if filter_plan is not None:
                return search.place_in(conn, filter_plan, at)
            top: int = conn.execute(search.TOP).scalar_one()
            position: int | None = conn.execute(search.position_at(at)).scalar()
        return max(0, top - (position or 1))

    def details(self, event_id: int, *, actor: Actor) -> AuditDetails:
        """Return one row with its neighbours and its seal.

        Raises:
            NotFound: no such row, or it was erased.
        """
        authorize(actor, "audit.list", LOG)
        with self._database.begin("Read audit row") as conn:
            found = conn.execute(search.rows().where(audit_event.c.id == event_id)).one_or_none()
            if found is None:
                raise NotFound("There is no such row in the audit log, or its retention has ended.")
            this = search.row(found)
            before, after = (search.neighbour(conn, this, step) for step in (-1, 1))
            return AuditDetails(row=this, neighbours=(before, this, after), seal=search.seal_of(conn, this))

    def related(self, correlation_id: str, *, actor: Actor) -> tuple[AuditRow, ...]:
        """Return what one action caused, oldest first, at most 500 rows."""
        authorize(actor, "audit.list", LOG)
        query = search.rows().where(audit_event.c.correlation_id == correlation_id)
        with self._database.begin("Find related audit rows") as conn:
            found = conn.execute(query.order_by(audit_event.c.at, audit_event.c.id).limit(MOST_RELATED)).all()
        return tuple(search.row(one) for one in found)
