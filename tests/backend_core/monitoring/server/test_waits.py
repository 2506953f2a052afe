"""The tree of who waits for whom, from made-up sessions: every shape a real server can show."""

from __future__ import annotations

from dataclasses import replace

import pytest

from backend_core.monitoring.server.activity import absent, masked
from backend_core.monitoring.server.records import BlockNode, SessionRow
from backend_core.monitoring.server.waits import Forest, Lock


def session(pid: int, *blockers: int) -> SessionRow:
    return replace(absent(pid), state="active", application=f"s{pid}", blocked_by=blockers)


def lock(pid: int, table: str, *, granted: bool, waited_s: float | None = None, mode: str = "AccessExclusiveLock") -> Lock:
    return Lock(
        pid=pid, kind="relation", target=table, table=table, identity=("relation", table), mode=mode, granted=granted, waited_s=waited_s
    )


def shape(node: BlockNode) -> object:
    below = [shape(child) for child in node.children]
    return (node.session.pid, below) if below else node.session.pid


def shapes(*sessions: SessionRow, locks: tuple[Lock, ...] = ()) -> list[object]:
    return [shape(tree) for tree in Forest(sessions, locks).trees()]


@pytest.mark.parametrize(
    ("blockers", "expected"),
    [
        ({}, []),
        ({2: (1,)}, [(1, [2])]),
        # three levels
        ({2: (1,), 3: (2,)}, [(1, [(2, [3])])]),
        # a queue: 3 waits for the holder and for the one before it, and stands where it comes free
        ({2: (1,), 3: (1, 2)}, [(1, [(2, [3])])]),
        ({2: (1,), 3: (1,), 5: (4,)}, [(1, [2, 3]), (4, [5])]),
        # two holders of a shared lock
        ({3: (1, 2)}, [(1, [3]), 2]),
        # rings: alone, below a holder, with somebody waiting behind them
        ({1: (2,), 2: (1,)}, [(1, [2])]),
        ({1: (3,), 2: (1,), 3: (2,)}, [(1, [(2, [3])])]),
        ({2: (1, 3), 3: (2,), 4: (3,)}, [(1, [(2, [(3, [4])])])]),
        ({2: (1, 3), 3: (1, 2)}, [(1, [(2, [3])])]),
        # a prepared transaction has no session, and one may end between two looks
        ({2: (0,)}, [(0, [2])]),
        ({2: (99,)}, [(99, [2])]),
    ],
)
def test_each_session_stands_once_below_the_last_one_it_waits_for(blockers: dict[int, tuple[int, ...]], expected: list[object]) -> None:
    sessions = [session(pid, *blockers.get(pid, ())) for pid in range(1, 6)]
    assert shapes(*sessions) == expected


def test_sessions_of_a_ring_are_marked_and_others_are_not() -> None:
    trees = Forest([session(1), session(2, 1, 3), session(3, 2), session(4, 3)], ()).trees()
    flat: dict[int, BlockNode] = {}
    ahead = list(trees)
    while ahead:
        node = ahead.pop()
        flat[node.session.pid] = node
        ahead += node.children
    assert {pid: node.cycle for pid, node in flat.items()} == {1: False, 2: True, 3: True, 4: False}
    assert flat[2].also == (3,)


def test_a_node_says_what_it_holds_for_those_behind_it_and_what_it_waits_for() -> None:
    locks = (
        lock(1, "documents", granted=True),
        lock(1, "elsewhere", granted=True),
        lock(2, "documents", granted=False, waited_s=7.5, mode="RowShareLock"),
        lock(2, "audios", granted=True, mode="ShareLock"),
        lock(3, "audios", granted=False, waited_s=3.0, mode="RowExclusiveLock"),
    )
    (root,) = Forest([session(1), session(2, 1), session(3, 2)], locks).trees()
    middle = root.children[0]
    assert (root.holds, root.waits_for, root.waited_s) == ("ACCESS EXCLUSIVE on documents", "", None)
    assert (middle.holds, middle.waits_for, middle.table) == ("SHARE on audios", "ROW SHARE on documents", "documents")
    assert (middle.waited_s, middle.children[0].waited_s) == (7.5, 3.0)
    assert root.blocked == 2


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("SELECT 1", "SELECT 1"),
        ("SELECT 'it''s private', id FROM t WHERE a = 'b'", "SELECT '…', id FROM t WHERE a = '…'"),
        ("SELECT $$private$$ || $x$more 'private'$x$", "SELECT '…' || '…'"),
        # cut by the server in the middle of a value
        ("SELECT 'private that never en", "SELECT '…'"),
        (r"SELECT E'it\'s private', 1", "SELECT '…', 1"),
        ("SELECT $1, $2", "SELECT $1, $2"),
    ],
)
def test_what_stands_in_quotes_is_not_shown(query: str, shown: str) -> None:
    assert masked(query) == shown
