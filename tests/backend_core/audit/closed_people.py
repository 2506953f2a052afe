"""The ways into what records an action on people and talk; importing this adds them to the cases."""

from __future__ import annotations

import uuid
from dataclasses import replace

from backend_core.conversations.records import IncomingMessage
from tests.backend_core.audit.closed_cases import Act, World, case

ANA, BEN = "+4915112345678", "+15551234567"


def _persona(world: World) -> str:
    world.backend.people.save_persona("sage", name="Sage", passport={}, version=0, actor=world.actor)
    return "sage"


def _contact(world: World, phone: str = ANA) -> uuid.UUID:
    return world.backend.people.add_contact("Ana", phone=phone, actor=world.actor).id


def _group(world: World) -> uuid.UUID:
    return world.backend.conversations.create_group("chat-1", title="Flat 12", members=[_contact(world)], actor=world.actor).id


@case("ConversationsBase._known_contact")
def _unknown_sender(world: World) -> Act:
    persona = _persona(world)
    message = IncomingMessage(text="hello", sender=ANA, persona=persona)
    return lambda: world.backend.conversations.receive(message, actor=world.actor)


@case("People.reveal")
def _reveal(world: World) -> Act:
    who = _contact(world)
    return lambda: world.backend.people.reveal(who, actor=replace(world.actor, reason="A test"))


@case("People.add_contact")
def _add_contact(world: World) -> Act:
    return lambda: _contact(world)


@case("People.update_contact")
def _update_contact(world: World) -> Act:
    who = _contact(world)
    world.backend.conversations.create_direct(who, _persona(world), actor=world.actor)
    return lambda: world.backend.people.update_contact(who, {"phone": BEN}, version=1, actor=world.actor)


@case("People._set_disabled")
def _disable_contact(world: World) -> Act:
    who = _contact(world)
    return lambda: world.backend.people.disable(who, actor=world.actor)


@case("Personas.save_persona")
def _save_persona(world: World) -> Act:
    persona = _persona(world)
    return lambda: world.backend.people.save_persona(persona, name="Sage", passport={"tone": "dry"}, version=1, actor=world.actor)


@case("Conversations.create_direct")
def _create_direct(world: World) -> Act:
    who, persona = _contact(world), _persona(world)
    return lambda: world.backend.conversations.create_direct(who, persona, actor=world.actor)


@case("Conversations.create_group")
def _create_group(world: World) -> Act:
    who = _contact(world)
    return lambda: world.backend.conversations.create_group("chat-1", title="Flat 12", members=[who], actor=world.actor)


@case("Conversations.join")
def _join(world: World) -> Act:
    group, who = _group(world), _contact(world, BEN)
    return lambda: world.backend.conversations.join(group, who, actor=world.actor)


@case("Conversations.leave")
def _leave(world: World) -> Act:
    group = _group(world)
    return lambda: world.backend.conversations.leave(group, ANA, actor=world.actor)


def _imports(world: World, line: str) -> Act:
    path = world.folder / "messages.jsonl"
    path.write_text(line, encoding="utf-8")
    return lambda: world.backend.conversations.import_messages(path, actor=world.actor)


@case("Importing.import_messages")
def _import(world: World) -> Act:
    return _imports(world, f'{{"type": "contact", "phone": "{ANA}", "name": "Ana"}}')


@case("Importing._persona_line")
def _import_persona(world: World) -> Act:
    return _imports(world, '{"type": "persona", "id": "sage", "name": "Sage"}')


@case("OnBehalf.keep_for")
def _keep_for(world: World) -> Act:
    document, who = world.document(), _contact(world)
    return lambda: world.backend.on_behalf.keep_for(document, who, actor=world.actor)
