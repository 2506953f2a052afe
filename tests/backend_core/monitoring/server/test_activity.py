"""Sessions, trees and tables of a real server, as Lectern shows them."""

from __future__ import annotations

from dataclasses import replace

import psycopg
import pytest

from backend_core.backend import Backend
from backend_core.db.embedded import EmbeddedServer
from backend_core.db.roles import MONITOR, OWNER
from backend_core.errors import NotAllowed
from backend_core.monitoring.link import MonitorLink
from backend_core.monitoring.server.activity import read_activity
from backend_core.monitoring.server.records import BlockNode
from backend_core.policy import Actor
from tests.backend_core.monitoring.server.holding import Sessions
from tests.polling import eventually


def test_activity_counts_by_state_user_and_application_as_the_server_does(backend: Backend, actor: Actor, sessions: Sessions) -> None:
    for _ in range(3):
        sessions.hold("SELECT 'private'", name="visitor")
    view = backend.server.activity(actor=actor)
    counted = sessions.value("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'")
    assert dict(view.by_application)["visitor"] == 3
    assert dict(view.by_state)["idle in transaction"] == 3
    assert sum(n for _, n in view.by_state) == sum(n for _, n in view.by_user) == counted
    assert sum(1 for row in view.sessions if not row.background) == counted
    visitors = [row for row in view.sessions if row.application == "visitor"]
    assert {row.query for row in visitors} == {"SELECT '…'"}
    assert {(row.ours, row.kind) for row in visitors} == {(False, "Other client")}
    assert view.oldest_transaction_s is not None
    assert view.max_connections == int(sessions.value("SHOW max_connections"))
    own = next(row for row in view.sessions if row.monitor)
    assert (own.kind, own.ours, own.query is not None) == ("Monitor, own role", True, True)


def test_what_the_server_hides_is_said_to_be_hidden_and_not_empty(clean: EmbeddedServer, sessions: Sessions) -> None:
    holder = sessions.hold("LOCK TABLE documents", name="visitor")
    waiter = sessions.hold(name="visitor")
    sessions.wait(waiter, "LOCK TABLE documents")
    with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
        conn.execute(f"REVOKE pg_monitor FROM {MONITOR}")
        try:
            link = MonitorLink(clean.dsn(MONITOR))
            view = read_activity(link)
            link.close()
        finally:
            conn.execute(f"GRANT pg_monitor TO {MONITOR}")
    hidden = {row.pid: row for row in view.sessions if row.query is None}
    assert view.hidden == len(hidden) >= 2
    # who waits for whom is seen all the same
    assert hidden[waiter.info.backend_pid].blocked_by == (holder.info.backend_pid,)
    assert {row.state for row in hidden.values()} == {"hidden"}


def test_three_levels_of_waiting_are_shown_with_what_each_holds_and_wants(backend: Backend, actor: Actor, sessions: Sessions) -> None:
    first = sessions.hold("LOCK TABLE documents", name="first")
    second = sessions.hold("LOCK TABLE audios", name="second")
    sessions.wait(second, "LOCK TABLE documents IN SHARE MODE")
    third, fourth = sessions.hold(name="third"), sessions.hold(name="fourth")
    sessions.wait(third, "SELECT id FROM audios FOR SHARE")
    sessions.wait(fourth, "LOCK TABLE audios IN EXCLUSIVE MODE")
    view = backend.server.locks(actor=actor)
    (root,) = view.trees
    assert (root.session.pid, root.holds, root.blocked, view.blocked) == (first.info.backend_pid, "ACCESS EXCLUSIVE on documents", 3, 3)
    (middle,) = root.children
    assert (middle.session.application, middle.holds, middle.waits_for) == ("second", "ACCESS EXCLUSIVE on audios", "SHARE on documents")
    # the fourth waits behind the third as well
    (last,) = middle.children
    assert (last.session.application, last.waits_for) == ("third", "ROW SHARE on audios")
    assert [(node.session.application, node.also) for node in last.children] == [("fourth", (second.info.backend_pid,))]
    assert last.session.query == "SELECT id FROM audios FOR SHARE"
    waited = [row for row in view.locks if not row.granted]
    assert {(row.application, row.target, row.mode) for row in waited} == {
        ("second", "documents", "SHARE"),
        ("third", "audios", "ROW SHARE"),
        ("fourth", "audios", "EXCLUSIVE"),
    }
    sessions.release(first)
    eventually(lambda: [tree.session.application for tree in backend.server.locks(actor=actor).trees] == ["second"])
    sessions.release(second)
    eventually(lambda: {node.session.application for node in flat(backend.server.locks(actor=actor).trees)} <= {"third", "fourth"})


def test_a_row_that_two_change_is_named_by_its_table(backend: Backend, actor: Actor, sessions: Sessions) -> None:
    change = "UPDATE alembic_version SET version_num = version_num"
    sessions.hold(change, name="first")
    sessions.wait(sessions.hold(name="second"), change)
    (root,) = backend.server.locks(actor=actor).trees
    assert root.children[0].waits_for == "a row of alembic_version"
    assert root.holds == "a row of alembic_version"


def test_sessions_that_wait_for_each_other_are_one_ring(backend: Backend, actor: Actor, sessions: Sessions) -> None:
    first = sessions.hold("LOCK TABLE documents", name="first")
    second = sessions.hold("LOCK TABLE audios", name="second")
    sessions.wait(first, "LOCK TABLE audios")
    sessions.wait(second, "LOCK TABLE documents")
    (root,) = backend.server.locks(actor=actor).trees
    assert [node.cycle for node in flat((root,))] == [True, True]
    assert {node.session.application for node in flat((root,))} == {"first", "second"}


def flat(trees: tuple[BlockNode, ...]) -> list[BlockNode]:
    return [node for tree in trees for node in (tree, *flat(tree.children))]


def test_tables_show_dead_rows_ages_and_sizes_and_unmeasured_ones_have_no_size(
    backend: Backend, actor: Actor, sessions: Sessions, clean: EmbeddedServer
) -> None:
    # as a migration makes one: its sequence is readable without a further word
    with psycopg.connect(clean.dsn(OWNER), autocommit=True) as conn:
        conn.execute("CREATE TABLE trial_dead (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, words text)")
        try:
            conn.execute("INSERT INTO trial_dead (words) SELECT repeat('x', 100) FROM generate_series(1, 1000)")
            conn.execute("DELETE FROM trial_dead WHERE id <= 250")
            conn.execute("SELECT pg_stat_force_next_flush()")
            new = next(row for row in backend.server.tables(actor=actor).rows if row.table == "trial_dead")
            assert (new.size_bytes, new.last_analyze) == (None, None)
            conn.execute("ANALYZE trial_dead")
            view = backend.server.tables(actor=actor)
            size = sessions.value("SELECT pg_total_relation_size('trial_dead')")
        finally:
            conn.execute("DROP TABLE trial_dead")
    row = next(row for row in view.rows if row.table == "trial_dead")
    assert (row.rows, row.dead, row.dead_share, row.locked) == (750, 250, 0.25, False)
    assert row.last_analyze is not None
    assert row.size_bytes is not None
    # what is only in the maps of free space is not counted
    assert 0.5 * size < row.size_bytes <= size
    sequence = next(one for one in view.sequences if one.table == "trial_dead")
    assert (sequence.last, sequence.most, sequence.share) == (1000, 2**31 - 1, 1000 / (2**31 - 1))
    assert 0 <= view.wraparound.database <= view.wraparound.server < view.wraparound.freeze_at < 1


def test_the_watching_role_may_read_how_far_every_sequence_is(backend: Backend, actor: Actor) -> None:
    sequences = backend.server.tables(actor=actor).sequences
    assert [one.name for one in sequences if not one.readable] == []
    assert "documents" in {one.table for one in sequences}


@pytest.mark.parametrize("verb", ["activity", "locks", "tables"])
def test_support_staff_do_not_see_the_server(backend: Backend, actor: Actor, verb: str) -> None:
    with pytest.raises(NotAllowed):
        getattr(backend.server, verb)(actor=replace(actor, role="support"))
