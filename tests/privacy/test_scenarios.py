"""The stories of the two seed documents: what was said in one conversation, and what every other is told of it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from backend_core.errors import LecternError
from backend_core.scopes.records import Direct, Group
from tests.privacy.town import Town, unpacked

PROJECT = "The secret project is called Nightjar and it starts in March"
ILLNESS = "I was diagnosed with Crohn's disease and I am scared, please keep it to yourself"
PARTY = "We are planning a surprise party for Alice on Friday at the boathouse"
ROOMMATE = "My roommate Dana never washes up and I want to move out in spring"


@dataclass
class Cast:
    """Who appears in the stories."""

    town: Town
    alice: uuid.UUID
    ben: uuid.UUID
    dana: uuid.UUID

    def leaks(self, where: Direct | Group, *secrets: str) -> list[str]:
        """Return the words of the secrets that any way of looking into a container shows."""
        questions = [*secrets, *(word for secret in secrets for word in secret.split() if len(word) > 5), "What do you know?"]
        # the question itself may come back; a word counts only where it was not asked for
        return [word for word in marked(*secrets) if word in self.town.knows(where, *(q for q in questions if word not in q))]


def marked(*secrets: str) -> list[str]:
    """Return the words that stand in a secret and nowhere else in these stories."""
    return [word for secret in secrets for word in ("Nightjar", "Crohn's", "boathouse", "washes") if word in secret]


@pytest.fixture
def cast(town: Town) -> Cast:
    """Alice, Ben and Dana, who know each other."""
    return Cast(town, *(town.person(name) for name in ("Alice", "Ben", "Dana")))


@pytest.mark.trace("B30", "B31")
def test_group_not_visible_in_direct(cast: Cast, tmp_path: Path) -> None:
    town = cast.town
    group, direct = town.group("team", cast.ben, cast.alice), town.direct(cast.ben)
    said = town.say(group, cast.ben, PROJECT)
    town.say(direct, cast.ben, "What were we going to start in March?")
    assert cast.leaks(direct, PROJECT) == []
    assert cast.leaks(group, PROJECT) == ["Nightjar"]
    path = tmp_path / "direct.zip"
    with town.open(direct, "memory.export") as memory:
        memory.export(path)
        for identity in said.memory_ids:
            with pytest.raises(LecternError):
                memory.get(identity)
    assert b"Nightjar" not in unpacked(path)
    assert said.memory_ids


@pytest.mark.trace("B30", "B32")
def test_direct_not_visible_in_group(cast: Cast) -> None:
    town = cast.town
    group, direct = town.group("team", cast.ben, cast.alice), town.direct(cast.ben)
    town.say(direct, cast.ben, ILLNESS)
    town.say(group, cast.alice, "Sage, is Ben all right? Was he diagnosed with a disease?")
    assert cast.leaks(group, ILLNESS) == []
    assert cast.leaks(direct, ILLNESS) == ["Crohn's"]


@pytest.mark.trace("B30", "B33")
def test_group_a_vs_group_b_shared_member(cast: Cast) -> None:
    town = cast.town
    planning, together = town.group("a", cast.ben, cast.dana), town.group("b", cast.ben, cast.dana, cast.alice)
    town.say(planning, cast.dana, PARTY)
    town.say(together, cast.alice, "What are we doing on Friday? Is there a party for Alice?")
    assert cast.leaks(together, PARTY) == []
    assert cast.leaks(planning, PARTY) == ["boathouse"]


@pytest.mark.trace("B30", "B38")
def test_roommate_complaint_stays_direct(cast: Cast) -> None:
    town = cast.town
    direct, dana, flat = town.direct(cast.ben), town.direct(cast.dana), town.group("flat", cast.ben, cast.dana)
    town.say(direct, cast.ben, ROOMMATE)
    town.say(flat, cast.dana, "Sage, how do Ben and I get on? Does he want to move out in spring?")
    town.say(dana, cast.dana, "Did Ben say something about washing up?")
    for place in (flat, dana):
        assert cast.leaks(place, ROOMMATE) == []
    assert cast.leaks(direct, ROOMMATE) == ["washes"]


@pytest.mark.trace("B30", "B39")
def test_the_surprise_party_stays_with_those_who_plan_it_when_alice_asks_alone_later(cast: Cast) -> None:
    town = cast.town
    planning, alice, ben = town.group("planning", cast.ben, cast.dana), town.direct(cast.alice), town.direct(cast.ben)
    everybody = town.group("everybody", cast.alice, cast.ben, cast.dana)
    town.say(planning, cast.ben, PARTY)
    town.say(everybody, cast.alice, "Anything planned for Friday?")
    for message in ("What is happening on Friday at the boat?", "Is there a surprise party for me?", "What did Ben and Dana plan?"):
        town.say(alice, cast.alice, message)
        assert cast.leaks(alice, PARTY) == []
    # one of those who plan it is not told in private either what was said among several
    for place in (everybody, ben):
        assert cast.leaks(place, PARTY) == []
    # Alice joins the planning group afterwards: what she learns she learns in that group
    town.backend.conversations.join(town.container(planning).conversation_id, cast.alice, actor=town.actor)
    assert cast.leaks(alice, PARTY) == []
    assert cast.leaks(planning, PARTY) == ["boathouse"]


@pytest.mark.trace("B30")
def test_same_user_two_personas(cast: Cast) -> None:
    town = cast.town
    sage, echo = town.direct(cast.ben, "sage"), town.direct(cast.ben, "echo")
    town.say(sage, cast.ben, ILLNESS)
    assert cast.leaks(echo, ILLNESS) == []
    assert cast.leaks(sage, ILLNESS) == ["Crohn's"]


@pytest.mark.trace("B30", "B40")
def test_alternating_between_the_modes_twenty_times_mixes_nothing(cast: Cast) -> None:
    town = cast.town
    group, direct = town.group("team", cast.ben, cast.alice), town.direct(cast.ben)
    for turn in range(20):
        town.say(group, cast.ben, f"In the group: lantern number {turn} is green")
        town.say(direct, cast.ben, f"Between us: candle number {turn} is red")
        for place, own, foreign in ((group, "lantern", "candle"), (direct, "candle", "lantern")):
            answer = town.reply(place, f"Which number {turn} is red or green?")
            assert own in answer
            assert foreign not in answer
    assert sum("lantern" in text for text in town.texts(group)) == 20
    assert sum("candle" in text for text in town.texts(direct)) == 20
    for place, foreign in ((group, "candle"), (direct, "lantern")):
        assert foreign not in town.knows(place, "number 7", "red green")


@pytest.mark.trace("B30")
def test_member_leaves_group_loses_access(cast: Cast) -> None:
    town = cast.town
    group, dana = town.group("team", cast.ben, cast.dana), town.direct(cast.dana)
    town.say(group, cast.ben, PROJECT)
    conversation = town.container(group).conversation_id
    members = town.backend.conversations.leave(conversation, cast.dana, actor=town.actor)
    assert [member.left_at is None for member in members if member.user_id == cast.dana] == [False]
    town.say(group, cast.ben, PARTY)
    town.say(dana, cast.dana, "What is the secret project called? Where is the party for Alice?")
    assert cast.leaks(dana, PROJECT, PARTY) == []
    # what was said stays with the group
    assert cast.leaks(group, PROJECT, PARTY) == ["Nightjar", "boathouse"]


def told(cast: Cast, where: Direct | Group) -> Callable[[str], str]:
    return lambda question: cast.town.reply(where, question)


def test_a_reply_is_given_what_belongs_to_its_own_conversation(cast: Cast) -> None:
    direct = cast.town.direct(cast.ben)
    cast.town.say(direct, cast.ben, ILLNESS)
    assert "Crohn's" in told(cast, direct)("How do I feel about my illness? I was diagnosed with a disease")
