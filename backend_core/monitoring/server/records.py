"""What the server's part of monitoring hands out: plain frozen records with units in their names."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    """One session of the server.

    Attributes:
        pid: process id on the server; 0 for a transaction that was prepared and has no session.
        started_at: when the session began; with ``pid`` it names the session for good. ``None`` where the server hides it.
        application: as the client calls itself.
        kind: what that is, for people.
        database: name of its database, empty for none.
        client: address, empty for one on the same computer.
        state: as the server says it, ``hidden`` where it does not tell us, ``gone`` for a session that ended meanwhile.
        wait: ``Type: event`` it waits for, empty for none.
        wait_s: seconds it has waited for a lock.
        query: the running or the last statement, with the values in quotes left out; ``None`` where the server hides it.
        query_s: seconds its statement has been running, ``None`` when none is.
        state_s: seconds in this state.
        transaction_s: seconds since its transaction began, ``None`` outside of one.
        blocked_by: sessions it waits for.
        background: whether it is a process of the server itself and no client.
        ours: whether it is a session of Lectern.
        monitor: whether it is one of Lectern's watching sessions, which are never stopped from here.
    """

    pid: int
    started_at: dt.datetime | None
    application: str
    kind: str
    user: str
    database: str
    client: str
    state: str
    wait: str
    wait_s: float | None
    query: str | None
    query_s: float | None
    state_s: float | None
    transaction_s: float | None
    blocked_by: tuple[int, ...]
    background: bool
    ours: bool
    monitor: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityView:
    """Every session of this database at one moment.

    Attributes:
        by_state, by_user, by_application, by_wait: name and count, the most first.
        connections: client connections to the whole server.
        elsewhere: those of them to other databases.
        hidden: sessions whose statement the server does not show to the watching role.
        oldest_transaction_s: age of the oldest transaction, ``None`` without one.
    """

    sessions: tuple[SessionRow, ...]
    by_state: tuple[tuple[str, int], ...]
    by_user: tuple[tuple[str, int], ...]
    by_application: tuple[tuple[str, int], ...]
    by_wait: tuple[tuple[str, int], ...]
    connections: int
    max_connections: int
    elsewhere: int
    blocked: int
    hidden: int
    oldest_transaction_s: float | None
    server_version: str
    uptime_s: float
    at: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockNode:
    """A session in the tree of who waits for whom; a session stands below the last one in the row that it waits for.

    Attributes:
        holds: what it holds that the sessions below it wait for, for people.
        waits_for: what it waits for itself, empty at a root.
        table: table concerned, ``None`` where there is none.
        mode: lock mode it asks for, or at a root the strongest that it holds there.
        also: further sessions it waits for.
        cycle: whether it waits for itself in the end; the server will end one of them.
    """

    session: SessionRow
    holds: str
    waits_for: str
    table: str | None
    mode: str
    waited_s: float | None
    also: tuple[int, ...]
    cycle: bool
    children: tuple[BlockNode, ...]

    @property
    def blocked(self) -> int:
        """Number of sessions below it."""
        return sum(1 + child.blocked for child in self.children)


@dataclass(frozen=True, slots=True, kw_only=True)
class LockRow:
    """One lock that a session holds or waits for."""

    pid: int
    application: str
    kind: str
    target: str
    mode: str
    granted: bool
    waited_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """A time in which a session kept others waiting for longer than the threshold.

    Attributes:
        ended_at: ``None`` while it goes on.
        most_blocked: most sessions that waited at once.
        tree: as it was with the most of them, in plain values.
    """

    id: int
    began_at: dt.datetime
    last_at: dt.datetime
    ended_at: dt.datetime | None
    root_pid: int
    root_started: dt.datetime
    most_blocked: int
    tree: dict[str, object]

    @property
    def seconds(self) -> float:
        """How long it lasted, or has lasted."""
        return ((self.ended_at or self.last_at) - self.began_at).total_seconds()


@dataclass(frozen=True, slots=True, kw_only=True)
class LocksView:
    """Who waits for whom now, the locks themselves, and what was.

    Attributes:
        locks: those waited for first, then the strongest; at most 500 of ``locks_total``.
        threshold_s: a wait as long as this becomes an episode.
    """

    trees: tuple[BlockNode, ...]
    blocked: int
    locks: tuple[LockRow, ...]
    locks_total: int
    episodes: tuple[Episode, ...]
    episodes_known: bool
    threshold_s: float
    at: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRow:
    """One table of the database.

    Attributes:
        rows, dead: live and dead rows, as the server estimates them.
        dead_share: 0 to 1, ``None`` for an empty table.
        size_bytes: pages of table, indexes and long values as of the last vacuum or analyze; ``None`` before the first.
        changed: rows changed since the last analyze.
        last_vacuum, last_analyze: by hand or by the server itself, whichever was later.
        age_xid_share: part of the way to transaction id wraparound, 0 to 1.
        locked: whether a session holds a lock that keeps others from reading or writing it.
        locked_by: those sessions.
        lock: the strongest such lock.
    """

    table: str
    rows: int
    dead: int
    dead_share: float | None
    size_bytes: int | None
    index_bytes: int | None
    changed: int
    last_vacuum: dt.datetime | None
    last_analyze: dt.datetime | None
    age_xid_share: float | None
    locked: bool
    locked_by: tuple[int, ...]
    lock: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wraparound:
    """How near the server is to running out of transaction ids; shares of the way, 0 to 1.

    Attributes:
        database: of this database, ``server`` of the oldest on the server.
        multixact: the same for ids of shared row locks.
        freeze_at: share at which the server starts a vacuum on its own, whatever the settings.
    """

    database: float
    server: float
    server_database: str
    multixact: float
    freeze_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceRow:
    """One sequence.

    Attributes:
        last: last number given out, ``None`` when none was, or where it cannot be read now.
        share: part of its numbers that are used, ``None`` where ``last`` cannot be read.
        readable: whether the watching role may read it.
        locked: whether it could not be read because a session has it locked.
    """

    name: str
    table: str
    last: int | None
    most: int
    share: float | None
    readable: bool
    locked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TablesView:
    """Every table, by size, and what runs out one day."""

    rows: tuple[TableRow, ...]
    wraparound: Wraparound
    sequences: tuple[SequenceRow, ...]
    database_bytes: int
    autovacuum: bool
    at: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """What came of asking the server to stop a session.

    Attributes:
        how: ``cancel`` for its statement, ``terminate`` for the whole session.
        told: whether the server passed it on; the session may take a moment to act on it.
    """

    pid: int
    how: str
    told: bool
