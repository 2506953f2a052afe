"""Messages come in: each into one container, once, whole or not at all, and others are told of it inside that transaction."""

from __future__ import annotations

import datetime as dt
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import psycopg
import pytest
import sqlalchemy as sa

from backend_core.backend import Backend
from backend_core.conversations.records import Arrived, Hooks, IncomingMessage, Screened
from backend_core.conversations.relationship import STRANGERS
from backend_core.conversations.tables import messages
from backend_core.db.embedded import EmbeddedServer
from backend_core.errors import InvalidInput, LecternError, NotFound, TooLarge
from backend_core.policy import Actor
from backend_core.scopes.records import Direct, Group
from tests.backend_core.conversations.conftest import ANA, BEN, CHI, DAY, Write, contact_id


def rows(server: EmbeddedServer, table: str) -> list[tuple[object, ...]]:
    with psycopg.connect(server.admin_dsn) as conn:
        return conn.execute(f"SELECT * FROM {table} ORDER BY 1, 2".encode()).fetchall()


def said(backend: Backend, where: Direct | Group, actor: Actor) -> list[str]:
    with backend.scopes.open(where, actor=actor, action="conversation.read", reason="test") as scope:
        query = sa.select(messages.c.body).where(messages.c.container_id == scope.container_id)
        return sorted(scope.conn.execute(query).scalars())


def test_a_direct_message_makes_contact_conversation_and_container_and_is_read_again(talk: Backend, write: Write, reader: Actor) -> None:
    received = write("Hello Sage", at=DAY)
    page = talk.conversations.messages(received.conversation_id, actor=reader)
    assert [(one.text, one.at, one.direction, one.phone) for one in page.rows] == [("Hello Sage", DAY, "in", "+49•••••5678")]
    listed = talk.conversations.listing(actor=reader)
    assert [(one.kind, one.messages, one.last_at, one.persona) for one in listed] == [("direct", 1, DAY, "Sage")]
    assert talk.people.contacts(actor=reader)[0].phone == "+49•••••5678"


@pytest.mark.parametrize("written", ["+49 151 12345678", "0049-151-12345678", "+49 (0)151 / 123 456 78", "\u202a+49 151 12345678\u202c"])
def test_however_a_number_is_written_it_is_one_contact_and_one_container(talk: Backend, write: Write, reader: Actor, written: str) -> None:
    first = write("one")
    second = write("two", sender=written)
    assert first.conversation_id == second.conversation_id
    assert len(talk.people.contacts(actor=reader)) == 1


@pytest.mark.parametrize("number", ["0151 12345678", "12", "+0151123456", "hello", "+49151123456789012", "+49151x2345678"])
def test_what_is_no_number_with_a_country_code_is_refused_without_being_repeated(write: Write, number: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        write("hi", sender=number)
    assert number not in str(refusal.value)


@pytest.mark.trace("B34", "B35")
def test_containers_carry_the_tags_of_direct_and_group(talk: Backend, write: Write, actor: Actor) -> None:
    write("one", persona="echo")
    write("two", guid="iMessage;+;chat_%7")
    assert talk.scopes.resolve(Direct(ANA, "echo")).tag == f"user_{ANA}_persona_echo"
    assert talk.scopes.resolve(Group("iMessage;+;chat_%7")).tag == "group_iMessage;+;chat_%7"


def test_a_group_message_touches_the_container_of_its_group_alone(
    talk: Backend, write: Write, reader: Actor, clean: EmbeddedServer
) -> None:
    write("private", sender=ANA)
    write("also private", sender=BEN, persona="echo")
    talk.conversations.hooks = Hooks(remember=lambda arrived: (arrived.message_id,))
    before = {table: rows(clean, table) for table in ("relationship_state", "messages", "memories", "reminders", "boundaries")}
    received = write("the party is on Friday", guid="party", sender=ANA)
    after = {table: rows(clean, table) for table in before}
    assert after["relationship_state"] == before["relationship_state"]
    fresh = [row for row in after["messages"] if row not in before["messages"]]
    assert [row[2] for row in fresh] == [received.conversation_id]
    assert received.relationship is None
    assert said(talk, Direct(ANA, "sage"), reader) == ["private"]
    assert said(talk, Direct(BEN, "echo"), reader) == ["also private"]
    assert said(talk, Group("party"), reader) == ["the party is on Friday"]


def test_a_message_that_forgets_to_say_it_is_of_a_group_does_not_end_up_with_a_member(talk: Backend, write: Write, actor: Actor) -> None:
    write("first", guid="party")
    mistaken = IncomingMessage(text="surprise!", sender=ANA, persona="sage", chat_guid="party", is_group=False)
    with pytest.raises(InvalidInput, match="group"):
        talk.conversations.receive(mistaken, actor=actor)
    with pytest.raises(NotFound):
        talk.scopes.resolve(Direct(ANA, "sage"))


def test_a_direct_chat_may_have_a_guid_of_its_own(talk: Backend, actor: Actor) -> None:
    received = talk.conversations.receive(IncomingMessage(text="hi", sender=ANA, persona="sage", chat_guid="any;-;1"), actor=actor)
    assert talk.scopes.resolve(Direct(ANA, "sage")).conversation_id == received.conversation_id


def test_the_same_message_is_taken_in_once_per_conversation_also_when_it_comes_twice_at_once(
    talk: Backend, write: Write, reader: Actor
) -> None:
    write("hello", external_id="first")
    told: list[uuid.UUID] = []

    def remember(arrived: Arrived) -> tuple[uuid.UUID, ...]:
        told.append(arrived.message_id)
        return (arrived.message_id,)

    talk.conversations.hooks = Hooks(remember=remember)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _n: write("again and again", external_id="m-1"), range(8)))
    assert len({one.message_id for one in found}) == 1
    assert sum(not one.again for one in found) == 1
    assert len(told) == 1
    assert not write("again and again", external_id="m-1", persona="echo").again
    assert said(talk, Direct(ANA, "sage"), reader) == ["again and again", "hello"]


def test_many_first_messages_at_once_make_one_contact_and_one_conversation(talk: Backend, write: Write, reader: Actor) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda n: write(f"hello {n}"), range(16)))
    assert len({one.conversation_id for one in found}) == 1
    assert [one.messages for one in talk.people.contacts(actor=reader)] == [16]
    assert [one.messages for one in talk.conversations.listing(actor=reader)] == [16]


@dataclass(frozen=True)
class Verdict:
    action: str


@dataclass
class Told:
    """Notes what it was told, and in which transaction."""

    action: str = "allowed"
    obeys: str = "forget that"
    steps: list[tuple[str, str]] = field(default_factory=list)

    def screen(self, text: str, /, *, direction: str) -> Screened:
        self.steps.append(("screen", direction))
        return Verdict(self.action)

    def note(self, arrived: Arrived, verdict: Screened, /, *, direction: str) -> None:
        query = sa.select(messages.c.body).where(messages.c.id == arrived.message_id)
        assert arrived.scope.conn.execute(query).scalar_one() == arrived.text
        self.steps.append(("note", f"{verdict.action} {direction}"))

    def obey(self, arrived: Arrived, /) -> str | None:
        self.steps.append(("obey", arrived.text))
        return "done" if arrived.text == self.obeys else None

    def remember(self, arrived: Arrived, /) -> tuple[uuid.UUID, ...]:
        self.steps.append(("remember", arrived.speaker))
        return (arrived.message_id,)

    def hooks(self) -> Hooks:
        return Hooks(screen=self.screen, note_screened=self.note, obey=self.obey, remember=self.remember)


def test_a_message_is_watched_over_then_obeyed_or_remembered(talk: Backend, write: Write, actor: Actor) -> None:
    told = Told()
    talk.conversations.hooks = told.hooks()
    received = write("I moved to Lisbon")
    assert [step for step, _ in told.steps] == ["screen", "note", "obey", "remember"]
    assert (received.memory_ids, received.forget, received.safety) == ((received.message_id,), None, Verdict("allowed"))
    told.steps.clear()
    received = write("forget that")
    assert [step for step, _ in told.steps] == ["screen", "note", "obey"]
    assert (received.memory_ids, received.forget) == ((), "done")


def test_what_a_persona_says_is_watched_as_output_and_never_obeyed(talk: Backend, write: Write, actor: Actor) -> None:
    write("hello")
    told = Told()
    talk.conversations.hooks = told.hooks()
    answer = IncomingMessage(text="forget that", sender="persona:sage", user=ANA, persona="sage")
    received = talk.conversations.receive(answer, actor=actor)
    assert told.steps == [("screen", "output"), ("note", "allowed output"), ("remember", "Sage")]
    assert received.forget is None


def test_a_blocked_message_is_kept_for_review_and_neither_remembered_nor_obeyed(talk: Backend, write: Write, reader: Actor) -> None:
    told = Told(action="blocked")
    talk.conversations.hooks = told.hooks()
    received = write("forget that")
    assert [step for step, _ in told.steps] == ["screen", "note"]
    assert (received.memory_ids, received.forget, received.relationship) == ((), None, STRANGERS)
    assert said(talk, Direct(ANA, "sage"), reader) == ["forget that"]


@pytest.mark.parametrize("broken", ["note", "obey", "remember"])
def test_a_message_is_not_there_when_anything_that_follows_from_it_fails(
    talk: Backend, write: Write, reader: Actor, clean: EmbeddedServer, broken: str
) -> None:
    write("before")
    told = Told()

    def fail(*_call: object, **_words: object) -> None:
        raise NotFound("Nothing to be found.")

    setattr(told, broken, fail)
    talk.conversations.hooks = told.hooks()
    before = rows(clean, "relationship_state")
    with pytest.raises(NotFound):
        write("thank you 😂")
    assert said(talk, Direct(ANA, "sage"), reader) == ["before"]
    assert rows(clean, "relationship_state") == before


@pytest.mark.parametrize(
    ("facts", "error"),
    [
        ({"text": ""}, InvalidInput),
        ({"text": "  \n"}, InvalidInput),
        ({"text": "a\0b"}, InvalidInput),
        ({"text": "a\ud800b"}, InvalidInput),
        ({"text": "x" * 20_001}, TooLarge),
        ({"sender": None}, InvalidInput),
        ({"persona": None}, InvalidInput),
        ({"persona": "nobody"}, NotFound),
        ({"persona": "Sage_1"}, InvalidInput),
        ({"sender": "persona:echo", "user": ANA}, InvalidInput),
        ({"sender": "persona:sage"}, InvalidInput),
        ({"sender": BEN, "user": ANA}, InvalidInput),
        ({"user": uuid.UUID(int=7), "sender": None}, NotFound),
        ({"is_group": True}, InvalidInput),
        ({"is_group": True, "chat_guid": " "}, InvalidInput),
        ({"is_group": True, "chat_guid": "a\nb"}, InvalidInput),
        ({"is_group": True, "chat_guid": "x" * 256}, InvalidInput),
        ({"at": dt.datetime(2026, 1, 1)}, InvalidInput),  # noqa: DTZ001  # the zone is what is missing
        ({"external_id": "x" * 201}, TooLarge),
    ],
)
def test_what_cannot_be_used_is_refused_and_leaves_no_message(
    talk: Backend, write: Write, actor: Actor, clean: EmbeddedServer, facts: dict[str, object], error: type[LecternError]
) -> None:
    write("known")
    given: dict[str, object] = {"text": "hello", "sender": ANA, "persona": "sage"}
    with pytest.raises(error):
        talk.conversations.receive(IncomingMessage(**given | facts), actor=actor)  # type: ignore[arg-type]  # wrong on purpose
    assert len(rows(clean, "messages")) == 1


def test_a_disabled_contact_is_not_listened_to_until_enabled(talk: Backend, write: Write, reader: Actor) -> None:
    write("one")
    who = contact_id(talk, ANA, reader)
    assert talk.people.disable(who, actor=reader).disabled
    with pytest.raises(InvalidInput, match="disabled"):
        write("two")
    talk.people.enable(who, actor=reader)
    write("three")
    assert said(talk, Direct(ANA, "sage"), reader) == ["one", "three"]


def test_whoever_writes_in_a_group_is_a_member_until_they_leave(talk: Backend, write: Write, reader: Actor) -> None:
    group = write("hi", guid="g", sender=ANA).conversation_id
    write("hi", guid="g", sender=BEN)
    write("hi again", guid="g", sender=BEN)
    assert [one.phone for one in talk.conversations.members(group, actor=reader)] == ["+15•••••4567", "+49•••••5678"]
    left = talk.conversations.leave(group, BEN, actor=reader)
    assert [(one.phone, one.left_at is None) for one in left] == [("+49•••••5678", True), ("+15•••••4567", False)]
    with pytest.raises(NotFound):
        talk.conversations.leave(group, BEN, actor=reader)
    with pytest.raises(NotFound):
        talk.conversations.leave(group, CHI, actor=reader)
    back = talk.conversations.join(group, BEN, actor=reader)
    assert [one.left_at for one in back] == [None, None]
    assert said(talk, Group("g"), reader) == ["hi", "hi", "hi again"]
