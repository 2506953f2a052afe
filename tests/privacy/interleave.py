"""Many conversations at once over a pool too small for them, in an order drawn at random but kept to."""

from __future__ import annotations

import contextlib
import random
import uuid
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

import sqlalchemy as sa

from backend_core.policy import Actor
from backend_core.scopes.records import Container
from backend_core.scopes.service import Scopes

# no condition on the container: only the database keeps them apart
READ = sa.text("SELECT text FROM memories UNION ALL SELECT term FROM postings")
# a place of its own for each, so that two who add to one container never wait for one another
ADD = sa.text("INSERT INTO memories (container_id, id, turn, text, content_hash) VALUES (:container, :id, :turn, :name, 'x')")
ADD_TERM = sa.text("INSERT INTO postings (container_id, memory_id, term, tf, turn, tokens) VALUES (:container, :id, :name, 1, :turn, 1)")


class Aborted(Exception):
    """A script changed its mind."""


@dataclass(frozen=True)
class House:
    """A container and the only word ever said in it."""

    container: Container
    name: str


class Opened(Protocol):
    """An open scope."""

    @property
    def conn(self) -> sa.Connection:
        """Return its transaction."""
        ...

    @property
    def container_id(self) -> int:
        """Return its number."""
        ...


class Door(Protocol):
    """Opens containers."""

    def __call__(self, container: Container, /) -> AbstractContextManager[Opened]:
        """Open one."""
        ...


@dataclass
class Seen:
    """What the scripts of one run saw."""

    scopes: int = 0
    looks: int = 0
    crossings: list[tuple[str, str]] = field(default_factory=list)
    kept: dict[str, int] = field(default_factory=dict)
    open: int = 0


def door_of(scopes: Scopes, actor: Actor) -> Door:
    """Return the program's own door."""
    return lambda container: scopes.open(container, actor=actor, action="memory.read", reason="interleaved")


def script(door: Door, rng: random.Random, houses: Sequence[House], seen: Seen) -> Iterator[str]:
    """Visit some houses, adding and reading; yields what it is about to do."""
    for _ in range(rng.randint(1, 3)):
        house = rng.choice(houses)
        added = 0
        yield "open"
        with contextlib.suppress(Aborted), door(house.container) as scope:
            seen.open += 1
            try:
                visited = yield from _visit(scope, rng, house, seen)
            finally:
                seen.open -= 1
            added = visited
        seen.kept[house.name] = seen.kept.get(house.name, 0) + added
        yield "closed"


def _visit(scope: Opened, rng: random.Random, house: House, seen: Seen) -> Generator[str, None, int]:
    seen.scopes += 1
    added = 0
    for _ in range(rng.randint(1, 3)):
        yield "step"
        if rng.random() < 0.5:
            values = {"container": scope.container_id, "id": uuid.uuid4(), "name": house.name, "turn": rng.getrandbits(30)}
            scope.conn.execute(ADD, values)
            scope.conn.execute(ADD_TERM, values)
            added += 1
        texts = [row[0] for row in scope.conn.execute(READ)]
        seen.looks += 1
        seen.crossings.extend((house.name, text) for text in texts if text != house.name)
    yield "end"
    if rng.random() < 0.25:
        raise Aborted
    return added


def run(door: Door, houses: Sequence[House], *, seed: int, capacity: int) -> Seen:
    """Run some scripts in an order drawn from ``seed``, each in a thread of its own, with at most ``capacity`` scopes open."""
    rng = random.Random(seed)
    seen = Seen()
    with contextlib.ExitStack() as stack:
        waiting = []
        for number in range(rng.randint(2, 4)):
            thread = stack.enter_context(ThreadPoolExecutor(max_workers=1))
            steps = script(door, random.Random(f"{seed} {number}"), houses, seen)
            waiting.append((thread, steps, "start"))
        while waiting:
            # a script that would only wait for a connection is left where it is
            ready = [entry for entry in waiting if entry[2] != "open" or seen.open < capacity]
            entry = rng.choice(ready)
            waiting.remove(entry)
            thread, steps, _ = entry
            coming = thread.submit(next, steps, "").result()
            if coming:
                waiting.append((thread, steps, coming))
    return seen
