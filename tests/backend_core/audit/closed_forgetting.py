"""The ways into what records an action on everything about one contact; importing this adds them to the cases."""

from __future__ import annotations

import uuid

from tests.backend_core.audit.closed_cases import Act, World, case
from tests.backend_core.verb_calls import proven


def _contact(world: World) -> uuid.UUID:
    return world.backend.people.add_contact("Ana", phone="+15550100002", actor=world.actor).id


@case("Persons.export_person")
def _export_person(world: World) -> Act:
    who = _contact(world)
    return lambda: world.backend.forgetting.export_person(who, world.folder / "ana.zip", actor=proven(world.actor))


@case("Persons.request_erasure")
def _request_erasure(world: World) -> Act:
    who = _contact(world)
    return lambda: world.backend.forgetting.request_erasure(who, "Ana", actor=proven(world.actor))


@case("Persons.cancel_erasure")
def _cancel_erasure(world: World) -> Act:
    who = _contact(world)
    world.backend.forgetting.request_erasure(who, "Ana", actor=proven(world.actor))
    return lambda: world.backend.forgetting.cancel_erasure(who, actor=proven(world.actor))
