"""Two worlds that differ only in what somebody else's container holds: whoever may not see it observes the same in both."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from backend_core.memory.scoped import ScopedMemory
from backend_core.privacy import contexts
from backend_core.privacy.canaries import Sought
from backend_core.privacy.contexts import ADMIN, INSIDE, NONE, OPERATION_CODES
from backend_core.privacy.people import PLACES, emptied, nowhere, sought
from backend_core.privacy.program import Program
from backend_core.privacy.raw import Asker, Driver, Seen, driver
from backend_core.privacy.stage import Stage

Observation = Mapping[str, tuple[Seen, ...]]
"""What one viewer saw of one owner, by operation."""

Pair = tuple[str, str]


@dataclass(slots=True)
class Worlds:
    """Everything that was observed.

    Attributes:
        full: with every container filled, by viewer and owner.
        other: with the owner's container empty.
        asked: what was asked of each owner.
    """

    full: dict[Pair, Observation] = field(default_factory=dict)
    other: dict[Pair, Observation] = field(default_factory=dict)
    asked: dict[str, Sought] = field(default_factory=dict)


def observe(stage: Stage) -> Worlds:
    """Let every viewer ask for the memory of every owner in a full world, and in one where that owner has none."""
    worlds = Worlds(asked=_questions(stage))
    everyone = tuple(worlds.asked.values())
    for viewer in (*INSIDE, NONE):
        stage.step(f"{contexts.TITLES[viewer]} looks at every container")
        worlds.full |= _look(stage, viewer, everyone)
    stage.step("An administrator opens every container")
    for one in everyone:
        worlds.full |= _look(stage, ADMIN, (one,))
    for owner in PLACES:
        stage.step(f"The same questions while “{contexts.TITLES[owner]}” is empty")
        with emptied(stage.verbs.scopes, stage.place(owner), stage.actor):
            for viewer in (*INSIDE, NONE):
                if viewer != owner:
                    worlds.other |= _look(stage, viewer, (worlds.asked[owner],))
    return worlds


def _questions(stage: Stage) -> dict[str, Sought]:
    found = {}
    for code in PLACES:
        with stage.open(code) as memory:
            found[code] = sought(memory.scope, stage.place(code), stage.people.token)
    return found | {NONE: nowhere(stage.people.token)}


def _look(stage: Stage, viewer: str, about: Iterable[Sought]) -> dict[Pair, Observation]:
    if viewer == NONE:
        return _without_scope(stage, about)
    found: dict[Pair, Observation] = {}
    if viewer != ADMIN:
        with stage.open(viewer) as memory:
            asker = _asker(stage, driver(memory.scope.conn), stage.place(viewer).number)
            program = _program(stage, memory)
            return {(viewer, one.owner): _ask(asker, program, one) for one in about}
    for one in about:
        # where there is no container to open, an administrator looks from the own one
        code = one.owner if one.owner in PLACES else ADMIN
        with stage.open(code, viewer=ADMIN) as memory:
            asker = _asker(stage, driver(memory.scope.conn), stage.place(code).number)
            found[viewer, one.owner] = _ask(asker, _program(stage, memory), one)
    return found


def _without_scope(stage: Stage, about: Iterable[Sought]) -> dict[Pair, Observation]:
    # below the program, which has no verb to ask without a scope, and whose guard would take the attempt for a real one
    with stage.verbs.database.begin("Privacy run without a scope") as conn:
        asker = _asker(stage, driver(conn), 0)
        return {(NONE, one.owner): _ask(asker, None, one) for one in about}


def _program(stage: Stage, memory: ScopedMemory) -> Program:
    return Program(memory, stage.verbs.forgetting, stage.scratch)


def _asker(stage: Stage, conn: Driver, own: int) -> Asker:
    return Asker(conn, own, stage.people.numbers, stage.since, stage.reads_audit)


def _ask(asker: Asker, program: Program | None, one: Sought) -> Observation:
    seen: dict[str, tuple[Seen, ...]] = {}
    for operation in OPERATION_CODES:
        found = [*(program.ask(operation, one) if program is not None else ()), *asker.ask(operation, one)]
        if operation == "audit_logs":
            found += asker.traces(one)
        seen[operation] = tuple(found)
    return seen


def digest(seen: Iterable[Seen]) -> str:
    """Return a hash of everything observed: values, order, counts and refusals."""
    told = [[one.way, one.did, one.value, one.rows] for one in seen]
    return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()
