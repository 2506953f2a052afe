"""What a reply would be given: of one conversation only, within its boundaries, each part with its reason."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from dataclasses import replace

import pytest

from backend_core.backend import Backend
from backend_core.conversations.records import IncomingMessage
from backend_core.conversations.tables import photos
from backend_core.errors import InvalidInput, NotAllowed, NotFound, ReasonNeeded
from backend_core.memory.reply_records import ReplyContext
from backend_core.policy import AUDITOR, Actor
from backend_core.scopes.records import Direct, Group

ANA = "+4915112345678"
SAGE, FLAT = Direct(ANA, "sage"), Group("flat")
Ask = Callable[..., ReplyContext]


@pytest.fixture
def reader(actor: Actor) -> Actor:
    """The first operator, with a reason to look."""
    return replace(actor, reason="OPS-331")


@pytest.fixture
def say(backend: Backend, actor: Actor) -> Callable[..., uuid.UUID]:
    """Return a function that takes in a message to Sage, or to a group when it is given a ``guid``."""
    backend.people.save_persona("sage", name="Sage", passport={}, version=0, actor=actor)

    def take_in(text: str, *, guid: str | None = None) -> uuid.UUID:
        given = IncomingMessage(text=text, sender=ANA, persona="sage", chat_guid=guid, is_group=guid is not None)
        return backend.conversations.receive(given, actor=actor).message_id

    return take_in


@pytest.fixture
def ask(backend: Backend, reader: Actor) -> Ask:
    """Return a function that asks what a reply to Ana would be given."""
    return lambda text, where=SAGE, **how: backend.replies.reply_context(where, text, actor=reader, **how)


def texts(context: ReplyContext) -> list[str]:
    return [given.hit.memory.text for given in context.memories]


@pytest.mark.trace("B31", "B32")
def test_a_reply_is_given_what_was_said_in_its_conversation_and_nothing_of_another(say: Callable[..., uuid.UUID], ask: Ask) -> None:
    say("The trip to Lisbon makes me nervous")
    say("We booked the trip to Lisbon", guid="flat")
    assert texts(ask("Tell me about the trip")) == ["The trip to Lisbon makes me nervous"]
    assert texts(ask("Tell me about the trip", FLAT)) == ["We booked the trip to Lisbon"]


def test_each_memory_comes_with_its_reason(say: Callable[..., uuid.UUID], ask: Ask) -> None:
    say("The trip to Lisbon makes me nervous")
    (given,) = ask("Tell me about the trip").memories
    assert given.reasons[0] == "says “trip”"


def test_a_message_does_not_remind_the_persona_of_itself(say: Callable[..., uuid.UUID], ask: Ask) -> None:
    say("My sister plays the violin")
    asked = say("What does my sister play?")
    assert texts(ask("What does my sister play?", message_id=asked)) == ["My sister plays the violin"]
    assert "What does my sister play?" in texts(ask("What does my sister play?"))


def test_a_boundary_keeps_back_what_it_covers_and_says_so(backend: Backend, reader: Actor, say: Callable[..., uuid.UUID], ask: Ask) -> None:
    say("My exam was a disaster")
    say("My exam is next to the station")
    say("The station is closed")
    backend.forgetting.add_boundary(SAGE, "never", "exam", actor=reader)
    context = ask("Where is the station of the exam?")
    assert texts(context) == ["The station is closed"]
    assert [(one.boundary.topic, one.count) for one in context.withheld] == [("exam", 2)]
    assert [one.kind for one in context.boundaries] == ["never"]


def test_a_boundary_of_another_conversation_keeps_nothing_back(
    backend: Backend, reader: Actor, say: Callable[..., uuid.UUID], ask: Ask
) -> None:
    say("The exam is on Monday", guid="flat")
    say("The exam is on Friday")
    backend.forgetting.add_boundary(FLAT, "never", "exam", actor=reader)
    assert texts(ask("When is the exam?")) == ["The exam is on Friday"]
    assert ask("When is the exam?").boundaries == ()


def test_a_direct_conversation_has_a_relationship_and_a_group_has_none(say: Callable[..., uuid.UUID], ask: Ask) -> None:
    say("I have never told anyone, but I am scared of the exam")
    say("Hello all", guid="flat")
    known = ask("exam").relationship
    assert known is not None
    assert known.trust > 0
    assert ask("hello", FLAT).relationship is None


def photo(backend: Backend, where: Direct | Group, *, status: str, summary: str | None = None, age_s: float = 1.0) -> uuid.UUID:
    with backend.scopes.open(where, actor=backend.system(), action="photo.attach") as scope:
        values = {
            "container_id": scope.container_id, "conversation_id": scope.container.conversation_id, "sender": ANA, "status": status,
            "attachment_guid": uuid.uuid4().hex, "summary": summary, "correlation_id": "x",
            "received_at": dt.datetime.now(dt.UTC) - dt.timedelta(seconds=age_s),
        }  # fmt: skip
        made: uuid.UUID = scope.conn.execute(photos.insert().values(values).returning(photos.c.id)).scalar_one()
        return made


@pytest.mark.trace("B67")
def test_a_question_right_after_a_photo_is_given_its_summary(backend: Backend, say: Callable[..., uuid.UUID], ask: Ask) -> None:
    say("hi")
    photo(backend, SAGE, status="ready", summary="A red bicycle.")
    context = ask("what do you think?")
    assert context.photo is not None
    assert context.photo.sentence == "A red bicycle."
    assert context.photo.ready


@pytest.mark.trace("B67", "B68")
def test_a_photo_that_is_not_ready_in_time_is_honestly_still_looked_at(backend: Backend, say: Callable[..., uuid.UUID], ask: Ask) -> None:
    say("hi")
    photo(backend, SAGE, status="processing")
    told: list[tuple[float, float]] = []
    context = ask("what do you think?", wait_s=0.3, progress=lambda waited, most: told.append((waited, most)))
    assert context.photo is not None
    assert context.photo.sentence.startswith("Still looking at the photo")
    assert context.photo.waited_s >= 0.3
    assert told[-1] == (0.3, 0.3)


def test_the_reply_waits_for_a_photo_that_becomes_ready(backend: Backend, say: Callable[..., uuid.UUID], ask: Ask) -> None:
    say("hi")
    photo_id = photo(backend, SAGE, status="processing")

    def finish(waited: float, most: float) -> None:
        if waited == 0 or done:
            return
        done.append(waited)
        with backend.scopes.open(SAGE, actor=backend.system(), action="photo.analyse") as scope:
            this = (photos.c.container_id == scope.container_id, photos.c.id == photo_id)
            scope.conn.execute(photos.update().where(*this).values(status="ready", summary="A cat."))

    done: list[float] = []
    context = ask("can you see the cat?", wait_s=20, progress=finish)
    assert context.photo is not None
    assert context.photo.sentence == "A cat."
    assert context.photo.waited_s < 20


def test_a_photo_of_another_conversation_is_neither_waited_for_nor_told_of(
    backend: Backend, say: Callable[..., uuid.UUID], ask: Ask
) -> None:
    say("hi")
    say("hi all", guid="flat")
    foreign = photo(backend, FLAT, status="processing")
    told: list[float] = []
    context = ask("what do you think?", reply_to_photo=foreign, wait_s=20, progress=lambda waited, _most: told.append(waited))
    assert (context.photo, told) == (None, [])


def test_a_reason_given_with_the_call_is_enough(backend: Backend, actor: Actor, say: Callable[..., uuid.UUID]) -> None:
    say("The exam is on Monday")
    assert texts(backend.replies.reply_context(SAGE, "When is the exam?", actor=actor, reason="OPS-331")) == ["The exam is on Monday"]


def test_neither_an_old_photo_nor_one_of_another_conversation_is_given(backend: Backend, say: Callable[..., uuid.UUID], ask: Ask) -> None:
    say("hi")
    say("hi all", guid="flat")
    photo(backend, SAGE, status="ready", summary="An old one.", age_s=3600)
    photo(backend, FLAT, status="ready", summary="The flat.")
    assert ask("what do you think?").photo is None


def test_looking_asks_a_reason_leaves_one_row_and_is_not_for_everybody(
    backend: Backend, actor: Actor, reader: Actor, say: Callable[..., uuid.UUID], ask: Ask
) -> None:
    say("hi")
    with pytest.raises(ReasonNeeded):
        backend.replies.reply_context(SAGE, "hi", actor=actor)
    with pytest.raises(NotAllowed):
        backend.replies.reply_context(SAGE, "hi", actor=replace(reader, role=AUDITOR))
    ask("hi")
    rows = [row for row in backend.audit.latest(actor=actor) if row.action == "reply.preview"]
    assert [(row.reason, row.outcome) for row in rows] == [("OPS-331", "done")]


def test_nonsense_is_refused(say: Callable[..., uuid.UUID], ask: Ask) -> None:
    say("hi")
    with pytest.raises(InvalidInput):
        ask("  ")
    with pytest.raises(NotFound):
        ask("hi", Group("nobody"))
