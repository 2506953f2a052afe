"""lecternctl activity, locks, tables, statements, cancel: what the server does, and stopping a session with a reason."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from backend_core.backend import Backend
from backend_core.db.embedded import EmbeddedServer
from backend_core.db.roles import APP
from backend_core.policy import Actor
from tests.backend_core.monitoring.server.holding import Sessions, sessions_of
from tests.command import Ctl
from tests.polling import eventually


@pytest.fixture
def sessions(clean: EmbeddedServer) -> Iterator[Sessions]:
    with sessions_of(clean.admin_dsn) as opened:
        yield opened


def test_sessions_trees_and_tables_are_told_while_a_table_is_locked(
    backend: Backend,
    ctl: Ctl,  # the fixture
    sessions: Sessions,
) -> None:
    assert backend.profile.kind == "embedded"
    holder = sessions.hold("LOCK TABLE documents", name="night report").info.backend_pid
    waiter = sessions.wait(sessions.hold(name="visitor"), "SELECT 'private' FROM documents")
    view = ctl("activity", "--json").value
    told = next(one for one in view["sessions"] if one["pid"] == waiter)
    assert (told["blocked_by"], told["query"]) == ([holder], "SELECT '…' FROM documents")
    tree = ctl("locks").out.splitlines()
    assert tree[0].startswith(f"{holder} night report [idle in transaction] holds ACCESS EXCLUSIVE on documents")
    assert tree[1].startswith(f"  {waiter} visitor [active] waits ")
    assert f"ACCESS EXCLUSIVE by {holder}" in ctl("tables").out
    assert isinstance(ctl("statements", "--json").value, list)


def test_a_session_is_stopped_with_a_reason_and_not_without(
    backend: Backend,
    actor: Actor,
    ctl: Ctl,  # the fixture
    sessions: Sessions,
    clean: EmbeddedServer,
) -> None:
    sessions.hold("LOCK TABLE documents")
    guest = sessions.hold(name="guest", dsn=clean.dsn(APP))
    pid = sessions.wait(guest, "SELECT id FROM documents")
    refused = ctl("cancel", str(pid))
    assert refused.code == 1
    assert sessions.waits(pid)
    wrong = ctl("cancel", str(pid), "--started", "2001-01-01T00:00:00", "--reason", "it waits for ever")
    assert (wrong.code, "has ended" in wrong.err) == (1, True)
    assert sessions.waits(pid)
    done = ctl("cancel", str(pid), "--reason", "it waits for ever", "--json").value
    assert done == {"pid": pid, "how": "cancel", "told": True}
    eventually(lambda: not sessions.waits(pid))
    assert "was told to stop" in ctl("cancel", str(pid), "--terminate", "--reason", "it is in the way").out
    kept = [(row.reason, (row.after or {})["how"]) for row in backend.audit.latest(actor=actor) if row.action == "server.cancel"]
    assert kept == [("it is in the way", "terminate"), ("it waits for ever", "cancel")]
