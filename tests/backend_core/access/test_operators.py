"""Keeping operators: roles, passwords, hand-over, recovery; nobody is left without an administrator, nothing lingers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import psycopg
import pytest

from backend_core.access.records import Operator
from backend_core.access.service import Access
from backend_core.backend import Backend
from backend_core.db.embedded import EmbeddedServer
from backend_core.db.roles import APP, OWNER
from backend_core.errors import (
    Conflict,
    InvalidInput,
    LecternError,
    NotAllowed,
    NotFound,
    ProofNeeded,
    ReasonNeeded,
    SignInFailed,
    SignInNeeded,
)
from backend_core.policy import ADMIN, ALLOWED, AUDITOR, PERSONAL, SUPPORT, Actor
from tests.backend_core.access.conftest import GOOD, OTHER, recorded, trusted
from tests.lectern import add_documents

Change = Callable[[Access, int, Actor], object]
CHANGES: dict[str, Change] = {
    "operator.role": lambda access, one, actor: access.set_role(one, AUDITOR, actor=actor),
    "operator.disable": lambda access, one, actor: access.disable(one, actor=actor),
    "operator.reset": lambda access, one, actor: access.reset_password(one, OTHER, actor=actor),
}


@pytest.mark.trace("A4")
@pytest.mark.parametrize("action", sorted(CHANGES))
def test_what_takes_rights_away_ends_every_session_at_once(
    access: Access, ana: Operator, admin: Actor, backend: Backend, action: str
) -> None:
    sessions = [access.sign_in("Ana", GOOD), access.sign_in("Ana", GOOD)]
    CHANGES[action](access, ana.id, admin)
    for signed in sessions:
        with pytest.raises(SignInNeeded):
            access.check(signed.actor)
        with pytest.raises(SignInNeeded):
            access.resume(signed.token)
    assert access.sessions(actor=admin) == ()
    assert [row.target for row in recorded(backend, action)] == [f"operator:{ana.id}"]


def test_the_same_changes_end_nothing_when_the_log_cannot_be_written(
    access: Access, ana: Operator, admin: Actor, clean: EmbeddedServer
) -> None:
    signed = access.sign_in("Ana", GOOD)
    with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
        before = conn.execute(
            "SELECT role, disabled_at, version, hash FROM operators JOIN operator_password ON operator_id = id"
        ).fetchall()
        conn.execute("REVOKE INSERT ON audit_event FROM lectern_app")
        try:
            for change in CHANGES.values():
                with pytest.raises(LecternError):
                    change(access, ana.id, admin)
            with pytest.raises(LecternError):
                access.add("Ben", role="support", actor=admin)
        finally:
            conn.execute("GRANT INSERT ON audit_event TO lectern_app")
        after = conn.execute("SELECT role, disabled_at, version, hash FROM operators JOIN operator_password ON operator_id = id").fetchall()
    assert before == after
    access.check(signed.actor)


@pytest.mark.trace("A4")
def test_a_disabled_operator_stays_out_until_enabled(access: Access, ana: Operator, admin: Actor) -> None:
    access.disable(ana.id, actor=admin)
    with pytest.raises(SignInFailed):
        access.sign_in("Ana", GOOD)
    with pytest.raises(NotAllowed):
        access.actor(ana.id, workstation="x")
    with pytest.raises(Conflict):
        access.disable(ana.id, actor=admin)
    access.enable(ana.id, actor=admin)
    assert access.sign_in("Ana", GOOD).actor.operator_id == ana.id


def test_a_new_password_by_somebody_else_is_to_be_changed(access: Access, ana: Operator, admin: Actor) -> None:
    access.reset_password(ana.id, OTHER, actor=admin)
    with pytest.raises(SignInFailed):
        access.sign_in("Ana", GOOD)
    signed = access.sign_in("Ana", OTHER)
    assert signed.must_change
    fresh = access.change_password(OTHER, GOOD, actor=signed.actor)
    assert fresh is not None
    assert not fresh.must_change


def test_the_last_administrator_can_be_neither_disabled_nor_demoted(access: Access, ana: Operator, admin: Actor) -> None:
    me = admin.operator_id or 0
    for change in (lambda: access.disable(me, actor=admin), lambda: access.set_role(me, SUPPORT, actor=admin)):
        with pytest.raises(Conflict, match="remain an administrator"):
            change()
    # one who has no way in does not count
    access.set_role(access.add("Cid", role="support", actor=admin).id, ADMIN, actor=admin)
    with pytest.raises(Conflict, match="remain an administrator"):
        access.disable(me, actor=admin)
    access.set_role(ana.id, ADMIN, actor=admin)
    assert access.set_role(me, SUPPORT, actor=admin).role == SUPPORT


@pytest.mark.trace("A15")
def test_two_administrators_who_disable_each_other_leave_one(access: Access, ana: Operator, admin: Actor) -> None:
    for _ in range(5):
        access.set_role(ana.id, ADMIN, actor=admin)
        pair = [(admin.operator_id or 0, ana.id), (ana.id, admin.operator_id or 0)]

        def disable(who: tuple[int, int]) -> bool:
            try:
                access.disable(who[1], actor=replace(admin, operator_id=who[0]))
            except Conflict:
                return False
            return True

        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(disable, pair)) == [False, True]
        for operator in access.listing(actor=admin):
            if operator.disabled:
                access.enable(operator.id, actor=admin)


@pytest.mark.trace("A15")
def test_of_many_who_add_one_name_at_once_one_succeeds(access: Access, admin: Actor) -> None:
    def add(number: int) -> bool:
        try:
            access.add("Ana" if number % 2 else "ANA", role="support", actor=admin)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(add, range(8))) == 1


def test_names_and_addresses_are_one_persons(access: Access, ana: Operator, admin: Actor) -> None:
    for facts in ({"name": "ana"}, {"name": "Ben", "email": "ANA@example.org"}):
        with pytest.raises(Conflict):
            access.add(**facts, role="support", actor=admin)
    for name in ("", "   ", "x" * 201, "a\x00b", "a\x1bb"):
        with pytest.raises(InvalidInput):
            access.add(name, role="support", actor=admin)
    for email in ("x", "@x", "x@", "a b@c"):
        with pytest.raises(InvalidInput):
            access.add("Ben", role="support", actor=admin, email=email)
    with pytest.raises(InvalidInput):
        access.add("Ben", role="system", actor=admin)


def test_editing_is_refused_when_somebody_else_was_first_and_tells_no_address(
    access: Access, ana: Operator, admin: Actor, backend: Backend
) -> None:
    edited = access.edit(ana.id, actor=admin, version=ana.version, name="Anna", email="anna@example.org")
    assert (edited.name, edited.email, edited.version) == ("Anna", "anna@example.org", ana.version + 1)
    with pytest.raises(Conflict):
        access.edit(ana.id, actor=admin, version=ana.version, name="Anne")
    row = recorded(backend, "operator.edit")[0]
    assert row.before == {"name": "Ana"}
    assert row.after == {"name": "Anna", "email": "changed"}
    assert access.sign_in("Anna", GOOD)
    with pytest.raises(NotFound):
        access.edit(999, actor=admin, version=1, name="x")


def test_nothing_recorded_holds_a_password(access: Access, ana: Operator, admin: Actor, clean: EmbeddedServer) -> None:
    access.reset_password(ana.id, OTHER, actor=admin)
    signed = access.sign_in("Ana", OTHER)
    access.change_password(OTHER, GOOD, actor=signed.actor)
    with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
        text = str(conn.execute("SELECT t::text FROM audit_event t").fetchall())
    for secret in (GOOD, OTHER, "$argon2", signed.token):
        assert secret not in text


def test_what_one_operator_owns_is_handed_over_deleted_things_too(access: Access, ana: Operator, admin: Actor, backend: Backend) -> None:
    owner = access.sign_in("Ana", GOOD).actor
    add_documents(backend, owner, 3)
    access.disable(ana.id, actor=admin)
    assert access.hand_over(ana.id, admin.operator_id or 0, actor=admin) == 3
    assert {row.owner for row in backend.documents.listing(actor=admin).rows} == {admin.name}
    assert recorded(backend, "operator.hand_over")[0].after == {"to": admin.operator_id, "documents": 3}
    with pytest.raises(Conflict):
        access.hand_over(admin.operator_id or 0, ana.id, actor=admin)
    with pytest.raises(NotFound):
        access.hand_over(ana.id, 999, actor=admin)


def test_the_actions_that_need_it_ask_for_proof_and_a_reason(access: Access, ana: Operator, admin: Actor) -> None:
    unproven = replace(admin, proven_until=None)
    for change in (*CHANGES.values(), lambda access, one, actor: access.add("Ben", role="support", actor=actor)):
        with pytest.raises(ProofNeeded):
            change(access, ana.id, unproven)
    silent = replace(admin, reason=" ")
    for action in ("operator.role", "operator.disable"):
        with pytest.raises(ReasonNeeded):
            CHANGES[action](access, ana.id, silent)
    stale = replace(admin, proven_until=dt.datetime.now(dt.UTC))
    with pytest.raises(ProofNeeded):
        access.reset_password(ana.id, OTHER, actor=stale)


@pytest.mark.trace("A84")
def test_support_staff_and_auditors_keep_no_operators(access: Access, ana: Operator, admin: Actor) -> None:
    for role in (SUPPORT, AUDITOR):
        actor = trusted(replace(admin, operator_id=ana.id, role=role))
        refused: list[Callable[[], object]] = [
            lambda actor=actor: access.add("Ben", role="admin", actor=actor),
            lambda actor=actor: access.edit(ana.id, actor=actor, version=1, name="x"),
            lambda actor=actor: access.enable(ana.id, actor=actor),
            lambda actor=actor: access.hand_over(ana.id, 1, actor=actor),
            *(lambda change=change, actor=actor: change(access, ana.id, actor) for change in CHANGES.values()),
        ]
        for call in refused:
            with pytest.raises(NotAllowed, match="role"):
                call()
    with pytest.raises(NotAllowed):
        access.listing(actor=replace(admin, role=SUPPORT))


def test_whoever_owns_the_database_makes_a_lost_administrator_anew(
    access: Access, ana: Operator, admin: Actor, clean: EmbeddedServer
) -> None:
    signed = access.sign_in("Ana", GOOD)
    with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
        conn.execute("UPDATE operators SET disabled_at = now()")
    recovered = access.recover("ana", clean.dsn(OWNER), password=OTHER, reason="the only administrator left")
    assert (recovered.id, recovered.role, recovered.disabled, recovered.has_password) == (ana.id, ADMIN, False, True)
    with pytest.raises(SignInNeeded):
        access.check(signed.actor)
    fresh = access.sign_in("Ana", OTHER)
    assert fresh.actor.role == ADMIN
    # without a password it is whoever sits here
    again = access.recover("Somebody", clean.dsn(OWNER))
    assert (again.role, again.has_password) == (ADMIN, False)
    assert access.sign_in_here().operator_id == again.id
    with pytest.raises(LecternError):
        access.recover("Mallory", clean.dsn(APP))
    assert "Mallory" not in {operator.name for operator in access.listing(actor=trusted(fresh.actor))}


def test_sample_operators_never_take_a_name_from_a_person(access: Access, ana: Operator) -> None:
    first = access.ensure("Ana", role=SUPPORT)
    assert first != ana.id
    assert access.ensure("Ana", role=SUPPORT) == first
    assert access.sign_in("Ana", GOOD).actor.operator_id == ana.id


@pytest.mark.trace("A84")
def test_the_review_says_who_may_do_what_since_when_and_when_they_last_did(
    access: Access, ana: Operator, admin: Actor, backend: Backend, clean: EmbeddedServer
) -> None:
    backend.documents.listing(actor=admin)
    access.set_role(ana.id, AUDITOR, actor=admin)
    auditor = access.sign_in("Ana", GOOD).actor
    rows = access.review(actor=auditor)
    mine = {row.action: row for row in rows if row.operator_id == ana.id}
    assert set(mine) == {action for action, roles in ALLOWED.items() if AUDITOR in roles}
    assert {action for action, row in mine.items() if row.own_only} == PERSONAL & set(mine)
    assert mine["audit.list"].since > ana.created_at
    assert mine["operator.list"].last_used is not None
    assert mine["pool.read"].last_used is None
    assert {row.action for row in rows if row.role == ADMIN} == {action for action, roles in ALLOWED.items() if ADMIN in roles}
    assert recorded(backend, "operator.review")
    with pytest.raises(NotAllowed):
        access.review(actor=replace(auditor, role=SUPPORT))


def test_the_review_of_an_earlier_day_shows_what_was_then(access: Access, ana: Operator, admin: Actor, clean: EmbeddedServer) -> None:
    moments = [now(clean)]
    for change in (
        lambda: access.set_role(ana.id, AUDITOR, actor=admin),
        lambda: access.disable(ana.id, actor=admin),
        lambda: access.set_role(ana.id, ADMIN, actor=admin),
        lambda: access.enable(ana.id, actor=admin),
    ):
        change()
        moments.append(now(clean))
    seen = []
    for moment in moments:
        rows = [row for row in access.review(actor=admin, as_of=moment) if row.operator_id == ana.id]
        assert len({(row.role, row.disabled, row.since) for row in rows}) == 1
        seen.append((rows[0].role, rows[0].disabled))
    assert seen == [(SUPPORT, False), (AUDITOR, False), (AUDITOR, True), (ADMIN, True), (ADMIN, False)]
    before = access.review(actor=admin, as_of=ana.created_at - dt.timedelta(microseconds=1))
    assert ana.id not in {row.operator_id for row in before}


def now(clean: EmbeddedServer) -> dt.datetime:
    with psycopg.connect(clean.admin_dsn) as conn:
        row = conn.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None
    return row[0]
