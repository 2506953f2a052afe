"""Keeping operators: who is one, in which role, with which password; each change ends what the old state allowed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from backend_core.access import logins, sessions
from backend_core.access.base import AccessBase, clean_email, clean_name, operator_of, target_of
from backend_core.access.passwords import check_rules
from backend_core.access.records import Operator
from backend_core.access.tables import operator_password, operators
from backend_core.errors import Conflict, InvalidInput, NotAllowed, NotFound, StaleVersion
from backend_core.policy import ROLES, Actor, authorize

LOGIN_LENGTH: Final = 63
_LAST: Final = "Somebody has to remain an administrator; make another one first."


class Operators(AccessBase):
    """Who may use Lectern."""

    def listing(self, *, actor: Actor) -> tuple[Operator, ...]:
        """Return all operators by name; on a shared server with the role the server gives their login."""
        authorize(actor, "operator.list", target_of(None))
        with self._database.begin("List operators") as conn:
            found = [operator_of(row) for row in conn.execute(self._in_full().order_by(func.lower(operators.c.name))).all()]
            return tuple(self._as_the_server_says(conn, operator) for operator in found)

    def _as_the_server_says(self, conn: Connection, operator: Operator) -> Operator:
        if operator.db_login is None:
            return operator
        try:
            return replace(operator, role=logins.role_of(conn, operator.db_login))
        except NotAllowed:
            return replace(operator, disabled=True)

    def add(
        self,
        name: str,
        *,
        role: str,
        actor: Actor,
        password: str | None = None,
        email: str | None = None,
        os_user: str | None = None,
        db_login: str | None = None,
    ) -> Operator:
        """Add an operator.

        Args:
            password: the person is asked to change it; on a shared server, of the login that is made.
            os_user: who is let in without a password at this computer; not on a shared server.
            db_login: the login of a shared server; the name when left out.

        Raises:
            InvalidInput: something that cannot be used; the sentence says what.
            Conflict: the name, the address or the login is another operator's.
            ServerAdministratorNeeded: on a shared server, when this login may not make logins.
        """
        authorize(actor, "operator.add", target_of(None))
        facts = {"name": clean_name(name), "role": _role(role), "email": clean_email(email)}
        if self.shared:
            facts["db_login"] = _login_name(db_login or name)
        else:
            facts["os_user"] = None if os_user is None else clean_name(os_user)
        kept = None if password is None else check_rules(password, names=(facts["name"], facts["email"], os_user, db_login))
        hashed = None if kept is None or self.shared else self._passwords.hash(kept)
        with self._database.begin("Add operator") as conn:
            new = insert(operators).values(facts).returning(operators.c.id)
            operator_id = int(conn.execute(new).scalar_one())
            target = target_of(operator_id)
            after = {"name": facts["name"], "role": role, "has_password": kept is not None}
            self._audit.record(conn, actor=actor, action="operator.add", target=target, after=after)
            if hashed is not None:
                conn.execute(insert(operator_password).values(operator_id=operator_id, hash=hashed, must_change=True))
            if self.shared:
                logins.place(conn, str(facts["db_login"]), role, password=kept)
            return self._operator(conn, operator_id)

    def edit(self, operator_id: int, *, actor: Actor, version: int, **changes: str | None) -> Operator:
        """Change what an operator is called and reached by.

        Args:
            changes: ``name``, ``email``, ``os_user``; what is left out stays.

        Raises:
            StaleVersion: somebody else changed the operator since ``version`` was read.
            NotFound: there is no such operator.
        """
        target = target_of(operator_id)
        authorize(actor, "operator.edit", target)
        values = _edited(changes)
        with self._database.begin("Edit operator") as conn:
            row = self._locked(conn, operator_id)
            if row.version != version:
                raise StaleVersion("The operator was changed by somebody else meanwhile.")
            if "os_user" in values and self.shared:
                raise InvalidInput("On a shared server the login says who somebody is.")
            before, after = _told(row, values)
            self._audit.record(conn, actor=actor, action="operator.edit", target=target, before=before, after=after)
            self._change(conn, operator_id, **values)
            if values.get("os_user", row.os_user) != row.os_user:
                sessions.end_all(conn, operator_id)
            return self._operator(conn, operator_id)

    def set_role(self, operator_id: int, role: str, *, actor: Actor) -> Operator:
        """Give an operator another role; their sessions end.

        Raises:
            Conflict: the last administrator cannot become something else.
            ServerAdministratorNeeded: on a shared server, when this login may not move logins.
        """
        target = target_of(operator_id)
        authorize(actor, "operator.role", target)
        wanted = _role(role)
        with self._database.begin("Change role") as conn:
            self._serialize(conn)
            row = self._locked(conn, operator_id)
            self._audit.record(conn, actor=actor, action="operator.role", target=target, before={"role": row.role}, after={"role": wanted})
            self._change(conn, operator_id, role=wanted)
            self._keep_an_administrator(conn)
            if row.db_login is not None:
                logins.place(conn, row.db_login, wanted)
            sessions.end_all(conn, operator_id)
            return self._operator(conn, operator_id)

    def disable(self, operator_id: int, *, actor: Actor) -> Operator:
        """Keep an operator out, at once; what they own stays theirs until it is handed over.

        Raises:
            Conflict: the last administrator stays.
            ServerAdministratorNeeded: disabled, but on a shared server this login may not lock the other one.
        """
        target = target_of(operator_id)
        authorize(actor, "operator.disable", target)
        with self._database.begin("Disable operator") as conn:
            self._serialize(conn)
            row = self._locked(conn, operator_id)
            if row.disabled_at is not None:
                raise Conflict(f"{row.name} is disabled already.")
            self._audit.record(conn, actor=actor, action="operator.disable", target=target)
            self._change(conn, operator_id, disabled_at=func.now())
            self._keep_an_administrator(conn)
            sessions.end_all(conn, operator_id)
            # what this program can do is done at once, whoever may lock the login
            needed = None if row.db_login is None else _locked_out(conn, row.db_login)
            disabled = self._operator(conn, operator_id)
        if needed is not None:
            raise needed
        return disabled

    def enable(self, operator_id: int, *, actor: Actor) -> Operator:
        """Let a disabled operator in again."""
        target = target_of(operator_id)
        authorize(actor, "operator.enable", target)
        with self._database.begin("Enable operator") as conn:
            row = self._locked(conn, operator_id)
            if row.disabled_at is None:
                raise Conflict(f"{row.name} is not disabled.")
            self._audit.record(conn, actor=actor, action="operator.enable", target=target)
            self._change(conn, operator_id, disabled_at=None)
            if row.db_login is not None:
                logins.may_sign_in(conn, row.db_login, allowed=True)
            return self._operator(conn, operator_id)

    def reset_password(self, operator_id: int, password: str, *, actor: Actor) -> None:
        """Give an operator another password, which they are asked to change; their sessions end.

        Raises:
            InvalidInput: that password may not be chosen.
            ServerAdministratorNeeded: on a shared server, when this login may not.
        """
        target = target_of(operator_id)
        authorize(actor, "operator.reset", target)
        with self._database.begin("Find operator") as conn:
            row = conn.execute(select(operators).where(operators.c.id == operator_id)).one_or_none()
        if row is None:
            raise NotFound(f"There is no operator {operator_id}.")
        text = check_rules(password, names=(row.name, row.email, row.os_user, row.db_login))
        hashed = "" if self.shared else self._passwords.hash(text)
        with self._database.begin("Reset password") as conn:
            self._locked(conn, operator_id)
            self._audit.record(conn, actor=actor, action="operator.reset", target=target)
            if self.shared:
                logins.set_password(conn, row.db_login or "", text)
            else:
                facts = {"hash": hashed, "must_change": True, "changed_at": func.now()}
                new = upsert(operator_password).values(operator_id=operator_id, **facts)
                conn.execute(new.on_conflict_do_update(index_elements=[operator_password.c.operator_id], set_=facts))
            sessions.end_all(conn, operator_id)

    def hand_over(self, from_id: int, to_id: int, *, actor: Actor) -> int:
        """Give everything one operator owns to another who may sign in; return how many things there were.

        Raises:
            NotFound: one of them does not exist.
            Conflict: the new owner is disabled, or both are the same.
        """
        target = target_of(from_id)
        authorize(actor, "operator.hand_over", target)
        if from_id == to_id:
            raise Conflict("They own it already.")
        with self._database.begin("Hand over") as conn:
            rows = {operator_id: self._locked(conn, operator_id) for operator_id in sorted((from_id, to_id))}
            if rows[to_id].disabled_at is not None:
                raise Conflict(f"{rows[to_id].name} is disabled.")
            moved = 0 if self._reassign is None else self._reassign(conn, from_id, to_id)
            after = {"to": to_id, "documents": moved}
            self._audit.record(conn, actor=actor, action="operator.hand_over", target=target, after=after)
            return moved

    def ensure(self, name: str, *, role: str) -> int:
        """Return the id of an operator with this name who cannot sign in, creating it if needed; for sample data only."""
        with self._database.begin("Add sample operator") as conn:
            found = conn.execute(select(operators.c.id).where(operators.c.os_user == f"sample:{name}")).scalar_one_or_none()
            if found is not None:
                return int(found)
            taken = conn.execute(select(operators.c.id).where(func.lower(operators.c.name) == func.lower(name))).first()
            facts = {"name": f"{name} (sample)" if taken else name, "os_user": f"sample:{name}", "role": role}
            new = upsert(operators).values(facts)
            new = new.on_conflict_do_update(index_elements=[operators.c.os_user], set_={"name": facts["name"]})
            return int(conn.execute(new.returning(operators.c.id)).scalar_one())

    def _change(self, conn: Connection, operator_id: int, **values: Any) -> None:
        conn.execute(update(operators).where(operators.c.id == operator_id).values(version=operators.c.version + 1, **values))
        self._database.changes.touch(conn, "operators")

    def _keep_an_administrator(self, conn: Connection) -> None:
        if conn.execute(self._active_administrators().limit(1)).first() is None:
            raise Conflict(_LAST)

    def _without_password(self, conn: Connection, operator_id: int) -> None:
        conn.execute(delete(operator_password).where(operator_password.c.operator_id == operator_id))


def _locked_out(conn: Connection, login: str) -> logins.ServerAdministratorNeeded | None:
    try:
        logins.may_sign_in(conn, login, allowed=False)
    except logins.ServerAdministratorNeeded as error:
        return error
    return None


def _role(role: str) -> str:
    if role not in ROLES:
        raise InvalidInput(f"A role is one of {', '.join(ROLES)}.")
    return role


def _login_name(text: str) -> str:
    name = clean_name(text)
    if len(name.encode()) > LOGIN_LENGTH or name.startswith(("pg_", "lectern_")):
        raise InvalidInput("That cannot be the name of a login.")
    return name


def _edited(changes: Mapping[str, str | None]) -> dict[str, str | None]:
    unknown = set(changes) - {"name", "email", "os_user"}
    if unknown:
        raise InvalidInput(f"{min(unknown)} cannot be changed.")
    clean: dict[str, str | None] = {}
    if "name" in changes:
        clean["name"] = clean_name(changes["name"] or "")
    if "email" in changes:
        clean["email"] = clean_email(changes["email"])
    if "os_user" in changes:
        clean["os_user"] = clean_name(changes["os_user"]) if changes["os_user"] else None
    return clean


def _told(row: Any, values: Mapping[str, str | None]) -> tuple[dict[str, object], dict[str, object]]:
    """Return before and after for the audit log; of an address only that it changed."""
    changed = {name: value for name, value in values.items() if getattr(row, name) != value}
    before = {name: getattr(row, name) for name in changed if name != "email"}
    after: dict[str, object] = {name: value for name, value in changed.items() if name != "email"}
    return before, after | ({"email": "changed"} if "email" in changed else {})
