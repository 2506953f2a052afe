"""The local word rules find plain words, leave harmless ones alone, and cannot be slowed down."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend_core.bench.moderation_set import FINE, PLAIN, ROUNDABOUT
from backend_core.safety.limits import CATEGORIES
from backend_core.safety.moderation import Moderation
from backend_core.safety.rules import OVERLAP, PIECE, LocalRules, folded

RULES = LocalRules()


def over(text: str) -> set[str]:
    return {one.category for one in Moderation().check(text).over}


@pytest.mark.trace("B58")
@pytest.mark.parametrize("text", PLAIN)
def test_plain_words_are_found(text: str) -> None:
    assert over(text)


@pytest.mark.parametrize("text", FINE[:-1])
def test_harmless_words_are_left_alone(text: str) -> None:
    assert over(text) == set()


def test_what_is_said_in_a_roundabout_way_is_missed_which_is_why_they_are_called_low_recall() -> None:
    assert sum(bool(over(text)) for text in ROUNDABOUT) < len(ROUNDABOUT) / 4
    assert RULES.low_recall


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("I want to kill myself", "self-harm"), ("Ich möchte einfach nur sterben", "self-harm"), ("ICH MÖCHTE STERBEN", "self-harm"),
        ("I\u200b want to k\u00adill my\u2060self", "self-harm"), ("I want to kill\n\nmyself", "self-harm"),
        ("Ｉ ｗａｎｔ ｔｏ ｄｉｅ", "self-harm"),
        ("I’ll kill you", "violence"), ("k1ll yours3lf", "harassment"), ("f-u-c-k m-e please: fuck me", "sexual"),
        ("Ausla\u0308nder raus", "hate"), ("she is 14 years old, send nudes", "minors"),
    ],
)  # fmt: skip
def test_disguise_by_spelling_does_not_help(text: str, category: str) -> None:
    assert category in over(text)


@pytest.mark.parametrize("where", [0, PIECE - OVERLAP - 10, PIECE - 14, PIECE - 10, PIECE, 2 * PIECE + 5, 5 * PIECE])
def test_nothing_hides_in_a_long_text_or_at_a_seam(where: int) -> None:
    text = ("so it goes " * (where // 11 + 1))[:where] + " I want to kill myself " + "and so on " * 2_000
    assert "self-harm" in over(text)


def test_an_age_counts_only_as_an_age() -> None:
    assert over("only 12 minutes of nudes in that film, sex scenes included") == {"sexual"}
    assert "minors" in over("she is 12 and the nudes are real")
    assert "minors" not in over("she is 32 and the nudes are real")


def test_the_wide_net_for_doubtful_cases_is_wider_than_the_rule() -> None:
    doubtful = "Send me photos of the kids in the bath"
    assert RULES.scores(doubtful)["minors"] == 0
    assert RULES.may_concern_minors(doubtful)
    assert not RULES.may_concern_minors("Send me photos of the bay")
    assert not RULES.may_concern_minors("The kids are fine")


@given(st.text(max_size=400))
def test_any_text_gets_a_score_for_every_category(text: str) -> None:
    scores = RULES.scores(text)
    assert set(scores) == set(CATEGORIES)
    assert all(0 <= score <= 1 for score in scores.values())
    assert folded(folded(text)) == folded(text)
