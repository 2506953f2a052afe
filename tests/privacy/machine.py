"""Two worlds of few words: the same viewer does the same in both, while everybody else differs; every answer must be equal.

Few words, because only then does one container say by chance what another said before.
"""

from __future__ import annotations

import contextlib
import tempfile
import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from backend_core.errors import Conflict, InvalidInput, NotFound
from tests.privacy.town import Town, Where, canonical, unpacked

BODIES = st.sampled_from(("kite", "boat", "kite boat", "boat boat moon", "moon"))
QUERIES = st.sampled_from(("kite", "boat moon", "moon", "sun"))
MODES = st.sampled_from(("lexical", "hybrid", "vector"))
PLACES = st.integers(0, 3)
FOREIGN = st.sampled_from(("d2", "d3", "ga", "gb"))


class World:
    """One of the two databases."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.names: dict[uuid.UUID, str] = {}
        self.erasures: list[uuid.UUID] = []
        self.answers = 0
        # everybody is new in each life, so that nothing has to be cleared away between two
        ann, bob = town.person("Ann"), town.person("Bob")
        unique = uuid.uuid4().hex
        self.people = {"d1": ann, "d2": ann, "d3": bob, "ga": ann, "gb": bob}
        self.places: dict[str, Where] = {
            "d1": town.direct(ann, "sage"), "d2": town.direct(ann, "echo"), "d3": town.direct(bob, "sage"),
            "ga": town.group(f"a {unique}", ann, bob), "gb": town.group(f"b {unique}", bob),
        }  # fmt: skip

    def ids(self, place: str) -> list[uuid.UUID]:
        """Return the ids of what is remembered somewhere, oldest first."""
        with self.town.open(self.places[place]) as memory:
            return [found.id for found in reversed(memory.list(limit=500))]

    def seen(self, act: Callable[[], Any]) -> Any:
        """Return what a call answers, its ids numbered as the viewer met them."""
        try:
            answer = act()
        except (NotFound, Conflict, InvalidInput) as error:
            return type(error).__name__, str(error)
        self.answers += 1
        return canonical(answer, self.names)


Act = Callable[[World, str], Any]


def add(body: str) -> Act:
    def act(world: World, place: str) -> Any:
        with world.town.open(world.places[place], "memory.add") as memory:
            return memory.add(body)

    return act


def say(body: str) -> Act:
    def act(world: World, place: str) -> Any:
        received = world.town.say(world.places[place], world.people[place], body)
        return len(received.memory_ids), received.relationship, getattr(received.forget, "did", None)

    return act


def change(index: int, body: str) -> Act:
    def act(world: World, place: str) -> Any:
        ids = world.ids(place)
        with world.town.open(world.places[place], "memory.edit") as memory:
            found = memory.get(ids[index % len(ids)]) if ids else None
            return found and memory.update(found.id, text=body, version=found.version)

    return act


def forget(index: int, *, hard: bool) -> Act:
    def act(world: World, place: str) -> Any:
        ids = world.ids(place)
        if not ids:
            return None
        done = world.town.backend.forgetting.forget(world.places[place], (ids[index % len(ids)],), hard=hard, actor=world.town.actor)
        if place == "d1" and done.erasure_id is not None:
            world.erasures.append(done.erasure_id)
        return done.counts, done.hard, done.already

    return act


def forget_about(body: str) -> Act:
    def act(world: World, place: str) -> Any:
        words = f"forget what I said about {body.split(maxsplit=1)[0]}"
        done = world.town.backend.forgetting.forget(world.places[place], words, actor=world.town.actor)
        return done.counts, done.already

    return act


def look(query: str, mode: str) -> Act:
    def act(world: World, place: str) -> Any:
        with world.town.open(world.places[place]) as memory:
            newest = memory.list(limit=3)
            near = [(memory.history(found.id), memory.neighbours(found.id)) for found in newest[:1]]
            found = memory.search(query, limit=10, mode=mode)
            return found, newest, near, memory.count(), memory.facets(), memory.autocomplete(query[:2])

    return act


def reply(query: str) -> Act:
    return lambda world, place: reply_of(world, place, query)


def reply_of(world: World, place: str, query: str) -> Any:
    where = world.town.container(world.places[place]).conversation_id
    found = world.town.replies.reply_context(where, query, actor=world.town.actor)
    return found.memories, found.withheld, found.photo, found.relationship, found.boundaries, found.mode


def dedup(world: World, place: str) -> Any:
    with world.town.open(world.places[place], "memory.edit") as memory:
        return memory.duplicates()


def exported(world: World, place: str) -> Any:
    with tempfile.TemporaryDirectory() as folder, world.town.open(world.places[place], "memory.export") as memory:
        path = Path(folder) / "out.zip"
        memory.export(path)
        return unpacked(path).count(b'"text"')


ACTS = st.one_of(
    BODIES.map(add), BODIES.map(say), st.just(say("forget that")), st.builds(change, PLACES, BODIES), BODIES.map(forget_about),
    st.builds(lambda place, hard: forget(place, hard=hard), PLACES, st.booleans()), st.builds(look, QUERIES, MODES), QUERIES.map(reply),
    st.just(dedup), st.just(exported),
)  # fmt: skip


def machine_of(left: Town, right: Town) -> type[RuleBasedStateMachine]:
    """Return a state machine over two databases; in the right one nobody but the viewer ever does anything."""

    class TwoWorlds(RuleBasedStateMachine):
        @initialize()
        def begin(self) -> None:
            self.worlds = (World(left), World(right))

        @rule(act=ACTS)
        def viewer(self, act: Act) -> None:
            one, other = (world.seen(partial(act, world, "d1")) for world in self.worlds)
            assert one == other

        @rule(act=ACTS, place=FOREIGN)
        def others(self, act: Act, place: str) -> None:
            # whatever comes of it, the viewer must not notice
            with contextlib.suppress(NotFound, Conflict, InvalidInput):
                act(self.worlds[0], place)

        @rule(place=PLACES)
        def foreign_id(self, place: int) -> None:
            """An id of somebody else's, in the one world, is answered as one nobody has, in the other."""
            world, other = self.worlds
            found = [identity for name in ("d2", "ga") for identity in world.ids(name)]
            wanted = found[place % len(found)] if found else uuid.uuid4()
            assert world.seen(lambda: fetched(world, wanted)) == other.seen(lambda: fetched(other, uuid.uuid4()))

        @rule()
        def take_back(self) -> None:
            answers = []
            for world in self.worlds:
                wanted = world.erasures.pop() if world.erasures else uuid.uuid4()
                answers.append(world.seen(partial(restored, world, wanted)))
            assert answers[0] == answers[1]

        def teardown(self) -> None:
            answers = [world.seen(partial(everything, world)) for world in getattr(self, "worlds", ())]
            assert answers[:1] == answers[1:]
            # nothing is proven where everything is refused
            assert all(world.answers for world in getattr(self, "worlds", ()))

    return TwoWorlds


def fetched(world: World, identity: uuid.UUID) -> Any:
    with world.town.open(world.places["d1"]) as memory:
        return memory.get(identity)


def restored(world: World, identity: uuid.UUID) -> Any:
    return world.town.backend.forgetting.restore(world.places["d1"], identity, actor=world.town.actor).counts


def everything(world: World) -> Any:
    with world.town.open(world.places["d1"]) as memory:
        return memory.list(limit=500, include_forgotten=True)
