"""Search: what fits best comes first and says why, by words in any form, by days, by what was said next to it, and by meaning."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend_core.backend import Backend
from backend_core.conversations.records import IncomingMessage
from backend_core.errors import InvalidInput, Unavailable
from backend_core.memory import vectors
from backend_core.memory.cues import asks_how_many, asks_when, in_first_person, only_asks, tells_number, tells_time
from backend_core.memory.indexing import unindex
from backend_core.memory.ranking import Found, by_words
from backend_core.memory.records import Hit, NewMemory
from backend_core.memory.scoped import ScopedMemory
from backend_core.memory.service import MemoryService
from backend_core.memory.weights import STANDARD
from backend_core.policy import Actor
from backend_core.scopes.records import Group

CLUB, PARTY = Group("club"), Group("party")
MAY: Final = dt.datetime(2026, 5, 8, 12, tzinfo=dt.UTC)
TALK: Final = (
    ("Ana", "Hello Ben! How was your summer?"),
    ("Ben", "Good, thanks. I went hiking in the Alps with my sister."),
    ("Ana", "Which mountain did you climb?"),
    ("Ben", "The Zugspitze! It took us two days."),
    ("Ana", "I bought a violin last week."),
    ("Ben", "What colour is it?"),
    ("Ana", "Dark red."),
    ("Ben", "My children want a dog."),
)


class Letters:
    """A model for tests: a vector is made of the letters of a text, so that texts of like letters are alike."""

    local = True
    name = "letters"

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Count letters."""
        return np.array([[text.lower().count(letter) for letter in "abcdefghijklmnopqrstuvwxyz"] for text in texts], dtype=np.float32)


@pytest.fixture
def who(actor: Actor) -> Actor:
    """The operator, with a reason."""
    return replace(actor, reason="a test")


def talk(
    backend: Backend, who: Actor, lines: Sequence[tuple[str | None, str]] = TALK, *, where: Group = CLUB, at: dt.datetime = MAY
) -> None:
    """Let a container remember what was said, a minute between two turns."""
    given = [NewMemory(text=text, speaker=speaker, said_at=at + n * dt.timedelta(minutes=1)) for n, (speaker, text) in enumerate(lines)]
    with backend.memory.scope(where, actor=who, action="memory.add", create=True) as memory:
        memory.add_many(given)


def find(backend: Backend, who: Actor, query: str, *, where: Group = CLUB, **how: object) -> tuple[Hit, ...]:
    with backend.memory.scope(where, actor=who) as memory:
        return memory.search(query, **how)  # type: ignore[arg-type]  # as the test wants it


@pytest.mark.parametrize(
    ("query", "best"),
    [
        ("Who hiked?", "hiking in the Alps"),
        ("When did Ana buy the violin?", "violin last week"),
        ("Does Ben's kid like dogs?", "children want a dog"),
        ("How many days did the climb take?", "two days"),
    ],
)
def test_the_turn_that_answers_comes_first(backend: Backend, who: Actor, query: str, best: str) -> None:
    talk(backend, who)
    assert best in find(backend, who, query)[0].memory.text


def test_an_answer_without_a_word_of_the_question_is_found_by_what_was_said_before_it(backend: Backend, who: Actor) -> None:
    talk(backend, who)
    found = find(backend, who, "What colour is the violin?", limit=4)
    answer = next(hit for hit in found if hit.memory.text == "Dark red.")
    assert {part.term for part in answer.parts if part.why == "neighbour"} == {"colour", "violin"}
    assert not [part for part in answer.parts if part.why == "word"]


def test_what_is_noted_lends_nothing_to_what_stands_beside_it(backend: Backend, who: Actor) -> None:
    talk(backend, who, [(None, "Ana plays the violin"), (None, "Ben has a dog"), (None, "Eva is tall")])
    assert [hit.memory.text for hit in find(backend, who, "violin")] == ["Ana plays the violin"]


def test_the_parts_of_a_hit_add_up_to_its_score_and_ranks_count_from_one(backend: Backend, who: Actor) -> None:
    talk(backend, who)
    found = find(backend, who, "When did Ben climb the mountain with his sister on 8 May 2026?")
    assert [hit.rank for hit in found] == list(range(1, len(found) + 1))
    assert [hit.score for hit in found] == sorted((hit.score for hit in found), reverse=True)
    for hit in found:
        assert sum(part.score for part in hit.parts) == pytest.approx(hit.score)
        assert hit.mode == "lexical"
    assert "date" in {part.why for part in found[0].parts}


def test_a_day_that_the_question_names_finds_what_was_said_on_it(backend: Backend, who: Actor) -> None:
    talk(backend, who, [("Ana", "We had pizza")], at=MAY - dt.timedelta(days=40))
    talk(backend, who, [("Ana", "We had soup")], at=MAY)
    for query in ("What did we have on 8 May 2026?", "Was gab es am 8. Mai 2026?", "what was there on 2026-05-08"):
        assert find(backend, who, query)[0].memory.text == "We had soup"


def test_german_is_found_in_its_forms(backend: Backend, who: Actor) -> None:
    talk(backend, who, [("Ana", "Wir haben gestern zwei Häuser gekauft."), ("Ben", "Ich gehe morgen schwimmen."), ("Ana", "Schön!")])
    assert "Häuser" in find(backend, who, "Wer kauft ein Haus?")[0].memory.text
    assert "schwimmen" in find(backend, who, "Wer ist schwimmen gegangen?")[0].memory.text


def test_types_and_the_limit_are_kept_even_where_others_fit_better(backend: Backend, who: Actor) -> None:
    with backend.memory.scope(CLUB, actor=who, action="memory.add", create=True) as memory:
        memory.add_many(
            [NewMemory(text=f"The trip to Rome is nice {n}", speaker="Ana", said_at=MAY + n * dt.timedelta(minutes=1)) for n in range(120)]
        )
        memory.add("Rome", type="trip", speaker="Ana", said_at=MAY - dt.timedelta(days=1))
    assert [hit.memory.type for hit in find(backend, who, "trip to Rome", types=("trip",))] == ["trip"]
    assert len(find(backend, who, "trip to Rome", limit=7)) == 7


def test_what_left_the_index_counts_in_no_statistics_either(backend: Backend, who: Actor) -> None:
    talk(backend, who)
    talk(backend, who, where=PARTY)
    talk(backend, who, [("Eva", "hiking hiking hiking"), ("Eva", "A mountain of work")], where=PARTY, at=MAY + dt.timedelta(days=1))
    with backend.scopes.open(PARTY, actor=who, action="memory.edit") as scope:
        gone = [row.id for row in scope.conn.execute(sa.text("SELECT id FROM memories WHERE speaker = 'Eva'"))]
        unindex(scope.conn, scope.container_id, gone)
        scope.conn.execute(sa.text("UPDATE memories SET forgotten_at = now() WHERE speaker = 'Eva'"))
    one, other = (find(backend, who, "hiking on a mountain", where=where) for where in (CLUB, PARTY))
    assert [(hit.memory.text, hit.score) for hit in one] == [(hit.memory.text, hit.score) for hit in other]


def test_scores_tell_nothing_of_other_containers(backend: Backend, who: Actor) -> None:
    talk(backend, who)
    before = find(backend, who, "hiking mountain dog")
    talk(backend, who, [("Eva", "hiking dog mountain")] * 3, where=PARTY)
    assert find(backend, who, "hiking mountain dog") == before


@pytest.mark.parametrize("query", ["", "the of and", "xyzzy", "%", "' OR 1=1 --", "🙂", "\u0600"])
def test_a_question_that_fits_nothing_finds_nothing(backend: Backend, who: Actor, query: str) -> None:
    talk(backend, who)
    assert find(backend, who, query) == ()


def test_a_question_is_limited_and_holds_no_zero(backend: Backend, who: Actor) -> None:
    talk(backend, who)
    assert find(backend, who, "dog " * 4000)
    for query in ("x" * 20_001, "a\0"):
        with pytest.raises(InvalidInput):
            find(backend, who, query)


def test_without_a_model_meaning_falls_back_to_words_and_says_so(backend: Backend, who: Actor) -> None:
    talk(backend, who)
    found = find(backend, who, "dogs", mode="hybrid")
    assert {hit.mode for hit in found} == {"lexical"}
    assert backend.memory.meaning().model is None
    with pytest.raises(Unavailable, match="by words"):
        find(backend, who, "dogs", mode="vector")


def with_model(backend: Backend) -> MemoryService:
    return MemoryService(backend.audit, scopes=backend.scopes, embedder=Letters)


def test_with_a_model_a_text_is_found_without_a_common_word_and_in_its_container_only(backend: Backend, who: Actor) -> None:
    memory = with_model(backend)
    for where, text in ((CLUB, "zzz zzz"), (CLUB, "abc abc"), (PARTY, "zzzz")):
        with memory.scope(where, actor=who, action="memory.add", create=True) as opened:
            opened.add(text)
    with memory.scope(CLUB, actor=who) as opened:
        for mode in ("hybrid", "vector"):
            found = opened.search("zzzzz", mode=mode)
            assert [hit.memory.text for hit in found] == ["zzz zzz"]
            assert (found[0].mode, found[0].parts[0].why) == (mode, "meaning")
        assert opened.search("zzzzz", mode="lexical") == ()
        assert opened.neighbours(opened.search("zzzzz")[0].memory.id) == ()


def test_vectors_are_made_later_for_what_has_none_and_anew_after_a_change(backend: Backend, who: Actor) -> None:
    talk(backend, who, [("Ana", f"turn {n}") for n in range(300)])
    memory = with_model(backend)
    assert memory.embed(CLUB, actor=who).made == 300
    assert memory.embed(CLUB, actor=who).made == 0
    with memory.scope(CLUB, actor=who, action="memory.edit") as opened:
        first = opened.list(limit=1)[0]
        opened.update(first.id, text="zzz", version=1)
        assert opened.search("zzzz", mode="vector")[0].memory.id == first.id
    assert memory.embed(CLUB, actor=who).made == 0


def test_what_arrives_in_a_message_gets_its_vector_at_once(backend: Backend, who: Actor) -> None:
    memory = with_model(backend)
    backend.conversations.hooks = replace(backend.conversations.hooks, remember=memory.remember)
    message = IncomingMessage(text="zzz", sender="+4915112345678", chat_guid="club", is_group=True)
    received = backend.conversations.receive(message, actor=who)
    with memory.scope(CLUB, actor=who) as opened:
        found = opened.search("zzzz", mode="vector")
    assert tuple(hit.memory.id for hit in found) == received.memory_ids
    assert found[0].memory.source_message_id == received.message_id


class Broken(Letters):
    """A model that fails."""

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Fail."""
        raise Unavailable("It is away.")


@pytest.mark.logs("memory is searched by words only")
def test_a_model_that_fails_leaves_the_search_by_words(backend: Backend, who: Actor) -> None:
    talk(backend, who)
    with backend.memory.scope(CLUB, actor=who) as memory:
        found = replace(memory, embedder=Broken()).search("dogs", mode="hybrid")
    assert {hit.mode for hit in found} == {"lexical"}


@given(st.lists(st.floats(-1, 1, width=32), min_size=4, max_size=64).filter(lambda values: max(map(abs, values)) > 0.01))
def test_a_vector_of_one_byte_per_dimension_is_almost_the_vector(values: list[float]) -> None:
    vector = np.array(values, dtype=np.float32)
    kept = vectors.quantised(vector, model="x")
    back = kept.values * kept.scale
    assert float(back @ vector / (np.linalg.norm(back) * np.linalg.norm(vector))) > 0.999
    packed = vectors.likeness(kept, np.array([kept.scale], dtype=">f4").tobytes(), kept.values.tobytes())
    assert packed[0] == pytest.approx(1, abs=0.02)


@given(st.lists(st.tuples(st.integers(1, 40), st.floats(0.125, 2, width=32)), min_size=1, max_size=15, unique_by=lambda one: one[0]))
def test_a_neighbour_never_gets_more_than_who_lends_and_nobody_beyond_three_turns(places: list[tuple[int, float]]) -> None:
    turns = np.array([turn for turn, _ in places], dtype=np.int32)
    scores = by_words([Found("word", turns, np.array([weight for _, weight in places], dtype=np.float32))], memories=50, ranking=STANDARD)
    assert scores is not None
    own, lent = scores.own["word"], scores.lent["word"]
    assert (lent >= own).all()
    assert lent.max() == own.max()
    near = {turn + step for turn in turns.tolist() for step in range(-3, 4)}
    assert {place + scores.first for place in np.flatnonzero(lent).tolist()} == near
    best = scores.best(5)
    assert best == sorted(near, key=lambda turn: (-scores.total[turn - scores.first], -turn))[:5]


@pytest.mark.parametrize(
    ("sign", "there", "missing"),
    [
        (asks_when, ("Wann warst du da?", "which year was it?", "how long did it take?"), ("who was it when it began?", "Wo?")),
        (asks_how_many, ("Wie viele Hunde?", "how often", "How old is she?"), ("how?", "Wie geht es?")),
        (tells_time, ("Wir waren gestern da", "two days ago", "in 2019"), ("never mind", "nie")),
        (tells_number, ("drei Hunde", "twice", "12 of them"), ("dogs", "Hunde")),
        (in_first_person, ("mein Hund", "I do", "our house"), ("mine field is a word", "Hundemeinung")),
        (only_asks, ("Really? ", "本当？"), ("Really? Yes.", "")),
    ],
)
def test_signs_of_telling_and_asking_in_both_languages(
    sign: Callable[[str], bool], there: tuple[str, ...], missing: tuple[str, ...]
) -> None:
    assert [text for text in there if not sign(text)] == []
    assert [text for text in missing if sign(text)] == []


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(words=st.lists(st.sampled_from(["dog", "cat", "rome", "tea", "?", "I", "two", "yesterday"]), min_size=1, max_size=8))
def test_every_hit_is_of_the_container_and_has_a_reason(backend: Backend, who: Actor, words: list[str]) -> None:
    text = " ".join(words)
    place = Group(hashlib.sha256(text.encode()).hexdigest())
    with backend.memory.scope(place, actor=who, action="memory.add", create=True) as memory:
        memory.add(text, speaker="Ana", said_at=MAY)
        found = ScopedMemory.search(memory, text)
    assert all(hit.memory.text == text and hit.parts for hit in found)


def test_control_the_order_of_words_alone_would_be_another(backend: Backend, who: Actor) -> None:
    """Without neighbours and signs the answer to the colour is not found at all."""
    talk(backend, who)
    bare = replace(STANDARD, before=(), after=(), day=0.0)
    with backend.memory.scope(CLUB, actor=who) as memory:
        found = replace(memory, ranking=bare).search("What colour is the violin?")
    assert "Dark red." not in [hit.memory.text for hit in found]
