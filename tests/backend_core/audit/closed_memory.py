"""Cases of ``test_fail_closed``: a change of what is remembered."""

from __future__ import annotations

from backend_core.scopes.records import Group
from tests.backend_core.audit.closed_cases import Act, World, case

FLAT = Group("flat")


@case("ScopedMemory._changed")
def _changed(world: World) -> Act:
    def act() -> None:
        with world.backend.memory.scope(FLAT, actor=world.actor, action="memory.add") as memory:
            memory.add("The rent is due on the fifth")

    world.backend.conversations.create_group(FLAT.guid, title="Flat", members=[], actor=world.actor)
    return act
