"""The locks of the server, the tree of who waits for whom, and what to keep of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Final

from backend_core.monitoring.link import MonitorLink
from backend_core.monitoring.server.activity import read_sessions
from backend_core.monitoring.server.records import BlockNode, Episode, LockRow, LocksView, SessionRow
from backend_core.monitoring.server.waits import STRENGTH, Forest, Lock, words_of

MOST_LOCKS: Final = 500
# A name is looked up without a lock; of another database there is only a number. The row a waiter stands at is told by the lock
# on the row itself, which it holds while it waits for the transaction that changed it.
_LOCKS: Final = """
SELECT l.pid, l.locktype AS kind, l.mode, l.granted, l.relation::bigint AS relation,
       l.database IS NOT DISTINCT FROM d.oid AS here,
       CASE WHEN l.database = d.oid AND l.relation IS NOT NULL THEN l.relation::regclass::text END AS name,
       l.virtualxid::text AS virtual, l.transactionid::text AS xid, l.page, l.tuple, l.classid::bigint AS classid,
       l.objid::bigint AS objid, l.objsubid, l.database::bigint AS database,
       extract(epoch FROM clock_timestamp() - (to_jsonb(l) ->> 'waitstart')::timestamptz)::float AS waited_s
FROM pg_locks l CROSS JOIN (SELECT oid FROM pg_database WHERE datname = current_database()) d
WHERE NOT (l.locktype = 'virtualxid' AND l.granted) AND l.pid IS DISTINCT FROM pg_backend_pid()
"""


def read_locks(link: MonitorLink) -> list[Lock]:
    """Return every lock of the server but those on virtual transactions that nobody waits for, and our own."""
    rows = link.rows(_LOCKS)
    # what is known of the rows people wait at
    tuples = {row["pid"]: row["name"] for row in rows if row["kind"] == "tuple" and row["name"]}
    return [_lock(row, tuples) for row in rows]


def read_trees(link: MonitorLink) -> tuple[BlockNode, ...]:
    """Return who waits for whom now."""
    sessions = read_sessions(link)
    if not any(row.blocked_by for row in sessions):
        return ()
    return Forest(sessions, read_locks(link)).trees()


def read_view(link: MonitorLink, *, episodes: Sequence[Episode] | None, threshold_s: float) -> LocksView:
    """Return the locks view; ``episodes`` is ``None`` where they cannot be read now."""
    sessions, locks = read_sessions(link), read_locks(link)
    trees = Forest(sessions, locks).trees()
    names = {row.pid: row for row in sessions}
    shown = [_row(lock, names.get(lock.pid)) for lock in sorted(locks, key=_weight) if _counts(lock)]
    return LocksView(
        trees=trees,
        blocked=sum(1 for row in sessions if row.blocked_by),
        locks=tuple(shown[:MOST_LOCKS]),
        locks_total=len(shown),
        episodes=tuple(episodes or ()),
        episodes_known=episodes is not None,
        threshold_s=threshold_s,
        at=dt.datetime.now(dt.UTC),
    )


def kept(node: BlockNode) -> dict[str, object]:
    """Return a tree as plain values to be kept; of statements only what carries no value."""
    session = node.session
    facts: dict[str, object] = {
        "pid": session.pid, "application": session.application, "kind": session.kind, "user": session.user, "state": session.state,
        "query": session.query, "holds": node.holds, "waits_for": node.waits_for, "table": node.table, "mode": node.mode,
        "waited_s": None if node.waited_s is None else round(node.waited_s, 1), "cycle": node.cycle,
    }  # fmt: skip
    return facts | {"children": [kept(child) for child in node.children]}


def _lock(row: Mapping[str, Any], tuples: Mapping[int, str]) -> Lock:
    kind, table = row["kind"], row["name"]
    if kind == "transactionid" and not row["granted"]:
        table = tuples.get(row["pid"])
    return Lock(
        pid=row["pid"] or 0,
        kind=kind,
        target=_target(row, table),
        table=table,
        identity=(kind, *(row[name] for name in _IDENTITY)),
        mode=row["mode"],
        granted=row["granted"],
        waited_s=row["waited_s"],
    )


_IDENTITY: Final = ("database", "relation", "page", "tuple", "virtual", "xid", "classid", "objid", "objsubid")


def _target(row: Mapping[str, Any], table: str | None) -> str:
    kind = row["kind"]
    if kind == "relation":
        return table or ("an object of another database" if not row["here"] else f"object {row['relation']}")
    if kind == "transactionid":
        return f"a row of {table}" if table else f"transaction {row['xid']}"
    if kind == "tuple":
        return f"a row of {table}" if table else "a row"
    if kind == "advisory":
        return f"advisory lock {row['classid']}/{row['objid']}"
    return f"{kind} of {table}" if table else str(kind)


def _counts(lock: Lock) -> bool:
    """Whether a lock is worth a line: every session holds its own transaction number, and nobody waits for it here."""
    return not (lock.kind == "transactionid" and lock.granted)


def _weight(lock: Lock) -> tuple[object, ...]:
    return lock.granted, -STRENGTH.get(lock.mode, 0), -(lock.waited_s or 0.0), lock.pid, lock.target


def _row(lock: Lock, session: SessionRow | None) -> LockRow:
    return LockRow(
        pid=lock.pid,
        application=session.application if session else "",
        kind=lock.kind,
        target=lock.target,
        mode=words_of(lock.mode),
        granted=lock.granted,
        waited_s=None if lock.granted else lock.waited_s,
    )
