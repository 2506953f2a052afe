"""Sessions: they end by idleness, by age, at once; and nothing slips through while they do."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import psycopg
import pytest
import sqlalchemy as sa

from backend_core.access.records import Operator, SignedIn
from backend_core.access.service import Access
from backend_core.access.tables import sign_in_failure
from backend_core.access.throttle import account_key
from backend_core.backend import Backend
from backend_core.db.embedded import EmbeddedServer
from backend_core.errors import DatabaseAway, NotAllowed, SignInFailed, SignInNeeded
from backend_core.policy import Actor
from tests.backend_core.access.conftest import GOOD, OTHER, recorded
from tests.lectern import MakeDocument
from tests.polling import eventually


def failures_of(backend: Backend, key: str) -> int:
    with backend.database.begin("Look") as conn:
        query = sa.select(sign_in_failure.c.failures).where(sign_in_failure.c.key == key)
        return int(conn.execute(query).scalar_one_or_none() or 0)


def wrong(access: Access, name: str, password: str = "not the password") -> SignInFailed:
    with pytest.raises(SignInFailed) as refused:
        access.sign_in(name, password)
    return refused.value


def age(clean: EmbeddedServer, column: str, hours: float) -> None:
    with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
        conn.execute(f"UPDATE auth_session SET {column} = {column} - interval '{hours} hours'")


@pytest.mark.trace("A4")
@pytest.mark.parametrize(("column", "hours"), [("last_seen_at", 8.1), ("expires_at", 12.1)])
def test_a_session_ends_by_idleness_and_by_age(access: Access, ana: Operator, clean: EmbeddedServer, column: str, hours: float) -> None:
    signed = access.sign_in("Ana", GOOD)
    age(clean, column, hours - 0.2)
    access.check(signed.actor)
    access.resume(signed.token)
    age(clean, column, hours)
    ended(access, signed)


def ended(access: Access, signed: SignedIn) -> None:
    with pytest.raises(SignInNeeded):
        access.check(signed.actor)
    with pytest.raises(SignInNeeded):
        access.resume(signed.token)


def test_a_session_in_use_does_not_go_idle(access: Access, ana: Operator, clean: EmbeddedServer) -> None:
    signed = access.sign_in("Ana", GOOD)
    for _ in range(3):
        age(clean, "last_seen_at", 5)
        access.check(signed.actor)
    access.resume(signed.token)


@pytest.mark.trace("A4")
def test_signing_out_ends_this_session_and_no_other(access: Access, ana: Operator) -> None:
    one, two = access.sign_in("Ana", GOOD), access.sign_in("Ana", GOOD)
    access.sign_out(one.actor)
    ended(access, one)
    access.check(two.actor)
    access.sign_out(one.actor)


@pytest.mark.trace("A4")
def test_a_revoked_session_ends_at_once_and_support_staff_revoke_only_their_own(access: Access, ana: Operator, admin: Actor) -> None:
    access.add("Ben", role="support", actor=admin, password=GOOD)
    mine, other = access.sign_in("Ana", GOOD), access.sign_in("Ben", GOOD)
    assert [row.operator for row in access.sessions(actor=mine.actor)] == ["Ana"]
    assert [row.current for row in access.sessions(actor=mine.actor)] == [True]
    assert len(access.sessions(actor=admin)) == 2
    with pytest.raises(NotAllowed):
        access.sessions(actor=mine.actor, operator_id=other.actor.operator_id)
    with pytest.raises(NotAllowed):
        access.revoke_session(other.actor.session or "", actor=mine.actor)
    access.check(other.actor)
    access.revoke_session(other.actor.session or "", actor=admin)
    ended(access, other)
    access.revoke_session(mine.actor.session or "", actor=mine.actor)
    ended(access, mine)


def test_a_made_up_token_is_no_session(access: Access, ana: Operator) -> None:
    for token in ("", "x", "x" * 43, access.sign_in("Ana", GOOD).token[:-1]):
        with pytest.raises(SignInNeeded):
            access.resume(token)


@pytest.mark.trace("A4")
def test_another_password_ends_every_session_and_begins_one(access: Access, ana: Operator) -> None:
    one, two = access.sign_in("Ana", GOOD), access.sign_in("Ana", GOOD)
    with pytest.raises(SignInFailed):
        access.change_password("wrong one", OTHER, actor=one.actor)
    fresh = access.change_password(GOOD, OTHER, actor=one.actor)
    ended(access, one)
    ended(access, two)
    assert fresh is not None
    access.check(fresh.actor)
    wrong(access, "Ana", GOOD)
    assert not access.sign_in("Ana", OTHER).must_change


def test_proving_who_one_is_lasts_a_while_and_is_throttled_like_signing_in(access: Access, ana: Operator, backend: Backend) -> None:
    resumed = access.resume(access.sign_in("Ana", GOOD).token)
    assert access.prove(resumed, GOOD).proven_until is not None
    for _ in range(6):
        with pytest.raises(SignInFailed):
            access.prove(resumed, "wrong one")
    with pytest.raises(SignInFailed, match="Too many"):
        access.prove(resumed, GOOD)
    with pytest.raises(SignInFailed, match="Too many"):
        access.sign_in("Ana", GOOD)
    assert failures_of(backend, account_key(f"operator {ana.id}")) == 6
    outcomes = [row.outcome for row in recorded(backend, "operator.unlock")]
    assert outcomes[0] == "done"
    assert set(outcomes[1:]) == {"refused"}


@pytest.mark.trace("A4")
def test_what_is_done_in_a_revoked_session_is_refused_and_changes_nothing(
    access: Access, ana: Operator, admin: Actor, backend: Backend, make_document: MakeDocument
) -> None:
    document_id = make_document()
    access.set_role(ana.id, "admin", actor=admin)
    actor = access.sign_in("Ana", GOOD).actor
    version = backend.documents.rename(
        document_id, "Before", actor=actor, version=backend.documents.get(document_id, actor=actor).version
    ).version
    access.revoke_session(actor.session or "", actor=admin)
    with pytest.raises(SignInNeeded):
        backend.documents.rename(document_id, "After", actor=actor, version=version)
    with pytest.raises(SignInNeeded):
        access.disable(admin.operator_id or 0, actor=replace(actor, reason="revenge"))
    assert backend.documents.get(document_id, actor=admin).title == "Before"
    assert not recorded(backend, "operator.disable")


CALLS: dict[str, Callable[[Access, SignedIn], object]] = {
    "sign_in_here": lambda access, signed: access.sign_in_here(),
    "sign_in": lambda access, signed: access.sign_in("Ana", GOOD),
    "resume": lambda access, signed: access.resume(signed.token),
    "check": lambda access, signed: access.check(signed.actor),
    "actor": lambda access, signed: access.actor(signed.actor.operator_id, workstation="x"),
}


@pytest.mark.trace("A8")
@pytest.mark.logs("discarding closed connection")
@pytest.mark.parametrize("name", sorted(CALLS))
def test_a_connection_lost_while_looking_somebody_up_is_said_as_such_and_the_next_try_works(
    access: Access, ana: Operator, clean: EmbeddedServer, name: str
) -> None:
    signed = access.sign_in("Ana", GOOD)
    kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND usename = 'lectern_app'"
    with (
        psycopg.connect(clean.admin_dsn, autocommit=True) as killer,
        ThreadPoolExecutor(1) as pool,
        psycopg.connect(clean.admin_dsn) as holder,
    ):
        holder.execute("LOCK TABLE operators IN ACCESS EXCLUSIVE MODE")
        lost = pool.submit(CALLS[name], access, signed)
        eventually(lambda: killer.execute(kill).fetchone() is not None)
        with pytest.raises(DatabaseAway) as away:
            lost.result(20)
        holder.rollback()
        assert away.value.retriable
        assert "operators" not in str(away.value)
        CALLS[name](access, signed)


MEANWHILE = {
    "disabled": "UPDATE operators SET disabled_at = now() WHERE name = 'Ana'",
    "another password": "UPDATE operator_password SET hash = 'another'",
}


@pytest.mark.trace("A15")
@pytest.mark.parametrize("change", sorted(MEANWHILE))
def test_whoever_is_kept_out_while_signing_in_does_not_get_in(access: Access, ana: Operator, clean: EmbeddedServer, change: str) -> None:
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND usename = 'lectern_app'"
    with (
        psycopg.connect(clean.admin_dsn, autocommit=True) as watcher,
        ThreadPoolExecutor(1) as pool,
        psycopg.connect(clean.admin_dsn) as holder,
    ):
        # what every change of an operator begins with
        holder.execute("SELECT FROM operators WHERE name = 'Ana' FOR UPDATE")
        holder.execute(MEANWHILE[change])
        attempt = pool.submit(access.sign_in, "Ana", GOOD)
        eventually(lambda: watcher.execute(waiting).fetchone() == (1,))
        holder.commit()
        with pytest.raises(SignInFailed):
            attempt.result(20)
        assert watcher.execute("SELECT count(*) FROM auth_session").fetchone() == (0,)
