"""Keeps the times in which sessions waited for another for long, from the first second to the last."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

from psycopg.types.json import Jsonb

from backend_core.errors import Conflict
from backend_core.monitoring.link import MonitorLink
from backend_core.monitoring.server.locks import kept, read_trees
from backend_core.monitoring.server.records import BlockNode, Episode

THRESHOLD_S: Final = 2.0
"""A wait shorter than this is how databases work and no episode."""
UNSEEN_S: Final = 10.0
"""After a pause of the recorder as long as this, an episode that is over ended when it was last seen."""
MOST: Final = 200

_LOOK: Final = """
SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted) AS waiting,
       EXISTS (SELECT 1 FROM blocking_episodes WHERE ended_at IS NULL) AS open
"""
_KEEP: Final = """
INSERT INTO blocking_episodes AS e (began_at, last_at, root_pid, root_started, most_blocked, tree)
VALUES (%(began_at)s, %(now)s, %(root_pid)s, coalesce(%(root_started)s, pg_postmaster_start_time()), %(blocked)s, %(tree)s)
ON CONFLICT (root_pid, root_started) WHERE ended_at IS NULL DO UPDATE SET
    last_at = EXCLUDED.last_at,
    tree = CASE WHEN EXCLUDED.most_blocked >= e.most_blocked THEN EXCLUDED.tree ELSE e.tree END,
    most_blocked = greatest(e.most_blocked, EXCLUDED.most_blocked)
RETURNING id
"""
# One that is still blocking, though for less than the threshold since others gave up, is not over.
_END: Final = """
UPDATE blocking_episodes
   SET ended_at = CASE WHEN %(now)s - last_at > make_interval(secs => %(unseen)s) THEN last_at ELSE %(now)s END
 WHERE ended_at IS NULL AND NOT (id = ANY(%(going_on)s)) RETURNING id
"""
_STILL: Final = """
SELECT id FROM blocking_episodes e
 WHERE ended_at IS NULL AND EXISTS (
    SELECT 1 FROM unnest(%(pids)s::int[], %(starts)s::timestamptz[]) AS r (pid, started)
     WHERE r.pid = e.root_pid AND coalesce(r.started, pg_postmaster_start_time()) = e.root_started)
"""
_PRUNE: Final = "DELETE FROM blocking_episodes WHERE ended_at < clock_timestamp() - interval '90 days'"
_LIST: Final = """
SELECT id, began_at, last_at, ended_at, root_pid, root_started, most_blocked, tree FROM blocking_episodes
 ORDER BY ended_at IS NOT NULL, began_at DESC LIMIT %(limit)s
"""


def watch(now: dt.datetime, link: MonitorLink, *, threshold_s: float = THRESHOLD_S) -> None:
    """Begin, carry on and end episodes; called every second by the recorder that leads.

    Args:
        now: by the recorder's clock.
        link: the recorder's own connection.
        threshold_s: seconds a session must have waited before it counts.

    Raises:
        LecternError: the server does not answer; what was begun stays and is carried on by the next call.
    """
    look = link.rows(_LOOK)[0]
    if not (look["waiting"] or look["open"]):
        return
    trees = read_trees(link) if look["waiting"] else ()
    going_on = [_keep(link, tree, now) for tree in trees if longest(tree) >= threshold_s]
    roots = [tree.session for tree in trees]
    if look["open"] and roots:
        still = link.rows(_STILL, {"pids": [root.pid for root in roots], "starts": [root.started_at for root in roots]})
        going_on += [row["id"] for row in still]
    if look["open"] and link.rows(_END, {"now": now, "unseen": UNSEEN_S, "going_on": going_on}):
        link.rows(_PRUNE)


def listing(link: MonitorLink, *, limit: int = MOST) -> list[Episode] | None:
    """Return the episodes that go on, then the newest; ``None`` while the table is locked."""
    try:
        return [_episode(row) for row in link.rows(_LIST, {"limit": limit})]
    except Conflict:
        return None


def longest(node: BlockNode) -> float:
    """Return the seconds that the longest waiting session of a tree has waited."""
    return max([node.waited_s or 0.0, *(longest(child) for child in node.children)])


def _keep(link: MonitorLink, tree: BlockNode, now: dt.datetime) -> int:
    session = tree.session
    facts = {
        "now": now,
        "began_at": now - dt.timedelta(seconds=longest(tree)),
        "root_pid": session.pid,
        "root_started": session.started_at,
        "blocked": tree.blocked,
        "tree": Jsonb(kept(tree)),
    }
    return int(link.rows(_KEEP, facts)[0]["id"])


def _episode(row: Mapping[str, Any]) -> Episode:
    times = {name: row[name].astimezone(dt.UTC) if row[name] else None for name in ("began_at", "last_at", "ended_at", "root_started")}
    return Episode(**dict(row) | times)
