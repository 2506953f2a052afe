"""Boundaries: what is not brought up, in the one conversation where the contact said so."""

from __future__ import annotations

import pytest

from backend_core.backend import Backend
from backend_core.errors import InvalidInput, NotFound
from backend_core.memory.boundaries import Rules, boundaries_in, topic_key
from backend_core.memory.forget_records import Boundary
from backend_core.memory.tables import memories
from backend_core.scopes.records import Direct, Group
from tests.backend_core.memory.gossip import ANA, BEN, Gossip

SAGE, ECHO, PARTY = Direct(ANA, "sage"), Direct(ANA, "echo"), Group("party")


@pytest.fixture
def gossip(backend: Backend) -> Gossip:
    """People and personas, nothing said."""
    return Gossip.of(backend)


def covered(gossip: Gossip, where: Direct | Group, asked: str | None) -> list[str]:
    """Return what a boundary keeps from a reply to a message, or marks in a list."""
    with gossip.backend.scopes.open(where, actor=gossip.actor, action="memory.read") as scope:
        rules = Rules(boundaries_in(scope), asked=asked)
        rows = scope.conn.execute(memories.select().where(memories.c.container_id == scope.container_id).order_by(memories.c.turn))
        return [row.text for row in rows if rules.covering(row.id, row.text, row.said_at)]


def test_never_holds_even_when_asked_and_hide_until_the_contact_speaks_of_it(gossip: Gossip) -> None:
    for text in ("My ex lives in Rome", "My boss is loud", "I like tea"):
        gossip.say(text)
    assert gossip.say("Never mention my ex").forget.did == "quiet"
    assert gossip.say("don't bring up my boss again").forget.did == "quiet"
    assert covered(gossip, SAGE, "what do you know?") == ["My ex lives in Rome", "My boss is loud"]
    assert covered(gossip, SAGE, "my bosses are loud, and my ex?") == ["My ex lives in Rome"]
    assert covered(gossip, SAGE, None) == ["My ex lives in Rome", "My boss is loud"]


def test_a_boundary_holds_in_its_own_conversation_only(gossip: Gossip) -> None:
    for place in ({}, {"persona": "echo"}, {"guid": "party"}):
        gossip.say("My ex lives in Rome", **place)
    gossip.say("Erwähne nie meine Ex", guid="party")
    assert [covered(gossip, where, "hm") for where in (SAGE, ECHO, PARTY)] == [[], [], ["My ex lives in Rome"]]


@pytest.mark.parametrize("words", ["Please don't bring this up again", "Sprich das bitte nicht mehr an"])
def test_that_is_the_last_turn(gossip: Gossip, words: str) -> None:
    gossip.say("I like tea")
    gossip.say("My dog died")
    assert gossip.say(words).forget.did == "quiet"
    assert covered(gossip, SAGE, "hm") == ["My dog died"]


def test_that_is_what_the_persona_just_brought_up(gossip: Gossip) -> None:
    gossip.say("My divorce from Carl was ugly")
    gossip.say("I like tea")
    gossip.answer("How is your divorce from Carl going?")
    assert gossip.say("Don't bring that up again").forget.did == "quiet"
    assert covered(gossip, SAGE, "hm") == ["My divorce from Carl was ugly"]


def test_where_that_is_not_clear_it_asks_and_sets_nothing(gossip: Gossip) -> None:
    gossip.say("I like tea")
    gossip.answer("Good morning! How did you sleep?")
    assert gossip.say("Don't bring that up again").forget.did == "asked"
    gossip.say("Hello", sender=BEN, guid="party")
    assert gossip.say("never mention that", guid="party").forget.did == "asked"
    for where in (SAGE, PARTY):
        assert gossip.backend.forgetting.boundaries(where, actor=gossip.actor) == ()


def test_they_are_listed_set_once_and_lifted(gossip: Gossip) -> None:
    gossip.say("hi")
    forgetting = gossip.backend.forgetting
    made = forgetting.add_boundary(SAGE, "never", "the car accident", actor=gossip.actor)
    assert forgetting.add_boundary(SAGE, "never", "car accidents!", actor=gossip.actor) == made
    assert forgetting.boundaries(SAGE, actor=gossip.actor) == (made,)
    assert (made.kind, made.topic, made.active, made.set_by) == ("never", "the car accident", True, gossip.actor.name)
    gossip.say("hi", persona="echo")
    with pytest.raises(NotFound):
        forgetting.lift_boundary(ECHO, made.id, actor=gossip.actor)
    lifted = forgetting.lift_boundary(SAGE, made.id, actor=gossip.actor)
    assert (lifted.active, forgetting.boundaries(SAGE, actor=gossip.actor)) == (False, ())
    assert forgetting.boundaries(SAGE, actor=gossip.actor, lifted=True) == (lifted,)
    with pytest.raises(NotFound):
        forgetting.lift_boundary(SAGE, made.id, actor=gossip.actor)


@pytest.mark.parametrize(("kind", "topic"), [("forget", "Tom"), ("sometimes", "Tom"), ("never", "the"), ("hide", " ")])
def test_what_is_no_boundary_is_refused(gossip: Gossip, kind: str, topic: str) -> None:
    gossip.say("hi")
    with pytest.raises(InvalidInput):
        gossip.backend.forgetting.add_boundary(SAGE, kind, topic, actor=gossip.actor)


def test_while_a_topic_is_being_forgotten_what_was_said_before_stays_away_and_what_is_said_after_does_not(gossip: Gossip) -> None:
    gossip.say("Tom is moving")
    gossip.say("forget what I said about Tom")
    (rule,) = gossip.backend.forgetting.boundaries(SAGE, actor=gossip.actor)
    assert (rule.kind, rule.set_by) == ("forget", "contact")
    gossip.note(SAGE, "Tom is moving, says an import", said_at=rule.created_at.replace(year=2020))
    gossip.note(SAGE, "Tom is back")
    known = [text for text in covered(gossip, SAGE, "Tom?") if text in gossip.known(SAGE)]
    assert known == ["Tom is moving, says an import"]


def test_a_topic_is_compared_as_search_compares_words() -> None:
    assert topic_key("the surprise party") == topic_key("Party, surprises!") != ""
    assert topic_key("die Häuser") == topic_key("Haus")
    assert topic_key("of the") == ""


def test_a_boundary_says_which_memory_it_is_about(gossip: Gossip) -> None:
    told = gossip.say("My dog died")
    gossip.say("don't mention that again")
    (rule,) = gossip.backend.forgetting.boundaries(SAGE, actor=gossip.actor)
    assert isinstance(rule, Boundary)
    assert (rule.memory_id, rule.topic) == (told.memory_ids[0], "My dog died")
