"""Operators of one database: signing in, keeping them, their sessions, and the review of who may do what."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from backend_core.access import logins, review, sessions, throttle
from backend_core.access.base import clean_name, target_of
from backend_core.access.here import os_user, system_actor, workstation
from backend_core.access.operators import Operators
from backend_core.access.passwords import check_rules
from backend_core.access.records import Operator, ReviewRow, SessionRow, SignedIn
from backend_core.access.sign_in import SignIn
from backend_core.access.tables import operator_password, operators
from backend_core.audit.service import Audit
from backend_core.db.database import Database
from backend_core.db.roles import OWNER
from backend_core.errors import NotFound
from backend_core.policy import ADMIN, SYSTEM, Actor, Target, authorize

__all__ = ["Access", "Operator", "ReviewRow", "SessionRow", "SignedIn", "os_user", "system_actor", "workstation"]
REVIEW_DEADLINE_S: Final = 120.0


class Access(SignIn, Operators):
    """Everything about who may use Lectern."""

    @staticmethod
    def session_valid(session: str) -> ColumnElement[bool]:
        """Return the condition that a session has not ended, for the statement that records what is done in it."""
        return sessions.session_valid(session)

    def sessions(self, *, actor: Actor, operator_id: int | None = None) -> tuple[SessionRow, ...]:
        """Return the sessions that are still good, the latest first.

        Args:
            operator_id: whose; for administrators everybody's when left out, for others their own.
        """
        whose = actor.operator_id if operator_id is None and actor.role not in {ADMIN, SYSTEM} else operator_id
        authorize(actor, "session.list", Target(kind="session", owner_id=whose))
        with self._database.begin("List sessions") as conn:
            return sessions.rows(conn, operator_id=whose, current=actor.session)

    def revoke_session(self, session_id: str, *, actor: Actor) -> None:
        """End a session at once: whatever is done in it from now on is refused.

        Raises:
            NotFound: it ended already, or never was.
        """
        with self._database.begin("Revoke session") as conn:
            whose = sessions.owner_of(conn, session_id)
            target = Target(kind="session", id=session_id, owner_id=whose)
            authorize(actor, "session.revoke", target)
            if whose is None:
                raise NotFound("That session has ended already.")
            self._audit.record(conn, actor=actor, action="session.revoke", target=target, after={"operator": whose})
            sessions.end(conn, sessions.same(session_id))

    def review(self, *, actor: Actor, as_of: dt.datetime | None = None) -> tuple[ReviewRow, ...]:
        """Return who may do what, since when, and when they last did anything of the kind.

        Args:
            as_of: the same as it was at a moment, UTC; roles are reconstructed from the audit log, the policy is today's.
        """
        authorize(actor, "operator.review", target_of(None))
        current = {operator.id: operator for operator in self._now()} if as_of is None or self.shared else {}
        with self._database.begin("Review access", deadline_s=REVIEW_DEADLINE_S) as conn:
            roles = {operator_id: operator.role for operator_id, operator in current.items()}
            found = review.standings(conn, as_of=as_of, current=roles)
            used = review.last_uses(conn, as_of=as_of)
            after = None if as_of is None else {"as_of": as_of.isoformat()}
            self._audit.record(conn, actor=actor, action="operator.review", target=target_of(None), after=after)
        return review.rows(found, used)

    def _now(self) -> tuple[Operator, ...]:
        return self.listing(actor=system_actor())

    def recover(self, name: str, owner_dsn: str, *, password: str | None = None, reason: str | None = None) -> Operator:
        """Make somebody an administrator by the right of whoever owns the database; for when no administrator is left.

        Args:
            owner_dsn: a sign-in that is, or may act as, ``lectern_owner``.
            password: a new one; without it the person signs in as the user of this computer, or by the login of the server.

        Raises:
            NotAllowed: that sign-in does not own the database.
            ServerAdministratorNeeded: on a shared server, when it may not move logins.
        """
        actor = system_actor(reason=reason)
        wanted = clean_name(name)
        kept = None if password is None or self.shared else self._passwords.hash(check_rules(password, names=(wanted,)))
        database = Database.open(owner_dsn, application="lectern-recover", base=1, overflow=1, role=OWNER)
        try:
            with database.begin("Recover") as conn:
                self._serialize(conn)
                row = conn.execute(select(operators).where(func.lower(operators.c.name) == func.lower(wanted))).one_or_none()
                operator_id = self._recovered(conn, row, wanted)
                target = target_of(operator_id)
                authorize(actor, "operator.recover", target)
                before = None if row is None else {"role": row.role, "disabled": row.disabled_at is not None}
                Audit(database).record(
                    conn, actor=actor, action="operator.recover", target=target, before=before, after={"role": ADMIN, "disabled": False}
                )
                self._way_in(conn, operator_id, wanted, row, kept)
                sessions.end_all(conn, operator_id)
                return self._operator(conn, operator_id)
        finally:
            database.close()

    @staticmethod
    def _recovered(conn: Connection, row: Any, name: str) -> int:
        if row is None:
            return int(conn.execute(insert(operators).values(name=name, role=ADMIN).returning(operators.c.id)).scalar_one())
        again = {"role": ADMIN, "disabled_at": None, "version": operators.c.version + 1}
        conn.execute(update(operators).where(operators.c.id == row.id).values(again))
        return int(row.id)

    def _way_in(self, conn: Connection, operator_id: int, name: str, row: Any, kept: str | None) -> None:
        mine = update(operators).where(operators.c.id == operator_id)
        if self.shared:
            login = name if row is None or row.db_login is None else row.db_login
            conn.execute(mine.values(db_login=login))
            logins.may_sign_in(conn, login, allowed=True)
            logins.place(conn, login, ADMIN)
        elif kept is not None:
            facts = {"hash": kept, "must_change": False, "changed_at": func.now()}
            new = upsert(operator_password).values(operator_id=operator_id, **facts)
            conn.execute(new.on_conflict_do_update(index_elements=[operator_password.c.operator_id], set_=facts))
        else:
            self._without_password(conn, operator_id)
            conn.execute(update(operators).where(operators.c.os_user == os_user(), operators.c.id != operator_id).values(os_user=None))
            conn.execute(mine.values(os_user=os_user()))

    def tidy(self) -> None:
        """Remove sessions and failed sign-ins that no longer count; the worker calls this now and then."""
        with self._database.begin("Forget old sessions") as conn:
            sessions.forget_old(conn)
            throttle.forget_old(conn)
