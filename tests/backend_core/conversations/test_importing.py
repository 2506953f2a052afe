"""Files of messages: taken in once, line by line, the good ones whatever the others are, and never into another container."""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend_core.backend import Backend
from backend_core.conversations import lines
from backend_core.conversations.records import Arrived, Hooks, Imported
from backend_core.errors import InvalidInput, UnreadableFile
from backend_core.policy import SUPPORT, Actor
from backend_core.scopes.records import Direct, Group
from tests.backend_core.conversations.conftest import ANA, BEN

AT = "2026-11-02T09:00:00Z"
DOCUMENT = Path(__file__).parents[3] / "docs" / "messages.md"

Take = Callable[..., Imported]


def direct(text: str, **facts: str) -> dict[str, object]:
    return {"type": "message", "phone": ANA, "persona": "sage", "text": text, "at": AT} | facts


def group(text: str, **facts: str) -> dict[str, object]:
    return {"type": "message", "chat_guid": "g", "sender": ANA, "text": text, "at": AT} | facts


@pytest.fixture
def take(talk: Backend, actor: Actor, tmp_path: Path) -> Take:
    """Return a function that imports lines: objects as JSON, text and bytes as they are."""

    def take_in(*given: object, by: Actor = actor) -> Imported:
        path = tmp_path / "messages.jsonl"
        made = [one if isinstance(one, bytes) else (one if isinstance(one, str) else json.dumps(one)).encode() for one in given]
        path.write_bytes(b"\n".join(made))
        return talk.conversations.import_messages(path, actor=by)

    return take_in


def said(backend: Backend, where: Direct | Group, reader: Actor) -> list[tuple[str, str]]:
    found = backend.scopes.resolve(where).conversation_id
    return [(one.direction, one.text) for one in backend.conversations.messages(found, actor=reader, limit=500).rows]


def test_the_example_of_the_document_is_taken_in_as_it_says(talk: Backend, take: Take, reader: Actor) -> None:
    example = DOCUMENT.read_text("utf-8").split("```")[1].strip()
    made = take(example)
    assert (made.lines, made.contacts, made.personas, made.conversations, made.messages, made.refused) == (6, 1, 0, 1, 3, 0)
    assert said(talk, Direct("+4915112345678", "sage"), reader) == [("in", "Guten Morgen!"), ("out", "Guten Morgen, Lena.")]
    assert said(talk, Group("iMessage;+;chat7316"), reader) == [("in", "rent is due")]
    assert talk.people.contacts(actor=reader)[0].name == "Lena Schneider"


def test_a_second_import_adds_nothing(talk: Backend, take: Take, reader: Actor) -> None:
    given = [direct("one"), direct("two", id="a"), group("three"), direct("one", at="2026-11-02T09:00:01Z")]
    assert take(*given).messages == 4
    again = take(*given)
    assert (again.messages, again.again) == (0, 4)
    assert len(said(talk, Direct(ANA, "sage"), reader)) == 3


def test_a_line_that_cannot_be_used_is_told_by_number_without_its_content_and_the_others_are_taken_in(
    talk: Backend, take: Take, reader: Actor
) -> None:
    wrong: list[object] = [
        "not json canary",
        b"\xff\xfe canary",
        "[" * 100_000,
        '"canary"',
        {"type": "canary"},
        {"type": "message", "text": "canary"},
        direct("canary", chatguid="g"),
        direct("canary", phone="0151 canary"),
        direct("canary", persona="nobody"),
        direct("canary", at="yesterday canary"),
        direct("canary", at="2026-11-02T09:00:00"),
        direct("canary", sender=BEN),
        direct("canary\0"),
        direct("canary" * 10_000),
        direct("x" * 300_000),
        group("canary", phone=ANA),
        group("canary", sender="persona:canary"),
        {"type": "message", "chat_guid": "g", "text": "canary without sender", "at": AT},
        {"type": "group", "chat_guid": "h", "title": "canary", "members": ["+15550000000"]},
        {"type": "group", "chat_guid": "h", "title": "canary", "members": "canary"},
        {"type": "contact", "phone": ANA, "name": 7},
        {"type": "contact", "phone": "+15550009999", "name": "x", "email": "canary"},
        {"type": "persona", "id": "Canary_1", "name": "x"},
        direct("canary") | {"text": None},
    ]
    made = take(direct("first"), *wrong, "", "   ", direct("last"))
    assert (made.messages, made.refused) == (2, len(wrong))
    assert [one.line for one in made.problems] == list(range(2, len(wrong) + 2))
    assert "canary" not in str(made).lower()
    assert {text for _, text in said(talk, Direct(ANA, "sage"), reader)} == {"first", "last"}


def test_each_message_is_remembered_in_its_own_container_in_the_order_of_the_file(talk: Backend, take: Take) -> None:
    told: list[tuple[str, str, str]] = []

    def remember(arrived: Arrived) -> tuple[uuid.UUID, ...]:
        told.append((arrived.scope.container.tag, arrived.speaker, arrived.text))
        return ()

    talk.conversations.hooks = Hooks(remember=remember)
    take(
        {"type": "contact", "phone": ANA, "name": "Ana"}, direct("1"), group("a"), direct("2"), group("b", sender=BEN),
        {"type": "contact", "phone": BEN, "name": "Ben"}, direct("3", sender="persona:sage"), direct("4"),
    )  # fmt: skip
    tag = f"user_{ANA}_persona_sage"
    assert [one for one in told if one[0] == tag] == [(tag, "Ana", "1"), (tag, "Ana", "2"), (tag, "Sage", "3"), (tag, "Ana", "4")]
    assert [one[1:] for one in told if one[0] == "group_g"] == [("Ana", "a"), ("+15•••••4567", "b")]


def test_contacts_personas_and_groups_that_exist_stay_as_they_are(talk: Backend, take: Take, actor: Actor) -> None:
    talk.people.add_contact("Ana Silva", phone=ANA, actor=actor)
    talk.conversations.create_group("g", title="Flat 12", persona="sage", members=[ANA], actor=actor)
    made = take(
        {"type": "contact", "phone": ANA, "name": "Somebody Else", "email": "x@example.org"},
        {"type": "persona", "id": "sage", "name": "Other", "passport": {"tone": "cold"}},
        {"type": "group", "chat_guid": "g", "title": "Renamed", "persona": "echo", "members": [ANA]},
    )
    assert (made.contacts, made.personas, made.conversations, made.refused) == (0, 0, 0, 0)
    assert [(one.name, one.email) for one in talk.people.contacts(actor=actor)] == [("Ana Silva", None)]
    assert talk.people.persona("sage", actor=actor).passport == {"tone": "warm"}
    assert [(one.title, one.persona) for one in talk.conversations.listing(actor=actor)] == [("Flat 12", "Sage")]


def test_support_staff_import_messages_but_add_no_personas(talk: Backend, take: Take, actor: Actor) -> None:
    support = replace(actor, role=SUPPORT)
    made = take({"type": "persona", "id": "nova", "name": "Nova"}, direct("hi"), by=support)
    assert (made.messages, made.personas, made.refused) == (1, 0, 1)
    assert take({"type": "persona", "id": "nova", "name": "Nova"}).personas == 1


def test_an_import_is_recorded_with_counts_and_no_content(talk: Backend, take: Take, actor: Actor) -> None:
    take(direct("canary"), "broken")
    row = talk.audit.latest(actor=actor, limit=1)[0]
    assert (row.action, row.after) == (
        "message.import",
        {"contacts": 0, "conversations": 0, "messages": 1, "again": 0, "refused": 1},
    )


def test_a_file_that_is_not_there_is_said_to_be_unreadable(talk: Backend, actor: Actor, tmp_path: Path) -> None:
    for path in (tmp_path / "nothing", tmp_path):
        with pytest.raises(UnreadableFile):
            talk.conversations.import_messages(path, actor=actor)


def test_more_messages_than_wait_at_once_all_arrive(talk: Backend, take: Take, reader: Actor) -> None:
    made = take(*(direct(f"message {n}", id=f"m{n}") if n % 3 else group(f"message {n}", id=f"m{n}") for n in range(1200)))
    assert (made.messages, made.refused) == (1200, 0)
    assert {one.kind: one.messages for one in talk.conversations.listing(actor=reader)} == {"direct": 800, "group": 400}


@given(st.binary(max_size=200))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_bytes_a_line_is_read_or_refused(raw: bytes) -> None:
    with contextlib.suppress(InvalidInput):
        found = lines.parse(2, raw)
        assert found is None or found.type in {"contact", "persona", "group", "message"}
