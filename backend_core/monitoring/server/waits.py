"""Builds the tree of who waits for whom from sessions and their locks; no database here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from backend_core.monitoring.server.activity import absent
from backend_core.monitoring.server.records import BlockNode, SessionRow

STRENGTH: Final[Mapping[str, int]] = {
    name: strength
    for strength, name in enumerate(
        (
            "AccessShareLock", "RowShareLock", "RowExclusiveLock", "ShareUpdateExclusiveLock", "ShareLock", "ShareRowExclusiveLock",
            "ExclusiveLock", "AccessExclusiveLock",
        )
    )
}  # fmt: skip
HINDERS: Final = ("ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock")
"""Modes of a table lock that keep others from writing, the last also from reading."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """One row of ``pg_locks``.

    Attributes:
        target: what it is on, for people.
        table: the table concerned, where there is one.
        identity: equal for two locks on the same thing.
    """

    pid: int
    kind: str
    target: str
    table: str | None
    identity: tuple[object, ...]
    mode: str
    granted: bool
    waited_s: float | None


def words_of(mode: str) -> str:
    """Return a lock mode as SQL names it.

    >>> words_of("AccessExclusiveLock")
    'ACCESS EXCLUSIVE'
    """
    name = mode.removesuffix("Lock")
    return "".join(f" {sign}" if sign.isupper() and place else sign for place, sign in enumerate(name)).upper()


class Forest:
    """Sessions below those they wait for; each stands once, below the one furthest from a root."""

    def __init__(self, sessions: Iterable[SessionRow], locks: Sequence[Lock]) -> None:
        self._sessions = {row.pid: row for row in sessions}
        self._blockers = {row.pid: row.blocked_by for row in self._sessions.values() if row.blocked_by}
        self._wanted = {lock.pid: lock for lock in locks if not lock.granted}
        self._held: dict[int, list[Lock]] = {}
        for lock in locks:
            if lock.granted:
                self._held.setdefault(lock.pid, []).append(lock)
        self._cyclic = {pid for pid in self._blockers if self._reaches(pid, pid)}
        # session -> the one it stands below, None for a root
        self._parents: dict[int, int | None] = {}
        self._depths: dict[int, int] = {}
        self._place_all()

    def trees(self) -> tuple[BlockNode, ...]:
        """Return one tree per session that others wait for and that waits for nobody, the largest first."""
        made = [self._node(pid, None) for pid, above in self._parents.items() if above is None]
        return tuple(sorted(made, key=lambda node: (-node.blocked, -_longest(node), node.session.pid)))

    def _reaches(self, start: int, goal: int) -> bool:
        seen: set[int] = set()
        ahead = list(self._blockers.get(start, ()))
        while ahead:
            pid = ahead.pop()
            if pid == goal:
                return True
            if pid not in seen:
                seen.add(pid)
                ahead += self._blockers.get(pid, ())
        return False

    def _place_all(self) -> None:
        """Give each session its place once all it waits for have theirs; a ring is entered at the one that has waited longest."""
        for pid in sorted({pid for blockers in self._blockers.values() for pid in blockers} - set(self._blockers)):
            self._place(pid, ())
        waiting = sorted(self._blockers, key=lambda pid: (-(self._waited(pid) or 0.0), pid))
        while waiting:
            ready = [pid for pid in waiting if all(one in self._depths for one in self._blockers[pid])]
            # nobody is: a ring; it hangs below what it also waits for, and has a root of its own where there is nothing else
            hanging = ready or [pid for pid in waiting if any(one in self._depths for one in self._blockers[pid])][:1] or waiting[:1]
            for pid in hanging:
                self._place(pid, [one for one in self._blockers[pid] if one in self._depths and one != pid])
                waiting.remove(pid)

    def _place(self, pid: int, above: Sequence[int]) -> None:
        parent = max(above, key=lambda one: (self._depths[one], -one), default=None)
        self._parents[pid] = parent
        self._depths[pid] = 0 if parent is None else self._depths[parent] + 1

    def _node(self, pid: int, parent: int | None) -> BlockNode:
        below = [one for one, above in self._parents.items() if above == pid]
        children = tuple(sorted((self._node(one, pid) for one in below), key=lambda node: (-(node.waited_s or 0.0), node.session.pid)))
        wanted = self._wanted.get(pid)
        held = self._held_for(pid)
        strongest = max(held, key=lambda lock: STRENGTH.get(lock.mode, 0), default=None)
        shown = wanted or strongest
        return BlockNode(
            session=self._sessions.get(pid) or absent(pid),
            holds=", ".join(dict.fromkeys(_words(lock) for lock in held)),
            waits_for=_words(wanted) if wanted else "",
            table=shown.table if shown else None,
            mode=words_of(shown.mode) if shown else "",
            waited_s=self._waited(pid) if wanted else None,
            also=tuple(one for one in self._blockers.get(pid, ()) if one != parent),
            cycle=pid in self._cyclic,
            children=children,
        )

    def _held_for(self, pid: int) -> list[Lock]:
        """Return what ``pid`` holds of the things that those directly behind it wait for."""
        behind = [self._wanted[one] for one, blockers in self._blockers.items() if pid in blockers and one in self._wanted]
        things = {lock.identity: lock for lock in behind}
        held = [lock for lock in self._held.get(pid, ()) if lock.identity in things]
        # who waits for a transaction names the row it is about, where the holder only has its own number
        return [things[lock.identity] if lock.kind == "transactionid" else lock for lock in held]

    def _waited(self, pid: int) -> float | None:
        lock = self._wanted.get(pid)
        session = self._sessions.get(pid)
        return (lock.waited_s if lock else None) or (session.wait_s if session else None)


def _words(lock: Lock) -> str:
    # who waits for a transaction wants what it changed, in whatever mode the server asks for it
    return lock.target if lock.kind == "transactionid" else f"{words_of(lock.mode)} on {lock.target}"


def _longest(node: BlockNode) -> float:
    return max([node.waited_s or 0.0, *(_longest(child) for child in node.children)])
