"""Stopping a session: only the very one that was meant, only by who may, only with a reason, and never without a record."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from backend_core.backend import Backend, open_backend
from backend_core.db import embedded
from backend_core.db.embedded import EmbeddedServer
from backend_core.db.roles import APP
from backend_core.errors import Conflict, InvalidInput, NotAllowed, NotFound, ReasonNeeded
from backend_core.monitoring.server.records import SessionRow
from backend_core.policy import Actor
from tests.backend_core.monitoring.server.holding import Sessions
from tests.polling import eventually

Conn = psycopg.Connection[Any]


@pytest.fixture
def reasoned(actor: Actor) -> Actor:
    return replace(actor, reason="it keeps everybody waiting")


@pytest.fixture
def guest(clean: EmbeddedServer, sessions: Sessions) -> Conn:
    """A session of a role that is neither ours nor a superuser."""
    return sessions.hold(name="guest", dsn=clean.dsn(APP))


def row_of(backend: Backend, actor: Actor, conn: Conn) -> SessionRow:
    return next(row for row in backend.server.activity(actor=actor).sessions if row.pid == conn.info.backend_pid)


def started(backend: Backend, actor: Actor, conn: Conn) -> dt.datetime:
    found = row_of(backend, actor, conn).started_at
    assert found is not None
    return found


def records(backend: Backend, actor: Actor) -> list[tuple[str, str, object, str | None]]:
    rows = backend.audit.latest(actor=actor)
    return [(row.action, row.target, (row.after or {}).get("how"), row.reason) for row in rows if row.action == "server.cancel"]


def test_a_cancelled_statement_ends_and_its_session_stays(backend: Backend, reasoned: Actor, sessions: Sessions, guest: Conn) -> None:
    sessions.hold("LOCK TABLE documents")
    pid = sessions.wait(guest, "SELECT id FROM documents")
    assert backend.server.cancel(pid, started(backend, reasoned, guest), actor=reasoned).told
    eventually(lambda: not sessions.waits(pid))
    assert sessions.value("SELECT count(*) FROM pg_stat_activity WHERE pid = %s", pid) == 1
    assert records(backend, reasoned) == [("server.cancel", f"session:{pid}", "cancel", "it keeps everybody waiting")]


def test_a_terminated_session_gives_up_its_locks(backend: Backend, reasoned: Actor, sessions: Sessions, guest: Conn) -> None:
    guest.execute("LOCK TABLE documents IN SHARE MODE")
    pid = guest.info.backend_pid
    waiter = sessions.wait(sessions.hold(), "LOCK TABLE documents")
    assert backend.server.terminate(pid, started(backend, reasoned, guest), actor=reasoned).told
    eventually(lambda: not sessions.waits(waiter))
    assert records(backend, reasoned) == [("server.cancel", f"session:{pid}", "terminate", "it keeps everybody waiting")]


def test_a_session_of_another_role_is_stopped_by_the_right_to_signal_and_not_without_it(
    backend: Backend, reasoned: Actor, sessions: Sessions, clean: EmbeddedServer
) -> None:
    with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
        owner = sessions.hold(name="maker", dsn=clean.dsn("lectern_owner"))
        conn.execute(f"REVOKE pg_signal_backend FROM {APP}")
        try:
            with pytest.raises(NotAllowed, match="does not let this account stop"):
                backend.server.terminate(owner.info.backend_pid, started(backend, reasoned, owner), actor=reasoned)
        finally:
            conn.execute(f"GRANT pg_signal_backend TO {APP}")
    # what was refused is not recorded as done
    assert records(backend, reasoned) == []
    assert backend.server.terminate(owner.info.backend_pid, started(backend, reasoned, owner), actor=reasoned).told


def test_nothing_is_stopped_without_a_reason_or_the_role_for_it(backend: Backend, actor: Actor, guest: Conn) -> None:
    pid, begun = guest.info.backend_pid, started(backend, actor, guest)
    with pytest.raises(ReasonNeeded):
        backend.server.cancel(pid, begun, actor=actor)
    for role in ("support", "auditor"):
        with pytest.raises(NotAllowed):
            backend.server.terminate(pid, begun, actor=replace(actor, role=role, reason="because"))
    assert guest.execute("SELECT 1").fetchone() == (1,)
    assert records(backend, actor) == []


def test_a_number_that_belongs_to_another_session_now_is_left_alone(backend: Backend, reasoned: Actor, guest: Conn) -> None:
    earlier = started(backend, reasoned, guest) - dt.timedelta(seconds=1)
    with pytest.raises(NotFound, match="has ended"):
        backend.server.terminate(guest.info.backend_pid, earlier, actor=reasoned)
    with pytest.raises(NotFound):
        backend.server.terminate(2**31 - 1, earlier, actor=reasoned)
    assert guest.execute("SELECT 1").fetchone() == (1,)


def test_a_superusers_session_and_our_own_eyes_are_not_stopped(backend: Backend, reasoned: Actor, sessions: Sessions) -> None:
    high = sessions.hold(name="high")
    with pytest.raises(NotAllowed, match="superuser"):
        backend.server.terminate(high.info.backend_pid, started(backend, reasoned, high), actor=reasoned)
    own = next(row for row in backend.server.activity(actor=reasoned).sessions if row.monitor)
    assert own.started_at is not None
    with pytest.raises(InvalidInput, match="watching session"):
        backend.server.terminate(own.pid, own.started_at, actor=reasoned)
    assert records(backend, reasoned) == []


def test_a_session_is_stopped_while_the_pool_has_nothing_left(backend: Backend, sessions: Sessions, guest: Conn) -> None:
    settings = backend.settings.model_copy(update={"pool_size": 1, "max_overflow": 0, "pool_timeout_s": 0.1})
    with open_backend(settings, application="desktop") as small:
        reasoned = replace(small.actor(), reason="nothing goes any more")
        begun = started(small, reasoned, guest)
        with small.database.begin("Hold"):
            assert small.server.terminate(guest.info.backend_pid, begun, actor=reasoned).told
        assert records(small, reasoned)[0][2] == "terminate"


def test_who_locks_the_audit_log_goes_first_and_is_recorded_after(
    backend: Backend, reasoned: Actor, sessions: Sessions, clean: EmbeddedServer
) -> None:
    owner = sessions.hold("LOCK TABLE audit_event", name="maker", dsn=clean.dsn("lectern_owner"))
    other = sessions.hold(name="other", dsn=clean.dsn(APP))
    with pytest.raises(Conflict, match="nothing was stopped"):
        backend.server.terminate(other.info.backend_pid, started(backend, reasoned, other), actor=reasoned)
    assert other.execute("SELECT 1").fetchone() == (1,)
    assert backend.server.terminate(owner.info.backend_pid, started(backend, reasoned, owner), actor=reasoned).told
    assert [found[2] for found in records(backend, reasoned)] == ["terminate"]


def test_a_server_made_by_an_earlier_version_is_given_the_right_at_the_next_start(sessions: Sessions, clean: EmbeddedServer) -> None:
    may = "SELECT pg_has_role(%s, 'pg_signal_backend', 'MEMBER')"
    with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
        conn.execute("REVOKE pg_signal_backend FROM lectern_app, lectern_administrator")
    embedded.ensure_running(clean.cluster.home)
    assert [sessions.value(may, role) for role in ("lectern_app", "lectern_administrator")] == [True, True]
    # not the groups that may not stop sessions, nor the role as which everybody watches
    assert [sessions.value(may, role) for role in ("lectern_support", "lectern_auditor", "lectern_monitor")] == [False, False, False]
