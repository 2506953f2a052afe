"""Terms: the same for what was said and for what is looked for, in whatever form a word or a day is written."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend_core.memory.conflicts import contradicts
from backend_core.memory.dates import date_terms, day_terms, is_date
from backend_core.memory.indexing import Entry
from backend_core.memory.terms import LONGEST, asked, terms, words


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("went swimming", "go swim"),
        ("Her children bought mice", "she buys a mouse for a kid"),
        ("Die Häuser wurden größer", "das Haus ist GROSS"),
        ("Er hat ein Auto gekauft", "er kauft Autos"),
        ("Gestern gegangen", "gestern gehen"),
        ("Straße", "STRASSE"),
        ("café in Zürich", "CAFE Zurich"),
        ("three dogs", "3 dogs"),
        ("1,500 metres", "1500 metre"),
        ("3,5 Kilo", "3.5 kilos"),
        ("Caroline’s 2nd party", "caroline 2 parties"),
        ("les maisons", "la maison"),
        ("большие музеи", "большой музей"),
    ],
)
def test_forms_of_a_word_meet(one: str, other: str) -> None:
    shared = set(terms(one)) & set(terms(other))
    assert shared >= set(terms(other)) - {"for", "la"} or len(shared) >= len(set(terms(one))) - 1
    assert shared


def test_scripts_without_spaces_are_cut_into_pairs() -> None:
    assert terms("北京大学") == ["北京", "京大", "大学"]
    assert set(terms("北京")) <= set(terms("我在北京"))


def test_words_that_say_nothing_are_left_out_but_not_those_of_the_other_language_that_say_something() -> None:
    assert terms("What did you do with it, und warum?") == []
    assert terms("The war hat would die") == ["war", "hat", "would", "die"]


def test_a_question_tells_how_each_term_was_written() -> None:
    assert asked("Who WENT hiking, and went?") == {"go": "went", "hik": "hiking"}


@given(st.text())
def test_any_text_gives_terms_that_fit_the_index_and_are_stable(text: str) -> None:
    found = terms(text)
    assert all(0 < len(term) <= LONGEST and not is_date(term) for term in found)
    assert terms(text) == found
    assert [word for word in words(text) if not word] == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("on 8 May, 2023", {"@2023-05", "@2023-05-08"}),
        ("May 8th, 2023 at noon", {"@2023-05", "@2023-05-08"}),
        ("am 8. Mai 2023", {"@2023-05", "@2023-05-08"}),
        ("am 08.05.2023", {"@2023-05", "@2023-05-08"}),
        ("2023-05-08", {"@2023-05", "@2023-05-08"}),
        ("in September 2022", {"@2022-09"}),
        ("im März 2024", {"@2024-03"}),
        ("the 31st of February 2023", {"@2023-02"}),
        ("2023-13-01, 2023-02-31", set()),
        ("May I have 12 of these?", set()),
        ("at 10:30 with 2 friends", set()),
    ],
)
def test_days_and_months_are_found_however_they_are_written(text: str, found: set[str]) -> None:
    assert set(date_terms(text)) == found


def test_a_day_without_a_year_is_of_the_year_it_was_said_in() -> None:
    assert date_terms("on 8 May") == ()
    entry = Entry(uuid.uuid4(), 1, "party on 8 May", "Ana", dt.datetime(2023, 4, 1, tzinfo=dt.UTC))
    counts, length = entry.counts()
    assert counts == {"parti": 1, "8": 1, "may": 1, "ana": 1} | dict.fromkeys(("@2023-04", "@2023-04-01", "@2023-05", "@2023-05-08"), 1)
    assert length == 4
    assert day_terms(dt.date(2023, 4, 1)) == ("@2023-04", "@2023-04-01")


@pytest.mark.parametrize(
    ("newer", "older", "against"),
    [
        ("Ana does not eat meat", "Ana eats meat", True),
        ("Ana mag keinen Kaffee", "Ana mag Kaffee", True),
        ("Ana's birthday is on 7 May", "Ana's birthday is on 5 May", True),
        ("Ana wohnt jetzt in Hamburg", "Ana wohnt in Berlin", True),
        ("Ben lives in Hamburg", "Ana lives in Berlin", False),
        ("Ana is allergic to nuts", "Ana is allergic to cats", False),
        ("Ana's favorite food is pizza", "Ana's favorite color is red", False),
        ("Ana likes tea", "Ana likes coffee", False),
        ("Ana lives in Berlin", "Ana lives in Berlin", False),
    ],
)
def test_a_fact_contradicts_its_negation_and_another_value_of_what_has_only_one(newer: str, older: str, *, against: bool) -> None:
    assert contradicts(newer, older) is against
