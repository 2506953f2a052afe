"""Signing in and out: by the operating system's user, by name and password, or by the login of a shared server."""

from __future__ import annotations

import contextlib
import datetime as dt
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import Connection, func, insert, select, update

from backend_core.access import logins, sessions
from backend_core.access.attempts import WRONG, Attempts, store_password, stored_password
from backend_core.access.base import FOR_EVER, clean_name, target_of
from backend_core.access.here import os_user, system_actor, workstation
from backend_core.access.passwords import check_rules
from backend_core.access.records import SignedIn
from backend_core.access.tables import operator_password, operators
from backend_core.errors import InvalidInput, NotAllowed, SignInFailed, SignInNeeded
from backend_core.policy import ADMIN, Actor, authorize

PROVEN_S: Final = 300.0
_ENDED: Final = "Your session ended; sign in again."


class SignIn(Attempts):
    """Who somebody is."""

    def sign_in_here(self, *, reason: str | None = None) -> Actor:
        """Return the operator this person is without being asked: as user of this computer, or by the login of a shared server.

        The very first person becomes the administrator.

        Raises:
            SignInNeeded: a name and a password are needed.
            NotAllowed: this person is no operator, or was disabled.
        """
        if self._login is not None:
            return self._by_login(self._login.name, reason=reason)
        user = os_user()
        with self._database.begin("Sign in") as conn:
            row: Any = conn.execute(self._known().where(operators.c.os_user == user)).one_or_none()
            if row is None:
                row = self._first_operator(conn, os_user=user, name=user)
            others = row is None and conn.execute(select(operator_password.c.operator_id).limit(1)).first() is not None
        if others:
            raise SignInNeeded(f"{user} is not an operator here; sign in with a name and a password.")
        if row is None or row.disabled_at is not None:
            raise NotAllowed(f"{user} is not an operator here; an administrator can add that name.")
        if row.has_password:
            raise SignInNeeded(f"{row.name} signs in with a password.")
        return self._actor(row, reason=reason, proven_until=FOR_EVER)

    def _first_operator(self, conn: Connection, *, name: str, **way_in: str) -> Any:
        # two first starts at once: one lock decides who is first
        self._serialize(conn)
        column = operators.c[next(iter(way_in))]
        row = conn.execute(self._known().where(column == way_in[column.name])).one_or_none()
        # on a shared server earlier versions knew people by the users of their computers, and nobody by a login
        others = select(operators.c.id).where(column.is_not(None) if self.shared else column.is_distinct_from(way_in[column.name]))
        if row is not None or conn.execute(others.limit(1)).first() is not None:
            return row
        found = conn.execute(select(operators.c.id).where(func.lower(operators.c.name) == func.lower(name))).scalar_one_or_none()
        facts = {"role": ADMIN, "disabled_at": None, **way_in}
        if found is None:
            new: Any = insert(operators).values(name=clean_name(name), **facts)
        else:
            new = update(operators).where(operators.c.id == found).values(facts)
        row = conn.execute(self._known().where(operators.c.id == conn.execute(new.returning(operators.c.id)).scalar_one())).one()
        actor = self._actor(row)
        authorize(actor, "operator.sign_in", target_of(row.id))
        self._audit.record(conn, actor=actor, action="operator.sign_in", target=target_of(row.id), after={"role": ADMIN, "first": True})
        return row

    def _by_login(self, login: str, *, reason: str | None) -> Actor:
        with self._database.begin("Sign in") as conn:
            role = logins.role_of(conn, login)
            row = conn.execute(self._known().where(operators.c.db_login == login)).one_or_none()
            if row is None and role == ADMIN:
                row = self._first_operator(conn, db_login=login, name=login)
            if row is None or row.disabled_at is not None:
                raise NotAllowed(f"{login} is not an operator here; an administrator can add that login.")
            actor = self._actor(row, role=role, reason=reason)
            if not logins.asked_for_password(conn):
                # a certificate or the operating system vouches for this person; nothing more could be asked
                actor = replace(actor, proven_until=FOR_EVER)
            if conn.execute(select(func.current_setting("transaction_read_only"))).scalar_one() == "on":
                return actor
            session = sessions.of_login(conn, row.id, workstation=actor.workstation)
            if session is not None:
                sessions.seen(conn, session)
                return replace(actor, session=session)
            session, _expires = sessions.begin(conn, row.id, workstation=actor.workstation, token=None, hours=self._session_hours(conn))
            self._still(conn, row.id)
            actor = replace(actor, session=session)
            self._audit.record(conn, actor=actor, action="operator.sign_in", target=target_of(row.id), after={"kind": "login"})
            return actor

    def sign_in(self, name: str, password: str, *, reason: str | None = None) -> SignedIn:
        """Open a session for whoever knows the password; ``name`` may also be the e-mail address.

        Raises:
            SignInFailed: name or password is wrong, or there were too many attempts; which of them is not said.
            InvalidInput: on a shared server the server itself asks for the password.
        """
        if self.shared:
            raise InvalidInput("On a shared server the login of the server says who you are; change it in the profile.")
        row, stored = self._look(name, password)
        with self._database.begin("Sign in") as conn:
            signed = self._open(conn, row.id, reason=reason)
            current = stored_password(conn, row.id)
            if current is None or current.hash != stored:
                raise SignInFailed(WRONG)
            if self._passwords.stale(stored):
                store_password(conn, row.id, self._passwords.hash(password), must_change=current.must_change, changed=False)
            return replace(signed, must_change=current.must_change)

    def _open(self, conn: Connection, operator_id: int, *, reason: str | None) -> SignedIn:
        token = sessions.new_token()
        session, expires = sessions.begin(conn, operator_id, workstation=workstation(), token=token, hours=self._session_hours(conn))
        row = self._still(conn, operator_id)
        actor = self._actor(row, reason=reason, session=session, proven_until=_proven_until())
        target = target_of(operator_id)
        authorize(actor, "operator.sign_in", target)
        self._audit.record(conn, actor=actor, action="operator.sign_in", target=target, after={"kind": "password"})
        return SignedIn(actor=actor, token=token, expires_at=expires)

    def _still(self, conn: Connection, operator_id: int) -> Any:
        """Return the row of an operator whose session was just begun; the session's foreign key waited for whoever changed it.

        Raises:
            SignInFailed: the operator was disabled meanwhile.
        """
        row = conn.execute(self._known().where(operators.c.id == operator_id)).one()
        if row.disabled_at is not None:
            raise SignInFailed(WRONG)
        return row

    def resume(self, token: str, *, reason: str | None = None) -> Actor:
        """Return whom a token was given to; that does not prove who holds it now.

        Raises:
            SignInNeeded: the session ended.
        """
        if not self.shared:
            with self._database.begin("Resume session") as conn:
                row = sessions.of_token(conn, token)
                if row is not None:
                    sessions.seen(conn, str(row.session))
                    return self._actor(row, reason=reason, session=str(row.session))
        raise SignInNeeded(_ENDED)

    def check(self, actor: Actor) -> None:
        """Return quietly while ``actor`` may go on, and keep the session from going idle.

        Raises:
            SignInNeeded: the session ended, the role changed, a password was set, or the operator was disabled.
        """
        if actor.operator_id is None:
            return
        with self._database.begin("Check session") as conn:
            row = conn.execute(self._known().where(operators.c.id == actor.operator_id)).one_or_none()
            if row is None or row.disabled_at is not None or self._current_role(conn, row) != actor.role:
                raise SignInNeeded(_ENDED)
            if actor.session is None:
                if row.has_password:
                    raise SignInNeeded(f"{row.name} signs in with a password.")
                return
            if not sessions.is_good(conn, actor.session):
                raise SignInNeeded(_ENDED)
            sessions.seen(conn, actor.session)

    def needs_password(self, actor: Actor) -> bool:
        """Tell whether a password can prove who ``actor`` is; nothing else can where the operating system vouches for the person."""
        return actor.operator_id is not None and actor.proven_until != FOR_EVER

    def prove(self, actor: Actor, password: str) -> Actor:
        """Return ``actor`` as somebody who has just proven who they are, for five minutes.

        Raises:
            SignInFailed: the password is wrong, or there were too many attempts.
            SignInNeeded: the session ended.
        """
        if actor.operator_id is None or not self.needs_password(actor):
            return actor
        target = target_of(actor.operator_id, owner=actor.operator_id)
        authorize(actor, "operator.unlock", target)
        self.check(actor)
        self._prove(actor, password)
        with self._database.begin("Record proof") as conn:
            self._audit.record(conn, actor=actor, action="operator.unlock", target=target)
        return replace(actor, proven_until=_proven_until())

    def sign_out(self, actor: Actor) -> None:
        """End the session of ``actor``; without one there is nothing to end."""
        target = target_of(actor.operator_id)
        authorize(actor, "operator.sign_out", target)
        if actor.session is None:
            return
        with self._database.begin("Sign out") as conn, contextlib.suppress(SignInNeeded):
            self._audit.record(conn, actor=actor, action="operator.sign_out", target=target)
            sessions.end(conn, sessions.same(actor.session))

    def change_password(self, old: str, new: str, *, actor: Actor) -> SignedIn | None:
        """Give the person another password, or a first one; every session of theirs ends and a new one begins.

        Returns:
            The new session; nothing on a shared server, where the login keeps its own.

        Raises:
            SignInFailed: ``old`` is wrong.
            InvalidInput: the new one may not be chosen; the sentence says why.
        """
        target = target_of(actor.operator_id, owner=actor.operator_id)
        authorize(actor, "operator.password", target)
        if actor.operator_id is None:
            raise NotAllowed("The program itself has no password.")
        with self._database.begin("Find operator") as conn:
            row = conn.execute(select(operators.c.name, operators.c.db_login).where(operators.c.id == actor.operator_id)).one()
            first = not self.shared and stored_password(conn, actor.operator_id) is None
        text = check_rules(new, names=(row.name, row.db_login))
        if not first:
            self._prove(actor, old)
        if self.shared:
            with self._database.begin("Change password") as conn:
                self._audit.record(conn, actor=actor, action="operator.password", target=target)
                logins.set_password(conn, row.db_login, text)
            return None
        kept = self._passwords.hash(text)
        with self._database.begin("Change password") as conn:
            self._locked(conn, actor.operator_id)
            self._audit.record(conn, actor=actor, action="operator.password", target=target, after={"first": first})
            store_password(conn, actor.operator_id, kept, must_change=False)
            sessions.end_all(conn, actor.operator_id)
            return self._open(conn, actor.operator_id, reason=actor.reason)

    def actor(self, operator_id: int | None, *, workstation: str) -> Actor:
        """Return a stored operator as an actor with today's role; ``None`` is the program itself.

        Raises:
            NotAllowed: the operator is gone or disabled.
        """
        if operator_id is None:
            return system_actor()
        with self._database.begin("Read operator") as conn:
            row = conn.execute(self._known().where(operators.c.id == operator_id)).one_or_none()
            if row is None or row.disabled_at is not None:
                raise NotAllowed("The operator who asked for this may no longer do so.")
            role = row.role if row.db_login is None else logins.role_of(conn, row.db_login)
        return Actor(operator_id=row.id, name=row.name, role=role, workstation=workstation)


def _proven_until() -> dt.datetime:
    return dt.datetime.now(dt.UTC) + dt.timedelta(seconds=PROVEN_S)
