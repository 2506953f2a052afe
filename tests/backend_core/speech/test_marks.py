"""Every token gets one mark, in order and without a gap in time."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from backend_core.speech.marks import marks
from backend_core.speech.normalise import normalise
from backend_core.speech.script import write
from backend_core.speech.segment import segment

TEXT = "Dr. Smith paid $1,234.50. It was the best of times!"
RATE = 1000


def marked(events: list[int], samples: int = 10_000) -> list[tuple[str, int, int]]:
    normalised = normalise(TEXT, language="en")
    lines = write(normalised, segment(normalised))
    found = marks(normalised.tokens, lines, events=events, samples=samples, sample_rate=RATE)
    return [(TEXT[mark.start : mark.end], mark.start_ms, mark.end_ms) for mark in found]


def test_several_words_inside_a_token_make_one_mark_at_the_first() -> None:
    # "Doctor Smith paid 1234 dollars 50." and "It was the best of times!"
    events = [0, 0, 5, 0, 7, 500, 0, 13, 900, 0, 18, 1200, 0, 23, 1900, 0, 31, 2500, 1, 0, 3000, 1, 3, 3200, 1, 7, 3400, 1, 11, 3600]
    assert marked(events)[:6] == [
        ("Dr.", 0, 500),
        ("Smith", 500, 900),
        ("paid", 900, 1200),
        ("$1,234.50", 1200, 3000),
        ("It", 3000, 3200),
        ("was", 3200, 3400),
    ]


def test_tokens_without_an_event_share_the_time_by_their_length() -> None:
    found = marked([1, 0, 5000])
    assert [low for _, low, _ in found] == sorted(low for _, low, _ in found)
    assert [high - low for word, low, high in found if word in {"of", "It"}] == [600, 600]
    assert found[-1][2] == 10_000


def test_an_event_between_tokens_belongs_to_the_next() -> None:
    found = {word: low for word, low, _ in marked([0, 0, 0, 0, 12, 700, 1, 0, 3000])}
    assert found["paid"] == 700


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 60), st.integers(0, 12_000)), max_size=30))
def test_whatever_the_engine_reports_marks_are_ordered_and_leave_no_gap(events: list[tuple[int, int, int]]) -> None:
    found = marked([value for event in events for value in event])
    assert [word for word, _, _ in found] == ["Dr.", "Smith", "paid", "$1,234.50", "It", "was", "the", "best", "of", "times"]
    assert found[0][1] == 0
    assert found[-1][2] == 10_000
    assert all(low <= high for _, low, high in found)
    assert all(before[2] == after[1] for before, after in pairwise(found))
