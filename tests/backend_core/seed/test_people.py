"""Sample people: lifelike, the same every time, each conversation in its own container, and the stories stay where they are told."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter
from dataclasses import replace

import pytest
import sqlalchemy as sa

from backend_core.backend import Backend
from backend_core.policy import Actor
from backend_core.scopes.records import phone_number
from backend_core.seed.chatter import TALKS, SampleMessage, messages, people, talks
from backend_core.seed.people import seed_people
from backend_core.seed.stories import PERSONAS

UNTIL = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)


def quiet(*_facts: object, **_words: object) -> None: ...


def sample(seed: int = 1, count: int = 60, total: int = 5000) -> list[list[SampleMessage]]:
    rng = random.Random(seed)
    crowd = people(count, rng)
    return [list(messages(one, until=UNTIL, rng=rng)) for one in talks(crowd, count=80, messages=total, rng=rng)]


def test_the_same_seed_gives_the_same_talk_and_another_another() -> None:
    assert sample(1) == sample(1)
    assert sample(1) != sample(2)


def test_there_are_about_as_many_messages_as_wanted_in_order_and_in_the_past() -> None:
    found = sample(total=5000)
    assert 4700 < sum(map(len, found)) < 5600
    for one in found:
        times = [message.at for message in one]
        assert times == sorted(times)
        assert times[-1] < UNTIL


def test_some_conversations_are_much_longer_than_others_and_personas_answer_in_all() -> None:
    found = sample(total=5000)
    lengths = sorted(map(len, found))
    assert lengths[-1] > 10 * lengths[len(lengths) // 2]
    assert all(any(message.by is None for message in one) for one in found if len(one) > 30)


def test_every_gap_is_filled_in_every_language() -> None:
    assert not any("{" in message.text or "@persona" in message.text for one in sample() for message in one)
    assert len({talk.code for talk in TALKS}) == len(TALKS) == 10


def test_numbers_are_valid_and_nobody_shares_one() -> None:
    crowd = people(3000, random.Random(3))
    numbers = Counter(one.phone for one in crowd)
    assert max(numbers.values()) == 1
    assert all(phone_number(one.phone) == one.phone for one in crowd)


@pytest.mark.trace("B39")
def test_a_seeded_database_can_be_read_and_each_story_stays_where_it_was_told(backend: Backend, actor: Actor) -> None:
    made = seed_people(backend, size="small", actor=actor, until=UNTIL, progress=quiet)
    assert 1900 < made.messages < 2400
    reader = replace(actor, reason="a test")
    rows = backend.conversations.listing(actor=actor, limit=500)
    assert len(rows) == made.conversations
    assert sum(row.messages for row in rows) == made.messages
    assert {one.id for one in backend.people.personas(actor=actor)} == set(PERSONAS)
    holding = {
        row.title
        for row in rows
        if any("boathouse" in one.text for one in backend.conversations.messages(row.id, actor=reader, limit=500).rows)
    }
    assert holding == {"Alice turns 30 (shh)"}
    alice = backend.people.contacts("Alice Reid", actor=actor)[0]
    assert {one.title for one in backend.people.contact(alice.id, actor=actor).containers} == {"Sage", "Flat 12 house chat"}


def test_seeding_twice_adds_messages_to_the_same_people(backend: Backend, actor: Actor) -> None:
    first = seed_people(backend, size="small", actor=actor, until=UNTIL, progress=quiet)
    second = seed_people(backend, size="small", actor=actor, until=UNTIL, progress=quiet)
    assert first == second
    assert len(backend.people.contacts(actor=actor, limit=500)) == first.contacts
    with backend.scopes.directory("Count") as conn:
        assert conn.execute(sa.text("SELECT count(*) FROM messages")).scalar_one() == 2 * first.messages
