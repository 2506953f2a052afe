"""People to talk with: two personas, and a way to write as a contact."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from dataclasses import replace

import pytest

from backend_core.backend import Backend
from backend_core.conversations.records import Hooks, IncomingMessage, Received
from backend_core.policy import Actor

ANA, BEN, CHI = "+4915112345678", "+15551234567", "+442079460018"
DAY = dt.datetime(2026, 11, 2, 9, 0, tzinfo=dt.UTC)

Write = Callable[..., Received]


@pytest.fixture
def reader(actor: Actor) -> Actor:
    """The first operator, with a reason to look."""
    return replace(actor, reason="asked by the contact")


@pytest.fixture
def talk(backend: Backend, actor: Actor) -> Backend:
    """A backend with two personas, no conversation, and nobody who is told when a message arrives."""
    backend.conversations.hooks = Hooks()
    for persona in ("sage", "echo"):
        backend.people.save_persona(persona, name=persona.title(), passport={"tone": "warm"}, version=0, actor=actor)
    return backend


@pytest.fixture
def write(talk: Backend, actor: Actor) -> Write:
    """Return a function that takes in a direct message, or one of a group when it is given a ``guid``."""

    def take_in(text: str, *, sender: str = ANA, persona: str = "sage", guid: str | None = None, **facts: object) -> Received:
        given = IncomingMessage(text=text, sender=sender, persona=persona, chat_guid=guid, is_group=guid is not None, **facts)  # type: ignore[arg-type]  # as the test gives them
        return talk.conversations.receive(given, actor=actor)

    return take_in


def contact_id(backend: Backend, phone: str, actor: Actor) -> uuid.UUID:
    """Return the id of the contact with a number."""
    return backend.people.contacts(phone, actor=actor)[0].id
