"""Forgetting: what was meant, in the one conversation it was said in, in every store, and back again while it can be."""

from __future__ import annotations

import dataclasses
import datetime as dt
import uuid
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
import sqlalchemy as sa

from backend_core.backend import Backend
from backend_core.conversations.tables import messages, photos, reminders
from backend_core.db.embedded import EmbeddedServer
from backend_core.errors import Conflict, InvalidInput, LecternError, NotFound, ReasonNeeded
from backend_core.memory.forget import LAST
from backend_core.memory.tables import container_stats, memories, memory_history, memory_vectors, postings
from backend_core.scopes.records import Direct, Group
from backend_core.scopes.service import Scope
from tests.backend_core.memory.gossip import ANA, BEN, START, Gossip

SAGE, ECHO, PARTY = Direct(ANA, "sage"), Direct(ANA, "echo"), Group("party")


@pytest.fixture
def gossip(backend: Backend) -> Gossip:
    """People and personas, nothing said."""
    return Gossip.of(backend)


@pytest.mark.trace("B37")
def test_forget_that_means_the_last_thing_said_here_with_the_answer_to_it(gossip: Gossip) -> None:
    gossip.say("I like tea")
    gossip.say("I stole a bicycle")
    gossip.answer("A bicycle, really?")
    gossip.say("The other persona hears of kites", persona="echo")
    done = gossip.say("Forget that.").forget
    assert (done.did, done.counts["memories"], done.counts["messages"]) == ("forgot", 1, 2)
    assert done.sentence == "Forgotten. For 30 days it can still be brought back, then it is erased."
    assert gossip.known(SAGE) == ["I like tea"]
    assert gossip.heard(SAGE) == ["I like tea", "Forget that."]
    assert gossip.known(ECHO) == ["The other persona hears of kites"]


@pytest.mark.trace("B36")
def test_forgetting_in_a_group_leaves_the_same_words_elsewhere(gossip: Gossip) -> None:
    for place in ({"guid": "party"}, {"guid": "other"}, {}):
        gossip.say("The cake is a secret", **place)
    gossip.say("forget what I said about the cake", guid="party")
    assert gossip.known(PARTY) == []
    assert gossip.known(Group("other")) == gossip.known(SAGE) == ["The cake is a secret"]


def test_a_second_forget_that_never_reaches_further_back(gossip: Gossip) -> None:
    gossip.say("first")
    gossip.say("second")
    assert gossip.say("forget that").forget.did == "forgot"
    assert gossip.say("forget that").forget.did == "already"
    assert gossip.known(SAGE) == ["first"]
    gossip.backend.forgetting.purge_due(actor=gossip.backend.system())
    hard = gossip.backend.forgetting.forget(SAGE, LAST, hard=True, actor=gossip.actor)
    assert (hard.already, hard.erasure_id, hard.receipt) == (True, None, None)
    gossip.say("third")
    assert gossip.backend.forgetting.forget(SAGE, LAST, hard=True, actor=gossip.actor).counts["memories"] == 1
    # the rows are gone, which must not make the one before it the last
    assert gossip.backend.forgetting.forget(SAGE, LAST, hard=True, actor=gossip.actor).already
    assert gossip.known(SAGE) == ["first"]


@pytest.mark.trace("B36")
def test_in_a_group_that_is_not_what_somebody_else_said(gossip: Gossip) -> None:
    gossip.say("Ana was here", guid="party")
    gossip.say("Ben was here", sender=BEN, guid="party")
    assert gossip.say("forget that", guid="party").forget.did == "asked"
    assert gossip.known(PARTY) == ["Ana was here", "Ben was here"]
    assert gossip.say("forget that", sender=BEN, guid="party").forget.did == "forgot"
    assert gossip.known(PARTY) == ["Ana was here"]


def test_what_others_said_about_a_topic_stays_in_the_group_and_the_preview_of_an_operator_takes_all(gossip: Gossip) -> None:
    gossip.say("Tom is moving", guid="party")
    gossip.say("Tom moves to Rome", sender=BEN, guid="party")
    assert gossip.say("forget what I said about Tom", guid="party").forget.counts["memories"] == 1
    assert gossip.known(PARTY) == ["Tom moves to Rome"]
    assert gossip.backend.forgetting.preview(PARTY, "forget what I said about Tom", actor=gossip.actor).counts["memories"] == 1


def test_a_command_to_another_member_of_the_group_is_none(gossip: Gossip) -> None:
    gossip.say("Tom is moving", guid="party")
    assert gossip.say("Ben, forget what I said about Tom", guid="party").forget is None
    assert gossip.say("Sage, forget what I said about Tom", guid="party").forget.did == "forgot"


def test_the_preview_names_exactly_what_goes_and_forgetting_does_exactly_that(gossip: Gossip) -> None:
    gossip.say("I like tea")
    told = gossip.say("My sister Anna has diabetes")
    place(gossip, SAGE, told.message_id)
    shown = gossip.backend.forgetting.preview(SAGE, "forget what I said about my sister", actor=gossip.actor)
    said = [(item.store, item.text, item.why) for item in shown.items]
    assert said == [
        ("memories", "My sister Anna has diabetes", "topic"),
        ("versions", "Sister has it", "topic"),
        ("messages", "My sister Anna has diabetes", "topic"),
        ("photos", "her insulin a syringe", "attached"),
        ("reminders", "call Anna", "attached"),
    ]
    counts = {store: count for store, count in shown.counts.items() if count}
    assert counts == {
        "memories": 1,
        "versions": 1,
        "postings": counts["postings"],
        "vectors": 1,
        "messages": 1,
        "photos": 1,
        "reminders": 1,
    }
    assert counts["postings"] >= 3
    assert (shown.masked, shown.question, shown.already) == ("user_+49•••••5678_persona_sage", None, False)
    done = gossip.backend.forgetting.forget(SAGE, shown, actor=gossip.actor)
    assert dict(done.counts) == dict(shown.counts)
    again = gossip.backend.forgetting.forget(SAGE, shown, actor=gossip.actor)
    assert (again.already, sum(again.counts.values())) == (True, 0)
    assert gossip.known(SAGE) == ["I like tea"]


def place(gossip: Gossip, where: Direct, message_id: uuid.UUID) -> None:
    """Add to a message an earlier version of its memory, a vector, a photo and a reminder."""
    with gossip.backend.scopes.open(where, actor=gossip.actor, action="memory.edit") as scope:
        here = {"container_id": scope.container_id}
        query = sa.select(memories.c.id).where(memories.c.source_message_id == message_id)
        memory = here | {"memory_id": scope.conn.execute(query.where(memories.c.container_id == scope.container_id)).scalar_one()}
        talk = here | {"conversation_id": scope.container.conversation_id}
        picture = talk | {"sender": ANA, "attachment_guid": "a1", "caption": "her insulin", "summary": "a syringe", "correlation_id": "x"}
        photo = scope.conn.execute(sa.insert(photos).values(picture).returning(photos.c.id)).scalar_one()
        mine = (messages.c.container_id == scope.container_id, messages.c.id == message_id)
        scope.conn.execute(sa.update(messages).where(*mine).values(reply_to_photo=photo))
        scope.conn.execute(sa.insert(reminders).values(talk | {"text": "call Anna", "due_at": START, "source_message_id": message_id}))
        old = memory | {"version": 1, "text": "Sister has it", "type": "factual", "changed_by": "x"}
        scope.conn.execute(sa.insert(memory_history).values(old))
        scope.conn.execute(sa.insert(memory_vectors).values(memory | {"model": "m", "turn": 1, "scale": 1.0, "embedding": b"\1"}))


def test_a_preview_that_no_longer_fits_changes_nothing(gossip: Gossip) -> None:
    for text in ("Tom is moving", "Tom is sick"):
        gossip.say(text)
    shown = gossip.backend.forgetting.preview(SAGE, "forget what I said about Tom", actor=gossip.actor)
    gossip.backend.forgetting.forget(SAGE, shown.ids("memories")[:1], actor=gossip.actor)
    with pytest.raises(Conflict, match="look again"):
        gossip.backend.forgetting.forget(SAGE, shown, actor=gossip.actor)
    assert gossip.known(SAGE) == ["Tom is sick"]
    gossip.say("hi", persona="echo")
    with pytest.raises(NotFound):
        gossip.backend.forgetting.forget(ECHO, shown, actor=gossip.actor)


def test_a_memory_from_the_same_message_about_something_else_stays_and_is_named(gossip: Gossip) -> None:
    told = gossip.say("Anna is ill")
    other = gossip.note(SAGE, "Has a new job", source_message_id=told.message_id)
    shown = gossip.backend.forgetting.preview(SAGE, "forget what I said about Anna", actor=gossip.actor)
    assert [(item.id, item.why) for item in shown.stays] == [(other, "beside")]
    gossip.backend.forgetting.forget(SAGE, shown, hard=True, actor=gossip.actor)
    assert gossip.known(SAGE) == ["Has a new job"]
    assert gossip.heard(SAGE) == []


def test_what_was_remembered_as_she_goes_with_the_message_that_named_her(gossip: Gossip, backend: Backend) -> None:
    told = gossip.say("Anna told me. She is pregnant")
    with backend.scopes.open(SAGE, actor=gossip.actor, action="memory.edit") as scope:
        mine = (memories.c.container_id == scope.container_id, memories.c.source_message_id == told.message_id)
        scope.conn.execute(sa.update(memories).where(*mine).values(text="She is pregnant"))
    gossip.say("forget what I said about Anna")
    assert gossip.known(SAGE) == []


@pytest.mark.parametrize(
    ("words", "did"),
    [
        ("forget it", "asked"), ("forget everything", "asked"), ("forget what I said about Tom and Lisa", "asked"),
        ("forget what I said about dragons", "nothing"), ("Vergiss es", "asked"), ("forget what I said about the", "asked"),
    ],
)  # fmt: skip
def test_what_is_not_clear_asks_and_changes_nothing(gossip: Gossip, clean: EmbeddedServer, words: str, did: str) -> None:
    gossip.say("Tom is moving")
    gossip.say("Lisa is sick")
    assert gossip.say(words).forget.did == did
    assert gossip.known(SAGE) == ["Tom is moving", "Lisa is sick"]
    with psycopg.connect(clean.admin_dsn) as conn:
        assert conn.execute("SELECT count(*) FROM erasures").fetchone() == (0,)
        assert conn.execute("SELECT count(*) FROM messages WHERE forgotten_at IS NOT NULL").fetchone() == (0,)


def test_an_operator_asks_in_words_too_and_anything_else_is_refused(gossip: Gossip) -> None:
    gossip.say("Tom is moving")
    shown = gossip.backend.forgetting.preview(SAGE, "Vergiss alles", actor=gossip.actor)
    assert (shown.items, shown.question is None) == ((), False)
    assert gossip.backend.forgetting.forget(SAGE, "forget everything", actor=gossip.actor).question is not None
    for words in ("hello", "never mention Tom", "don't forget that I am here"):
        with pytest.raises(InvalidInput):
            gossip.backend.forgetting.preview(SAGE, words, actor=gossip.actor)
    with pytest.raises(ReasonNeeded):
        gossip.backend.forgetting.preview(SAGE, LAST, actor=dataclasses.replace(gossip.actor, reason=None))


def test_a_memory_of_another_conversation_is_not_found_whichever_way_it_is_named(gossip: Gossip) -> None:
    foreign = gossip.note(SAGE, "Tom is moving")
    gossip.say("hi", persona="echo")
    refusals = []
    for key in (foreign, uuid.uuid4()):
        with pytest.raises(NotFound) as refusal:
            gossip.backend.forgetting.forget(ECHO, [key], actor=gossip.actor)
        refusals.append(str(refusal.value))
    assert len(set(refusals)) == 1
    assert gossip.known(SAGE) == ["Tom is moving"]


def indexed(gossip: Gossip) -> tuple[int, int, int]:
    def read(scope: Scope) -> tuple[int, int, int]:
        rows = scope.conn.execute(sa.select(sa.func.count()).where(postings.c.container_id == scope.container_id)).scalar_one()
        columns = (container_stats.c.memories, container_stats.c.tokens)
        stats = scope.conn.execute(sa.select(*columns).where(container_stats.c.container_id == scope.container_id)).one()
        return rows, stats.memories, stats.tokens

    with gossip.backend.scopes.open(SAGE, actor=gossip.actor, action="memory.read") as scope:
        return read(scope)


def test_what_is_hidden_leaves_the_index_and_comes_back_into_it_when_restored(gossip: Gossip) -> None:
    gossip.say("I like tea")
    before_all = indexed(gossip)
    gossip.say("I stole a bicycle on Sunday")
    before = indexed(gossip)
    done = gossip.say("forget what I said about the bicycle").forget
    assert indexed(gossip) == before_all
    restored = gossip.backend.forgetting.restore(SAGE, done.erasure_id, actor=gossip.actor)
    assert (restored.state, restored.asked_by) == ("restored", "contact")
    assert indexed(gossip) == before
    assert gossip.known(SAGE) == ["I like tea", "I stole a bicycle on Sunday"]
    assert gossip.heard(SAGE)[-1] == "forget what I said about the bicycle"
    with pytest.raises(NotFound, match="can no longer be restored"):
        gossip.backend.forgetting.restore(SAGE, done.erasure_id, actor=gossip.actor)
    assert gossip.backend.forgetting.boundaries(SAGE, actor=gossip.actor) == ()


def test_requests_are_listed_without_what_was_forgotten(gossip: Gossip) -> None:
    gossip.say("I stole a bicycle")
    gossip.say("forget that")
    (listed,) = gossip.backend.forgetting.erasures(SAGE, actor=gossip.actor)
    assert (listed.state, listed.asked_by, listed.hard, listed.counts["memories"]) == ("hidden", "contact", False, 1)
    assert listed.purge_after is not None
    assert listed.purge_after - listed.asked_at == pytest.approx(dt.timedelta(days=30), abs=dt.timedelta(minutes=1))
    assert "bicycle" not in repr(listed)


def test_of_two_who_forget_the_same_at_once_one_does_and_the_other_finds_it_done(gossip: Gossip) -> None:
    gossip.say("I stole a bicycle")
    shown = gossip.backend.forgetting.preview(SAGE, LAST, actor=gossip.actor)

    def forget() -> str:
        try:
            done = gossip.backend.forgetting.forget(SAGE, shown, hard=True, actor=gossip.actor)
        except LecternError as error:
            return error.code
        return "done" if done.receipt else "already"

    with ThreadPoolExecutor(4) as pool:
        found = sorted(pool.map(lambda _: forget(), range(4)))
    assert found.count("done") == 1
    assert len(gossip.backend.forgetting.receipts(actor=gossip.actor)) == 1


def test_a_lifted_boundary_about_the_topic_goes_and_one_that_counts_stays_and_is_named(gossip: Gossip) -> None:
    gossip.say("Tom is moving")
    forgetting, actor = gossip.backend.forgetting, gossip.actor
    lifted = forgetting.add_boundary(SAGE, "hide", "Tom and money", actor=actor)
    forgetting.lift_boundary(SAGE, lifted.id, actor=actor)
    kept = forgetting.add_boundary(SAGE, "never", "Tom", actor=actor)
    shown = forgetting.preview(SAGE, "forget what I said about Tom", actor=actor)
    assert [(item.id, item.why) for item in shown.stays] == [(kept.id, "rule")]
    assert shown.ids("boundaries") == (lifted.id,)
    done = forgetting.forget(SAGE, shown, hard=True, actor=actor)
    assert (dict(done.counts), done.counts["boundaries"]) == (dict(shown.counts), 1)
    assert done.receipt is not None
    assert forgetting.verify_receipt(done.receipt.document).facts["counts"] == dict(done.counts)
    assert forgetting.boundaries(SAGE, actor=actor, lifted=True) == (kept,)
