"""The ways into what records an action on safety, photos, egress and tokens; importing this adds them to the cases."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import replace
from pathlib import Path

from backend_core.conversations.records import IncomingMessage
from backend_core.credentials.token_records import Grant
from backend_core.policy import Actor
from backend_core.scopes.records import Direct
from tests.backend_core.audit.closed_cases import Act, World, case
from tests.backend_core.verb_calls import proven

ANA = "+15550100001"
PICTURE = Path(__file__).parents[3] / "docs" / "pictures" / "documents-light.png"


def _because(world: World) -> Actor:
    return proven(world.actor)


def _contact(world: World) -> uuid.UUID:
    world.backend.people.save_persona("sage", name="Sage", passport={}, version=0, actor=world.actor)
    return world.backend.people.add_contact("Ana", phone=ANA, actor=world.actor).id


@case("Egress.allow")
def _allow(world: World) -> Act:
    return lambda: world.backend.egress.allow("moderation", "api.example.com", actor=_because(world))


@case("Egress.withdraw")
def _withdraw(world: World) -> Act:
    world.backend.egress.allow("moderation", "api.example.com", actor=_because(world))
    return lambda: world.backend.egress.withdraw("moderation", "api.example.com", actor=world.actor)


@case("Egress.record_set_up")
def _set_up(world: World) -> Act:
    facts = {"token_url": "https://bank.example.com/token", "client_id": "lectern", "client_secret": "s"}
    return lambda: world.backend.oauth.set_up("bank", **facts, actor=world.actor)


@case("Safety.set_key")
def _key(world: World) -> Act:
    return lambda: world.backend.safety.set_key("sk-one", actor=_because(world))


@case("ReviewQueue.review")
def _review(world: World) -> Act:
    _contact(world)
    world.backend.conversations.receive(IncomingMessage(text="I'll kill you", sender=ANA, persona="sage"), actor=world.actor)
    (row,) = world.backend.safety.review_queue(actor=world.actor)
    return lambda: world.backend.safety.review(row.id, "right", actor=replace(world.actor, reason="A test"))


@case("Photos._complete")
def _photo(world: World) -> Act:
    _contact(world)
    return lambda: world.backend.photos.attach(Direct(ANA, "sage"), PICTURE, attachment_guid="a", actor=world.actor)


@case("Tokens._record")
def _token(world: World) -> Act:
    user = _contact(world)
    grant = Grant(access="a", expires_at=dt.datetime(2100, 1, 1, tzinfo=dt.UTC))
    return lambda: world.backend.tokens.save(user, "bank", grant, actor=world.actor)
