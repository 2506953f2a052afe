"""Attempts to prove who one is: counted before they are looked at, answered alike, and recorded when they fail."""

from __future__ import annotations

import unicodedata
from typing import Any, Final, NoReturn

from sqlalchemy import Connection, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from backend_core.access import logins, throttle
from backend_core.access.base import AccessBase, target_of
from backend_core.access.here import workstation
from backend_core.access.tables import operator_password, operators
from backend_core.access.throttle import Verdict
from backend_core.errors import SignInFailed
from backend_core.policy import Actor

WRONG: Final = "Name or password is wrong."


class Attempts(AccessBase):
    """Passwords that are given, right or wrong."""

    def _look(self, name: str, password: str) -> tuple[Any, str]:
        """Return row and stored hash of the operator who has this name and password.

        The same statements, and the same work, for a name nobody has.
        """
        place = workstation()
        typed = _typed(name)
        with self._database.begin("Find operator") as conn:
            wanted = func.lower(typed)
            either = (func.lower(operators.c.name) == wanted) | (func.lower(operators.c.email) == wanted)
            query = select(operators, operator_password.c.hash).outerjoin(operator_password).where(either).order_by(operators.c.id)
            row = conn.execute(query.limit(1)).one_or_none()
        # one account, whether it is called by its name or its address
        account = throttle.account_key(typed if row is None else f"operator {row.id}")
        verdict = self._admitted([account, throttle.workstation_key(place)], row=row, action="operator.sign_in")
        known = self._passwords.matches(None if row is None else row.hash, password)
        if row is None or not known or row.disabled_at is not None:
            self._failed(verdict, row=row, action="operator.sign_in")
        with self._database.begin("Forget failed attempts") as conn:
            throttle.succeeded(conn, account=account, workstation=throttle.workstation_key(place))
        return row, row.hash

    def _admitted(self, keys: list[str], *, row: Any, action: str) -> Verdict:
        """Count the attempt before it is looked at; when it cannot be counted, it fails.

        Raises:
            SignInFailed: it is not looked at yet.
        """
        with self._database.begin("Count attempt") as conn:
            verdict = throttle.admit(conn, keys)
            if verdict.wait_s and verdict.first:
                self._record_failure(conn, row=row, action=action, facts={"looked_at": False})
        if verdict.wait_s:
            raise SignInFailed(f"Too many attempts; the next one counts in {_whole(verdict.wait_s)} s.", wait_s=verdict.wait_s)
        return verdict

    def _failed(self, verdict: Verdict, *, row: Any, action: str) -> NoReturn:
        facts: dict[str, object] = {"looked_at": True}
        if verdict.refused:
            facts["refused_before"] = verdict.refused
        with self._database.begin("Record failed sign-in") as conn:
            self._record_failure(conn, row=row, action=action, facts=facts)
        raise SignInFailed(WRONG, wait_s=verdict.next_wait_s)

    def _record_failure(self, conn: Connection, *, row: Any, action: str, facts: dict[str, object]) -> None:
        # not in the name of the account: nobody has shown to be that person; and never what was typed, which may be a password
        nobody = Actor(operator_id=None, name="unknown", role="nobody", workstation=workstation())
        target = target_of(None if row is None else row.id)
        self._audit.record(conn, actor=nobody, action=action, target=target, outcome="refused", after=facts)

    def _prove(self, actor: Actor, password: str) -> None:
        with self._database.begin("Find operator") as conn:
            row = conn.execute(self._known().where(operators.c.id == actor.operator_id)).one()
            stored = None if self.shared else stored_password(conn, row.id)
        place = throttle.workstation_key(workstation())
        account = throttle.account_key(f"operator {row.id}") if self._login is None else throttle.login_key(self._login.name)
        keys = [account, place] if self._login is None else [account]
        verdict = self._admitted(keys, row=row, action="operator.unlock")
        if self._login is not None:
            right = logins.proves(self._login, password)
        else:
            right = self._passwords.matches(None if stored is None else stored.hash, password)
        if not right:
            self._failed(verdict, row=row, action="operator.unlock")
        with self._database.begin("Forget failed attempts") as conn:
            throttle.succeeded(conn, account=account, workstation=None if self.shared else place)


def _typed(name: str) -> str:
    """Return a name as ``clean_name`` keeps it, whatever was typed."""
    shown = "".join(character if character.isprintable() else " " for character in unicodedata.normalize("NFKC", name))
    return " ".join(shown.split())


def _whole(seconds: float) -> int:
    return max(1, round(seconds + 0.5))


def stored_password(conn: Connection, operator_id: int) -> Any:
    """Return the kept hash of an operator's password and whether somebody else chose it; nothing without one."""
    query = select(operator_password.c.hash, operator_password.c.must_change).where(operator_password.c.operator_id == operator_id)
    return conn.execute(query).one_or_none()


def store_password(conn: Connection, operator_id: int, kept: str, *, must_change: bool, changed: bool = True) -> None:
    """Keep the hash of a password; not ``changed`` when it is the same one, hashed anew."""
    if not changed:
        conn.execute(update(operator_password).where(operator_password.c.operator_id == operator_id).values(hash=kept))
        return
    facts = {"hash": kept, "must_change": must_change, "changed_at": func.now()}
    new = upsert(operator_password).values(operator_id=operator_id, **facts)
    conn.execute(new.on_conflict_do_update(index_elements=[operator_password.c.operator_id], set_=facts))
