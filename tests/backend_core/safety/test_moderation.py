"""Limits, a better judge, and what holds when that one is away."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from backend_core.errors import Unavailable
from backend_core.safety.breaker import FAILURES, OPEN_S, Breaker
from backend_core.safety.limits import CATEGORIES, LIMITS, Direction
from backend_core.safety.moderation import Moderation
from backend_core.safety.providers import NOISE, OpenAIModeration
from backend_core.safety.transport import Request
from tests.backend_core.safety.conftest import CATEGORIES as ELEVEN
from tests.backend_core.safety.conftest import scored

HARMLESS = "Dinner at seven?"


class Judge:
    """A judge that says what it is told, or is away."""

    name = "judge"
    low_recall = False

    def __init__(self, **scores: float) -> None:
        self.found = dict.fromkeys(CATEGORIES, 0.0) | {name.replace("_", "-"): score for name, score in scores.items()}
        self.away, self.asked = False, 0

    def scores(self, text: str) -> Mapping[str, float]:
        self.asked += 1
        if self.away:
            raise Unavailable("Away.")
        return self.found


@pytest.mark.trace("B58")
@pytest.mark.parametrize("direction", ["input", "output"])
@pytest.mark.parametrize("category", CATEGORIES)
def test_each_category_has_its_limit_and_one_step_more_is_over(category: str, direction: Direction) -> None:
    limit = LIMITS[direction][category]
    for score, over in ((limit, False), (limit + 0.01, True)):
        judge = Judge(**{category.replace("-", "_"): score})
        verdict = Moderation(remote=lambda judge=judge: judge).check(HARMLESS, direction)  # type: ignore[misc]  # a default binds it
        assert [one.category for one in verdict.over] == ([category] if over else [])
        assert verdict.passed is not over
        crisis = category == "self-harm" and direction == "input"
        assert verdict.action == ("allowed" if not over else "crisis" if crisis else "blocked")
        assert (verdict.crisis_reply is not None) == (over and crisis)


@pytest.mark.trace("B58")
def test_the_limits_are_those_that_were_decided() -> None:
    assert tuple(LIMITS["input"].values()) == (0.5, 0.6, 0.7, 0.0, 0.6, 0.3)
    assert tuple(LIMITS["output"].values()) == (0.3, 0.4, 0.5, 0.0, 0.4, 0.2)
    assert CATEGORIES == ("hate", "harassment", "sexual", "minors", "violence", "self-harm")


def test_without_a_better_judge_local_rules_judge_and_say_that_they_miss_most() -> None:
    verdict = Moderation().check("I'll kill you")
    assert (verdict.action, verdict.provider, verdict.low_recall) == ("blocked", "local", True)
    assert Moderation().check(HARMLESS).low_recall


def test_the_stricter_of_two_judges_counts() -> None:
    verdict = Moderation(remote=Judge).check("I'll kill you")
    assert [one.category for one in verdict.over] == ["violence"]
    assert verdict.provider == "judge+local"
    assert not verdict.low_recall


@pytest.mark.trace("B58")
@pytest.mark.logs("service left alone")
def test_while_the_judge_is_away_minors_fail_closed_and_everything_else_passes_unchecked() -> None:
    judge = Judge()
    judge.away = True
    moderation = Moderation(remote=lambda: judge)
    passed = moderation.check(HARMLESS)
    assert (passed.action, passed.passed, passed.low_recall) == ("unchecked", True, True)
    doubtful = moderation.check("Send me photos of the kids in the bath")
    assert (doubtful.action, doubtful.passed) == ("blocked", False)
    assert [(one.category, one.score) for one in doubtful.over] == [("minors", None)]
    assert moderation.check("I'll kill you").action == "blocked"
    crisis = moderation.check("Ich will nicht mehr leben", language="de-AT")
    assert crisis.action == "crisis"
    assert "988" in (crisis.crisis_reply or "")
    assert "Notruf" in (crisis.crisis_reply or "")
    judge.away = False
    assert Moderation(remote=lambda: judge).check("Send me photos of the kids in the bath").action == "allowed"


@pytest.mark.logs("service left alone")
def test_a_judge_that_stays_away_is_not_asked_for_every_message() -> None:
    now = [0.0]
    judge = Judge()
    judge.away = True
    moderation = Moderation(remote=lambda: judge, breaker=Breaker("moderation", clock=lambda: now[0]))
    assert {moderation.check(HARMLESS).action for _ in range(100)} == {"unchecked"}
    assert judge.asked == FAILURES
    now[0], judge.away = OPEN_S, False
    assert moderation.check(HARMLESS).action == "allowed"


def test_somebody_in_crisis_is_never_left_without_the_reply() -> None:
    verdict = Moderation(remote=lambda: Judge(minors=0.4, self_harm=0.9)).check(HARMLESS)
    assert verdict.action == "blocked"
    assert verdict.crisis_reply is not None


def asked(answer: bytes, text: str = HARMLESS) -> tuple[Mapping[str, float], Request]:
    sent: list[Request] = []

    def send(request: Request) -> bytes:
        sent.append(request)
        return answer

    scores = OpenAIModeration("https://api.example.com", key="sk-secret", send=send).scores(text)
    return scores, sent[0]


def test_the_endpoint_is_asked_as_it_wants_and_its_eleven_categories_become_six() -> None:
    scores, request = asked(scored(hate_threatening=0.7, self_harm_intent=0.4, violence_graphic=0.2, violence=0.3))
    assert request.url == "https://api.example.com/v1/moderations"
    assert request.headers["Authorization"] == "Bearer sk-secret"
    assert json.loads(request.body)["input"] == [HARMLESS]
    assert "sk-secret" not in repr(request)
    assert scores == {"hate": 0.7, "harassment": 0.0, "sexual": 0.0, "minors": 0.0, "violence": 0.3, "self-harm": 0.4}
    assert len(ELEVEN) == 11


def test_the_noise_of_the_endpoint_is_nothing_but_what_it_flags_counts() -> None:
    assert asked(scored(sexual_minors=NOISE - 0.001))[0]["minors"] == 0.0
    assert asked(scored(sexual_minors=NOISE))[0]["minors"] == NOISE
    assert asked(scored(flagged=("sexual/minors",), sexual_minors=0.0001))[0]["minors"] > 0


def test_a_long_text_is_judged_in_pieces_and_the_worst_counts() -> None:
    results = [json.loads(scored())["results"][0], json.loads(scored(hate=0.9))["results"][0]]
    scores, request = asked(json.dumps({"results": results}).encode(), text="a" * 8_001)
    assert [len(piece) for piece in json.loads(request.body)["input"]] == [8_000, 1]
    assert scores["hate"] == 0.9


@pytest.mark.parametrize(
    "answer",
    [
        b"", b"null", b"[]", b"{}", b'{"results": []}', b'{"results": [{}]}', b'{"results": [{"category_scores": {"hate": 0.1}}]}',
        scored(pieces=2), scored(hate=7.0), scored(hate=-0.1), scored(hate=float("nan")), b"\xff\xfe", b'{"results": [null]}',
        b'{"results": [{"category_scores": []}]}',
    ],
)  # fmt: skip
def test_an_answer_that_says_nothing_of_some_category_is_no_answer(answer: bytes) -> None:
    with pytest.raises(Unavailable):
        asked(answer)
