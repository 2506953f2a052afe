"""Put sample conversations together: who talks with whom, how much, when, and in which words; the same every time."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from backend_core.seed.stories import PERSONAS, STORIES, Story
from backend_core.seed.talk import ENGLISH, GERMAN, Talk, Thread
from backend_core.seed.talk_further import GREEK, JAPANESE, RUSSIAN, TURKISH
from backend_core.seed.talk_romance import FRENCH, ITALIAN, PORTUGUESE, SPANISH

TALKS: Final = (ENGLISH, GERMAN, FRENCH, SPANISH, ITALIAN, PORTUGUESE, GREEK, RUSSIAN, TURKISH, JAPANESE)
WEIGHTS: Final = (30, 20, 9, 9, 6, 5, 5, 6, 5, 5)
DAYS: Final = 540
FEWEST: Final = 6
GROUPS_EVERY: Final = 5
MEMBERS: Final = 3
HEAD: Final = 3
STORY_PHONE: Final = "+447700900"
PERSON: Final = "p"


@dataclass(frozen=True, slots=True)
class SamplePerson:
    """A contact who does not exist."""

    name: str
    phone: str
    email: str | None
    language: str


@dataclass(frozen=True, slots=True)
class SampleTalk:
    """A conversation that was never held.

    Attributes:
        people: places in the list of people; one of a direct conversation.
        guid: of a group.
        wanted: about how many messages; of a story, just its own.
    """

    people: tuple[int, ...]
    persona: str
    talk: Talk
    guid: str | None
    title: str | None
    wanted: int
    story: Story | None = None


@dataclass(frozen=True, slots=True)
class SampleMessage:
    """One message; ``by`` is a place in ``SampleTalk.people``, None for the persona."""

    by: int | None
    text: str
    at: dt.datetime


def story_names() -> tuple[str, ...]:
    """Return the names of the people of the stories, each once."""
    return tuple(dict.fromkeys(name for story in STORIES for name in story.people))


def people(count: int, rng: random.Random) -> list[SamplePerson]:
    """Return the people of the stories and ``count`` more."""
    made = [
        SamplePerson(name, f"{STORY_PHONE}{place:03d}", f"{name.split()[0].lower()}@example.org", "en")
        for place, name in enumerate(story_names(), start=1)
    ]
    for number in range(count):
        talk = rng.choices(TALKS, WEIGHTS)[0]
        first, last = (rng.choice(names) for names in talk.names)
        email = f"person{number}@example.org" if rng.random() < 2 / 3 else None
        made.append(SamplePerson(f"{first} {last}", f"{talk.prefix}{number:06d}", email, talk.code))
    return made


def talks(crowd: Sequence[SamplePerson], *, count: int, messages: int, rng: random.Random) -> list[SampleTalk]:
    """Return the stories and ``count`` conversations that hold about ``messages`` messages together; a few of them hold most."""
    places = {one.name: place for place, one in reversed(list(enumerate(crowd)))}
    made = [_of_story(number, story, places) for number, story in enumerate(STORIES)]
    told = len(story_names())
    by_code = {talk.code: talk for talk in TALKS}
    weights = [1 / (place + HEAD) for place in range(count)]
    alike = _speakers(crowd, told)
    share = max(0, messages - sum(one.wanted for one in made)) / sum(weights)
    rng.shuffle(weights)
    pairs: set[tuple[int, str]] = set()
    for number, weight in enumerate(weights):
        person = rng.randrange(told, len(crowd))
        talk = by_code[crowd[person].language]
        wanted = max(FEWEST, round(weight * share))
        persona = rng.choice(tuple(PERSONAS))
        if number % GROUPS_EVERY and (person, persona) not in pairs:
            pairs.add((person, persona))
            made.append(SampleTalk((person,), persona, talk, None, None, wanted))
            continue
        others = rng.sample(alike.get(talk.code) or range(told, len(crowd)), MEMBERS - 1)
        title = rng.choice(talk.titles)
        made.append(SampleTalk((person, *others), persona, talk, f"sample;+;chat{number:06d}", title, wanted))
    return made


def _speakers(crowd: Sequence[SamplePerson], first: int) -> dict[str, list[int]]:
    """Return the places of people by language, of languages that enough speak for a group."""
    found: dict[str, list[int]] = {}
    for place in range(first, len(crowd)):
        found.setdefault(crowd[place].language, []).append(place)
    return {code: places for code, places in found.items() if len(places) >= MEMBERS}


def _of_story(number: int, story: Story, places: dict[str, int]) -> SampleTalk:
    guid = None if story.title is None else f"sample;+;story{number}"
    who = tuple(places[name] for name in story.people)
    return SampleTalk(who, story.persona, ENGLISH, guid, story.title, len(story.thread), story)


def messages(one: SampleTalk, *, until: dt.datetime, rng: random.Random) -> Iterator[SampleMessage]:
    """Yield the messages of a conversation in the order of time, the last one before ``until``."""
    threads = [one.story.thread] if one.story is not None else _threads(one, rng)
    starts = sorted(rng.random() for _ in threads)
    span = dt.timedelta(days=DAYS)
    at = until - span
    for start, thread in zip(starts, threads, strict=True):
        at = max(at, until - span + span * start)
        gaps = _gaps(one.talk, rng)
        persona = PERSONAS[one.persona][0].lower()
        for who, text in thread:
            if at >= until:
                return
            by = None if who == PERSON else "abc".find(who) % len(one.people)
            yield SampleMessage(0 if who == "u" else by, text.replace("@persona", f"@{persona}").format_map(gaps), at)
            at += dt.timedelta(seconds=20 + rng.expovariate(1 / 90))
        at += dt.timedelta(minutes=10)


def _threads(one: SampleTalk, rng: random.Random) -> list[Thread]:
    pool = one.talk.direct if one.guid is None else one.talk.group
    found: list[Thread] = []
    held = 0
    while held < one.wanted:
        thread = rng.choice(pool)
        found.append(thread)
        held += len(thread)
    return found


def _gaps(talk: Talk, rng: random.Random) -> dict[str, str]:
    filled = {name: rng.choice(words) for name, words in talk.gaps.items()}
    return filled | {"n": str(rng.randint(2, 28)), "time": f"{rng.randint(7, 21)}:{rng.choice(('00', '15', '30', '45'))}"}
